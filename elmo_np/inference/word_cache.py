"""Vectors of words that a model of characters has computed, kept in a file between runs.

A word's input vector depends on its characters alone and not on its sentence. A cache holds the first words that it was
given, in running text the frequent ones. `embed_file` computes all new words of a text before it embeds the first
sentence, so that a run that was stopped finds the same values again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..config.toml_files import to_json
from ..errors import UserError
from ..io import safetensors_file
from ..nn.bilm import BiLM
from ..nn.characters import marks, to_char_ids
from ..nn.parameter import sha256
from ..runtime import json_text
from ..types import Array

KIND = "word vectors of the model"      # the name under which a file states the model


class WordCache:
    """Words of one model, and their vectors in both directions.

    The model must not change while the cache is in use. Rows 0 and 1 are <S> and </S>; a word's number is its row.
    forward and backward are the same array where the directions share a CNN or the model has only one.
    """

    MOST = 1 << 23          # values in the vectors of a direction: 32 MB in float32, 16,384 words of the original ELMo

    def __init__(self, model: BiLM):
        if model.config.char_filters is None:
            raise UserError("this model looks words up by id, so a cache of vectors computed from characters has "
                            "nothing to keep: leave the cache out")
        self.model = model
        self.numbers: dict[str, int] = {}
        vectors = model.lookup(marks(model.config.max_characters))
        self.forward, self.backward = vectors[0], vectors[-1]       # (N, D) each

    @classmethod
    def load(cls, path: str | os.PathLike[str], model: BiLM) -> WordCache:
        """The cache in a file, or an empty one if there is no file. Raises UserError for the cache of another model."""
        cache = cls(model)
        if not Path(path).exists():
            return cache
        tensors, metadata = safetensors_file.load(path)
        if KIND not in metadata or "words" not in tensors:
            raise UserError(f"{path} holds no word vectors: expected a cache that embedding wrote; give another name")
        if metadata[KIND] != _identity(model):
            raise UserError(f"{path} holds the word vectors of another model or another version: expected those "
                            "of this model; give another name, or remove the file")
        forward = tensors.get("forward")
        words = _words(tensors["words"], 0 if forward is None else forward.size)
        backward = tensors.get("backward", forward)
        for vectors, own in (forward, cache.forward), (backward, cache.backward):
            if words is None or vectors is None or vectors.dtype != own.dtype or not np.isfinite(vectors).all() \
                    or vectors.shape != (len(words) + len(own), own.shape[1]):
                raise UserError(f"{path} is not a cache that embedding wrote: expected a list of words and a finite "
                                "vector for each: remove the file")
        cache.numbers = {word: number for number, word in enumerate(words or [], len(cache.forward))}
        cache.forward, cache.backward = tensors["forward"], tensors.get("backward", tensors["forward"])
        return cache

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it or nothing. Raises UserError if it cannot be written."""
        words = np.frombuffer(json.dumps(list(self.numbers)).encode("ascii"), np.uint8)
        apart = {} if self.backward is self.forward else {"backward": self.backward}
        safetensors_file.save(path, {"words": words, "forward": self.forward, **apart}, {KIND: _identity(self.model)})

    def room(self) -> int:
        """How many more words fit."""
        rows, width = self.forward.shape
        return int(max(0, self.MOST // width - rows))

    def add(self, words: Iterable[str]) -> int:
        """Compute the words that are not here yet, as many as fit -> how many."""
        new = list(dict.fromkeys(word for word in words if word not in self.numbers))[:self.room()]
        if not new:
            return 0
        vectors = self.model.lookup(to_char_ids(new, self.model.config.max_characters))
        shared = self.backward is self.forward
        self.forward = np.concatenate([self.forward, vectors[0]])
        self.backward = self.forward if shared else np.concatenate([self.backward, vectors[-1]])
        for word in new:
            self.numbers[word] = len(self.numbers) + 2
        return len(new)


def _words(data: Array, most: int) -> list[str] | None:
    """The words in a file, each once; None if it does not hold such a list of at most that many."""
    try:
        words = json_text.loads(data.tobytes().decode("utf-8"), most + 1)
    except ValueError:
        return None
    good = isinstance(words, list) and all(isinstance(word, str) for word in words) and len(set(words)) == len(words)
    return words if good else None


def _identity(model: BiLM) -> str:
    """Which model it is: all its settings and values."""
    return sha256(model, to_json(model.config))
