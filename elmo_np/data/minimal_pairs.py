"""Test suites of grammar: items whose conditions differ in a word or two, and a prediction about their surprisal.

A suite is read from what people have: BLiMP's files (JSON Lines, a directory of them or its zip), SyntaxGym's suites
(.json), the agreement sets of Linzen et al. 2016 and Gulordava et al. 2018 (.text with its .gold), or a table with the
columns good and bad, and perhaps phenomenon.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UserError
from .formula import Formula
from .text_lines import text_lines

PAIR = "(*;%good%) < (*;%bad%)"
VERB = "(2;%good%) < (2;%bad%)"
LARGEST = 64 << 20      # bytes of one file in a zip

Regions = dict[str, str]        # of one condition: the text of each region by its number
Item = dict[str, Regions]       # by condition


class Suite(NamedTuple):
    """Items with one prediction about all of them."""

    name: str
    phenomenon: str
    formula: Formula
    items: list[Item]


def read_suites(path: Path) -> list[Suite]:
    """The suites of a file, a directory or a zip. Raises UserError for anything else, with the line where it can."""
    suites = [suite for name, lines in _files(path) for suite in _suites(name, lines)]
    if not any(suite.items for suite in suites):
        raise UserError(f"{path} holds no test suite: expected BLiMP's .jsonl, SyntaxGym's .json, an agreement set's "
                        ".text beside its .gold, or a table with the columns good and bad")
    return suites


def _files(path: Path) -> Iterator[tuple[Path, Callable[[], Iterable[str]]]]:
    """The files that may be suites, by name, each with its lines."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if file.suffix in _READERS and file.is_file():
                yield file, lambda file=file: text_lines(file)      # type: ignore[misc]
    elif path.suffix == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                for member in sorted(archive.infolist(), key=lambda member: member.filename):
                    name = Path(member.filename)
                    if name.suffix in _READERS and not name.name.startswith("."):
                        yield name, lambda member=member: _unzipped(path, archive, member)  # type: ignore[misc]
        except (OSError, zipfile.BadZipFile) as error:
            raise UserError(f"cannot read {path}: {error}; expected a zip such as BLiMP's") from error
    else:
        if not path.is_file():
            raise UserError(f"there is no file {path}: expected a test suite; check the path")
        yield path, lambda: text_lines(path)


def _unzipped(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterable[str]:
    if member.file_size > LARGEST:
        raise UserError(f"{path}: {member.filename} has {member.file_size:,} bytes, expected at most {LARGEST:,}")
    try:
        return io.StringIO(archive.read(member).decode("utf-8"))
    except (ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{path}: cannot read {member.filename}: {error}") from error


def _suites(name: Path, lines: Callable[[], Iterable[str]]) -> Iterator[Suite]:
    reader = _READERS.get(name.suffix)
    if reader is None:
        raise UserError(f"{name}: expected a name that ends in {', '.join(sorted(_READERS))}")
    try:
        yield from reader(name, lines())
    except UserError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError, csv.Error) as error:
        raise UserError(f"{name} is not as expected of a {name.suffix} suite: {type(error).__name__}: "
                        f"{error}") from error


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[Item]:
    return [{"good": {"1": good}, "bad": {"1": bad}} for good, bad in pairs]


def _blimp(name: Path, lines: Iterable[str]) -> Iterator[Suite]:
    rows = [json.loads(line) for line in lines if line.strip()]
    if rows:
        yield Suite(rows[0].get("UID", name.stem), rows[0].get("linguistics_term", name.stem), Formula(PAIR),
                    _pairs((_string(row["sentence_good"]), _string(row["sentence_bad"])) for row in rows))


def _syntaxgym(name: Path, lines: Iterable[str]) -> Iterator[Suite]:
    found = json.loads("".join(lines))
    items = [{condition["condition_name"]: {str(region["region_number"]): _string(region["content"])
                                            for region in condition["regions"]}
              for condition in item["conditions"]} for item in found["items"]]
    title = found["meta"]["name"]
    for k, prediction in enumerate(found["predictions"], 1):
        formula = Formula(prediction["formula"])
        for region, condition in formula.references:
            for number, item in enumerate(items, 1):
                if condition not in item or region not in ("*", *item[condition]):
                    raise UserError(f"{name}, item {number}: no region {region} in a condition {condition}, which the "
                                    f"formula {formula.text!r:.60} reads")
        yield Suite(title if len(found["predictions"]) == 1 else f"{title} {k}", title, formula, items)


def _agreement(name: Path, lines: Iterable[str]) -> Iterator[Suite]:
    """Gold rows: position, right, wrong, attractors (Linzen); or 12 columns with the number of the sentence, 0 for the
    original and others for nonsense, and the position and both forms (Gulordava)."""
    gold = [line.rstrip("\n").split("\t") for line in text_lines(name.with_suffix(".gold"))]
    found: dict[str, list[Item]] = {}
    for row, line in zip(gold, lines, strict=True):
        words = [word for word in line.split() if word != "<eos>"]
        if len(row) > 4:
            at, right, wrong, phenomenon = int(row[3]), row[6], row[7], "original" if row[2] == "0" else "nonsense"
        else:
            at, right, wrong = int(row[0]), row[1], row[2]
            phenomenon = f"{row[3]} attractor{'s' * (row[3] != '1')}"
        before, after = " ".join(words[:at]), " ".join(words[at + 1:])
        found.setdefault(phenomenon, []).append({condition: {"1": before, "2": verb, "3": after} for condition, verb in
                                                 (("good", right), ("bad", wrong))})
    for phenomenon in sorted(found):
        yield Suite(f"{name.stem}, {phenomenon}", phenomenon, Formula(VERB), found[phenomenon])


def _table(name: Path, lines: Iterable[str]) -> Iterator[Suite]:
    rows = csv.DictReader(lines, delimiter="\t" if name.suffix == ".tsv" else ",", strict=True)
    names: Sequence[str] = rows.fieldnames or []
    if not {"good", "bad"} <= {*names}:
        raise UserError(f"{name}: the columns {', '.join(names):.80}, expected good and bad, and perhaps phenomenon")
    found: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        good, bad = _string(row["good"]), _string(row["bad"])
        if good.split() == bad.split():
            raise UserError(f"{name}, line {rows.line_num}: both sentences are {good!r:.60}, expected a difference")
        found.setdefault(row.get("phenomenon") or name.stem, []).append((good, bad))
    for phenomenon, pairs in found.items():
        yield Suite(phenomenon, phenomenon, Formula(PAIR), _pairs(pairs))


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not a string")
    return value


_READERS: dict[str, Callable[[Path, Iterable[str]], Iterator[Suite]]] = {
    ".jsonl": _blimp, ".json": _syntaxgym, ".text": _agreement, ".tsv": _table, ".csv": _table}
