"""Dropout (D): a new mask at every call, scaled so that nothing changes at inference.

    (D1) y = x * mask / (1 - rate),  each mask element 1 with probability 1 - rate, else 0

Source: Srivastava et al. 2014; between layers only, never in the recurrence: Zaremba et al. 2014.
"""

import numpy as np
from numpy.random import Generator

from ..types import Array


def dropout_forward(x: Array, rate: float, rng: Generator | None) -> tuple[Array, Array | None]:
    """x of any shape -> y, and the scaled mask for backward. At rate 0 or without rng: x itself and None.

    Raises ValueError for a rate outside [0, 1)."""
    if not 0 <= rate < 1:
        raise ValueError(f"dropout rate {rate}, expected at least 0 and less than 1")
    if rate == 0 or rng is None:
        return x, None
    kept = rng.random(x.shape, dtype=np.float32) >= rate
    mask = kept / np.asarray(1 - rate, x.dtype)
    return x * mask, mask  # (D1)


def dropout_backward(dy: Array, mask: Array | None) -> Array:
    """dy -> dx with the mask of the forward pass."""
    return dy if mask is None else dy * mask  # (D1)
