"""Surprisal: how unexpected each word of a text is, the measure that is compared with reading times.

    (P4) surprisal = - log2 p(w_t | the words before it), in bits; backward: given the words after it
    (P5) entropy reduction = the entropy before a word - the entropy after it, both by (P3), in bits

Source: Hale 2001, Levy 2008 (surprisal); Hale 2006 (entropy reduction, of the next word rather than of the parse).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..types import Array
from .elmo import ELMo
from .evaluate import SentenceScore, in_words, score, unigram_log_p

BITS = float(np.log2(np.e))     # of a nat


class Surprisal(NamedTuple):
    """Of n units of a sentence, in its order: tokens, or groups of them; all (n,), float64 but for `unknown`.

    NaN is what a model of one direction does not know: all that the other would predict.
    """

    forward: Array              # given the tokens before, in bits
    backward: Array             # given the tokens after, in bits
    entropy_before: Array       # of the prediction of the unit's first token, in bits
    entropy_after: Array        # of the prediction of what follows its last token, in bits
    log_frequency: Array        # log2 p of the unigram model; NaN for a vocabulary without counts
    unknown: Array              # number of its tokens that are not in the vocabulary, int64

    @property
    def entropy_reduction(self) -> Array:
        """How much less uncertain the prediction is after the unit than before it, in bits."""
        reduction: Array = self.entropy_before - self.entropy_after              # (P5)
        return reduction

    def grouped(self, sizes: Sequence[int]) -> Surprisal:
        """Groups of consecutive units: sums over each, with the entropies at its two ends.

        sizes   units of each group, in order, together n; an empty group has NaN everywhere, and nothing unknown
        """
        ends = np.cumsum(sizes)
        starts = ends - sizes
        filled = ends > starts

        def sums(x: Array) -> Array:
            found = np.array([x[start:end].sum() for start, end in zip(starts, ends, strict=True)], x.dtype)
            return np.where(filled, found, np.nan) if x.dtype.kind == "f" else found

        before, after = np.full((2, len(ends)), np.nan)
        before[filled] = self.entropy_before[starts[filled]]
        after[filled] = self.entropy_after[ends[filled] - 1]
        return Surprisal(sums(self.forward), sums(self.backward), before, after, sums(self.log_frequency),
                         sums(self.unknown))


def surprisal(elmo: ELMo, sentences: Iterable[str | Sequence[str]], state: str = "reset") -> list[Surprisal]:
    """Surprisal of every token of every sentence, without its special tokens.

    sentences   lists of tokens, or texts, which are split as the model's corpus was
    state       "reset": every sentence on its own; "carry": each goes on from the one before
    Raises UserError for a model without a softmax, no sentence at all, or a single text in place of a list of them.
    """
    lists = in_words(elmo, sentences)
    scores = score(elmo, lists, state, entropy=True)
    measure = Measure(elmo)
    return [measure(words, found) for words, found in zip(lists, scores, strict=True)]


class Measure:
    """Makes the surprisal of a sentence from its score, which must have its entropies."""

    def __init__(self, elmo: ELMo):
        self._vocabulary = elmo.vocabulary
        known = elmo.vocabulary.counts
        self._log_p = unigram_log_p(elmo.vocabulary) if known else np.full(len(elmo.vocabulary), np.nan)

    def __call__(self, words: Sequence[str], found: SentenceScore) -> Surprisal:
        ids = np.array(self._vocabulary.ids(words), np.int64)
        none = np.full(len(words) + 1, np.nan)
        forward, backward, entropies = (none if values is None else values * BITS for values in found)
        return Surprisal(-forward[:-1], -backward[1:],                           # (P4)
                         entropies[:-1], entropies[1:], self._log_p[ids] * BITS,
                         (ids == self._vocabulary.unk).astype(np.int64))
