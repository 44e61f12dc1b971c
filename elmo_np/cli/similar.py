"""`elmo-np similar`."""

from __future__ import annotations

import argparse

from ..data.corpus import open_corpus
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.neighbours import in_context
from .common import Add, settings_of

ABOUT = "occurrences in similar contexts"


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="folder of a run, or a model file")
    add("word", metavar="WORD")
    add("--in", dest="sentence", required=True, metavar="SENTENCE", help="a sentence with WORD in it")
    add("--occurrence", type=int, metavar="N", help="which WORD of the sentence, from 1")
    add("--top", type=int, default=10, metavar="N", help="how many (default 10)")
    add("--corpus", metavar="CORPUS", help="where to look (default: what the model was trained on)")
    add("--any-word", action="store_true", help="look among all words, not among occurrences of WORD")


def run(args: argparse.Namespace) -> int:
    elmo, settings = ELMo.load(args.dir), settings_of(args.dir)
    name = args.corpus or settings.data.corpus
    if name is None:
        raise UserError(f"{args.dir} does not say what it was trained on: give --corpus")
    corpus = open_corpus(name, tokenize=settings.data.tokenize, seed=settings.train.seed)
    elmo.vector(args.word, args.sentence, args.occurrence)          # a mistake shows before the long part
    count = elmo.index(corpus, None if args.any_word else [args.word])
    what = "tokens" if args.any_word else f"occurrences of {args.word!r}"
    print(f"nearest of {count:,} {what} in {name}:")
    for near in elmo.similar(args.word, args.sentence, args.top, args.occurrence):
        print(f"  {near.similarity:.3f} {in_context(near.sentence, near.position)}")
    return 0
