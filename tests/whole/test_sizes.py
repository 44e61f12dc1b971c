"""Every layer refuses a size of nothing, and takes a batch of nothing as it does one of something."""

import inspect

import numpy as np
import pytest

from elmo_np import backend
from elmo_np.config.cells import CELLS
from elmo_np.nn.adaptive_softmax import AdaptiveSoftmax
from elmo_np.nn.cell import cell_class
from elmo_np.nn.char_cnn import CharCNN, Filters, Highway
from elmo_np.nn.embedding import Embedding
from elmo_np.nn.lstm import LSTM
from elmo_np.nn.matmul import matmul
from elmo_np.nn.parameter import Parameter
from elmo_np.nn.representation import ScalarMix, WordVector
from elmo_np.nn.sampled_softmax import SampledSoftmax
from elmo_np.nn.softmax import Softmax
from elmo_np.tasks.nn.attention import AdditiveAttention, DotAttention
from elmo_np.tasks.nn.bilstm import BiLSTM
from elmo_np.tasks.nn.crf import CRF
from elmo_np.tasks.nn.decoder import Decoder, Sizes
from elmo_np.tasks.nn.inputs import BagOfWords, WordInput
from elmo_np.tasks.nn.linear import Linear
from elmo_np.tasks.nn.pooling import POOLING_KINDS, AttentivePooling, Pooling, pool

RNG = np.random.default_rng(0)

# How each layer is made, from sizes that are all right.
LAYERS = {
    "Embedding": (lambda V, D: Embedding(V, D, rng=RNG), (9, 5)),
    "LSTM": (lambda D, H, P: LSTM(D, H, P, rng=RNG), (5, 6, 2)),
    "Softmax": (lambda P, V: Softmax(P, V, rng=RNG), (5, 9)),
    "AdaptiveSoftmax": (lambda P, V: AdaptiveSoftmax(P, V, rng=RNG), (5, 9)),
    "SampledSoftmax": (lambda P, V, samples: SampledSoftmax(P, V, samples=samples, rng=RNG), (5, 9, 3)),
    "Filters": (lambda w, C, n: Filters(w, C, n, "relu", RNG, np.float32), (2, 3, 4)),
    "Highway": (lambda F: Highway(F, RNG, np.float32), (5,)),
    "CharCNN": (lambda w, n, C, D, K: CharCNN([(w, n)], C, D, K, rng=RNG), (2, 3, 4, 5, 8)),
    "WordVector": (lambda width, out: WordVector(width, out, rng=RNG), (6, 4)),
    "ScalarMix": (lambda J: ScalarMix(J), (3,)),
    "Linear": (lambda D, C: Linear(D, C, rng=RNG), (5, 3)),
    "BiLSTM": (lambda D, H: BiLSTM(D, H, rng=RNG), (5, 6)),
    "CRF": (lambda C: CRF(C), (4,)),
    "AdditiveAttention": (lambda P, D, A: AdditiveAttention(P, D, A, rng=RNG), (5, 4, 3)),
    "DotAttention": (lambda P, D: DotAttention(P, D, rng=RNG), (5, 4)),
    "Decoder": (lambda *sizes: Decoder(Sizes(*sizes), rng=RNG), (9, 5, 6, 4, 3)),
    "BagOfWords": (lambda V, C: BagOfWords(V, C), (9, 3)),
    "AttentivePooling": (lambda D, A: AttentivePooling(D, A, rng=RNG), (5, 3)),
    "Pooling": (lambda D: Pooling("mean+max+attention", D, rng=RNG), (5,)),
    "WordInput": (lambda J, D: WordInput("mix", J, D, rng=RNG), (3, 5)),
}
for kind in map(cell_class, CELLS):
    LAYERS.setdefault(kind.__name__, (lambda D, H, kind=kind: kind(D, H, rng=RNG), (5, 6)))


@pytest.mark.parametrize("name", LAYERS)
def test_a_size_of_nothing_is_refused_with_its_name(name):
    make, sizes = LAYERS[name]
    make(*sizes)
    make(*map(np.int64, sizes))
    for k in range(len(sizes)):
        for size in 0, -1, -10**20:
            with pytest.raises(ValueError, match=r"expected (a whole number of at least 1|from 1 to)"):
                make(*sizes[:k], size, *sizes[k + 1:])


def test_the_layers_are_all_there_are():
    from tests.whole.test_backward_shapes import found
    named = {name.partition(".")[0] for name in found()} - {"shared_char_cnn", "LanguageModel", "TunedBilm"}
    assert named <= set(LAYERS)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: CharCNN([], 3, 5, rng=RNG), "F = 0"),
    (lambda: CharCNN([(9, 2)], 3, 5, 8, rng=RNG), "expected widths up to K"),
    (lambda: CharCNN([(2, 3)], 4, 5, 8, project=False, rng=RNG), "without a projection D filters"),
    (lambda: Embedding(9, 5, rng=RNG, table=Parameter(np.zeros((9, 4), np.float32))), r"expected float32\(9, 5\)"),
    (lambda: Softmax(5, 9, rng=RNG, W=Parameter(np.zeros((8, 5), np.float32))), r"expected float32\(9, 5\)"),
    (lambda: Softmax(5, 9, rng=RNG, b=Parameter(np.zeros(8, np.float32))), r"expected float32\(9,\)"),
])
def test_parts_that_do_not_fit_together_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def X(*shape):
    return np.ones(shape, np.float32)


def ids(*shape):
    return np.zeros(shape, int)


def embedding(T, B):
    layer = Embedding(9, 5, rng=np.random.default_rng(0))
    y, cache = layer.forward(ids(T, B))
    layer.backward(y, cache)
    return y, layer.E.grad


def lstm(T, B, P=None):
    layer = LSTM(5, 6, P, rng=np.random.default_rng(0))
    state = layer.zero_state(B)
    state[0].fill(1)
    y, after, cache = layer.forward(X(T, B, 5), state, ids(B))
    return y, after, layer.backward(y, cache), layer.Wx.grad, layer.forward_inference(X(T, B, 5), state, ids(B))


def of_softmax(make):
    def use(T, B):
        layer = make(np.random.default_rng(0))
        loss, cache = layer.forward(X(T, B, 5), ids(T, B), np.random.default_rng(0))
        return loss, layer.backward(1.0, cache), layer.nll(X(T, B, 5), ids(T, B)), layer.log_probabilities(X(T, B, 5))
    return use


def char_cnn(T, B):
    layer = CharCNN([(1, 2), (3, 4)], 3, 5, 8, highways=1, rng=np.random.default_rng(0))
    k = np.full((T, B, 8), 7, np.uint16)
    v, cache = layer.forward(k)
    layer.backward(v, cache)
    return v, layer.E.grad, layer.lookup(k)


def linear(T, B):
    layer = Linear(5, 3, rng=np.random.default_rng(0))
    y, cache = layer.forward(X(T, B, 5))
    return y, layer.backward(y, cache), layer.W.grad


USES = {"embedding": embedding, "lstm": lstm, "lstm with a projection": lambda T, B: lstm(T, B, 2),
        "softmax": of_softmax(lambda rng: Softmax(5, 9, rng=rng)),
        "adaptive softmax": of_softmax(lambda rng: AdaptiveSoftmax(5, 9, rng=rng)),
        "sampled softmax": of_softmax(lambda rng: SampledSoftmax(5, 9, samples=3, rng=rng)),
        "character cnn": char_cnn, "linear": linear}


@pytest.mark.parametrize(("T", "B"), [(0, 3), (4, 0), (0, 0), (4, 3)])
@pytest.mark.parametrize("name", USES)
def test_a_batch_of_nothing_is_the_same_on_both_backends(name, T, B, each_backend):
    """Also sequences of length 0, which keep their state."""
    if each_backend == "cython":
        for n in range(1, 40):
            matmul(np.full((n, n), 1e30, np.float32), np.full((n, n), 7, np.float32))  # memory to be used again
    found = USES[name](T, B)
    with backend.use("numpy"):
        expected = USES[name](T, B)
    for one, other in zip(leaves(found), leaves(expected), strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def leaves(value):
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, tuple) else [value]


@pytest.mark.parametrize(("T", "B"), [(0, 3), (4, 0), (0, 0)])
def test_what_needs_a_sentence_of_a_word_refuses_none(T, B):
    lengths = np.full(B, T)
    message = f"was given {B} sentences of {T} steps, expected at least one of each"
    for kind in POOLING_KINDS:
        with pytest.raises(ValueError, match=message):
            pool(X(T, B, 4), lengths, kind)
    crf = CRF(4)
    for use in (lambda: crf.forward(X(T, B, 4), ids(T, B), lengths), lambda: crf.best(X(T, B, 4), lengths),
                lambda: crf.marginals(X(T, B, 4), lengths),
                lambda: DotAttention(5, 4, rng=RNG).forward(X(2, B, 5), X(T, B, 4), lengths)):
        with pytest.raises(ValueError, match=message):
            use()


def test_a_constructor_names_its_sizes():
    assert inspect.signature(LSTM).parameters.keys() >= {"D", "H", "P"}
    with pytest.raises(ValueError, match=r"^LSTM: H = 0, expected a whole number of at least 1$"):
        LSTM(3, 0, 4, rng=None)
    with pytest.raises(ValueError, match=r"^LSTM: P = 0, expected a whole number of at least 1$"):
        LSTM(3, 4, 0, rng=None)
