"""Softmax over the vocabulary (S): the probability of the next word and its loss.

    (S1) z_n = h_n W^T + b
    (S2) log p(w | h_n) = z_n[w] - log sum_v exp(z_n[v])
    (S3) loss = - (1 / N) sum_n log p(y_n | h_n),  in nats per token, over the N targets that are not padding
    (S4) R = (1 / N) sum_n (z_n[y_n] - (1 / V) sum_v z_n[v]),  of label smoothing, which minimises loss + smoothing * R

Dimensions: N targets, R rows (the targets and the padding), P width of h, V words. W is (V, P), one row per word, so
that it can be tied to a word embedding.
Source: Bengio et al. 2003; label smoothing: Szegedy et al. 2016.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..backend import twin
from ..types import Array
from .checks import check_array, check_ids, check_sizes
from .embedding import scatter_add
from .initializers import lecun_normal
from .parameter import Parameter, accumulators

IGNORE_INDEX = -1   # padding in place of a target: no loss and no gradient
ELSEWHERE = -2      # a target that is not among these words: only the sum has a gradient


class Chunk(NamedTuple):
    """Some of the rows, with what backward needs of them."""

    rows: slice
    h: Array            # (R, P)
    y: Array            # (R,) int64
    z: Array | None     # (V, R) logits; None: compute them again
    top: Array          # (R,) maximum of each row's logits
    total: Array        # (R,) sum of exp(z - top)


class Cache(NamedTuple):
    h: Array                    # (R, P)
    N: int                      # targets
    chunks: list[Chunk]
    shape: tuple[int, ...]      # of the input


@twin
def softmax_forward(
    h: Array, y: Array, W: Array, b: Array, keep: bool
) -> tuple[Array, Array, Array, Array | None]:
    """(S1), (S2): h (R, P), y (R,) int64, IGNORE_INDEX and ELSEWHERE allowed, W (V, P), b (V,)
    -> -log p(y_r | h_r) in nats (R,), 0 for those two; the maximum of each row's logits, top (R,), and total (R,), the
       sum of exp(z - top); the logits z (V, R) if `keep`, else None
    """
    z = W @ h.T + b[:, None]           # (S1) one row of z per word
    top = z.max(axis=0)
    total = np.exp(z - top).sum(axis=0)                     # z - top: the same p, and no exp can overflow
    r = np.arange(len(y))
    own = z[np.maximum(y, 0), r]
    nll = np.log(total) + (top - own)  # (S2)
    return np.where(y < 0, 0, nll).astype(z.dtype), top, total, z if keep else None


@twin
def softmax_backward(
    scale: float, chunk: Chunk, W: Array, b: Array, dW: Array, add: bool
) -> tuple[Array, Array]:
    """Reverse of (S3) to (S1) for one chunk, over the words of W (V, P) and b (V,).

    scale: gradient of what is minimised with respect to each target's loss, 1 / N for their mean
    -> dh (R, P), db (V,); writes dW (V, P) in place; with `add` it accumulates into what dW holds
    """
    _, h, y, z, top, total = chunk
    if z is None:
        z = W @ h.T + b[:, None]                    # (S1)
    r = np.arange(len(y))
    own = y >= 0
    dz = np.exp(z - top) / total                    # (S2) p
    dz[y[own], r[own]] -= 1                         # (S2) dz = p - 1[v = y]
    factor = np.where(y == IGNORE_INDEX, 0, scale)  # (S3) scale is 1 / N
    dz *= factor.astype(z.dtype)                    # (S3)
    dW[...] = (dW if add else 0) + dz @ h           # (S1)
    return dz.T @ W, dz.sum(axis=1)                 # (S1)


class Softmax:
    """Full softmax over V words.

    P, V    widths of the input and of the vocabulary
    rng     draws W: normal with variance 1 / P; None: allocate without drawing; b starts at zero
    W       a Parameter (V, P) to share or tie, instead of a new one
    b       a Parameter (V,) to share
    """

    ROWS = 512              # at most as many at a time: their h stays in the L2 cache
    WORDS = 128             # of a block of log_probabilities
    KEPT = 1 << 22          # logits kept for backward, 16 MB in float32; others are recomputed

    def __init__(
        self, P: int, V: int, *, rng: Generator | None,
        dtype: DTypeLike = np.float32, W: Parameter | None = None,
        b: Parameter | None = None,
    ):
        check_sizes("softmax", P=P, V=V)
        self.W = W or Parameter(lecun_normal(rng, (V, P), P, dtype))
        self.b = b or Parameter(np.zeros(V, dtype))
        check_array("softmax weights", self.W.value, (V, P), self.W.value.dtype)
        check_array("softmax bias", self.b.value, (V,), self.W.value.dtype)

    def forward(self, h: Array, y: Array, rng: Generator | None = None) -> tuple[float, Any]:
        """h (.., P), y (..) whole numbers in [0, V) or IGNORE_INDEX; rng is not used
        -> loss in nats per target (0 without any), cache"""
        shape = h.shape
        h, y = self.checked(h, y)
        N = max(1, int((y != IGNORE_INDEX).sum()))
        total = 0.0
        chunks = []
        for nats, chunk in self.forward_chunks(h, y, self.W.value, self.b.value):
            total += float(nats.sum(dtype=np.float64))  # (S3)
            chunks.append(chunk)
        return total / N, Cache(h, N, chunks, shape)    # (S3)

    def forward_chunks(self, h: Array, y: Array, W: Array, b: Array) -> Iterator[tuple[Array, Chunk]]:
        """-log p of each target, chunk by chunk: h (R, P), y (R,), over the words of W (V, P) and b (V,)."""
        room = self.KEPT
        for rows in self._slices(len(h)):
            h_r = h[rows]
            y_r = y[rows]
            size = len(y_r) * len(W)
            keep = size <= room
            nats, top, total, z = softmax_forward(h_r, y_r, W, b, keep)  # (S1), (S2)
            room -= size
            yield nats, Chunk(rows, h_r, y_r, z, top, total)

    def smoothing(self, cache: Cache) -> float:
        """R of label smoothing, 0 without a target."""
        h, y, _ = _targets(cache)
        W = self.W.value
        b = self.b.value
        own = np.einsum("np,np->n", h, W[y]) + b[y]                    # (S4)
        mean = h @ _mean(W) + _mean(b)                                 # (S4)
        return float((own - mean).sum(dtype=np.float64)) / cache.N     # (S4)

    def backward(self, dloss: float, cache: Cache, smoothing: float = 0.0) -> Array:
        """dloss: gradient of what is minimised with respect to this loss, smoothing: the factor of R
        -> dh (.., P); accumulates into W.grad and b.grad."""
        W = self.W.value
        b = self.b.value
        dh = np.empty_like(cache.h)
        scale = dloss / cache.N  # (S3)
        for chunk in cache.chunks:
            [dW], add = accumulators([self.W])
            dh[chunk.rows], db = softmax_backward(scale, chunk, W, b, dW, add)  # (S2), (S1)
            self.b.grad += db    # (S1)
        if smoothing:
            self._smoothing_backward(dloss * smoothing, cache, dh)  # (S4)
        return dh.reshape(cache.shape)

    def _smoothing_backward(self, dR: float, cache: Cache, dh: Array) -> None:
        """Reverse of (S4): accumulates into dh (R, P), W.grad and b.grad."""
        h, y, rows = _targets(cache)
        W = self.W.value
        V = len(W)
        dz = np.full((len(y), 1), dR / cache.N, W.dtype)    # (S4) of z_n[y_n]; of every z_n[v], - dz / V besides
        dh[rows] += dz * (W[y] - _mean(W))                  # (S4)
        scatter_add(self.W.grad, y, dz * h)                 # (S4)
        self.W.grad -= (dz * h).sum(axis=0) / V             # (S4)
        scatter_add(self.b.grad[:, None], y, dz)            # (S4)
        self.b.grad -= dz.sum() / V                         # (S4)

    def nll(self, h: Array, y: Array) -> Array:
        """-log p(y | h) in nats, the shape of y, 0 at padding: what evaluation sums."""
        W = self.W.value
        b = self.b.value
        h, targets = self.checked(h, y)
        loss = np.empty(len(h), h.dtype)
        for rows in self._slices(len(h)):
            loss[rows], *_ = softmax_forward(h[rows], targets[rows], W, b, False)  # (S1), (S2)
        return loss.reshape(y.shape)

    def log_probabilities(self, h: Array) -> Array:
        """log p(w | h) in nats of every word w: h (.., P) -> (.., V). The caller limits the number of rows."""
        shape = h.shape[:-1]
        h, y = self.checked(h, np.full(shape, IGNORE_INDEX))
        W = self.W.value
        b = self.b.value
        _, top, total, z = softmax_forward(h, y, W, b, True)  # (S1), (S2)
        assert z is not None
        log_sum = top + np.log(total)
        log_p = np.empty((len(h), len(W)), z.dtype)
        for v in range(0, len(W), self.WORDS):                # transposed in blocks that stay in the cache
            words = slice(v, v + self.WORDS)
            log_p[:, words] = (z[words] - log_sum).T          # (S2)
        return log_p.reshape(*shape, len(W))

    def _slices(self, N: int) -> list[slice]:
        """Slices of N rows of nearly equal size, whole vectors where that is possible."""
        size = -(-N // max(1, -(-N // self.ROWS)))
        size = min(self.ROWS, -(-size // 16) * 16) or 1
        return [slice(n, min(n + size, N)) for n in range(0, N, size)]

    def checked(self, h: Array, y: Array) -> tuple[Array, Array]:
        """h (R, P) and y (R,) as the kernels expect them. Raises ValueError for wrong shapes, dtypes or targets."""
        V, P = self.W.value.shape
        check_array("softmax input", h, (*y.shape, P), self.W.value.dtype)
        h = np.ascontiguousarray(h).reshape(-1, P)
        return h, checked_targets(y, V).reshape(-1)


def _targets(cache: Cache) -> tuple[Array, Array, Array]:
    """The rows that are not padding: their h (N, P), targets (N,), and indices (N,)."""
    y = np.concatenate([np.empty(0, np.int64), *(chunk.y for chunk in cache.chunks)])
    rows = np.flatnonzero(y != IGNORE_INDEX)
    return cache.h[rows], y[rows], rows


def _mean(array: Array) -> Array:
    """Over the words, in the dtype of the array, without its rounding."""
    mean: Array = array.mean(axis=0, dtype=np.float64).astype(array.dtype)
    return mean


def checked_targets(y: Array, V: int) -> Array:
    """Targets as the kernels expect them, int64 and contiguous. Raises ValueError unless each is IGNORE_INDEX or in
    [0, V)."""
    check_ids("targets", y, V, lowest=IGNORE_INDEX)
    return np.ascontiguousarray(y, np.int64)
