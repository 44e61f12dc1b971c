"""A label for a whole sentence: its topic, its sentiment.

The network: the input (N), dropout (D), a bidirectional LSTM (U) unless hidden_dim is none, pooling (G), dropout, a
linear layer with cross-entropy (K).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...data.sentences import checked_sentences
from ...nn.dropout import dropout_backward, dropout_forward
from ...types import Array, Sentences
from ..metrics.scores import accuracy
from ..nn.linear import CrossEntropyCache, Linear, cross_entropy, cross_entropy_backward, log_softmax
from ..nn.pooling import Pooling
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .sentence_encoder import EncoderCache, SentenceEncoder
from .task_model import TaskModel


class SentenceScoresCache(NamedTuple):
    encoder: EncoderCache
    pool: list[Any]
    mask: Array | None          # (B, width of the pooling)
    linear: Array               # the same


class Cache(NamedTuple):
    scores: SentenceScoresCache
    loss: CrossEntropyCache


class SentenceNetwork(SentenceEncoder):
    """J, D: number and width of the layers; C: labels."""

    def __init__(self, J: int, D: int, C: int, config: TaskConfig, *, rng: Generator, dtype: DTypeLike = np.float32):
        super().__init__(J, D, config, rng=rng, dtype=dtype)
        self.pooling = Pooling(config.pooling, self.width, rng=rng, dtype=dtype)
        self.linear = Linear(self.pooling.width, C, rng=rng, dtype=dtype)

    def scores(self, layers: Array, lengths: Array, rng: Generator | None = None) -> tuple[Array, SentenceScoresCache]:
        """layers (J, T, B, D), lengths (B,); rng draws dropout, None for none -> z (B, C), cache."""
        x, encoder_cache = self.encode(layers, lengths, rng)
        pooled, pool_cache = self.pooling.forward(x, lengths)
        pooled, mask = dropout_forward(pooled, self.dropout, rng)
        z, linear_cache = self.linear.forward(pooled)
        return z, SentenceScoresCache(encoder_cache, pool_cache, mask, linear_cache)

    def forward(self, layers: Array, lengths: Array, y: Array, rng: Generator | None = None) -> tuple[float, Cache]:
        """As `scores`, with y (B,) -> loss in nats per sentence, the input's penalty included, and cache."""
        z, scores_cache = self.scores(layers, lengths, rng)
        loss, loss_cache = cross_entropy(z, y)
        return loss + self.input.penalty(), Cache(scores_cache, loss_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of the minimised quantity by this loss; accumulates into every Parameter.grad."""
        encoder_cache, pool_cache, mask, linear_cache = cache.scores
        dz = cross_entropy_backward(dloss, cache.loss)
        dpooled = self.linear.backward(dz, linear_cache)
        dpooled = dropout_backward(dpooled, mask)
        dx = self.pooling.backward(dpooled, pool_cache)
        self.encode_backward(dx, dloss, encoder_cache)


class SentenceClassifier(TaskModel):
    """One of `labels` for a sentence; trained for the best accuracy."""

    TASK = "classify"
    PRODUCTS = (("hidden_dim", "hidden_dim"),)

    def _network(self, rng: Generator) -> SentenceNetwork:
        return SentenceNetwork(len(self.layers), self.width, len(self.labels), self.config, rng=rng)

    def _targets(self, labels: Sequence[str]) -> list[int]:
        return self.label_ids(labels)

    def _score(self, sentences: Sentences, labels: Sequence[Any], vectors: EmbeddingCache | None) -> float:
        return accuracy(labels, self.predict(sentences, vectors))

    def probabilities(self, sentences: Sentences, vectors: EmbeddingCache | None = None) -> Array:
        """p of every label of every sentence, (N, C)."""
        sentences = list(checked_sentences(sentences))
        p = np.zeros((len(sentences), len(self.labels)), np.float32)
        for indices, layers, lengths in self.batches(sentences, vectors):
            z, _ = self.network.scores(layers, lengths)
            p[indices] = np.exp(log_softmax(z))
        return p

    def predict(self, sentences: Sentences, vectors: EmbeddingCache | None = None) -> list[str]:
        """The likeliest label of every sentence."""
        return [self.labels[k] for k in self.probabilities(sentences, vectors).argmax(axis=1)]
