"""The type of an array in every signature."""

from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
