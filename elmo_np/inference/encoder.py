"""The hidden states of sentences, in batches that the vectors do not depend on.

A window of sentences is read at a time, in batches of sentences of about equal length; a sentence that is longer than
a batch may be is read in parts. Memory grows neither with the number of sentences nor with their length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from ..data.batches import length_buckets, limited_groups, sentence_windows
from ..data.sentences import checked_sentences
from ..errors import UserError
from ..nn.bilm import BiLM, BiState
from ..nn.parameter import parameters
from ..nn.representation import h_bi
from ..runtime.threads import one_blas_thread
from ..types import Array
from .long_sentences import in_parts
from .token_indexer import TokenIndexer

BATCH = 128             # sentences per batch; the vectors do not depend on it
WINDOW = 1 << 22        # values of the layers of a window, which are held until all are computed: 16 MB in float32
LARGE = 1 << 22         # recurrent weights of a large model: its window has as many values as these, because it reads
                        # all of them once per step of a batch, however few sentences that has
SETTLED = 1e-6          # a warm state is settled when one more neutral sentence changes no element by as much
MOST_SENTENCES = 200    # a state that has not settled by then is used as it is: it is still the same for all sentences


class Encoded(NamedTuple):
    """What a model makes of one sentence, special tokens included."""

    steps: int                      # tokens, special tokens included
    parts: Iterable[list[Array]]    # layers 0 to L of consecutive steps, (steps, width) each; one part if it is short


def steps_of_a_window(model: BiLM, values_per_step: int) -> int:
    """How many steps a window may have, padding included."""
    weights = sum(p.value.size for lm in model.lms.values() for layer in lm.layers for p in parameters(layer).values())
    return max(1, (WINDOW if weights <= LARGE else weights) // values_per_step)


def encode(words: TokenIndexer, sentences: Iterable[Sequence[str]], state: BiState | None,
           most: int) -> Iterator[Encoded]:
    """Every sentence in order.

    state   one row, from which every sentence starts; None: zeros
    most    steps of a batch, padding included; a longer sentence comes in parts of so many
    Raises UserError as `checked` does.
    """
    for window in sentence_windows(checked(sentences), BATCH, most):
        words = words.with_room()
        numbers = [words.encode(sentence) for sentence in window]
        layers = encode_window(words, numbers, state, most)
        for k, sentence in enumerate(numbers):
            parts = [layers.pop(k)] if k in layers else in_parts(words, sentence, most, state)
            yield Encoded(len(sentence), parts)


def encode_window(words: TokenIndexer, sentences: Sequence[list[int]], state: BiState | None,
                  most: int) -> dict[int, list[Array]]:
    """The layers of sentences of word numbers by their index, without those of more than `most` steps."""
    found: dict[int, list[Array]] = {}
    for group in length_buckets(sentences, BATCH, most):
        if len(sentences[group[0]]) > most:
            continue
        start = None if state is None else rows_of(state, np.zeros(len(group), np.int64))
        layers, _ = encode_batch(words, [sentences[k] for k in group], start)
        found.update(zip(group, layers, strict=True))
    return found


def encode_batch(words: TokenIndexer, sentences: Sequence[list[int]],
                 state: BiState | None) -> tuple[list[list[Array]], BiState]:
    """One batch of sentences of word numbers -> the layers of each, and the state after each."""
    lengths = np.array([len(sentence) for sentence in sentences])
    numbers = np.zeros((lengths.max(), len(sentences)), np.int64)
    for b, sentence in enumerate(sentences):
        numbers[:len(sentence), b] = sentence
    with one_blas_thread():
        directions, after = words.model.encode_vectors(words.lookup(numbers), lengths, state)
    layers: list[list[Array]] = [[] for _ in sentences]
    while directions[0]:                        # one layer after another, each released once it is copied
        whole = h_bi(*(own.pop(0) for own in directions))
        for b, n in enumerate(lengths):
            layers[b].append(whole[:n, b].copy())
    return layers, after


def encode_rows(words: TokenIndexer, sentences: Sequence[list[int]], state: BiState,
                most: int) -> Iterator[list[Array]]:
    """The layers of each sentence, sentence k starting from row k of `state`, which is updated in place.

    most    steps of a batch, padding included; a longer sentence is alone in its batch
    """
    for group in limited_groups(range(len(sentences)), [len(s) for s in sentences], BATCH, most):
        block = np.array(group)
        layers, after = encode_batch(words, [sentences[k] for k in group], rows_of(state, block))
        for kept, new in zip(arrays_of(state), arrays_of(after), strict=True):
            kept[block] = new
        yield from layers


def warm_state(words: TokenIndexer) -> BiState:
    """One row of state after a neutral sentence (its special tokens, with a full stop if the model knows one), which is
    read until the state settles: what a sentence in the middle of a text starts from, the same for all."""
    sentence = words.encode(["."] if "." in words else [])
    state = words.model.zero_state(1)
    for _ in range(MOST_SENTENCES):
        _, after = encode_batch(words, [sentence], state)
        change = max(np.abs(a - b).max() for a, b in zip(arrays_of(state), arrays_of(after), strict=True))
        state = after
        if change < SETTLED:
            break
    return state


def checked(sentences: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """The sentences. Raises UserError for one without a token, or one that is not a list of strings."""
    for number, sentence in enumerate(checked_sentences(sentences)):
        if not len(sentence):
            raise UserError(f"sentence {number} is empty: expected at least one token")
        yield sentence


def arrays_of(state: BiState) -> list[Array]:
    """The arrays of a state: those of every layer of the first direction, and then of the second."""
    return [array for direction in state for layer in direction for array in layer]


def shapes_of(state: BiState) -> list[list[list[tuple[int, ...]]]]:
    """The shape of each array of a state, by direction and layer."""
    return [[[array.shape for array in layer] for layer in direction] for direction in state]


def state_names(model: BiLM, letters: int | None = None) -> list[str]:
    """A name in files for each of `arrays_of(state)`: direction, layer and array, such as forward.0.h.

    letters     how many of the direction's name; None: all
    """
    return [f"{direction[:letters]}.{k}.{name}" for direction, lm in model.lms.items()
            for k, layer in enumerate(lm.layers) for name in layer.STATE]


def state_of(model: BiLM, arrays: Iterable[Array]) -> BiState:
    """The inverse of `arrays_of`."""
    each = iter(arrays)
    return tuple([tuple(islice(each, len(layer.STATE))) for layer in lm.layers] for lm in model.lms.values())


def rows_of(state: BiState, rows: Array) -> BiState:
    """A copy of some rows of a state."""
    return tuple([tuple(array[rows] for array in layer) for layer in direction] for direction in state)
