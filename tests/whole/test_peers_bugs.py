"""What other implementations of ELMo get wrong is right here. A comment names the peer and its defect."""

import math

import numpy as np
import pytest

from elmo_np import ELMo, Vocabulary
from elmo_np.config.schema import BiLMConfig, Settings
from elmo_np.config.toml_files import replaced
from elmo_np.data.corpus import TextCorpus
from elmo_np.data.vocabulary import SPECIAL_TOKENS
from elmo_np.errors import UserError
from elmo_np.inference.elmo import save_model
from elmo_np.inference.evaluate import evaluate
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.characters import END, marks, to_char_ids
from elmo_np.nn.representation import ScalarMix
from elmo_np.training.initial_model import new_elmo
from tests.embedding_helpers import CORPUS, VOCABULARY, of_characters, of_words

SENTENCES = CORPUS[:30]
KINDS = {"words": of_words, "characters": of_characters}


@pytest.fixture(params=KINDS)
def elmo(request):
    return KINDS[request.param]()


def with_h5py():
    """What the tests of published weights have."""
    pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")
    from tests.io import test_bilm_tf_reader as test_bilm_tf
    return test_bilm_tf


def close(one, other):
    """Equal to 1e-6 of the largest number: float32, in another batch."""
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * np.abs(other).max(initial=1))


# Vocabulary and characters


def test_a_vocabulary_without_the_marks_is_refused_and_no_word_is_read_as_the_end():
    # bilm-tf: both marks are then number -1, and the last word of the vocabulary is spelled like </S>.
    with pytest.raises(UserError, match="the vocabulary has no <S> </S>"):
        Vocabulary(["<UNK>", "the", "cat", "sat"])
    words = Vocabulary(["the", "cat", *SPECIAL_TOKENS, "sat"])
    assert words.encode(["sat"]) == [words.bos, 5, words.eos]
    elmo = of_characters()
    last, end = elmo.vectors([["sat"]], 0, marks=True)[0][1:]
    assert np.abs(last - end).max() > 0.01


def test_no_word_of_a_long_list_is_read_as_a_mark_the_hundredth_included():
    # simple_elmo: it reads 100 lines of the vocabulary, and without marks among them the hundredth is spelled as </S>.
    words = [f"w{k}" for k in range(150)]
    elmo = of_characters()
    vectors = elmo.vectors([words], 0, marks=True)[0]
    for mark in vectors[[0, -1]]:
        assert np.abs(vectors[1:-1] - mark).max(axis=1).min() > 0.01
    close(vectors[1 + 99], elmo.vectors([["w99"]], 0)[0][0])
    known = Vocabulary([*words, *SPECIAL_TOKENS])
    assert known.ids(words) == list(range(150))
    by_id = new_elmo(replaced(Settings(), embedding_dim=4, hidden_dim=4, layers=1), known)
    assert len(np.unique(by_id.vectors([words], 0)[0].round(5), axis=0)) == 150


def test_a_blank_line_of_the_vocabulary_is_no_word(tmp_path):
    # bilm-tf, simple_elmo: the empty string becomes a word with an id.
    (tmp_path / "vocabulary.txt").write_text("<S>\n</S>\n<UNK>\nthe\n\ncat\n")
    with pytest.raises(UserError, match=r"vocabulary\.txt: line 5 of the vocabulary is blank"):
        Vocabulary.load(tmp_path / "vocabulary.txt")


def test_a_word_that_is_cut_in_the_middle_of_a_letter_keeps_its_end_mark_as_in_the_original():
    # Not a defect: published weights were trained like this, and a cut between letters would give other vectors.
    k, = to_char_ids(["Ā" + "t" * 46 + "Ā"], 50)        # 50 bytes, of which 48 fit: the last letter is halved
    assert k.tolist() == [259, 0xC4 + 1, 0x80 + 1, *[ord("t") + 1] * 46, END]
    k, = to_char_ids(["t" * 47 + "Ā"], 50)
    assert k.tolist() == [259, *[ord("t") + 1] * 47, 0xC4 + 1, END]


def test_a_token_that_reads_like_a_mark_is_no_mark():
    # AllenNLP: "<S>" in a sentence begins one; bilm-tf: likewise if it is in the vocabulary.
    elmo = of_characters()
    begin, literal_begin, literal_end, end = elmo.vectors([["<S>", "</S>"]], 0, marks=True)[0]
    assert np.abs(begin - literal_begin).max() > 0.01
    assert np.abs(end - literal_end).max() > 0.01
    assert not (to_char_ids(["<S>", "</S>"], 50) == marks(50)).all(axis=1).any()
    words = VOCABULARY
    assert words.ids(["<S>", "</S>"]) == [words.unk, words.unk]


# Layers, padding, averages


def test_padding_has_no_layer_0_and_no_other():
    # bilm-tf, simple_elmo: layer 0 is that of a padding word, of norm 0.2 to 0.4, where a position has no word.
    for model in (kind().model for kind in KINDS.values()):
        words = np.ones((9, 2) if model.config.char_filters is None else (9, 2, 16), np.int64)
        for direction in model.encode(words, np.array([9, 4]))[0]:
            for layer in direction:
                assert not layer[4:, 1].any()
                assert layer[:, 0].any(axis=-1).all()


def test_a_mix_is_zero_at_padding(rng):
    # bilm-tf: normalised layers are (0 - mean) / deviation there.
    mask = np.array([[True, True, False]])
    e, _ = ScalarMix(2, layer_norm=True).forward(rng.normal(3, 1, (2, 1, 3, 4)).astype(np.float32), mask)
    assert not e[~mask].any()


@pytest.mark.parametrize("layer", ["average", "top", "mix", 0, "all"])
def test_the_mean_of_a_short_sentence_is_the_same_alone_and_beside_one_of_twenty_words(elmo, layer):
    # simple_elmo: the sum runs over padding too, and its layer 0 is not zero; cosine 0.50 to 0.57 on published weights.
    short, long = ["bank"], (SENTENCES[0] * 20)[:20]
    alone, = elmo.sentence_vectors([short], layer)
    beside, other = elmo.sentence_vectors([short, long], layer)
    close(beside, alone)
    close(alone, elmo.vectors([short], layer)[0].mean(axis=-2))
    close(other, elmo.vectors([long], layer)[0].sum(axis=-2) / 20)


def test_all_layers_come_as_layers_tokens_dim_and_each_is_the_one_that_it_says(elmo):
    # simple_elmo: layers="all" is reshaped where it should be transposed, and a "token" is a piece of several.
    for sentence, layers in zip(SENTENCES[:5], elmo.stream(SENTENCES[:5], "all"), strict=True):
        assert layers.shape == (3, len(sentence), 12)
        for j in range(3):
            close(layers[j], elmo.vectors([sentence], j)[0])
        for t, word in enumerate(sentence):
            close(layers[0, t], elmo.vectors([[word]], 0)[0][0])        # layer 0 knows no context


def test_the_marks_can_be_kept_and_the_words_are_the_same(elmo):
    # bilm-tf, simple_elmo: they are dropped, and there is no way to have them.
    for layer in "all", "top", "average", "mix", 0:
        for without, both in zip(elmo.stream(SENTENCES[:5], layer),
                                 elmo.stream(SENTENCES[:5], layer, marks=True), strict=True):
            assert both.shape[-2] == without.shape[-2] + 2
            close(both[..., 1:-1, :], without)
            assert both[..., 0, :].any()
            assert both[..., -1, :].any()
    for state in "reset", "warm", "carry":
        assert elmo.embed([["the"]], state, marks=True)[0].shape == (3, 3, 12)


# State


def test_vectors_depend_neither_on_the_batch_nor_on_the_order(elmo):
    # ELMoForManyLangs: sentences are shuffled, and the state goes from batch to batch.
    alone = [elmo.vectors([sentence])[0] for sentence in SENTENCES]
    order = np.random.default_rng(0).permutation(len(SENTENCES))
    for k, found in zip(order, elmo.stream([SENTENCES[k] for k in order]), strict=True):
        close(found, alone[k])


@pytest.mark.parametrize("state", ["reset", "warm"])
def test_the_same_sentence_twice_has_the_same_vectors(elmo, state):
    # bilm-tf, AllenNLP, simple_elmo: the state is carried, and nothing turns that off.
    one, between, two = elmo.embed([SENTENCES[0], SENTENCES[1], SENTENCES[0]], state)
    close(two, one)
    close(elmo.embed([SENTENCES[0]], state)[0], one)
    assert between.shape != one.shape or np.abs(between - one).max() > 0.01


def test_the_published_vectors_with_the_state_carried_are_there_for_those_who_ask(data):
    # AllenNLP: the state is reset on an inner module only.
    test_bilm_tf = with_h5py()
    elmo = ELMo.from_bilm_tf(*(data("bilm_tf_fixture") / name for name in ("options.json", "lm_weights.hdf5")))
    sentences = test_bilm_tf.SENTENCES
    reset, (first, second) = elmo.embed(sentences), [elmo.embed(sentences, "carry") for _ in range(2)]
    close(first[0], reset[0])
    assert np.abs(second[0] - first[0]).max() > 0.1
    elmo.reset_state()
    close(elmo.embed(sentences, "carry")[0], reset[0])


# Evaluation


@pytest.mark.parametrize("batch_size", [1, 2, 4, 8, 32])
@pytest.mark.parametrize("state", ["reset", "carry"])
def test_every_token_is_evaluated_at_any_batch_size(tmp_path, batch_size, state):
    # bilm-tf: of 39 tokens it evaluates 39, 30, 20, 0 and 0 at these batch sizes: what a full batch lacks is dropped.
    lengths = (9, 1, 14, 5, 10)
    (tmp_path / "text.txt").write_text("".join("a " * (n - 1) + "b\n" for n in lengths))
    vocabulary = Vocabulary.build([["a", "b"]])
    model = BiLM(BiLMConfig(embedding_dim=4, hidden_dim=5), len(vocabulary), rng=np.random.default_rng(0))
    found = evaluate(model, vocabulary, TextCorpus(tmp_path / "text.txt", name="text"), state=state,
                     batch_size=batch_size)
    assert sum(lengths) == 39
    assert (found.targets, found.sentences) == (39 + 5, 5)      # and an end mark a sentence
    one = evaluate(model, vocabulary, TextCorpus(tmp_path / "text.txt", name="text"), state=state, batch_size=1)
    assert found.forward == pytest.approx(one.forward, rel=1e-6)
    assert found.backward == pytest.approx(one.backward, rel=1e-6)


def test_perplexity_is_e_to_the_nats():
    # ELMo-keras: 2 to the nats. A model that knows nothing has as many choices as there are words.
    vocabulary = Vocabulary.build([["a", "b", "c", "d"]])
    model = BiLM(BiLMConfig(embedding_dim=4, hidden_dim=5), len(vocabulary), rng=np.random.default_rng(0))
    for lm in model.forward_lm, model.backward_lm:
        lm.softmax.W.value[...] = lm.softmax.b.value[...] = 0
    found = evaluate(model, vocabulary, [["a", "b", "c"]])
    assert found.forward_nats == pytest.approx(4 * math.log(7))
    assert found.forward == pytest.approx(7)
    assert found.backward == pytest.approx(7)


def test_each_direction_has_a_perplexity_of_its_own(tmp_path):
    # bilm-tf reports that of both together, ELMoForManyLangs the forward one alone.
    vocabulary = Vocabulary.build([["a", "b"]])
    model = BiLM(BiLMConfig(embedding_dim=4, hidden_dim=5, init_scale=1.0), len(vocabulary),
                 rng=np.random.default_rng(0))
    found = evaluate(model, vocabulary, [["a", "b", "a"], ["b"]])
    assert found.forward != pytest.approx(found.backward, rel=1e-3)
    assert found.geometric_mean == pytest.approx(math.sqrt(found.forward * found.backward))
    # ELMoForManyLangs: the sum of all losses over a number that counts targets which there are not.
    assert found.forward == pytest.approx(math.exp(found.forward_nats / 6))


# One layer


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_one_layer_is_saved_and_comes_back(tmp_path, kind):
    # bilm-tf: the names of its arrays are then others, and it cannot be read again.
    elmo = KINDS[kind](layers=1)
    settings = Settings(model=elmo.model.config)
    save_model(tmp_path / "model.safetensors", elmo, settings)
    elmo.vocabulary.save(tmp_path / "vocabulary.txt")
    again = ELMo.load(tmp_path)
    for one, other in zip(again.embed(SENTENCES[:3]), elmo.embed(SENTENCES[:3]), strict=True):
        assert one.shape[0] == 2
        np.testing.assert_array_equal(one, other)


def test_published_weights_of_one_layer_are_read_under_either_name(tmp_path):
    # bilm-tf: it writes RNN_0/RNN/LSTMCell and looks for RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell.
    test_bilm_tf = with_h5py()
    reference = test_bilm_tf.reference
    table = reference.options(**{"lstm.n_layers": 1})
    arrays = reference.weights(table)
    found = []
    for name in "MultiRNNCell/Cell0/LSTMCell", "LSTMCell":
        renamed = {key.replace("MultiRNNCell/Cell0/LSTMCell", name): array for key, array in arrays.items()}
        elmo = ELMo.from_bilm_tf(*reference.write(tmp_path, table, renamed), dtype=np.float64)
        found.append(elmo.embed([["The", "cat"]])[0])
    np.testing.assert_array_equal(*found)
    expected = reference.layers(table, arrays, ["The", "cat"])
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-12)
