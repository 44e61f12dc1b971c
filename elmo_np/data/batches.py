"""From sentences to (T, B) batches, for both directions.

Continuous streams (stateful): each column reads one sentence after another without padding, and carries its state from
batch to batch. Every word is a target exactly once per epoch in each direction. A sentence of n words gives n + 1
pairs: forward <S> w1 .. wn -> w1 .. wn </S>, backward </S> wn .. w1 -> wn .. w1 <S>.
Whole sentences (stateless): each sentence has a column to itself and starts from a zero state. A batch has fewer
columns where sentences are long, so that memory does not grow with the longest one; a sentence that is longer than a
batch may be is read in parts that carry its state, and the gradient is truncated between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import repeat
from typing import TypeVar

import numpy as np

from ..nn.bilm import Batch, DirectionBatch
from ..nn.softmax import IGNORE_INDEX
from ..types import Array
from .corpus import require_reiterable
from .spool import Spool

Item = TypeVar("Item", bound=Sized)
MOST = 1 << 14      # steps of a batch of whole sentences, summed over its columns, padding included
PER_COLUMN = 128    # or so many per column, if that is more: sentences of ordinary length always make full batches
Ids = list[int]     # one sentence with its boundaries: [bos, w1 .. wn, eos]


def reversed_sentences(sentences: Iterable[Ids]) -> Iterator[Ids]:
    """Each sentence from its last word to its first: the input of the backward model."""
    return (sentence[::-1] for sentence in sentences)


class RandomSteps:
    """Lengths of batches, one after the other without end; every pass is the same.

    Each is drawn around `steps`, or around half of it one time in 20, so that the cuts between batches are elsewhere in
    every epoch. Source: Merity et al. 2018, section 5, with their standard deviation of 5 for 70 steps.
    """

    HALVED = 0.05       # probability

    def __init__(self, steps: int, seed: Sequence[int]):
        self.steps, self.seed = steps, seed

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng(self.seed)
        while True:
            mean = self.steps / 2 if rng.random() < self.HALVED else self.steps
            yield max(1, round(rng.normal(mean, self.steps / 14)))


def pack(streams: Sequence[Iterator[Ids]], steps: int | Iterable[int]) -> Iterator[DirectionBatch]:
    """Blocks (steps, len(streams)) of continuous streams, until all streams have ended.

    steps     the same for every block, or one number for each
    streams   where each column takes its next sentence from. The same iterator for all: the columns share one stream,
              as in bilm-tf. An iterator each: every column reads its own part of the corpus, as in Zaremba et al. 2014.
    """
    unread: list[Ids] = [[] for _ in streams]       # per column, starting at the next input
    for T in repeat(steps) if isinstance(steps, int) else steps:
        x = np.zeros((T, len(streams)), np.int64)
        y = np.full((T, len(streams)), IGNORE_INDEX)
        lengths = np.zeros(len(streams), np.int64)
        for b, stream in enumerate(streams):
            lengths[b], unread[b] = _fill(x[:, b], y[:, b], unread[b], stream)
        if not lengths.any():
            return
        yield DirectionBatch(x, y, lengths)


def _fill(x: Array, y: Array, unread: Ids, stream: Iterator[Ids]) -> tuple[int, Ids]:
    """Fill one column of a batch in place -> how many steps were filled, and what is left of the last sentence."""
    t = 0
    while t < len(x):
        if len(unread) < 2:         # its last id is only a target
            unread = next(stream, [])
            if not unread:
                break
        n = min(len(unread) - 1, len(x) - t)
        x[t:t+n] = unread[:n]
        y[t:t+n] = unread[1:n+1]
        unread = unread[n:]
        t += n
    return t, unread


def stream_batches(sentences: Iterable[Ids], batch_size: int, steps: int | Iterable[int]) -> Iterator[Batch]:
    """Continuous streams: all columns take their next sentence from one stream."""
    forward = iter(require_reiterable(sentences))
    backward = reversed_sentences(sentences)
    return map(Batch, pack([forward] * batch_size, steps), pack([backward] * batch_size, steps))


def contiguous_batches(sentences: Iterable[Ids], batch_size: int, steps: int | Iterable[int]) -> Iterator[Batch]:
    """Continuous streams: each column reads its own part of the corpus, all parts of about the same length."""
    spool = Spool(sentences)
    parts = spool.parts(batch_size)
    forward = [spool.read(part) for part in parts]
    backward = [reversed_sentences(spool.read(part)) for part in parts]
    return map(Batch, pack(forward, steps), pack(backward, steps))


def most_steps(batch_size: int) -> int:
    """How many steps a batch of whole sentences may have, summed over its columns, padding included."""
    return max(MOST, PER_COLUMN * batch_size)


def sentence_batches(sentences: Iterable[Ids], batch_size: int) -> Iterator[Batch]:
    """Whole sentences, one per column, batched with others of about the same length; of a sentence of more than
    `most_steps`, alone in its column, the parts one after another."""
    most = most_steps(batch_size)
    for window in sentence_windows(sentences, batch_size, 32 * most):
        for group in length_buckets(window, batch_size, most):
            yield from sentence_parts([window[k] for k in group], most)


def whole_sentences(group: Sequence[Ids]) -> Batch:
    """One batch with one sentence per column, padded to the longest."""
    batch, = sentence_parts(group, max(map(len, group)))
    return batch


def sentence_parts(group: Sequence[Ids], steps: int) -> Iterator[Batch]:
    """One sentence per column, in parts of so many steps; the first is `fresh`, the others go on where it ended."""
    steps = min(steps, max(map(len, group)) - 1)
    forward = pack([iter([sentence]) for sentence in group], steps)
    backward = pack([reversed_sentences([sentence]) for sentence in group], steps)
    for k, sides in enumerate(zip(forward, backward, strict=True)):
        yield Batch(*(side._replace(fresh=k == 0) for side in sides))


def sentence_windows(items: Iterable[Item], batch_size: int, words: int | None = None) -> Iterator[list[Item]]:
    """Lists of up to 32 batches: long enough to group sentences of similar length, short enough to hold in memory.

    words   a list ends with the sentence that brings it to this many words; None: no limit
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


def length_buckets(window: Sequence[Sized], batch_size: int, most: int) -> Iterator[list[int]]:
    """The indices of a window's sentences, in groups of similar length, to save padding; see `limited_groups`."""
    lengths = [len(sentence) for sentence in window]
    return limited_groups(sorted(range(len(window)), key=lengths.__getitem__), lengths, batch_size, most)


def limited_groups(order: Iterable[int], lengths: Sequence[int] | Array, batch_size: int,
                   most: int) -> Iterator[list[int]]:
    """Indices of sentences in groups of up to batch_size, and of up to `most` steps, padding included, in this order. A
    sentence that is longer by itself is alone in its group."""
    group: list[int] = []
    longest = 0
    for k in order:
        longest = max(longest, lengths[k])
        if group and (len(group) == batch_size or (len(group) + 1) * longest > most):
            yield group
            group, longest = [], lengths[k]
        group.append(k)
    if group:
        yield group


def shuffled(sentences: Iterable[Ids], size: int, rng: np.random.Generator) -> Iterator[Ids]:
    """The sentences, shuffled through a buffer of `size` sentences; size 0 keeps the order."""
    buffer: list[Ids] = []
    for sentence in sentences:
        if len(buffer) < size:
            buffer.append(sentence)
        elif size == 0:
            yield sentence
        else:
            k = int(rng.integers(size))
            yield buffer[k]
            buffer[k] = sentence
    yield from (buffer[k] for k in rng.permutation(len(buffer)))


class EncodedCorpus:
    """A corpus as ids. Every pass reads it again, in the same order, so memory use does not grow with its length.

    shuffle, seed   size of the shuffle buffer, and its seed: a different one for each epoch gives a different order
    """

    def __init__(self, corpus: Iterable[Sequence[str]], encode: Callable[[Sequence[str]], Ids], *, shuffle: int = 0,
                 seed: Sequence[int] = (0,)):
        self.corpus, self.encode, self.shuffle, self.seed = corpus, encode, shuffle, seed

    def __iter__(self) -> Iterator[Ids]:
        return shuffled(map(self.encode, self.corpus), self.shuffle, np.random.default_rng(self.seed))
