"""representation: W h_bi + b, and the weighted average of the layers."""

import numpy as np
import pytest

from elmo_np.nn.parameter import parameters, zero_grad
from elmo_np.nn.representation import ScalarMix, WordVector, h_bi, h_bi_backward

# sums of at most 12 products around 1: 24 roundings of 1.1e-16
ROUNDING = 3e-15


def close(one, other, atol=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def test_h_bi_is_the_forward_state_and_then_the_backward_one():
    np.testing.assert_array_equal(h_bi(np.array([[1, 2]]), np.array([[3, 4]])), [[1, 2, 3, 4]])


def test_the_gradient_of_h_bi_splits_where_it_was_joined(rng):
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


def test_the_message_for_another_width_states_what_was_given_and_expected(rng):
    with pytest.raises(ValueError) as caught:
        WordVector(6, 4, rng=rng).forward(np.zeros((5, 7), np.float32))
    assert str(caught.value) == "h_bi has shape (5, 7), expected (.., 6)"


def some_mix(w, gamma, dtype=np.float64, **settings):
    mix = ScalarMix(len(w), dtype=dtype, **settings)
    mix.w.value[...], mix.gamma.value[...] = w, gamma
    return mix


def test_a_mix_starts_as_the_plain_average(rng):
    layers = rng.normal(size=(3, 5, 4))
    close(ScalarMix(3, dtype=np.float64).forward(layers)[0], (layers[0] + layers[1] + layers[2]) / 3)


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


MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool)       # sentences of 4, 2 and 1 words


def mixed_by_hand(layers, mask, w, gamma, normalise):
    """The mix, one element at a time: {index: value}, without padding."""
    e = [np.exp(w_j) for w_j in w]
    scaled = []
    for layer in layers:
        kept = [x for vector, live in zip(layer.reshape(-1, layer.shape[-1]), mask.reshape(-1), strict=True) if live
                for x in vector]
        mean = sum(kept) / len(kept)
        variance = sum((x - mean)**2 for x in kept) / len(kept)
        scaled.append((lambda x, m=mean, v=variance: (x - m) / np.sqrt(v + 1e-12)) if normalise else lambda x: x)
    found = {}
    for place in np.argwhere(mask):
        for k in range(layers.shape[-1]):
            at = (*map(int, place), k)
            found[at] = gamma * sum(e[j] / sum(e) * scaled[j](layers[j][at]) for j in range(len(w)))
    return found


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize(("w", "gamma"), [((0.1, 0.3, 0.5), 1.1), ((0.2, 0.4, 0.6), 0.88)])
def test_a_mix_with_padding_is_that_of_a_naive_computation(w, gamma, normalise, rng):
    layers = rng.normal(0.5, [[[[1]]], [[[2]]], [[[3]]]], size=(3, 3, 4, 32))
    expected = mixed_by_hand(layers, MASK, w, gamma, normalise)
    mix = some_mix(w, gamma, layer_norm=normalise)
    found, _ = mix.forward(layers, MASK)
    assert len(expected) == 7 * 32
    for at, number in expected.items():
        assert found[at] == pytest.approx(number, abs=1e-13)        # means of 224 values up to 10, one after another
    assert not found[~MASK].any()
    single, double = (some_mix(w, gamma, dtype, layer_norm=normalise).forward(layers.astype(dtype), MASK)[0]
                      for dtype in (np.float32, np.float64))
    assert single.dtype == np.float32
    close(single, double, 1e-5)


@pytest.mark.parametrize("normalise", [False, True])
def test_values_at_padding_do_not_affect_a_mix(normalise, rng):
    layers, de = rng.normal(size=(3, 3, 4, 5)), rng.normal(size=(3, 4, 5))
    results = []
    for filler in 0.0, 1e6, np.nan:
        layers[:, ~MASK] = filler
        mix = some_mix((0.1, 0.3, 0.5), 1.1, layer_norm=normalise)
        e, cache = mix.forward(layers, MASK)
        results.append([e, mix.backward(de, cache), mix.w.grad, mix.gamma.grad])
        assert not e[~MASK].any()
        assert not results[-1][1][:, ~MASK].any()
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("normalise", [False, True])
def test_without_a_mask_there_is_no_padding(normalise, rng):
    layers = rng.normal(size=(3, 3, 4, 5))
    one, two = (some_mix((0.1, 0.3, 0.5), 1.1, layer_norm=normalise).forward(layers, mask)[0]
                for mask in (None, np.ones((3, 4), bool)))
    close(one, two)


def test_a_normalised_layer_has_mean_0_and_variance_1_over_its_words_and_not_over_each_word(rng):
    layers = rng.normal(3, 5, size=(1, 3, 4, 32))
    n = some_mix((0.3,), 1.0, layer_norm=True).forward(layers, MASK)[0][MASK]
    assert n.mean() == pytest.approx(0, abs=1e-14)
    assert n.var() == pytest.approx(1, abs=1e-12)
    assert np.abs(n.mean(axis=1)).max() > 0.1


def test_a_layer_that_does_not_vary_and_a_batch_without_a_word_are_zero_and_not_nan():
    mix = some_mix((0.1, 0.3), 1.1, layer_norm=True)
    for layers, mask in (np.full((2, 3, 4, 5), 7.0), MASK), (np.ones((2, 3, 4, 5)), np.zeros((3, 4), bool)), \
            (np.ones((2, 0, 5)), None):
        e, cache = mix.forward(layers, mask)
        assert not e.any()
        assert np.isfinite(mix.backward(np.ones_like(e), cache)).all()


def test_a_mix_of_the_top_layer_alone_is_gamma_times_it(rng):
    top = rng.normal(size=(1, 5, 4))
    close(some_mix((0.7,), 1.1).forward(top)[0], 1.1 * top[0])


def test_the_penalty_is_l2_times_the_squares_of_w_and_nothing_without_l2():
    mix = some_mix((0.1, -0.3, 0.5), 1.1, l2=0.001)
    assert mix.penalty() == pytest.approx(0.001 * 0.35)
    mix.penalty_backward(2.0)
    close(mix.w.grad, 2 * 0.002 * mix.w.value)
    assert not mix.gamma.grad.any()
    free = some_mix((0.1, -0.3, 0.5), 1.1)
    free.penalty_backward()
    assert free.penalty() == 0
    assert not free.w.grad.any()


def test_the_message_for_a_mask_of_another_shape_states_what_was_given_and_expected():
    with pytest.raises(ValueError) as caught:
        ScalarMix(2).forward(np.zeros((2, 5, 3, 4), np.float32), np.ones((3, 5), bool))
    assert str(caught.value) == "mask has shape (3, 5), expected (5, 3)"


def test_the_message_for_another_number_of_layers_states_what_was_given_and_expected():
    with pytest.raises(ValueError) as caught:
        ScalarMix(3).forward(np.zeros((2, 5, 4), np.float32))
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
    mix, layer = ScalarMix(3), WordVector(6, 4, rng=rng)
    mixed, cache = mix.forward(layers)
    v, h = layer.forward(mixed)
    dmixed = layer.backward(v, h)
    assert {array.dtype for array in (mixed, v, dmixed, mix.backward(dmixed, cache))} == {np.dtype(np.float32)}
    assert {p.grad.dtype for p in (*parameters(mix).values(), *parameters(layer).values())} == {np.dtype(np.float32)}


def test_inputs_are_left_alone(rng):
    h, layers, dv, dmix = (rng.normal(size=shape) for shape in ((5, 6), (3, 5, 4), (5, 4), (5, 4)))
    before = [array.copy() for array in (h, layers, dv, dmix)]
    layer, mix = WordVector(6, 4, rng=rng, dtype=np.float64), ScalarMix(3, dtype=np.float64)
    layer.backward(dv, layer.forward(h)[1])
    mix.backward(dmix, mix.forward(layers)[1])
    for one, other in zip((h, layers, dv, dmix), before, strict=True):
        np.testing.assert_array_equal(one, other)
