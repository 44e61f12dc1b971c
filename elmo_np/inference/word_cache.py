"""The vectors of words by their spelling, computed once and kept in a file between runs.

What the characters of a word give does not depend on its sentence. A cache holds the words that it met first, which in
running text are the frequent ones. `embed_file` computes all words of a text before the first sentence is embedded, so
that a run that was stopped finds the same numbers again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..config.toml_files import to_json
from ..errors import UserError
from ..io import safetensors_file as checkpoint
from ..nn.bilm import BiLM
from ..nn.characters import marks, to_char_ids
from ..nn.parameter import sha256

KIND = "word vectors of the model"      # under this name a file says of which


class WordCache:
    """Words of one model, and their vectors in both directions.

    The model must not change from here on. Rows 0 and 1 are <S> and </S>; a word's number is its row.
    """

    MOST = 1 << 23          # numbers in the vectors of a direction: 32 MB in float32, 16,384 words of the original ELMo

    def __init__(self, model: BiLM):
        if model.config.char_filters is None:
            raise UserError("this model looks words up by id, and computes no vectors of their spelling that a cache "
                            "could keep: leave it out")
        self.model = model
        self.numbers: dict[str, int] = {}
        self.forward, self.backward = model.lookup(marks(model.config.max_characters))     # (N, D) each

    @classmethod
    def load(cls, path: str | os.PathLike[str], model: BiLM) -> WordCache:
        """The cache in a file, or an empty one where there is no file. Raises UserError for that of another model."""
        cache = cls(model)
        if not Path(path).exists():
            return cache
        tensors, metadata = checkpoint.load(path)
        if KIND not in metadata or "words" not in tensors:
            raise UserError(f"{path} holds no word vectors: expected a file that --cache wrote; give another name")
        if metadata[KIND] != _identity(model):
            raise UserError(f"{path} holds the word vectors of another model: expected those of this one; give another "
                            "--cache, or remove it")
        words = json.loads(tensors["words"].tobytes())
        cache.numbers = {word: number for number, word in enumerate(words, 2)}
        cache.forward = tensors["forward"]
        cache.backward = tensors.get("backward", cache.forward)
        return cache

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it, all or nothing. Raises UserError where that cannot be."""
        words = np.frombuffer(json.dumps(list(self.numbers)).encode("ascii"), np.uint8)
        apart = {} if self.backward is self.forward else {"backward": self.backward}
        checkpoint.save(path, {"words": words, "forward": self.forward, **apart}, {KIND: _identity(self.model)})

    def room(self) -> int:
        """How many more words it takes."""
        rows, width = self.forward.shape
        return int(max(0, self.MOST // width - rows))

    def add(self, words: Iterable[str]) -> int:
        """Compute the words that are not here yet, as many as there is room for -> how many."""
        new = list(dict.fromkeys(word for word in words if word not in self.numbers))[:self.room()]
        if not new:
            return 0
        forward, backward = self.model.lookup(to_char_ids(new, self.model.config.max_characters))
        shared = self.backward is self.forward
        self.forward = np.concatenate([self.forward, forward])
        self.backward = self.forward if shared else np.concatenate([self.backward, backward])
        for word in new:
            self.numbers[word] = len(self.numbers) + 2
        return len(new)


def _identity(model: BiLM) -> str:
    """Which model it is: all its settings and numbers."""
    return hashlib.sha256(f"{to_json(model.config)} {sha256(model)}".encode()).hexdigest()
