"""One call, two implementations: the NumPy reference and its compiled twin.

A reader who follows a call finds the NumPy function; the user gets the kernel of the same name. The kernels are used
if they load. ELMO_NP_KERNELS=off|require and ELMO_NP_SIMD=base|avx2|avx512 override that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from importlib import import_module
from typing import Any, Generic, ParamSpec, TypeVar

from .errors import UserError
from .install_hint import install_hint

P = ParamSpec("P")
R = TypeVar("R")

TWINS: dict[str, Twin[..., Any]] = {}       # every equation function that has a kernel; the tests go through them all


def _load() -> tuple[Any, str]:
    """The extension and "", or None and why it is missing. Raises UserError for a setting that cannot be met."""
    choice = os.environ.get("ELMO_NP_KERNELS", "auto")
    if choice not in ("auto", "off", "require"):
        raise UserError(f"ELMO_NP_KERNELS={choice}: expected auto, off or require")
    if choice == "off":
        return None, "ELMO_NP_KERNELS=off"
    try:
        kernels = import_module("elmo_np._kernels")
    except ImportError as error:
        if choice == "require":
            raise UserError(f"ELMO_NP_KERNELS=require, but the kernels do not load ({error}); "
                            f"{install_hint()}") from error
        return None, f"the kernels do not load ({error}); {install_hint()}"
    path = os.environ.get("ELMO_NP_SIMD", kernels.simd_paths()[-1])
    if path not in kernels.simd_paths():
        raise UserError(f"ELMO_NP_SIMD={path}: this machine has {', '.join(kernels.simd_paths())}")
    kernels.use_simd(path)
    return kernels, ""


_refused: UserError | None = None       # raised when something computes, so that importing elmo_np never fails
try:
    _kernels, _why_not = _load()
except UserError as error:
    _kernels, _why_not, _refused = None, str(error), error
_active = "refused" if _refused else "numpy" if _kernels is None else "cython"


def require() -> None:
    """Raise UserError if ELMO_NP_KERNELS or ELMO_NP_SIMD asks for something that is not available."""
    if _active == "refused" and _refused is not None:
        raise _refused


class Twin(Generic[P, R]):
    """An equation function and, if the extension is loaded, its kernel of the same name."""

    def __init__(self, reference: Callable[P, R]):
        update_wrapper(self, reference)
        self.reference = reference
        self.compiled: Callable[P, R] | None = getattr(_kernels, reference.__name__) if _kernels else None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if _active == "cython" and self.compiled is not None:
            return self.compiled(*args, **kwargs)
        require()
        return self.reference(*args, **kwargs)


def twin(reference: Callable[P, R]) -> Twin[P, R]:
    """Declare that a NumPy function has a kernel with the same name, arguments and results."""
    TWINS[reference.__name__] = made = Twin(reference)
    return made


def backend() -> str:
    """The backend in use: "cython" or "numpy". Raises UserError as `require` does."""
    require()
    return _active


def why_not() -> str:
    """Why there are no kernels, and how to fix that; "" if they are loaded."""
    return _why_not


def simd() -> str:
    """The SIMD path of the kernels: "base", "avx2" or "avx512"; "none" without kernels."""
    return str(_kernels.simd()) if _kernels else "none"


def simd_paths() -> list[str]:
    """The SIMD paths that this CPU can run, slowest first; none without kernels."""
    return list(_kernels.simd_paths()) if _kernels else []


@contextmanager
def use_simd(name: str) -> Iterator[None]:
    """Run the body with the kernels' SIMD path `name`. Not to be used while another thread computes."""
    if name not in simd_paths():
        raise UserError(f"SIMD path {name!r}: this machine has {', '.join(simd_paths()) or 'no kernels'}")
    before = simd()
    _kernels.use_simd(name)
    try:
        yield
    finally:
        _kernels.use_simd(before)


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """Let the kernels keep so much memory to use it again while the body runs; nothing without kernels."""
    before = _kernels.memory_limit(megabytes << 20) if _kernels else 0
    try:
        yield
    finally:
        if _kernels:
            _kernels.memory_limit(before)


@contextmanager
def use(name: str) -> Iterator[None]:
    """Run the body with backend `name`; never falls back silently. Not to be used while another thread computes."""
    global _active
    if name not in ("numpy", "cython"):
        raise UserError(f"backend {name!r}: expected 'numpy' or 'cython'")
    if name == "cython" and _kernels is None:
        raise UserError(f"backend 'cython' is not available: {_why_not}")
    before, _active = _active, name
    try:
        yield
    finally:
        _active = before
