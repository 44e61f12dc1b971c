"""dropout: some elements become zero, the others grow, and on average nothing changes."""

import numpy as np
import pytest

from elmo_np.config.cells import CELLS
from elmo_np.config.schema import BiLMConfig
from elmo_np.nn.cell import cell_class
from elmo_np.nn.dropout import (
    dropout_backward,
    dropout_forward,
    type_dropout_forward,
    weight_drop_backward,
    weight_drop_forward,
)
from elmo_np.nn.parameter import parameters

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


def test_a_locked_mask_is_the_same_at_all_steps_and_another_in_each_row(rng):
    x = np.ones((5, 3, 40))
    y, mask = dropout_forward(x, 0.4, rng, locked=True)
    assert mask.shape == (1, 3, 40)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:1], y.shape))
    assert not np.array_equal(y[0, 0], y[0, 1])
    assert set(np.unique(y)) == {0, 1 / 0.6}


def test_a_word_type_is_dropped_wherever_it_is(rng):
    ids = rng.integers(0, 20, (7, 5))
    y, mask = type_dropout_forward(np.ones((7, 5, 3)), ids, 0.4, rng)
    assert mask.shape == (7, 5, 1)
    values = {word: np.unique(y[ids == word]) for word in np.unique(ids)}
    assert all(len(found) == 1 for found in values.values())
    assert {found[0] for found in values.values()} == {0, 1 / 0.6}


def test_what_is_drawn_for_word_types_does_not_depend_on_the_vocabulary(rng):
    """The second vocabulary is a million times as large; the types are the same in the same order."""
    ids = rng.integers(0, 20, (7, 5))
    one, other = (type_dropout_forward(np.ones((7, 5, 3)), k * ids, 0.4, np.random.default_rng(1))[0]
                  for k in (1, 10**6))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", [name for name, kind in CELLS.items() if "weight_drop" in kind.settings])
def test_a_layer_with_dropped_weights_computes_with_wh_times_the_mask(name, rng):
    layer, same = (cell_class(name).of_config(BiLMConfig(cell=name, hidden_dim=6), 3, rng=np.random.default_rng(0),
                                              dtype=np.float64) for _ in range(2))
    x, before = rng.normal(size=(4, 2, 3)), layer.Wh.value.copy()
    dropped, mask = weight_drop_forward(layer, 0.5, rng)
    assert set(np.unique(mask)) == {0, 2}
    same.Wh.value *= mask
    y, _, cache = dropped.forward(x)
    expected, _, other = same.forward(x)
    np.testing.assert_array_equal(y, expected)
    dropped.backward(y, cache)
    weight_drop_backward(layer, dropped, mask)
    same.backward(y, other)
    same.Wh.grad *= mask
    np.testing.assert_array_equal(layer.Wh.value, before)
    for one, two in zip(parameters(layer).values(), parameters(same).values(), strict=True):
        np.testing.assert_array_equal(one.grad, two.grad)


@pytest.mark.parametrize("kind", ["type", "weight"])
def test_without_a_rate_or_a_generator_nothing_is_dropped_or_drawn(kind, rng):
    layer = cell_class("lstm").of_config(BiLMConfig(), 3, rng=rng, dtype=np.float32)
    x, ids, before = np.ones((2, 2, 3)), np.zeros((2, 2), int), rng.bit_generator.state
    for rate, given in (0.0, rng), (0.5, None):
        if kind == "type":
            found, mask = type_dropout_forward(x, ids, rate, given)
            assert found is x
        else:
            found, mask = weight_drop_forward(layer, rate, given)
            assert found is layer
        assert mask is None
    assert rng.bit_generator.state == before
