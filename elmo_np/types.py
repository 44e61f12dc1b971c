"""The types that signatures in all packages share."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
Sentences = Sequence[Sequence[str]]     # of tokens
