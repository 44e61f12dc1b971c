"""Tables with one example per row, in four formats that are recognised by what is in the file.

    TSV             columns between tabs, quotation marks as they are
    CSV             columns between commas or semicolons, in a file named .csv or with a header row that names them
    JSON Lines      one object per line
    label first     LABEL text, as in TREC (DESC:manner) and fastText (__label__good)

A task asks for its columns by role: {role: the names that headers give it}. Without a header row they are expected in
the order of the roles; `columns` chooses others, {role: number from 1, or name in the header}.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ...data.delimited import column_count, csv_reader, unquoted
from ...data.text_lines import HEAD, KEPT, text_lines
from ...errors import UserError
from ...runtime import json_text

Columns = Mapping[str, str]
Roles = Mapping[str, Sequence[str]]
Row = tuple[int, list[str]]     # the number of its line, and its cells; no cells: a blank line

ANY: Columns = MappingProxyType({})
BLANKS = " \t\n\r\f\v"          # white space of a format; others, such as a no-break space, belong to a word

LABEL = ("label", "class", "category", "sentiment", "target", "topic", "intent", "polarity", "stance", "emotion",
         "rating")
INDEX = {"index", "idx", "id"}  # what headers call the number of a row
_NAME = re.compile(r"[^\W\d][\w.:/()-]*(?: [\w.:/()-]+){,2}")   # what a cell of a header row looks like
_LABEL_FIRST = re.compile(r"(__label__\S+|[A-Z]{2,}(?::\w+)?) +\S")


def parsed_columns(text: str | None, roles: Iterable[str]) -> Columns:
    """"sentence=2,label=1" -> {"sentence": "2", "label": "1"}; None: {}. Raises UserError for anything else."""
    roles, found = list(roles), dict[str, str]()
    for part in [] if text is None else text.split(","):
        role, _, column = (own.strip(BLANKS) for own in part.partition("="))
        if role not in roles or role in found or not column.lstrip("0"):
            raise UserError(f"--columns {text}: expected {','.join(f'{own}=COLUMN' for own in roles)}, where COLUMN is "
                            "the number of a column, from 1, or its name in the header row")
        found[role] = column
    return found


def table_rows(path: str, roles: Roles, columns: Columns | None = ANY, *, more: bool = False,
               blank: bool = False, strip: str = BLANKS) -> Iterator[Row]:
    """The cells of each row, one per role, without the white space around them.

    columns those that are chosen; None: nobody can choose, so that no error advises it
    more    rows may have more columns than the roles
    blank   blank lines too, without cells
    strip   the white space; "": none, for cells whose characters are counted
    Raises UserError that names the wrong line.
    """
    advice = "" if columns is None else f"; or choose with --columns {','.join(f'{role}=COLUMN' for role in roles)}"
    columns = columns or ANY
    kind, rows = _table(path, roles, columns)
    if kind == "label first" and not columns:
        columns = {"sentence": "2", "label": "1"}
    before, first = _first(rows)
    yield from before if blank else []
    if first is None:
        return
    header = kind == "JSON Lines" or _is_header(first[1], roles, columns)
    order = _order(path, first, roles, columns, header, more, advice)
    for number, cells in rows if header else chain([first], rows):
        if cells and len(cells) != len(first[1]) and not (more and len(cells) > max(order)):
            expected = f"{column_count(first[1])}, as in the first row" if columns or header else ""
            raise _unexpected(path, number, cells, roles, expected, advice)
        if cells or blank:
            yield number, [cells[k].strip(strip) for k in order] if cells else []


def is_table(path: str, roles: Roles) -> bool:
    """Whether a file is JSON Lines, or begins with a header row that names the roles, of one column only in .csv."""
    kind, rows = _table(path, roles, ANY)
    _, first = _first(rows)
    if kind == "JSON Lines" or first is None:
        return kind == "JSON Lines"
    return (kind == "CSV" or len(first[1]) > 1) and _is_header(first[1], roles, ANY)


def begins_with_labels(lines: Sequence[str]) -> bool:
    """Whether every line is LABEL text, with labels that are plainly such: capitals that recur, or with a colon."""
    found = [_LABEL_FIRST.match(line) for line in lines]
    labels = [match[1] for match in found if match]
    return bool(labels) and len(labels) == len(lines) and (
        all(":" in label or label.startswith("__label__") for label in labels) or len(set(labels)) < len(labels))


def is_number(cell: str) -> bool:
    """Whether it is a position, or the number of a column: Python reads no more than 4,300 digits."""
    return cell.isdecimal() and len(cell) < 10


def file_lines(path: str) -> Iterator[str]:
    """The lines of a text file. Raises UserError if there is none."""
    if not Path(path).is_file():
        raise UserError(f"there is no file {path}: expected a text file; check the path")
    return text_lines(Path(path), KEPT)


def _table(path: str, roles: Roles, columns: Columns) -> tuple[str, Iterator[Row]]:
    """The format of a file, and its rows; those of JSON Lines begin with the keys of the first object."""
    lines = file_lines(path)
    head = list(islice(lines, HEAD))
    lines = chain(head, lines)
    own = [line.strip(BLANKS) for line in head if line.strip()]
    start = own[0] if own else ""
    if start.startswith("{"):
        return "JSON Lines", _json_rows(path, lines)
    if re.match(r"\[\s*(?:\{|$)", start):
        raise UserError(f"{path} is a JSON array, expected one object per line: jq -c '.[]' {path} prints them")
    delimiter, bare = _csv_delimiter(path, start, roles), unquoted(start)
    tabs_in_cells = delimiter and delimiter in bare and "\t" not in bare       # of CSV
    if any("\t" in line for line in head if line.strip()) and not tabs_in_cells:
        return "TSV", _split(lines, lambda line: line.split("\t"))
    if delimiter:
        return "CSV", _csv_rows(path, lines, delimiter)
    if "sentence" in roles and (begins_with_labels(own) or {"2"} <= {*columns.values()} <= {"1", "2"}):
        return "label first", _split(lines, lambda line: re.split(" +", line.removeprefix("__label__"), maxsplit=1))
    return "TSV", _split(lines, lambda line: [line])


def _split(lines: Iterable[str], cells: Callable[[str], list[str]]) -> Iterator[Row]:
    return ((number, cells(line.rstrip("\n")) if line.strip() else []) for number, line in enumerate(lines, 1))


def _json_rows(path: str, lines: Iterable[str]) -> Iterator[Row]:
    keys: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            found = json_text.loads(line) if line.strip() else None
        except ValueError:
            raise UserError(f"{path}, line {number}: expected one JSON object per line: {line!r:.60}") from None
        if found is not None and not isinstance(found, dict):
            raise UserError(f"{path}, line {number}: expected a JSON object: {line!r:.60}")
        if found and not keys:
            keys = list(found)
            yield 0, keys
        yield number, [_text(found.get(key)) for key in keys] if found else []


def _text(value: Any) -> str:
    """A value of JSON as the text of a cell."""
    if isinstance(value, list) and all(isinstance(own, str) for own in value):
        return " ".join(value)
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _csv_delimiter(path: str, start: str, roles: Roles) -> str:
    """"" if it is not CSV."""
    cells = {delimiter: start.split(delimiter) for delimiter in ",;"}
    if re.search(r"\.csv(?:\.\w+)?$", path, re.IGNORECASE):
        return max(cells, key=unquoted(start).count)
    return next((delimiter for delimiter, own in cells.items() if len(own) > 1 and _is_header(own, roles, ANY)), "")


def _csv_rows(path: str, lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """Where the first row is a single cell, what follows is too, whether it has commas or not."""
    reader = csv_reader(lines, delimiter)
    columns = 0
    try:
        for cells in reader:
            columns = columns or len(cells)
            if columns == 1 and cells:
                cells = [delimiter.join(cells)]
            yield reader.line_num, cells if any(cell.strip() for cell in cells) else []
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}; expected CSV, where a cell with a quotation mark "
                        "in it is quoted and the mark is doubled") from None


def _first(rows: Iterator[Row]) -> tuple[list[Row], Row | None]:
    """The blank lines at the beginning, and the first row; None if there is none."""
    before: list[Row] = []
    for row in rows:
        if row[1]:
            return before, row
        before.append(row)
    return before, None


def _is_header(cells: Sequence[str], roles: Roles, columns: Columns) -> bool:
    """Whether the first row names its columns: asked for by name, or with the known names of all roles, or of a role in
    the column that was chosen for it, or `label`, or an index and a role."""
    if not all(column.isdecimal() for column in columns.values()):
        return True
    own = _names(cells)
    last = list(roles)[-1]
    named = [bool(set(own) & set(names)) for names in roles.values()]
    chosen = [own[int(column) - 1] in roles[role] for role, column in columns.items()
              if is_number(column) and int(column) <= len(own)]
    return all(map(_NAME.fullmatch, own)) and (all(named) or any(chosen) or (len(own) > 1 and own.count(last) == 1)
                                               or (bool(INDEX & set(own)) and any(named)))


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip(BLANKS).strip('"').casefold() for cell in cells]


def _order(path: str, first: Row, roles: Roles, columns: Columns, header: bool, more: bool, advice: str) -> list[int]:
    """The column of each role. Raises UserError."""
    number, cells = first
    found = {}
    for position, role in enumerate(roles):
        column = columns.get(role, "")
        if is_number(column) and int(column) <= len(cells):
            found[role] = int(column) - 1
        elif column:
            fitting = [k for k, name in enumerate(_names(cells)) if name == column.casefold()]
            if len(fitting) != 1:
                names = f", or one of {', '.join(cells):.200}" if header else ""
                raise UserError(f"{path} has no column {column:.40}: expected a number from 1 to {len(cells)}{names}: "
                                "change --columns")
            found[role] = fitting[0]
        elif header and not columns:
            fitting = [k for k, name in enumerate(_names(cells)) if name in roles[role]]
            exact = [k for k in fitting if _names(cells)[k] == role]
            if len(exact or fitting) == 1:
                found[role] = (exact or fitting)[0]
        elif not columns and (len(cells) == len(roles) or (more and len(cells) > len(roles))):
            found[role] = position
    left = [k for k, name in enumerate(_names(cells)) if k not in found.values() and name not in INDEX]
    missing = [role for role in roles if role not in found]
    if header and not columns and len(left) == len(missing) == 1:
        found[missing[0]] = left[0]
    elif missing:
        raise _unexpected(path, number, cells, roles, "", advice)
    both = [role for role in roles if list(found.values()).count(found[role]) > 1]
    if both:
        raise UserError(f"{path}: column {found[both[0]] + 1} is chosen for {' and '.join(both)}: expected a column "
                        "for each: change --columns")
    return [found[role] for role in roles]


def _unexpected(path: str, number: int, cells: Sequence[str], roles: Roles, expected: str, advice: str) -> UserError:
    where = f"{path}, line {number}" if number else path
    expected = expected or "<TAB>".join(roles)
    return UserError(f"{where}: {column_count(cells)}, expected {expected}: {' | '.join(cells)!r:.60}{advice}")
