"""torch_language_model: PyTorch's language models predict here what they predict there."""

import json
import math
from importlib.util import find_spec

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.errors import UserError
from elmo_np.io.torch_language_model import read
from tests.models_of_others import TORCH
from tests.models_of_others.make import TEXT, torch_files
from tests.torch_writer import Call, legacy, parameter_of_0_3, tensor

KEPT = sorted(path.name for path in TORCH.glob("*.pt"))
V, D, H = 5, 2, 3
WORDS = ["<eos>", "the", "<unk>", "cat", "sat"]


def agrees(path, expected):
    """- log2 p of every word within the promised 1e-5 bits."""
    model, words = read(path, path.with_name("vocab.txt"))
    for sentence, bits in zip(TEXT, expected, strict=True):
        ids = np.array(words.encode(sentence))[:, None]
        nll, _ = model.forward_lm.nll(ids[:-1], ids[1:])
        np.testing.assert_allclose(nll[:, 0] / math.log(2), bits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", KEPT)
def test_a_model_that_pytorch_wrote_predicts_what_pytorch_computes(name, each_backend):
    agrees(TORCH / name, json.loads((TORCH / "bits.json").read_text())[name])


@pytest.mark.skipif(not find_spec("torch"), reason="PyTorch is not installed")
@pytest.mark.filterwarnings("ignore")
def test_models_that_pytorch_makes_now_agree(tmp_path):
    """Two cells, tied or not, state dicts and modules in both containers."""
    torch_files(tmp_path / "torch")
    expected = json.loads((tmp_path / "torch/bits.json").read_text())
    assert len(expected) == 16
    for name, bits in expected.items():
        agrees(tmp_path / "torch" / name, bits)


# What other files may hold


def arrays(gates=4, layers=1, tie=False, **changes):
    rng = np.random.default_rng(3)
    shapes = {"encoder.weight": (V, D), "decoder.weight": (V, H), "decoder.bias": (V,)}
    for k in range(layers):
        shapes |= {f"rnn.weight_ih_l{k}": (gates * H, H if k else D), f"rnn.weight_hh_l{k}": (gates * H, H),
                   f"rnn.bias_ih_l{k}": (gates * H,), f"rnn.bias_hh_l{k}": (gates * H,)}
    found = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: array for name, array in {**found, **changes}.items() if array is not None}


def write(folder, found=None, words=WORDS, make=tensor, value=dict):
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
    found = arrays() if found is None else found
    state = value({name: make(name, array) for name, array in found.items()})
    return legacy(folder / "model.pt", state, found), folder / "vocab.txt"


def refused(*paths):
    with pytest.raises(UserError) as error:
        read(*paths)
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(paths[0].parent), "..")


def test_the_words_keep_their_ids_and_begin_after_the_end(tmp_path):
    found = arrays()
    model, words = read(*write(tmp_path, found))
    assert words.words == ["</S>", "the", "<UNK>", "cat", "sat", "<S>"]
    assert words.ids(["the", "<unk>", "<eos>", "new"]) == [1, 2, 2, 2]
    E = model.forward_lm.embedding.E.value
    np.testing.assert_array_equal(E, found["encoder.weight"][[0, 1, 2, 3, 4, 0]])
    assert model.config.directions == ("forward",)


def test_the_begin_of_a_sentence_is_never_predicted_and_takes_no_probability(tmp_path):
    model, words = read(*write(tmp_path))
    log_p, _ = model.forward_lm.next_word(np.array([[words.bos], [1]]))
    p = np.exp(log_p[0])
    assert p[words.bos] == 0
    assert p.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("home", ["", "model.", "module."])
def test_a_dict_within_a_dict_and_a_model_of_several_gpus_are_found(tmp_path, home):
    found = {home + name: array for name, array in arrays(layers=2).items()}
    model, _ = read(*write(tmp_path, found, value=lambda state: {"epoch": 3, "optimizer": {}, "best": state}))
    assert model.config.layers == 2


def test_a_parameter_of_the_oldest_release_is_read(tmp_path):
    model, _ = read(*write(tmp_path, make=parameter_of_0_3))
    np.testing.assert_array_equal(model.forward_lm.embedding.E.value[:-1], arrays()["encoder.weight"])


def test_equal_values_in_two_arrays_are_a_tied_softmax(tmp_path):
    """As where each array was moved to the CPU on its own."""
    found = arrays(**{"decoder.weight": np.ones((V, H), np.float32), "encoder.weight": np.ones((V, H), np.float32),
                      "rnn.weight_ih_l0": np.ones((4 * H, H), np.float32)})
    assert read(*write(tmp_path, found))[0].config.tie
    found["decoder.weight"][0, 0] = 2
    assert not read(*write(tmp_path, found))[0].config.tie


def test_a_dictionary_that_neural_complexity_saved_is_the_vocabulary(tmp_path):
    path, vocabulary = write(tmp_path)
    expected = read(path, vocabulary)[1]
    state = {"word2idx": {word: k for k, word in enumerate(WORDS)}, "idx2word": WORDS}
    legacy(vocabulary, Call("data Dictionary", state=state, new=True), {}, keys=[])
    assert read(path, vocabulary)[1] == expected == ELMo.load(tmp_path).vocabulary
    assert ELMo.load(path).vocabulary == expected
    legacy(vocabulary, Call("data Dictionary", state={"idx2word": [*WORDS[:-1], 3]}, new=True), {}, keys=[])
    assert refused(path, vocabulary).startswith("../vocab.txt is a file of PyTorch without a list idx2word: expected t")
    legacy(vocabulary, Call("data Dictionary", state={"idx2word": ["the"]}, new=True), {}, keys=[])
    assert refused(path, vocabulary).startswith("../vocab.txt: it has no <eos> or no <unk>, expected both")


@pytest.mark.parametrize(("changes", "message"), [
    ({"encoder.weight": None}, "../model.pt: found no encoder.weight, expected an LSTM or a GRU of PyTorch's"),
    ({"decoder.bias": None}, "../model.pt: found nothing for decoder.bias, expected float32(5,)"),
    ({"rnn.weight_hh_l0": None}, "../model.pt: found nothing for rnn.weight_hh_l0, expected an LSTM"),
    ({"rnn.bias_hh_l0": None}, "../model.pt: found nothing for rnn.bias_hh_l0, expected float32(12,): expected"),
    ({"rnn.weight_ih_l0": np.zeros((12, 3), np.float32)}, "../model.pt: found float32(12, 3) for rnn.weight_ih_l0, ex"),
    ({"rnn.weight_hh_l0": np.zeros((3, 3), np.float32)}, "../model.pt: found 3 rows for 3 cells in rnn.weight_hh_l0"),
    ({"rnn.weight_hh_l0": np.zeros((0, 0), np.float32)}, "../model.pt: found float32(0, 0) for rnn.weight_hh_l0"),
    ({"rnn.weight_ih_l0_reverse": np.zeros((12, 2), np.float32)}, "../model.pt has rnn.weight_ih_l0_reverse, which su"),
    ({"rnn.weight_hr_l0": np.zeros((1, 3), np.float32)}, "../model.pt has rnn.weight_hr_l0, which such a model"),
    ({"encoder.weight": np.zeros((V, D), np.int64)}, "../model.pt: found Long values of shape (5, 2) for encoder.wei"),
    ({"encoder.weight": np.zeros((4, D), np.float32)}, "../model.pt: found float32(4, 2) for encoder.weight, expected"),
    ({"decoder.bias": np.full(V, np.inf, np.float32)}, "../model.pt: decoder.bias holds a value that is not finite")])
def test_another_model_is_refused_by_the_array_that_shows_it(tmp_path, changes, message):
    assert refused(*write(tmp_path, arrays(**changes))).startswith(message)


@pytest.mark.parametrize(("words", "message"), [
    (["a", "b", "c", "d", "<unk>"], "../vocab.txt: it has no <eos> or no <unk>, expected both"),
    (["<eos>", "<unk>", "a", "a", "b"], "../vocab.txt: line 4 of the vocabulary repeats 'a'"),
    (["<eos>", "<unk>", "a", "b"], "../model.pt: found float32(5, 2) for encoder.weight, expected float32(4, 2): a row "
     "for each word: are these the words of the model?"),
    ([], "../vocab.txt: it is empty")])
def test_words_that_are_not_those_of_the_model_are_refused(tmp_path, words, message):
    assert refused(*write(tmp_path, words=words)).startswith(message)
