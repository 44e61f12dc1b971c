"""gru: the recurrence equals a reference of a few lines, stored values, and PyTorch's; test_cell.py has the rest."""

import numpy as np
import pytest

from elmo_np.nn.gru import GRU
from elmo_np.nn.parameter import parameters

pytestmark = pytest.mark.usefixtures("each_backend")

T, B, D, H = 4, 2, 3, 2
LENGTHS = np.array([4, 2])
# A value of a step is the sum of about 10 products around 1, and a bounded function of it: 4 steps of 20 roundings.
ROUNDING = 1e-14


def pattern(*shape):
    """Values that are the same everywhere: no generator, no file."""
    return np.sin(1 + 0.7 * np.arange(np.prod(shape))).reshape(shape)


@pytest.fixture
def layer():
    layer = GRU(D, H, rng=None, dtype=np.float64)
    for p in parameters(layer).values():
        p.value[...] = pattern(*p.value.shape)
    return layer


def reference(x, h, Wx, Wh, b, bh):
    """The same model as PyTorch's documentation writes it, one sequence (T, D) and one step at a time."""
    (Wr, Wz, Wn), (Ur, Uz, Un), (br, bz, bn) = (np.split(M, 3, axis=-1) for M in (Wx, Wh, b))
    outputs = []
    for x_t in x:
        r = 1 / (1 + np.exp(-(x_t @ Wr + h @ Ur + br)))
        z = 1 / (1 + np.exp(-(x_t @ Wz + h @ Uz + bz)))
        h = (1 - z) * np.tanh(x_t @ Wn + bn + r * (h @ Un + bh)) + z * h
        outputs.append(h)
    return np.array(outputs)


# What `reference` gave for the patterns of `layer`, for sequence 0 of pattern(T, B, D) from the state pattern(B, H)[0].
STORED = [[0.7782508429762918, 0.7077947470632578], [0.507110066309066, 0.45269815077927267],
          [0.43034224963298845, 0.06720991275728622], [0.35115584136855604, -0.12639123304934638]]


def test_forward_equals_the_reference_and_the_stored_values(layer):
    x, h0 = pattern(T, B, D), pattern(B, H)
    y, (h,), _ = layer.forward(x, (h0,), LENGTHS)
    values = [p.value for p in parameters(layer).values()]
    for b, n in enumerate(LENGTHS):
        expected = reference(x[:n, b], h0[b], *values)
        np.testing.assert_allclose(y[:n, b], expected, rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(h[b], expected[-1], rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(y[:, 0], STORED, rtol=0, atol=ROUNDING)


def test_the_order_of_the_gates_is_reset_update_candidate(layer):
    """An update gate that is shut keeps the state; one that is open, with a closed reset gate, forgets it."""
    x, h0 = pattern(1, B, D), pattern(B, H)
    layer.b.value[H:2*H] = 1e3
    np.testing.assert_array_equal(layer.forward(x, (h0,))[0][0], h0)
    layer.b.value[...] = np.repeat([-1e3, -1e3, 0.5], H)
    expected = np.tanh(x[0] @ layer.Wx.value[:, 2*H:] + 0.5)
    np.testing.assert_allclose(layer.forward(x, (h0,))[0][0], expected, rtol=0, atol=ROUNDING)


def test_a_state_between_minus_one_and_one_stays_there():
    """(H5) is a mean of the state and of a tanh: why no clip is needed."""
    layer = GRU(D, H, rng=None)
    for p in parameters(layer).values():
        p.value[...] = 50 * pattern(*p.value.shape)
    y, _, _ = layer.forward(100 * pattern(200, B, D).astype(np.float32))
    assert 0.9 < np.abs(y).max() <= 1


def test_new_weights_are_within_glorots_bound_and_biases_zero(rng):
    layer = GRU(30, 20, rng=rng)
    for p in layer.Wx, layer.Wh:
        assert 0.9 < np.abs(p.value).max() / np.sqrt(6 / sum(p.value.shape)) <= 1
    assert not layer.b.value.any()
    assert not layer.bh.value.any()


def test_outputs_and_gradients_equal_those_of_pytorch(layer):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    other = torch.nn.GRU(D, H).double()
    with torch.no_grad():
        other.weight_ih_l0.copy_(torch.tensor(layer.Wx.value.T))
        other.weight_hh_l0.copy_(torch.tensor(layer.Wh.value.T))
        other.bias_ih_l0.copy_(torch.tensor(layer.b.value))
        other.bias_hh_l0.copy_(torch.tensor(np.concatenate([np.zeros(2*H), layer.bh.value])))
    x, h0, dy, dh = pattern(T, B, D), pattern(B, H), pattern(T, B, H)[::-1].copy(), pattern(B, H)[::-1].copy()
    y, (h,), cache = layer.forward(x, (h0,))
    dx, (dh0,) = layer.backward(dy, cache, (dh,))
    x_, h0_ = (torch.tensor(array, requires_grad=True) for array in (x, h0[None]))
    y_, h_ = other(x_, h0_)
    ((y_ * torch.tensor(dy)).sum() + (h_[0] * torch.tensor(dh)).sum()).backward()
    for one, two in [(y, y_), (h, h_[0]), (dx, x_.grad), (dh0, h0_.grad[0]), (layer.Wx.grad, other.weight_ih_l0.grad.T),
                     (layer.Wh.grad, other.weight_hh_l0.grad.T), (layer.b.grad, other.bias_ih_l0.grad),
                     (layer.bh.grad, other.bias_hh_l0.grad[2*H:])]:
        np.testing.assert_allclose(one, two.detach().numpy(), rtol=0, atol=20 * ROUNDING)
