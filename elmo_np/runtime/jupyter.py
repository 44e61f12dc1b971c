"""Jupyter notebooks: whether what this program writes appears below a cell."""

from __future__ import annotations

import sys
from typing import TextIO


def in_notebook(stream: TextIO | None = None) -> bool:
    """Whether a notebook shows `stream`, by default standard output. It rewrites lines, as a terminal does."""
    return type(stream or sys.stdout).__module__ == "ipykernel.iostream"
