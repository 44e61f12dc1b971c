"""Sentences as ids in a temporary file: any part of a corpus can be read without what stands before it."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice

import numpy as np

from ..errors import UserError
from ..types import Array


class Spool:
    """Sentences of ids, on the disk: 4 bytes an id and 8 a sentence there, next to nothing in memory.

    The files have no name, and the system removes them with the last reader. Raises UserError where the disk is full.
    """

    def __init__(self, sentences: Iterable[Sequence[int]]):
        try:
            with ExitStack() as stack:
                ids, ends = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
                end, stream = 0, iter(sentences)
                while some := list(islice(stream, 1024)):
                    lengths = np.array([len(sentence) for sentence in some], np.int64)
                    ids.write(np.concatenate([np.asarray(sentence, np.int32) for sentence in some]).tobytes())
                    ends.write((end + lengths.cumsum()).tobytes())
                    end += int(lengths.sum())
                # A mapping outlives its file; an empty file cannot be mapped.
                self._ids: Array = np.memmap(ids, np.int32, "r") if end else np.empty(0, np.int32)
                self._ends: Array = np.memmap(ends, np.int64, "r") if end else np.empty(0, np.int64)
        except OSError as error:
            raise UserError(f"cannot keep the corpus as numbers in {tempfile.gettempdir()}: {error.strerror}; expected "
                            "room for 4 bytes a word: make some, or set TMPDIR to another folder") from error

    def __len__(self) -> int:
        """How many sentences."""
        return len(self._ends)

    def targets(self, k: int) -> int:
        """Targets of a direction in the sentences 0 .. k: all their ids but one each."""
        return int(self._ends[k]) - (k + 1)

    def parts(self, number: int) -> list[range]:
        """The sentences in so many parts of about as many targets each, some of them empty in a short corpus."""
        if not len(self):
            return [range(0)] * number
        total = self.targets(len(self) - 1)
        cuts = [bisect_right(range(len(self)), total * part / number, key=self.targets) for part in range(1, number)]
        return [range(a, b) for a, b in zip([0, *cuts], [*cuts, len(self)], strict=True)]

    def read(self, part: range) -> Iterator[list[int]]:
        """Those sentences, one after another."""
        start = int(self._ends[part.start - 1]) if part.start else 0
        for k in part:
            end = int(self._ends[k])
            yield self._ids[start:end].tolist()
            start = end
