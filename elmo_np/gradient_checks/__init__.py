"""The points at which every backward pass is compared with central differences.

A point is chosen so that every branch acts, and says so itself: some cells clipped and some free, repeated words,
padded steps, dropped and kept numbers. The tests and `elmo-np gradcheck` run the same cases, on both backends.
Each module here lists its own in CASES as it is imported; the order of the imports is that of the table.
"""

from . import layers, characters, models, tasks  # isort: skip
from .registry import CASES, Case, run

__all__ = ["CASES", "Case", "characters", "layers", "models", "run", "tasks"]
