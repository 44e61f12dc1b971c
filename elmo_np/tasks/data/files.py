"""Labelled sentences of a task: their files, and how they are split.

    classify    sentence<TAB>label
    tag         word<TAB or space>...<TAB or space>label, one word per line, a blank line between sentences (CoNLL
                columns)
    senses      sentence<TAB>position<TAB>word<TAB>sense: the position of an ambiguous word among the tokens, from 0,
                and the word of which that token is a form
    translate   source<TAB>target, sentences of two languages; further columns are ignored
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...data import text
from ...data.text_lines import text_lines
from ...errors import UserError
from ..metrics.scores import spans


class Examples(NamedTuple):
    """Sentences as tokens, and the label of each, or its labels, one per word."""

    sentences: list[list[str]]
    labels: list[Any]

    def some(self, indices: Iterable[int]) -> Examples:
        chosen = list(indices)
        return Examples([self.sentences[k] for k in chosen], [self.labels[k] for k in chosen])


class Occurrence(NamedTuple):
    """An ambiguous word in a sentence."""

    position: int       # among the tokens, from 0
    word: str           # the word of which the token is a form
    sense: str          # "" if it is to be predicted


class Data(NamedTuple):
    """The data that a task is trained and tested on."""

    train: Examples
    test: Examples
    split: str                                  # how the test sentences were chosen, for the report
    corpus: Iterable[Sequence[str]] | None      # text without labels for a biLM; None: the training sentences
    raw: bool = False                           # whether the sentences were raw text, so that new text is split too


def read_labelled(path: str, tokenize: bool = False) -> Examples:
    """A file of the task classify. Raises UserError that names the wrong line."""
    found = Examples([], [])
    for number, line in _rows(path):
        cells = line.split("\t")
        if len(cells) != 2 or not cells[1].strip():
            raise UserError(f"{path}, line {number}: {len(cells)} columns, expected sentence<TAB>label: {line!r:.60}")
        tokens = text.tokens(cells[0]) if tokenize else cells[0].split()
        if not tokens:
            raise UserError(f"{path}, line {number}: no word before the label {cells[1]!r:.40}")
        found.sentences.append(tokens)
        found.labels.append(cells[1].strip())
    return _some(found, path, "sentence<TAB>label lines")


def read_conll(path: str, tokenize: bool = False) -> Examples:
    """A file of the task tag: its first column is the word, its last the label, O or B-type or I-type.

    Labels are normalised: an I-type that follows another type or O begins an entity, as in conlleval, and becomes
    B-type. Raises UserError that names the wrong line.
    """
    found = Examples([], [])
    for blank, group in groupby(_rows(path, blank=True), lambda row: not row[1].strip()):
        if blank:
            continue
        words, labels = [], []
        for number, line in group:
            cells = line.split("\t") if "\t" in line else line.split()
            word, label = cells[0].strip(), cells[-1].strip()
            if len(cells) < 2 or not word or not (label == "O" or (label[:2] in ("B-", "I-") and label[2:])):
                raise UserError(f"{path}, line {number}: expected a word and, in the last column, O, B-type or I-type: "
                                f"{line!r:.60}")
            words.append(word)
            labels.append(label)
        if words[0] == "-DOCSTART-":
            continue
        found.sentences.append(words)
        found.labels.append(well_formed(labels))
    return _some(found, path, "words and labels in columns")


def well_formed(labels: Sequence[str]) -> list[str]:
    """The same entities, with B-type at the beginning of each."""
    found = ["O"] * len(labels)
    for begin, end, kind in spans(labels):
        found[begin:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - begin - 1)]
    return found


def read_senses(path: str, labelled: bool = True) -> Examples:
    """A file of the task senses; not `labelled`: without the last column.

    Raises UserError that names the wrong line.
    """
    found = Examples([], [])
    columns = ["sentence", "position", "word", *(["sense"] if labelled else [])]
    for number, line in _rows(path):
        cells = [cell.strip() for cell in line.split("\t")]
        tokens = cells[0].split()
        if len(cells) != len(columns) or not all(cells[2:]):
            raise UserError(f"{path}, line {number}: {len(cells)} columns, expected {'<TAB>'.join(columns)}: "
                            f"{line!r:.60}")
        if not cells[1].isdecimal() or int(cells[1]) >= len(tokens):
            raise UserError(f"{path}, line {number}: position {cells[1]!r:.20}, expected a whole number from 0 to "
                            f"{len(tokens) - 1}, the last of the sentence's {len(tokens)} tokens")
        found.sentences.append(tokens)
        found.labels.append(Occurrence(int(cells[1]), cells[2], cells[3] if labelled else ""))
    return _some(found, path, f"{'<TAB>'.join(columns)} lines")


def read_pairs(path: str, tokenize: bool = False) -> Examples:
    """A file of the task translate. Raises UserError that names the wrong line."""
    found = Examples([], [])
    for number, line in _rows(path):
        cells = line.split("\t")
        if len(cells) < 2:
            raise UserError(f"{path}, line {number}: {len(cells)} column, expected source<TAB>target: {line!r:.60}")
        source, target = (text.tokens(cell) if tokenize else cell.split() for cell in cells[:2])
        if not source or not target:
            raise UserError(f"{path}, line {number}: no word in the {'target' if source else 'source'}: "
                            f"{line!r:.60}")
        found.sentences.append(source)
        found.labels.append(target)
    return _some(found, path, "source<TAB>target lines")


def read_sentences(path: str, tokenize: bool) -> list[list[str]]:
    """One sentence per line, without labels; blank lines are skipped. Raises UserError."""
    found = [text.tokens(line) if tokenize else line.split() for _, line in _rows(path)]
    return _some(Examples(found, []), path, "one sentence per line").sentences


def split_indices(N: int, every: int, seed: int) -> tuple[list[int], list[int]]:
    """The indices 0 .. N-1 in two parts, drawn by the seed: without one of every so many, and those; each in order.

    Raises UserError for too few.
    """
    count = N // every
    if not count:
        raise UserError(f"{N} sentences are too few to hold out one of every {every}: expected more, or a file for "
                        "that part")
    order = np.random.default_rng([seed, 3]).permutation(N)
    return sorted(order[count:].tolist()), sorted(order[:count].tolist())


def split_by_sentence(sentences: Sequence[Sequence[str]], every: int, seed: int) -> tuple[list[int], list[int]]:
    """As `split_indices`, but with one of every so many different sentences: equal ones stay together."""
    different = list(dict.fromkeys(map(tuple, sentences)))
    chosen = {different[k] for k in split_indices(len(different), every, seed)[1]}
    parts: tuple[list[int], list[int]] = [], []
    for k, sentence in enumerate(sentences):
        parts[tuple(sentence) in chosen].append(k)
    return parts


def fold_indices(sentences: Sequence[Sequence[str]], count: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """The indices of sentences in `count` folds, drawn by the seed: for each fold those of the others, and its own.

    Equal sentences are in the same fold. Raises UserError for fewer than two folds, and for more than sentences.
    """
    different = list(dict.fromkeys(map(tuple, sentences)))
    if not 2 <= count <= len(different):
        raise UserError(f"--folds {count}: expected a whole number from 2 to {len(different):,}, the number of "
                        "different sentences")
    order = np.random.default_rng([seed, 4]).permutation(len(different))
    fold = {different[k]: rank % count for rank, k in enumerate(order.tolist())}
    own = np.array([fold[tuple(sentence)] for sentence in sentences])
    return [(np.flatnonzero(own != k).tolist(), np.flatnonzero(own == k).tolist()) for k in range(count)]


def _rows(path: str, blank: bool = False) -> Iterator[tuple[int, str]]:
    """(line number, line without its end) of a text file."""
    if not Path(path).is_file():
        raise UserError(f"there is no file {path}: expected a text file; check the path")
    for number, line in enumerate(text_lines(Path(path)), 1):
        if blank or line.strip():
            yield number, line.rstrip("\r\n")


def _some(found: Examples, path: str, what: str) -> Examples:
    if not found.sentences:
        raise UserError(f"{path} is empty: expected {what}")
    return found
