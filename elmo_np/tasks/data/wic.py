"""The files of WiC, words in context: pairs of sentences with a word, and whether it has the same sense in both.

    train.data.txt      word<TAB>part of speech<TAB>2-1<TAB>sentence<TAB>sentence: 2 and 1 are the positions of the word
                        among the tokens of each sentence, from 0
    train.gold.txt      the answers, T or F, one per line
    train.jsonl         both as in SuperGLUE: raw sentences, and positions in characters

Source: Pilehvar and Camacho-Collados 2019; Wang et al. 2019.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path

from ...data import text
from ...data.corpus import words
from ...errors import UserError
from ...runtime import json_text
from .examples import Examples, WordPair
from .tables import ANY, Columns, Roles, file_lines, is_number, is_table, table_rows

ROLES: Roles = {"word": ("word", "lemma"), "pos": ("pos",), "positions": ("positions", "index"),
                "first": ("first", "sentence1"), "second": ("second", "sentence2")}
SUPERGLUE: Roles = {name: (name,) for name in ("word", "sentence1", "start1", "end1", "sentence2", "start2", "end2")}
ANSWERS = {"true": "T", "false": "F"}


def read_wic(path: str, labelled: bool = True, columns: Columns | None = ANY) -> Examples:
    """A file .data.txt, with its .gold.txt if `labelled`, or a .jsonl; not `labelled`: a blank line is an empty pair.
    columns: as in `table_rows`.

    Raises UserError that names the wrong line.
    """
    if not columns and is_table(path, SUPERGLUE):
        return _superglue(path, labelled)
    found = Examples([], [])
    for number, cells in table_rows(path, ROLES, columns, blank=not labelled):
        if not cells:
            _add_blank(found)
            continue
        word, _, places, first, second = cells
        match = re.fullmatch(r"(\d{1,9})-(\d{1,9})", places, re.ASCII)
        if not match:
            raise UserError(f"{path}, line {number}: {places!r:.20}, expected the positions of the word in both "
                            "sentences, such as 2-1")
        _add(found, f"{path}, line {number}", word, [words(first), words(second)], [int(own) for own in match.groups()])
    if not any(found.sentences):
        raise UserError(f"{path} is empty: expected {'<TAB>'.join(ROLES)} lines")
    return _answered(found, path) if labelled else found


def _add_blank(found: Examples) -> None:
    """Add an empty pair."""
    found.sentences.append([])
    found.labels.append(None)


def _add(found: Examples, where: str, word: str, sentences: list[list[str]], positions: list[int]) -> None:
    """Add a pair without an answer. Raises UserError for a position outside of its sentence."""
    for tokens, position in zip(sentences, positions, strict=True):
        if position >= len(tokens):
            raise UserError(f"{where}: position {position} in a sentence of {len(tokens)} tokens, expected a whole "
                            "number from 0 and below that")
    found.sentences.append(sentences[0])
    found.labels.append(WordPair(word, (positions[0], positions[1]), sentences[1], ""))


def _answered(found: Examples, path: str) -> Examples:
    """The pairs of a .data.txt with the answers of its .gold.txt."""
    name = Path(path).name
    gold = str(Path(path).with_name(name.replace(".data.", ".gold.")))
    if ".data." not in name or not Path(gold).is_file():
        raise UserError(f"{path} has no answers: expected a file NAME.data.txt and, next to it, NAME.gold.txt with T "
                        "or F per line")
    answers = [line.strip() for line in file_lines(gold) if line.strip()]
    for number, (own, answer) in enumerate(zip_longest(found.labels, answers), 1):
        if own is None or answer is None:
            raise UserError(f"{gold} has {len(answers):,} answers, {path} {len(found.labels):,} pairs: expected one "
                            "answer per pair")
        found.labels[number - 1] = _with_answer(own, answer, f"{gold}, line {number}")
    return found


def _with_answer(pair: WordPair, answer: str, where: str) -> WordPair:
    if answer not in ("T", "F"):
        raise UserError(f"{where}: {answer!r:.20}, expected T or F")
    return pair._replace(answer=answer)


def superglue_keys(path: str) -> set[str]:
    """The keys of the first row of JSON Lines; none if it is not an object."""
    first = next((line for line in file_lines(path) if line.strip()), "")
    try:
        row = json_text.loads(first)
    except ValueError:
        return set()
    return set(row) if isinstance(row, dict) else set()


def _superglue(path: str, labelled: bool) -> Examples:
    """A file of SuperGLUE."""
    found = Examples([], [])
    roles = {**SUPERGLUE, "label": ("label",)} if labelled else SUPERGLUE
    keys = superglue_keys(path)
    if missing := [name for name in roles if keys and name not in keys]:
        raise UserError(f"{path} has no {missing[0]!r}: expected rows with {', '.join(roles)}, as SuperGLUE's training "
                        "and validation parts have them")
    for number, cells in table_rows(path, roles, None, blank=not labelled, strip=""):
        if not cells:
            _add_blank(found)
            continue
        where = f"{path}, line {number}"
        sentences, positions = [], []
        for raw, *cut in cells[1:4], cells[4:7]:
            ends = [end.strip() for end in cut]
            start, end = map(int, ends) if all(map(is_number, ends)) else (0, 0)
            word = words(raw[start:end])
            if not word:
                raise UserError(f"{where}: {' to '.join(ends)!r:.20}, expected where the word begins and ends, in "
                                f"characters from 0 to {len(raw)}, the end of the sentence")
            before = text.tokens(raw[:start])
            sentences.append([*before, *word, *text.tokens(raw[end:])])
            positions.append(len(before))
        _add(found, where, cells[0].strip(), sentences, positions)
        if labelled:
            answer = cells[7].strip()
            found.labels[-1] = _with_answer(found.labels[-1], ANSWERS.get(answer, answer), where)
    return found
