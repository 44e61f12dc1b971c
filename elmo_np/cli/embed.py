"""`elmo-np embed`."""

from __future__ import annotations

import argparse

from ..data.corpus import open_corpus
from ..inference.elmo import ELMo
from ..inference.embed_file import embed_file
from .common import Add, splits

ABOUT = "vectors of every word of a text"


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="folder of a run, or a model file")
    add("input", metavar="INPUT", help="a text file, one sentence a line")
    add("--out", required=True, metavar="FILE", help="FILE.npz, or FILE.hdf5 with the extra [hdf5]: one array a "
        "sentence, named by its number: \"0\", \"1\", ...")
    add("--layer", default="all", metavar="LAYER", help="all (default), top, average, mix, or a number")
    add("--state", default="reset", choices=("reset", "warm", "carry"), help="where every sentence starts: alone "
        "(default), from one settled state, or where the one before it ended")
    add("--marks", action="store_true", help="with <S> and </S>, two tokens more a sentence")
    add("--shard", default=(0, 1), type=_shard, metavar="i/N", help="only the sentences whose number leaves i, 0 to "
        "N - 1, when it is divided by N: N processes share the work, each with a file of its own")
    add("--cache", metavar="FILE", help="keep the vectors of words that characters give between runs, one run at a "
        "time; of the first words that come, as many as fit 32 MB")
    add("--resume", action="store_true", help="go on where the same command stopped, or begin")
    add("--tokenize", action=argparse.BooleanOptionalAction, help="split raw text (default: as the model's corpus was)")


def run(args: argparse.Namespace) -> int:
    elmo = ELMo.load(args.dir)
    sentences = open_corpus(args.input, tokenize=splits(args, elmo))
    count = embed_file(elmo, sentences, args.out, layer=args.layer, state=args.state, marks=args.marks,
                       shard=args.shard, cache=args.cache, resume=args.resume)
    i, N = args.shard
    names = f"arrays \"{i}\" to \"{i + N * (count - 1)}\"" if count else "no array"
    print(f"{args.out}: {count:,} sentences, {names} (read with "
          f"{'numpy.load' if args.out.endswith('.npz') else 'h5py.File'})")
    return 0


def _shard(text: str) -> tuple[int, int]:
    i, slash, N = text.partition("/")
    if not (slash and i.isdecimal() and N.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r}: expected i/N, such as 0/4")
    return int(i), int(N)
