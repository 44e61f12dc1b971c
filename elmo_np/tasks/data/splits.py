"""Which sentences are held out, and which are in which fold: drawn by a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import UserError


def split_indices(N: int, every: int, seed: int) -> tuple[list[int], list[int]]:
    """The indices 0 .. N-1 in two parts, drawn by the seed: without one of every so many, and those; each in order.

    Raises UserError for too few.
    """
    count = N // every
    if not count:
        raise UserError(f"{N} sentences are too few to hold out one of every {every}: expected more, or a file for "
                        "that part")
    order = np.random.default_rng([seed, 3]).permutation(N)
    return sorted(order[count:].tolist()), sorted(order[:count].tolist())


def split_by_sentence(sentences: Sequence[Sequence[str]], every: int, seed: int) -> tuple[list[int], list[int]]:
    """As `split_indices`, but with one of every so many different sentences: equal ones stay together."""
    different = list(dict.fromkeys(map(tuple, sentences)))
    chosen = {different[k] for k in split_indices(len(different), every, seed)[1]}
    parts: tuple[list[int], list[int]] = [], []
    for k, sentence in enumerate(sentences):
        parts[tuple(sentence) in chosen].append(k)
    return parts


def fold_indices(sentences: Sequence[Sequence[str]], count: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """The indices of sentences in `count` folds, drawn by the seed: for each fold those of the others, and its own.

    Equal sentences are in the same fold. Raises UserError for fewer than two folds, and for more than sentences.
    """
    different = list(dict.fromkeys(map(tuple, sentences)))
    if not 2 <= count <= len(different):
        raise UserError(f"--folds {count}: expected a whole number from 2 to {len(different):,}, the number of "
                        "different sentences")
    order = np.random.default_rng([seed, 4]).permutation(len(different))
    fold = {different[k]: rank % count for rank, k in enumerate(order.tolist())}
    own = np.array([fold[tuple(sentence)] for sentence in sentences])
    return [(np.flatnonzero(own != k).tolist(), np.flatnonzero(own == k).tolist()) for k in range(count)]
