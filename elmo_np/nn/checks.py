"""Checks of the sizes and arrays that a layer is given. The kernels read memory without looking, so every layer checks
first."""

from numbers import Integral

from numpy.typing import DTypeLike

from ..config.fields import shown
from ..types import Array


def check_sizes(layer: str, **sizes: object) -> None:
    """Raise ValueError, which names the layer, unless each size is a whole number of at least 1."""
    for name, size in sizes.items():
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise ValueError(f"{layer}: {name} = {shown(size)}, expected a whole number of at least 1")


def check_array(what: str, x: Array, shape: tuple[int, ...], dtype: DTypeLike) -> None:
    """Raise ValueError, which says what the array is, for another shape or dtype."""
    if x.shape != shape or x.dtype != dtype:
        raise ValueError(f"{what} is {x.dtype}{x.shape}, expected {dtype}{shape}")


def check_ids(what: str, ids: Array, V: int, lowest: int = 0) -> None:
    """Raise ValueError unless ids are whole numbers in [lowest, V); those below 0 stand for padding."""
    if ids.dtype.kind not in "iu":
        raise ValueError(f"{what} have dtype {ids.dtype}, expected whole numbers")
    if ids.size and not lowest <= ids.min() <= ids.max() < V:
        padding = " (padding)" if lowest < 0 else ""
        raise ValueError(f"{what} range from {ids.min()} to {ids.max()}, expected {lowest}{padding} to {V - 1}")
