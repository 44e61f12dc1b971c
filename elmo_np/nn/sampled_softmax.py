"""Sampled softmax (Q): a training loss over the target and some random words, at a cost that does not depend on V.

    (Q1) P(k) = (ln(k+2) - ln(k+1)) / ln(V+1),  k = 0 .. V-1: word ids in order of falling frequency, about as in text
    (Q2) Q(k) = 1 - (1 - P(k))^tries: how often k is expected in the sample S
    (Q3) z_n[w] = h_n W[w] + b[w] - ln Q(w),  for the words w in S and for w = y_n
    (Q4) loss = - (1 / N) sum_n (z_n[y_n] - log sum_w exp(z_n[w])),  w in S and y_n, each word once

S holds the first `samples` different words that are drawn from P, and tries is how many draws that took. A new S is
drawn for each step and direction, and all targets of a step share it. A target that is in S by accident is not counted
twice. Q does not depend on any parameter. This loss is lower than the true one and not comparable with other losses:
`nll` is over all V words.

Dimensions: N targets, R rows (the targets and the padding), P width of h, V words.
Source: Jean et al. 2015; the sampler, the correction and the removal of accidental hits as in the original ELMo.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..errors import DoesNotFit
from ..types import Array
from .adaptive_softmax import ProjectedSoftmax
from .checks import check_sizes
from .embedding import scatter_add
from .language_model import OutputLayer
from .parameter import Parameter
from .softmax import ELSEWHERE, IGNORE_INDEX, Chunk, Softmax, softmax_backward

NOT_SMOOTHED = "a sampled softmax is not smoothed: expected smoothing = 0"


def draw(samples: int, V: int, rng: Generator) -> tuple[Array, int]:
    """The first `samples` different ids drawn from (Q1), in rising order (samples,), and the number of tries."""
    ids = np.empty(0, np.int64)
    while True:
        u = rng.random(2 * samples)
        more = np.exp(u * np.log(V + 1)).astype(np.int64) - 1  # (Q1) by its inverse
        more = np.minimum(more, V - 1)      # exp may round up to V
        ids = np.concatenate([ids, more])
        different, first = np.unique(ids, return_index=True)
        if len(different) >= samples:
            tries = int(np.sort(first)[samples - 1]) + 1
            return different[first < tries], tries


def log_expected(ids: Array, tries: int, V: int) -> Array:
    """ln Q of each id, in float64."""
    P = np.log1p(1 / (ids + 1)) / np.log(V + 1)             # (Q1)
    log_Q: Array = np.log(-np.expm1(tries * np.log1p(-P)))  # (Q2)
    return log_Q


def columns(y: Array, ids: Array) -> Array:
    """Where each target of y (R,) is in the sample: its index in ids, or ELSEWHERE, or IGNORE_INDEX for padding."""
    column = np.minimum(np.searchsorted(ids, y), len(ids) - 1)
    column[ids[column] != y] = ELSEWHERE
    column[y == IGNORE_INDEX] = IGNORE_INDEX
    return column


class Sample(NamedTuple):
    """The words that were drawn for a step."""

    ids: Array                  # (samples,)
    tries: int
    W: Array                    # (samples, P) their weights
    b: Array                    # (samples,) their biases less ln Q


class Cache(NamedTuple):
    h: Array                    # (R, P)
    y: Array                    # (R,) word ids, IGNORE_INDEX
    column: Array               # (R,) of `columns`
    N: int                      # targets
    sample: Sample
    chunks: list[Chunk]         # y: the columns; top, total: of (Q4), with the target
    p: Array                    # (R,) probability of a target that is not in the sample
    shape: tuple[int, ...]      # of the input


class SampledSoftmax:
    """Softmax over V words that is trained on a sample of them: only the sample's rows of W and b have a gradient.

    P, V        widths of the input and of the vocabulary
    samples     words drawn for each step, fewer than V; the ids must fall in frequency
    rng, W      as in `Softmax`
    full        the softmax over all V words, with the same W and b
    Raises UserError unless there are fewer samples than words.
    """

    def __init__(
        self, P: int, V: int, *, samples: int, rng: Generator | None,
        dtype: DTypeLike = np.float32, W: Parameter | None = None,
    ):
        check_sizes("sampled softmax", P=P, V=V)
        if not 1 <= samples < V:
            raise DoesNotFit(
                f"samples = {samples} with {V} words: expected from 1 to {V - 1}: "
                "choose fewer, or set softmax = full")
        full = Softmax(P, V, rng=rng, dtype=dtype, W=W)
        self.W = full.W
        self.b = full.b
        self.W.rows = []
        self.b.rows = []
        self.samples = samples
        self.full = full

    def forward(self, h: Array, y: Array, rng: Generator | None = None) -> tuple[float, Cache]:
        """h (.., P), y (..) whole numbers in [0, V) or IGNORE_INDEX, rng: draws the sample
        -> the sampled loss in nats per target (0 without any), cache. Raises ValueError without an rng."""
        if rng is None:
            raise ValueError(
                "sampled softmax draws words: expected an rng; "
                "nll is the loss over all of them")
        shape = h.shape
        h, y = self.full.checked(h, y)
        sample = self._sample(rng)
        column = columns(y, sample.ids)
        p = np.zeros(len(h), h.dtype)
        total = 0.0
        chunks = []
        parts = self.full.forward_chunks(h, column, sample.W, sample.b)  # (Q3), (Q4)
        for nats, chunk in parts:
            rows = chunk.rows
            p[rows] = self._add_targets(chunk, nats, y[rows], sample.tries)  # (Q4)
            total += float(nats.sum(dtype=np.float64))  # (Q4)
            chunks.append(chunk)
        N = max(1, int((y != IGNORE_INDEX).sum()))
        return total / N, Cache(h, y, column, N, sample, chunks, p, shape)  # (Q4)

    def smoothing(self, cache: Cache) -> float:
        """Raises ValueError: R of label smoothing is over all words."""
        raise ValueError(NOT_SMOOTHED)

    def backward(self, dloss: float, cache: Cache, smoothing: float = 0.0) -> Array:
        """dloss: gradient of what is minimised with respect to this loss; smoothing must be 0
        -> dh (.., P); accumulates into rows of W.grad and b.grad."""
        if smoothing:
            raise ValueError(NOT_SMOOTHED)
        h = cache.h
        sample = cache.sample
        ids = sample.ids
        scale = dloss / cache.N                              # (Q4)
        dh = np.empty_like(h)
        dW = np.zeros_like(sample.W)
        db = np.zeros_like(sample.b)
        for chunk in cache.chunks:
            dh[chunk.rows], part = softmax_backward(
                scale, chunk, sample.W, sample.b, dW, True)  # (Q4), (Q3)
            db += part                                       # (Q3)
        alone = np.flatnonzero(cache.column == ELSEWHERE)
        y = cache.y[alone]
        dz = scale * (cache.p[alone, None] - 1)              # (Q4) of z[y]
        dz = dz.astype(h.dtype)
        dh[alone] += dz * self.W.value[y]                    # (Q3)
        add_rows(self.W, ids, dW, y, dz * h[alone])          # (Q3)
        add_rows(self.b, ids, db, y, dz)                     # (Q3)
        return dh.reshape(cache.shape)

    def nll(self, h: Array, y: Array) -> Array:
        """-log p(y | h) in nats over all V words, the shape of y, 0 at padding: what evaluation sums."""
        return self.full.nll(h, y)

    def log_probabilities(self, h: Array) -> Array:
        """log p(w | h) in nats of every word w: h (.., P) -> (.., V)."""
        return self.full.log_probabilities(h)

    def _sample(self, rng: Generator) -> Sample:
        ids, tries = draw(self.samples, len(self.b.value), rng)
        b = self._corrected(ids, tries)  # (Q3)
        return Sample(ids, tries, self.W.value[ids], b)

    def _corrected(self, ids: Array, tries: int) -> Array:
        """The bias of each id less what a word gains by being drawn often."""
        b: Array = self.b.value
        log_Q = log_expected(ids, tries, len(b)).astype(b.dtype)
        corrected: Array = b[ids] - log_Q  # (Q3)
        return corrected

    def _add_targets(self, chunk: Chunk, nats: Array, y: Array, tries: int) -> Array:
        """The targets that are not in the sample join the sum of (Q4): changes top and total of the chunk, and nats.

        -> p (R,) of those targets, 0 for the others
        """
        alone = np.flatnonzero(chunk.y == ELSEWHERE)
        y = y[alone]
        z_y = np.einsum("np,np->n", chunk.h[alone], self.W.value[y])  # (Q3)
        z_y += self._corrected(y, tries)           # (Q3)
        top = np.maximum(chunk.top[alone], z_y)
        drawn = chunk.total[alone] * np.exp(chunk.top[alone] - top)
        own = np.exp(z_y - top)
        total = drawn + own                        # (Q4)
        nats[alone] = np.log(total) + (top - z_y)  # (Q4)
        chunk.top[alone] = top
        chunk.total[alone] = total
        p = np.zeros_like(nats)
        p[alone] = own / total
        return p


def add_rows(p: Parameter, ids: Array, dsample: Array, y: Array, dtargets: Array) -> None:
    """Reverse of the look-ups of (Q3), into the rows of p.grad: the sample's `ids`, which differ, and the targets `y`
    outside it, which may repeat."""
    p.grad[ids] += dsample           # (Q3)
    table = p.grad.reshape(len(p.grad), -1)
    scatter_add(table, y, dtargets)  # (Q3)
    if p.rows is not None:
        p.rows += [ids, y]


def unsampled(layer: OutputLayer) -> OutputLayer:
    """The output layer with the same Parameters whose loss is over all words; for one that draws no sample, itself."""
    if isinstance(layer, ProjectedSoftmax):
        return ProjectedSoftmax(layer.projection, unsampled(layer.softmax))
    return layer.full if isinstance(layer, SampledSoftmax) else layer
