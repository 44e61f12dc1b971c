"""What the tests of the mathematics share: both backends, and random numbers that are the same in every run."""

import numpy as np
import pytest

# Under ELMO_NP_KERNELS=require this raises where the kernels are absent: then no test is skipped, all fail.
from elmo_np import backend


@pytest.fixture(params=["numpy", "cython"])
def each_backend(request):
    """Run the test on NumPy and on the kernels."""
    if request.param == "cython" and backend.why_not():
        pytest.skip(backend.why_not())
    with backend.use(request.param):
        yield request.param


@pytest.fixture
def rng():
    return np.random.default_rng(0)
