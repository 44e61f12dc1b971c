"""Attention (Z): a weighted mean of S vectors, with weights that depend on a query.

    (Z1) additive     g_{t,s} = tanh(q_t W_q + k_s W_k + b) . v
    (Z2) dot product  g_{t,s} = (q_t W) . k_s / sqrt(D)
    (Z3) p_t = softmax over s < n of g_t
    (Z4) c_t = sum_s p_{t,s} k_s

Dimensions: T queries of width P and S keys of width D for each of B sentences, of which the first n keys are not
padding; A width of the hidden layer of (Z1). Queries and keys are time-major, scores and probabilities are (B, T, S):
one matrix per sentence.
Sources: Bahdanau et al. 2015 (Z1), (Z3), (Z4); Luong et al. 2015, "general", with the root of Vaswani et al. 2017 (Z2).
"""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...nn.checks import check_array, check_sizes
from ...nn.initializers import glorot_uniform
from ...nn.parameter import Parameter
from ...types import Array
from .lengths import check_lengths

ATTENTION_KINDS = ("additive", "dot")


class Cache(NamedTuple):
    score: Any          # AdditiveCache or DotCache
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
    live = np.arange(g.shape[2]) < lengths[:, None, None]  # (B, 1, S)
    g = np.where(live, g, -np.inf)
    p = np.exp(g - g.max(axis=2, keepdims=True))  # (Z3)
    p /= p.sum(axis=2, keepdims=True)  # (Z3)
    c = _swapped(p @ _swapped(k))      # (Z4)
    return c, p


def attend_backward(dc: Array, k: Array,
                    p: Array) -> tuple[Array, Array]:
    """dc (T, B, D) -> dg (B, T, S), and the part of dk (S, B, D) that comes through (Z4)."""
    dc = _swapped(dc)                     # (B, T, D)
    dp = dc @ _swapped(k).swapaxes(1, 2)  # (Z4)
    dk = _swapped(p.swapaxes(1, 2) @ dc)  # (Z4)
    dg = p * (dp - (p * dp).sum(axis=2, keepdims=True))  # (Z3)
    return dg, dk


def _swapped(x: Array) -> Array:
    """(T, B, D) -> (B, T, D), and back."""
    return x.swapaxes(0, 1)


def _product(x: Array, dy: Array) -> Array:
    """x (T, B, P), dy (T, B, A) -> sum of x_p dy_a over steps and sentences (P, A)."""
    return np.tensordot(x, dy, ((0, 1), (0, 1)))


class _Attention(ABC):
    """What both kinds have in common: the masked softmax and the weighted sum."""

    P: int
    D: int

    def forward(self, q: Array,
                k: Array, lengths: Array) -> tuple[Array, Cache]:
        """q (T, B, P), k (S, B, D), lengths (B,) from 1 to S -> c (T, B, D), cache with p."""
        self._check(q, k, lengths)
        g, score_cache = self.score(q, k)
        c, p = attend(g, k, lengths)  # (Z3), (Z4)
        return c, Cache(score_cache, k, p)

    def backward(self, dc: Array,
                 cache: Cache) -> tuple[Array, Array]:
        """dc (T, B, D) -> dq (T, B, P), dk (S, B, D); accumulates into every Parameter.grad."""
        check_array("attention gradient", dc,
                    (cache.p.shape[1], *cache.k.shape[1:]), cache.k.dtype)
        dg, dk = attend_backward(dc, cache.k, cache.p)  # (Z3), (Z4)
        dq, dk_score = self.score_backward(dg, cache.score)  # (Z1), (Z2)
        return dq, dk + dk_score  # (Z4)

    def _check(self, q: Array, k: Array, lengths: Array) -> None:
        S, B = k.shape[:2]
        if q.shape[1:] != (B, self.P) or k.shape[2] != self.D:
            raise ValueError("attention was given queries "
                             f"{q.shape} and keys {k.shape}, "
                             f"expected (T, B, {self.P}) and (S, B, {self.D})")
        check_lengths("attention", lengths, B, S)

    @abstractmethod
    def score(self, q: Array, k: Array) -> tuple[Array, Any]:
        """q (T, B, P), k (S, B, D) -> g (B, T, S), cache."""

    @abstractmethod
    def score_backward(self, dg: Array,
                       cache: Any) -> tuple[Array, Array]:
        """dg (B, T, S) -> dq (T, B, P), dk (S, B, D); accumulates into every Parameter.grad."""


class AdditiveAttention(_Attention):
    """(Z1), (Z3), (Z4). P, D, A: widths of queries, of keys and of the hidden layer.

    rng draws Wq, Wk and v, Glorot uniform; b starts at zero.
    """

    def __init__(self, P: int, D: int, A: int,
                 *, rng: Generator, dtype: DTypeLike = np.float32):
        check_sizes("attention", P=P, D=D, A=A)
        self.P, self.D = P, D
        self.Wq = Parameter(glorot_uniform(rng, (P, A), dtype))
        self.Wk = Parameter(glorot_uniform(rng, (D, A), dtype))
        self.b = Parameter(np.zeros(A, dtype))
        self.v = Parameter(glorot_uniform(rng, (A,), dtype))

    def score(self, q: Array,
              k: Array) -> tuple[Array, AdditiveCache]:
        """q (T, B, P), k (S, B, D) -> g (B, T, S), cache."""
        query = _swapped(q @ self.Wq.value)   # (Z1)
        key = _swapped(k @ self.Wk.value)     # (Z1)
        a = query[:, :, None] + key[:, None]  # (Z1)
        u = np.tanh(a + self.b.value)         # (Z1)
        g = u @ self.v.value                  # (Z1)
        return g, AdditiveCache(q, k, u)

    def score_backward(self, dg: Array,
                       cache: AdditiveCache) -> tuple[Array, Array]:
        """dg (B, T, S) -> dq (T, B, P), dk (S, B, D); accumulates into every Parameter.grad."""
        q, k, u = cache
        check_array("score gradient", dg, u.shape[:3], u.dtype)
        self.v.grad += np.tensordot(dg, u, 3)  # (Z1)
        da = dg[..., None] * self.v.value * (1 - u**2)  # (Z1)
        dquery = _swapped(da.sum(axis=2))    # (Z1)
        dkey = _swapped(da.sum(axis=1))      # (Z1)
        self.b.grad += dquery.sum(axis=(0, 1))  # (Z1)
        self.Wq.grad += _product(q, dquery)  # (Z1)
        self.Wk.grad += _product(k, dkey)    # (Z1)
        dq = dquery @ self.Wq.value.T        # (Z1)
        dk = dkey @ self.Wk.value.T          # (Z1)
        return dq, dk


class DotAttention(_Attention):
    """(Z2)-(Z4). P, D: widths of queries and keys; rng draws W, Glorot uniform."""

    def __init__(self, P: int, D: int,
                 *, rng: Generator, dtype: DTypeLike = np.float32):
        check_sizes("attention", P=P, D=D)
        self.P, self.D = P, D
        self.W = Parameter(glorot_uniform(rng, (P, D), dtype))

    def score(self, q: Array, k: Array) -> tuple[Array, DotCache]:
        """q (T, B, P), k (S, B, D) -> g (B, T, S), cache."""
        r = q @ self.W.value  # (Z2)
        root = np.asarray(np.sqrt(self.D), q.dtype)  # (Z2)
        products = _swapped(r) @ _swapped(k).swapaxes(1, 2)  # (Z2)
        return products / root, DotCache(q, k, r)  # (Z2)

    def score_backward(self, dg: Array,
                       cache: DotCache) -> tuple[Array, Array]:
        """dg (B, T, S) -> dq (T, B, P), dk (S, B, D); accumulates into W.grad."""
        q, k, r = cache
        T, B, _ = q.shape
        check_array("score gradient", dg, (B, T, len(k)), r.dtype)
        dg = dg / np.asarray(np.sqrt(self.D), dg.dtype)  # (Z2)
        dr = _swapped(dg @ _swapped(k))  # (Z2)
        dk = _swapped(dg.swapaxes(1, 2) @ _swapped(r))  # (Z2)
        self.W.grad += _product(q, dr)   # (Z2)
        return dr @ self.W.value.T, dk   # (Z2)
