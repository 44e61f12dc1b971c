"""Measures of predictions: accuracy, precision, recall, F1, and the confusion matrix."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ...types import Array, Sentences


class Score(NamedTuple):
    """Counts for one label or type, and the measures that follow from them; a share of nothing is 0."""

    correct: int        # in both
    predicted: int
    support: int        # in the labelled data

    @property
    def precision(self) -> float:
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.correct / self.support if self.support else 0.0

    @property
    def f1(self) -> float:
        both = self.predicted + self.support
        return 2 * self.correct / both if both else 0.0


def scores(actual: Iterable[tuple[Hashable, str]], predicted: Iterable[tuple[Hashable, str]]) -> dict[str, Score]:
    """{kind: its Score} of two sets of (item, kind), kinds in order, and the Score of "all" together."""
    actual, predicted = set(actual), set(predicted)
    counts = [Counter(kind for _, kind in some) for some in (actual & predicted, predicted, actual)]
    kinds = sorted(counts[1].keys() | counts[2].keys())
    return {**{kind: Score(*(count[kind] for count in counts)) for kind in kinds},
            "all": Score(len(actual & predicted), len(predicted), len(actual))}


def label_scores(actual: Sequence[str], predicted: Sequence[str]) -> dict[str, Score]:
    """{label: its Score} where each item has one label."""
    correct = Counter(a for a, b in zip(actual, predicted, strict=True) if a == b)
    found, there = Counter(predicted), Counter(actual)
    return {label: Score(correct[label], found[label], there[label]) for label in sorted(found | there)}


def accuracy(labels: Sequence[str], predicted: Sequence[str]) -> float:
    """The share of predictions that are correct."""
    return float(np.mean([a == b for a, b in zip(labels, predicted, strict=True)]))


def correct_counts(labels: Sequence[str], predicted: Sequence[str]) -> Array:
    """(N, 2): for each item whether it is correct, and 1. Their sums give the accuracy: `ratio`."""
    return np.array([(a == b, 1) for a, b in zip(labels, predicted, strict=True)], np.int64).reshape(-1, 2)


def ratio(sums: Array) -> Array:
    """Accuracies (..) of sums (.., 2): correct, and all; 1 where there is nothing."""
    correct, all_of_them = sums[..., 0], sums[..., 1]
    return np.where(all_of_them, correct, 1) / np.where(all_of_them, all_of_them, 1)


def confusion(actual: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Array:
    """(C, C): row i, column j counts the examples of label i that were predicted as label j."""
    ids = {label: k for k, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(counts, ([ids[label] for label in actual], [ids[label] for label in predicted]), 1)
    return counts


def spans(labels: Sequence[str]) -> list[tuple[int, int, str]]:
    """(begin, end, type) of every entity in BIO labels, as conlleval reads them: an entity begins at B-type, and at an
    I-type that follows O or another type."""
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


def entity_scores(actual: Sentences, predicted: Sentences) -> dict[str, Score]:
    """{type: its Score} and "all": an entity is correct if its begin, its end and its type are."""
    def entities(sentences: Sentences) -> list[tuple[Hashable, str]]:
        return [((k, begin, end), kind) for k, labels in enumerate(sentences) for begin, end, kind in spans(labels)]
    return scores(entities(actual), entities(predicted))


def are_entities(labels: Iterable[str]) -> bool:
    """Whether the labels of words are O, B-type and I-type, not plain tags."""
    return all(label == "O" or label[:2] in ("B-", "I-") for label in labels)


def tag_scores(actual: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, Score]:
    """`entity_scores`; for plain tags {tag: its Score} and "all", whose F1 is the share of words that are correct."""
    if are_entities(label for labels in [*actual, *predicted] for label in labels):
        return entity_scores(actual, predicted)
    return scores(*(enumerate(label for labels in sentences for label in labels) for sentences in (actual, predicted)))


def tag_counts(actual: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Array:
    """(N, 3): for each sentence how many entities, or plain tags, are correct, predicted and there. Their sums give
    the F1 of all in `tag_scores`: `f1_of`."""
    entities = are_entities(label for labels in [*actual, *predicted] for label in labels)

    def items(labels: Sequence[str]) -> set[tuple[Hashable, ...]]:
        return set(spans(labels)) if entities else set(enumerate(labels))
    pairs = [(items(a), items(b)) for a, b in zip(actual, predicted, strict=True)]
    return np.array([(len(a & b), len(b), len(a)) for a, b in pairs], np.int64).reshape(-1, 3)


def f1_of(sums: Array) -> Array:
    """F1 (..) of sums (.., 3): correct, predicted and there; 0 where there is nothing."""
    both = sums[..., 1] + sums[..., 2]
    return 2 * sums[..., 0] / np.where(both, both, 1)


def word_counts(words: Sequence[str], senses: Sequence[str], predicted: Sequence[str]) -> Array:
    """(N, W, 2) for W different words in order: for each item and its own word whether its sense is correct, and 1."""
    different = {word: k for k, word in enumerate(sorted(set(words)))}
    counts = np.zeros((len(words), len(different), 2), np.int64)
    own = [different[word] for word in words]
    counts[np.arange(len(words)), own] = correct_counts(senses, predicted)
    return counts


def accuracy_by_word(words: Sequence[str], senses: Sequence[str],
                     predicted: Sequence[str]) -> dict[str, tuple[float, int]]:
    """{word: (share of its senses that are correct, occurrences)}, in order."""
    correct: dict[str, list[bool]] = {word: [] for word in sorted(set(words))}
    for word, one, other in zip(words, senses, predicted, strict=True):
        correct[word].append(one == other)
    return {word: (float(np.mean(own)), len(own)) for word, own in correct.items()}


def token_counts(references: Sentences, predicted: Sentences) -> Array:
    """(N, 2): for each sentence how many words are correct at their position, and the number of positions in the longer
    one of reference and translation. Their sums give the `token_accuracy`."""
    counts = [(sum(a == b for a, b in zip(one, other, strict=False)), max(len(one), len(other)))
              for one, other in zip(references, predicted, strict=True)]
    return np.array(counts, np.int64).reshape(-1, 2)


def token_accuracy(references: Sentences, predicted: Sentences) -> float:
    """The share of words that are correct at their position, relative to the longer one of reference and translation;
    1 if there are no words at all."""
    return float(ratio(token_counts(references, predicted).sum(axis=0)))
