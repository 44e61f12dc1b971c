"""Vectors of sentences from a frozen biLM, computed once and kept.

A task reads its sentences dozens of times, and a frozen biLM gives the same vectors every time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from copy import copy

import numpy as np

from ...data.sentences import checked_sentences
from ...errors import UserError
from ...inference.elmo import ELMo
from ...runtime.progress import Progress
from ...types import Array, Sentences

MEMORY = 1 << 30        # bytes; more than that is kept in a temporary file


class EmbeddingCache:
    """All layers of every word of some sentences, float32.

    elmo        the biLM; every sentence is read alone, from a zero state
    sentences   lists of tokens, none of them empty
    layers      layers of one width, as `batch` stacks them; None: those of `elmo.layers`
    positions   of each sentence, keep only the word at this position, as if it were the sentence; None: all words
    memory      maximum bytes kept in memory; beyond that, the vectors go into a temporary file without a name
    Raises UserError for an empty sentence, one that is not a list of strings, a position outside of one, another
    number of positions than of sentences, layers of unequal width, a full disk.
    """

    def __init__(self, elmo: ELMo, sentences: Sentences, layers: Sequence[int] | None = None, *,
                 positions: Sequence[int] | None = None, memory: int = MEMORY, progress: Progress | None = None):
        sentences = list(checked_sentences(sentences))
        self.layers = list(elmo.layers if layers is None else layers)
        config, top = elmo.model.config, elmo.model.config.layers
        widths = {config.width(layer) for layer in self.layers}
        if not self.layers or not all(0 <= layer <= top for layer in self.layers) or len(widths) != 1:
            raise UserError(f"layers {self.layers}: expected layers from 0 to {top}, all of one width; this "
                            f"model stacks {elmo.layers}")
        if positions is not None:
            if len(positions) != len(sentences):
                raise UserError(f"{len(sentences)} sentences and {len(positions)} positions: expected one position per "
                                "sentence")
            for k, (sentence, t) in enumerate(zip(sentences, positions, strict=True)):
                if not 0 <= t < len(sentence):
                    raise UserError(f"sentence {k} has {len(sentence)} words, but position {t} was requested: expected "
                                    f"0 to {len(sentence) - 1}")
        self.width, = widths
        self.lengths: Array = np.array([len(s) for s in sentences] if positions is None else [1] * len(sentences), int)
        self._begins: Array = np.cumsum(self.lengths) - self.lengths
        self._kept = _allocated((int(self.lengths.sum()), len(self.layers), self.width), memory)
        for k, parts in enumerate(stacked(elmo, sentences, self.layers)):
            self._keep(k, parts, None if positions is None else positions[k])
            if progress:
                progress.show(f"vectors of {k + 1:,} of {len(sentences):,} sentences")
        if progress:
            progress.close()

    def __len__(self) -> int:
        """The number of sentences."""
        return len(self.lengths)

    def part(self, sentences: Sequence[int] | Array) -> EmbeddingCache:
        """The vectors of some of the sentences, by index; the memory is shared."""
        other = copy(self)
        other.lengths, other._begins = self.lengths[sentences], self._begins[sentences]
        return other

    def grouped(self, count: int) -> EmbeddingCache:
        """The same vectors, with every `count` successive sentences as one; the memory is shared."""
        other = copy(self)
        other.lengths, other._begins = self.lengths.reshape(-1, count).sum(axis=1), self._begins[::count]
        return other

    def _keep(self, k: int, parts: Iterable[Array], position: int | None) -> None:
        """Copy the vectors of one sentence, or only those of the word at `position`."""
        kept, start = self._kept[self._slice(k)], 0
        for part in parts:
            end = start + part.shape[1]
            if position is None:
                kept[start:end] = part.swapaxes(0, 1)
            elif start <= position < end:
                kept[0] = part[:, position - start]
            start = end

    def _slice(self, k: int) -> slice:
        return slice(int(self._begins[k]), int(self._begins[k] + self.lengths[k]))

    def batch(self, sentences: Sequence[int] | Array, layers: Sequence[int] | None = None) -> tuple[Array, Array]:
        """The vectors of sentences, by index -> (J, T, B, width), zero at padding, and lengths (B,).

        layers  those to stack; None: all that are kept
        """
        chosen = [self.layers.index(layer) for layer in self.layers if layers is None or layer in layers]
        lengths = self.lengths[sentences]
        stack = np.zeros((len(chosen), lengths.max(), len(sentences), self.width), np.float32)
        for b, k in enumerate(sentences):
            stack[:, :lengths[b], b] = self._kept[self._slice(k), chosen].swapaxes(0, 1)
        return stack, lengths


def _allocated(shape: tuple[int, int, int], memory: int) -> Array:
    if 4 * int(np.prod(shape)) <= memory:
        return np.empty(shape, np.float32)
    try:
        with tempfile.TemporaryFile() as file:      # a mapping outlives its file
            file.truncate(4 * int(np.prod(shape)))
            return np.memmap(file, np.float32, "r+", shape=shape)
    except OSError as error:
        raise UserError(f"cannot keep the vectors in {tempfile.gettempdir()}: {error.strerror}; expected room for "
                        f"{4 * int(np.prod(shape)):,} bytes: free some, or set TMPDIR to another directory") from error


def stacked(elmo: ELMo, sentences: Sentences, layers: list[int]) -> Iterator[Iterator[Array]]:
    """One array (layers, tokens, width) per sentence, in parts; they are to be read before the next sentence."""
    if set(layers) <= set(elmo.layers):
        chosen = [elmo.layers.index(layer) for layer in layers]
        yield from ((part[chosen] for part in parts) for _, parts in elmo.parts(sentences, "all"))
    else:                                           # layer 0 is of another width, so it is the only layer
        yield from ((part[None] for part in parts) for _, parts in elmo.parts(sentences, layers[0]))
