"""Items of an experiment: sentences, with the columns of a table that tell them apart.

Three forms are read. Lines of text: each is an item. A table with a header row: each row is an item. A table with a
column of regions: consecutive rows with the same item and conditions are one sentence, of which each is a region, or
one of several words of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, groupby, islice
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from .corpus import STDIN, corpus_files, words
from .delimited import TEXT, delimited_rows
from .text_lines import HEAD, KEPT, plain_lines, text_lines

ITEM, CONDITION, REGION = "item", "condition", "region"
USUAL = {"text": (*TEXT, "word", "words", "token", "stimulus"), ITEM: (ITEM,), CONDITION: (CONDITION,),
         REGION: (REGION,)}


class Region(NamedTuple):
    """A row of a table, or a line of text."""

    labels: dict[str, str]      # its other columns; of a line of text its number
    text: str


Item = list[Region]
Numbered = Iterator[tuple[int, dict[str, str]]]         # rows, each with the number of its line


class Items(NamedTuple):
    """What a file holds."""

    items: list[Item]                   # at least one
    region: str | None                  # the column of regions, if it has one
    conditions: tuple[str, ...] = ()    # the columns of conditions


class Columns(NamedTuple):
    """Names of columns; None or (): the usual one if the table has it."""

    text: str | None = None
    item: str | None = None
    conditions: Sequence[str] = ()
    region: str | None = None


NONE = Columns()


def read_items(path: Path, columns: Columns = NONE) -> Items:
    """The items of a file, or of standard input for "-".

    Raises UserError for a file without an item or with a wrong row, with its line, and for a column that is missing.
    """
    lines = text_lines(corpus_files(STDIN)[0] if str(path) == STDIN else path, KEPT)
    head = list(islice(lines, HEAD))
    lines = chain(head, lines)
    if any(columns) or _is_table(path, [line for line in head if line.strip()]):
        found = _table(path, lines, columns)
    else:
        plain = plain_lines(path, lines=lines)
        found = Items([[Region({ITEM: str(number)}, line.strip())]
                       for number, line in enumerate(plain, 1) if line.strip()], None)
    if not found.items:
        raise UserError(f"{path} has no item: expected at least one sentence")
    return found


def _is_table(path: Path, head: Sequence[str]) -> bool:
    """By the name of the file, by equally many tabs or semicolons in every line, or by a header that names what items
    have: commas alone are in sentences too."""
    if re.search(r"\.[ct]sv(?:\.\w+)?$", path.name, re.IGNORECASE) or not head:
        return bool(head)
    first = head[0].strip().casefold()
    if first.strip('"') in USUAL["text"]:
        return len(head) > 1
    for delimiter in "\t;,":
        names = {cell.strip().strip('"') for cell in first.split(delimiter)}
        named = bool(names & {*USUAL["text"]})
        same = len(names) > 1 and len({line.count(delimiter) for line in head}) == 1
        if same and (delimiter == "\t" or (delimiter == ";" and (named or len(head) > 2))):
            return True
        if named and names & {ITEM, CONDITION, REGION}:
            return True
    return False


def _table(path: Path, lines: Iterator[str], columns: Columns) -> Items:
    names, cells = delimited_rows(lines, str(path))
    text = _column(path, names, "text", columns.text) or _missing(path, names, "text")
    item = _column(path, names, ITEM, columns.item)
    region = _column(path, names, REGION, columns.region)
    asked: Sequence[str | None] = columns.conditions or [None]
    conditions = tuple(name for one in asked if (name := _column(path, names, CONDITION, one)))
    chosen = [name for name in (text, item, region, *conditions) if name]
    if len(chosen) > len({*chosen}):
        raise UserError(f"{path}: one column was chosen twice, among {', '.join(chosen)}: expected different columns")
    rows = ((number, dict(zip(names, own, strict=True))) for number, own in cells)
    if region and not item and not conditions:
        _missing(path, names, ITEM)
    if region:
        keys = [name for name in (item, *conditions) if name]
        return Items(list(_grouped(path, rows, keys, region, text)), region, conditions)
    items = [[_region(row, text)] for _, row in rows]
    if len(items) > 1 and all(len(words(own[0].text)) < 2 for own in items):
        raise UserError(f"{path}: every row holds one word, expected sentences: name the column that counts the words, "
                        "region='NAME' (--region NAME)")
    return Items(items, None, conditions)


def _column(path: Path, names: Sequence[str], role: str, asked: str | None) -> str | None:
    """The name of a column as the header has it; None if it was not asked for and the usual one is not there."""
    found = [name for name in names if (name == asked if asked else name.casefold() in USUAL[role])]
    if len(found) > 1:
        raise UserError(f"{path}: the columns {', '.join(found)} could each be the {role}: choose one, "
                        f"{role}={found[0]!r} (--{role} {found[0]})")
    if asked and not found:
        raise UserError(f"{path} has no column {asked!r}: expected one of {', '.join(map(repr, names)):.200}")
    return found[0] if found else None


def _missing(path: Path, names: Sequence[str], role: str) -> str:
    raise UserError(f"{path} has no column named {' or '.join(USUAL[role]):.80}: give {role}='NAME' (--{role} NAME); "
                    f"its columns are {', '.join(map(repr, names)):.200}")


def _grouped(path: Path, rows: Numbered, keys: Sequence[str], region: str, text: str) -> Iterator[Item]:
    seen = set()
    for key, group in groupby(rows, lambda row: tuple(row[1][name] for name in keys)):
        found = list(group)
        where = f"{path}, line {found[0][0]}: {', '.join(f'{n} {v}' for n, v in zip(keys, key, strict=True))}"
        advice = ("name every column that tells the sentences apart, conditions=['NAME', ..] (--condition NAME, which "
                  "may be repeated)")
        if key in seen:
            raise UserError(f"{where} occurs again, expected its regions in consecutive rows: sort the table, or "
                            f"{advice}")
        seen.add(key)
        labels = [name for name, _ in groupby(row[region] for _, row in found)]
        if len(labels) > len({*labels}):
            raise UserError(f"{where} has a region twice ({' '.join(labels):.60}), expected one sentence: {advice}")
        if all(label.isdecimal() for label in labels) and labels != sorted(labels, key=int):
            raise UserError(f"{where} has its regions in the order {' '.join(labels):.60}, expected the order of the "
                            "sentence: sort the table")
        yield [_region(row, text) for _, row in found]


def _region(row: dict[str, str], text: str) -> Region:
    return Region({name: cell for name, cell in row.items() if name != text}, row[text])
