"""Sentences to (T, B) batches, for both directions.

Continuing streams: a row reads one sentence after another without padding, its state carried from batch to batch, and
every word is a target exactly once an epoch in each direction. A sentence of n words gives n + 1 pairs; forward they
are <S> w1 .. wn -> w1 .. wn </S>, backward </S> wn .. w1 -> wn .. w1 <S>.
Whole sentences: every sentence is a column of its own and starts from a fresh state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import TypeVar

import numpy as np

from ..nn.bilm import Batch, DirectionBatch
from ..nn.softmax import IGNORE_INDEX
from .corpus import require_reiterable
from .spool import Spool

Item = TypeVar("Item", bound=Sized)
Ids = list[int]     # one sentence with both marks: [bos, w1 .. wn, eos]


def reversed_sentences(sentences: Iterable[Ids]) -> Iterator[Ids]:
    """Every sentence from its end to its beginning: what the backward model reads."""
    return (sentence[::-1] for sentence in sentences)


def pack(rows: Sequence[Iterator[Ids]], steps: int) -> Iterator[DirectionBatch]:
    """(steps, len(rows)) blocks of continuing streams, until every row has run out.

    rows    where each row takes its next sentence from. One iterator in every place: the rows share a stream, as in
            bilm-tf. One each: every row reads its own part of the corpus, as in Zaremba et al. 2014.
    """
    unread: list[Ids] = [[] for _ in rows]      # of each row, from the word that is the next input
    while True:
        x, y = np.zeros((steps, len(rows)), np.int64), np.full((steps, len(rows)), IGNORE_INDEX)
        lengths = np.zeros(len(rows), np.int64)
        for b, row in enumerate(rows):
            t = 0
            while t < steps:
                if len(unread[b]) < 2:
                    unread[b] = next(row, [])
                    if not unread[b]:
                        break
                n = min(len(unread[b]) - 1, steps - t)
                x[t:t+n, b], y[t:t+n, b] = unread[b][:n], unread[b][1:n+1]
                unread[b] = unread[b][n:]
                t += n
            lengths[b] = t
        if not lengths.any():
            return
        yield DirectionBatch(x, y, lengths)


def stream_batches(sentences: Iterable[Ids], batch_size: int, steps: int) -> Iterator[Batch]:
    """Continuing streams whose rows take their next sentence from one stream."""
    forward, backward = iter(sentences), reversed_sentences(require_reiterable(sentences))
    return map(Batch, pack([forward] * batch_size, steps), pack([backward] * batch_size, steps))


def contiguous_batches(sentences: Iterable[Ids], batch_size: int, steps: int) -> Iterator[Batch]:
    """Continuing streams whose rows each read a part of the corpus of their own, all parts about equally long."""
    spool = Spool(sentences)
    parts = spool.parts(batch_size)
    forward, backward = [spool.read(part) for part in parts], [reversed_sentences(spool.read(part)) for part in parts]
    return map(Batch, pack(forward, steps), pack(backward, steps))


def sentence_batches(sentences: Iterable[Ids], batch_size: int) -> Iterator[Batch]:
    """Every sentence whole, in a column of its own, with others of about its length."""
    for window in sentence_windows(sentences, batch_size):
        for group in length_buckets(window, batch_size):
            yield whole_sentences([window[k] for k in group])


def whole_sentences(group: Sequence[Ids]) -> Batch:
    """One batch with a sentence a column, as long as the longest."""
    steps = max(len(sentence) for sentence in group) - 1
    # One sentence a row: a row that asks for a second finds none.
    forward, = pack([iter([sentence]) for sentence in group], steps)
    backward, = pack([reversed_sentences([sentence]) for sentence in group], steps)
    return Batch(forward, backward)


def sentence_windows(items: Iterable[Item], batch_size: int, words: int | None = None) -> Iterator[list[Item]]:
    """Lists of up to 32 batches: enough to find neighbours of like length in, little enough to hold.

    words   a list ends with the sentence that brings it to so many; None: however many there are
    """
    window: list[Item] = []
    held = 0
    for item in items:
        window.append(item)
        held += len(item)
        if len(window) == 32 * batch_size or (words is not None and held >= words):
            yield window
            window, held = [], 0
    if window:
        yield window


def length_buckets(window: Sequence[Sequence[object]], batch_size: int) -> Iterator[list[int]]:
    """The places of a window's sentences, in groups of up to batch_size of about equal length: less padding."""
    order = sorted(range(len(window)), key=lambda k: len(window[k]))
    for start in range(0, len(order), batch_size):
        yield order[start:start + batch_size]


def shuffled(sentences: Iterable[Ids], size: int, rng: np.random.Generator) -> Iterator[Ids]:
    """The same sentences in an order that a buffer of `size` sentences can make; size 0 keeps the order."""
    buffer: list[Ids] = []
    for sentence in sentences:
        if len(buffer) < size:
            buffer.append(sentence)
        elif size == 0:
            yield sentence
        else:
            place = int(rng.integers(size))
            yield buffer[place]
            buffer[place] = sentence
    yield from (buffer[place] for place in rng.permutation(len(buffer)))


class EncodedCorpus:
    """A corpus as ids, read anew at every pass and in the same order: memory does not grow with it.

    shuffle, seed   buffer and seed of the order; another seed an epoch gives another order
    """

    def __init__(self, corpus: Iterable[Sequence[str]], encode: Callable[[Sequence[str]], Ids], *, shuffle: int = 0,
                 seed: Sequence[int] = (0,)):
        self.corpus, self.encode, self.shuffle, self.seed = corpus, encode, shuffle, seed

    def __iter__(self) -> Iterator[Ids]:
        return shuffled(map(self.encode, self.corpus), self.shuffle, np.random.default_rng(self.seed))
