"""The sense of an ambiguous word, from nothing but the vector of that word in its sentence.

    logistic    regression: the input (N), a linear layer with cross-entropy and a penalty (K)
    nearest     the sense whose training vectors have the nearest mean, by cosine: nothing is learnt by gradients

A word chooses among its own senses: scores of others are minus infinity.
Source: Peters et al. 2018, section 5.3, whose word senses are the nearest means of a sense.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...inference.elmo import ELMo
from ...inference.neighbours import unit
from ...runtime.progress import Progress
from ...types import Array
from ..data.files import Occurrence
from ..metrics.scores import accuracy
from ..nn import inputs
from ..nn.inputs import WordInput
from ..nn.linear import CrossEntropyCache, Linear, cross_entropy, cross_entropy_backward
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .fit import Batch, Dataset, Epoch, fit
from .task_model import TaskModel

UNSEEN = -1e30      # the score of a sense that no training vector has: below every other of its word
TIE = 1e-4          # cosines that differ by less are equal: more than rounding makes of them


class Cache(NamedTuple):
    input: inputs.Cache
    linear: Array               # (B, D)
    loss: CrossEntropyCache


class SenseNetwork:
    """J, D: layers and their width; words: of each sense, the number of its word."""

    def __init__(self, J: int, D: int, words: Sequence[int], config: TaskConfig, *, rng: np.random.Generator,
                 dtype: npt.DTypeLike = np.float32):
        self.words, self.mu = np.array(words), config.weight_decay
        self.input = WordInput(config.input, J, D, dropout=config.input_dropout, penalty=config.penalty, rng=rng,
                               dtype=dtype)
        self.linear = Linear(D, len(words), rng=rng, dtype=dtype)

    def scores(self, layers: Array, words: Array,
               rng: np.random.Generator | None = None) -> tuple[Array, inputs.Cache, Array]:
        """layers (J, 1, B, D) of the words alone, numbers of the words (B,), rng: draws dropout, None for none
        -> z (B, C), minus infinity for senses of other words; caches of input and linear layer."""
        x, input_cache = self.input.forward(layers, rng)
        z, linear_cache = self.linear.forward(x[0])
        return np.where(self.words == words[:, None], z, -np.inf), input_cache, linear_cache

    def forward(self, layers: Array, lengths: Array, y: Array,
                rng: np.random.Generator | None = None) -> tuple[float, Cache]:
        """As `scores`, and senses y (B,) -> loss in nats a word with both penalties, cache."""
        z, input_cache, linear_cache = self.scores(layers, self.words[y], rng)
        loss, loss_cache = cross_entropy(z, y)
        return loss + self.input.penalty() + self.linear.penalty(self.mu), Cache(input_cache, linear_cache, loss_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of whatever is minimised by this loss; adds to every Parameter.grad."""
        dx = self.linear.backward(cross_entropy_backward(dloss, cache.loss), cache.linear)
        self.input.backward(dx[None], cache.input)
        self.input.penalty_backward(dloss)
        self.linear.penalty_backward(dloss, self.mu)


class WordSenses(TaskModel):
    """The sense of words that training has shown.

    senses      {word: its senses}
    """

    TASK = "senses"

    def __init__(self, elmo: ELMo, senses: dict[str, list[str]], config: TaskConfig | None = None):
        self.senses = {word: list(own) for word, own in senses.items()}
        self.words = {word: k for k, word in enumerate(self.senses)}
        super().__init__(elmo, [f"{word}/{sense}" for word, own in self.senses.items() for sense in own], config)

    def _network(self, rng: np.random.Generator) -> SenseNetwork:
        words = [self.words[word] for word, own in self.senses.items() for _ in own]
        return SenseNetwork(len(self.layers), self.width, words, self.config, rng=rng)

    def train(self, sentences: Sequence[Sequence[str]], occurrences: Sequence[Occurrence],
              valid_sentences: Sequence[Sequence[str]], valid_occurrences: Sequence[Occurrence], *,
              stores: tuple[EmbeddingCache, EmbeddingCache] | None = None,
              progress: Progress | None = None) -> list[Epoch]:
        """Learn from labelled occurrences, one a sentence. Logistic: the epoch with the best accuracy on the validation
        occurrences stays; nearest: they are not needed, and no epoch is returned.

        stores  vectors of both, of the words alone, if they are there already
        """
        if not len(sentences) or not len(valid_sentences):
            raise UserError(f"{len(sentences)} sentences to train on and {len(valid_sentences)} to validate on: "
                            "expected at least one of each")
        progress = progress or Progress(quiet=True)
        store, valid_store = stores or (self.store(sentences, occurrences, progress),
                                        self.store(valid_sentences, valid_occurrences, progress))
        y, valid_y = (np.array(self.numbers([f"{own.word}/{own.sense}" for own in some]))
                      for some in (occurrences, valid_occurrences))
        if self.config.method == "nearest":
            self._average(store, y)
            return []

        def score() -> float:
            found = self.predict(valid_sentences, valid_occurrences, valid_store)
            return accuracy([own.sense for own in valid_occurrences], found)
        learning, validating = (Dataset(held.lengths, partial(self._batch, held, numbers))
                                for held, numbers in ((store, y), (valid_store, valid_y)))
        return fit(self.network, self.config, learning, validating, score, progress)

    def _batch(self, store: EmbeddingCache, y: Array, group: Array) -> Batch:
        return *store.batch(group, self.layers), y[group]

    def predict(self, sentences: Sequence[Sequence[str]], occurrences: Sequence[Occurrence],
                store: EmbeddingCache | None = None) -> list[str]:
        """The sense of each occurrence. Raises UserError for a word that training has not shown."""
        self.check_words(occurrences)
        words = np.array([self.words[own.word] for own in occurrences])
        names = [sense for own in self.senses.values() for sense in own]
        found: dict[int, str] = {}
        for numbers, layers, _ in self.batches(sentences, store or self.store(sentences, occurrences)):
            best = self.network.scores(layers, words[numbers])[0].argmax(axis=1)
            found.update(zip(numbers, (names[k] for k in best), strict=True))
        return [found[k] for k in range(len(sentences))]

    def check_words(self, occurrences: Sequence[Occurrence]) -> None:
        """Raise UserError for a word that training has not shown."""
        for own in occurrences:
            if own.word not in self.words:
                raise UserError(f"unknown word {own.word!r:.60}: this model tells the senses of "
                                f"{', '.join(self.senses):.200}")

    def store(self, sentences: Sequence[Sequence[str]], occurrences: Sequence[Occurrence],
              progress: Progress | None = None) -> EmbeddingCache:
        """The vectors of the words alone."""
        return EmbeddingCache(self.elmo, sentences, self.layers, positions=[own.position for own in occurrences],
                           progress=progress)

    def _average(self, store: EmbeddingCache, y: Array) -> None:
        """The mean direction of each sense as its column of W: the largest product is then the nearest by cosine, since
        the length of what is compared is the same for all senses. Where there is no nearest, as among static vectors,
        whose means are all the same, the most frequent sense is taken."""
        layers, _ = store.batch(np.arange(len(store)), self.layers)
        vectors = self.network.input.forward(layers)[0][0]
        x, length = unit(vectors), float(np.linalg.norm(vectors, axis=1).mean())
        means = np.stack([x[y == k].mean(axis=0) if (y == k).any() else np.zeros(self.width, np.float32)
                          for k in range(len(self.labels))])
        counts = np.bincount(y, minlength=len(self.labels))
        self.network.linear.W.value[...] = unit(means).T
        self.network.linear.b.value[...] = np.where(counts == 0, UNSEEN, TIE * length * counts / len(y))

    def _texts(self) -> dict[str, str]:
        return {"senses": json.dumps(self.senses)}

    @classmethod
    def _made(cls, elmo: ELMo, labels: list[str], config: TaskConfig, tokenize: bool,
              texts: dict[str, str]) -> WordSenses:
        return cls(elmo, json.loads(texts["senses"]), config)


def senses_of(occurrences: Sequence[Occurrence]) -> dict[str, list[str]]:
    """{word: the senses that it occurs with}, both in order."""
    words = sorted({own.word for own in occurrences})
    return {word: sorted({own.sense for own in occurrences if own.word == word}) for word in words}
