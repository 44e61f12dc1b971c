"""softmax: the loss equals its formula, never overflows, and ignores padding."""

import math

import numpy as np
import pytest

from elmo_np.nn.parameter import Parameter, zero_grad
from elmo_np.nn.softmax import IGNORE_INDEX, Softmax

pytestmark = pytest.mark.usefixtures("each_backend")

P, V = 3, 7
# logits and losses around 5 after sums of less than 20 terms: 20 roundings of 1.1e-16 times 5
ROUNDING = 1e-14


@pytest.fixture
def layer(rng):
    layer = Softmax(P, V, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=V)
    return layer


@pytest.fixture
def point(rng):
    h, y = rng.normal(size=(4, 2, P)), rng.integers(0, V, (4, 2))
    y[1, 1] = y[3, 0] = IGNORE_INDEX
    return h, y


def close(one, other, atol=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def results(layer, h, y, dloss=1.0):
    """Loss and the gradients of h, W and b."""
    zero_grad(layer)
    loss, cache = layer.forward(h, y)
    dh = layer.backward(dloss, cache)
    return loss, dh, layer.W.grad.copy(), layer.b.grad.copy()


def formula(layer, h, y):
    """(S1)-(S3), one value at a time -> loss, -log p of every target."""
    W, b, nll = layer.W.value.tolist(), layer.b.value.tolist(), []
    for h_n, target in zip(h.reshape(-1, P).tolist(), y.reshape(-1).tolist(), strict=True):
        z = [sum(h_n[p] * W[v][p] for p in range(P)) + b[v] for v in range(V)]
        nll.append(0.0 if target == IGNORE_INDEX else -math.log(math.exp(z[target]) / sum(map(math.exp, z))))
    return sum(nll) / sum(target != IGNORE_INDEX for target in y.reshape(-1).tolist()), nll


def test_the_loss_equals_the_formula(layer, point):
    assert layer.forward(*point)[0] == pytest.approx(formula(layer, *point)[0], abs=ROUNDING)


def test_nll_equals_the_formula_and_keeps_the_shape_of_the_targets(layer, point):
    nll = layer.nll(*point)
    assert nll.shape == point[1].shape
    close(nll.reshape(-1), formula(layer, *point)[1])


@pytest.mark.parametrize("shape", [(), (4,), (0, 2), (3, 2)])
def test_log_probabilities_are_those_of_every_word_as_the_target_and_sum_to_one(layer, rng, shape):
    h = rng.normal(size=(*shape, P))
    found = layer.log_probabilities(h)
    assert found.shape == (*shape, V)
    close(np.exp(found).sum(axis=-1), np.ones(shape))
    for w in range(V):
        close(found[..., w], -layer.nll(h, np.full(shape, w)))


def test_log_probabilities_do_not_depend_on_the_blocks_that_they_are_transposed_in(layer, rng, monkeypatch):
    h = rng.normal(size=(4, P))
    found = layer.log_probabilities(h)
    monkeypatch.setattr(layer, "WORDS", 3)
    np.testing.assert_array_equal(layer.log_probabilities(h), found)


def test_the_probabilities_of_logits_of_ten_thousand_neither_overflow_nor_underflow(layer):
    layer.b.value[...] = np.where(np.arange(V) == 2, 1e4, -1e4)
    np.testing.assert_array_equal(layer.log_probabilities(np.zeros((1, P))), [[-2e4, -2e4, 0, *[-2e4] * (V - 3)]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_ten_thousand_neither_overflow_nor_underflow(dtype, rng):
    layer = Softmax(P, 3, rng=rng, dtype=dtype)
    layer.b.value[...] = 1e4, -1e4, 0
    h, y = np.zeros((3, P), dtype), np.arange(3)
    np.testing.assert_array_equal(layer.nll(h, y), [0, 2e4, 1e4])
    loss, dh, dW, db = results(layer, h, y)
    assert loss == 1e4
    np.testing.assert_allclose(db, [2 / 3, -1 / 3, -1 / 3], rtol=4 * np.finfo(dtype).eps)
    assert np.isfinite(dh).all()
    assert np.isfinite(dW).all()


def test_the_loss_starts_near_log_V(rng):
    """Logits have a variance of |h|^2 / P = 0.01: log-sum-exp is 0.005 above log V, and the mean logit of 400 targets
    is 0 +- 0.1 / 20; 5 of these are 0.025."""
    layer = Softmax(20, 1000, rng=rng, dtype=np.float64)
    h, y = 0.1 * rng.normal(size=(400, 20)), rng.integers(0, 1000, 400)
    assert layer.forward(h, y)[0] == pytest.approx(math.log(1000), abs=0.03)


@pytest.mark.parametrize("kept", [0, V, 3 * V, 8 * V, 1000 * V])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_the_number_of_rows_at_a_time_and_of_logits_kept_changes_nothing(layer, point, rows, kept):
    expected, nll = results(layer, *point), layer.nll(*point)
    layer.ROWS, layer.KEPT = rows, kept
    for one, other in zip(results(layer, *point), expected, strict=True):
        close(one, other)
    close(layer.nll(*point), nll)


def test_padding_has_no_loss_and_no_gradient(layer, point):
    h, y = point
    keep = y != IGNORE_INDEX
    loss, dh, dW, db = results(layer, h, y)
    without, dh_kept, dW_kept, db_kept = results(layer, h[keep], y[keep])
    assert loss == pytest.approx(without, abs=ROUNDING)
    assert not dh.reshape(h.shape)[~keep].any()
    assert not layer.nll(h, y)[~keep].any()
    for one, other in (dh.reshape(h.shape)[keep], dh_kept), (dW, dW_kept), (db, db_kept):
        close(one, other)


def test_all_padding_gives_loss_zero_and_gradients_of_zero(layer, point):
    loss, *grads = results(layer, point[0], np.full_like(point[1], IGNORE_INDEX))
    assert loss == 0
    assert not any(grad.any() for grad in grads)


def test_no_tokens_give_loss_zero(layer):
    loss, dh, *_ = results(layer, np.zeros((0, 2, P)), np.zeros((0, 2), np.int64))
    assert (loss, dh.shape) == (0, (0, 2, P))


def test_the_probabilities_of_all_targets_sum_to_one(layer, rng):
    h = rng.normal(size=(5, 1, P)).repeat(V, axis=1)
    close(np.exp(-layer.nll(h, np.tile(np.arange(V), (5, 1)))).sum(axis=1), np.ones(5))


def test_a_gradient_pulls_every_row_by_its_probability_and_the_target_by_one_less(layer, rng):
    """d(-log p)/db = p - 1[v = y], for one token."""
    h = rng.normal(size=(1, P))
    p = np.exp(-layer.nll(h.repeat(V, axis=0), np.arange(V)))
    _, dh, dW, db = results(layer, h, np.array([4]))
    dz = p - np.eye(V)[4]
    close(db, dz)
    close(dW, np.outer(dz, h))
    close(dh, (dz @ layer.W.value)[None])


def test_backward_scales_by_dloss_and_adds(layer, point):
    _, dh, dW, db = results(layer, *point)
    _, dh2, dW2, db2 = results(layer, *point, dloss=2.0)
    _, cache = layer.forward(*point)
    layer.backward(2.0, cache)
    for one, other in (dh2, 2 * dh), (dW2, 2 * dW), (db2, 2 * db):
        np.testing.assert_array_equal(one, other)       # powers of two: exact
    for one, other in (layer.W.grad, 4 * dW), (layer.b.grad, 4 * db):
        close(one, other)                               # the sum over rows goes on from what is there


def test_float32_stays_float32_and_agrees_with_float64(rng, layer, point):
    """Losses around 5 in 24 bits, 20 roundings: 6e-6."""
    narrow = Softmax(P, V, rng=rng)
    narrow.W.value[...], narrow.b.value[...] = layer.W.value, layer.b.value
    h, y = point
    loss, *grads = results(narrow, h.astype(np.float32), y)
    expected, *wide = results(layer, h, y)
    assert loss == pytest.approx(expected, abs=1e-5)
    for one, other in zip(grads, wide, strict=True):
        assert one.dtype == np.float32
        close(one, other, 1e-5)


def test_inputs_are_not_changed(layer, point):
    h, y, W, b = *point, layer.W.value, layer.b.value
    before = [array.copy() for array in (h, y, W, b)]
    results(layer, h, y)
    layer.nll(h, y)
    for one, other in zip((h, y, W, b), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_given_parameter_is_used_as_it_is(rng):
    W, b = Parameter(np.ones((V, P))), Parameter(np.ones(V))
    layer = Softmax(P, V, rng=rng, dtype=np.float64, W=W, b=b)
    assert layer.W is W
    assert layer.b is b


H, Y = np.zeros((4, 2, P)), np.zeros((4, 2), np.int64)


@pytest.mark.parametrize(("h", "y", "message"), [
    (np.zeros((4, 2, 2)), Y, "softmax input is float64(4, 2, 2), expected float64(4, 2, 3)"),
    (np.zeros((3, 2, P)), Y, "softmax input is float64(3, 2, 3), expected float64(4, 2, 3)"),
    (H.astype(np.float32), Y, "softmax input is float32(4, 2, 3), expected float64(4, 2, 3)"),
    (H, Y + V, "targets range from 7 to 7, expected -1 (padding) to 6"),
    (H, Y - 2, "targets range from -2 to -2, expected -1 (padding) to 6"),
])
@pytest.mark.parametrize("method", ["forward", "nll"])
def test_wrong_arguments_name_what_was_given_and_expected(layer, method, h, y, message):
    with pytest.raises(ValueError) as caught:
        getattr(layer, method)(h, y)
    assert str(caught.value) == message


def test_targets_that_are_not_whole_numbers_are_refused(layer):
    with pytest.raises(ValueError, match="whole numbers"):
        layer.forward(H, Y + 0.5)


def smoothed_formula(layer, h, y, share):
    """Cross-entropy with the targets of (S4), one value at a time."""
    total = 0.0
    rows = y.reshape(-1) != IGNORE_INDEX
    log_p = layer.log_probabilities(h).reshape(-1, V)[rows].tolist()
    for log_p_n, target in zip(log_p, y.reshape(-1)[rows].tolist(), strict=True):
        for v in range(V):
            total -= ((1 - share) * (v == target) + share / V) * log_p_n[v]
    return total / rows.sum()


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_label_smoothing_is_the_cross_entropy_with_targets_that_are_not_certain(layer, point, share):
    loss, cache = layer.forward(*point)
    assert loss == pytest.approx(formula(layer, *point)[0], abs=ROUNDING)      # reported without it
    assert loss + share * layer.smoothing(cache) == pytest.approx(smoothed_formula(layer, *point, share), abs=ROUNDING)


def test_without_a_target_there_is_nothing_to_smooth(layer, point):
    h, y = point
    _, cache = layer.forward(h, np.full_like(y, IGNORE_INDEX))
    assert layer.smoothing(cache) == 0
    assert not layer.backward(1.0, cache, 0.5).any()
    assert not layer.W.grad.any()
    _, cache = layer.forward(h[:0], y[:0])
    assert layer.smoothing(cache) == 0
    assert layer.backward(1.0, cache, 0.5).shape == h[:0].shape
