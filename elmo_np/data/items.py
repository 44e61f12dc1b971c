"""Items of an experiment: sentences, with the columns of a table that tell them apart.

Three forms are read. Lines of text: each is an item. A table with a header row: each row is an item. A table with a
column of regions: consecutive rows with the same item and condition are one sentence, a region per row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from .text_lines import plain_lines, text_lines

TEXT = ("sentence", "text", "word", "words", "token", "content", "stimulus")     # names that headers give the text
ITEM, CONDITION, REGION = "item", "condition", "region"


class Region(NamedTuple):
    """A row of a table, or a line of text."""

    labels: dict[str, str]      # its other columns; of a line of text its number
    text: str


Item = list[Region]
Numbered = Iterator[tuple[int, dict[str, str]]]         # rows, each with the number of its line


class Items(NamedTuple):
    """What a file holds."""

    items: list[Item]           # at least one
    region: str | None          # the column of regions, if it has one
    condition: str | None = None        # the column of conditions, likewise


class Columns(NamedTuple):
    """Names of columns; None: the usual one if the table has it."""

    text: str | None = None
    item: str | None = None
    condition: str | None = None
    region: str | None = None


USUAL = Columns()


def read_items(path: Path, columns: Columns = USUAL) -> Items:
    """The items of a file, a table if its first row names the column of the text.

    Raises UserError for a file without an item or with a wrong row, with its line, and for a column that is missing.
    """
    found = _read(path, columns)
    if not found.items:
        raise UserError(f"{path} has no item: expected at least one sentence")
    return found


def _read(path: Path, columns: Columns) -> Items:
    lines = text_lines(path)
    first = next(lines, "")
    delimiter = max("\t,;", key=first.count)
    names = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    if not any(columns) and not (len(names) > 1 and {name.casefold() for name in names} & {*TEXT}):
        return Items([[Region({ITEM: str(number)}, line.strip())]
                      for number, line in enumerate(plain_lines(path), 1) if line.strip()], None)
    if doubled := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{path}: two columns are named {doubled[0]!r}: expected different names")
    text = _column(path, names, columns.text, TEXT) or _missing(path, names, "text", TEXT)
    condition = _column(path, names, columns.condition, (CONDITION,))
    keys = [name for name in (_column(path, names, columns.item, (ITEM,)), condition) if name]
    region = _column(path, names, columns.region, (REGION,))
    rows = _rows(path, chain([first], lines), delimiter, names)
    if not region:
        return Items([[_region(row, text)] for _, row in rows], None, condition)
    if not keys:
        _missing(path, names, "item", (ITEM,))
    return Items(list(_grouped(path, rows, keys, text)), region, condition)


def _column(path: Path, names: Sequence[str], asked: str | None, usual: Sequence[str]) -> str | None:
    """The name of a column as the header has it; None if it was not asked for and the usual one is not there."""
    found = [name for name in names if (name == asked if asked else name.casefold() in usual)]
    if len(found) > 1:
        raise UserError(f"{path}: the columns {', '.join(found)} could each be it: name one of them with an option")
    if asked and not found:
        raise UserError(f"{path} has no column {asked!r}: expected one of {', '.join(map(repr, names)):.200}")
    return found[0] if found else None


def _missing(path: Path, names: Sequence[str], option: str, usual: Sequence[str]) -> str:
    raise UserError(f"{path} has no column named {' or '.join(usual)}: give {option}='NAME' (--{option} NAME); its "
                    f"columns are {', '.join(map(repr, names)):.200}")


def _rows(path: Path, lines: Iterator[str], delimiter: str, names: Sequence[str]) -> Numbered:
    """The rows below the header."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        next(reader)
        for cells in reader:
            if len(cells) not in (0, len(names)):
                raise UserError(f"{path}, line {reader.line_num}: {len(cells)} columns, expected {len(names)}, as in "
                                f"the first row: {' | '.join(cells)!r:.60}")
            if cells:
                yield reader.line_num, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}; expected a cell with a quotation mark in it to be "
                        "quoted, and the mark doubled") from None


def _grouped(path: Path, rows: Numbered, keys: Sequence[str], text: str) -> Iterator[Item]:
    seen = set()
    for key, group in groupby(rows, lambda row: tuple(row[1][name] for name in keys)):
        found = list(group)
        if key in seen:
            where = ", ".join(f"{name} {value}" for name, value in zip(keys, key, strict=True))
            raise UserError(f"{path}, line {found[0][0]}: {where} occurs again, expected its regions in consecutive "
                            "rows: sort the table, or name the column that tells the sentences apart, "
                            "condition='NAME' (--condition NAME)")
        seen.add(key)
        yield [_region(row, text) for _, row in found]


def _region(row: dict[str, str], text: str) -> Region:
    return Region({name: cell for name, cell in row.items() if name != text}, row[text])
