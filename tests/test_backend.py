"""backend: the implementation that runs is the one that was asked for, or there is an error."""

import os
import subprocess
import sys

import pytest

from elmo_np import backend
from elmo_np.backend import Twin, use, use_simd
from elmo_np.errors import UserError

NO_KERNELS = "import sys; sys.modules['elmo_np._kernels'] = None; "       # as if they had not been compiled
REPORT = "from elmo_np import backend as b; print(b.backend(), b.simd(), b.simd_paths(), b.why_not(), sep='|')"
kernels = pytest.mark.skipif(bool(backend.why_not()), reason=backend.why_not())


def python(code, **environment):
    """The last line that a fresh Python prints: on stdout if it succeeds, otherwise on stderr."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ELMO_NP_")}
    clean["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", code], env={**clean, **environment}, capture_output=True, text=True,
                          timeout=60, check=False)
    return (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()[-1]


def test_off_means_numpy_and_gives_the_reason():
    assert python(REPORT, ELMO_NP_KERNELS="off") == "numpy|none|[]|ELMO_NP_KERNELS=off"


@kernels
def test_the_kernels_run_on_the_fastest_path_by_default():
    paths = backend.simd_paths()
    for choice in {}, {"ELMO_NP_KERNELS": "auto"}, {"ELMO_NP_KERNELS": "require"}:
        assert python(REPORT, **choice) == f"cython|{paths[-1]}|{paths}|"


def test_without_kernels_numpy_runs_and_tells_why_and_how_to_fix_it():
    found = python(NO_KERNELS + REPORT)
    assert found.startswith("numpy|none|[]|the kernels do not load (")
    assert "pip install" in found


def test_require_without_kernels_is_an_error_that_tells_how_to_fix_it():
    found = python(NO_KERNELS + REPORT, ELMO_NP_KERNELS="require")
    assert found.startswith("elmo_np.errors.UserError: ELMO_NP_KERNELS=require, but the kernels do not load (")
    assert "pip install" in found


@pytest.mark.parametrize("choice", ["rubbish", "", "OFF"])
def test_an_unknown_choice_is_an_error(choice):
    expected = f"elmo_np.errors.UserError: ELMO_NP_KERNELS={choice}: expected auto, off or require"
    assert python(REPORT, ELMO_NP_KERNELS=choice) == expected


@kernels
def test_an_unknown_simd_path_is_an_error_that_lists_the_known_ones():
    expected = f"elmo_np.errors.UserError: ELMO_NP_SIMD=rubbish: this machine has {', '.join(backend.simd_paths())}"
    assert python(REPORT, ELMO_NP_SIMD="rubbish") == expected


@kernels
def test_the_simd_path_that_was_asked_for_is_used():
    for path in backend.simd_paths():
        assert python(REPORT, ELMO_NP_SIMD=path).split("|")[:2] == ["cython", path]


@kernels
def test_every_cpu_has_the_base_path_first():
    assert backend.simd_paths()[0] == "base"
    assert set(backend.simd_paths()) <= {"base", "avx2", "avx512"}


def test_use_restores_the_backend_also_after_an_error():
    before = backend.backend()
    with use("numpy"):
        assert backend.backend() == "numpy"
    assert backend.backend() == before
    with pytest.raises(ZeroDivisionError), use("numpy"):
        raise ZeroDivisionError
    assert backend.backend() == before


@kernels
def test_uses_can_be_nested():
    with use("numpy"):
        with use("cython"):
            assert backend.backend() == "cython"
        assert backend.backend() == "numpy"


def test_use_of_an_unknown_backend_is_an_error():
    with pytest.raises(UserError, match="backend 'fortran': expected 'numpy' or 'cython'"), use("fortran"):
        pass


def test_use_of_missing_kernels_is_an_error_and_does_not_fall_back(monkeypatch):
    monkeypatch.setattr(backend, "_kernels", None)
    monkeypatch.setattr(backend, "_why_not", "no compiler")
    with pytest.raises(UserError, match="backend 'cython' is not available: no compiler"), use("cython"):
        pass


@kernels
def test_use_simd_restores_the_path_also_after_an_error():
    before = backend.simd()
    with use_simd("base"):
        assert backend.simd() == "base"
    assert backend.simd() == before
    with pytest.raises(ZeroDivisionError), use_simd("base"):
        raise ZeroDivisionError
    assert backend.simd() == before


def test_use_of_an_unknown_simd_path_is_an_error():
    with pytest.raises(UserError, match="SIMD path 'mmx': this machine has "), use_simd("mmx"):
        pass


@pytest.fixture
def pair():
    """A twin whose implementations return their names."""
    def reference(x):
        """The equation."""
        return "reference", x
    made = Twin.__new__(Twin)
    made.reference, made.compiled = reference, lambda x: ("compiled", x)
    return made


def test_a_twin_calls_the_numpy_reference_under_numpy(pair):
    with use("numpy"):
        assert pair(3) == ("reference", 3)


@kernels
def test_a_twin_calls_its_kernel_under_cython(pair):
    with use("cython"):
        assert pair(3) == pair(x=3) == ("compiled", 3)


def test_a_twin_reads_like_its_reference():
    from elmo_np.nn.lstm import lstm_forward
    assert lstm_forward.__name__ == "lstm_forward"
    assert lstm_forward.__doc__ == lstm_forward.reference.__doc__


@kernels
def test_every_twin_has_its_kernel():
    from elmo_np.nn import embedding, lstm, optim, softmax  # noqa: F401  (importing them fills the registry)
    assert backend.TWINS
    assert all(twin.compiled is not None for twin in backend.TWINS.values())
