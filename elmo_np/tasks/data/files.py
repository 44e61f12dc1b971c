"""The files of tasks with one example per row: tables of any format in `tables`, or sentences alone.

    classify    sentence<TAB>label
    senses      sentence<TAB>position<TAB>word<TAB>sense: the position of an ambiguous word among the tokens, from 0,
                and the word of which that token is a form
    translate   source<TAB>target, sentences of two languages; further columns are ignored
The files of the task tag are in `conll`.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain, islice
from pathlib import Path

from ...data import text
from ...data.corpus import words
from ...data.delimited import TEXT
from ...data.text_lines import HEAD, KEPT, plain_lines
from ...errors import UserError
from .examples import Examples, Occurrence
from .tables import ANY, LABEL, Columns, begins_with_labels, file_lines, is_number, is_table, table_rows

SENTENCES = {"sentence": TEXT}
LABELLED = {"sentence": TEXT, "label": LABEL}
PAIRS = {"source": ("source", "src"), "target": ("target", "tgt", "translation")}
ASKED = {"sentence": TEXT, "position": ("position", "index"), "word": ("word", "lemma")}
SENSES = {**ASKED, "sense": ("sense", "label")}
_WORD_AND_LABEL = re.compile(r"(?:\S+[ \t]+)+(?:O|[BI]-\S+)\s*")


def split(line: str, tokenize: bool) -> list[str]:
    """The tokens of a sentence."""
    return text.tokens(line) if tokenize else words(line)


def read_labelled(path: str, tokenize: bool = False, columns: Columns = ANY) -> Examples:
    """A file of the task classify. Raises UserError that names the wrong line."""
    found = Examples([], [])
    for number, (sentence, label) in table_rows(path, LABELLED, columns):
        tokens = split(sentence, tokenize)
        if not label:
            raise UserError(f"{path}, line {number}: no label, expected sentence<TAB>label: {sentence!r:.60}")
        if not tokens:
            raise UserError(f"{path}, line {number}: no word before the label {label!r:.40}")
        found.sentences.append(tokens)
        found.labels.append(label)
    _some(found, path, "sentence<TAB>label lines")
    if not columns:
        _check_order(found, path)
    return found


def _check_order(found: Examples, path: str) -> None:
    """Raises UserError for labels that are plainly sentences, and for a first label that is plainly a heading."""
    sentences, labels = list(map(tuple, found.sentences)), found.labels
    longer = sum(len(words(label)) for label in labels) > sum(map(len, sentences))
    if longer and len(set(labels)) >= len(set(sentences)):
        raise UserError(f"{path}: the labels are longer than the sentences, for instance {labels[0]!r:.40}: expected "
                        "sentence<TAB>label; if the labels come first, give --columns sentence=2,label=1")
    once = [label for label, count in Counter(labels).items() if count == 1]
    alone = (once == labels[:1] and len(labels) > 3) or (labels[0] in once and sentences[0][0].casefold() in TEXT)
    if alone and len(sentences[0]) == 1 and re.fullmatch(r"[^\W\d][\w -]*", labels[0]):
        name, label = sentences[0][0], labels[0]
        raise UserError(f"{path}, line 1: is {name}<TAB>{label} a header row? Its label occurs once: "
                        f"give --columns sentence={name},label={label} if it is, and sentence=1,label=2 if it is not")


def read_senses(path: str, labelled: bool = True, columns: Columns = ANY) -> Examples:
    """A file of the task senses; not `labelled`: without the last column, and a blank line is an empty sentence.

    Raises UserError that names the wrong line.
    """
    found = Examples([], [])
    roles = SENSES if labelled else ASKED
    for number, cells in table_rows(path, roles, columns, blank=not labelled):
        tokens = words(cells[0]) if cells else []
        if cells and not all(cells[2:]):
            raise UserError(f"{path}, line {number}: a blank column, expected {'<TAB>'.join(roles)}: "
                            f"{' | '.join(cells)!r:.60}")
        if cells and not (is_number(cells[1]) and int(cells[1]) < len(tokens)):
            raise UserError(f"{path}, line {number}: position {cells[1]!r:.20}, expected a whole number from 0 to "
                            f"{len(tokens) - 1}, the last of the sentence's {len(tokens)} tokens")
        found.sentences.append(tokens)
        found.labels.append(Occurrence(int(cells[1]), cells[2], cells[3] if labelled else "") if cells else None)
    return _some(found, path, f"{'<TAB>'.join(roles)} lines")


def read_pairs(path: str, tokenize: bool = False, columns: Columns = ANY) -> Examples:
    """A file of the task translate. Raises UserError that names the wrong line."""
    found = Examples([], [])
    for number, cells in table_rows(path, PAIRS, columns, more=True):
        source, target = (split(cell, tokenize) for cell in cells)
        if not source or not target:
            raise UserError(f"{path}, line {number}: no word in the {'target' if source else 'source'}: "
                            f"{' | '.join(cells)!r:.60}")
        found.sentences.append(source)
        found.labels.append(target)
    return _some(found, path, "source<TAB>target lines")


def read_sentences(path: str, tokenize: bool, columns: Columns = ANY) -> list[list[str]]:
    """One sentence per line, or per row of a table; a blank line is an empty sentence. Raises UserError."""
    if columns or (Path(path).is_file() and is_table(path, SENTENCES)):
        lines = (cells[0] if cells else "" for _, cells in table_rows(path, SENTENCES, columns, blank=True))
        return _some(Examples([split(line, tokenize) for line in lines], []), path, "one sentence per row").sentences
    file_lines(path)
    plain = plain_lines(Path(path), KEPT)
    head = list(islice(plain, HEAD))
    filled = [line for line in head if line.strip()]
    advice = "expected one sentence per line: choose the column of the sentences with --columns sentence=COLUMN"
    if begins_with_labels(filled):
        raise UserError(f"{path} has lines that begin with a label, {advice}")
    if len(filled) > 1 and all(map(_WORD_AND_LABEL.fullmatch, filled)):
        raise UserError(f"{path} has a word and a label per line, expected one sentence per line: for the task tag, "
                        "give --columns word=1; for others, write the words of each sentence on one line first")
    found = []
    for number, line in enumerate(chain(head, plain), 1):
        if "\t" in line.strip():
            raise UserError(f"{path}, line {number}: {line.count(chr(9)) + 1} columns, {advice}")
        found.append(split(line, tokenize))
    return _some(Examples(found, []), path, "one sentence per line").sentences


def _some(found: Examples, path: str, what: str) -> Examples:
    if not any(found.sentences):
        raise UserError(f"{path} is empty: expected {what}")
    return found
