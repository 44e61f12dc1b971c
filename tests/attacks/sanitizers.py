"""Kernels of random shapes: what NumPy computes, and no access beyond an array, under AddressSanitizer and UBSan.

The kernels are compiled for it in a temporary folder, without optimisation; every SIMD path of this machine is used.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

import numpy as np

from elmo_np import backend
from tests.attacks.attempts import Case, Limits, Skip, Try
from tests.kernel_source import KERNELS
from tests.whole.test_twins import SAMPLES, TOLERANCE, flatten

SHORT, LONG = 36, 100_000
LIMITS = Limits(seconds=600)
ROUNDINGS = 10          # times the tolerance of the tests' own shapes: random ones have longer sums
ROOT = KERNELS.parent


def environment(folder: Path) -> tuple[Path, dict[str, str]]:
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
             "-fno-sanitize=null,pointer-overflow,object-size"]     # these double the time to compile
    return instrumented(folder, flags, "libasan.so", ASAN_OPTIONS="detect_leaks=0", PYTHONMALLOC="malloc")


def instrumented(folder: Path, flags: list[str], library: str, **options: str) -> tuple[Path, dict[str, str]]:
    """A copy of the package whose kernels are compiled with flags, and the environment that it needs. Raises Skip."""
    compiler = shutil.which("gcc")
    if compiler is None or sys.platform != "linux" or not find_spec("Cython"):
        raise Skip("it needs Linux, gcc and Cython")
    runtime = subprocess.check_output([compiler, f"-print-file-name={library}"], text=True).strip()
    if not os.path.isabs(runtime):
        raise Skip(f"gcc has no {library}")
    shutil.copytree(ROOT / "elmo_np", folder / "elmo_np", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in "tests", "kernels":
        (folder / name).symlink_to(ROOT / name)
    source, extension = folder / "_kernels.c", f"elmo_np/_kernels{sysconfig.get_config_var('EXT_SUFFIX')}"
    subprocess.run([sys.executable, "-m", "cython", KERNELS / "_kernels.pyx", "-o", source], check=True)
    digest = run_path(str(KERNELS / "source_digest.py"))["source_digest"](KERNELS)
    # Half a minute of processor time, which ccache, where it is, takes once for the same C: hence no path of `folder`.
    includes = [f"-I{KERNELS}", f"-I{sysconfig.get_path('include')}"]
    cached = [ccache] if (ccache := shutil.which("ccache")) else []
    subprocess.run([*cached, compiler, "-c", "-fPIC", "-O0", "-w", *flags, f'-DSOURCE_SHA256="{digest}"', *includes,
                    "_kernels.c", "-o", "_kernels.o"], cwd=folder, check=True)
    subprocess.run([compiler, "-shared", *flags, "_kernels.o", "-o", extension], cwd=folder, check=True)
    return folder, {"LD_PRELOAD": runtime, "PYTHONPATH": str(folder), "ELMO_NP_KERNELS": "require", **options}


def prepare(home: Path) -> None:
    """Nothing is needed."""


def of(name: str) -> Case:
    def case(attempt: Try) -> None:
        rng, twin = attempt.rng, backend.TWINS[name]
        dtype, path = rng.choice([np.float32, np.float64]), rng.choice(backend.simd_paths())
        size = (*rng.integers(0, [9, 35]), *(int(2 ** rng.uniform(0, most)) for most in (6, 6, 8)))
        with backend.use_simd(path):
            for args in SAMPLES[name](rng, dtype, size):
                left, right = deepcopy(args), deepcopy(args)
                expected, found = twin.reference(*left), twin.compiled(*right)
                for one, other in zip(flatten((expected, left)), flatten((found, right)), strict=True):
                    if isinstance(one, (np.ndarray, float)):
                        close(other, one, ROUNDINGS * TOLERANCE[dtype], f"{size}, {dtype.__name__}, {path}")
    return case


def close(found: np.ndarray, expected: np.ndarray, tolerance: float, what: str) -> None:
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max(initial=1),
                               err_msg=what)


CASES = {name: of(name) for name in SAMPLES}
