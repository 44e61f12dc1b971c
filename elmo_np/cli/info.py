"""`elmo-np info`."""

from __future__ import annotations

import argparse
import os
import sys

import numpy as np

from .. import __version__, backend
from ..runtime.threads import blas
from .common import Add, add_json, json_text


def arguments(add: Add) -> None:
    add_json(add)


def rows() -> list[tuple[str, str]]:
    """(name, value) of the software and hardware in use."""
    why = f" ({backend.why_not()})" if backend.why_not() else ""
    paths = ", ".join(backend.simd_paths()) or "no kernels"
    variables = [f"{key}={os.environ[key]}" for key in ("ELMO_NP_KERNELS", "ELMO_NP_SIMD") if key in os.environ]
    return [("elmo_np", __version__),
            ("backend", backend.backend() + why),
            ("SIMD path", f"{backend.simd()} (available: {paths})"),
            ("BLAS", blas()),
            ("threads", f"{min(2, os.cpu_count() or 1)} directions, or halves of a batch, at a time, on "
                        f"{os.cpu_count()} cores"),
            ("NumPy", np.__version__),
            ("Python", sys.version.split()[0]),
            ("environment", " ".join(variables) or "no ELMO_NP_KERNELS, no ELMO_NP_SIMD")]


def run(args: argparse.Namespace) -> int:
    if args.json:
        print(json_text(dict(rows())))
        return 0
    for name, value in rows():
        print(f"{name:12} {value}")
    return 0
