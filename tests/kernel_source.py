"""Whether the compiled kernels are those of the sources in kernels/: by content, since clones differ in file times."""

from importlib import import_module
from pathlib import Path
from runpy import run_path

KERNELS = Path(__file__).parents[1] / "kernels"


def stale(compiled, sources=KERNELS):
    """Why kernels whose SOURCE_SHA256 is `compiled` must not be tested, or ""."""
    if run_path(str(KERNELS / "source_digest.py"))["source_digest"](sources) == compiled:
        return ""
    return (f"the compiled kernels are not those of {sources}: rebuild them with "
            "`python setup.py -q build_ext --inplace`, then run the tests again")


def refuse_stale_kernels():
    """End the process with that sentence; without kernels, the tests run on NumPy."""
    try:
        kernels = import_module("elmo_np._kernels")
    except ImportError:
        return
    if reason := stale(getattr(kernels, "SOURCE_SHA256", "")):
        raise SystemExit(reason)
