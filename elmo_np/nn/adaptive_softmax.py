"""Adaptive softmax (A): frequent words at full width, rare ones in clusters; exact, at a fraction of the cost.

    (A1) r_n = h_n Q_i,  for cluster i: narrower than h_n or, where it is tied, as wide as a word vector
    (A2) log p(w | h_n) = log p_head(w | h_n),  w < C_0: a word of the head
         log p(w | h_n) = log p_head(C_0 + i | h_n) + log p_i(w - C_i | r_n),  C_i <= w < C_{i+1}: a word of cluster i
    (A3) loss = loss_head + sum_i (N_i / N) loss_i,  in nats per token
    (A4) R = R_head + sum_i (N_i / N) R_i,  of label smoothing

p_head and p_i are softmaxes as in softmax.py; loss_head and loss_i are their losses. The head has an entry for each
word below C_0 and one for each cluster, so the probabilities of all words sum to 1. The saving: most targets are words
of the head, so few rows reach a cluster, and there the words have few weights.

This needs word ids in order of falling frequency. A vocabulary that `Vocabulary.build` made has them, except for the
three special tokens, which come first; of these, </S> and <UNK> are as frequent as any word. In any other order the
probabilities still sum to 1.

Dimensions: N targets, N_i of them in cluster i, P width of h, V words, the cutoffs C_0 < C_1 < .. and then V.
Source: Grave et al. 2017, "Efficient softmax approximation for GPUs" (arXiv 1609.04309); clusters as in PyTorch.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..errors import DoesNotFit, UserError
from ..types import Array
from .checks import check_array, check_sizes
from .initializers import lecun_normal
from .language_model import OutputLayer
from .parameter import Parameter
from .softmax import IGNORE_INDEX, Softmax, checked_targets
from .tied_softmax import TiedSoftmax


class ProjectedCache(NamedTuple):
    h: Array                # (R, P)
    softmax: Any            # of the output layer
    shape: tuple[int, ...]  # of the input


class ProjectedSoftmax:
    """An output layer that reads h at another width: that of a cluster, or of the word vectors it is tied to.

    projection  Q, a Parameter (P, width)
    softmax     the output layer, which reads that width
    """

    def __init__(self, projection: Parameter, softmax: OutputLayer):
        self.projection = projection
        self.softmax = softmax

    def forward(self, h: Array, y: Array, rng: Generator | None = None) -> tuple[float, ProjectedCache]:
        """h (.., P), y and rng as of the output layer -> its loss, cache."""
        rows = self._rows(h)
        r = rows @ self.projection.value  # (A1)
        loss, cache = self.softmax.forward(r, y.reshape(-1), rng)
        return loss, ProjectedCache(rows, cache, h.shape)

    def smoothing(self, cache: ProjectedCache) -> float:
        """R of label smoothing, of the output layer."""
        return self.softmax.smoothing(cache.softmax)

    def backward(self, dloss: float, cache: ProjectedCache, smoothing: float = 0.0) -> Array:
        """dloss: gradient of what is minimised with respect to this loss, smoothing: the factor of R
        -> dh (.., P); accumulates into every Parameter.grad."""
        dr = self.softmax.backward(dloss, cache.softmax, smoothing)
        self.projection.grad += cache.h.T @ dr      # (A1)
        dh: Array = dr @ self.projection.value.T    # (A1)
        return dh.reshape(cache.shape)

    def nll(self, h: Array, y: Array) -> Array:
        """-log p of each target in nats, the shape of y."""
        r = self._rows(h) @ self.projection.value   # (A1)
        return self.softmax.nll(r, y.reshape(-1)).reshape(y.shape)

    def log_probabilities(self, h: Array) -> Array:
        """log p in nats of every word of the output layer: h (.., P) -> (.., words)."""
        r = self._rows(h) @ self.projection.value   # (A1)
        log_p = self.softmax.log_probabilities(r)
        return log_p.reshape(*h.shape[:-1], log_p.shape[-1])

    def _rows(self, h: Array) -> Array:
        """h (.., P) -> (R, P). Raises ValueError for another width or dtype."""
        Q = self.projection.value
        check_array("softmax input", h, (*h.shape[:-1], len(Q)), Q.dtype)
        return np.ascontiguousarray(h).reshape(-1, len(Q))


class Tail(ProjectedSoftmax):
    """The softmax of one cluster, over h reduced to a smaller width, or mapped to that of the word vectors.

    P, width    widths of h and of what the softmax reads
    words       the ids of the cluster
    E           the word vectors to tie it to, a Parameter (V, width); None: it has weights of its own
    rng         draws Q, normal with variance 1 / P, and the weights
    """

    def __init__(
        self, P: int, width: int, words: range, *,
        E: Parameter | None, rng: Generator | None, dtype: DTypeLike,
    ):
        projection = Parameter(lecun_normal(rng, (P, width), P, dtype))
        super().__init__(
            projection,
            TiedSoftmax(E, words) if E is not None else Softmax(width, len(words), rng=rng, dtype=dtype))
        self.words = words

    def holds(self, y: Array) -> Array:
        """Which targets are words of this cluster: booleans in the shape of y."""
        inside: Array = (self.words.start <= y) & (y < self.words.stop)
        return inside


class TailUse(NamedTuple):
    """The part of one cluster in a forward pass."""

    inside: Array           # the shape of y: the targets that are words of the cluster
    share: float            # N_i / N
    cache: ProjectedCache


class Cache(NamedTuple):
    head: Any
    tails: list[TailUse]


class AdaptiveSoftmax:
    """Softmax over V words, the rare ones in clusters.

    P, V        widths of the input and of the vocabulary
    cutoffs     word ids at which a cluster begins, in rising order, within [1, V); None: default_cutoffs(V)
    div_value   by how much the width falls from one cluster to the next: `tail_width`
    E           the word vectors to tie it to, a Parameter (V, P); every cluster then reads the width P, whatever
                div_value is. None: it has weights of its own
    rng         draws all weights: normal with variance 1 / (inputs); biases start at zero
    Raises UserError if the cutoffs do not fit the vocabulary, or if div_value is below 1.
    """

    def __init__(
        self, P: int, V: int, *, cutoffs: Sequence[int] | None = None,
        div_value: int = 4, rng: Generator | None, dtype: DTypeLike = np.float32,
        E: Parameter | None = None,
    ):
        check_sizes("adaptive softmax", P=P, V=V)
        if E is not None:
            check_array("word vectors of a tied softmax", E.value, (V, P), np.dtype(dtype))
        cutoffs = default_cutoffs(V) if cutoffs is None else tuple(cutoffs)
        bounds = (*cutoffs, V)
        if not cutoffs or cutoffs[0] < 1 or any(a >= b for a, b in pairwise(bounds)):
            raise DoesNotFit(
                f"cutoffs = {list(cutoffs)} with {V} words: expected rising "
                f"word ids from 1 to {V - 1}: choose others, or set cutoffs = none")
        if div_value < 1:
            raise UserError(
                f"div_value = {div_value}: expected a whole number of at least 1")
        self.V = V
        self.cutoffs = cutoffs
        self.head: OutputLayer
        if E is None:
            self.head = Softmax(P, cutoffs[0] + len(cutoffs), rng=rng, dtype=dtype)
        else:
            self.head = TiedSoftmax(E, range(cutoffs[0]), entries=len(cutoffs), rng=rng)
        self.tails = []
        for i, words in enumerate(pairwise(bounds)):
            width = tail_width(P, div_value, i) if E is None else P
            self.tails.append(Tail(P, width, range(*words), E=E, rng=rng, dtype=dtype))

    def forward(self, h: Array, y: Array, rng: Generator | None = None) -> tuple[float, Cache]:
        """h (.., P), y (..) whole numbers in [0, V) or IGNORE_INDEX; rng is not used
        -> loss in nats per target (0 without any), cache"""
        y = checked_targets(y, self.V)
        N = max(1, int((y != IGNORE_INDEX).sum()))
        loss, head = self.head.forward(h, self._entries(y))   # (A2)
        tails = []
        for tail in self.tails:
            inside = tail.holds(y)
            own = y[inside] - tail.words.start
            part, cache = tail.forward(h[inside], own)        # (A2)
            share = int(inside.sum()) / N
            loss += share * part                              # (A3)
            tails.append(TailUse(inside, share, cache))
        return loss, Cache(head, tails)

    def smoothing(self, cache: Cache) -> float:
        """R of label smoothing, over the entries of the head and over the words of each cluster."""
        R = self.head.smoothing(cache.head)                         # (A4)
        for tail, use in zip(self.tails, cache.tails, strict=True):
            R += use.share * tail.smoothing(use.cache)              # (A4)
        return R

    def backward(self, dloss: float, cache: Cache, smoothing: float = 0.0) -> Array:
        """dloss: gradient of what is minimised with respect to this loss, smoothing: the factor of R
        -> dh (.., P); accumulates into every Parameter.grad."""
        dh = self.head.backward(dloss, cache.head, smoothing)       # (A3), (A2), (A4)
        for tail, use in zip(self.tails, cache.tails, strict=True):
            inside, share, tail_cache = use
            dtail = dloss * share                                   # (A3), (A4)
            dh[inside] += tail.backward(dtail, tail_cache, smoothing)   # (A2)
        return dh

    def nll(self, h: Array, y: Array) -> Array:
        """-log p(y | h) in nats, the shape of y, 0 at padding: what evaluation sums."""
        y = checked_targets(y, self.V)
        loss = self.head.nll(h, self._entries(y))           # (A2)
        for tail in self.tails:
            inside = tail.holds(y)
            own = y[inside] - tail.words.start
            loss[inside] += tail.nll(h[inside], own)        # (A2)
        return loss

    def log_probabilities(self, h: Array) -> Array:
        """log p(w | h) in nats of every word w: h (.., P) -> (.., V)."""
        head = self.head.log_probabilities(h)                  # (A2)
        C_0 = self.cutoffs[0]
        parts = [head[..., :C_0]]
        for i, tail in enumerate(self.tails):
            cluster = head[..., C_0 + i, None]
            parts.append(cluster + tail.log_probabilities(h))  # (A2)
        return np.concatenate(parts, axis=-1)

    def _entries(self, y: Array) -> Array:
        """The head's entry for each target: its own or that of its cluster; IGNORE_INDEX stays."""
        entries = y.copy()
        for i, tail in enumerate(self.tails):
            entries[tail.holds(y)] = self.cutoffs[0] + i  # (A2)
        return entries


def default_cutoffs(V: int) -> tuple[int, ...]:
    """Those of a model that names none: a fifth of the words in the head, two fifths in one cluster, the rest in
    another; one cluster below 5 words.

    The first two have at most 20,000 and 40,000 words: the cutoffs of Baevski and Auli 2019 for WikiText-103.
    """
    return _cutoffs(V, 20_000, 60_000)


def training_cutoffs(V: int) -> tuple[int, ...]:
    """Those that training chooses: like `default_cutoffs`, but with at most 2,000 words in the head and 8,000 in the
    first cluster, as Grave et al. 2017 have them.

    The 2,000 most frequent words are some 80 % of an English text, so that the cost hardly grows with V.
    """
    return _cutoffs(V, 2_000, 10_000)


def _cutoffs(V: int, head: int, cluster: int) -> tuple[int, ...]:
    return tuple(sorted({min(V // 5, head), min(3 * V // 5, cluster)} - {0}))


def tail_width(P: int, div_value: int, i: int) -> int:
    """The width that cluster i = 0, 1, .. reads: P / div_value^(i+1), rounded down, but at least 1."""
    width: int = max(1, P // div_value**(i + 1))
    return width
