"""`elmo-np similar`."""

from __future__ import annotations

import argparse

from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.neighbours import in_context
from .common import Add, add_json, add_tokenize, corpus_of, json_text, say_unknown


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add("word", metavar="WORD")
    add("--in", dest="sentence", required=True, metavar="SENTENCE", help="a sentence with WORD in it")
    add("--occurrence", type=int, metavar="N", help="which occurrence of WORD in the sentence, counted from 1")
    add("--top", type=int, default=10, metavar="N", help="number of results (default 10)")
    add("--corpus", metavar="CORPUS", help="where to look (default: the model's training corpus)")
    add("--any-word", action="store_true", help="look among all words instead of occurrences of WORD")
    add_tokenize(add)
    add_json(add, "print one JSON object per line")


def run(args: argparse.Namespace) -> int:
    elmo = ELMo.load(args.dir)
    corpus = corpus_of(args, elmo)
    # a mistake shows before the long part
    elmo.vector(args.word, args.sentence, args.occurrence)
    if args.top < 1:
        raise UserError(f"top = {args.top}: expected a whole number of at least 1")
    say_unknown(elmo, elmo.words(args.sentence))
    count = elmo.index(corpus, None if args.any_word else [args.word])
    what = "tokens" if args.any_word else f"occurrences of {args.word!r}"
    if not args.json:
        print(f"nearest of {count:,} {what} in {corpus.name}:")
    for near in elmo.similar(args.word, args.sentence, args.top, args.occurrence):
        print(json_text(near._asdict()) if args.json else
              f"  {near.similarity:.3f} {in_context(near.sentence, near.position)}")
    return 0
