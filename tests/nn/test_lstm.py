"""lstm: the recurrence equals the equations one value at a time, and its state, lengths and gradients add up."""

import math
from copy import deepcopy

import numpy as np
import pytest

from elmo_np import backend
from elmo_np.nn.lstm import LSTM, sigmoid
from elmo_np.nn.parameter import parameters, zero_grad

pytestmark = pytest.mark.usefixtures("each_backend")

T, B, D, H, P = 6, 4, 3, 5, 2
# A value of a step is the sum of about 10 products around 1, and a bounded function of it: some 20 roundings of
# 1.1e-16 per step, 6 steps, gates' slopes of at most 1: 1.3e-14.
ROUNDING = 2e-14
LENGTHS = np.array([6, 0, 3, 1])
KINDS = {"plain": {}, "projected": {"P": P}, "clipped": {"P": P, "cell_clip": 0.3, "proj_clip": 0.2}}


@pytest.fixture(params=KINDS)
def layer(request, rng):
    return LSTM(D, H, rng=rng, dtype=np.float64, **KINDS[request.param])


def width(layer):
    return len(layer.Wh.value)


def some_state(layer, rng, B=B):
    return rng.normal(size=(B, width(layer))), rng.normal(size=(B, H))


def gradients(layer):
    return {name: p.grad.copy() for name, p in parameters(layer).items()}


def close(one, other, atol=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def clipped(value, bound):
    return max(-bound, min(bound, value))


def oracle(layer, x, h, c, length):
    """(L1)-(L6) for one sequence of lists, one value at a time -> outputs, h, c."""
    Wx, Wh, b = layer.Wx.value.tolist(), layer.Wh.value.tolist(), layer.b.value.tolist()
    outputs = []
    for x_t in x[:length]:
        def gate(k, j, x_t=x_t, h=h):
            """a_t of cell j in gate k of i f o g."""
            n = k * H + j
            return sum(x_t[d] * Wx[d][n] for d in range(D)) + sum(h[p] * Wh[p][n] for p in range(len(h))) + b[n]
        i, f, o = ([1 / (1 + math.exp(-gate(k, j))) for j in range(H)] for k in range(3))
        g = [math.tanh(gate(3, j)) for j in range(H)]
        c = [clipped(f[j] * c[j] + i[j] * g[j], layer.clips.cell) for j in range(H)]
        h = [o[j] * math.tanh(c[j]) for j in range(H)]
        if layer.Wp is not None:
            Wp = layer.Wp.value.tolist()
            h = [clipped(sum(h[j] * Wp[j][p] for j in range(H)), layer.clips.proj) for p in range(P)]
        outputs.append(h)
    return outputs + [[0.0] * len(h)] * (len(x) - length), h, c


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_forward_equals_the_equations_one_value_at_a_time(layer, rng, lengths):
    x, (h0, c0) = rng.normal(size=(T, B, D)), some_state(layer, rng)
    y, (hT, cT), _ = layer.forward(x, (h0, c0), lengths)
    for b in range(B):
        length = T if lengths is None else int(lengths[b])
        outputs, h, c = oracle(layer, x[:, b].tolist(), h0[b].tolist(), c0[b].tolist(), length)
        close(y[:, b], outputs)
        close(hT[b], h)
        close(cT[b], c)


def test_no_state_is_a_state_of_zeros(layer, rng):
    x = rng.normal(size=(T, B, D))
    y, state, _ = layer.forward(x)
    other, after, _ = layer.forward(x, (np.zeros((B, width(layer))), np.zeros((B, H))))
    np.testing.assert_array_equal(y, other)
    for one, two in zip(state, after, strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_forget_bias_starts_at_one_and_the_other_biases_at_zero(layer):
    np.testing.assert_array_equal(layer.b.value.reshape(4, H), [[0] * H, [1] * H, [0] * H, [0] * H])


def test_a_constant_on_the_forget_gate_equals_a_larger_bias(each_backend):
    x, dy = (np.random.default_rng(1).normal(size=(T, B, width)) for width in (D, P))
    plain, shifted = (LSTM(D, H, P, forget_bias=c, rng=np.random.default_rng(0), dtype=np.float64) for c in (0, 0.75))
    np.testing.assert_array_equal(shifted.b.value.reshape(4, H), [[0] * H, [0.25] * H, [0] * H, [0] * H])
    found = []
    for layer in plain, shifted:
        y, state, cache = layer.forward(x)
        found.append([y, *state, layer.backward(dy, cache)[0], *gradients(layer).values()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_matrices_start_within_glorots_bound(layer):
    for p in (layer.Wx, layer.Wh, layer.Wp):
        if p is not None:
            assert 0.5 < np.abs(p.value).max() / np.sqrt(6 / sum(p.value.shape)) <= 1


def test_sigmoid_is_right_and_does_not_overflow():
    close(sigmoid(np.array([0.0, 2.0, -2.0, 1e4, -1e4])), [0.5, 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(2)), 1, 0])


def test_clips_bind(rng):
    layer = LSTM(D, H, P, cell_clip=0.3, proj_clip=0.2, rng=rng, dtype=np.float64)
    y, (_, c), _ = layer.forward(3 * rng.normal(size=(T, B, D)))
    assert np.abs(y).max() == 0.2
    assert np.abs(c).max() == 0.3


def test_one_call_equals_two_calls_with_the_state_carried(layer, rng):
    x, state = rng.normal(size=(T, B, D)), some_state(layer, rng)
    whole, end, _ = layer.forward(x, state)
    first, middle, _ = layer.forward(x[:2], state)
    second, after, _ = layer.forward(x[2:], middle)
    # the same operations per step; a BLAS may order the sums of a smaller product differently
    close(np.concatenate([first, second]), whole, 1e-15)
    close(after[0], end[0], 1e-15)
    close(after[1], end[1], 1e-15)


def test_backward_through_two_calls_equals_backward_through_one(layer, rng):
    x, state = rng.normal(size=(T, B, D)), some_state(layer, rng)
    dy, dstate = rng.normal(size=(T, B, width(layer))), some_state(layer, rng)
    _, _, cache = layer.forward(x, state)
    dx, dstart = layer.backward(dy, cache, dstate)
    expected = gradients(layer)
    zero_grad(layer)
    _, middle, first = layer.forward(x[:2], state)
    _, _, second = layer.forward(x[2:], middle)
    dx2, dmiddle = layer.backward(dy[2:], second, dstate)
    dx1, dbefore = layer.backward(dy[:2], first, dmiddle)
    close(np.concatenate([dx1, dx2]), dx)
    for one, other in zip(dbefore, dstart, strict=True):
        close(one, other)
    for name, grad in gradients(layer).items():
        close(grad, expected[name], 5 * ROUNDING)       # sums over T B = 24 of the values above


def test_a_layer_used_twice_before_backward_adds_both_gradients(layer, rng):
    xs, dys = rng.normal(size=(2, T, B, D)), rng.normal(size=(2, T, B, width(layer)))
    alone, dxs = [], []
    for x, dy in zip(xs, dys, strict=True):
        zero_grad(layer)
        dxs.append(layer.backward(dy, layer.forward(x)[2])[0])
        alone.append(gradients(layer))
    zero_grad(layer)
    caches = [layer.forward(x)[2] for x in xs]
    for k in 1, 0:
        np.testing.assert_array_equal(layer.backward(dys[k], caches[k])[0], dxs[k])
    for name, grad in gradients(layer).items():
        close(grad, alone[0][name] + alone[1][name], 5 * ROUNDING)      # the sum over T B goes on from what is there


def test_backward_twice_on_one_cache_gives_the_same(layer, rng):
    _, _, cache = layer.forward(rng.normal(size=(T, B, D)), some_state(layer, rng), LENGTHS)
    dy, dstate = rng.normal(size=(T, B, width(layer))), some_state(layer, rng)
    dx, dstart = layer.backward(dy, cache, dstate)
    once = gradients(layer)
    again, dstart_again = layer.backward(dy, cache, dstate)
    np.testing.assert_array_equal(again, dx)
    for one, other in zip(dstart_again, dstart, strict=True):
        np.testing.assert_array_equal(one, other)
    for name, grad in gradients(layer).items():
        close(grad, 2 * once[name], 5 * ROUNDING)


def test_no_dstate_is_a_dstate_of_zeros(layer, rng):
    _, _, cache = layer.forward(rng.normal(size=(T, B, D)))
    dy = rng.normal(size=(T, B, width(layer)))
    np.testing.assert_array_equal(layer.backward(dy, cache)[0], layer.backward(dy, cache, layer.zero_state(B))[0])


def test_padding_after_a_sequences_end_changes_nothing(layer, rng):
    x, dy = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, width(layer)))
    past = np.arange(T)[:, None] >= LENGTHS
    results = []
    for filling in 0, 1e3:
        zero_grad(layer)
        filled, dfilled = x.copy(), dy.copy()
        filled[past], dfilled[past] = filling, filling
        y, state, cache = layer.forward(filled, None, LENGTHS)
        dx, dstate = layer.backward(dfilled, cache)
        results.append([y, *state, dx, *dstate, *gradients(layer).values()])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_sequence_alone_equals_the_same_sequence_in_a_padded_batch(layer, rng):
    x, state = rng.normal(size=(T, B, D)), some_state(layer, rng)
    y, (hT, cT), _ = layer.forward(x, state, LENGTHS)
    for b, n in enumerate(LENGTHS):
        alone, (h, c), _ = layer.forward(x[:n, b:b+1], tuple(s[b:b+1] for s in state))
        close(y[:n, b:b+1], alone)
        close(hT[b:b+1], h)
        close(cT[b:b+1], c)


def test_outputs_past_the_end_are_zero_and_the_gradient_there_is_zero(layer, rng):
    y, _, cache = layer.forward(rng.normal(size=(T, B, D)), some_state(layer, rng), LENGTHS)
    dx, _ = layer.backward(rng.normal(size=y.shape), cache)
    past = np.arange(T)[:, None] >= LENGTHS
    assert not y[past].any()
    assert not dx[past].any()
    assert y[~past].all()


def test_the_final_state_is_that_after_the_last_step(layer, rng):
    x, state = rng.normal(size=(T, B, D)), some_state(layer, rng)
    y, (hT, cT), _ = layer.forward(x, state, LENGTHS)
    for b, n in enumerate(LENGTHS):
        np.testing.assert_array_equal(hT[b], y[n-1, b] if n else state[0][b])
    np.testing.assert_array_equal(cT[1], state[1][1])      # its length is 0


def test_an_empty_sequence_passes_on_the_gradient_of_its_state(layer, rng):
    _, _, cache = layer.forward(rng.normal(size=(T, B, D)), some_state(layer, rng), LENGTHS)
    dstate = some_state(layer, rng)
    _, dstart = layer.backward(rng.normal(size=(T, B, width(layer))), cache, dstate)
    for before, after in zip(dstart, dstate, strict=True):
        np.testing.assert_array_equal(before[1], after[1])


def test_the_order_of_sequences_changes_nothing(layer, rng):
    x, (h, c), order = rng.normal(size=(T, B, D)), some_state(layer, rng), np.array([2, 0, 3, 1])
    dy, dstate = rng.normal(size=(T, B, width(layer))), some_state(layer, rng)
    y, state, cache = layer.forward(x, (h, c), LENGTHS)
    dx, dstart = layer.backward(dy, cache, dstate)
    expected = gradients(layer)
    zero_grad(layer)
    y2, state2, cache2 = layer.forward(x[:, order], (h[order], c[order]), LENGTHS[order])
    dx2, dstart2 = layer.backward(dy[:, order], cache2, tuple(d[order] for d in dstate))
    for one, other in (y2, y[:, order]), (dx2, dx[:, order]):
        close(one, other)
    for one, other in zip((*state2, *dstart2), (*state, *dstart), strict=True):
        close(one, other[order])
    for name, grad in gradients(layer).items():
        close(grad, expected[name], 5 * ROUNDING)


def test_inputs_are_not_changed(layer, rng):
    x, state = rng.normal(size=(T, B, D)), some_state(layer, rng)
    dy, dstate, lengths = rng.normal(size=(T, B, width(layer))), some_state(layer, rng), LENGTHS.copy()
    given = [x, *state, dy, *dstate, lengths, *(p.value for p in parameters(layer).values())]
    before = deepcopy(given)
    _, _, cache = layer.forward(x, state, lengths)
    kept = deepcopy(cache)
    layer.backward(dy, cache, dstate)
    for one, other in zip([*given, *cache], [*before, *kept], strict=True):
        np.testing.assert_array_equal(one, other)


def test_inputs_need_not_be_contiguous(layer, rng):
    x, state = rng.normal(size=(T, B, D)), some_state(layer, rng)
    dy, dstate = rng.normal(size=(T, B, width(layer))), some_state(layer, rng)
    results = []
    for strange in np.ascontiguousarray, np.asfortranarray:
        zero_grad(layer)
        y, after, cache = layer.forward(strange(x), tuple(map(strange, state)), LENGTHS)
        dx, dstart = layer.backward(strange(dy), cache, tuple(map(strange, dstate)))
        results.append([y, *after, dx, *dstart, *gradients(layer).values()])
    for one, other in zip(*results, strict=True):
        close(one, other, 5 * ROUNDING)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_agrees_with_float64(kind, rng):
    """Some hundred roundings of 6e-8 follow one another: 1e-5 of values around 1."""
    wide = LSTM(D, H, rng=rng, dtype=np.float64, **KINDS[kind])
    narrow = LSTM(D, H, rng=rng, dtype=np.float32, **KINDS[kind])
    for name, p in parameters(narrow).items():
        p.value[...] = parameters(wide)[name].value
    x, dy = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, width(wide)))
    y, state, cache = wide.forward(x, None, LENGTHS)
    y32, state32, cache32 = narrow.forward(x.astype(np.float32), None, LENGTHS)
    dx, _ = wide.backward(dy, cache)
    dx32, _ = narrow.backward(dy.astype(np.float32), cache32)
    assert y32.dtype == state32[0].dtype == state32[1].dtype == dx32.dtype == np.float32
    for one, other in (y32, y), (state32[0], state[0]), (state32[1], state[1]), (dx32, dx):
        close(one, other, 1e-5)
    for name, grad in gradients(narrow).items():
        assert grad.dtype == np.float32
        np.testing.assert_allclose(grad, gradients(wide)[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("steps", "sequences"), [(0, 2), (3, 0), (0, 0), (1, 1)])
def test_empty_input_is_not_an_error(layer, steps, sequences):
    y, _, cache = layer.forward(np.ones((steps, sequences, D)))
    dx, _ = layer.backward(np.ones_like(y), cache)
    assert (y.shape, dx.shape) == ((steps, sequences, width(layer)), (steps, sequences, D))


X = np.zeros((4, 3, D))
NARROW = np.zeros((3, 4))


@pytest.mark.parametrize(("arguments", "message"), [
    ((np.zeros((4, 3, 4)),), r"LSTM input is float64(4, 3, 4), expected float64(4, 3, 3)"),
    ((np.zeros((4, 3)),), r"LSTM input is float64(4, 3), expected float64(4, 3, 3)"),
    ((X.astype(np.float32),), r"LSTM input is float32(4, 3, 3), expected float64(4, 3, 3)"),
    ((X, (NARROW, np.zeros((3, H)))), r"LSTM state h is float64(3, 4), expected float64(3, 5)"),
    ((X, (np.zeros((3, H)), NARROW)), r"LSTM state c is float64(3, 4), expected float64(3, 5)"),
    ((X, (np.zeros((2, H)), np.zeros((2, H)))), r"LSTM state h is float64(2, 5), expected float64(3, 5)"),
    ((X, (np.zeros((3, H), np.float32), np.zeros((3, H)))), r"LSTM state h is float32(3, 5), expected float64(3, 5)"),
    ((X, None, np.array([4, 4])), r"LSTM lengths are [4 4], expected 3 whole numbers from 0 to 4"),
    ((X, None, np.array([4, 5, 1])), r"LSTM lengths are [4 5 1], expected 3 whole numbers from 0 to 4"),
    ((X, None, np.array([4, -1, 1])), r"LSTM lengths are [ 4 -1  1], expected 3 whole numbers from 0 to 4"),
    ((X, None, np.array([4, 1.5, 1])), r"LSTM lengths are [4.  1.5 1. ], expected 3 whole numbers from 0 to 4"),
])
def test_a_wrong_argument_of_forward_names_what_was_given_and_expected(rng, arguments, message):
    layer = LSTM(D, H, rng=rng, dtype=np.float64)
    with pytest.raises(ValueError) as caught:
        layer.forward(*arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(("dy", "dstate"), [
    (np.zeros((4, 3, H - 1)), None),
    (np.zeros((3, 3, H)), None),
    (np.zeros((4, 2, H)), None),
    (np.zeros((4, 3, H), np.float32), None),
    (np.zeros((4, 3, H)), (np.zeros((2, H)), np.zeros((3, H)))),
    (np.zeros((4, 3, H)), (np.zeros((3, H)), np.zeros((3, H + 1)))),
], ids=["width", "steps", "sequences", "dtype", "dh", "dc"])
def test_a_wrong_gradient_is_refused_before_a_kernel_reads_past_its_end(rng, dy, dstate):
    layer = LSTM(D, H, rng=rng, dtype=np.float64)
    _, _, cache = layer.forward(X)
    # On NumPy: the check comes before either backend, and without it a kernel could end the whole test run.
    with backend.use("numpy"), pytest.raises(ValueError, match="expected"):
        layer.backward(dy, cache, dstate)
