"""linear: scores and cross-entropy equal their equations, padding counts for nothing, mistakes are named."""

import math

import numpy as np
import pytest

from elmo_np.nn.softmax import IGNORE_INDEX
from elmo_np.tasks.nn.linear import (
    Linear,
    cross_entropy,
    cross_entropy_backward,
    log_softmax,
    pair_features,
    pair_features_backward,
)


def test_the_loss_equals_the_equations_one_number_at_a_time(rng):
    layer = Linear(3, 4, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=4)
    x, y = rng.normal(size=(5, 3)), rng.integers(0, 4, 5)
    losses = []
    for n in range(5):
        z = [sum(x[n, d] * layer.W.value[d, c] for d in range(3)) + layer.b.value[c] for c in range(4)]
        losses.append(math.log(sum(math.exp(score) for score in z)) - z[y[n]])
    loss, _ = cross_entropy(layer.forward(x)[0], y)
    assert loss == pytest.approx(sum(losses) / 5, rel=1e-14)        # some 20 roundings of 1.1e-16


def test_a_pair_is_both_vectors_their_distance_and_their_product():
    u, v = np.array([[1.0, -2.0]]), np.array([[3.0, -5.0]])
    np.testing.assert_array_equal(pair_features(u, v), [[1, -2, 3, -5, 2, 3, 3, 10]])
    du, dv = pair_features_backward(np.array([[1.0, 2, 3, 4, 5, 6, 7, 8]]), u, v)
    np.testing.assert_array_equal(du, [[1 - 5 + 7 * 3, 2 + 6 + 8 * -5]])
    np.testing.assert_array_equal(dv, [[3 + 5 + 7 * 1, 4 - 6 + 8 * -2]])


def test_padding_has_no_loss_and_no_gradient(rng):
    z, y = rng.normal(size=(6, 3)), np.array([0, IGNORE_INDEX, 2, 1, IGNORE_INDEX, 0])
    live = y != IGNORE_INDEX
    loss, cache = cross_entropy(z, y)
    dz = cross_entropy_backward(1.0, cache)
    alone, alone_cache = cross_entropy(z[live], y[live])
    assert loss == pytest.approx(alone, rel=1e-15)
    np.testing.assert_array_equal(dz[~live], 0)
    np.testing.assert_allclose(dz[live], cross_entropy_backward(1.0, alone_cache), rtol=1e-14)


def test_without_a_target_the_loss_is_zero():
    loss, cache = cross_entropy(np.ones((2, 3)), np.full(2, IGNORE_INDEX))
    assert loss == 0
    assert not cross_entropy_backward(1.0, cache).any()


def test_scores_of_any_size_neither_overflow_nor_lose_the_probability():
    log_p = log_softmax(np.array([1e4, 0.0, 1e4]))
    np.testing.assert_array_equal(log_p, [-math.log(2), -1e4 - math.log(2), -math.log(2)])


def test_float32_stays_float32(rng):
    layer = Linear(3, 4, rng=rng)
    z, cache = layer.forward(np.ones((2, 3), np.float32))
    dz = cross_entropy_backward(0.5, cross_entropy(z, np.array([1, 2]))[1])
    assert {a.dtype for a in (z, dz, layer.backward(dz, cache))} == {np.dtype(np.float32)}


def test_a_wrong_shape_or_label_is_named(rng):
    with pytest.raises(ValueError, match=r"linear layer input has shape \(2, 4\), expected \(\.\., 3\)"):
        Linear(3, 4, rng=rng).forward(np.ones((2, 4), np.float32))
    with pytest.raises(ValueError, match=r"scores have shape \(2, 3\), labels \(3,\)"):
        cross_entropy(np.ones((2, 3)), np.zeros(3, int))
    with pytest.raises(ValueError, match="targets range from 0 to 3, expected -1"):
        cross_entropy(np.ones((2, 3)), np.array([0, 3]))
