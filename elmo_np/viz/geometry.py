"""Where the occurrences of a word lie in every layer, and which are nearest to which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..inference.elmo import ELMo
from ..inference.neighbours import principal_components, unit
from ..inference.occurrences import Occurrence
from ..runtime.threads import one_blas_thread
from ..types import Array

NEAREST = 10        # neighbours of an occurrence that are kept
BLOCK = 1024        # occurrences at once: their similarities to all others are held


class View(NamedTuple):
    """The N occurrences of one word by the vectors of one layer, each vector at length 1."""

    points: Array               # (N, 2) along the first two principal components
    share: Array                # (2,) of the variance, along each; zeros where all vectors are the same
    near: Array | None          # (N, K) the nearest occurrences, nearest first, -1: no more; None: all are the same
    similarity: Array | None    # (N, K) cosines with them


def layer_names(elmo: ELMo) -> list[str]:
    """Of the views of `views`, in their order: every layer, and v_t where W or b make it another than the top one."""
    names = ["0", *map(str, range(1, elmo.model.config.layers + 1))]
    return names if _plain(elmo) else [*names, "v_t"]


def views(elmo: ELMo, occurrences: Sequence[Occurrence]) -> list[View]:
    """One word's occurrences in every layer; the last view is that of v_t, by which `ELMo.similar` compares."""
    vectors = np.stack([stack[:, o.position] for o, stack in zip(occurrences, _layers(elmo, occurrences), strict=True)])
    return views_of([vectors[:, k] for k in range(vectors.shape[1])], sentence_numbers(occurrences))


def views_of(layers: Sequence[Array], sentence: Array) -> list[View]:
    """layers: (N, dim) each; sentence (N,): the number of the sentence that each occurrence stands in."""
    found: list[View] = []
    with one_blas_thread():             # the order of a sum is part of the page's bytes
        for vectors in map(unit, layers):
            points, share = principal_components(vectors)
            if found:       # the sign of an axis is arbitrary: points shall not change sides without a reason
                points = points * np.where((found[-1].points * points).sum(axis=0) < 0, -1.0, 1.0)
            same = len(vectors) > 1 and share.sum() == 0
            found.append(View(points, share, *((None, None) if same else nearest(vectors, sentence))))
    return found


def nearest(directions: Array, sentence: Array, number: int = NEAREST) -> tuple[Array, Array]:
    """The nearest occurrences to each by cosine, those in its own sentence left out, as `ELMo.similar` does.

    directions (N, dim) of length 1, sentence (N,) -> (N, K) their numbers or -1, (N, K) cosines; K = min(number, N - 1)
    """
    N = len(directions)
    K = min(number, N - 1)
    near, similarity = np.full((N, K), -1), np.zeros((N, K), directions.dtype)
    for start in range(0, N if K else 0, BLOCK):
        rows = slice(start, start + BLOCK)
        cosine = directions[rows] @ directions.T
        cosine[sentence[rows, None] == sentence] = -np.inf
        chosen = np.argpartition(-cosine, K - 1, axis=1)[:, :K]
        values = np.take_along_axis(cosine, chosen, axis=1)
        order = np.lexsort((chosen, -values), axis=1)           # ties in the corpus's order
        values, chosen = np.take_along_axis(values, order, axis=1), np.take_along_axis(chosen, order, axis=1)
        near[rows] = np.where(np.isfinite(values), chosen, -1)
        similarity[rows] = np.where(np.isfinite(values), values, 0)
    return near, similarity


def sentence_numbers(occurrences: Sequence[Occurrence]) -> Array:
    """A number for the sentence of each occurrence, the same for the same sentence: (N,)."""
    numbers: dict[tuple[str, ...], int] = {}
    return np.array([numbers.setdefault(o.sentence, len(numbers)) for o in occurrences])


def _layers(elmo: ELMo, occurrences: Sequence[Occurrence]) -> Iterator[Array]:
    """The vectors of every word of each occurrence's sentence: (views, tokens, dim), narrow ones filled up with 0."""
    sentences = [o.sentence for o in occurrences]
    lowest = elmo.stream(sentences, 0) if 0 not in elmo.layers else None
    for stack in elmo.stream(sentences, "all"):
        layers = [*([] if lowest is None else [next(lowest)]), *stack]
        if not _plain(elmo):
            layers.append(elmo.word_vector.forward(stack[-1])[0])
        width = max(layer.shape[1] for layer in layers)
        yield np.stack([np.pad(layer, ((0, 0), (0, width - layer.shape[1]))) for layer in layers])


def _plain(elmo: ELMo) -> bool:
    """Whether v_t is h_bi: W the identity, b zero."""
    W, b = elmo.word_vector.W.value, elmo.word_vector.b.value
    return W.shape[0] == W.shape[1] and np.array_equal(W, np.eye(len(W), dtype=W.dtype)) and not b.any()
