"""Tables with a header row, as spreadsheets and statistics programs write them: TSV, or CSV with , or ;."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from ..errors import UserError
from .text_lines import LONGEST

# Names that headers give a column of text
TEXT = ("sentence", "text", "content", "review", "tweet", "question", "document", "comment", "message", "phrase",
        "utterance", "title")

Rows = Iterator[tuple[int, list[str]]]      # the number of its line, and its cells, one per column

_SEPARATOR = re.compile(r"\"?sep=.\"?")     # a first line with which Excel is told the delimiter


def delimited_rows(lines: Iterable[str], name: str) -> tuple[list[str], Rows]:
    """The names of the columns and the rows below, both without the white space around a cell.

    Blank rows and columns without a name at the end are left out. In TSV quotation marks are as they are; in CSV they
    surround cells.
    name    of the file, for messages
    Raises UserError for a row of another length, with its line, and for a header with two equal names or a blank one.
    """
    lines, before = iter(lines), 0
    first = ""
    while not first.strip() or _SEPARATOR.fullmatch(first.strip()):
        line = next(lines, None)
        if line is None:
            raise UserError(f"{name} is empty: expected a header row")
        first, before = line, before + 1
    every = _cells(chain([first], lines), name, before - 1)
    _, names = next(every)
    while names and not names[-1]:
        names.pop()
    for column in names:
        if not column or names.count(column) > 1:
            raise UserError(f"{name}: {'a column has no name' if not column else f'two columns are named {column!r}'}; "
                            "expected a header row with a different name for each")
    return names, _rows(every, names, name)


def csv_reader(lines: Iterable[str], delimiter: str, *, skipinitialspace: bool = False) -> Any:
    """A strict csv.reader, which allows cells as long as a line of text may be."""
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST))      # of all readers; the limit of a line is ours
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=skipinitialspace)


def unquoted(line: str) -> str:
    """A line of CSV without its quoted cells, of which the last may go on in the next line."""
    return re.sub(r"\"[^\"]*\"|(?:^|(?<=[,;\t]))\"[^\"]*$", "", line)


def column_count(cells: Sequence[str]) -> str:
    """For a message: "1 column", "2 columns"."""
    return f"{len(cells)} column{'s' * (len(cells) != 1)}"


def _cells(lines: Iterable[str], name: str, before: int) -> Rows:
    """The cells of every row; before: how many lines of the file come before these."""
    lines = iter(lines)
    first = next(lines)
    bare = unquoted(first)
    if "\t" in bare:
        for number, line in enumerate(chain([first], lines), before + 1):
            yield number, [cell.strip() for cell in line.rstrip("\n").split("\t")]
        return
    reader = csv_reader(chain([first], lines), max(",;", key=bare.count), skipinitialspace=True)
    try:
        for cells in reader:
            yield before + reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise UserError(f"{name}, line {before + reader.line_num}: {error}; expected CSV, where a cell with a "
                        "quotation mark or a line break in it is quoted, and the mark doubled") from None


def _rows(every: Rows, names: Sequence[str], name: str) -> Rows:
    for number, cells in every:
        while len(cells) > len(names) and not cells[-1]:
            cells.pop()
        if not any(cells):
            continue
        if len(cells) != len(names):
            raise UserError(f"{name}, line {number}: {column_count(cells)}, expected {len(names)}, as in the header "
                            f"row: {' | '.join(cells)!r:.60}")
        yield number, cells
