"""The occurrences of words in a corpus that are nearest to a vector, by cosine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from ..runtime.terminal import columns_of, cut, cut_before
from ..types import Array


class Neighbour(NamedTuple):
    """One occurrence of a word."""

    word: str
    sentence: list[str]
    position: int               # of the word in its sentence, from 0
    similarity: float           # cosine, from -1 to 1


class Index:
    """Vectors of occurrences, scaled to length 1, and their positions in the corpus."""

    def __init__(self) -> None:
        self.sentences: list[list[str]] = []
        self.places: list[tuple[int, int]] = []         # of each vector: index of its sentence, position in it
        self._vectors: list[Array] = []

    def add(self, sentence: list[str], positions: list[int], vectors: Array) -> None:
        """Add the words at `positions` of a sentence, with their vectors (len(positions), dim)."""
        self.places += [(len(self.sentences), position) for position in positions]
        self.sentences.append(sentence)
        self._vectors.append(unit(vectors))

    def __len__(self) -> int:
        return len(self.places)

    def nearest(self, vector: Array, top: int, exclude: list[str] | None = None) -> list[Neighbour]:
        """The `top` occurrences with the highest cosine, highest first, ties in the order of the corpus.

        exclude     a sentence to leave out: the one that the vector comes from
        """
        if top < 1:
            raise UserError(f"top = {top}: expected a whole number of at least 1")
        if not self.places:
            return []
        self._vectors = [np.concatenate(self._vectors)]
        similarities = self._vectors[0] @ unit(vector[None])[0]
        found: list[Neighbour] = []
        for k in np.argsort(-similarities, kind="stable"):
            number, position = self.places[k]
            sentence = self.sentences[number]
            if sentence != exclude:
                found.append(Neighbour(sentence[position], sentence, position, float(similarities[k])))
                if len(found) == top:
                    break
        return found


def in_context(sentence: Sequence[str], position: int, width: int = 34) -> str:
    """A word in brackets in the middle of a line, with up to `width` columns of context on either side."""
    left, right = " ".join(sentence[:position]), " ".join(sentence[position + 1:])
    left = left if columns_of(left) <= width else "…" + cut_before(left, width - 1)
    right = right if columns_of(right) <= width else cut(right, width - 1) + "…"
    return f"{' ' * (width - columns_of(left))}{left} [{sentence[position]}] {right}"


def unit(vectors: Array) -> Array:
    """(N, dim) -> the same directions at length 1; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    directions: Array = vectors / np.maximum(lengths, np.finfo(vectors.dtype).tiny)
    return directions


def nearest_neighbour_accuracy(vectors: Array, labels: list[str]) -> float:
    """The share of occurrences whose nearest other occurrence has the same label; ties count in equal parts.

    vectors (N, dim), labels: one each. If all vectors are equal, as static ones are, all tie, and the share is that of
    an occurrence drawn at random.
    """
    if len(vectors) < 2:
        raise UserError(f"{len(vectors)} occurrences: expected at least 2, to have a neighbour")
    directions = unit(vectors.astype(np.float64))
    cosine = directions @ directions.T
    np.fill_diagonal(cosine, -np.inf)
    nearest = cosine >= cosine.max(axis=1, keepdims=True) - 1e-9
    same = np.array(labels)[:, None] == np.array(labels)
    return float(np.mean((nearest & same).sum(axis=1) / nearest.sum(axis=1)))


def principal_components(vectors: Array) -> tuple[Array, Array]:
    """(N, dim) -> coordinates (N, 2) along the two directions of largest variance, and their shares of it, (2,)."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    if np.abs(centred).max(initial=0) < 1e-6 * max(1e-12, np.abs(vectors).max(initial=0)):
        return np.zeros((len(vectors), 2)), np.zeros(2)         # all equal up to rounding
    _, s, Vt = np.linalg.svd(centred, full_matrices=False)
    axes, share = np.zeros((2, vectors.shape[1])), np.zeros(2)
    axes[:len(s)], share[:len(s)] = Vt[:2], s[:2] ** 2 / (s ** 2).sum()
    # The sign of an axis is arbitrary; it is fixed so that the same vectors give the same figure.
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return centred @ np.where(largest < 0, -axes, axes).T, share
