"""Linear-chain conditional random field (F): the probability of a whole sequence of labels.

    (F1) score(y) = a[y_1] + sum_t z_t[y_t] + sum_t A[y_{t-1}, y_t] + e[y_n]
    (F2) alpha_1 = a + z_1,  alpha_t[j] = z_t[j] + log sum_i exp(alpha_{t-1}[i] + A[i, j])
    (F3) log Z = log sum_j exp(alpha_n[j] + e[j]),  the sum of exp score(y) over every y
    (F4) loss = (1 / B) sum (log Z - score(y)) = - (1 / B) sum log p(y),  in nats per sentence
    (F5) beta_n = e,  beta_t[i] = log sum_j exp(A[i, j] + z_{t+1}[j] + beta_{t+1}[j])
    (F6) p(y_t = j) = exp(alpha_t[j] + beta_t[j] - log Z)
    (F7) p(y_{t-1} = i, y_t = j) = exp(alpha_{t-1}[i] + A[i, j] + z_t[j] + beta_t[j] - log Z)

Dimensions: T steps, B sentences, C labels, n a sentence's length. Arrays are time-major; step n and later are padding.
A transition that is not allowed has a score of minus infinity, so its probability and its gradient are exactly zero.
Source: Lafferty et al. 2001; for entities with an LSTM below, Lample et al. 2016.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ...nn.checks import check_sizes
from ...nn.parameter import Parameter
from ...nn.softmax import IGNORE_INDEX, checked_targets
from ...types import Array
from .lengths import check_lengths
from .search import viterbi


class Allowed(NamedTuple):
    """Which labels may come first, which may follow one another, and which may come last."""

    start: Array        # (C,) bool
    pair: Array         # (C, C) bool: [i, j] for j after i
    end: Array          # (C,) bool


class Scores(NamedTuple):
    """The parameters, with minus infinity where something is not allowed."""

    a: Array            # (C,)
    A: Array            # (C, C)
    e: Array            # (C,)


class Cache(NamedTuple):
    z: Array            # (T, B, C)
    y: Array            # (T, B) int64, IGNORE_INDEX from step n on
    lengths: Array      # (B,)
    alpha: Array        # (T, B, C), constant from step n - 1 on
    log_Z: Array        # (B,)
    scores: Scores


def everything(C: int) -> Allowed:
    """No constraint."""
    return Allowed(np.ones(C, bool), np.ones((C, C), bool), np.ones(C, bool))


def bio(labels: Sequence[str]) -> Allowed:
    """Labels O, B-type, I-type: I-type only follows B-type or I-type of the same type."""
    inside = np.array([label.startswith("I-") for label in labels])
    same = np.array([[label != "O" and label[2:] == after[2:]
                      for after in labels] for label in labels])
    return Allowed(~inside, ~inside | same, np.ones(len(labels), bool))


def log_sum_exp(x: Array, axis: int) -> Array:
    """log of the sum of exp(x) along an axis; minus infinity where every x is."""
    top = x.max(axis=axis, keepdims=True)
    # Minus infinity from itself would be NaN
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):  # log(0) is intended
        log_sum = np.log(np.exp(x - top).sum(axis=axis))
    result: Array = log_sum + top.squeeze(axis)
    return result


def sequence_score(z: Array, y: Array,
                   lengths: Array, scores: Scores) -> Array:
    """z (T, B, C), y (T, B), IGNORE_INDEX from step n on -> (B,)."""
    live = y != IGNORE_INDEX                 # (T, B)
    y = np.where(live, y, 0)
    y_n = y[lengths - 1, np.arange(len(lengths))]  # (B,)
    own = np.take_along_axis(z, y[..., None], axis=2)[..., 0]
    own[1:] += scores.A[y[:-1], y[1:]]       # (F1)
    score: Array = np.where(live, own, 0).sum(axis=0)  # (F1)
    score += scores.a[y[0]] + scores.e[y_n]  # (F1)
    return score


def forward_scores(z: Array, lengths: Array,
                   scores: Scores) -> tuple[Array, Array]:
    """z (T, B, C) -> alpha (T, B, C), log Z (B,)."""
    a, A, e = scores
    alpha = np.empty_like(z)
    alpha[0] = a + z[0]                     # (F2)
    for t in range(1, len(z)):
        paths = alpha[t-1][:, :, None] + A  # (F2)
        new = z[t] + log_sum_exp(paths, axis=1)  # (F2)
        alpha[t] = np.where((t < lengths)[:, None], new, alpha[t-1])
    log_Z = log_sum_exp(alpha[-1] + e, axis=1)  # (F3)
    return alpha, log_Z


def marginals(z: Array, lengths: Array, alpha: Array,
              log_Z: Array, scores: Scores) -> tuple[Array, Array]:
    """(F5)-(F7), which are the reverse of (F2) and (F3): the gradients of log Z.

    z, alpha (T, B, C), log_Z (B,)
    -> p(y_t = j) (T, B, C), zero at padding; p(y_{t-1} = i, y_t = j) summed over steps and sentences (C, C)
    """
    T, B, C = z.shape
    Z = log_Z[:, None]
    p = np.empty_like(z)
    pairs = np.zeros((C, C), z.dtype)
    beta = np.broadcast_to(scores.e, (B, C))  # (F5)
    for t in reversed(range(T)):
        live = (t < lengths)[:, None]
        log_p = alpha[t] + beta - Z           # (F6), (F2), (F3)
        p[t] = np.where(live, np.exp(log_p), 0)  # (F6), (F2), (F3)
        if t:
            into = scores.A + (z[t] + beta)[:, None]  # (F5), (F7)
            log_pairs = alpha[t-1][:, :, None] + into - Z[:, None]  # (F7), (F2), (F3)
            log_pairs = np.where(live[..., None], log_pairs, -np.inf)
            pairs += np.exp(log_pairs).sum(axis=0)  # (F7), (F2), (F3)
            beta = np.where(live, log_sum_exp(into, axis=2), beta)  # (F5)
    return p, pairs


class CRF:
    """Scores of transitions between C labels, on top of scores z of the labels themselves.

    allowed     which labels may come first, follow one another and come last; None: all
    Parameters  start (C,), transition (C, C), end (C,), all zero at first
    """

    def __init__(self, C: int, allowed: Allowed | None = None,
                 *, dtype: DTypeLike = np.float32):
        check_sizes("CRF", C=C)
        self.start = Parameter(np.zeros(C, dtype))
        self.end = Parameter(np.zeros(C, dtype))
        self.transition = Parameter(np.zeros((C, C), dtype))
        self.allowed = allowed or everything(C)

    def scores(self) -> Scores:
        return Scores(
            np.where(self.allowed.start, self.start.value, -np.inf),
            np.where(self.allowed.pair, self.transition.value, -np.inf),
            np.where(self.allowed.end, self.end.value, -np.inf))

    def forward(self, z: Array,
                y: Array, lengths: Array) -> tuple[float, Cache]:
        """z (T, B, C), y (T, B) in [0, C), lengths (B,) from 1 to T -> loss in nats per sentence, cache.

        Raises ValueError for other shapes, and for labels that are not allowed.
        """
        y = self._checked(z, y, lengths)
        scores = self.scores()
        alpha, log_Z = forward_scores(z, lengths, scores)  # (F2), (F3)
        log_p = sequence_score(z, y, lengths, scores) - log_Z  # (F4)
        if np.isneginf(log_p).any():
            raise ValueError(f"sentence {int(np.argmin(log_p))} of the batch "
                             "has labels that are not allowed")
        loss = -float(log_p.mean(dtype=np.float64))  # (F4)
        return loss, Cache(z, y, lengths, alpha, log_Z, scores)

    def backward(self, dloss: float, cache: Cache) -> Array:
        """dloss: gradient of the minimised quantity by this loss -> dz (T, B, C); accumulates into every
        Parameter.grad."""
        z, y, lengths, alpha, log_Z, scores = cache
        B = len(lengths)
        scale = dloss / B                     # (F4)
        p, pairs = marginals(z, lengths, alpha, log_Z, scores)  # (F2), (F3), (F5)-(F7)
        own = y[..., None] == np.arange(z.shape[2])  # (F1)
        own = own.astype(z.dtype)
        axes = (0, 1), (0, 1)
        own_pairs = np.tensordot(own[:-1], own[1:], axes)  # (F1)
        dz: Array = (p - own) * scale         # (F1), (F4), (F6)
        self.start.grad += dz[0].sum(axis=0)  # (F1), (F2)
        dz_n = dz[lengths - 1, np.arange(B)]
        self.end.grad += dz_n.sum(axis=0)     # (F1), (F3)
        self.transition.grad += (pairs - own_pairs) * scale  # (F1), (F7)
        return dz

    def marginals(self, z: Array, lengths: Array) -> Array:
        """z (T, B, C) -> p(y_t = j) (T, B, C), zero at padding."""
        self._check(z, lengths)
        scores = self.scores()
        alpha, log_Z = forward_scores(z, lengths, scores)  # (F2), (F3)
        return marginals(z, lengths, alpha, log_Z, scores)[0]  # (F5)-(F7)

    def best(self, z: Array, lengths: Array) -> list[list[int]]:
        """z (T, B, C) -> the labels of each sentence that have the highest score, by Viterbi."""
        self._check(z, lengths)
        return viterbi(z, lengths, *self.scores())

    def _checked(self, z: Array, y: Array, lengths: Array) -> Array:
        """y with IGNORE_INDEX at padding. Raises ValueError."""
        self._check(z, lengths)
        T, B, C = z.shape
        if y.shape != (T, B):
            raise ValueError(f"CRF labels have shape {y.shape}, "
                             f"expected {(T, B)}")
        live = np.arange(T)[:, None] < lengths
        y = checked_targets(np.where(live, y, IGNORE_INDEX), C)
        if (y[live] == IGNORE_INDEX).any():
            raise ValueError("a word of a sentence has no label: "
                             "a CRF expects one for each")
        return y

    def _check(self, z: Array, lengths: Array) -> None:
        C = len(self.start.value)
        dtype = self.start.value.dtype
        if z.ndim != 3 or z.shape[2] != C or z.dtype != dtype:
            raise ValueError(f"CRF scores are {z.dtype}{z.shape}, "
                             f"expected {dtype}(T, B, {C})")
        T, B, _ = z.shape
        check_lengths("CRF", lengths, B, T)
