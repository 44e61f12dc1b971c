"""`elmo-np surprisal`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from ..data.corpus import words as words_of
from ..data.items import Columns, Item, Items, read_items
from ..data.text import tokens
from ..errors import UserError
from ..inference.coverage import coverage
from ..inference.elmo import ELMo
from ..inference.evaluate import SentenceScore, evaluate
from ..inference.surprisal import Measure, Surprisal
from ..runtime.files import STDOUT, atomic_write_text
from ..runtime.progress import Progress
from ..viz.plots import check_target, region_means, save
from .common import JSON_LINES, TABLES, Add, add_json, add_tokenize, check_new_file, json_text, splits, table_text

MEASURES = ("position", "tokens", "surprisal", "backward_surprisal", "entropy_before", "entropy_after",
            "entropy_reduction", "log_frequency", "unknown")

Row = dict[str, object]
Words = list[list[list[str]]]       # of an item: the tokens of each word of each region


class Unit(NamedTuple):
    """A row of the output: a word, or a region."""

    labels: dict[str, str]
    text: str
    position: int       # of its first word in the item, from 1
    words: int
    tokens: int


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add("items", metavar="ITEMS", help="one sentence per line, or a table with a header row: CSV or TSV, one row per "
        "sentence or, with a column of regions, one row per region or word. Other columns are kept; - for standard "
        "input")
    add("--text", metavar="COLUMN", help="column of the text (default: sentence, text or word)")
    add("--item", metavar="COLUMN", help="column of the item (default: item)")
    add("--condition", metavar="COLUMN", action="append", default=[], help="column of the condition (default: "
        "condition); may be repeated, for factors or subjects")
    add("--region", metavar="COLUMN", help="column of the region (default: region), or of the number of the word")
    add("--per", choices=("word", "region"), default="word",
        help="one row per word (default), or one per region, or whole sentence, with sums")
    add("--only", metavar="REGION", action="append", help="print this region only; may be repeated")
    add("--state", choices=("reset", "carry"), default="reset",
        help="every item on its own (default), or each after the one before, as in a text that is read on")
    add_tokenize(add)
    add("--out", metavar="FILE", default=STDOUT, help="a table for R and pandas: .csv, or .tsv with tabs; (default -: "
        "standard output, as CSV)")
    add("--picture", metavar="FILE", help="also draw the mean surprisal of each region by condition, as .svg or .png")
    add_json(add, "write one JSON object per line instead of a table")


def run(args: argparse.Namespace) -> int:
    _check_targets(args)
    elmo = ELMo.load(args.dir)
    found = read_items(Path(args.items), Columns(args.text, args.item, args.condition, args.region))
    _check(args, found)
    if args.per == "region":
        found = found._replace(items=[_whole_regions(item, found.region) for item in found.items])
    cut = [_cut(item, splits(args, elmo)) for item in found.items]
    sentences = [[token for words in item for word in words for token in word] for item in cut]
    values = _measured(elmo, sentences, args.state)
    rows = [row for own in zip(found.items, cut, values, strict=True) for row in _rows(args, found.region, *own)]
    atomic_write_text(args.out, _json(rows) if args.json else table_text(rows, args.out))
    if args.picture:
        save(_picture(args, found, cut, values, next(iter(elmo.model.lms))), args.picture)
    return 0


def _check_targets(args: argparse.Namespace) -> None:
    """Raise UserError where what is computed could not be written."""
    check_new_file("--out", args.out, JSON_LINES if args.json else TABLES)
    if args.picture is not None:
        check_target(args.picture)


def _whole_regions(item: Item, region: str | None) -> Item:
    """Rows that are words of one region as one row, with the columns of the first."""
    if region is None:
        return item
    groups = [list(group) for _, group in groupby(item, lambda row: row.labels[region])]
    return [group[0]._replace(text=" ".join(row.text for row in group)) for group in groups]


def _cut(item: Item, tokenize: bool) -> Words:
    """The words of each region, each as its tokens. Raises UserError for an item without a word."""
    found = [[tokens(word) if tokenize else [word] for word in words_of(region.text)] for region in item]
    if not any(found):
        raise UserError(f"the item {', '.join(item[0].labels.values())!r:.60} has no word: expected at least one")
    return found


def _measured(elmo: ELMo, sentences: Sequence[list[str]], state: str) -> list[Surprisal]:
    found: list[Surprisal] = []
    measure = Measure(elmo)
    with Progress() as progress:
        for line in coverage(elmo, sentences):
            progress.say(line)

        def each(score: SentenceScore) -> None:
            found.append(measure(sentences[len(found)], score))
            progress.show(f"{len(found):,} of {len(sentences):,} sentences")
        evaluate(elmo.model, elmo.vocabulary, sentences, state=state, each=each, entropy=True)
    return found


def _picture(args: argparse.Namespace, found: Items, cut: Sequence[Words], values: Sequence[Surprisal],
             direction: str) -> Any:
    """Means over the items of each region's surprisal in a direction, by condition."""
    drawn: dict[str, dict[str, list[float]]] = {}
    for item, regions, own in zip(found.items, cut, values, strict=True):
        sizes: dict[str, int] = {}
        for row, words in zip(item, regions, strict=True):
            name = row.labels[str(found.region)]
            sizes[name] = sizes.get(name, 0) + sum(map(len, words))
        condition = ", ".join(item[0].labels[name] for name in found.conditions)
        sums = own.grouped(list(sizes.values()))
        for name, bits in zip(sizes, getattr(sums, direction).tolist(), strict=True):
            if not math.isnan(bits):            # an empty region has no surprisal
                drawn.setdefault(condition, {}).setdefault(name, []).append(bits)
    names = list(dict.fromkeys(name for regions in drawn.values() for name in regions))
    lines = {condition: [regions.get(name, []) for name in names] for condition, regions in drawn.items()}
    return region_means(names, lines, title=f"{Path(args.items).stem}: {len(found.items):,} sentences",
                        ylabel="backward surprisal (bits)" if direction == "backward" else "surprisal (bits)")


def _check(args: argparse.Namespace, found: Items) -> None:
    """Raise UserError for columns that the output has itself, and for an --only that no row has."""
    items, region, _ = found
    own = (*MEASURES, "text", "words") if args.per == "region" else (*MEASURES, "word")
    if taken := [name for name in items[0][0].labels if name in own]:
        raise UserError(f"{args.items} has a column {taken[0]!r}, which the output uses itself: rename it")
    if (args.only or args.picture) and region is None:
        option = f"--only {args.only[0]}" if args.only else "--picture"
        raise UserError(f"{option}: {args.items} has no column of regions: name it with --region")
    known = {row.labels[region]: None for item in items for row in item} if region else {}
    for name in args.only or []:
        if name not in known:
            raise UserError(f"--only {name}: no row has this region; expected one of {', '.join(known):.200}")


def _rows(args: argparse.Namespace, region: str | None, item: Item, regions: Words, found: Surprisal) -> Iterator[Row]:
    """The rows of an item."""
    units, position = [], 1
    for row, words in zip(item, regions, strict=True):
        if args.per == "region":
            units.append(Unit(row.labels, row.text, position, len(words), sum(map(len, words))))
        else:
            units += [Unit(row.labels, text, position + k, 1, len(tokens))
                      for k, (text, tokens) in enumerate(zip(words_of(row.text), words, strict=True))]
        position += len(words)
    sums = found.grouped([unit.tokens for unit in units])
    for k, unit in enumerate(units):
        if region is None or not args.only or unit.labels[region] in args.only:
            yield {**unit.labels, ("text" if args.per == "region" else "word"): unit.text, "position": unit.position,
                   **({"words": unit.words} if args.per == "region" else {}), "tokens": unit.tokens,
                   "surprisal": float(sums.forward[k]), "backward_surprisal": float(sums.backward[k]),
                   "entropy_before": float(sums.entropy_before[k]), "entropy_after": float(sums.entropy_after[k]),
                   "entropy_reduction": float(sums.entropy_reduction[k]),
                   "log_frequency": float(sums.log_frequency[k]), "unknown": int(sums.unknown[k])}


def _json(rows: Sequence[Row]) -> str:
    return "".join(json_text(row) + "\n" for row in rows)
