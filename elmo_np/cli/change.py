"""`elmo-np change`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from ..data.corpus import Corpus, open_corpus
from ..errors import UserError
from ..inference.change import CORPORA, MOST, NAMES, Change, change
from ..inference.coverage import Coverage
from ..inference.elmo import ELMo, layer_of
from ..inference.neighbours import in_context
from ..runtime.files import STDOUT, atomic_write_text
from ..runtime.progress import Progress
from ..runtime.terminal import columns_of, filled
from ..viz import page
from ..viz.change import FARTHEST, TITLES, cells, change_page, head, section
from ..viz.plots import check_target, distances, save
from .common import TABLES, Add, add_json, add_tokenize, check_new_file, json_text, listed_words, splits, table_text

DRAWN = 40          # words in a picture
SHOWN = 100         # words whose uses a page shows

PRINTED = 3         # sentences per word and corpus
WARNED = 5          # words

Row = dict[str, object]


class Result(NamedTuple):
    """A word in the form in which it is written."""

    apd: float          # by which words are sorted, the highest first; -1: not compared
    row: Row
    cells: list[str]
    html: str           # its section of the page, or ""


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add("first", metavar="CORPUS1", help="a text file with one sentence per line, compressed or not; or a directory, a "
        "glob pattern in quotation marks, several joined by :")
    add("second", metavar="CORPUS2", help="the corpus to compare with it")
    add("words", metavar="WORD", nargs="*", help="words to compare, as the corpora write them")
    add("--words-from", metavar="FILE", help="a file with words, one per line")
    add("--layer", default="top", metavar="LAYER", help="top (default), average, sum, mix, or the number of a layer")
    add("--max", type=int, default=MOST, metavar="N", help="maximum number of uses per word and corpus, a random "
        f"sample in which equal sentences count once (default {MOST})")
    add("--seed", type=int, default=0, metavar="S", help="of the sample, the bootstrap and the shuffles (default 0)")
    add("--out", metavar="FILE", help="also write a table for R and pandas: .csv, or .tsv with tabs; - for standard "
        "output")
    add("--page", metavar="FILE.html", help="also write a page with the uses of each word as points, clusters and "
        "sentences")
    add("--picture", metavar="FILE", help=f"also draw the distances, of at most {DRAWN} words, as .svg or .png")
    add_tokenize(add)
    add_json(add)


def run(args: argparse.Namespace) -> int:
    _check_targets(args)
    _check_words(args.words)
    words = [*args.words, *(listed_words(args.words_from) if args.words_from is not None else [])]
    elmo = ELMo.load(args.dir)
    corpora = [open_corpus(spec, tokenize=splits(args, elmo)) for spec in (args.first, args.second)]
    names = _names(args, corpora)
    results = []
    known = Coverage(elmo)
    for found in change(elmo, (corpora[0], corpora[1]), words, layer=layer_of(args.layer), most=args.max,
                        seed=args.seed):
        html = section(names, found) if args.page and found.distances else ""
        apd = found.distances["apd"].value if found.distances else -1
        results.append(Result(apd, _row(found), cells(found), html))
        for use in found.uses:
            known.add(use.sentence)
    results.sort(key=lambda result: -result.apd)
    _warn(results, known)
    _write(args, names, results)
    with redirect_stdout(sys.stderr if STDOUT in (args.out, args.page) else sys.stdout):
        _print(args, names, results)
    return 0


def _check_targets(args: argparse.Namespace) -> None:
    """Raise UserError where what is computed could not be written."""
    if args.out is not None:
        check_new_file("--out", args.out, TABLES)
    if args.page is not None:
        page.check_target(args.page)
    if args.picture is not None:
        check_target(args.picture)
    given = {option: Path(path).absolute() for option, path in
             (("--out", args.out), ("--page", args.page), ("--picture", args.picture)) if path is not None}
    if len(set(given.values())) < len(given):
        raise UserError(f"{' and '.join(given)}: expected a file for each")


def _check_words(words: Sequence[str]) -> None:
    """Raise UserError for a word of the command line that is not UTF-8: no table could hold it."""
    for word in words:
        if any("\ud800" <= c <= "\udfff" for c in word):
            raise UserError(f"the word {word!r:.40} is not UTF-8, expected UTF-8 text: check the terminal's encoding")


def _names(args: argparse.Namespace, corpora: Sequence[Corpus]) -> tuple[str, str]:
    """What to call the corpora, differently in any case."""
    first, second = (corpus.name for corpus in corpora)
    if first == second and args.first != args.second:
        first, second = args.first, args.second
    return (first, second) if first != second else (f"{first} (first)", f"{second} (second)")


def _row(found: Change) -> Row:
    """What is known of a word, for tables and JSON; None: not known."""
    row: Row = {"word": found.word}
    for kind, values in ("total", found.totals), ("uses", found.counts):
        row |= {f"{kind}_{name}": value for name, value in zip(CORPORA, values, strict=True)}
    for name in NAMES:
        distance = found.distances.get(name)
        row[name] = distance and distance.value
        row |= {f"{name}_{end}": distance and getattr(distance, end) for end in ("low", "high", "p")}
    row["note"] = found.note
    for corpus, name in enumerate(CORPORA):
        row[f"farthest_{name}"] = [
            {"sentence": list(found.uses[k].sentence), "position": found.uses[k].position,
             "distance": float(found.away[k])} for k in found.farthest(corpus, FARTHEST)]
    return row


def _warn(results: Sequence[Result], known: Coverage) -> None:
    """Say which words cannot be compared, or not reliably. Raises UserError if none can."""
    noted = [f"{result.row['word']!r}: {result.row['note']}" for result in results if result.row["note"]]
    if results[0].apd < 0:
        raise UserError("no word can be compared, expected words that occur in both corpora, written as they "
                        f"are there: {'; '.join(noted[:WARNED])}")
    progress = Progress()
    for line in noted[:WARNED]:
        progress.say(f"warning: {line}")
    if len(noted) > WARNED:
        progress.say(f"warning: likewise {len(noted) - WARNED:,} more words: see the column note")
    if known.lost:
        progress.say(known.line)


def _write(args: argparse.Namespace, names: tuple[str, str], results: Sequence[Result]) -> None:
    """The table, the page and the picture, where they are asked for."""
    if args.out is not None:
        rows = [{name: value for name, value in result.row.items() if not name.startswith("farthest")}
                for result in results]
        atomic_write_text(args.out, table_text(rows, args.out))
    if args.page is not None:
        sections = [result.html for result in results][:SHOWN]
        page.write(args.page, change_page(names, _sampled(args), [result.cells for result in results], sections))
    if args.picture is not None:
        drawn = [result.row for result in results if result.row["apd"] is not None][:DRAWN]
        panels = {TITLES[name]: [_triple(row, name) for row in drawn] for name in NAMES}
        save(distances([str(row["word"]) for row in drawn], panels, title=f"{names[0]} and {names[1]}"), args.picture)


def _triple(row: Row, name: str) -> Any:
    return None if row[name] is None else (row[name], row[f"{name}_low"], row[f"{name}_high"])


def _sampled(args: argparse.Namespace) -> str:
    return (f"Layer {args.layer}; at most {args.max:,} uses of each word per corpus, drawn with seed {args.seed}, "
            "equal sentences counted once.")


def _print(args: argparse.Namespace, names: tuple[str, str], results: Sequence[Result]) -> None:
    if args.json:
        print(json_text({"first": names[0], "second": names[1], "layer": args.layer, "max": args.max,
                         "seed": args.seed, "words": [result.row for result in results]}, indent=2))
        return
    lines = [head(names), *(result.cells for result in results)]
    widths = [max(map(columns_of, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        row = [" " * (width - columns_of(cell)) + cell if k else filled(cell, width) for k, (cell, width) in
               enumerate(zip(line[:-1], widths, strict=False))]
        print("  ".join([*row, line[-1]]).rstrip())
    for result in results:
        for corpus, name in enumerate(CORPORA):
            uses: Any = result.row[f"farthest_{name}"]
            if uses:
                print(f"\n{result.row['word']} in {names[corpus]}, farthest from the uses in {names[1 - corpus]}:")
            for use in uses[:PRINTED]:
                print(f"  {use['distance']:.3f} {in_context(use['sentence'], use['position'])}")
    print(f"\n{_sampled(args)} In brackets: 95 % intervals; p: share of shuffles that are as far apart.")
