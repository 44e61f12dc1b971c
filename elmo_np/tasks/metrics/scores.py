"""How good predictions are: accuracy, precision, recall, F1, and which label was taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ...types import Array


class Score(NamedTuple):
    """Counts of one kind of thing, and what follows from them; a share of nothing is 0."""

    right: int          # predicted and there
    predicted: int
    there: int

    @property
    def precision(self) -> float:
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.there if self.there else 0.0

    @property
    def f1(self) -> float:
        both = self.predicted + self.there
        return 2 * self.right / both if both else 0.0


def scores(there: Iterable[tuple[Hashable, str]], predicted: Iterable[tuple[Hashable, str]]) -> dict[str, Score]:
    """{kind: its Score} of two sets of (thing, kind), kinds in order, and "all" of them together."""
    there, predicted = set(there), set(predicted)
    counts = [Counter(kind for _, kind in some) for some in (there & predicted, predicted, there)]
    kinds = sorted(counts[1].keys() | counts[2].keys())
    return {**{kind: Score(*(count[kind] for count in counts)) for kind in kinds},
            "all": Score(len(there & predicted), len(predicted), len(there))}


def accuracy(there: Sequence[str], predicted: Sequence[str]) -> float:
    """The share of labels that are right."""
    return float(np.mean([a == b for a, b in zip(there, predicted, strict=True)]))


def confusion(there: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Array:
    """(C, C): row i, column j counts what is label i and was taken for label j."""
    number = {label: k for k, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(counts, ([number[label] for label in there], [number[label] for label in predicted]), 1)
    return counts


def spans(labels: Sequence[str]) -> list[tuple[int, int, str]]:
    """(begin, end, type) of every entity in BIO labels, as conlleval reads them: an entity begins at B-type, and at an
    I-type that follows something else."""
    found: list[tuple[int, int, str]] = []
    begin, kind = 0, ""
    for t, label in enumerate([*labels, "O"]):
        own = label[2:] if label != "O" else ""
        if kind and (own != kind or label.startswith("B-")):
            found.append((begin, t, kind))
            kind = ""
        if own and not kind:
            begin, kind = t, own
    return found


def entity_scores(there: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, Score]:
    """{type: its Score} and "all": an entity is right if its begin, its end and its type are."""
    def entities(sentences: Sequence[Sequence[str]]) -> list[tuple[Hashable, str]]:
        return [((k, begin, end), kind) for k, labels in enumerate(sentences) for begin, end, kind in spans(labels)]
    return scores(entities(there), entities(predicted))


def accuracy_by_word(words: Sequence[str], there: Sequence[str],
                     predicted: Sequence[str]) -> dict[str, tuple[float, int]]:
    """{word: (share of its senses that are right, occurrences)}, in order."""
    right: dict[str, list[bool]] = {word: [] for word in sorted(set(words))}
    for word, one, other in zip(words, there, predicted, strict=True):
        right[word].append(one == other)
    return {word: (float(np.mean(own)), len(own)) for word, own in right.items()}


def token_accuracy(references: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """The share of words that are right at their place, of as many as the longer one of reference and translation has;
    1 where there are none at all."""
    right = sum(a == b for one, other in zip(references, predicted, strict=True)
                for a, b in zip(one, other, strict=False))
    places = sum(max(len(one), len(other)) for one, other in zip(references, predicted, strict=True))
    return right / places if places else 1.0
