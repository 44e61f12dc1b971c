"""Every backward pass equals the central differences of its own forward pass, on both backends."""

import numpy as np
import pytest

from elmo_np import gradient_checks
from elmo_np.gradient_checks import CASES
from elmo_np.nn.gradcheck import TOLERANCE

# Central differences at a step of 1e-5 are off by about (1e-5)^2 in truncation and by the loss's rounding, 1e-16 times
# its size, over 1e-5: both some 1e-10 of a loss around 1, and some 1e-8 of an array whose largest gradient is 0.01.
# TOLERANCE is above both.


@pytest.mark.parametrize("name", CASES)
def test_every_gradient_equals_its_central_difference(name, each_backend):
    """In every element of every array."""
    arrays = CASES[name](np.random.default_rng(0)).arrays
    rows = gradient_checks.run(name)
    assert {row.array: row.checked for row in rows} == {array: x.size for array, x in arrays.items()}
    for row in rows:
        assert row.ok(TOLERANCE), f"{name}: {row}"


@pytest.mark.parametrize("name", CASES)
def test_every_gradient_of_a_case_has_something_to_compare(name):
    assert all(np.abs(grad).max() > 1e-3 for grad in CASES[name](np.random.default_rng(0)).grads.values())
