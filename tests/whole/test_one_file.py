"""ELMo in one file, tutorials/elmo.py, computes what the package computes, in float64 and up to rounding."""

import ast
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.config.schema import BiLMConfig
from elmo_np.data.batches import whole_sentences
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.optim import SGD
from elmo_np.nn.parameter import parameters, zero_grad

from .test_equations import DEFINED, python_comments, tags

FILE = Path(__file__).parents[2] / "tutorials/elmo.py"
SOURCE = FILE.read_text(encoding="utf-8")
NAMES = {"E": "embedding.E", "Wx": "layers.0.Wx", "Wh": "layers.0.Wh", "b": "layers.0.b", "Ws": "softmax.W",
         "bs": "softmax.b"}
V, D, H, B = 11, 3, 5, 4        # all different: a product with a wrong factor has a wrong shape
SENTENCES = ["a b c d e", "h g a a f", "c b a c a", "f e d h g"]      # "c b a c a" has words twice


@pytest.fixture
def file():
    """The file as a module, loaded anew for each test."""
    spec = importlib.util.spec_from_file_location("elmo_in_one_file", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pair(file, rng):
    """The two models of the file, the package's model with the same values, and the words of both."""
    ids = file.build_vocabulary(SENTENCES)
    assert len(ids) == V
    fwd = file.new_language_model(V, D, H, rng)
    bwd = file.new_language_model(V, D, H, rng)
    for array in (*fwd.values(), *bwd.values()):
        array += rng.normal(size=array.shape) / 2      # where every gate acts, and no bias is zero
    model = BiLM(BiLMConfig(embedding_dim=D, hidden_dim=H), V, rng=None, dtype=np.float64)
    for name, parameter in parameters(model).items():
        parameter.value[...] = of(fwd, bwd, name)
    return fwd, bwd, model, ids


def of(fwd, bwd, name):
    """The file's array for a name of the package, such as forward_lm.layers.0.Wx."""
    direction, _, rest = name.partition("_lm.")
    short, = (key for key, dotted in NAMES.items() if dotted == rest)
    return {"forward": fwd, "backward": bwd}[direction][short]


def same(one, other):
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def batch(file, ids):
    """The sentences as the file reads them (T+2, B), and as the package does."""
    encoded = [file.encode(sentence, ids) for sentence in SENTENCES]
    return np.array(encoded).T, whole_sentences(encoded)


def test_losses_and_gradients_are_the_package_s(file, pair, each_backend):
    fwd, bwd, model, ids = pair
    words, packed = batch(file, ids)
    loss_f, gradients_f = file.loss_and_gradients(fwd, words)
    loss_b, gradients_b = file.loss_and_gradients(bwd, words[::-1])
    loss, _, cache = model.forward(packed)
    model.backward(1.0, cache)
    same([loss_f, loss_b], loss)
    assert len(parameters(model)) == 2 * len(NAMES)
    for name, parameter in parameters(model).items():
        assert np.abs(parameter.grad).max() > 1e-3
        same(of(gradients_f, gradients_b, name), parameter.grad)


def test_one_and_several_updates_are_the_package_s(file, pair, each_backend):
    fwd, bwd, model, ids = pair
    words, packed = batch(file, ids)
    optimizer = SGD(parameters(model), 0.3, momentum=0.9, nesterov=True)
    before = fwd["Wh"].copy()
    velocity_f = {}
    velocity_b = {}
    for _ in range(5):
        zero_grad(model)
        _, _, cache = model.forward(packed)
        model.backward(1.0, cache)
        optimizer.step()
        file.update(fwd, file.loss_and_gradients(fwd, words)[1], velocity_f, 0.3)
        file.update(bwd, file.loss_and_gradients(bwd, words[::-1])[1], velocity_b, 0.3)
        for name, parameter in parameters(model).items():
            same(of(fwd, bwd, name), parameter.value)
    assert np.abs(fwd["Wh"] - before).max() > 0.05


def test_training_updates_both_directions_as_the_package_does(file, pair, rng, each_backend):
    """The sentences are of one length: one batch per epoch."""
    fwd, bwd, model, ids = pair
    encoded = [file.encode(sentence, ids) for sentence in SENTENCES]
    optimizer = SGD(parameters(model), 0.5, momentum=0.9, nesterov=True)
    for _ in range(3):
        zero_grad(model)
        _, _, cache = model.forward(whole_sentences(encoded))
        model.backward(1.0, cache)
        optimizer.step()
    file.train(fwd, bwd, encoded, encoded, rng, epochs=3)
    for name, parameter in parameters(model).items():
        same(of(fwd, bwd, name), parameter.value)


def test_the_vector_of_a_word_is_the_package_s(file, pair, rng, each_backend):
    fwd, bwd, model, ids = pair
    elmo = ELMo(model, Vocabulary(list(ids)))
    W = elmo.word_vector.W.value
    W[...] = rng.normal(size=W.shape)
    b = elmo.word_vector.b.value
    b[...] = rng.normal(size=b.shape)
    for sentence in [*SENTENCES[:2], "e z h"]:         # the package knows no z either
        for word in ("e", "h"):
            if word in sentence.split():
                same(file.vector(word, sentence, ids, fwd, bwd, W, b), elmo.vector(word, sentence))


def test_perplexity_is_over_all_words_of_all_batches(file, pair):
    fwd, _, model, ids = pair
    encoded = [file.encode(sentence, ids) for sentence in ("a b", "c d e f g h")]
    nll = [model.forward_lm.nll(*whole_sentences([words]).forward[:2])[0].sum() for words in encoded]
    same(file.perplexity(fwd, [np.array([words]).T for words in encoded]), np.exp(sum(nll) / (3 + 7)))


def test_its_gradient_check_passes_and_finds_a_wrong_gradient(file, rng, monkeypatch):
    lm = file.new_language_model(V=7, D=3, H=4, rng=rng)
    words = rng.integers(7, size=(6, 2))
    assert max(file.gradient_errors(lm, words).values()) < 1e-6
    right = file.softmax_backward
    monkeypatch.setattr(file, "softmax_backward", lambda *args: [1.01 * part for part in right(*args)])
    assert min(file.gradient_errors(lm, words).values()) > 1e-3


def test_a_batch_has_sentences_of_one_length_and_an_epoch_each_sentence_once(file, rng):
    encoded = [[0, *[k] * (1 + k % 3), 1] for k in range(20)]
    found = file.batches(encoded, B, rng)
    assert max(words.shape[1] for words in found) == B
    assert sorted(column.tolist() for words in found for column in words.T) == sorted(encoded)


def test_an_unknown_word_is_read_as_such(file):
    ids = file.build_vocabulary(["b a"])
    assert list(ids) == ["<S>", "</S>", "<UNK>", "a", "b"]
    assert file.encode("a zebra", ids) == [0, 3, 2, 1]


def test_every_sense_has_a_line_for_each_part_of_a_pattern(file, rng):
    written = dict(file.write_sentence(rng) for _ in range(500))
    assert set(written.values()) == set(file.SENSES)
    for sentence, sense in written.items():
        assert sense.split("/")[0] in sentence.split()
        assert sentence == sentence.lower()


def test_the_whole_file_runs_and_tells_senses_apart(file, capsys):
    file.main(number=3000, epochs=6)
    printed = capsys.readouterr().out
    errors = [float(error) for error in re.findall(r"d\w+ (\S+e-\d+)", printed)]
    assert len(errors) == len(NAMES)
    assert max(errors) < 1e-6
    epochs = re.findall(r"^epoch +\d+: .*? ([\d.]+) forward, +([\d.]+) backward$", printed, re.MULTILINE)
    assert len(epochs) == 6
    assert all(float(last) < 4 < float(first) for first, last in zip(epochs[0], epochs[-1], strict=True))
    shares = dict(re.findall(r"^(\w+): .* has the same sense in (\d+)% of", printed, re.MULTILINE))
    assert list(shares) == ["bank", "bat"]
    assert all(int(share) > 65 for share in shares.values())       # by chance it is about one half


def test_it_is_short_plain_and_needs_numpy_alone():
    lines = SOURCE.splitlines()
    assert len(lines) <= 250
    imports = [line for line in lines if re.match(r"\s*(import|from)\s", line)]
    assert imports == ["import numpy as np"]
    tree = ast.parse(SOURCE)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert max(node.end_lineno - node.lineno + 1 for node in functions) < 40
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    assert [node.lineno for node in assigned if isinstance(node.value, ast.Tuple) and len(node.targets) > 1] == []
    pairs = [node.lineno for node in assigned
             if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)]
    assert pairs == []          # one assignment per line


def test_its_tags_are_those_of_the_sheet():
    found = [tags(comment) for _, comment, code in python_comments(SOURCE) if code]
    carried = set().union(*found)
    assert carried <= set(DEFINED)
    assert carried == {"E1", "L1", "L2", "L3", "L5", "L6", "S1", "S2", "S3", "B1", "B2", "O2", "O4", "P1", "V1", "V2"}
