"""Sentences as ids in a temporary file, so that any part of a corpus can be read without reading what precedes it."""

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
    """Sentences of ids on disk, 4 bytes per id and 8 per sentence, with next to nothing in memory.

    The files have no name; the system removes them with the last reader. Raises UserError if the disk is full.
    """

    def __init__(self, sentences: Iterable[Sequence[int]]):
        try:
            with ExitStack() as stack:
                ids = stack.enter_context(tempfile.TemporaryFile())
                ends = stack.enter_context(tempfile.TemporaryFile())
                end = 0
                stream = iter(sentences)
                while some := list(islice(stream, 1024)):
                    lengths = np.array([len(sentence) for sentence in some], np.int64)
                    ids.write(np.concatenate([np.asarray(sentence, np.int32) for sentence in some]).tobytes())
                    ends.write((end + lengths.cumsum()).tobytes())
                    end += int(lengths.sum())
                # A memory map outlives its file; an empty file cannot be mapped.
                self._ids: Array = np.memmap(ids, np.int32, "r") if end else np.empty(0, np.int32)
                self._ends: Array = np.memmap(ends, np.int64, "r") if end else np.empty(0, np.int64)
        except OSError as error:
            raise UserError(f"cannot store the corpus as ids in {tempfile.gettempdir()}: {error.strerror}; expected "
                            "room for 4 bytes per word: free some space, or set TMPDIR to another folder") from error

    def __len__(self) -> int:
        """The number of sentences."""
        return len(self._ends)

    def targets(self, k: int) -> int:
        """Targets per direction in sentences 0 .. k: all ids but one of each sentence."""
        return int(self._ends[k]) - (k + 1)

    def parts(self, number: int) -> list[range]:
        """The sentences in `number` parts of about equally many targets; some parts of a short corpus are empty."""
        if not len(self):
            return [range(0)] * number
        total = self.targets(len(self) - 1)
        cuts = [bisect_right(range(len(self)), total * part / number, key=self.targets) for part in range(1, number)]
        return [range(a, b) for a, b in zip([0, *cuts], [*cuts, len(self)], strict=True)]

    def read(self, part: range) -> Iterator[list[int]]:
        """The sentences of one part, in order."""
        start = int(self._ends[part.start - 1]) if part.start else 0
        for k in part:
            end = int(self._ends[k])
            yield self._ids[start:end].tolist()
            start = end
