"""Compare a hand-written backward pass with central differences.

A loss that goes down proves nothing: of twelve bugs planted in a backward pass, ten still learnt. A gradient that
equals the difference quotient of its own forward pass, in float64, for every number of every array, is evidence. Errors
are relative to the array's largest number, so a number far below it is checked the less for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ..types import Array

TOLERANCE = 1e-7        # relative; central differences at EPSILON are good to about 1e-9 in float64
EPSILON = 1e-5          # truncation falls with its square, rounding grows with its inverse; they meet near 1e-5


class Row(NamedTuple):
    """The worst number of one array."""

    array: str
    entry: tuple[int, ...]      # its place in the array
    analytic: float             # what backward says
    numeric: float              # what the central difference says
    error: float                # |analytic - numeric| over the largest |analytic| + |numeric| of the array
    checked: int                # how many numbers of the array were compared

    def ok(self, tolerance: float = TOLERANCE) -> bool:
        return self.error <= tolerance

    def __str__(self) -> str:
        return (f"d loss / d {self.array}{list(self.entry)}: backward {self.analytic:+.6e}, central difference "
                f"{self.numeric:+.6e}, relative error {self.error:.1e}")


def gradcheck(loss: Callable[[], float], arrays: Mapping[str, Array], grads: Mapping[str, Array], *,
              epsilon: float = EPSILON, samples: int | None = None, seed: int = 0) -> list[Row]:
    """The worst number of every array.

    loss     computes the loss anew from what `arrays` hold now; nothing in it may be random
    arrays   {name: float64, contiguous}: each number is moved up and down by epsilon and put back
    grads    {name: same shape}: what backward gave at this point
    samples  numbers compared an array, drawn by seed; None: all of them
    -> a Row an array. Raises ValueError or TypeError where a comparison would mean nothing.
    """
    if set(arrays) != set(grads):
        raise ValueError(f"arrays and grads name different things: {sorted(set(arrays) ^ set(grads))}")
    rng = np.random.default_rng(seed)
    return [_check(name, loss, x, grads[name], epsilon, samples, rng) for name, x in arrays.items()]


def _check(name: str, loss: Callable[[], float], x: Array, grad: Array, epsilon: float, samples: int | None,
           rng: np.random.Generator) -> Row:
    if x.dtype != np.float64:
        raise TypeError(f"{name} is {x.dtype}; central differences need float64")
    if not x.flags.c_contiguous:
        raise ValueError(f"{name} is not contiguous: moving its numbers would move a copy")
    if grad.shape != x.shape:
        raise ValueError(f"gradient of {name} has shape {grad.shape}, expected {x.shape}")
    if x.size == 0:
        raise ValueError(f"{name} is empty: there is nothing to compare")
    chosen = np.arange(x.size) if samples is None else rng.permutation(x.size)[:samples]
    numeric = np.array([central_difference(loss, x.reshape(-1), k, epsilon) for k in chosen])
    analytic = grad.reshape(-1)[chosen]
    difference, size = np.abs(analytic - numeric), np.abs(analytic) + np.abs(numeric)
    finite = np.isfinite(difference)
    if not finite.all():
        error = np.where(finite, 0, np.inf)         # the row shows the culprit
    elif size.max() == 0:
        error = np.full(size.shape, np.inf)         # a loss that does not depend on the array checks nothing
    else:
        error = difference / size.max()
    worst = int(np.argmax(error))
    entry = tuple(int(j) for j in np.unravel_index(chosen[worst], x.shape))
    return Row(name, entry, float(analytic[worst]), float(numeric[worst]), float(error[worst]), len(chosen))


def central_difference(loss: Callable[[], float], x: Array, k: int, epsilon: float) -> float:
    """(loss(x_k + epsilon) - loss(x_k - epsilon)) / (2 epsilon); x (N,) is left as found."""
    kept = x[k]
    try:
        x[k] = kept + epsilon
        up = loss()
        x[k] = kept - epsilon
        return (up - loss()) / (2 * epsilon)
    finally:
        x[k] = kept


def check(loss: Callable[[], float], arrays: Mapping[str, Array], grads: Mapping[str, Array], *,
          tolerance: float = TOLERANCE) -> None:
    """Raise AssertionError that names every array whose gradient is wrong."""
    table = gradcheck(loss, arrays, grads)
    wrong = [str(row) for row in table if not row.ok(tolerance)]
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(table)} gradients disagree (tolerance {tolerance:g}):\n  "
                             + "\n  ".join(wrong))
