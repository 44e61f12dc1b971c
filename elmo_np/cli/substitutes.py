"""`elmo-np substitutes`."""

from __future__ import annotations

import argparse
import math

from ..inference.elmo import ELMo, position_of
from ..inference.neighbours import in_context
from ..inference.substitutes import substitutes
from .common import Add, json_text, say_unknown


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add("word", metavar="WORD", help="the word to replace; the model does not read it, so it can be ___")
    add("--in", dest="sentence", required=True, metavar="SENTENCE", help="a sentence with WORD in it")
    add("--occurrence", type=int, metavar="N", help="which occurrence of WORD in the sentence, counted from 1")
    add("--top", type=int, default=10, metavar="N", help="number of results (default 10)")
    add("--prior", action=argparse.BooleanOptionalAction, default=True,
        help="subtract how frequent a word is in any context (default), or only add up both directions")
    add("--others", action="store_true", help="leave WORD itself out")
    add("--json", action="store_true", help="print one JSON object per line")


def run(args: argparse.Namespace) -> int:
    elmo = ELMo.load(args.dir)
    found = substitutes(elmo, args.word, args.sentence, args.top, occurrence=args.occurrence, prior=args.prior,
                        itself=not args.others)
    words = elmo.words(args.sentence)
    position = position_of(args.word, words, args.occurrence)
    say_unknown(elmo, [*words[:position], *words[position + 1:]])
    if args.json:
        for row in found:
            print(json_text(row._asdict()))
        return 0
    print(in_context(words, position).strip())
    print("  rank  probability   forward  backward  word")
    for row in found:
        print(f"  {row.rank:4}  {row.probability:11.1%}  {math.exp(row.forward):8.3%}  {math.exp(row.backward):8.3%}  "
              f"{row.word}{'   (itself)' if row.itself else ''}")
    return 0
