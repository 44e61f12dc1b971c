"""Test suites of grammar: items whose conditions differ in a word or two, and a prediction about their surprisal.

A suite is read from what people have: BLiMP's files (JSON Lines, a directory of them or its zip), SyntaxGym's suites
(.json), the agreement sets of Linzen et al. 2016 and Gulordava et al. 2018 (.text with its .gold), or a table with the
columns good and bad, and perhaps phenomenon. Files may be compressed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ..errors import UserError
from .corpus import words
from .delimited import delimited_rows
from .formula import Formula
from .text_lines import plain_name, text_lines

PAIR = "(*;%good%) < (*;%bad%)"
VERB = "(2;%good%) < (2;%bad%)"
LARGEST = 64 << 20      # bytes of the files in a zip, unpacked

Regions = dict[str, str]        # of one condition: the text of each region by its number
Item = dict[str, Regions]       # by condition
Lines = Callable[[], Iterable[str]]
Value = TypeVar("Value")


class Suite(NamedTuple):
    """Items with one prediction about all of them."""

    name: str
    phenomenon: str
    formula: Formula
    items: list[Item]           # at least one


def read_suites(path: Path) -> list[Suite]:
    """The suites of a file, a directory or a zip. Raises UserError for anything else, with the line where it can."""
    suites = [suite for name, lines in _files(path) for suite in _suites(name, lines)]
    if not suites:
        raise UserError(f"{path} holds no test suite: expected BLiMP's .jsonl, SyntaxGym's .json, an agreement set's "
                        ".text beside its .gold, or a table with the columns good and bad")
    return suites


def equal_pairs(suites: Iterable[Suite]) -> int:
    """How many pairs are twice the same sentence, as a few of BLiMP's and of Linzen's are."""
    return sum(item["good"] == item["bad"] for suite in suites if suite.formula.text in (PAIR, VERB)
               for item in suite.items)


def _files(path: Path) -> Iterator[tuple[Path, Lines]]:
    """The files that may be suites, by name, each with its lines."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if _may_be_suite(file.relative_to(path)) and file.is_file():
                yield file, partial(text_lines, file)
    elif path.suffix.lower() == ".zip":
        yield from _members(path)
    else:
        if not path.is_file():
            raise UserError(f"there is no file {path}: expected a test suite; check the path")
        yield path, partial(text_lines, path)


def _members(path: Path) -> Iterator[tuple[Path, Lines]]:
    with _unzipping(path), zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if _may_be_suite(Path(member.filename))]
        size = sum(member.file_size for member in members)
        if size > LARGEST:
            raise UserError(f"{path} holds {size:,} bytes of suites, expected at most {LARGEST:,}: unpack it")
        for member in sorted(members, key=lambda member: member.filename):
            if _kind(Path(member.filename)) == ".text":
                raise UserError(f"{path} holds {member.filename}, whose .gold is not read from a zip: unpack it")
            yield path / member.filename, partial(_unzipped, path, archive, member)


def _unzipped(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterable[str]:
    with _unzipping(path / member.filename):
        return io.StringIO(archive.read(member).decode("utf-8-sig"), newline=None)


@contextmanager
def _unzipping(place: Path) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:          # every method of compression has exceptions of its own
        raise UserError(f"cannot read {place}: {error}; expected UTF-8 text in a whole zip, such as BLiMP's") from error


def _may_be_suite(path: Path) -> bool:
    return _kind(path) in _READERS and not any(part.startswith(".") for part in path.parts)


def _kind(name: Path) -> str:
    return plain_name(name).suffix.lower()


def _suites(name: Path, lines: Lines) -> Iterator[Suite]:
    if _kind(name) not in _READERS:
        raise UserError(f"{name}: expected a name that ends in {', '.join(sorted(_READERS))}; {_WIC}")
    with _checked(f"{name}", name):
        yield from _READERS[_kind(name)](name, lines())


@contextmanager
def _checked(place: str, name: Path) -> Iterator[None]:
    """Raise UserError, with the place, in place of the errors of a file that is not as the readers expect."""
    try:
        yield
    except UserError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else f"{error}"
        raise UserError(f"{place}: {reason:.200}; expected {_EXPECTED[_kind(name)]}") from error


def _blimp(name: Path, lines: Iterable[str]) -> Iterator[Suite]:
    found: dict[tuple[str, str], list[Item]] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            with _checked(f"{name}, line {number}", name):
                row = _object(line, name, number)
                own = plain_name(name).stem
                title, phenomenon = (_string(row.get(key, own)) for key in ("UID", "linguistics_term"))
                pair = _pair(_string(row["sentence_good"]), _string(row["sentence_bad"]))
                found.setdefault((title, phenomenon), []).append(pair)
    for (title, phenomenon), items in found.items():
        yield Suite(title, phenomenon, Formula(PAIR), items)


def _pair(good: str, bad: str) -> Item:
    if not (good.strip() and bad.strip()):
        raise ValueError("a sentence has no word")
    return {"good": {"1": " ".join(words(good))}, "bad": {"1": " ".join(words(bad))}}


def _syntaxgym(name: Path, lines: Iterable[str]) -> Iterator[Suite]:
    found = _object("".join(lines), name)
    title, metric = _string(found["meta"]["name"]), found["meta"].get("metric", "sum")
    if metric != "sum":
        raise UserError(f"{name}: the metric {metric!r:.40}, expected 'sum': a region's surprisal is that of its words "
                        "together")
    items = []
    for number, item in enumerate(found["items"], 1):
        with _checked(f"{name}, item {number}", name):
            items.append(_item(item))
    try:
        formulae = [Formula(_string(prediction["formula"])) for prediction in found["predictions"]]
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
    if not (items and formulae):
        raise UserError(f"{name}: items: {len(items)}, predictions: {len(formulae)}; expected at least one of each")
    for k, formula in enumerate(formulae, 1):
        _check_references(name, formula, items)
        yield Suite(title if len(formulae) == 1 else f"{title} {k}", title, formula, items)


def _item(item: dict[str, Any]) -> Item:
    return _by_name("condition", ((_string(condition["condition_name"]), _regions(condition["regions"]))
                                  for condition in item["conditions"]))


def _regions(regions: list[dict[str, Any]]) -> Regions:
    return _by_name("region", ((str(region["region_number"]), _string(region["content"])) for region in regions))


def _check_references(name: Path, formula: Formula, items: Iterable[Item]) -> None:
    for number, item in enumerate(items, 1):
        for region, condition in formula.references:
            if condition not in item or region not in ("*", *item[condition]):
                raise UserError(f"{name}, item {number}: no region {region} in a condition {condition}, which the "
                                f"formula {formula.text!r:.60} reads")


def _agreement(name: Path, lines: Iterable[str]) -> Iterator[Suite]:
    gold_name = plain_name(name).with_suffix(".gold")
    sentences, gold = list(lines), list(text_lines(gold_name))
    if len(sentences) != len(gold):
        raise UserError(f"{name} has {len(sentences):,} lines and {gold_name} {len(gold):,}: expected as many")
    found: dict[str, list[Item]] = {}
    for number, (line, row) in enumerate(zip(sentences, gold, strict=True), 1):
        with _checked(f"{gold_name}, line {number}", name):
            phenomenon, item = _verb(line, row.rstrip("\n").split("\t"))
            found.setdefault(phenomenon, []).append(item)
    for phenomenon in sorted(found):
        yield Suite(f"{plain_name(name).stem}, {phenomenon}", phenomenon, Formula(VERB), found[phenomenon])


def _verb(line: str, row: list[str]) -> tuple[str, Item]:
    """The phenomenon and the item of a sentence and its gold row.

    Gold rows: position, right, wrong, attractors (Linzen); or 12 columns with the number of the sentence, 0 for the
    original and others for nonsense, and the position and both forms (Gulordava).
    """
    tokens = [word for word in words(line) if word != "<eos>"]
    match row:
        case [position, right, wrong, attractors]:
            phenomenon = f"{attractors} attractor{'s' * (attractors != '1')}"
        case [_, _, sentence, position, _, _, right, wrong, *_]:
            phenomenon = "original" if sentence == "0" else "nonsense"
        case _:
            raise ValueError(f"{len(row)} columns")
    at = int(position)
    if not 0 <= at < len(tokens):
        raise ValueError(f"the position {at} in a sentence of {len(tokens)} words, which are counted from 0")
    if not (right.strip() and wrong.strip()):
        raise ValueError("a form of the verb is missing")
    before, after = " ".join(tokens[:at]), " ".join(tokens[at + 1:])
    return phenomenon, {condition: {"1": before, "2": verb, "3": after}
                        for condition, verb in (("good", right), ("bad", wrong))}


def _table(name: Path, lines: Iterable[str]) -> Iterator[Suite]:
    names, rows = delimited_rows(lines, f"{name}")
    columns = _by_name("column", ((column.casefold(), k) for k, column in enumerate(names)))
    if not {"good", "bad"} <= {*columns}:
        raise UserError(f"{name}: the columns {', '.join(names):.80}, expected good and bad, and perhaps phenomenon")
    found: dict[str, list[Item]] = {}
    for number, cells in rows:
        phenomenon = cells[columns["phenomenon"]] if "phenomenon" in columns else ""
        with _checked(f"{name}, line {number}", name):
            pair = _pair(cells[columns["good"]], cells[columns["bad"]])
        if pair["good"] == pair["bad"]:
            raise UserError(f"{name}, line {number}: {cells[columns['good']]!r:.60} is both good and bad: expected two "
                            "sentences that differ")
        found.setdefault(phenomenon or plain_name(name).stem, []).append(pair)
    for phenomenon, items in found.items():
        yield Suite(phenomenon, phenomenon, Formula(PAIR), items)


def _object(text: str, name: Path, line: int = 1) -> dict[str, Any]:
    """An object in JSON, which begins at that line of the file."""
    try:
        found = json.loads(text, object_pairs_hook=partial(_by_name, "name"))
    except json.JSONDecodeError as error:
        raise UserError(f"{name}, line {line + error.lineno - 1}: {error.msg} at column {error.colno}; "
                        "expected JSON") from error
    if not isinstance(found, dict):
        raise TypeError(f"{found!r:.40} is not an object")
    return found


def _by_name(what: str, pairs: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the {what} {name!r:.40} occurs twice")
        found[name] = value
    return found


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not a string")
    return value


_READERS: dict[str, Callable[[Path, Iterable[str]], Iterator[Suite]]] = {
    ".jsonl": _blimp, ".json": _syntaxgym, ".text": _agreement, ".tsv": _table, ".csv": _table}
_WIC = "or WiC's NAME.data.txt beside its NAME.gold.txt, or SuperGLUE's .jsonl"
_EXPECTED = {
    ".jsonl": f"rows as of BLiMP, with sentence_good and sentence_bad, {_WIC}",
    ".json": "a suite of SyntaxGym, with meta, predictions and items",
    ".text": "the position, the right and the wrong form and the attractors, or Gulordava's columns",
    **dict.fromkeys((".tsv", ".csv"), "the columns good and bad, and perhaps phenomenon")}
