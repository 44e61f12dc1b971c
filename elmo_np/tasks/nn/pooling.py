"""Pooling (G): one vector for a sentence from the vectors of its n words.

    (G1) mean   y = (1 / n) sum_{t<n} x_t
    (G2) max    y = max_{t<n} x_t,  for each element separately
    (G3) last   y = x_{n-1}
    (G4) ends   y = [first half of x_{n-1} ; second half of x_0]

Attentive pooling learns how much each word counts: a score per word, from a hidden layer and a learnt query u.

    (G5) g_t = tanh(x_t W + b) . u
    (G6) p_t = softmax over t<n of g_t
    (G7) y = sum_{t<n} p_t x_t

Several kinds may be joined by "+":

    (G8) y = [y_mean ; y_max ; y_attention],  for "mean+max+attention"

Dimensions: T steps, B sentences, D width, A width of the hidden layer. Arrays are time-major; step n and later are
padding and are ignored. Where x is [forward ; backward] of two directions, both halves of (G4) come from an LSTM that
has read the whole sentence.
Sources: Yang et al. 2016 and Lin et al. 2017 (G5)-(G7); McCann et al. 2017, whose network Peters et al. 2018 use for
sentiment, (G8).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...nn.checks import check_array, check_sizes
from ...nn.initializers import glorot_uniform
from ...nn.parameter import Parameter
from ...types import Array
from .lengths import check_lengths

POOLING_KINDS = ("mean", "max", "last", "ends")     # nothing is learnt
ATTENTION = "attention"
SENTENCE_POOLING = (*POOLING_KINDS, ATTENTION, "mean+max+attention")


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


class AttentionCache(NamedTuple):
    x: Array            # (T, B, D), zero at padding
    a: Array            # (T, B, A): the tanh
    p: Array            # (T, B, 1), zero at padding


class AttentivePooling:
    """(G5)-(G7). D: width of a word's vector; A: width of the hidden layer."""

    def __init__(self, D: int, A: int, *, rng: Generator, dtype: DTypeLike = np.float32):
        check_sizes("attentive pooling", D=D, A=A)
        self.W = Parameter(glorot_uniform(rng, (D, A), dtype))
        self.b = Parameter(np.zeros(A, dtype))
        self.u = Parameter(glorot_uniform(rng, (A, 1), dtype))

    def forward(self, x: Array, lengths: Array) -> tuple[Array, AttentionCache]:
        """x (T, B, D), lengths (B,) from 1 to T -> y (B, D), cache with p. Raises ValueError."""
        T, B, _ = x.shape
        check_lengths("pooling", lengths, B, T)
        live = np.arange(T)[:, None, None] < lengths[:, None]  # (T, B, 1)
        x = np.where(live, x, 0)
        a = np.tanh(x @ self.W.value + self.b.value)  # (G5)
        g = a @ self.u.value                          # (G5)
        g = np.where(live, g, -np.inf)
        p = np.exp(g - g.max(axis=0))                 # (G6)
        p /= p.sum(axis=0)                            # (G6)
        y = (p * x).sum(axis=0)                       # (G7)
        return y, AttentionCache(x, a, p)

    def backward(self, dy: Array, cache: AttentionCache) -> Array:
        """dy (B, D) -> dx (T, B, D), zero at padding; accumulates into every Parameter.grad."""
        x, a, p = cache
        check_array("attentive pooling gradient", dy, x.shape[1:], x.dtype)
        dp = (x * dy).sum(axis=2, keepdims=True)      # (G7)
        dx = p * dy                                   # (G7)
        dg = p * (dp - (p * dp).sum(axis=0))          # (G6)
        self.u.grad += np.tensordot(a, dg, ((0, 1), (0, 1)))  # (G5)
        dq = dg * self.u.value[:, 0] * (1 - a * a)    # (G5)
        self.W.grad += np.tensordot(x, dq, ((0, 1), (0, 1)))  # (G5)
        self.b.grad += dq.sum(axis=(0, 1))            # (G5)
        dx += dq @ self.W.value.T                     # (G5)
        return dx


class Pooling:
    """One of SENTENCE_POOLING, or other kinds joined by "+". D: width of a word's vector; width: that of y."""

    def __init__(self, kind: str, D: int, *, rng: Generator, dtype: DTypeLike = np.float32):
        self.parts = kind.split("+")
        self.width = len(self.parts) * D
        self.attention = AttentivePooling(D, D, rng=rng, dtype=dtype) if ATTENTION in self.parts else None

    def forward(self, x: Array, lengths: Array) -> tuple[Array, list[Any]]:
        """x (T, B, D), lengths (B,) from 1 to T -> y (B, width), the cache of each part. Raises ValueError."""
        found = [self.attention.forward(x, lengths) if part == ATTENTION and self.attention else pool(x, lengths, part)
                 for part in self.parts]
        y = np.concatenate([own for own, _ in found], axis=1)  # (G8)
        return y, [cache for _, cache in found]

    def backward(self, dy: Array, caches: list[Any]) -> Array:
        """dy (B, width) -> dx (T, B, D), zero at padding; accumulates into every Parameter.grad."""
        check_array("pooling gradient", dy, (caches[0][0].shape[1], self.width), caches[0][0].dtype)
        each = zip(np.split(dy, len(self.parts), axis=1), caches, strict=True)
        dx: Array = np.sum([self._part_backward(own, cache) for own, cache in each], axis=0)  # (G8)
        return dx

    def _part_backward(self, dy: Array, cache: Any) -> Array:
        if self.attention and isinstance(cache, AttentionCache):
            return self.attention.backward(dy, cache)
        return pool_backward(dy, cache)
