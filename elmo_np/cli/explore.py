"""`elmo-np explore`."""

from __future__ import annotations

import argparse

from ..errors import UserError
from ..inference.elmo import ELMo
from ..viz.explore import MOST, explore, summary
from ..viz.page import check_target
from .common import Add, corpus_of

ABOUT = "a page on which the occurrences of words are points, by layer"


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="folder of a run, or a model file")
    add("--out", required=True, metavar="FILE.html", help="the page, one file that needs nothing else")
    add("--corpus", metavar="CORPUS", help="where the occurrences are (default: what the model was trained on)")
    add("--words", nargs="+", metavar="WORD", help="what to show, with commas or spaces between (default: the 12 most "
        "frequent content words; of the grammar, words of several senses)")
    add("--max", type=int, default=MOST, metavar="N", help=f"occurrences of a word at most (default {MOST})")
    add("--tokenize", action=argparse.BooleanOptionalAction, help="split raw text (default: as the model's corpus was)")


def run(args: argparse.Namespace) -> int:
    check_target(args.out)
    elmo = ELMo.load(args.dir)
    corpus = corpus_of(args, elmo)
    words = None if args.words is None else [word for word in ",".join(args.words).split(",") if word]
    if words == []:
        raise UserError("--words names no word: expected words with commas or spaces between, such as bank,play")
    print(summary(args.out, explore(elmo, corpus, args.out, words=words, most=args.max)))
    return 0
