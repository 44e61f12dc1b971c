"""A task model whose input may have words of its own, beside the biLM's vectors or instead of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from ...data.vocabulary import SPECIAL_TOKENS, UNK
from ...errors import UserError
from ...inference.elmo import ELMo
from ...inference.token_indexer import TokenIndexer, token_indexer
from ...nn.characters import to_char_ids
from ...runtime import json_text
from ...runtime.progress import Progress
from ...types import Array, Sentences
from ..nn.inputs import MOST_CHARACTERS, InputParts, input_parts, layers_of
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .fit import padded
from .sentence_encoder import SourceBatch
from .task_model import TaskModel, all_texts


class WordModel(TaskModel):
    """source_words: UNK, then the words that an input with a learnt embedding knows; other inputs ignore it."""

    TUNES = True
    BAG = False         # whether its network reads a bag of words

    def __init__(self, elmo: ELMo, labels: Sequence[str], source_words: Sequence[str] = (),
                 config: TaskConfig | None = None, *, tokenize: bool = False):
        self.source_words = list(source_words)
        self._source_ids = {word: k for k, word in enumerate(self.source_words)}
        super().__init__(elmo, labels, config, tokenize=tokenize)
        self._indexer: TokenIndexer = token_indexer(elmo.model, elmo.vocabulary)

    @property
    def parts(self) -> InputParts:
        return input_parts(self.config.input)

    def _layers(self) -> list[int]:
        """Without the biLM only their width counts: that of the static vectors."""
        if self.parts.bag and not self.BAG:
            return layers_of(self.elmo, self.config.input)      # which refuses it
        if self.parts.learnt and not self.source_words:
            raise UserError(f"input = {self.config.input}: this model has no words to learn an embedding of; expected "
                            "source_words, those of the training sentences")
        if self.config.finetune and not self.parts.bilm:
            raise UserError(f"finetune = true does not go with input = {self.config.input}, which reads no biLM: "
                            "expected mix, or another input of the biLM")
        return layers_of(self.elmo, self.parts.bilm or "static")

    def embed(self, sentences: Sentences, labels: Sequence[Any],
              progress: Progress | None = None) -> EmbeddingCache | None:
        frozen = self.parts.bilm and not self.config.finetune
        return super().embed(sentences, labels, progress) if frozen else None

    def coverage(self, sentences: Sentences) -> list[str]:
        """None either if no biLM is read."""
        return super().coverage(sentences) if self.parts.bilm else []

    def _read(self, sentences: Sentences, vectors: EmbeddingCache | None,
              group: Sequence[int] | Array) -> tuple[SourceBatch, Array]:
        some = [sentences[k] for k in group]
        for k, sentence in zip(group, some, strict=True):
            if not len(sentence):
                raise UserError(f"sentence {k} is empty: expected at least one token")
        layers = ids = words = spelling = None
        if self.parts.learnt:
            ids = padded([[self._source_ids.get(word, 0) for word in sentence] for sentence in some], 0)
        if self.parts.characters:
            spelling = spelled(some)
        if self.config.finetune:
            words = self._indexer.inputs(padded([self._indexer.encode(sentence) for sentence in some], 0))
            self._indexer = self._indexer.with_room()
        elif self.parts.bilm:
            layers, _ = super()._read(sentences, vectors, group)
        return SourceBatch(layers, ids, words=words, spelling=spelling), np.array([len(sentence) for sentence in some])

    def _texts(self) -> dict[str, str]:
        return {"source_words": json.dumps(self.source_words)} if self.parts.learnt else {}


def spelled(sentences: Sentences) -> Array:
    """The characters of the words of B sentences, (T, B, K); zero, no character, after the end of a sentence."""
    numbers = {word: k for k, word in enumerate(dict.fromkeys(chain.from_iterable(sentences)), 1)}
    none = np.zeros((1, MOST_CHARACTERS), np.uint16)
    characters = np.concatenate([none, to_char_ids([*numbers], MOST_CHARACTERS)])
    return characters[padded([[numbers[word] for word in sentence] for sentence in sentences], 0)]


def source_words(sentences: Sentences, config: TaskConfig) -> list[str]:
    """The words for a learnt embedding of these training sentences."""
    return [UNK, *frequent_words(sentences, config.min_count)]


def frequent_words(sentences: Iterable[Sequence[str]], min_count: int) -> list[str]:
    """The words that occur at least min_count times, in order, without special tokens."""
    counts = Counter(word for sentence in sentences for word in sentence)
    return sorted(word for word, count in counts.items() if count >= min_count and word not in SPECIAL_TOKENS)


def texts_of(texts: dict[str, str], name: str) -> list[str]:
    """A list of words of a file, empty in one that does not have it. Raises TypeError for anything else."""
    found = json_text.loads(texts.get(name, "[]"))
    if not all_texts(found):
        raise TypeError(name)
    words: list[str] = found
    return words
