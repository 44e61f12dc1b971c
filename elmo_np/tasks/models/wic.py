"""Whether a word has the same sense in two sentences: if the cosine of its two vectors is above a threshold.

Only the threshold is learnt: the one with the most correct answers. A mix is the average of the layers.
Source: Pilehvar and Camacho-Collados 2019, who test contextual vectors in this way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from ...inference.elmo import ELMo
from ...inference.neighbours import unit
from ...nn.parameter import Parameter
from ...runtime.progress import Progress
from ...types import Array, Sentences
from ..data.examples import WordPair
from ..metrics.scores import accuracy
from ..nn.inputs import WordInput
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
        first, second = unit(self.input.forward(layers)[0])
        cosines: Array = np.sum(first * second, axis=1)
        return cosines


class WordInContext(TaskModel):
    """T or F for a word in two sentences; the validation pairs help to choose the threshold."""

    TASK = "wic"

    def __init__(self, elmo: ELMo, labels: Sequence[str] = ANSWERS, config: TaskConfig | None = None, *,
                 tokenize: bool = False):
        super().__init__(elmo, labels, config, tokenize=tokenize)

    def _network(self, rng: Generator) -> CosineThreshold:
        return CosineThreshold(len(self.layers), self.width, self.config, rng=rng)

    def embed(self, sentences: Sentences, labels: Sequence[WordPair],
              progress: Progress | None = None) -> EmbeddingCache:
        return embed_pairs(self.elmo, sentences, labels, self.layers, progress)

    def _targets(self, labels: Sequence[WordPair]) -> list[int]:
        return self.label_ids([own.answer for own in labels])

    def _fit(self, train: Dataset, valid: Dataset, score: Callable[[], float], progress: Progress,
             checkpoint: Checkpoint | None) -> list[EpochResult]:
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
        if vectors is None:
            vectors = self.embed(sentences, pairs)
        cosines = np.zeros(len(vectors), np.float32)
        for indices, layers, _ in self.batches(sentences, vectors):
            cosines[indices] = self.network.cosines(layers)
        same = cosines > self.network.threshold.value
        return [Answer("T" if yes else "F", float(cosine)) for yes, cosine in zip(same, cosines, strict=True)]


def embed_pairs(elmo: ELMo, sentences: Sentences, pairs: Sequence[WordPair], layers: Sequence[int],
                progress: Progress | None = None) -> EmbeddingCache:
    """The vectors of the word in both sentences, as one sentence of two words; sentences: the first ones."""
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
