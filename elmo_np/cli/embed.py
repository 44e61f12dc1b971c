"""`elmo-np embed`."""

from __future__ import annotations

import argparse
import os

from ..data.corpus import BUILT_IN, Corpus, check_shared, corpus_files, corpus_name, open_corpus
from ..data.fasta import FastaCorpus
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.embed_file import embed_file
from ..runtime.launcher import rank_and_size
from .common import Add, add_corpus, add_json, add_tokenize, blank_lines, show, splits


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add_corpus(add, "INPUT")
    add("--out", required=True, metavar="FILE", help="FILE.npz, or FILE.hdf5 with the extra [hdf5]: one array per "
        "sentence, named by its index: \"0\", \"1\", ...")
    add("--layer", default="all", metavar="LAYER", help="all (default), top, average, sum, mix, or the number of a "
        "layer")
    add("--mean", action="store_true", help="one vector per sentence or protein, the mean over its words or residues "
        "(with --marks, <S> and </S> count too)")
    add("--fasta", action="store_true", help="INPUT are proteins, for SeqVec and other models of single residues: one "
        "array per protein, named by its id")
    add("--state", default="reset", choices=("reset", "warm", "carry"), help="the state in which each sentence "
        "starts: zero (reset, the default), one that the model has settled into, the same for all sentences (warm), or "
        "the one in which the sentence before it ended (carry)")
    add("--marks", action="store_true", help="include <S> and </S>: two more tokens per sentence")
    add("--shard", type=_shard, metavar="i/N", help="only sentences whose index modulo N is i: N processes share the "
        "work, each with its own file. Default: all sentences; of N processes that mpiexec starts, process i takes "
        "shard i/N and writes FILE-i-of-N.npz")
    add("--cache", metavar="FILE", help="a file in which a model of characters keeps the vectors of words from "
        "one run to the next: those of the first words, as many as fit in 32 MB; not for several runs at once")
    add("--resume", action="store_true", help="continue where the same command stopped, or start")
    add_tokenize(add)
    add_json(add)


def run(args: argparse.Namespace) -> int:
    shard, out = _part(args)
    elmo = ELMo.load(args.dir)
    sentences: Corpus = _proteins(args) if args.fasta else open_corpus(args.input, tokenize=splits(args, elmo))
    count = embed_file(elmo, sentences, out, layer=args.layer, state=args.state, marks=args.marks, shard=shard,
                       mean=args.mean, cache=args.cache, resume=args.resume)
    reader = "numpy.load" if out.endswith(".npz") else "h5py.File"
    result: dict[str, object] = {"out": out, "sentences": count}
    if isinstance(sentences, FastaCorpus):
        line, said = f"{count:,} proteins, arrays by their ids (read with {reader})", sentences.line
        result |= {"odd": sentences.odd, "lower": sentences.lower, "left_out": sentences.left_out}
    else:
        i, N = shard
        names = f"arrays \"{i}\" to \"{i + N * (count - 1)}\"" if count else "no arrays"
        line, said = f"{count:,} sentences, {names} (read with {reader})", blank_lines(sentences)
        result |= {"first": i, "step": N, "blank_lines": getattr(sentences, "blank_lines", 0)}
    show(args, out, f"{out}: {line}{said and f'; {said}'}", result)
    return 0


def _part(args: argparse.Namespace) -> tuple[tuple[int, int], str]:
    """The shard and the file of this process: as asked, or its part among those that an MPI launcher started.

    Raises UserError for options that several processes cannot share.
    """
    if args.shard:
        return args.shard, args.out
    i, N = rank_and_size()
    if N == 1:
        return (0, 1), args.out
    check_shared(N, args.input)
    if args.cache:
        raise UserError(f"--cache with {N} processes: expected none, because only one run at a time may use the file")
    stem, suffix = os.path.splitext(args.out)
    return (i, N), f"{stem}-{i}-of-{N}{suffix}"


def _proteins(args: argparse.Namespace) -> FastaCorpus:
    """The proteins that INPUT names. Raises UserError for a built-in corpus, or an option that is for text."""
    if args.input in BUILT_IN or args.tokenize is not None:
        option = args.input if args.input in BUILT_IN else "--tokenize" if args.tokenize else "--no-tokenize"
        raise UserError(f"{option} with --fasta: expected FASTA files of proteins, whose residues are single words")
    return FastaCorpus(corpus_files(args.input), name=corpus_name(args.input))


def _shard(text: str) -> tuple[int, int]:
    i, slash, N = text.partition("/")
    if not (slash and i.isdecimal() and N.isdecimal() and len(N) < 10 and len(i) < 10):
        raise argparse.ArgumentTypeError(f"{text!r:.60}: expected i/N, such as 0/4, of at most 9 digits each")
    return int(i), int(N)
