"""Dropout (D): a new mask at every call, scaled so that nothing changes at inference.

    (D1) y = x * mask / (1 - rate),  each mask element 1 with probability 1 - rate, else 0
    (D2) locked: the mask has one step, which all steps of x share
    (D3) by word type: y_t = x_t * mask[w_t] / (1 - rate),  one mask element per word type
    (D4) of weights: Wh <- Wh * mask / (1 - rate),  the same at all steps of a batch

Dimensions: T steps, B sequences, D width of a word's vector.
Source: (D1) Srivastava et al. 2014; between layers only, never in the recurrence: Zaremba et al. 2014; (D2), (D3) Gal
and Ghahramani 2016; (D4) Wan et al. 2013 (DropConnect), in the recurrence Merity et al. 2018 (AWD-LSTM).
"""

from copy import copy

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..types import Array
from .cell import Cell
from .parameter import Parameter


def dropout_forward(
    x: Array, rate: float, rng: Generator | None, locked: bool = False,
) -> tuple[Array, Array | None]:
    """x of any shape -> y, and the scaled mask for backward. At rate 0 or without rng: x itself and None.

    locked      drop the same elements at all steps x[t]
    Raises ValueError for a rate outside [0, 1)."""
    shape = (1, *x.shape[1:]) if locked else x.shape  # (D2)
    mask = scaled_mask(shape, rate, rng, x.dtype)
    return (x, None) if mask is None else (x * mask, mask)  # (D1)


def dropout_backward(dy: Array, mask: Array | None) -> Array:
    """dy -> dx with the mask of the forward pass."""
    return dy if mask is None else dy * mask  # (D1), (D2), (D3)


def type_dropout_forward(
    x: Array, type_ids: Array, rate: float, rng: Generator | None,
) -> tuple[Array, Array | None]:
    """x (T, B, D), type_ids (T, B): a number for each word type -> y, and the scaled mask (T, B, 1) for
    `dropout_backward`. At rate 0 or without rng: x itself and None."""
    if rate == 0 or rng is None:
        return x, None
    found, positions = np.unique(type_ids, return_inverse=True)    # draws as many as the batch has
    drawn = scaled_mask(found.shape, rate, rng, x.dtype)
    mask = np.asarray(drawn)[positions.reshape(*type_ids.shape, 1)]  # (D3)
    return x * mask, mask  # (D3)


def weight_drop_forward(layer: Cell, rate: float, rng: Generator | None) -> tuple[Cell, Array | None]:
    """A layer that shares every Parameter with `layer` but Wh, which is dropped, and the scaled mask for backward. At
    rate 0 or without rng: the layer itself and None."""
    mask = scaled_mask(layer.Wh.value.shape, rate, rng, layer.Wh.value.dtype) if rate else None
    if mask is None:
        return layer, None
    dropped = copy(layer)
    dropped.Wh = Parameter(layer.Wh.value * mask)  # (D4)
    dropped.Wh.zero_grad()      # the cell's backward may then write its gradient without adding
    return dropped, mask


def weight_drop_backward(layer: Cell, dropped: Cell, mask: Array | None) -> None:
    """The gradient of the dropped Wh: accumulates into that of `layer`."""
    if mask is not None:
        layer.Wh.grad += dropped.Wh.grad * mask  # (D4)


def scaled_mask(shape: tuple[int, ...], rate: float, rng: Generator | None, dtype: DTypeLike) -> Array | None:
    """An array of 0, with probability `rate`, and 1 / (1 - rate); None at rate 0 or without rng.

    Raises ValueError for a rate outside [0, 1)."""
    if not 0 <= rate < 1:
        raise ValueError(f"dropout rate {rate}, expected at least 0 and less than 1")
    if rate == 0 or rng is None:
        return None
    kept = rng.random(shape, dtype=np.float32) >= rate
    mask: Array = kept / np.asarray(1 - rate, dtype)
    return mask
