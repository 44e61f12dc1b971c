"""Every `backward` of a layer refuses a gradient of another shape or dtype: kernels read memory without looking."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import elmo_np.nn
import elmo_np.tasks.nn
from elmo_np.config.cells import CELLS
from elmo_np.config.schema import BiLMConfig
from elmo_np.nn import shared_char_cnn
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.cell import cell_class
from elmo_np.nn.char_cnn import CharCNN, Filters, Highway
from elmo_np.nn.characters import to_char_ids
from elmo_np.nn.embedding import Embedding
from elmo_np.nn.language_model import LanguageModel
from elmo_np.nn.lstm import LSTM
from elmo_np.nn.representation import ScalarMix, WordVector
from elmo_np.tasks.nn.attention import AdditiveAttention, DotAttention
from elmo_np.tasks.nn.bilstm import BiLSTM
from elmo_np.tasks.nn.inputs import BagOfWords, WordInput
from elmo_np.tasks.nn.linear import Linear
from elmo_np.tasks.nn.pooling import AttentivePooling, Pooling
from elmo_np.tasks.nn.tuned_bilm import TunedBilm

pytestmark = pytest.mark.usefixtures("each_backend")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3, 5)).astype(np.float32)           # (T, B, D)
LENGTHS = np.array([4, 1, 3])
SPELLING = to_char_ids(["the", "cat", "sat", "on", "the", "mat"], 8).reshape(3, 2, 8)


def char_cnn(project=True):
    return CharCNN(((1, 2), (3, 4)), 3, 5 if project else 6, 8, highways=1, project=project, rng=RNG)


def cell(name):
    return cell_class(name).of_config(BiLMConfig(cell=name, hidden_dim=6), 5, rng=RNG, dtype=np.float32)


def language_model():
    config = BiLMConfig(embedding_dim=5, hidden_dim=6, layers=1)
    return LanguageModel(config, Embedding(9, 5, rng=RNG), None, rng=RNG)


def shared():
    config = BiLMConfig(embedding_dim=5, hidden_dim=6, char_filters=((1, 2), (3, 4)), char_dim=3, max_characters=8,
                        share_embedding=True, predict=False)
    return BiLM(config, 0, rng=RNG)._shared_cnn()


def of_filters(layer):
    e = RNG.normal(size=(3, 6, 2)).astype(np.float32)
    m, argmax = layer.forward(e, np.full(3, 3), True)
    return m, lambda dm: layer.backward(dm, e, argmax)


def of_shared(pair, direction):
    v, cache = shared_char_cnn.forward(pair, (SPELLING, SPELLING[:2]))
    return v[direction], lambda dv: shared_char_cnn.backward(
        pair, (dv, v[1]) if direction == 0 else (v[0], dv), cache)


def of(layer, *inputs, name="backward", forward="forward"):
    """Its output, which has the shape of the right gradient, and its backward of a gradient."""
    y, *_, cache = getattr(layer, forward)(*inputs)
    return y, lambda dy: getattr(layer, name)(dy, cache)


def tuned_bilm():
    return TunedBilm(BiLM(BiLMConfig(embedding_dim=5, hidden_dim=5), 9, rng=RNG), [0, 1])


def of_language_model(layer):
    outputs, _, cache = layer.encode(np.zeros((4, 3), int))
    return outputs[1], lambda dy: layer.encode_backward([None, dy], cache)


CASES = {
    "Embedding.backward": lambda: of(Embedding(9, 5, rng=RNG), np.zeros((4, 3), int)),
    "LSTM.backward": lambda: of(LSTM(5, 6, 2, rng=RNG), X, None, LENGTHS),
    **{f"{cell_class(name).__name__}.backward, {name}": lambda name=name: of(cell(name), X, None, LENGTHS)
       for name in CELLS},
    "LanguageModel.encode_backward": lambda: of_language_model(language_model()),
    "Filters.backward": lambda: of_filters(Filters(2, 2, 4, "relu", RNG, np.float32)),
    "Highway.backward": lambda: of(Highway(5, RNG, np.float32), X[0]),
    "CharCNN.backward": lambda: of(char_cnn(), SPELLING),
    "CharCNN.backward without projection": lambda: of(char_cnn(project=False), SPELLING),
    "CharCNN.encode_backward": lambda: of(char_cnn(), SPELLING[0], name="encode_backward", forward="encode"),
    "shared_char_cnn.backward": lambda: of_shared(shared(), 0),
    "shared_char_cnn.backward, backward direction": lambda: of_shared(shared(), 1),
    "WordVector.backward": lambda: of(WordVector(5, 6, rng=RNG), X),
    "ScalarMix.backward": lambda: of(ScalarMix(2, layer_norm=True), np.stack([X, X]), np.ones((4, 3), bool)),
    "Linear.backward": lambda: of(Linear(5, 2, rng=RNG), X),
    "BiLSTM.backward": lambda: of(BiLSTM(5, 6, rng=RNG), X, LENGTHS),
    "WordInput.backward": lambda: of(WordInput("mix", 2, 5, rng=RNG), np.stack([X, X])),
    "BagOfWords.backward": lambda: of(BagOfWords(9, 2), np.array([[3, 1, 2], [8, -1, 2]])),
    "Pooling.backward": lambda: of(Pooling("mean+max+attention", 5, rng=RNG), X, LENGTHS),
    "AttentivePooling.backward": lambda: of(AttentivePooling(5, 2, rng=RNG), X, LENGTHS),
    "TunedBilm.backward": lambda: of(tuned_bilm(), np.zeros((6, 3), int), LENGTHS),
    "AdditiveAttention.backward": lambda: of(AdditiveAttention(5, 5, 2, rng=RNG), X[:2], X, LENGTHS),
    "AdditiveAttention.score_backward": lambda: of(
        AdditiveAttention(5, 5, 2, rng=RNG), X[:2], X, name="score_backward", forward="score"),
    "DotAttention.backward": lambda: of(DotAttention(5, 5, rng=RNG), X[:2], X, LENGTHS),
    "DotAttention.score_backward": lambda: of(
        DotAttention(5, 5, rng=RNG), X[:2], X, name="score_backward", forward="score"),
}


def takes_arrays(function):
    """Whether a function is given a gradient in arrays, not only dloss."""
    first = [p for p in inspect.signature(function).parameters.values() if p.name.startswith("d")]
    return any("float" not in str(p.annotation) for p in first)


def found():
    """The name of every public backward of a layer that is given arrays."""
    for package in (elmo_np.nn, elmo_np.tasks.nn):
        for module in pkgutil.iter_modules(package.__path__):
            members = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
            if "backward" in members and takes_arrays(members["backward"]):
                yield f"{module.name}.backward"
            for layer in members.values():
                own = inspect.isclass(layer) and layer.__module__.startswith(package.__name__)
                if own and not inspect.isabstract(layer):
                    for name, method in inspect.getmembers(layer, inspect.isfunction):
                        public = not layer.__name__.startswith("_") and not name.startswith("_")
                        if public and name.endswith("backward") and takes_arrays(method):
                            yield f"{layer.__name__}.{name}"


def test_the_cases_are_all_there_are():
    assert {name.partition(",")[0].partition(" ")[0] for name in CASES} == set(found())


@pytest.mark.parametrize("name", CASES)
def test_the_right_gradient_is_taken_and_any_other_refused(name):
    y, backward = CASES[name]()
    backward(np.ones_like(y))
    for axis in range(y.ndim):
        for wrong in (np.delete(y, 0, axis), np.concatenate([y, y], axis), y.take([0], axis)):
            with pytest.raises(ValueError, match=r"float32.*expected float32\("):
                backward(wrong)
    for wrong in (y[None], y[0], y.T.copy(), y.reshape(-1), np.float32(1) + np.zeros((), np.float32)):
        with pytest.raises(ValueError, match=r"float32.*expected float32\("):
            backward(np.asarray(wrong))
    for dtype in (np.float64, np.float16, np.int32, np.int64, bool, np.complex64):
        with pytest.raises(ValueError, match=r"expected float32\("):
            backward(y.astype(dtype))
