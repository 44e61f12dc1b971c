"""Sampled softmax (Q): a training loss over the target and some words drawn at random, at a cost without V in it.

    (Q1) P(k) = (ln(k+2) - ln(k+1)) / ln(V+1),  k = 0 .. V-1: the word ids in falling frequency, about as text has them
    (Q2) Q(k) = 1 - (1 - P(k))^tries: how often k is expected in the sample S
    (Q3) z_n[w] = h_n W[w] + b[w] - ln Q(w),  for the words w in S and for w = y_n
    (Q4) loss = - (1 / N) sum_n (z_n[y_n] - log sum_w exp(z_n[w])),  w in S and y_n, each word once

S are the first `samples` different words that are drawn from P, and tries is how many draws that took. It is drawn anew
for each step and direction, and all targets of a step share it. A target that is in S by accident is not counted twice.
Q depends on no parameter. This loss is lower than the true one and compares with nothing: `nll` is over all V words.

Dimensions: N targets, R rows (the targets and the padding), P width of h, V words.
Source: Jean et al. 2015; the sampler, the correction and the removal of accidental hits as in the original ELMo.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..types import Array
from .embedding import scatter_add
from .parameter import Parameter
from .softmax import ELSEWHERE, IGNORE_INDEX, Chunk, Softmax, softmax_backward, softmax_forward


def draw(samples: int, V: int, rng: np.random.Generator) -> tuple[Array, int]:
    """The first `samples` different ids that come from (Q1), rising (samples,), and the number of tries it took."""
    ids = np.empty(0, np.int64)
    while True:
        u = rng.random(2 * samples)
        more = np.exp(u * np.log(V + 1)).astype(np.int64) - 1                    # (Q1) by its inverse
        ids = np.concatenate([ids, np.minimum(more, V - 1)])        # a rounding of exp must not leave the vocabulary
        different, first = np.unique(ids, return_index=True)
        if len(different) >= samples:
            tries = int(np.sort(first)[samples - 1]) + 1
            return different[first < tries], tries


def log_expected(ids: Array, tries: int, V: int) -> Array:
    """ln Q of each id, in float64."""
    P = np.log1p(1 / (ids + 1)) / np.log(V + 1)                                  # (Q1)
    log_Q: Array = np.log(-np.expm1(tries * np.log1p(-P)))                       # (Q2)
    return log_Q


class Cache(NamedTuple):
    h: Array                    # (R, P)
    y: Array                    # (R,) word ids, IGNORE_INDEX
    column: Array               # (R,) where y stands in the sample; ELSEWHERE, IGNORE_INDEX
    N: int                      # targets
    ids: Array                  # (samples,) the sample
    W: Array                    # (samples, P) its weights
    b: Array                    # (samples,) its biases less ln Q
    chunks: list[Chunk]         # top and total are those of (Q4): over the sample and the target
    p: Array                    # (R,) probability of a target that is not in the sample
    shape: tuple[int, ...]      # of the input


class SampledSoftmax(Softmax):
    """Softmax over V words that is trained on a sample of them: only the sample's rows of W and b have a gradient.

    samples     words drawn for each step, fewer than V; the ids must fall in frequency
    The rest as in `Softmax`. Raises UserError for more samples than a vocabulary has.
    """

    def __init__(self, P: int, V: int, *, samples: int, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32,
                 W: Parameter | None = None):
        if not 1 <= samples < V:
            raise UserError(f"samples = {samples} with {V} words: expected from 1 to {V - 1}: choose fewer, or set "
                            "softmax = full")
        super().__init__(P, V, rng=rng, dtype=dtype, W=W)
        self.samples = samples
        self.W.rows, self.b.rows = [], []

    def forward(self, h: Array, y: Array, rng: np.random.Generator | None = None) -> tuple[float, Cache]:
        """h (.., P), y (..) whole numbers in [0, V) or IGNORE_INDEX, rng: draws the sample
        -> the sampled loss in nats a target (0 without any), cache. Raises ValueError without an rng."""
        if rng is None:
            raise ValueError("sampled softmax draws words: expected an rng; nll is the loss over all of them")
        shape, V = h.shape, len(self.W.value)
        h, y = self._check(h, y)
        ids, tries = draw(self.samples, V, rng)
        W, b = self.W.value[ids], self._corrected(ids, tries)                    # (Q3)
        place = np.minimum(np.searchsorted(ids, y), len(ids) - 1)
        column = np.where(y == IGNORE_INDEX, IGNORE_INDEX, np.where(ids[place] == y, place, ELSEWHERE))
        chunks, p, nats, room = [], np.zeros(len(h), h.dtype), 0.0, self.KEPT
        for rows in self._chunks(len(h)):
            size = len(y[rows]) * len(ids)
            loss, top, total, z = softmax_forward(h[rows], column[rows], W, b, size <= room)     # (Q3), (Q4)
            room -= size
            alone = np.flatnonzero(column[rows] == ELSEWHERE)
            targets = y[rows][alone]
            z_y = np.einsum("np,np->n", h[rows][alone], self.W.value[targets])   # (Q3)
            z_y += self._corrected(targets, tries)                               # (Q3)
            most = np.maximum(top[alone], z_y)
            total[alone] = total[alone] * np.exp(top[alone] - most) + np.exp(z_y - most)         # (Q4)
            top[alone] = most
            loss[alone] = np.log(total[alone]) + (most - z_y)                    # (Q4)
            p[rows][alone] = np.exp(z_y - most) / total[alone]
            nats += float(loss.sum(dtype=np.float64))                            # (Q4)
            chunks.append(Chunk(rows, z, top, total))
        N = max(1, int((y != IGNORE_INDEX).sum()))
        return nats / N, Cache(h, y, column, N, ids, W, b, chunks, p, shape)     # (Q4)

    def backward(self, dloss: float, cache: Cache) -> Array:  # type: ignore[override]  # of this class' own forward
        """dloss: gradient of whatever is minimised by this loss -> dh (.., P); adds to rows of W.grad and b.grad."""
        h, y, column, N, ids, W, b = cache[:7]
        dh, dW, db = np.empty_like(h), np.zeros_like(W), np.zeros_like(b)
        for rows, z, top, total in cache.chunks:
            dh[rows], some = softmax_backward(dloss / N, h[rows], column[rows], W, b, z, top, total, dW,
                                              True)                              # (Q4), (Q3)
            db += some                                                           # (Q3)
        alone = np.flatnonzero(column == ELSEWHERE)
        dz = (dloss / N * (cache.p[alone] - 1)).astype(h.dtype)[:, None]         # (Q4) of z[y]
        dh[alone] += dz * self.W.value[y[alone]]                                 # (Q3)
        for p, sampled, own in (self.W, dW, dz * h[alone]), (self.b, db, dz[:, 0]):
            p.grad[ids] += sampled                                               # (Q3)
            table = p.grad.reshape(len(p.grad), -1)
            scatter_add(table, y[alone], own.reshape(-1, table.shape[1]))        # (Q3)
            if p.rows is not None:
                p.rows += [ids, y[alone]]
        return dh.reshape(cache.shape)

    def _corrected(self, ids: Array, tries: int) -> Array:
        """The bias of each id less what a word gains by being drawn often."""
        less: Array = self.b.value[ids] - log_expected(ids, tries, len(self.W.value)).astype(self.b.value.dtype)  # (Q3)
        return less
