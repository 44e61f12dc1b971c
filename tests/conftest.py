"""What the tests share: both backends, random numbers that are the same in every run, and data from elsewhere."""

import os
from pathlib import Path

import numpy as np
import pytest

# Under ELMO_NP_KERNELS=require this raises where the kernels are absent: then no test is skipped, all fail.
from elmo_np import backend
from elmo_np.runtime.threads import threads
from tests import strict_warnings
from tests.commands import do, first_home, home  # noqa: F401  (fixtures for every test)
from tests.task_fixtures import run, task_home, undrawn  # noqa: F401  (likewise)

# Many tests start a Python of their own. Without bytecode on disk each would compile all sources again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure(config):
    for one in strict_warnings.FILTERS:
        config.addinivalue_line("filterwarnings", one)


@pytest.fixture(scope="session", autouse=True)
def waits_for_no_disk():
    """No test cuts the power: os.fsync only sees to it that the file is open. Thousands of small files are written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)
        yield


@pytest.fixture(params=["numpy", "cython"])
def each_backend(request):
    """Run the test on NumPy and on the kernels."""
    if request.param == "cython" and backend.why_not():
        pytest.skip(backend.why_not())
    with backend.use(request.param):
        yield request.param


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Two threads take up to twice the processor time for so small models, and compute the same bits. Tests of that ask
    for two, and a training does as its settings say."""
    with threads(1):
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def data():
    """The folder of that name with data of others; a test that needs one is skipped where it is absent."""
    root = os.environ.get("ELMO_NP_DATA") or Path(__file__).parents[2] / "shared" / "data"

    def folder(name):
        path = Path(root) / name
        if not path.is_dir():
            pytest.skip(f"there is no {path}: set ELMO_NP_DATA to a folder with {name}")
        return path
    return folder
