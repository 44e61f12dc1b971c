"""vectors: W h_bi + b, and the weighted average of the layers."""

import numpy as np
import pytest

from elmo_np.parameter import parameters, zero_grad
from elmo_np.vectors import LayerMix, WordVector, h_bi, h_bi_backward

# sums of at most 12 products around 1: 24 roundings of 1.1e-16
ROUNDING = 3e-15


def close(one, other, atol=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def test_h_bi_is_the_forward_state_and_then_the_backward_one():
    np.testing.assert_array_equal(h_bi(np.array([[1, 2]]), np.array([[3, 4]])), [[1, 2, 3, 4]])


def test_the_gradient_of_h_bi_parts_where_it_was_joined(rng):
    forward, backward = rng.normal(size=(2, 5, 3))
    for part, expected in zip(h_bi_backward(h_bi(forward, backward)), (forward, backward), strict=True):
        np.testing.assert_array_equal(part, expected)


def test_W_starts_as_the_identity_where_the_sizes_allow(rng):
    layer = WordVector(6, 6, rng=rng)
    np.testing.assert_array_equal(layer.W.value, np.eye(6))
    assert not layer.b.value.any()
    h = rng.normal(size=(5, 6)).astype(np.float32)
    np.testing.assert_array_equal(layer.forward(h)[0], h)


def test_W_starts_with_orthonormal_rows_where_the_vector_is_narrower(rng):
    W = WordVector(12, 4, rng=rng, dtype=np.float64).W.value
    assert W.shape == (4, 12)
    close(W @ W.T, np.eye(4))


def test_W_starts_with_orthonormal_columns_where_the_vector_is_wider(rng):
    W = WordVector(4, 12, rng=rng, dtype=np.float64).W.value
    assert W.shape == (12, 4)
    close(W.T @ W, np.eye(4))


@pytest.mark.parametrize("shape", [(6,), (5, 6), (2, 5, 6), (0, 6)])
def test_a_vector_is_W_h_plus_b(shape, rng):
    layer = WordVector(6, 4, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=4)
    h = rng.normal(size=shape)
    v, _ = layer.forward(h)
    assert v.shape == (*shape[:-1], 4)
    W, b = layer.W.value, layer.b.value
    for one, found in zip(h.reshape(-1, 6), v.reshape(-1, 4), strict=True):
        close(found, [sum(W[n, k] * one[k] for k in range(6)) + b[n] for n in range(4)])


def test_a_word_vector_of_another_width_says_what_was_given_and_expected(rng):
    with pytest.raises(ValueError) as caught:
        WordVector(6, 4, rng=rng).forward(np.zeros((5, 7), np.float32))
    assert str(caught.value) == "h_bi has shape (5, 7), expected (.., 6)"


def some_mix(w, gamma, dtype=np.float64):
    mix = LayerMix(len(w), dtype=dtype)
    mix.w.value[...], mix.gamma.value[...] = w, gamma
    return mix


def test_a_mix_starts_as_the_plain_average(rng):
    layers = rng.normal(size=(3, 5, 4))
    close(LayerMix(3, dtype=np.float64).forward(layers)[0], (layers[0] + layers[1] + layers[2]) / 3)


def test_the_weights_of_a_mix_are_the_softmax_of_w(rng):
    _, cache = some_mix((0.1, 0.3, 0.5), 1.0).forward(np.zeros((3, 1)))
    close(cache.s, [0.269307, 0.328933, 0.401760], 5e-7)        # the check value has six digits
    close(cache.s.sum(), 1)


def test_a_mix_is_gamma_times_the_weighted_sum_of_the_layers(rng):
    layers = rng.normal(size=(3, 2, 5, 4))
    e = np.exp([0.1, 0.3, 0.5])
    found, _ = some_mix((0.1, 0.3, 0.5), 1.1).forward(layers)
    close(found, 1.1 * sum(e[j] / e.sum() * layers[j] for j in range(3)))


def test_large_weights_of_a_mix_do_not_overflow():
    found, cache = some_mix((1e4, 0, -1e4), 2.0).forward(np.array([[3.0], [4.0], [5.0]]))
    np.testing.assert_array_equal(cache.s, [1, 0, 0])
    np.testing.assert_array_equal(found, [6])


def test_a_mix_of_another_number_of_layers_says_what_was_given_and_expected():
    with pytest.raises(ValueError) as caught:
        LayerMix(3).forward(np.zeros((2, 5, 4), np.float32))
    assert str(caught.value) == "layer mix was given 2 layers, expected 3"


@pytest.mark.parametrize("layer", ["word vector", "mix"])
def test_gradients_add_up_and_can_be_cleared(layer, rng):
    if layer == "mix":
        made, x = some_mix((0.1, 0.3, 0.5), 1.1), rng.normal(size=(3, 5, 4))
    else:
        made, x = WordVector(6, 4, rng=rng, dtype=np.float64), rng.normal(size=(5, 6))
    y, cache = made.forward(x)
    once = made.backward(np.ones_like(y), cache)
    grads = {name: p.grad.copy() for name, p in parameters(made).items()}
    np.testing.assert_array_equal(made.backward(np.ones_like(y), cache), once)
    for name, p in parameters(made).items():
        np.testing.assert_array_equal(p.grad, 2 * grads[name])
    zero_grad(made)
    assert not any(p.grad.any() for p in parameters(made).values())


def test_float32_stays_float32(rng):
    layers = rng.normal(size=(3, 5, 6)).astype(np.float32)
    mix, layer = LayerMix(3), WordVector(6, 4, rng=rng)
    mixed, cache = mix.forward(layers)
    v, h = layer.forward(mixed)
    dmixed = layer.backward(v, h)
    assert {array.dtype for array in (mixed, v, dmixed, mix.backward(dmixed, cache))} == {np.dtype(np.float32)}
    assert {p.grad.dtype for p in (*parameters(mix).values(), *parameters(layer).values())} == {np.dtype(np.float32)}


def test_inputs_are_left_alone(rng):
    h, layers, dv, dmix = (rng.normal(size=shape) for shape in ((5, 6), (3, 5, 4), (5, 4), (5, 4)))
    before = [array.copy() for array in (h, layers, dv, dmix)]
    layer, mix = WordVector(6, 4, rng=rng, dtype=np.float64), LayerMix(3, dtype=np.float64)
    layer.backward(dv, layer.forward(h)[1])
    mix.backward(dmix, mix.forward(layers)[1])
    for one, other in zip((h, layers, dv, dmix), before, strict=True):
        np.testing.assert_array_equal(one, other)
