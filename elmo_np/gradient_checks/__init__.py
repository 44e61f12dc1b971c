"""Gradient checks: the points at which every backward pass is compared with central differences.

Each point is chosen so that every branch is active, and it verifies that: some cells clipped and some free, repeated
words, padded steps, dropped and kept elements. Parameters are drawn large enough that no gradient vanishes in rounding.
The tests and `elmo-np gradcheck` run the same cases, on both backends.
Each module here registers its own in CASES when it is imported; the order of the imports is that of the table.

A newcomer may change everything here. A new layer needs a case: tests/whole/test_mutants.py plants bugs in every
backward function of `nn` and `tasks`, and fails if no case runs one. Nothing is frozen: no file on disk names a case.
"""

from . import layers, characters, models, tasks  # isort: skip
from .registry import CASES, Case, run, select

__all__ = ["CASES", "Case", "characters", "layers", "models", "run", "select", "tasks"]
