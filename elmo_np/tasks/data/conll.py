"""Files with one word per line and a blank line between sentences, the labels in a column.

    CoNLL       columns between spaces or tabs: the word first, the label last; a first column that counts up is skipped
    CoNLL-U     ten columns between tabs: the word in FORM, the label in UPOS; the rows of a multiword token's surface
                form (3-4) and of an empty node (5.1) are skipped

`columns` chooses others: {"word": .., "label": ..}, each a number from 1, or a name of CoNLL-U in any case.
Labels are entities (O, B-type, I-type) or plain tags, such as parts of speech. IOB1, IOB2, IOBES, BILOU and BMES are
read as the entities that they mean. Rows of -DOCSTART- and comments are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby, pairwise
from typing import NamedTuple

from ...data.delimited import column_count
from ...errors import UserError
from ..metrics.scores import spans
from .examples import Examples
from .tables import ANY, BLANKS, Columns, file_lines, is_number

ROLES = ("word", "label")
CONLL_U = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_ENTITY = re.compile(r"[BIESLUM]-.")
_CELL = re.compile(r"[^ \t\n\r\f\v]+")


class Row(NamedTuple):
    number: int         # of its line, from 1
    cells: list[str]


def read_conll(path: str, columns: Columns = ANY) -> Examples:
    """A file of the task tag. Entities begin with B-type and go on with I-type, as conlleval reads them.

    Raises UserError that names the wrong line.
    """
    sentences, word, label = _columns(path, _sentences(path), columns)
    if word == label:
        raise UserError(f"{path}: column {word + 1} is both the word and the label: expected two columns: change "
                        "--columns")
    check = _check_of([row.cells[label] for rows in sentences for row in rows])
    found = Examples([], [])
    for rows in sentences:
        for number, cells in rows:
            if not (cells[word] and check(cells[label])):
                raise UserError(f"{path}, line {number}: expected a word and, in the last column or that of --columns, "
                                f"O, B-type or I-type: {' '.join(cells)!r:.60}")
        labels = [row.cells[label] for row in rows]
        found.sentences.append([_one_word(row.cells[word]) for row in rows])
        found.labels.append(labels if check is bool else well_formed(begun(labels)))
    return found


def read_conll_words(path: str, columns: Columns) -> list[list[str]]:
    """The sentences of such a file without labels."""
    sentences, word, _ = _columns(path, _sentences(path, 1), columns)
    return [[_one_word(row.cells[word]) for row in rows] for rows in sentences]


def well_formed(labels: Sequence[str]) -> list[str]:
    """The same entities, with B-type at the beginning of each."""
    found = ["O"] * len(labels)
    for begin, end, kind in spans(labels):
        found[begin:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - begin - 1)]
    return found


def begun(labels: Sequence[str]) -> list[str]:
    """O, B-type and I-type for labels that may also end an entity (E, L) or be one (S, U)."""
    found = [{"S": "B", "U": "B", "E": "I", "L": "I", "M": "I"}.get(label[0], label[0]) + label[1:] for label in labels]
    for k, (before, label) in enumerate(pairwise(labels), 1):
        if before[0] in "ESLU" and label[1:] == before[1:]:
            found[k] = f"B{label[1:]}"
    return found


def _check_of(labels: Sequence[str]) -> Callable[[str], bool]:
    """Whether a label is right: in a file with entities O, or a prefix and a type; among plain tags any."""
    some = {label for label in labels if label != "O"}
    outside = "O" in labels
    if any(_ENTITY.match(label) and (label[0] in "BI") for label in some) or (outside and some and (
            any(label in ("B-", "I-") for label in some) or all(map(_ENTITY.match, some)))):
        return lambda label: label == "O" or bool(_ENTITY.match(label))
    return bool


def _sentences(path: str, least: int = 2) -> list[list[Row]]:
    """The rows of each sentence, all with the same number of columns."""
    lines = [(number, line.rstrip(BLANKS)) for number, line in enumerate(file_lines(path), 1)]
    data = [line for _, line in lines if line.strip() and not line.startswith("-DOCSTART-")]
    if not data:
        raise UserError(f"{path} is empty: expected words and labels in columns")
    first = next((line for line in data if not line.startswith("#")), data[0])
    split: Callable[[str], list[str]] = _CELL.findall
    if "\t" in first:
        split = partial(re.split, "\t")
    width, found = len(split(first)), []
    for blank, group in groupby(lines, lambda line: not line[1].strip()):
        rows = [] if blank else [Row(number, [cell.strip(BLANKS) for cell in split(line)]) for number, line in group]
        rows = [row for row in rows if row.cells[0] != "-DOCSTART-"]
        while rows and rows[0].cells[0].startswith("#") and len(rows[0].cells) != width:
            rows.pop(0)                                         # a comment before the first word
        for number, cells in rows:
            if len(cells) != width or width < least:
                raise UserError(f"{path}, line {number}: {column_count(cells)}, expected a word and a label, in "
                                f"{max(width, least)} columns as on other lines: {' '.join(cells)!r:.60}")
        if rows:
            found.append(rows)
    return found


def _columns(path: str, sentences: list[list[Row]], columns: Columns) -> tuple[list[list[Row]], int, int]:
    """The rows that are words, and the columns of words and labels, from 0. Raises UserError."""
    width = len(sentences[0][0].cells)
    first = [[row.cells[0] for row in rows] for rows in sentences]
    names: Sequence[str] = ()
    word, label = 0, width - 1
    if width == len(CONLL_U) and all(re.fullmatch(r"\d+(?:[-.]\d+)?", own) for rows in first for own in rows):
        sentences = [[row for row in rows if row.cells[0].isdecimal()] for rows in sentences]
        names, word, label = CONLL_U, 1, 3
    elif width > 2 and all(_counts_up(rows) for rows in first):
        word = 1
    found = []
    for role, default in ("word", word), ("label", label):
        column = columns.get(role, str(default + 1)).lower()
        number = names.index(column) + 1 if column in names else int(column) if is_number(column) else 0
        if not 0 < number <= width:
            raise UserError(f"{path} has no column {column:.40}: expected a number from 1 to {width}"
                            + (f", or one of {', '.join(names)}" if names else "") + ": change --columns")
        found.append(number - 1)
    _check_words([row.cells[found[0]] for rows in sentences for row in rows], path, found[0] + 1)
    return [rows for rows in sentences if rows], found[0], found[1]


def _counts_up(cells: Sequence[str]) -> bool:
    return all(map(is_number, cells)) and all(int(a) + 1 == int(b) for a, b in pairwise(cells))


def _check_words(found: Sequence[str], path: str, column: int) -> None:
    """Raises UserError for a column that is plainly not of words, but of sentences, numbers or the document's name."""
    several = sum(" " in own for own in found) > len(found) / 2
    if several or (len(found) > 9 and (len(set(found)) == 1 or all(map(str.isdecimal, found)))):
        raise UserError(f"{path}: column {column} has {found[0]!r:.40}, expected one word per line: choose the "
                        "columns with --columns word=NUMBER,label=NUMBER")


def _one_word(cell: str) -> str:
    """A word as one token: a space within it, as in 10 000 of CoNLL-U, becomes one that does not separate."""
    return "\u00a0".join(_CELL.findall(cell))
