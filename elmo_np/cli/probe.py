"""`elmo-np probe`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.corpus import splitter
from ..data.minimal_pairs import Suite, equal_pairs, read_suites
from ..errors import UserError
from ..inference.confidence import share_interval
from ..inference.coverage import Coverage, coverage
from ..inference.elmo import ELMo
from ..inference.probe import CHOICES, Result, probe, together
from ..runtime.progress import Progress
from ..runtime.terminal import columns_of, filled
from ..tasks.data.examples import Examples
from ..tasks.data.wic import read_wic
from ..tasks.experiments.wic_probe import is_wic, probe_layers
from ..viz.plots import check_target, save, shares
from .common import Add, add_json, add_tokenize, json_text, splits


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add("suites", metavar="SUITE", help="BLiMP's zip, its directory or one .jsonl; SyntaxGym's .json or a directory of "
        "them; an agreement set's .text beside its .gold; a .tsv or .csv with the columns good, bad and phenomenon; "
        "WiC's pairs of sentences, NAME.data.txt beside NAME.gold.txt, or SuperGLUE's .jsonl")
    add("--direction", choices=CHOICES, help="whose surprisal: given the words before (forward, the default unless the "
        "model has only the other), after, or both")
    add("--each", action="store_true", help="one row per suite instead of one per phenomenon")
    add("--lower", action="store_true", help="turn the sentences into lower case, for a model of lower-case text")
    add("--picture", metavar="FILE", help="also draw the shares, as .svg or .png")
    add_tokenize(add)
    add_json(add)


def run(args: argparse.Namespace) -> int:
    if args.picture is not None:
        check_target(args.picture)
    elmo = ELMo.load(args.dir)
    return _wic(args, elmo) if is_wic(Path(args.suites)) else _suites(args, elmo)


def _wic(args: argparse.Namespace, elmo: ELMo) -> int:
    """By the cosine of a word's two vectors."""
    for option, given in ("--direction", args.direction), ("--each", args.each), ("--tokenize", args.tokenize):
        if given:
            raise UserError(f"{option} does not go with {args.suites}: the words of WiC's sentences are split already, "
                            "and compared by the vectors of every layer; leave it out")
    examples = read_wic(args.suites, columns=None)
    if args.lower:
        examples = Examples([_lower(sentence) for sentence in examples.sentences],
                            [pair._replace(second=_lower(pair.second)) for pair in examples.labels])
    with Progress() as progress:
        for line in coverage(elmo, examples.texts()):
            progress.say(line)
        rows = probe_layers(elmo, examples, progress)
    if args.picture:
        save(_picture(args, rows, "cosine of two vectors", "vectors"), args.picture)
    _print(args, rows, None)
    return 0


def _lower(sentence: Sequence[str]) -> list[str]:
    return [word.lower() for word in sentence]


def _suites(args: argparse.Namespace, elmo: ELMo) -> int:
    """By surprisal."""
    args.direction = args.direction or elmo.model.config.directions[0]
    suites = read_suites(Path(args.suites))
    cut = splitter(splits(args, elmo))
    total = sum(len(item) for suite in suites for item in suite.items)
    known = Coverage(elmo)

    def split(text: str) -> list[str]:
        words = cut(text.lower() if args.lower else text)
        known.add(words)
        return words
    with Progress() as progress:
        results = probe(elmo, suites, split, args.direction,
                        lambda done: progress.show(f"{done:,} of {total:,} sentences"))
        if known.lost:
            progress.say(known.line)
        if equal := equal_pairs(suites):
            progress.say(f"note: {equal:,} of the pairs {'is' if equal == 1 else 'are'} twice the same sentence: ties, "
                         "which count as wrong")
    rows = results if args.each else _by_phenomenon(suites, results)
    if args.picture:
        save(_picture(args, rows, args.direction, "suite" if args.each else "phenomenon"), args.picture)
    _print(args, rows, together("all", results))
    return 0


def _by_phenomenon(suites: Sequence[Suite], results: Sequence[Result]) -> list[Result]:
    groups: dict[str, list[Result]] = {}
    for suite, result in zip(suites, results, strict=True):
        groups.setdefault(suite.phenomenon, []).append(result)
    return [together(name, groups[name]) for name in sorted(groups)]


def _picture(args: argparse.Namespace, rows: Sequence[Result], by: str, ylabel: str) -> Any:
    return shares([row.name for row in rows], [row.right / row.items for row in rows],
                  [share_interval(row.right, row.items) for row in rows],
                  {"unigram model": [None if row.unigram is None else row.unigram / row.items for row in rows],
                   "chance": [row.chance for row in rows]},
                  title=f"{Path(args.suites).stem}, {by}", xlabel="right answers, with 95 % intervals", ylabel=ylabel)


def _print(args: argparse.Namespace, rows: Sequence[Result], whole: Result | None) -> None:
    """whole: all rows together; None if they answer the same questions, one layer each."""
    if args.json:
        found = {} if whole is None else {"direction": args.direction, **_as_json(whole)}
        print(json_text({**found, "rows": [_as_json(row) for row in rows]}, indent=2))
        return
    table = [*rows] if whole is None else [*rows, whole]
    width = max(columns_of(row.name) for row in table)
    print(f"{'':{width}}  items  right     95 % interval  unigram  chance   ties  unknown  right without")
    for row in table:
        low, high = share_interval(row.right, row.items)
        chance = "" if row.chance is None else f"{row.chance:.1%}"
        ties = "" if row.ties is None else f"{row.ties:,}"
        print(f"{filled(row.name, width)} {row.items:6,} {row.right / row.items:6.1%}  {low:6.1%} to {high:6.1%} "
              f"{_share(row.unigram, row.items):>8} {chance:>7} {ties:>6} {row.unknown:8,}  "
              f"{_share(row.known_right, row.items - row.unknown):>13}")
    rule = "as predicted, ties are wrong" if whole else "by a threshold of the cosine that suits the other half best"
    print(f"right: {rule}; unknown: items with a critical word that the model does not know; right without: among the "
          "others")


def _share(right: int | None, items: int) -> str:
    return f"{right / items:.1%}" if items and right is not None else ""


def _as_json(row: Result) -> dict[str, Any]:
    low, high = share_interval(row.right, row.items)
    known = row.items - row.unknown
    return {"name": row.name, "items": row.items, "right": row.right, "accuracy": row.right / row.items, "low": low,
            "high": high, "unigram": None if row.unigram is None else row.unigram / row.items, "chance": row.chance,
            "ties": row.ties, "unknown": row.unknown, "accuracy_known": row.known_right / known if known else None}
