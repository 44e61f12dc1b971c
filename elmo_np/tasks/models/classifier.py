"""A label for a sentence: topic, sentiment, anything that a sentence as a whole is.

The network: the input (N), dropout (D), a bidirectional LSTM (U) unless hidden_dim is none, pooling (G), dropout, a
linear layer with cross-entropy (K).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...nn.dropout import dropout_backward, dropout_forward
from ...runtime.progress import Progress
from ...types import Array
from ..metrics.scores import accuracy
from ..nn import bilstm, inputs, pooling
from ..nn.bilstm import BiLSTM
from ..nn.inputs import WordInput
from ..nn.linear import CrossEntropyCache, Linear, cross_entropy, cross_entropy_backward, log_softmax
from ..nn.pooling import pool, pool_backward
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .fit import Batch, Dataset, Epoch, fit
from .task_model import TaskModel


class ScoreCache(NamedTuple):
    input: inputs.Cache
    lstm: bilstm.Cache | None
    pool: pooling.Cache
    mask: Array | None          # (B, 2H)
    linear: Array               # (B, 2H)


class Cache(NamedTuple):
    scores: ScoreCache
    loss: CrossEntropyCache


class SentenceNetwork:
    """J, D: layers and their width; C: labels."""

    def __init__(self, J: int, D: int, C: int, config: TaskConfig, *, rng: np.random.Generator,
                 dtype: npt.DTypeLike = np.float32):
        self.dropout, self.pooling = config.dropout, config.pooling
        self.input = WordInput(config.input, J, D, dropout=config.input_dropout, penalty=config.penalty, rng=rng,
                               dtype=dtype)
        self.lstm = BiLSTM(D, config.hidden_dim, rng=rng, dtype=dtype) if config.hidden_dim else None
        self.linear = Linear(2 * config.hidden_dim if config.hidden_dim else D, C, rng=rng, dtype=dtype)

    def scores(self, layers: Array, lengths: Array, rng: np.random.Generator | None = None) -> tuple[Array, ScoreCache]:
        """layers (J, T, B, D), lengths (B,), rng: draws dropout, None for none -> z (B, C), cache."""
        x, input_cache = self.input.forward(layers, rng)
        x, lstm_cache = self.lstm.forward(x, lengths) if self.lstm else (x, None)
        pooled, pool_cache = pool(x, lengths, self.pooling)
        pooled, mask = dropout_forward(pooled, self.dropout, rng)
        z, linear_cache = self.linear.forward(pooled)
        return z, ScoreCache(input_cache, lstm_cache, pool_cache, mask, linear_cache)

    def forward(self, layers: Array, lengths: Array, y: Array,
                rng: np.random.Generator | None = None) -> tuple[float, Cache]:
        """As `scores`, and y (B,) -> loss in nats a sentence with the input's penalty, cache."""
        z, cache = self.scores(layers, lengths, rng)
        loss, loss_cache = cross_entropy(z, y)
        return loss + self.input.penalty(), Cache(cache, loss_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of whatever is minimised by this loss; adds to every Parameter.grad."""
        input_cache, lstm_cache, pool_cache, mask, linear_cache = cache.scores
        dpooled = self.linear.backward(cross_entropy_backward(dloss, cache.loss), linear_cache)
        dx = pool_backward(dropout_backward(dpooled, mask), pool_cache)
        if self.lstm and lstm_cache:
            dx = self.lstm.backward(dx, lstm_cache)
        self.input.backward(dx, input_cache)
        self.input.penalty_backward(dloss)


class SentenceClassifier(TaskModel):
    """One of `labels` for a sentence."""

    TASK = "classify"

    def _network(self, rng: np.random.Generator) -> SentenceNetwork:
        return SentenceNetwork(len(self.layers), self.width, len(self.labels), self.config, rng=rng)

    def train(self, sentences: Sequence[Sequence[str]], labels: Sequence[str],
              valid_sentences: Sequence[Sequence[str]], valid_labels: Sequence[str], *,
              stores: tuple[EmbeddingCache, EmbeddingCache] | None = None,
              progress: Progress | None = None) -> list[Epoch]:
        """Learn from labelled sentences; the epoch with the best accuracy on the validation sentences stays.

        stores  vectors of both, if they are there already
        """
        if not len(sentences) or not len(valid_sentences):
            raise UserError(f"{len(sentences)} sentences to train on and {len(valid_sentences)} to validate on: "
                            "expected at least one of each")
        progress = progress or Progress(quiet=True)
        store, valid_store = stores or tuple(EmbeddingCache(self.elmo, some, self.layers, progress=progress)
                                             for some in (sentences, valid_sentences))
        learning, validating = (Dataset(held.lengths, partial(self._batch, held, np.array(self.numbers(own))))
                                for held, own in ((store, labels), (valid_store, valid_labels)))

        def score() -> float:
            return accuracy(valid_labels, self.predict(valid_sentences, valid_store))
        return fit(self.network, self.config, learning, validating, score, progress)

    def _batch(self, store: EmbeddingCache, y: Array, group: Array) -> Batch:
        return *store.batch(group, self.layers), y[group]

    def probabilities(self, sentences: Sequence[Sequence[str]], store: EmbeddingCache | None = None) -> Array:
        """p of every label of every sentence, (N, C)."""
        p = np.zeros((len(sentences), len(self.labels)), np.float32)
        for numbers, layers, lengths in self.batches(sentences, store):
            p[numbers] = np.exp(log_softmax(self.network.scores(layers, lengths)[0]))
        return p

    def predict(self, sentences: Sequence[Sequence[str]], store: EmbeddingCache | None = None) -> list[str]:
        """The likeliest label of every sentence."""
        return [self.labels[k] for k in self.probabilities(sentences, store).argmax(axis=1)]
