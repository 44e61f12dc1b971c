"""`elmo-np explore`."""

from __future__ import annotations

import argparse

from ..errors import UserError
from ..inference.elmo import ELMo
from ..viz.explore import MOST, explore, summary
from .common import Add, add_json, corpus_of, show


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add("--out", required=True, metavar="FILE.html",
        help="the page, a single file that needs nothing else; - for standard output")
    add("--corpus", metavar="CORPUS", help="the text to search (default: the training corpus)")
    add("--words", nargs="+", metavar="WORD", help="words to show, separated by commas or spaces (default: the 12 most "
        "frequent content words; for the grammar, words with several senses)")
    add("--max", type=int, default=MOST, metavar="N", help=f"maximum number of occurrences per word (default {MOST})")
    add("--tokenize", action=argparse.BooleanOptionalAction, help="split raw text (default: as the training corpus)")
    add_json(add)


def run(args: argparse.Namespace) -> int:
    elmo = ELMo.load(args.dir)
    corpus = corpus_of(args, elmo)
    words = None if args.words is None else [word for word in ",".join(args.words).split(",") if word]
    if words == []:
        raise UserError("--words names no word: expected words separated by commas or spaces, such as bank,play")
    chosen = explore(elmo, corpus, args.out, words=words, most=args.max)
    show(args, args.out, summary(args.out, chosen),
         {"out": args.out, "words": [sample.word for sample in chosen],
          "occurrences": sum(len(sample.shown) for sample in chosen)})
    return 0
