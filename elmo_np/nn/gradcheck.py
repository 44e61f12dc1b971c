"""Compare a hand-written backward pass with central differences.

A falling loss proves nothing: of ten bugs planted in a backward pass, all ten still learnt (tutorial 05). A gradient
that equals the difference quotient of its own forward pass, in float64, for every element of every array, is evidence.
Errors are relative to the array's largest element, so an element far below it is checked less strictly.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from ..types import Array

TOLERANCE = 1e-7        # relative; in float64 central differences at EPSILON are good to about 1e-9
EPSILON = 1e-5          # truncation falls with its square, rounding with its inverse: equal near 1e-5


class Row(NamedTuple):
    """The worst element of one array."""

    array: str
    entry: tuple[int, ...]      # its position in the array
    analytic: float             # the gradient that backward computed
    numeric: float              # the central difference
    error: float                # |analytic - numeric| / the array's maximum of |analytic| + |numeric|
    checked: int                # how many elements of the array were compared

    def ok(self, tolerance: float = TOLERANCE) -> bool:
        return self.error <= tolerance

    def __str__(self) -> str:
        return (f"d loss / d {self.array}{list(self.entry)}: backward {self.analytic:+.6e}, central difference "
                f"{self.numeric:+.6e}, relative error {self.error:.1e}")


def gradcheck(
    loss: Callable[[], float],
    arrays: Mapping[str, Array],
    grads: Mapping[str, Array],
    *,
    epsilon: float = EPSILON,
    samples: int | None = None,
    seed: int = 0,
) -> list[Row]:
    """The worst element of every array.

    loss     computes the loss from the present values of `arrays`; nothing in it may be random
    arrays   {name: float64, contiguous}: each element is moved up and down by epsilon and put back
    grads    {name: same shape}: the gradients that backward gave at this point
    samples  elements compared per array, drawn by seed; None: all of them
    -> one Row per array. Raises ValueError or TypeError where a comparison would mean nothing.
    """
    if set(arrays) != set(grads):
        raise ValueError(f"arrays and grads name different things: {sorted(set(arrays) ^ set(grads))}")
    rng = np.random.default_rng(seed)
    rows = []
    for name, x in arrays.items():
        _require_comparable(name, x, grads[name])
        rows.append(_check(name, loss, x, grads[name], epsilon, _chosen(x.size, samples, rng)))
    return rows


def _require_comparable(name: str, x: Array, grad: Array) -> None:
    if x.dtype != np.float64:
        raise TypeError(f"{name} is {x.dtype}; central differences need float64")
    if not x.flags.c_contiguous:
        raise ValueError(f"{name} is not contiguous: moving its elements would move a copy")
    if grad.shape != x.shape:
        raise ValueError(f"gradient of {name} has shape {grad.shape}, expected {x.shape}")
    if x.size == 0:
        raise ValueError(f"{name} is empty: there is nothing to compare")


def _chosen(size: int, samples: int | None, rng: Generator) -> Array:
    """Flat indices of the elements to compare."""
    if samples is None:
        return np.arange(size)
    return rng.permutation(size)[:samples]


def _check(name: str, loss: Callable[[], float], x: Array, grad: Array, epsilon: float, chosen: Array) -> Row:
    flat = x.reshape(-1)
    numeric = np.array([central_difference(loss, flat, k, epsilon) for k in chosen])
    analytic = grad.reshape(-1)[chosen]
    error = _relative_error(analytic, numeric)
    worst = int(np.argmax(error))
    entry = np.unravel_index(chosen[worst], x.shape)
    return Row(name, tuple(int(k) for k in entry), float(analytic[worst]),
               float(numeric[worst]), float(error[worst]), len(chosen))


def _relative_error(analytic: Array, numeric: Array) -> Array:
    """The error of each element; infinite where it cannot be measured."""
    difference = np.abs(analytic - numeric)
    scale = np.max(np.abs(analytic) + np.abs(numeric))
    finite = np.isfinite(difference)
    if not finite.all():
        return np.where(finite, 0, np.inf)              # the row shows the culprit
    if scale == 0:
        return np.full(difference.shape, np.inf)        # a loss that ignores the array checks nothing
    relative: Array = difference / scale
    return relative


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


def check(
    loss: Callable[[], float],
    arrays: Mapping[str, Array],
    grads: Mapping[str, Array],
    *,
    tolerance: float = TOLERANCE,
) -> None:
    """Raise AssertionError that names every array whose gradient is wrong."""
    table = gradcheck(loss, arrays, grads)
    wrong = [str(row) for row in table if not row.ok(tolerance)]
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(table)} gradients disagree (tolerance {tolerance:g}):\n  "
                             + "\n  ".join(wrong))
