"""Baselines that a task model should beat: predictions without vectors."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from ...types import Sentences
from ..data.conll import well_formed
from ..data.examples import Examples, Occurrence
from ..metrics.scores import are_entities


def majority(train: Examples, sentences: Sentences) -> list[str]:
    """The most frequent label of the training examples, for every sentence."""
    return [Counter(train.labels).most_common(1)[0][0]] * len(sentences)


def naive_bayes(train: Examples, sentences: Sentences) -> list[str]:
    """Multinomial naive Bayes on the bag of words, with one added to each count; unseen words are ignored.

    Source: McCallum and Nigam 1998.
    """
    labels = sorted(set(train.labels))
    counts: dict[str, Counter[str]] = {label: Counter() for label in labels}
    for example, label in zip(train.sentences, train.labels, strict=True):
        counts[label].update(example)
    words = {word: k for k, word in enumerate(sorted(set().union(*counts.values())))}
    seen = np.array([[counts[label][word] for word in words] for label in labels]) + 1.0
    log_p = np.log(seen / seen.sum(axis=1, keepdims=True))
    prior = np.log([train.labels.count(label) / len(train.labels) for label in labels])
    found = []
    for sentence in sentences:
        known = [words[word] for word in sentence if word in words]
        found.append(labels[int((prior + log_p[:, known].sum(axis=1)).argmax())])
    return found


def most_frequent_tags(train: Examples, sentences: Sentences) -> list[list[str]]:
    """Each word's most frequent label in training; for an unseen word O, or the most frequent of plain tags."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sentence, labels in zip(train.sentences, train.labels, strict=True):
        for word, own in zip(sentence, labels, strict=True):
            counts[word][own] += 1
    best = {word: count.most_common(1)[0][0] for word, count in counts.items()}
    every = sum(counts.values(), Counter[str]())
    if are_entities(every):
        return [well_formed([best.get(word, "O") for word in sentence]) for sentence in sentences]
    other = every.most_common(1)[0][0]
    return [[best.get(word, other) for word in sentence] for sentence in sentences]


def word_by_word(train: Examples, sentences: Sentences) -> list[list[str]]:
    """The translation of each word, in the order of the source: the target word with the highest Dice coefficient,
    2 n(both) / (n(source) + n(target)) over training pairs; nothing for an unseen word."""
    in_source, in_target = Counter[str](), Counter[str]()
    in_both = defaultdict[str, Counter[str]](Counter)
    for source, target in zip(train.sentences, train.labels, strict=True):
        words = set(target)
        in_target.update(words)
        for word in set(source):
            in_source[word] += 1
            in_both[word].update(words)
    best = {word: max(sorted(found), key=lambda own: found[own] / (in_source[word] + in_target[own]))
            for word, found in in_both.items()}
    return [[best[word] for word in sentence if word in best] for sentence in sentences]


def most_frequent_senses(train: Examples, occurrences: Sequence[Occurrence]) -> list[str]:
    """The most frequent sense of each word in training, "" for an unseen word."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for occurrence in train.labels:
        counts[occurrence.word][occurrence.sense] += 1
    best = {word: count.most_common(1)[0][0] for word, count in counts.items()}
    return [best.get(occurrence.word, "") for occurrence in occurrences]
