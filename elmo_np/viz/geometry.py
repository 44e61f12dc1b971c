"""Where the occurrences of a word lie in each layer, and which are nearest to which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np

from ..inference.clusters import FEWEST, clusters
from ..inference.elmo import ELMo
from ..inference.neighbours import principal_components, unit
from ..inference.occurrences import Occurrence, vectors_at
from ..runtime.threads import one_blas_thread
from ..types import Array

NEAREST = 10        # neighbours kept per occurrence
BLOCK = 1024        # occurrences at a time whose similarities to all others are in memory


class View(NamedTuple):
    """The N occurrences of a word by the vectors of one layer, normalised to length 1."""

    points: Array               # (N, 2) along the first two principal components
    share: Array                # (2,) of the variance along each; zeros if all vectors are equal
    near: Array | None          # (N, K) the nearest occurrences, nearest first, -1: no more; None: all are equal
    similarity: Array | None    # (N, K) their cosine similarities
    groups: Array | None = None     # (N,) of similar occurrences, the largest first; only in the last view


def layer_names(elmo: ELMo) -> list[str]:
    """The names of `views`, in the same order: every layer, and v_t if W or b make it differ from the top layer."""
    names = ["0", *map(str, range(1, elmo.model.config.layers + 1))]
    return names if _plain(elmo) else [*names, "v_t"]


def views(elmo: ELMo, words: Sequence[Sequence[Occurrence]]) -> Iterator[list[View]]:
    """The occurrences of each word in every layer; the last view is that of v_t, which `ELMo.similar` compares.

    Each sentence is embedded once, and of its vectors only those of the occurrences are kept.
    """
    occurrences = [occurrence for word in words for occurrence in word]
    found = vectors_at(occurrences, lambda sentences: _parts(elmo, sentences))
    start = 0
    for word in words:
        end = start + len(word)
        yield views_of([found[start:end, k] for k in range(found.shape[1])], sentence_numbers(word))
        start = end


def views_of(layers: Sequence[Array], sentence: Array) -> list[View]:
    """layers: (N, dim) each; sentence (N,): the index of the sentence of each occurrence."""
    found: list[View] = []
    with one_blas_thread():             # the order of summation decides the bytes of the page
        for vectors in map(unit, layers):
            points, share = principal_components(vectors)
            if found:       # the sign of an axis is arbitrary: points should not change sides between layers
                points = points * np.where((found[-1].points * points).sum(axis=0) < 0, -1.0, 1.0)
            same = len(vectors) > 1 and share.sum() == 0
            found.append(View(points, share, *((None, None) if same else nearest(vectors, sentence))))
        if layers and len(vectors) >= FEWEST and not same:
            found[-1] = found[-1]._replace(groups=clusters(vectors))
    return found


def nearest(directions: Array, sentence: Array, number: int = NEAREST) -> tuple[Array, Array]:
    """The nearest occurrences to each by cosine, without those in the same sentence, as in `ELMo.similar`.

    directions (N, dim) of length 1, sentence (N,) -> (N, K) their indices or -1, (N, K) cosines; K = min(number, N - 1)
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
        order = np.lexsort((chosen, -values), axis=1)           # ties in corpus order
        values = np.take_along_axis(values, order, axis=1)
        chosen = np.take_along_axis(chosen, order, axis=1)
        near[rows] = np.where(np.isfinite(values), chosen, -1)
        similarity[rows] = np.where(np.isfinite(values), values, 0)
    return near, similarity


def opposite_ends(points: Array) -> tuple[int, int]:
    """Two contrasting occurrences: near opposite ends of the first component, since the outermost are outliers."""
    order = points[:, 0].argsort(kind="stable")
    inside = len(order) // 20
    return int(order[inside]), int(order[-1 - inside])


def sentence_numbers(occurrences: Sequence[Occurrence]) -> Array:
    """An index for the sentence of each occurrence, the same for equal sentences: (N,)."""
    numbers: dict[tuple[str, ...], int] = {}
    return np.array([numbers.setdefault(o.sentence, len(numbers)) for o in occurrences])


def _parts(elmo: ELMo, sentences: Sequence[Sequence[str]]) -> Iterator[Iterator[Array]]:
    """All vectors of each sentence, in parts: (views, tokens, dim) each, narrow ones padded with zeros."""
    lowest = elmo.parts(sentences, 0) if 0 not in elmo.layers else None
    for _, parts in elmo.parts(sentences, "all"):
        below: Iterable[Array | None] = repeat(None) if lowest is None else next(lowest)[1]
        yield (_stacked(elmo, stack, low) for stack, low in zip(parts, below, strict=False))


def _stacked(elmo: ELMo, stack: Array, lowest: Array | None) -> Array:
    layers = [*([] if lowest is None else [lowest]), *stack]
    if not _plain(elmo):
        layers.append(elmo.word_vector.forward(stack[-1])[0])
    width = max(layer.shape[1] for layer in layers)
    return np.stack([np.pad(layer, ((0, 0), (0, width - layer.shape[1]))) for layer in layers])


def _plain(elmo: ELMo) -> bool:
    """Whether v_t equals h_bi: W is the identity and b zero."""
    W, b = elmo.word_vector.W.value, elmo.word_vector.b.value
    return W.shape[0] == W.shape[1] and np.array_equal(W, np.eye(len(W), dtype=W.dtype)) and not b.any()
