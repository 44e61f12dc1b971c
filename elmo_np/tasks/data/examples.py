"""Labelled sentences in memory, and the data that a task is trained and tested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Examples(NamedTuple):
    """Sentences as tokens, and the label of each, or its labels, one per word."""

    sentences: list[list[str]]
    labels: list[Any]

    def some(self, indices: Iterable[int]) -> Examples:
        chosen = list(indices)
        return Examples([self.sentences[k] for k in chosen], [self.labels[k] for k in chosen])

    def texts(self) -> list[list[str]]:
        """All sentences: of pairs both."""
        return [*self.sentences, *(own.second for own in self.labels if isinstance(own, WordPair))]


class Occurrence(NamedTuple):
    """An ambiguous word in a sentence."""

    position: int       # among the tokens, from 0
    word: str           # the word of which the token is a form
    sense: str          # "" if it is to be predicted


class WordPair(NamedTuple):
    """A word in two sentences, of which the example's own is the first."""

    word: str                   # the word of which both tokens are forms
    positions: tuple[int, int]  # among the tokens of each sentence, from 0
    second: list[str]           # the second sentence
    answer: str                 # T: it has the same sense in both, F; "" if it is to be predicted


class Data(NamedTuple):
    """The data that a task is trained and tested on."""

    train: Examples
    test: Examples
    split: str                                  # how the test sentences were chosen, for the report
    corpus: Iterable[Sequence[str]] | None      # text without labels for a biLM; None: the training sentences
    raw: bool = False                           # whether the sentences were raw text, so that new text is split too
