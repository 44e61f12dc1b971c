"""dropout: some elements become zero, the others grow, and on average nothing changes."""

import numpy as np
import pytest

from elmo_np.nn.dropout import dropout_backward, dropout_forward

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@DTYPES
def test_an_element_is_dropped_or_divided_by_the_rate_kept(dtype, rng):
    x = rng.normal(size=(40, 50)).astype(dtype)
    y, mask = dropout_forward(x, 0.3, rng)
    assert y.dtype == mask.dtype == dtype
    kept = mask != 0
    assert not y[~kept].any()
    np.testing.assert_allclose(y[kept], x[kept] / dtype(0.7), rtol=3 * np.finfo(dtype).eps)    # a quotient, a product


def test_the_share_dropped_is_the_rate(rng):
    """A count of 100,000 draws is off by sqrt(0.3 * 0.7 / 100,000) = 0.00145; five of these."""
    _, mask = dropout_forward(np.ones(100_000), 0.3, rng)
    assert np.mean(mask == 0) == pytest.approx(0.3, abs=5 * 0.00145)


def test_the_mean_is_kept(rng):
    """An element of 1 becomes 0 or 1 / (1 - rate), with variance rate / (1 - rate); the mean of N has that over N."""
    N, rate = 100_000, 0.3
    y, _ = dropout_forward(np.ones(N), rate, rng)
    assert y.mean() == pytest.approx(1, abs=5 * np.sqrt(rate / (1 - rate) / N))


def test_rate_zero_returns_the_input_itself(rng):
    x = np.ones(3)
    y, mask = dropout_forward(x, 0, rng)
    assert y is x
    assert mask is None


def test_rate_zero_draws_nothing(rng):
    dropout_forward(np.ones(3), 0, rng)
    assert rng.random() == np.random.default_rng(0).random()


def test_no_generator_returns_the_input_itself():
    x = np.ones(3)
    y, mask = dropout_forward(x, 0.5, None)
    assert y is x
    assert mask is None


def test_every_call_draws_a_new_mask(rng):
    one, other = (dropout_forward(np.ones(100), 0.5, rng)[1] for _ in range(2))
    assert (one != other).any()


@DTYPES
def test_one_seed_gives_one_mask_whatever_the_precision(dtype):
    expected = dropout_forward(np.ones(100), 0.5, np.random.default_rng(3))[1]
    np.testing.assert_array_equal(dropout_forward(np.ones(100, dtype), 0.5, np.random.default_rng(3))[1], expected)


def test_backward_uses_the_mask_of_the_forward_pass(rng):
    x, dy = np.ones((20, 5)), rng.normal(size=(20, 5))
    y, mask = dropout_forward(x, 0.4, rng)
    np.testing.assert_array_equal(dropout_backward(dy, mask), dy * y)       # x is 1, so y is the mask


def test_backward_without_a_mask_returns_the_gradient_itself():
    dy = np.ones(3)
    assert dropout_backward(dy, None) is dy


def test_inputs_are_left_alone(rng):
    x, dy = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    before = x.copy(), dy.copy()
    _, mask = dropout_forward(x, 0.4, rng)
    dropout_backward(dy, mask)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(dy, before[1])
