"""Whether a word has the same sense in two sentences: by the cosine of its two vectors, or by a trained layer.

cosine      T if it is above a threshold. Only the threshold is learnt: the one with the most correct answers. A mix is
            the average of the layers
logistic    the input (N) of both words, with dropout (D), side by side with their distance and product (K5), a linear
            layer (K1) with cross-entropy
Source: Pilehvar and Camacho-Collados 2019, who test contextual vectors in both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...data.sentences import checked_sentences
from ...errors import UserError
from ...inference.elmo import ELMo
from ...inference.neighbours import unit
from ...nn.parameter import Parameter
from ...runtime.progress import Progress
from ...types import Array, Sentences
from ..data.examples import WordPair
from ..metrics.scores import accuracy
from ..nn import inputs
from ..nn.inputs import WordInput
from ..nn.linear import (
    CrossEntropyCache,
    Linear,
    cross_entropy,
    cross_entropy_backward,
    pair_features,
    pair_features_backward,
)
from .checkpointing import Checkpoint
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .fit import Dataset, EpochResult
from .task_model import TaskModel

ANSWERS = ("F", "T")
TIE = 1e-4          # cosines that differ by less count as equal: rounding differences are smaller


class Answer(NamedTuple):
    answer: str         # T: the same sense, F
    cosine: float


class CosineThreshold:
    """J, D: number and width of the layers."""

    def __init__(self, J: int, D: int, config: TaskConfig, *, rng: Generator):
        self.input = WordInput(config.input, J, D, rng=rng)
        self.threshold = Parameter(np.zeros(1, np.float32))

    def cosines(self, layers: Array) -> Array:
        """layers (J, 2, B, D) of both words -> (B,)."""
        return cosines_of(self.input.forward(layers)[0])

    def answers(self, layers: Array) -> tuple[Array, Array]:
        """As `cosines` -> the ids of the answers (B,), cosines (B,)."""
        cosines = self.cosines(layers)
        return (cosines > self.threshold.value).astype(int), cosines


class Cache(NamedTuple):
    input: inputs.Cache
    x: Array                    # (2, B, D)
    linear: Array               # (B, 4D)
    loss: CrossEntropyCache


class PairNetwork:
    """J, D: number and width of the layers."""

    def __init__(self, J: int, D: int, config: TaskConfig, *, rng: Generator, dtype: DTypeLike = np.float32):
        self.mu = config.weight_decay
        self.input = WordInput(config.input, J, D, dropout=config.input_dropout, penalty=config.penalty, rng=rng,
                               dtype=dtype)
        self.linear = Linear(4 * D, len(ANSWERS), rng=rng, dtype=dtype)

    def forward(self, layers: Array, lengths: Array, y: Array, rng: Generator | None = None) -> tuple[float, Cache]:
        """layers (J, 2, B, D) of both words, answers y (B,); rng draws dropout, None for none
        -> loss in nats per pair, both penalties included, and cache."""
        x, input_cache = self.input.forward(layers, rng)
        z, linear_cache = self.linear.forward(pair_features(*x))
        loss, loss_cache = cross_entropy(z, y)
        loss = loss + self.input.penalty() + self.linear.penalty(self.mu)
        return loss, Cache(input_cache, x, linear_cache, loss_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of the minimised quantity by this loss; accumulates into every Parameter.grad."""
        dz = cross_entropy_backward(dloss, cache.loss)
        dfeatures = self.linear.backward(dz, cache.linear)
        dx = np.stack(pair_features_backward(dfeatures, *cache.x))
        self.input.backward(dx, cache.input)
        self.input.penalty_backward(dloss)
        self.linear.penalty_backward(dloss, self.mu)

    def answers(self, layers: Array) -> tuple[Array, Array]:
        """layers (J, 2, B, D) -> the ids of the answers (B,), and the cosines (B,) of the vectors that are compared."""
        x, _ = self.input.forward(layers)
        z, _ = self.linear.forward(pair_features(*x))
        return z.argmax(axis=1), cosines_of(x)


def cosines_of(x: Array) -> Array:
    """x (2, B, D) -> (B,)."""
    first, second = unit(x)
    cosines: Array = np.sum(first * second, axis=1)
    return cosines


class WordInContext(TaskModel):
    """T or F for a word in two sentences; the validation pairs help to choose the threshold of the comparison
    "cosine", and the epoch of "logistic"."""

    TASK = "wic"

    def __init__(self, elmo: ELMo, labels: Sequence[str] = ANSWERS, config: TaskConfig | None = None, *,
                 tokenize: bool = False):
        if tuple(labels) != ANSWERS:
            raise UserError(f"labels {', '.join(labels):.80}: expected {', '.join(ANSWERS)}")
        super().__init__(elmo, labels, config, tokenize=tokenize)

    def _network(self, rng: Generator) -> CosineThreshold | PairNetwork:
        network = CosineThreshold if self.config.comparison == "cosine" else PairNetwork
        return network(len(self.layers), self.width, self.config, rng=rng)

    def embed(self, sentences: Sentences, labels: Sequence[WordPair],
              progress: Progress | None = None) -> EmbeddingCache:
        return embed_pairs(self.elmo, sentences, labels, self.layers, progress)

    def _targets(self, labels: Sequence[WordPair]) -> list[int]:
        return self.label_ids([own.answer for own in labels])

    def _fit(self, train: Dataset, valid: Dataset, score: Callable[[], float], progress: Progress,
             checkpoint: Checkpoint | None) -> list[EpochResult]:
        if self.config.comparison == "logistic":
            return super()._fit(train, valid, score, progress, checkpoint)
        parts = [data.batch(np.arange(len(data.lengths))) for data in (train, valid)]
        cosines = np.concatenate([self.network.cosines(layers) for layers, _, _ in parts])
        same = np.concatenate([y for _, _, y in parts]) == self._ids["T"]
        self.network.threshold.value[:] = best_threshold(cosines, same)
        return []

    def _score(self, sentences: Sentences, labels: Sequence[WordPair], vectors: EmbeddingCache | None) -> float:
        found = self.predict(sentences, labels, vectors)
        return accuracy([own.answer for own in labels], [own.answer for own in found])

    def predict(self, sentences: Sentences, pairs: Sequence[WordPair],
                vectors: EmbeddingCache | None = None) -> list[Answer]:
        """The answer for each pair; sentences: the first ones."""
        sentences = list(checked_sentences(sentences))
        if vectors is None:
            vectors = self.embed(sentences, pairs)
        ids = np.zeros(len(vectors), int)
        cosines = np.zeros(len(vectors), np.float32)
        for indices, layers, _ in self.batches(sentences, vectors):
            ids[indices], cosines[indices] = self.network.answers(layers)
        return [Answer(self.labels[k], float(cosine)) for k, cosine in zip(ids, cosines, strict=True)]


def embed_pairs(elmo: ELMo, sentences: Sentences, pairs: Sequence[WordPair], layers: Sequence[int],
                progress: Progress | None = None) -> EmbeddingCache:
    """The vectors of the word in both sentences, as one sentence of two words; sentences: the first ones.

    Raises UserError for another number of sentences than of pairs."""
    sentences = list(checked_sentences(sentences))
    if len(sentences) != len(pairs):
        raise UserError(f"{len(sentences)} sentences and {len(pairs)} pairs: expected one sentence per pair, the first")
    both = [own for sentence, pair in zip(sentences, pairs, strict=True) for own in (sentence, pair.second)]
    positions = [position for pair in pairs for position in pair.positions]
    return EmbeddingCache(elmo, both, layers, positions=positions, progress=progress).grouped(2)


def best_threshold(cosines: Array, same: Array) -> float:
    """cosines (N,), same (N,) bool -> the threshold that separates most pairs of the same sense, above it, from the
    others: in the middle between two cosines; of equally good ones the lowest."""
    order = np.argsort(cosines, kind="stable")
    ends = np.concatenate([[-2], cosines[order], [2]])
    false = np.concatenate([[0], np.cumsum(~same[order])])      # among the k lowest
    true = same.sum() - np.arange(len(ends) - 1) + false        # among the others
    correct = np.where(np.diff(ends) > TIE, false + true, -1)
    k = int(correct.argmax())
    return float(ends[k] + ends[k + 1]) / 2
