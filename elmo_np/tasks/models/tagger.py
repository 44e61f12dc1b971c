"""A label for every word, and so names in a text: BIO labels, of which a CRF allows only what can follow one another.

The network: the input (N), dropout (D), a bidirectional LSTM (U) unless hidden_dim is none, dropout, a linear layer
(K1), a linear-chain CRF (F) on its scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...nn.dropout import dropout_backward, dropout_forward
from ...nn.softmax import IGNORE_INDEX
from ...runtime.progress import Progress
from ...types import Array
from ..metrics.scores import entity_scores
from ..nn import bilstm, crf, inputs
from ..nn.bilstm import BiLSTM
from ..nn.crf import CRF, bio
from ..nn.inputs import WordInput
from ..nn.linear import Linear
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .fit import Batch, Dataset, Epoch, fit
from .task_model import TaskModel


class ScoreCache(NamedTuple):
    input: inputs.Cache
    lstm: bilstm.Cache | None
    mask: Array | None          # (T, B, 2H)
    linear: Array               # (T, B, 2H)


class Cache(NamedTuple):
    scores: ScoreCache
    crf: crf.Cache


class TagNetwork:
    """J, D: layers and their width; labels: BIO."""

    def __init__(self, J: int, D: int, labels: Sequence[str], config: TaskConfig, *, rng: np.random.Generator,
                 dtype: npt.DTypeLike = np.float32):
        self.dropout = config.dropout
        self.input = WordInput(config.input, J, D, dropout=config.input_dropout, penalty=config.penalty, rng=rng,
                               dtype=dtype)
        self.lstm = BiLSTM(D, config.hidden_dim, rng=rng, dtype=dtype) if config.hidden_dim else None
        width = 2 * config.hidden_dim if config.hidden_dim else D
        self.linear = Linear(width, len(labels), rng=rng, dtype=dtype)
        self.crf = CRF(len(labels), bio(labels), dtype=dtype)

    def scores(self, layers: Array, lengths: Array, rng: np.random.Generator | None = None) -> tuple[Array, ScoreCache]:
        """layers (J, T, B, D), lengths (B,), rng: draws dropout, None for none -> z (T, B, C), cache."""
        x, input_cache = self.input.forward(layers, rng)
        x, lstm_cache = self.lstm.forward(x, lengths) if self.lstm else (x, None)
        x, mask = dropout_forward(x, self.dropout, rng)
        z, linear_cache = self.linear.forward(x)
        return z, ScoreCache(input_cache, lstm_cache, mask, linear_cache)

    def forward(self, layers: Array, lengths: Array, y: Array,
                rng: np.random.Generator | None = None) -> tuple[float, Cache]:
        """As `scores`, and y (T, B) -> loss in nats a sentence with the input's penalty, cache."""
        z, cache = self.scores(layers, lengths, rng)
        loss, crf_cache = self.crf.forward(z, y, lengths)
        return loss + self.input.penalty(), Cache(cache, crf_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of whatever is minimised by this loss; adds to every Parameter.grad."""
        input_cache, lstm_cache, mask, linear_cache = cache.scores
        dx = self.linear.backward(self.crf.backward(dloss, cache.crf), linear_cache)
        dx = dropout_backward(dx, mask)
        if self.lstm and lstm_cache:
            dx = self.lstm.backward(dx, lstm_cache)
        self.input.backward(dx, input_cache)
        self.input.penalty_backward(dloss)


class Tagger(TaskModel):
    """One of `labels`, O, B-type and I-type, for every word."""

    TASK = "tag"

    def _network(self, rng: np.random.Generator) -> TagNetwork:
        return TagNetwork(len(self.layers), self.width, self.labels, self.config, rng=rng)

    def train(self, sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]],
              valid_sentences: Sequence[Sequence[str]], valid_labels: Sequence[Sequence[str]], *,
              stores: tuple[EmbeddingCache, EmbeddingCache] | None = None,
              progress: Progress | None = None) -> list[Epoch]:
        """Learn from labelled words; the epoch with the best entity F1 on the validation sentences stays.

        stores  vectors of both, if they are there already
        """
        if not len(sentences) or not len(valid_sentences):
            raise UserError(f"{len(sentences)} sentences to train on and {len(valid_sentences)} to validate on: "
                            "expected at least one of each")
        progress = progress or Progress(quiet=True)
        store, valid_store = stores or tuple(EmbeddingCache(self.elmo, some, self.layers, progress=progress)
                                             for some in (sentences, valid_sentences))
        learning, validating = (Dataset(held.lengths, partial(self._batch, held, [self.numbers(some) for some in own]))
                                for held, own in ((store, labels), (valid_store, valid_labels)))

        def score() -> float:
            return entity_scores(valid_labels, self.predict(valid_sentences, valid_store))["all"].f1
        return fit(self.network, self.config, learning, validating, score, progress)

    def _batch(self, store: EmbeddingCache, labels: list[list[int]], group: Array) -> Batch:
        layers, lengths = store.batch(group, self.layers)
        y = np.full((lengths.max(), len(group)), IGNORE_INDEX)
        for b, k in enumerate(group):
            y[:lengths[b], b] = labels[k]
        return layers, lengths, y

    def predict(self, sentences: Sequence[Sequence[str]], store: EmbeddingCache | None = None) -> list[list[str]]:
        """The best labels of every sentence's words."""
        found: dict[int, list[str]] = {}
        for numbers, layers, lengths in self.batches(sentences, store):
            best = self.network.crf.best(self.network.scores(layers, lengths)[0], lengths)
            found.update(zip(numbers, ([self.labels[k] for k in own] for own in best), strict=True))
        return [found[k] for k in range(len(sentences))]


def bio_labels(sentences: Sequence[Sequence[str]]) -> list[str]:
    """All labels that some sentences need: O, and B and I of every type, in order."""
    kinds = sorted({label[2:] for labels in sentences for label in labels if label != "O"})
    return ["O", *(f"{mark}-{kind}" for kind in kinds for mark in "BI")]
