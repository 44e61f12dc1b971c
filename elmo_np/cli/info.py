"""`elmo-np info`."""

from __future__ import annotations

import argparse
import os
import sys

import numpy as np

from .. import __version__, backend
from ..runtime.threads import blas
from .common import Add

ABOUT = "backend, SIMD path, BLAS, threads, versions"


def arguments(add: Add) -> None:
    """There are none."""


def rows() -> list[tuple[str, str]]:
    """What runs here: (name, value)."""
    why = f" ({backend.why_not()})" if backend.why_not() else ""
    return [("elmo_np", __version__), ("backend", backend.backend() + why),
            ("SIMD path", f"{backend.simd()} (this machine has: {', '.join(backend.simd_paths()) or 'no kernels'})"),
            ("BLAS", blas()),
            ("threads", f"{min(2, os.cpu_count() or 1)} directions at once, of {os.cpu_count()} cores"),
            ("NumPy", np.__version__), ("Python", sys.version.split()[0]),
            ("environment", " ".join(f"{key}={os.environ[key]}" for key in ("ELMO_NP_KERNELS", "ELMO_NP_SIMD")
                                     if key in os.environ) or "no ELMO_NP_KERNELS, no ELMO_NP_SIMD")]


def run(args: argparse.Namespace) -> int:
    for name, value in rows():
        print(f"{name:12} {value}")
    return 0
