"""Softmax over the vocabulary (S): the probability of the next word and its loss.

    (S1) z_n = h_n W^T + b
    (S2) log p(w | h_n) = z_n[w] - log sum_v exp(z_n[v])
    (S3) loss = - (1 / N) sum_n log p(y_n | h_n),  in nats a token, over the N targets that are not padding

Dimensions: N targets, R rows (the targets and the padding), P width of h, V words. W is (V, P), a row a word, so that
it can be tied to a word embedding.
Source: Bengio et al. 2003; tying: Press and Wolf 2017.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .backend import twin
from .parameter import Array, Parameter

PADDING = -1        # a target that is no word: it has no loss and no gradient


@twin
def softmax_loss(z: Array, y: Array, scale: float) -> Array:
    """(S2), and the reverse of (S3) and (S2). z (R, V) becomes dz in place; y (R,) int64, PADDING allowed.

    scale: gradient of what is minimised by each target's loss, 1 / N for their mean
    -> -log p(y_r | h_r) in nats (R,), 0 at padding
    """
    r, live = np.arange(len(z)), y != PADDING
    z -= z.max(axis=1, keepdims=True, initial=-np.inf)      # the same p, and no exp can overflow
    log_sum = np.log(np.exp(z).sum(axis=1))
    loss = np.where(live, log_sum - z[r, y], 0).astype(z.dtype)                  # (S2)
    np.exp(z - log_sum[:, None], out=z)                                          # (S2) p
    z[r, y] -= 1                                                                 # (S2) dz = p - 1[v = y]
    z *= np.where(live, scale, 0).astype(z.dtype)[:, None]                       # (S3) scale is 1 / N
    return loss


class Cache(NamedTuple):
    """The gradient of the loss, taken while the logits were at hand; backward scales it."""

    dh: Array           # (.., P)
    dW: Array           # (V, P)
    db: Array           # (V,)


class Softmax:
    """Full softmax over V words.

    P, V    widths of the input and of the vocabulary
    rng     draws W: normal with variance 1 / P; b starts at zero
    W       a Parameter (V, P) to share or tie, instead of a new one
    b       a Parameter (V,) to share
    """

    CHUNK = 1 << 22         # logits at a time: they take at most 16 MB in float32, whatever T, B and V are

    def __init__(self, P: int, V: int, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32,
                 W: Parameter | None = None, b: Parameter | None = None):
        self.W = W or Parameter((rng.standard_normal((V, P)) / np.sqrt(P)).astype(dtype))
        self.b = b or Parameter(np.zeros(V, dtype))

    def forward(self, h: Array, y: Array) -> tuple[float, Cache]:
        """h (.., P), y (..) whole numbers in [0, V) or PADDING -> loss in nats a target (0 without any), cache."""
        shape = h.shape
        h, y = self._check(h, y)
        N = max(1, int((y != PADDING).sum()))
        cache = Cache(np.empty_like(h), np.zeros_like(self.W.value), np.zeros_like(self.b.value))
        total = 0.0
        for n in self._chunks(len(h)):
            z = h[n] @ self.W.value.T + self.b.value                             # (S1)
            total += float(softmax_loss(z, y[n], 1 / N).sum(dtype=np.float64))   # (S2), (S3); z is now dz
            np.matmul(z, self.W.value, out=cache.dh[n])                          # (S1)
            cache.dW[...] += z.T @ h[n]                                          # (S1)
            cache.db[...] += z.sum(axis=0)                                       # (S1)
        return total / N, cache._replace(dh=cache.dh.reshape(shape))             # (S3)

    def backward(self, dloss: float, cache: Cache) -> Array:
        """dloss: gradient of whatever is minimised by this loss -> dh (.., P); adds to W.grad and b.grad."""
        self.W.grad += dloss * cache.dW                                          # (S1)
        self.b.grad += dloss * cache.db                                          # (S1)
        dh: Array = cache.dh * self.W.value.dtype.type(dloss)                    # (S1)
        return dh

    def nll(self, h: Array, y: Array) -> Array:
        """-log p(y | h) in nats, the shape of y, 0 at padding: what evaluation sums."""
        rows, targets = self._check(h, y)
        loss = np.empty(len(rows), rows.dtype)
        for n in self._chunks(len(rows)):
            z = rows[n] @ self.W.value.T + self.b.value                          # (S1)
            loss[n] = softmax_loss(z, targets[n], 0.0)                           # (S2)
        return loss.reshape(y.shape)

    def _chunks(self, N: int) -> list[slice]:
        step = max(1, self.CHUNK // len(self.W.value))
        return [slice(n, n + step) for n in range(0, N, step)]

    def _check(self, h: Array, y: Array) -> tuple[Array, Array]:
        V, P = self.W.value.shape
        if h.shape != (*y.shape, P) or h.dtype != self.W.value.dtype:
            raise ValueError(f"softmax input is {h.dtype}{h.shape}, expected {self.W.value.dtype}{(*y.shape, P)}")
        if y.dtype.kind not in "iu":
            raise ValueError(f"targets have dtype {y.dtype}, expected whole numbers")
        if y.size and not PADDING <= y.min() <= y.max() < V:
            raise ValueError(f"targets range from {y.min()} to {y.max()}, expected {PADDING} (padding) to {V - 1}")
        return np.ascontiguousarray(h).reshape(-1, P), np.ascontiguousarray(y, np.int64).reshape(-1)
