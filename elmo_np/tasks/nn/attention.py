"""Attention (Z): of S vectors, what a query asks for.

    (Z1) additive     g_{t,s} = tanh(q_t W_q + k_s W_k + b) . v
    (Z2) dot product  g_{t,s} = (q_t W) . k_s / sqrt(D)
    (Z3) p_t = softmax over s < n of g_t
    (Z4) c_t = sum_s p_{t,s} k_s

Dimensions: T queries of width P and S keys of width D for each of B sentences, n keys of which are no padding; A width
between. Queries and keys are time-major, scores and probabilities (B, T, S): a matrix a sentence.
Sources: Bahdanau et al. 2015 (Z1), (Z3), (Z4); Luong et al. 2015, "general", with the root of Vaswani et al. 2017 (Z2).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...nn.parameter import Parameter
from ...types import Array

KINDS = ("additive", "dot")


class Cache(NamedTuple):
    score: Any          # of the kind's own
    k: Array            # (S, B, D)
    p: Array            # (B, T, S)


class AdditiveCache(NamedTuple):
    q: Array            # (T, B, P)
    k: Array            # (S, B, D)
    u: Array            # (B, T, S, A): the tanh


class DotCache(NamedTuple):
    q: Array            # (T, B, P)
    k: Array            # (S, B, D)
    r: Array            # (T, B, D): q W


def attend(g: Array, k: Array, lengths: Array) -> tuple[Array, Array]:
    """Scores g (B, T, S), keys k (S, B, D), lengths (B,) from 1 to S -> c (T, B, D), p (B, T, S), zero at padding."""
    g = np.where(np.arange(g.shape[2]) < lengths[:, None, None], g, -np.inf)
    p = np.exp(g - g.max(axis=2, keepdims=True))                                 # (Z3)
    p /= p.sum(axis=2, keepdims=True)                                            # (Z3)
    return _turn(p @ _turn(k)), p                                                # (Z4)


def attend_backward(dc: Array, k: Array, p: Array) -> tuple[Array, Array]:
    """dc (T, B, D) -> dg (B, T, S) and the part of dk (S, B, D) that comes by way of (Z4)."""
    dp = _turn(dc) @ _turn(k).swapaxes(1, 2)                                     # (Z4)
    dk = _turn(p.swapaxes(1, 2) @ _turn(dc))                                     # (Z4)
    return p * (dp - (p * dp).sum(axis=2, keepdims=True)), dk                    # (Z3)


def _turn(x: Array) -> Array:
    """(T, B, D) -> (B, T, D) and back."""
    return x.swapaxes(0, 1)


def _uniform(rng: np.random.Generator, dtype: npt.DTypeLike, *shape: int) -> Parameter:
    bound = np.sqrt(6 / sum(shape))         # Glorot
    return Parameter(rng.uniform(-bound, bound, shape).astype(dtype))


class _Attention:
    """What both kinds have in common: masked softmax and weighted sum."""

    P: int
    D: int

    def forward(self, q: Array, k: Array, lengths: Array) -> tuple[Array, Cache]:
        """q (T, B, P), k (S, B, D), lengths (B,): keys that are no padding, at least 1 -> c (T, B, D), cache with p."""
        S, B = k.shape[:2]
        if q.shape[1:] != (B, self.P) or k.shape[2] != self.D:
            raise ValueError(f"attention was given queries {q.shape} and keys {k.shape}, expected (T, B, {self.P}) "
                             f"and (S, B, {self.D})")
        if lengths.shape != (B,) or ((lengths < 1) | (lengths > S)).any():
            raise ValueError(f"attention lengths are {lengths}, expected {B} whole numbers from 1 to {S}")
        g, score_cache = self.score(q, k)
        c, p = attend(g, k, lengths)                                             # (Z3), (Z4)
        return c, Cache(score_cache, k, p)

    def backward(self, dc: Array, cache: Cache) -> tuple[Array, Array]:
        """dc (T, B, D) -> dq (T, B, P), dk (S, B, D); adds to every Parameter.grad."""
        dg, dk = attend_backward(dc, cache.k, cache.p)                           # (Z3), (Z4)
        dq, dk_score = self.score_backward(dg, cache.score)                      # (Z1), (Z2)
        return dq, dk + dk_score                                                 # (Z4)

    def score(self, q: Array, k: Array) -> tuple[Array, Any]:
        raise TypeError("attention is AdditiveAttention or DotAttention")

    def score_backward(self, dg: Array, cache: Any) -> tuple[Array, Array]:
        raise TypeError("attention is AdditiveAttention or DotAttention")


class AdditiveAttention(_Attention):
    """(Z1), (Z3), (Z4). P, D, A: widths of queries, of keys and between; rng draws Wq, Wk and v, Glorot uniform."""

    def __init__(self, P: int, D: int, A: int, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32):
        self.P, self.D = P, D
        self.Wq, self.Wk = _uniform(rng, dtype, P, A), _uniform(rng, dtype, D, A)
        self.b, self.v = Parameter(np.zeros(A, dtype)), _uniform(rng, dtype, A)

    def score(self, q: Array, k: Array) -> tuple[Array, AdditiveCache]:
        """q (T, B, P), k (S, B, D) -> g (B, T, S), cache."""
        query, key = _turn(q @ self.Wq.value), _turn(k @ self.Wk.value)
        u = np.tanh(query[:, :, None] + key[:, None] + self.b.value)             # (Z1)
        return u @ self.v.value, AdditiveCache(q, k, u)                          # (Z1)

    def score_backward(self, dg: Array, cache: AdditiveCache) -> tuple[Array, Array]:
        """dg (B, T, S) -> dq (T, B, P), dk (S, B, D); adds to every Parameter.grad."""
        q, k, u = cache
        self.v.grad += np.tensordot(dg, u, 3)                                    # (Z1)
        da = dg[..., None] * self.v.value * (1 - u**2)                           # (Z1)
        dquery, dkey = _turn(da.sum(axis=2)), _turn(da.sum(axis=1))              # (Z1)
        self.b.grad += dquery.sum(axis=(0, 1))                                   # (Z1)
        self.Wq.grad += np.tensordot(q, dquery, ((0, 1), (0, 1)))                # (Z1)
        self.Wk.grad += np.tensordot(k, dkey, ((0, 1), (0, 1)))                  # (Z1)
        return dquery @ self.Wq.value.T, dkey @ self.Wk.value.T                  # (Z1)


class DotAttention(_Attention):
    """(Z2)-(Z4). P, D: widths of queries and keys; rng draws W, Glorot uniform."""

    def __init__(self, P: int, D: int, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32):
        self.P, self.D = P, D
        self.W = _uniform(rng, dtype, P, D)

    def score(self, q: Array, k: Array) -> tuple[Array, DotCache]:
        """q (T, B, P), k (S, B, D) -> g (B, T, S), cache."""
        r = q @ self.W.value                                                     # (Z2)
        g: Array = _turn(r) @ _turn(k).swapaxes(1, 2) / np.asarray(np.sqrt(self.D), q.dtype)     # (Z2)
        return g, DotCache(q, k, r)

    def score_backward(self, dg: Array, cache: DotCache) -> tuple[Array, Array]:
        """dg (B, T, S) -> dq (T, B, P), dk (S, B, D); adds to W.grad."""
        q, k, r = cache
        dg = dg / np.asarray(np.sqrt(self.D), dg.dtype)                          # (Z2)
        dr, dk = _turn(dg @ _turn(k)), _turn(dg.swapaxes(1, 2) @ _turn(r))       # (Z2)
        self.W.grad += np.tensordot(q, dr, ((0, 1), (0, 1)))                     # (Z2)
        return dr @ self.W.value.T, dk                                           # (Z2)
