"""`elmo-np embed`."""

from __future__ import annotations

import argparse

from ..data.corpus import open_corpus
from ..inference.elmo import ELMo
from ..inference.embed_file import embed_file
from .common import Add, add_corpus, add_json, add_tokenize, blank_lines, show, splits

ABOUT = "write the vectors of every word of a text to a file"


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, or a model file")
    add_corpus(add, "INPUT")
    add("--out", required=True, metavar="FILE", help="FILE.npz, or FILE.hdf5 with the extra [hdf5]: one array per "
        "sentence, named by its index: \"0\", \"1\", ...")
    add("--layer", default="all", metavar="LAYER", help="all (default), top, average, sum, mix, or the number of a "
        "layer")
    add("--state", default="reset", choices=("reset", "warm", "carry"), help="the state in which each sentence "
        "starts: zero (reset, the default), one that the model has settled into, the same for all sentences (warm), or "
        "the one in which the sentence before it ended (carry)")
    add("--marks", action="store_true", help="include <S> and </S>: two more tokens per sentence")
    add("--shard", default=(0, 1), type=_shard, metavar="i/N", help="only sentences whose index modulo N is i: N "
        "processes share the work, each with its own file")
    add("--cache", metavar="FILE", help="a file in which a model of characters keeps the vectors of words from "
        "one run to the next: those of the first words, as many as fit in 32 MB; not for several runs at once")
    add("--resume", action="store_true", help="continue where the same command stopped, or start")
    add_tokenize(add)
    add_json(add)


def run(args: argparse.Namespace) -> int:
    elmo = ELMo.load(args.dir)
    sentences = open_corpus(args.input, tokenize=splits(args, elmo))
    count = embed_file(elmo, sentences, args.out, layer=args.layer, state=args.state, marks=args.marks,
                       shard=args.shard, cache=args.cache, resume=args.resume)
    i, N = args.shard
    names = f"arrays \"{i}\" to \"{i + N * (count - 1)}\"" if count else "no arrays"
    reader = "numpy.load" if args.out.endswith(".npz") else "h5py.File"
    skipped = f"; {text}" if (text := blank_lines(sentences)) else ""
    show(args, args.out, f"{args.out}: {count:,} sentences, {names} (read with {reader}){skipped}",
         {"out": args.out, "sentences": count, "first": i, "step": N,
          "blank_lines": getattr(sentences, "blank_lines", 0)})
    return 0


def _shard(text: str) -> tuple[int, int]:
    i, slash, N = text.partition("/")
    if not (slash and i.isdecimal() and N.isdecimal() and len(N) < 10 and len(i) < 10):
        raise argparse.ArgumentTypeError(f"{text!r:.60}: expected i/N, such as 0/4, of at most 9 digits each")
    return int(i), int(N)
