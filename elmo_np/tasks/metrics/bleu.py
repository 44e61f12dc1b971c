"""BLEU (Papineni et al. 2002) as sacrebleu counts it: the extra [bleu]."""

import re
from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from ...types import Array


def available() -> bool:
    return find_spec("sacrebleu") is not None


def bleu(references: Sequence[Sequence[Sequence[str]]], predicted: Sequence[Sequence[str]]) -> float:
    """BLEU from 0 to 1 of one translation per sentence, with one or more references for each.

    The words count as they are split here; sacrebleu does not tokenize. Raises ImportError without sacrebleu.
    """
    return float(bleu_of(bleu_counts(references, predicted).sum(axis=0)))


def bleu_counts(references: Sequence[Sequence[Sequence[str]]], predicted: Sequence[Sequence[str]]) -> Array:
    """(N, 10): for each sentence its correct n-grams, n from 1 to 4, all its n-grams, its length, and that of the
    nearest reference. Their sums give `bleu`: `bleu_of`. Raises ImportError without sacrebleu."""
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize="none", force=True, effective_order=True)    # which changes scores, not counts
    found = []
    for words, own in zip(predicted, references, strict=True):
        one = metric.sentence_score(_line(words), [_line(other) for other in own])
        found.append([*one.counts, *one.totals, one.sys_len, one.ref_len])
    return np.array(found, np.int64).reshape(-1, 10)


def _line(words: Sequence[str]) -> str:
    """The words as sacrebleu splits them again: also at a no-break space, which is part of a word here."""
    return " ".join(re.sub(r"\s", "\N{OPEN BOX}", word) for word in words)


def bleu_of(sums: Array) -> Array:
    """BLEU (..) from 0 to 1 of sums (.., 10) of `bleu_counts`. Raises ImportError without sacrebleu."""
    from sacrebleu.metrics.bleu import BLEU

    def one(row: Array) -> float:
        counts = row.round().astype(int).tolist()
        return float(BLEU.compute_bleu(counts[:4], counts[4:8], counts[8], counts[9], "exp").score) / 100
    return np.apply_along_axis(one, -1, sums)
