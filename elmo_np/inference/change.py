"""Change of meaning: how far the uses of a word in two corpora are apart.

    (J1) APD = the mean of 1 - cos(x, y) over all pairs of a use x in the first corpus and a use y in the second
    (J2) PRT = 1 - cos(the mean of the x, the mean of the y)
    (J3) JSD = H((p + q) / 2) - (H(p) + H(q)) / 2, in bits: p and q are the shares of clusters of uses in each corpus

APD is the average pairwise distance, PRT the prototype distance, JSD the Jensen-Shannon divergence.
Source: Giulianelli et al. 2020 (J1, J3); Kutuzov and Giulianelli 2020 (J2, there as 1 / cos, which orders words alike);
Davison and Hinkley 1997 (basic bootstrap intervals and permutation tests).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np

from ..data.corpus import require_reiterable
from ..data.sentences import checked_words
from ..errors import UserError
from ..runtime.progress import Progress
from ..runtime.threads import one_blas_thread
from ..types import Array
from .clusters import FEWEST, clusters
from .elmo import ELMo
from .neighbours import unit
from .occurrences import Occurrence, Sample, drawn, vectors_at
from .static_vectors import check_layer
from .token_indexer import token_indexer

NAMES = ("apd", "prt", "jsd")
HIGHEST = (2.0, 2.0, 1.0)       # that each of them can be
LEAST = 2           # uses in each corpus: with one nothing shows how uses vary
MOST = 500          # default maximum number of uses of a word per corpus
LIMIT = 10_000      # the highest maximum: 20,000 vectors are in memory at a time
DRAWS = 999         # bootstrap samples, and shuffles
BLOCK = 1 << 21     # values of the weights of draws that are in memory at a time
CORPORA = ("first", "second")

Corpora = tuple[Iterable[Sequence[str]], Iterable[Sequence[str]]]


class Distance(NamedTuple):
    """A measure of the distance between the uses of a word in two corpora."""

    value: float
    low: float          # of its 95 % interval, which allows for samples that are apart by chance, as `value` does not
    high: float
    p: float            # the share of shuffles of the uses between the corpora that are as far apart


class Change(NamedTuple):
    """A word in two corpora, by N uses, those of the first corpus first."""

    word: str
    totals: tuple[int, int]             # how often it occurs in each
    counts: tuple[int, int]             # how many uses in each are compared; they add up to N
    distances: dict[str, Distance]      # by NAMES; without jsd where there are fewer than 20 uses; {}: none
    note: str                           # why there are none, or a warning; "" otherwise
    uses: list[Occurrence]              # (N)
    vectors: Array                      # (N, dim), float64
    away: Array                         # (N,) the average distance of a use from those in the other corpus
    groups: Array                       # (N,) its cluster, 0 the largest

    def farthest(self, corpus: int, number: int) -> list[int]:
        """The uses in corpus 0 or 1 that are farthest from those in the other on average, farthest first: indices."""
        start = corpus * self.counts[0]
        own = self.away[start:start + self.counts[corpus]]
        return [start + int(k) for k in np.argsort(-own, kind="stable")[:number]]


class Uses(NamedTuple):
    """What the measures are computed from."""

    vectors: Array      # (N, dim)
    directions: Array   # (N, dim): the same at length 1
    members: Array      # (N, clusters): 1 where a use is in a cluster, else 0


def change(elmo: ELMo, corpora: Corpora, words: Sequence[str], *, layer: str | int = "top", most: int = MOST,
           seed: int = 0, quiet: bool = False) -> Iterator[Change]:
    """Compare the uses of each word in two corpora, one word after another.

    corpora     two iterables of sentences as lists of tokens, which can be read repeatedly
    layer       whose vectors: "top", "average", "sum", "mix" or a number
    most        maximum number of uses per word and corpus: a sample by `seed`, in which equal sentences count once
    seed        of the sample, the bootstrap and the shuffles
    quiet       no progress on stderr
    A word that the model does not know, or with fewer than two uses in a corpus, has no distances, and a note.
    Raises UserError for a layer that the model does not have, no words, or another `most`.
    """
    check_layer(elmo, layer)
    if not (isinstance(most, Integral) and LEAST <= most <= LIMIT):
        raise UserError(f"at most {most} uses per word and corpus: expected a whole number from {LEAST} to {LIMIT:,}")
    if not (isinstance(seed, Integral) and seed >= 0):
        raise UserError(f"seed={seed} (--seed): expected a whole number of at least 0")
    wanted = list(dict.fromkeys(checked_words(words, "the list of words")))
    if not wanted:
        raise UserError("no words: expected at least one to compare")
    if not isinstance(corpora, Sequence) or len(corpora) != 2:
        raise UserError(f"the corpora are {corpora!r:.60}, expected two, each an iterable of sentences")
    first, second = map(require_reiterable, corpora)
    return _changes(elmo, (first, second), wanted, layer, most, seed, quiet)


def _changes(elmo: ELMo, corpora: Corpora, words: Sequence[str], layer: str | int, most: int, seed: int,
             quiet: bool) -> Iterator[Change]:
    known = token_indexer(elmo.model, elmo.vocabulary)
    with Progress(quiet=quiet) as progress:
        samples = [drawn(corpus, words, most, progress, seed) for corpus in corpora]
        for number, (one, other) in enumerate(zip(*samples, strict=True), 1):
            few = _too_few((one, other), LEAST)
            copies = any(sample.total >= LEAST > len(sample.shown) for sample in (one, other))
            reason = f"not compared: {few}{'; equal sentences count once' if copies else ''}" if few else ""
            if one.word not in known:
                reason = "not compared: not a word of the model's vocabulary"
            if reason:
                totals = (one.total, other.total)
                yield Change(one.word, totals, (0, 0), {}, reason, [], np.zeros((0, 0)), np.zeros(0), np.zeros(0, int))
            else:
                progress.show(f"{number:,} of {len(words):,} words: {one.word!r}")
                yield _compared(elmo, one, other, layer, seed)


def _compared(elmo: ELMo, one: Sample, other: Sample, layer: str | int, seed: int) -> Change:
    uses = [*one.shown, *other.shown]
    n = len(one.shown)
    found = vectors_at(uses, lambda sentences: (parts for _, parts in elmo.parts(sentences, layer)))
    vectors = found.astype(np.float64)
    directions = unit(vectors)
    with one_blas_thread():             # the order of summation decides the last bits
        differ = np.abs(directions - directions[0]).max() > 1e-6
        groups = clusters(directions) if len(uses) >= FEWEST and differ else np.zeros(len(uses), int)
        distances = _distances(Uses(vectors, directions, np.eye(groups.max() + 1)[groups]), n, seed)
        means = np.stack([directions[:n].mean(axis=0), directions[n:].mean(axis=0)])
        away = 1 - np.concatenate([directions[:n] @ means[1], directions[n:] @ means[0]])
    if len(uses) < FEWEST:
        del distances["jsd"]
    few = _too_few((one, other), FEWEST)
    return Change(one.word, (one.total, other.total), (n, len(uses) - n), distances,
                  f"not reliable: {few}" if few else "", uses, vectors, away, groups)


def _too_few(samples: Sequence[Sample], least: int) -> str:
    """Which corpus has fewer than so many uses; "" if none has."""
    return " and ".join(f"{(n := len(sample.shown))} use{'s' * (n != 1)} in the {name} corpus"
                        for sample, name in zip(samples, CORPORA, strict=True) if len(sample.shown) < least)


def _distances(uses: Uses, n: int, seed: int) -> dict[str, Distance]:
    """The measures, with intervals by a bootstrap and p by shuffles; the first n uses are those of the first corpus."""
    N = len(uses.vectors)
    first = np.arange(N) < n
    value = measures(uses, first[None] / n, ~first[None] / (N - n))[0]
    rng = np.random.default_rng(seed)
    again, shuffled = [], []
    for start in range(0, DRAWS, max(1, BLOCK // N)):
        rows = min(max(1, BLOCK // N), DRAWS - start)
        again.append(measures(uses, _resampled(rng, rows, first), _resampled(rng, rows, ~first)))
        here = rng.permuted(np.tile(first, (rows, 1)), axis=1)
        shuffled.append(measures(uses, here / n, ~here / (N - n)))
    low, high = np.quantile(np.concatenate(again), (0.025, 0.975), axis=0)
    low, high = np.clip(2 * value - high, 0, HIGHEST), np.clip(2 * value - low, 0, HIGHEST)
    p = (1 + (np.concatenate(shuffled) >= value - 1e-12).sum(axis=0)) / (1 + DRAWS)
    return {name: Distance(*row) for name, row in zip(NAMES, np.stack([value, low, high, p], 1).tolist(), strict=True)}


def _resampled(rng: np.random.Generator, rows: int, own: Array) -> Array:
    """Weights of samples, with replacement, of the uses where `own` (N,) is true: (rows, N)."""
    weights = np.zeros((rows, len(own)))
    n = int(own.sum())
    weights[:, own] = rng.multinomial(n, np.full(n, 1 / n), rows) / n
    return weights


def measures(uses: Uses, first: Array, second: Array) -> Array:
    """(J1)-(J3) of R pairs of samples.

    first, second   (R, N): the weights of the uses in the samples of each corpus; each row sums to 1
    -> (R, 3), in the order of NAMES
    """
    # A mean over all pairs of cosines is one product: that of the means of the directions.
    apd = 1 - _cosines(first @ uses.directions, second @ uses.directions)               # (J1)
    prt = 1 - _cosines(unit(first @ uses.vectors), unit(second @ uses.vectors))         # (J2)
    p = first @ uses.members                                                            # (J3)
    q = second @ uses.members                                                           # (J3)
    jsd = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2                       # (J3)
    found: Array = np.maximum(np.stack([apd, prt, jsd], axis=1), 0)         # rounding may leave -1e-16
    return found


def _cosines(x: Array, y: Array) -> Array:
    """The products of rows, (R, dim) each: their cosines where they have length 1."""
    products: Array = (x * y).sum(axis=1)
    return products


def _entropy(p: Array) -> Array:
    """In bits, of each row."""
    entropy: Array = -(p * np.log2(np.where(p > 0, p, 1))).sum(axis=1)
    return entropy
