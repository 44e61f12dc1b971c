"""Pooling (G): one vector for a sentence from the vectors of its n words.

    (G1) mean   y = (1 / n) sum_{t<n} x_t
    (G2) max    y = max_{t<n} x_t,  for each element separately
    (G3) last   y = x_{n-1}
    (G4) ends   y = [first half of x_{n-1} ; second half of x_0]

Dimensions: T steps, B sentences, D width. Arrays are time-major; step n and later are padding and are ignored.
Where x is [forward ; backward] of two directions, both halves of (G4) come from an LSTM that has read the whole
sentence.
"""

from typing import NamedTuple

import numpy as np

from ...types import Array
from .lengths import check_lengths

POOLING_KINDS = ("mean", "max", "last", "ends")


class Cache(NamedTuple):
    # (T, B, D) or (T, B, 1): the weight of each element in the result
    share: Array


def pool(x: Array, lengths: Array, kind: str) -> tuple[Array, Cache]:
    """x (T, B, D), lengths (B,) from 1 to T, kind: one of POOLING_KINDS -> y (B, D), cache. Raises ValueError."""
    T, B, D = x.shape
    if kind not in POOLING_KINDS:
        raise ValueError(f"pooling {kind!r}: "
                         f"expected one of {', '.join(POOLING_KINDS)}")
    check_lengths("pooling", lengths, B, T)
    t = np.arange(T)[:, None, None]
    n = lengths[:, None]
    live = t < n            # (T, B, 1)
    if kind == "mean":
        share = live / n    # (G1)
    elif kind == "max":
        first = np.where(live, x, -np.inf).argmax(axis=0)  # (G2) the first of equals
        share = t == first  # (G2)
    elif kind == "last":
        share = t == n - 1  # (G3)
    else:
        end = np.where(np.arange(D) < D // 2, n - 1, 0)  # (G4)
        share = t == end    # (G4)
    share = share.astype(x.dtype)
    y = np.where(live, x * share, 0).sum(axis=0)  # (G1)-(G4)
    return y, Cache(share)


def pool_backward(dy: Array, cache: Cache) -> Array:
    """dy (B, D) -> dx (T, B, D), zero at padding."""
    dx: Array = cache.share * dy  # (G1)-(G4)
    return dx
