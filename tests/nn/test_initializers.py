"""initializers: the draws are those of NumPy's generator, in its order, and without a generator nothing is drawn."""

import numpy as np
import pytest

from elmo_np.nn.initializers import glorot_uniform, identity_or_orthonormal, lecun_normal, uniform

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@DTYPES
def test_uniform_draws_within_the_bound(dtype):
    x = uniform(np.random.default_rng(3), (4, 5), 0.1, dtype)
    assert x.dtype == dtype
    np.testing.assert_array_equal(x, np.random.default_rng(3).uniform(-0.1, 0.1, (4, 5)).astype(dtype))


@pytest.mark.parametrize(("shape", "bound"), [((2, 4), 1.0), ((6,), 1.0), ((24, 30), 1 / 3)])
def test_glorots_bound_is_the_root_of_6_over_inputs_and_outputs(shape, bound):
    x = glorot_uniform(np.random.default_rng(3), shape, np.float64)
    expected = np.random.default_rng(3).uniform(-bound, bound, shape)
    np.testing.assert_allclose(x, expected, rtol=0, atol=3e-16)     # one rounding of the bound


def test_lecuns_variance_is_one_over_the_inputs():
    """The mean square of N normal values is off by a share of sqrt(2 / N) = 0.014; five of these."""
    x = lecun_normal(np.random.default_rng(3), (100, 100), 25, np.float64)
    assert np.mean(x**2) == pytest.approx(1 / 25, rel=5 * 0.0142)
    np.testing.assert_array_equal(x, np.random.default_rng(3).standard_normal((100, 100)) / 5)


@DTYPES
def test_without_a_generator_arrays_are_zero_and_of_the_same_shape(dtype):
    for x in (uniform(None, (3, 2), 0.1, dtype), glorot_uniform(None, (3, 2), dtype),
              lecun_normal(None, (3, 2), 3, dtype)):
        assert (x.shape, x.dtype) == ((3, 2), dtype)
        assert not x.any()


def test_equal_widths_give_the_identity_and_draw_nothing(rng):
    np.testing.assert_array_equal(identity_or_orthonormal(rng, 4, 4, np.float32), np.eye(4))
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize(("outputs", "inputs"), [(3, 8), (8, 3)])
def test_unequal_widths_give_orthonormal_rows_or_columns(outputs, inputs, rng):
    W = identity_or_orthonormal(rng, outputs, inputs, np.float64)
    assert W.shape == (outputs, inputs)
    assert W.flags.c_contiguous
    product = W @ W.T if outputs < inputs else W.T @ W
    np.testing.assert_allclose(product, np.eye(3), rtol=0, atol=3e-15)      # sums of 8 products
