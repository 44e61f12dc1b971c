"""Pooling (G): one vector for a sentence from the vectors of its n words.

    (G1) mean   y = (1 / n) sum_{t<n} x_t
    (G2) max    y = max_{t<n} x_t,  for each number by itself
    (G3) last   y = x_{n-1}
    (G4) ends   y = [first half of x_{n-1} ; second half of x_0]

Dimensions: T steps, B sentences, D width. Arrays are time-major; step n and later are padding and count for nothing.
In both halves of (G4) is what has read the whole sentence, where x is [forward ; backward] of two directions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...types import Array

KINDS = ("mean", "max", "last", "ends")


class Cache(NamedTuple):
    share: Array        # (T, B, D) or (T, B, 1): the part that each number has in the result


def pool(x: Array, lengths: Array, kind: str) -> tuple[Array, Cache]:
    """x (T, B, D), lengths (B,) from 1 to T, kind: one of KINDS -> y (B, D), cache. Raises ValueError for others."""
    T, _, D = x.shape
    if kind not in KINDS:
        raise ValueError(f"pooling {kind!r}: expected one of {', '.join(KINDS)}")
    if len(lengths) != x.shape[1] or ((lengths < 1) | (lengths > T)).any():
        raise ValueError(f"pooling lengths are {lengths}, expected {x.shape[1]} whole numbers from 1 to {T}")
    t, n = np.arange(T)[:, None, None], lengths[:, None]
    live = t < n
    if kind == "mean":
        share = live / n                                                         # (G1)
    elif kind == "max":
        share = t == np.where(live, x, -np.inf).argmax(axis=0)                   # (G2) the first of equals
    elif kind == "last":
        share = t == n - 1                                                       # (G3)
    else:
        share = t == np.where(np.arange(D) < D // 2, n - 1, 0)                   # (G4)
    share = share.astype(x.dtype)
    return np.where(live, x * share, 0).sum(axis=0), Cache(share)                # (G1)-(G4)


def pool_backward(dy: Array, cache: Cache) -> Array:
    """dy (B, D) -> dx (T, B, D), zero at padding."""
    dx: Array = cache.share * dy                                                 # (G1)-(G4)
    return dx
