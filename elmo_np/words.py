"""What a model reads for the words of a sentence: rows of its vocabulary, or their characters.

Both kinds number the words of a sentence, between its marks, and look the numbers up: to the embedder they are one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .bilm import BiLM
from .characters import marks, spelled
from .parameter import Array
from .vocabulary import Vocabulary
from .word_cache import WordCache


class KnownWords:
    """The words of a vocabulary; any other one is <UNK>. A number is an id."""

    def __init__(self, model: BiLM, vocabulary: Vocabulary):
        self.model, self.vocabulary = model, vocabulary

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def encode(self, sentence: Sequence[str]) -> list[int]:
        return self.vocabulary.encode(sentence)

    def look_up(self, numbers: Array) -> tuple[Array, Array]:
        """numbers (..) -> vectors of the forward and of the backward model, (.., D) each."""
        return self.model.look_up(numbers)

    def make_room(self) -> None:
        """Nothing is held."""


class SpelledWords:
    """Any words, by their characters, each computed once and then held until `make_room` finds that there are many.

    The vectors are those of the model as it is now: for a model that changes, make a new one.
    cache   words that are known before, and are not forgotten; None: none
    """

    MOST = 1 << 22          # numbers in the vectors that are held: 16 MB in float32

    def __init__(self, model: BiLM, cache: WordCache | None = None):
        self.model, self.cache = model, cache
        self._numbers: dict[str, int] = {}          # of the words; <S> is 0, </S> is 1
        self._forward = self._backward = np.empty((0, 0), np.float32)
        self._begin()

    def _begin(self) -> None:
        """With the words of the cache, or none."""
        self._numbers, self._forward, self._backward = ({}, self._forward[:0], self._backward[:0]) \
            if self.cache is None else self.cache.rows()

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str)

    def encode(self, sentence: Sequence[str]) -> list[int]:
        """Numbers that hold until the next `make_room`."""
        return [0, *(self._numbers.setdefault(word, len(self._numbers) + 2) for word in sentence), 1]

    def look_up(self, numbers: Array) -> tuple[Array, Array]:
        """numbers (..) -> vectors of the forward and of the backward model, (.., D) each."""
        have = len(self._forward)
        if have < len(self._numbers) + 2:
            K = self.model.config.max_characters
            new = spelled(list(self._numbers)[max(0, have - 2):], K)
            forward, backward = self.model.look_up(new if have else np.concatenate([marks(K), new]))
            self._forward = np.concatenate([self._forward, forward]) if have else forward
            if backward is forward:
                self._backward = self._forward
            else:
                self._backward = np.concatenate([self._backward, backward]) if have else backward
        return self._forward[numbers], self._backward[numbers]

    def make_room(self) -> None:
        """Forget all words but those of the cache if there are too many others."""
        if self._forward.size - (0 if self.cache is None else self.cache.forward.size) > self.MOST:
            self._begin()


def words_of(model: BiLM, vocabulary: Vocabulary, cache: WordCache | None = None) -> KnownWords | SpelledWords:
    """The kind of words that the model reads."""
    return SpelledWords(model, cache) if model.config.char_filters else KnownWords(model, vocabulary)
