"""The sense of an ambiguous word, from only the vector of that word in its sentence.

    logistic    regression: the input (N), a linear layer with cross-entropy and a penalty (K)
    nearest     the sense whose training vectors have the nearest mean, by cosine: nothing is learnt by gradients

Only the senses of the word itself can be chosen: the scores of others are minus infinity.
Source: Peters et al. 2018, section 5.3, which takes the sense with the nearest mean.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...data.sentences import checked_sentences
from ...errors import UserError
from ...inference.elmo import ELMo
from ...inference.neighbours import unit
from ...runtime import json_text
from ...runtime.progress import Progress
from ...types import Array, Sentences
from ..data.examples import Occurrence
from ..metrics.scores import accuracy
from ..nn import inputs
from ..nn.inputs import WordInput
from ..nn.linear import CrossEntropyCache, Linear, cross_entropy, cross_entropy_backward, log_softmax
from .checkpointing import Checkpoint
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .fit import Dataset, EpochResult
from .task_model import TaskModel, all_texts

UNSEEN = -1e30      # the score of a sense without a training vector: below all others of its word
TIE = 1e-4          # cosines that differ by less count as equal: rounding differences are smaller


class Cache(NamedTuple):
    input: inputs.Cache
    linear: Array               # (B, D)
    loss: CrossEntropyCache


class SenseNetwork:
    """J, D: number and width of the layers; words: for each sense, the id of its word."""

    def __init__(self, J: int, D: int, words: Sequence[int], config: TaskConfig, *, rng: Generator,
                 dtype: DTypeLike = np.float32):
        self.words = np.array(words)
        self.mu = config.weight_decay
        self.input = WordInput(config.input, J, D, dropout=config.input_dropout, penalty=config.penalty, rng=rng,
                               dtype=dtype)
        self.linear = Linear(D, len(words), rng=rng, dtype=dtype)

    def scores(self, layers: Array, words: Array, rng: Generator | None = None) -> tuple[Array, inputs.Cache, Array]:
        """layers (J, 1, B, D) of the words alone, ids of the words (B,); rng draws dropout, None for none
        -> z (B, C), minus infinity for senses of other words; caches of input and linear layer."""
        x, input_cache = self.input.forward(layers, rng)
        z, linear_cache = self.linear.forward(x[0])
        own = self.words == words[:, None]
        return np.where(own, z, -np.inf), input_cache, linear_cache

    def forward(self, layers: Array, lengths: Array, y: Array, rng: Generator | None = None) -> tuple[float, Cache]:
        """As `scores`, with senses y (B,) -> loss in nats per word, both penalties included, and cache."""
        z, input_cache, linear_cache = self.scores(layers, self.words[y], rng)
        loss, loss_cache = cross_entropy(z, y)
        loss = loss + self.input.penalty() + self.linear.penalty(self.mu)
        return loss, Cache(input_cache, linear_cache, loss_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of the minimised quantity by this loss; accumulates into every Parameter.grad."""
        dz = cross_entropy_backward(dloss, cache.loss)
        dx = self.linear.backward(dz, cache.linear)
        self.input.backward(dx[None], cache.input)
        self.input.penalty_backward(dloss)
        self.linear.penalty_backward(dloss, self.mu)


class WordSenses(TaskModel):
    """The sense of words that training has shown, one occurrence per sentence; trained for the best accuracy.

    senses      {word: its senses}
    With the method "nearest" no epoch is trained, and the validation sentences are not used.
    """

    TASK = "senses"

    def __init__(self, elmo: ELMo, senses: dict[str, list[str]], config: TaskConfig | None = None):
        self.senses = {word: list(own) for word, own in senses.items()}
        self.words = {word: k for k, word in enumerate(self.senses)}
        super().__init__(elmo, [f"{word}/{sense}" for word, own in self.senses.items() for sense in own], config)

    def _network(self, rng: Generator) -> SenseNetwork:
        words = [self.words[word] for word, own in self.senses.items() for _ in own]
        return SenseNetwork(len(self.layers), self.width, words, self.config, rng=rng)

    def embed(self, sentences: Sentences, labels: Sequence[Occurrence],
              progress: Progress | None = None) -> EmbeddingCache:
        """The vectors of the ambiguous words alone."""
        return EmbeddingCache(self.elmo, sentences, self.layers, positions=[own.position for own in labels],
                              progress=progress)

    def _targets(self, labels: Sequence[Occurrence]) -> list[int]:
        return self.label_ids([f"{own.word}/{own.sense}" for own in labels])

    def _fit(self, train: Dataset, valid: Dataset, score: Callable[[], float], progress: Progress,
             checkpoint: Checkpoint | None) -> list[EpochResult]:
        if self.config.method == "logistic":
            return super()._fit(train, valid, score, progress, checkpoint)
        layers, _, y = train.batch(np.arange(len(train.lengths)))
        self._average(layers, y)
        return []

    def _average(self, layers: Array, y: Array) -> None:
        """layers (J, 1, N, D), y (N,): W's columns become the mean directions of the senses.

        The largest product is then the nearest by cosine, since the length of the compared vector is the same for all
        senses. Where no sense is nearest, as among static vectors, whose means are all the same, b decides for the most
        frequent sense.
        """
        x = self.network.input.forward(layers)[0][0]
        direction = unit(x)
        means = np.stack([direction[y == k].mean(axis=0) if (y == k).any() else np.zeros(self.width, np.float32)
                          for k in range(len(self.labels))])
        length = float(np.linalg.norm(x, axis=1).mean())
        counts = np.bincount(y, minlength=len(self.labels))
        self.network.linear.W.value[...] = unit(means).T
        self.network.linear.b.value[...] = np.where(counts == 0, UNSEEN, TIE * length * counts / len(y))

    def _score(self, sentences: Sentences, labels: Sequence[Any], vectors: EmbeddingCache | None) -> float:
        return accuracy([own.sense for own in labels], self.predict(sentences, labels, vectors))

    def predict(self, sentences: Sentences, occurrences: Sequence[Occurrence],
                vectors: EmbeddingCache | None = None) -> list[str]:
        """The sense of each occurrence. Raises UserError for a word that training has not shown."""
        return [self.senses[own.word][int(z.argmax())]
                for own, z in zip(occurrences, self._scores(sentences, occurrences, vectors), strict=True)]

    def probabilities(self, sentences: Sentences, occurrences: Sequence[Occurrence]) -> list[Array]:
        """p of each sense of the word, per occurrence. Raises UserError for the method nearest, which has none."""
        if self.config.method != "logistic":
            raise UserError(f"a model of the method {self.config.method} has no probabilities: train one with "
                            "method=logistic")
        return [np.exp(log_softmax(z)) for z in self._scores(sentences, occurrences)]

    def _scores(self, sentences: Sentences, occurrences: Sequence[Occurrence],
                vectors: EmbeddingCache | None = None) -> list[Array]:
        """The scores of each sense of the word, per occurrence."""
        sentences = list(checked_sentences(sentences))
        check_words(self.words, occurrences)
        words = np.array([self.words[own.word] for own in occurrences])
        if vectors is None:
            vectors = self.embed(sentences, occurrences)
        found: dict[int, Array] = {}
        for indices, layers, _ in self.batches(sentences, vectors):
            z, _, _ = self.network.scores(layers, words[indices])
            found.update((k, own[np.isfinite(own)]) for k, own in zip(indices, z, strict=True))
        return [found[k] for k in range(len(sentences))]

    def _texts(self) -> dict[str, str]:
        return {"senses": json.dumps(self.senses)}

    @classmethod
    def _from_texts(cls, elmo: ELMo, labels: list[str], config: TaskConfig, tokenize: bool,
                    texts: dict[str, str]) -> WordSenses:
        senses = json_text.loads(texts["senses"])
        if not all(map(all_texts, senses.values())):
            raise TypeError("senses")
        return cls(elmo, senses, config)


def check_words(known: Collection[str], occurrences: Sequence[Occurrence]) -> None:
    """Raises UserError for a word that training has not shown."""
    for own in occurrences:
        if own.word not in known:
            raise UserError(f"unknown word {own.word!r:.60}: this model tells the senses of "
                            f"{', '.join(sorted(known)):.200}")


def senses_of(occurrences: Sequence[Occurrence]) -> dict[str, list[str]]:
    """{word: the senses that it occurs with}, both in order."""
    words = sorted({own.word for own in occurrences})
    return {word: sorted({own.sense for own in occurrences if own.word == word}) for word in words}
