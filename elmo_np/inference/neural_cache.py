"""A neural cache: while a text is read, words that occurred after similar states become more probable.

    (P7) p_cache(w) = sum_i [y_i = w] exp(theta h_t . h_i) / sum_i exp(theta h_t . h_i),  over the last N positions i
    (P8) p(w) = (1 - weight) p_model(w) + weight p_cache(w);  at the first position, where the cache is empty, p_model

h_i is the output of the top layer at position i, y_i the word that followed it. Nothing is learnt: the model stays as
it is. The text is one stream, as a cache makes sense for no other; each direction keeps a cache of its own.
Source: Grave, Joulin and Usunier 2017, "Improving neural language models with a continuous cache".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..data.corpus import require_reiterable
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..nn.bilm import BiLM
from ..nn.cell import State
from ..nn.language_model import LanguageModel
from ..nn.softmax import IGNORE_INDEX
from ..types import Array
from .evaluate import Evaluation, SentenceScore, one_stream, summed
from .token_indexer import token_indexer

MOST = 100_000             # positions: beyond it a cache is slower than the model by far
THETAS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)            # that `tune` tries
LARGEST_THETA = 1e6         # beyond it, and below its inverse, a theta is too much for float32
WEIGHTS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)    # likewise
VALUES = 1 << 20            # comparisons of positions at a time: some 50 MB for all theta


class CacheSettings(NamedTuple):
    """size positions, theta how sharply similar states are preferred, weight the share of the cache."""

    size: int
    theta: float
    weight: float

    def checked(self) -> CacheSettings:
        """These settings. Raises UserError if one is out of range."""
        _check_size(self.size)
        if not 0 <= self.weight < 1 or not 1 / LARGEST_THETA <= self.theta <= LARGEST_THETA:
            raise UserError(f"a cache with theta = {self.theta} and weight = {self.weight}: expected a theta from "
                            f"{1 / LARGEST_THETA:g} to {LARGEST_THETA:,.0f} and a weight from 0 to below 1")
        return self


class NeuralCache:
    """The cache of one direction, for several theta and weights at once.

    nats    (thetas, weights) float64: the sum of - log p over what it has read
    """

    def __init__(self, size: int, thetas: Sequence[float], weights: Sequence[float]):
        self.size, self.thetas, self.weights = size, thetas, np.array(weights)
        self.nats = np.zeros((len(thetas), len(weights)))
        self._h: Array | None = None                # (positions, P) of the last ones
        self._y = np.empty(0, np.int64)

    def read(self, lm: LanguageModel, x: Array, y: Array, before: list[State] | None,
             lengths: Array | None) -> tuple[list[Array], list[State]]:
        """A reader of one stream: - log p of the model alone; those by (P8) are added to `nats`."""
        outputs, after = lm.encode_inference(x, before, lengths)
        nats = lm.output_layer().nll(outputs[-1], y).astype(np.float64)
        live = y[:, 0] != IGNORE_INDEX
        rows = max(1, VALUES // (self.size + len(y)))
        for part in np.array_split(np.flatnonzero(live), -(-int(live.sum()) // rows) or 1):
            self.nats += self.mix(outputs[-1][part, 0], y[part, 0], nats[part, 0]).sum(axis=2)
        return [nats], after

    def mix(self, h: Array, y: Array, nats: Array) -> Array:
        """- log p of the targets y (n,) at the outputs h (n, P), of which the model gives - log p = nats (n,), and keep
        them in the cache -> (thetas, weights, n)."""
        before = len(self._y)
        kept_h = h if self._h is None else np.concatenate([self._h, h])
        kept_y = np.concatenate([self._y, y])
        age = before + np.arange(len(y))[:, None] - np.arange(len(kept_y))
        seen = (age > 0) & (age <= self.size)
        similar = np.where(seen, h @ kept_h.T, -np.inf)
        same = kept_y == y[:, None]
        p_cache = np.array([_share(theta * similar, same) for theta in self.thetas])
        weight = np.where(seen.any(axis=1), self.weights[:, None], 0)                       # (weights, n)
        p = (1 - weight) * np.exp(-nats) + weight * p_cache[:, None]                        # (P8)
        self._h, self._y = kept_h[-self.size:], kept_y[-self.size:]
        found: Array = -np.log(p)
        return found


def _share(z: Array, same: Array) -> Array:
    """(P7) of the targets: z (n, positions) is -inf outside the cache, `same` where the word there is the target."""
    high = z.max(axis=1, keepdims=True)
    e = np.exp(z - np.where(np.isfinite(high), high, 0))                        # (P7)
    total = e.sum(axis=1)
    found: Array = (e * same).sum(axis=1) / np.where(total > 0, total, 1)       # (P7)
    return found


def evaluate_with_cache(model: BiLM, vocabulary: Vocabulary, corpus: Iterable[Sequence[str]], settings: CacheSettings,
                        each: Callable[[SentenceScore], None] | None = None) -> tuple[Evaluation, Evaluation]:
    """`evaluate` of one stream without a cache and by (P8), which reads the text once; each: as there, without a cache.

    Raises UserError for settings out of range.
    """
    size, theta, weight = settings.checked()
    caches = {direction: NeuralCache(size, [theta], [weight]) for direction in model.lms}
    plain = _evaluated(model, vocabulary, corpus, caches, each)
    return plain, plain.with_nats({direction: cache.nats.item() for direction, cache in caches.items()})


def _check_size(size: int) -> None:
    if not 1 <= size <= MOST:
        raise UserError(f"a cache of {size} positions: expected 1 to {MOST:,}")


def tune(model: BiLM, vocabulary: Vocabulary, corpus: Iterable[Sequence[str]], size: int) -> CacheSettings:
    """The theta and weight of those tried that predict a validation text best, all directions together."""
    _check_size(size)
    caches = {direction: NeuralCache(size, THETAS, WEIGHTS) for direction in model.lms}
    _evaluated(model, vocabulary, corpus, caches)
    nats = np.sum([cache.nats for cache in caches.values()], axis=0)
    theta, weight = np.unravel_index(int(nats.argmin()), nats.shape)
    return CacheSettings(size, THETAS[theta], WEIGHTS[weight])


def _evaluated(model: BiLM, vocabulary: Vocabulary, corpus: Iterable[Sequence[str]], caches: Mapping[str, NeuralCache],
               each: Callable[[SentenceScore], None] | None = None) -> Evaluation:
    """caches: of each direction."""
    readers = {direction: cache.read for direction, cache in caches.items()}
    return summed(one_stream(token_indexer(model, vocabulary), require_reiterable(corpus), readers), each)
