"""`elmo-np embed`."""

from __future__ import annotations

import argparse

from ..corpus import open_corpus
from ..elmo import ELMo
from ..embed_file import embed_file
from .common import Add, splits

ABOUT = "vectors of every word of a text"


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="folder of a run, or a model file")
    add("input", metavar="INPUT", help="a text file, one sentence a line")
    add("--out", required=True, metavar="FILE.npz", help="one array a sentence: \"0\", \"1\", ...")
    add("--layer", default="all", metavar="LAYER", help="all (default), top, average, mix, or a number")
    add("--state", default="reset", choices=("reset", "warm", "carry"), help="where every sentence starts: alone "
        "(default), from one settled state, or where the one before it ended")
    add("--tokenize", action=argparse.BooleanOptionalAction, help="split raw text (default: as the model's corpus was)")


def run(args: argparse.Namespace) -> int:
    elmo = ELMo.load(args.dir)
    sentences = open_corpus(args.input, tokenize=splits(args, elmo))
    count = embed_file(elmo, sentences, args.out, layer=args.layer, state=args.state)
    print(f"{args.out}: {count:,} sentences, arrays \"0\" to \"{count - 1}\" (read with numpy.load)")
    return 0
