"""Every kernel equals its NumPy reference. The registry of twins is the list of tests."""

from copy import deepcopy

import numpy as np
import pytest

from elmo_np import backend
from elmo_np.nn import char_cnn, gru, lstm, softmax
from elmo_np.nn.lstm import Cache, Clips, Weights
from elmo_np.nn.matmul import matmul
from elmo_np.nn.optim import AdamRates
from elmo_np.nn.softmax import Chunk

# (T or N, B, D, H, P or V): including 0 and 1, and widths below and above a vector's and a panel's
SIZES = [(0, 2, 3, 4, 5), (1, 1, 1, 1, 1), (3, 0, 2, 4, 3), (4, 3, 2, 5, 2), (3, 7, 4, 16, 17), (2, 8, 3, 33, 70),
         (5, 13, 2, 20, 64), (2, 9, 150, 70, 250), (9, 33, 3, 6, 4)]
# float32 has 24 bits, 6e-8 per rounding; here a few hundred roundings of values around 1 follow one another
TOLERANCE = {np.float64: 1e-13, np.float32: 5e-6}


def recurrence(rng, dtype, size, projected):
    T, B, D, H, P = size
    P = P if projected else H
    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)
    x, state = normal(T, B, D), (normal(B, P), normal(B, H))
    weights = Weights(normal(D, 4*H) / np.sqrt(D).astype(dtype), normal(P, 4*H) / np.sqrt(P).astype(dtype),
                      normal(4*H), normal(H, P) / np.sqrt(H).astype(dtype) if projected else None)
    return x, state, weights, rng.integers(0, T + 1, B), Clips(0.8, 0.6 if projected else np.inf)


def matrices(rng, dtype, *shapes):
    """Random matrices whose products stay around 1, where TOLERANCE holds."""
    return [(rng.normal(size=shape) / max(1, shape[-1])**0.25).astype(dtype) for shape in shapes]


def sample_lstm_forward(rng, dtype, size):
    return [recurrence(rng, dtype, size, projected) for projected in (False, True)]


sample_lstm_forward_inference = sample_lstm_forward


def sample_lstm_backward(rng, dtype, size):
    calls = []
    for projected, add in (False, False), (False, True), (True, False), (True, True):
        x, state, weights, lengths, clips = recurrence(rng, dtype, size, projected)
        ifog, h, c, m = lstm.lstm_forward.reference(x, state, weights, lengths, clips)
        dy, dh, dc = (rng.normal(size=shape).astype(dtype) for shape in (h[1:].shape, h[0].shape, c[0].shape))
        gradients = Weights(*(None if w is None else rng.normal(size=w.shape).astype(dtype) for w in weights))
        calls.append((dy, (dh, dc), Cache(x, ifog, h, c, m, lengths), weights, clips, gradients, add))
    return calls


def gru_recurrence(rng, dtype, size):
    T, B, D, H, _ = size
    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)
    weights = gru.Weights(normal(D, 3*H) / np.sqrt(D).astype(dtype), normal(H, 3*H) / np.sqrt(H).astype(dtype),
                          normal(3*H), normal(H))
    return normal(T, B, D), normal(B, H), weights, rng.integers(0, T + 1, B)


def sample_gru_forward(rng, dtype, size):
    return [gru_recurrence(rng, dtype, size)]


sample_gru_forward_inference = sample_gru_forward


def sample_gru_backward(rng, dtype, size):
    calls = []
    for add in False, True:
        x, h0, weights, lengths = gru_recurrence(rng, dtype, size)
        rzn, q, h = gru.gru_forward.reference(x, h0, weights, lengths)
        dy, dh = (rng.normal(size=shape).astype(dtype) for shape in (q.shape, h0.shape))
        gradients = gru.Weights(*(rng.normal(size=w.shape).astype(dtype) for w in weights))
        calls.append((dy, dh, gru.Cache(x, rzn, q, h, lengths), weights, gradients, add))
    return calls


def sample_matmul(rng, dtype, size):
    M, K, N = size[0] * size[1], size[2], size[4]
    A, B, At, Bt, b = matrices(rng, dtype, (M, K), (K, N), (K, M), (N, K), (N,))
    deep = matrices(rng, dtype, (M, 300), (300, N))     # more than one block of k
    return [(A, B), (A, B, b), (At.T, B, b), (A, Bt.T), (At.T, Bt.T), (A[:0], B, b), (A[:, :0], B[:0], b), tuple(deep)]


def sample_convolve(rng, dtype, size):
    G, L, C, N = size[1], size[0] + 3, size[2], size[4]
    calls = []
    for w in range(1, 4):
        # whole numbers: sums without rounding, so that equal values, of which the first counts, are equal in both
        e, W = (rng.integers(-2, 3, shape).astype(dtype) for shape in ((G, L, C), (w * C, N)))
        calls += [(e, W, rng.integers(1, L - w + 2, G), keep) for keep in (False, True)]
    return calls


def softmax_point(rng, dtype, size):
    R, P, V = size[0] * size[1], size[2], size[4]
    h, W, b = matrices(rng, dtype, (R, P), (V, P), (V,))
    return 2 * h, rng.integers(-2, V, R), 2 * W, b         # including padding and words from elsewhere


def sample_softmax_forward(rng, dtype, size):
    return [(*softmax_point(rng, dtype, size), keep) for keep in (False, True)]


def sample_softmax_backward(rng, dtype, size):
    h, y, W, b = softmax_point(rng, dtype, size)
    _, top, total, z = softmax.softmax_forward.reference(h, y, W, b, True)
    return [(scale, Chunk(slice(None), h, y, logits, top, total), W, b, *matrices(rng, dtype, W.shape), add)
            for scale, logits, add in ((0.1, z, False), (0.1, None, True), (0.0, z, True))]


def sample_scatter_add(rng, dtype, size):
    N, V, E = size[0] * size[1], size[4], size[2]
    return [(rng.normal(size=(V, E)).astype(dtype), rng.integers(0, V, N), rng.normal(size=(N, E)).astype(dtype))]


def vectors(rng, dtype, size, count):
    N = size[0] * size[3]
    return [np.abs(rng.normal(size=N)).astype(dtype) + dtype(0.1) for _ in range(count)]


def sample_squared_norm(rng, dtype, size):
    return [tuple(vectors(rng, dtype, size, 1))]


def sample_sgd_update(rng, dtype, size):
    with_momentum = [(*vectors(rng, dtype, size, 3), 0.7, 0.1, 0.9, nesterov) for nesterov in (False, True)]
    return [*with_momentum, (*vectors(rng, dtype, size, 2), None, 0.7, 0.1, 0.0, False)]


def sample_adagrad_update(rng, dtype, size):
    return [(*vectors(rng, dtype, size, 3), 0.7, 0.1)]


def sample_adam_update(rng, dtype, size):
    return [(*vectors(rng, dtype, size, 4), 0.7, AdamRates(0.1, 0.9, 0.999, 1e-8), k) for k in (1, 7)]


def sample_average_update(rng, dtype, size):
    return [(*vectors(rng, dtype, size, 2), 0.3)]


SAMPLES = {name.removeprefix("sample_"): sample for name, sample in globals().items() if name.startswith("sample_")}


@pytest.fixture(params=["base", "avx2", "avx512"])
def path(request):
    if backend.backend() == "numpy":
        pytest.skip(backend.why_not())
    if request.param not in backend.simd_paths():
        pytest.skip(f"this CPU has no {request.param}")
    with backend.use_simd(request.param):
        yield request.param


def test_every_twin_has_a_sample():
    assert set(SAMPLES) == set(backend.TWINS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_kernel_equals_reference(name, size, dtype, path):
    twin = backend.TWINS[name]
    for args in SAMPLES[name](np.random.default_rng(sum(size)), dtype, size):
        left, right = deepcopy(args), deepcopy(args)
        expected, found = twin.reference(*left), twin.compiled(*right)
        # arguments too: some are changed in place, the others must not change
        for one, other in zip(flatten((expected, left)), flatten((found, right)), strict=True):
            if isinstance(one, np.ndarray):
                assert other.dtype == one.dtype
                np.testing.assert_allclose(other, one, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
            elif one is None or isinstance(one, slice):
                assert other == one
            else:
                assert other == pytest.approx(one, rel=TOLERANCE[dtype], abs=TOLERANCE[dtype])


@pytest.mark.parametrize("size", [(3, 2, 0, 4, 5), (3, 2, 3, 0, 5), (3, 2, 3, 4, 0)], ids=str)
@pytest.mark.parametrize("name", ["lstm_forward", "lstm_forward_inference", "matmul"])
def test_without_values_to_add_up_kernels_return_no_memory_as_it_was(name, size, path):
    for args in SAMPLES[name](np.random.default_rng(0), np.float32, size):
        used = [np.full((n, n), 1e30, np.float32) for n in range(1, 40)]
        for one in used:
            matmul.compiled(one, one)       # whose memory is handed out again
        found, expected = backend.TWINS[name].compiled(*args), backend.TWINS[name].reference(*args)
        for one, other in zip(flatten(found), flatten(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    with pytest.raises(ZeroDivisionError):
        char_cnn.convolve.compiled(np.ones((1, 3, 0), np.float32), np.ones((0, 2), np.float32), np.array([1]), True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(3, 40, 5, 16, 48), (3, 40, 5, 17, 19), (2, 14, 300, 4, 16), (2, 14, 3, 840, 280)],
                         ids=str)
@pytest.mark.parametrize("name", ["lstm_forward_inference", "gru_forward_inference", "matmul"])
def test_few_rows_and_many_give_the_same_bits(name, size, dtype, path):
    """Few rows read the weights in place, more read packed panels, which are fetched ahead if they are large."""
    B = size[1]
    for args in SAMPLES[name](np.random.default_rng(sum(size)), dtype, size):
        whole = backend.TWINS[name].compiled(*args)
        for rows in slice(1), slice(B - 1, B), slice(2, 5), slice(1, 8), slice(13):
            if name == "matmul":
                A, B_, *b = args
                equal(backend.TWINS[name].compiled(A[rows], B_, *b), whole[rows])
                continue
            x, state, weights, lengths, *clips = args
            start = tuple(s[rows] for s in state) if isinstance(state, tuple) else state[rows]
            some = np.ascontiguousarray(x[:, rows]), start, weights, lengths[rows], *clips
            y, *after = backend.TWINS[name].compiled(*some)
            equal(y, whole[0][:, rows])
            for one, other in zip(after, whole[1:], strict=True):
                equal(one, other[rows])


def test_a_block_of_steps_and_several_give_the_same_bits(path):
    """Where the words of all steps make one block, Wx is not packed as a whole."""
    for name in "lstm_forward_inference", "gru_forward_inference":
        for args in SAMPLES[name](np.random.default_rng(0), np.float32, (150, 2, 5, 17, 6)):
            x, state, weights, lengths, *clips = args
            lengths[:] = 150, 60
            y, *_ = backend.TWINS[name].compiled(*args)
            start, *_ = backend.TWINS[name].compiled(x[:60], state, weights, np.minimum(lengths, 60), *clips)
            equal(start, y[:60])


def equal(found, expected):
    np.testing.assert_array_equal(found, expected)


def flatten(value):
    return [leaf for item in value for leaf in flatten(item)] if isinstance(value, (tuple, list)) else [value]


def test_kernels_let_nan_and_infinity_through(path):
    for bad in np.nan, np.inf:
        b = np.zeros(40, np.float32)
        b[7] = bad
        one = np.ones((1, 1), np.float32), np.array([3]), np.zeros((40, 1), np.float32), b
        assert not np.isfinite(softmax.softmax_forward.compiled(*one, False)[0]).all()
        e = np.zeros((1, 9, 1), np.float32)
        e[0, 4] = bad
        for convolve in char_cnn.convolve.reference, char_cnn.convolve.compiled:
            maximum, argmax = convolve(e, np.ones((1, 70), np.float32), np.array([9]), True)
            np.testing.assert_array_equal(maximum, np.full((1, 70), bad, np.float32))
            assert (argmax == 4).all()
    b = np.zeros(4 * 20, np.float32)
    b[5] = np.nan
    zero, one = np.zeros((1, 20), np.float32), np.ones((1, 1, 1), np.float32)
    Wx, Wh = np.zeros((1, 80), np.float32), np.zeros((20, 80), np.float32)
    weights = Weights(Wx, Wh, b)
    h = lstm.lstm_forward.compiled(one, (zero, zero), weights, np.array([1]), Clips(cell=3.0))[1]
    assert np.isnan(h[1, 0, 5])
    assert np.isnan(h).sum() == 1


def test_exp_and_tanh_are_right_over_the_whole_range(path):
    """The softmax of two logits and the LSTM's gates show the kernels' own exp and tanh one at a time."""
    x = np.concatenate([np.linspace(-100, 100, 4001), np.geomspace(1e-7, 1, 200)])
    for dtype, tolerance in (np.float32, 3e-7), (np.float64, 3e-15):
        H = len(x)
        b = np.zeros(4 * H, dtype)
        b[:H], b[3*H:] = x, x
        zero, nothing = np.zeros((1, H), dtype), np.zeros((1, 4 * H), dtype)
        weights = Weights(nothing, nothing, b, np.zeros((H, 1), dtype))
        ifog = lstm.lstm_forward.compiled(np.zeros((1, 1, 1), dtype), (zero[:, :1], zero), weights, np.array([1]),
                                          Clips())[0][0, 0]
        exact = b.dtype.type(x).astype(np.float64)
        logistic = 1 / (1 + np.exp(-np.clip(exact, -85, None)))
        np.testing.assert_allclose(ifog[:H], logistic, rtol=2 * tolerance, atol=1e-36)
        np.testing.assert_allclose(ifog[3*H:], np.tanh(exact), rtol=2 * tolerance)
