"""Softmax over the vocabulary (S): the probability of the next word and its loss.

    (S1) z_n = h_n W^T + b
    (S2) log p(w | h_n) = z_n[w] - log sum_v exp(z_n[v])
    (S3) loss = - (1 / N) sum_n log p(y_n | h_n),  in nats a token, over the N targets that are not padding

Dimensions: N targets, R rows (the targets and the padding), P width of h, V words. W is (V, P), a row a word, so that
it can be tied to a word embedding.
Source: Bengio et al. 2003; tying: Press and Wolf 2017.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..backend import twin
from ..types import Array
from .parameter import Parameter, accumulators

IGNORE_INDEX = -1        # a target that is no word: it has no loss and no gradient
ELSEWHERE = -2      # a target whose z is not among these: its row has the gradient of log sum_v exp(z[v]) alone


@twin
def softmax_forward(h: Array, y: Array, W: Array, b: Array, keep: bool) -> tuple[Array, Array, Array, Array | None]:
    """(S1), (S2): h (R, P), y (R,) int64, IGNORE_INDEX and ELSEWHERE allowed, W (V, P), b (V,)
    -> -log p(y_r | h_r) in nats (R,), 0 for those two; each row's largest logit, top (R,), and total (R,), the sum of
       exp(z - top); the logits z (V, R) if `keep`, else None
    """
    z = W @ h.T + b[:, None]                                                     # (S1) a row of z a word
    top = z.max(axis=0)
    total = np.exp(z - top).sum(axis=0)                     # z - top: the same p, and no exp can overflow
    r = np.arange(len(y))
    loss = np.where(y < 0, 0, np.log(total) + (top - z[np.maximum(y, 0), r]))    # (S2)
    return loss.astype(z.dtype), top, total, z if keep else None


@twin
def softmax_backward(scale: float, h: Array, y: Array, W: Array, b: Array, z: Array | None, top: Array, total: Array,
                     dW: Array, add: bool) -> tuple[Array, Array]:
    """Reverse of (S3) to (S1) for what softmax_forward was given and returned; z None: it is computed again.

    scale: gradient of what is minimised by each target's loss, 1 / N for their mean
    -> dh (R, P), db (V,); dW (V, P) in place, added to what it holds if `add`
    """
    z = W @ h.T + b[:, None] if z is None else z                                 # (S1)
    r, own = np.arange(len(y)), y >= 0
    dz = np.exp(z - top) / total                                                 # (S2) p
    dz[y[own], r[own]] -= 1                                                    # (S2) dz = p - 1[v = y]
    dz *= np.where(y == IGNORE_INDEX, 0, scale).astype(z.dtype)                       # (S3) scale is 1 / N
    dW[...] = (dW if add else 0) + dz @ h                                        # (S1)
    return dz.T @ W, dz.sum(axis=1)                                              # (S1)


class Chunk(NamedTuple):
    """What backward needs of some rows."""

    rows: slice
    z: Array | None     # (V, R) logits, None: to be computed again
    top: Array          # (R,)
    total: Array        # (R,)


class Cache(NamedTuple):
    h: Array            # (R, P)
    y: Array            # (R,)
    N: int              # targets
    chunks: list[Chunk]
    shape: tuple[int, ...]      # of the input


class Softmax:
    """Full softmax over V words.

    P, V    widths of the input and of the vocabulary
    rng     draws W: normal with variance 1 / P; b starts at zero
    W       a Parameter (V, P) to share or tie, instead of a new one
    b       a Parameter (V,) to share
    """

    ROWS = 512              # targets at a time at the most: their h stays in the second-level cache
    KEPT = 1 << 22          # logits kept for backward at the most, 16 MB in float32; the others are computed again

    def __init__(self, P: int, V: int, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32,
                 W: Parameter | None = None, b: Parameter | None = None):
        self.W = W or Parameter((rng.standard_normal((V, P)) / np.sqrt(P)).astype(dtype))
        self.b = b or Parameter(np.zeros(V, dtype))

    def forward(self, h: Array, y: Array, rng: np.random.Generator | None = None) -> tuple[float, Any]:
        """h (.., P), y (..) whole numbers in [0, V) or IGNORE_INDEX; rng is left alone
        -> loss in nats a target (0 without any), cache"""
        shape = h.shape
        h, y = self._check(h, y)
        N = max(1, int((y != IGNORE_INDEX).sum()))
        chunks, total, room = [], 0.0, self.KEPT
        for rows in self._chunks(len(h)):
            size = len(y[rows]) * len(self.W.value)
            nats, top, sums, z = softmax_forward(h[rows], y[rows], self.W.value, self.b.value,
                                                 size <= room)                   # (S1), (S2)
            total += float(nats.sum(dtype=np.float64))                           # (S3)
            room -= size
            chunks.append(Chunk(rows, z, top, sums))
        return total / N, Cache(h, y, N, chunks, shape)                          # (S3)

    def backward(self, dloss: float, cache: Cache) -> Array:
        """dloss: gradient of whatever is minimised by this loss -> dh (.., P); adds to W.grad and b.grad."""
        dh = np.empty_like(cache.h)
        for rows, z, top, total in cache.chunks:
            [dW], add = accumulators([self.W])
            dh[rows], db = softmax_backward(dloss / cache.N, cache.h[rows], cache.y[rows], self.W.value, self.b.value,
                                            z, top, total, dW, add)              # (S3), (S2), (S1)
            self.b.grad += db                                                    # (S1)
        return dh.reshape(cache.shape)

    def nll(self, h: Array, y: Array) -> Array:
        """-log p(y | h) in nats, the shape of y, 0 at padding: what evaluation sums."""
        rows, targets = self._check(h, y)
        loss = np.empty(len(rows), rows.dtype)
        for n in self._chunks(len(rows)):
            loss[n] = softmax_forward(rows[n], targets[n], self.W.value, self.b.value, False)[0]    # (S1), (S2)
        return loss.reshape(y.shape)

    def log_probabilities(self, h: Array) -> Array:
        """log p(w | h) in nats of every word w: h (.., P) -> (.., V), as many numbers: the caller bounds the rows."""
        no_targets = np.full(h.shape[:-1], IGNORE_INDEX)
        rows, y = self._check(h, no_targets)
        _, top, total, z = softmax_forward(rows, y, self.W.value, self.b.value, True)       # (S1), (S2)
        log_p: Array = (z - (top + np.log(total))).T                             # (S2)
        return np.ascontiguousarray(log_p).reshape(*h.shape[:-1], len(self.W.value))

    def _chunks(self, N: int) -> list[slice]:
        """Slices of N rows of nearly equal size, whole vectors where that is possible."""
        size = -(-N // max(1, -(-N // self.ROWS)))
        size = min(self.ROWS, -(-size // 16) * 16) or 1
        return [slice(n, min(n + size, N)) for n in range(0, N, size)]

    def _check(self, h: Array, y: Array) -> tuple[Array, Array]:
        V, P = self.W.value.shape
        if h.shape != (*y.shape, P) or h.dtype != self.W.value.dtype:
            raise ValueError(f"softmax input is {h.dtype}{h.shape}, expected {self.W.value.dtype}{(*y.shape, P)}")
        return np.ascontiguousarray(h).reshape(-1, P), checked_targets(y, V).reshape(-1)


def checked_targets(y: Array, V: int) -> Array:
    """Targets as the kernels want them, int64 and contiguous. Raises ValueError for others than IGNORE_INDEX and
    [0, V)."""
    if y.dtype.kind not in "iu":
        raise ValueError(f"targets have dtype {y.dtype}, expected whole numbers")
    if y.size and not IGNORE_INDEX <= y.min() <= y.max() < V:
        raise ValueError(f"targets range from {y.min()} to {y.max()}, expected {IGNORE_INDEX} (padding) to {V - 1}")
    return np.ascontiguousarray(y, np.int64)
