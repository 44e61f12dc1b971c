"""From the words of a sentence to what a model reads: ids of its vocabulary, or characters.

`encode` turns a sentence into numbers, one per word, with those of <S> and </S> around them. In a model of words they
are the ids of the vocabulary (`Vocabulary.encode`); a model of characters numbers its words as they come. From the
numbers, `inputs` and `targets` make what a model is trained on, and `lookup` the vectors of the words: training,
evaluation and the embedder need not know which kind of model it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.sentences import checked_words
from ..data.vocabulary import Vocabulary
from ..nn.bilm import Batch, BiLM
from ..nn.characters import marks, to_char_ids
from ..nn.softmax import IGNORE_INDEX
from ..types import Array
from .word_cache import WordCache


class WordIndexer:
    """The words of a vocabulary; any other word is <UNK>. A word's number is its id."""

    def __init__(self, model: BiLM, vocabulary: Vocabulary):
        self.model, self.vocabulary = model, vocabulary

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def encode(self, sentence: Sequence[str]) -> list[int]:
        return self.vocabulary.encode(sentence)

    def inputs(self, numbers: Array) -> Array:
        """What the token layer reads: ids, in the shape of numbers."""
        return numbers

    def targets(self, numbers: Array) -> Array:
        """Target ids, in the shape of numbers; IGNORE_INDEX stays."""
        return numbers

    def lookup(self, numbers: Array) -> tuple[Array, ...]:
        """numbers (..) -> vectors in the model of each direction, (.., D) each."""
        return self.model.lookup(numbers)

    def with_room(self) -> WordIndexer:
        """This one, which holds no words."""
        return self


class Rows:
    """An array (N, ..) that rows are appended to; its capacity doubles, so that a row is copied only a few times."""

    def __init__(self, first: Array):
        self._room, self._N = first, len(first)

    @property
    def array(self) -> Array:
        return self._room[:self._N]

    def add(self, more: Array) -> None:
        end = self._N + len(more)
        if end > len(self._room):
            room = np.empty((max(end, 2 * len(self._room)), *self._room.shape[1:]), self._room.dtype)
            room[:self._N] = self.array
            self._room = room
        self._room[self._N:end] = more
        self._N = end


class CharacterIndexer:
    """Any words, by their characters. A word outside the vocabulary is read as it is spelled and predicted as <UNK>.

    A word keeps its number, and its K characters take 2 K bytes; when there are many, `with_room` gives a new indexer.
    Vectors are computed once each and kept while they fit MOST. They are those of the model as it is now: for a model
    that changes, make a new indexer.
    cache   words whose vectors are known already, and are never dropped; None: none
    """

    MOST = 1 << 22          # values in the vectors of a direction that are kept besides the cache: 16 MB in float32

    def __init__(self, model: BiLM, vocabulary: Vocabulary, cache: WordCache | None = None):
        self.model, self.vocabulary, self.cache = model, vocabulary, cache
        K, bos, eos = model.config.max_characters, vocabulary.bos, vocabulary.eos
        self._numbers = {} if cache is None else dict(cache.numbers)    # of the words; <S> is 0, </S> is 1
        self._new = list(self._numbers)                 # words that are numbered and not spelled yet
        self._characters, self._targets = Rows(marks(K)), Rows(np.array([bos, eos]))
        self._row = Rows(np.full(2, -1))                # the row of each number's vectors; -1 where there is none
        self._vectors: tuple[Rows, ...] = ()            # of each direction, where they differ
        self._spell()
        self._drop_vectors()

    def _drop_vectors(self) -> None:
        """All but those of the cache, in which a word's number is its row."""
        row, self._vectors = self._row.array, ()
        row[:] = -1
        if self.cache is not None:
            row[:len(self.cache.forward)] = np.arange(len(self.cache.forward))
            self._keep((self.cache.forward, self.cache.backward))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str)

    def encode(self, sentence: Sequence[str]) -> list[int]:
        """The numbers of the words, with 0 for <S> before and 1 for </S> after them."""
        numbers = [0]
        for word in checked_words(sentence):
            number = self._numbers.setdefault(word, len(self._numbers) + 2)
            if number == len(self._characters.array) + len(self._new):
                self._new.append(word)
            numbers.append(number)
        return [*numbers, 1]

    def inputs(self, numbers: Array) -> Array:
        """What the token layer reads: numbers (..) -> characters (.., K)."""
        self._spell()
        return self._characters.array[numbers]

    def targets(self, numbers: Array) -> Array:
        """Target ids, in the shape of numbers; IGNORE_INDEX stays."""
        self._spell()
        return np.where(numbers == IGNORE_INDEX, IGNORE_INDEX, self._targets.array[numbers])

    def lookup(self, numbers: Array) -> tuple[Array, ...]:
        """numbers (..) -> vectors in the model of each direction, (.., D) each."""
        self._spell()
        needed, row = np.unique(numbers), self._row.array
        lacking = needed[row[needed] < 0]
        most = self.MOST // self.model.config.embedding_dim + (0 if self.cache is None else len(self.cache.forward))
        if len(lacking) and self._kept() + len(lacking) > most:         # other words' vectors make room
            self._drop_vectors()
            lacking = needed[row[needed] < 0]
        if len(lacking):
            row[lacking] = self._kept() + np.arange(len(lacking))
            self._keep(self.model.lookup(self._characters.array[lacking]))
        found = [vectors.array[row[numbers]] for vectors in self._vectors]
        return (*found, found[-1])[:len(self.model.lms)]

    def _kept(self) -> int:
        """How many words have their vectors here."""
        return len(self._vectors[0].array) if self._vectors else 0

    def _keep(self, vectors: tuple[Array, ...]) -> None:
        different = vectors[:1] if vectors[0] is vectors[-1] else vectors
        if not self._vectors:
            self._vectors = tuple(map(Rows, different))
            return
        for rows, more in zip(self._vectors, different, strict=True):
            rows.add(more)

    def _spell(self) -> None:
        """Add characters and target of every word that was numbered since the last call."""
        if self._new:
            self._characters.add(to_char_ids(self._new, self.model.config.max_characters))
            self._targets.add(np.array(self.vocabulary.ids(self._new)))
            self._row.add(np.full(len(self._new), -1))
            self._new = []

    def with_room(self) -> CharacterIndexer:
        """This one, or a new one where this one holds too many words; the numbers of this one stay valid in it."""
        full = self._characters.array.size > self.MOST
        return CharacterIndexer(self.model, self.vocabulary, self.cache) if full else self


TokenIndexer = WordIndexer | CharacterIndexer


def token_indexer(model: BiLM, vocabulary: Vocabulary, cache: WordCache | None = None) -> TokenIndexer:
    """The kind of indexer that the model needs; cache: of a model of characters."""
    return CharacterIndexer(model, vocabulary, cache) if model.config.char_filters else WordIndexer(model, vocabulary)


def batch_of(words: TokenIndexer, batch: Batch) -> Batch:
    """A batch of word numbers -> a batch of inputs and targets."""
    return Batch(*(side._replace(x=words.inputs(side.x), y=words.targets(side.y)) for side in batch))
