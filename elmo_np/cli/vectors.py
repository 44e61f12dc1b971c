"""`elmo-np vectors`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..data.corpus import Corpus, open_corpus
from ..errors import UserError
from ..inference.elmo import ELMo, layer_of
from ..inference.static_vectors import MOST, WordVectors, mean_vectors, occurrence_vectors, static_vectors
from ..io.word2vec_files import BINARY, check_target, is_word2vec, write_projector, write_word2vec
from .common import Add, add_json, add_tokenize, corpus_of, listed_words, show, splits

Columns = dict[str, Sequence[object]]


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add("--out", required=True, metavar="OUT", help="FILE.txt or FILE.bin, the text or binary format of word2vec; -: "
        "the text format on standard output; any other name: a directory with vectors.tsv and metadata.tsv for the "
        "projector")
    add("--layer", metavar="LAYER", help="static (default): the token layer, before any context; or the mean over a "
        "word's occurrences in the corpus of top, average, sum, mix, or a layer's number (with --occurrences: default "
        "top)")
    add("--words", metavar="FILE", help="which words, one per line (default: the vocabulary, or all of --corpus)")
    add("--corpus", metavar="CORPUS", help="where words are counted and occur (default, if contexts are needed: the "
        "model's training corpus)")
    add("--occurrences", nargs="*", metavar="WORD", help="a point for each occurrence of these words, separated by "
        "commas or spaces, instead of one per word; with its sentence and, in the grammar, its sense (default: the "
        "words that explore shows)")
    add("--max", type=int, metavar="N", help=f"with --occurrences, their maximum number per word (default {MOST})")
    add_tokenize(add)
    add_json(add)


def run(args: argparse.Namespace) -> int:
    check_target(args.out)
    if args.occurrences is None:
        if args.max is not None:
            raise UserError(f"--max {args.max} goes with --occurrences: without it, a vector is the mean over all "
                            "occurrences of its word; leave it out")
        return _words(args)
    if is_word2vec(args.out) or args.words:
        raise UserError("--occurrences takes its own words and needs a folder: a word2vec file has one vector per "
                        "word; expected --out FOLDER and no --words")
    elmo, words = ELMo.load(args.dir), [word for word in ",".join(args.occurrences).split(",") if word]
    found = occurrence_vectors(elmo, corpus_of(args, elmo), words, layer_of(args.layer or "top"),
                               most=MOST if args.max is None else args.max)
    pairs = [(sample, occurrence) for sample in found.samples for occurrence in sample.shown]
    columns: Columns = {"word": [sample.word for sample, _ in pairs], "count": [sample.total for sample, _ in pairs],
                        "sentence": [" ".join(occurrence.sentence) for _, occurrence in pairs]}
    if any(occurrence.sense for _, occurrence in pairs):
        columns["sense"] = [occurrence.sense for _, occurrence in pairs]
    write_projector(args.out, found.vectors, columns)
    show(args, args.out, f"{args.out}: {len(pairs):,} occurrences of {len(found.samples)} words, "
         f"{found.vectors.shape[1]} values each; load vectors.tsv and metadata.tsv into the projector",
         {"out": args.out, "occurrences": len(pairs), "words": len(found.samples), "values": found.vectors.shape[1]})
    return 0


def _words(args: argparse.Namespace) -> int:
    elmo, layer = ELMo.load(args.dir), args.layer or "static"
    words = None if args.words is None else listed_words(args.words)
    if layer == "static":
        corpus: Corpus | None = None
        if args.corpus is not None:
            corpus = open_corpus(args.corpus, tokenize=splits(args, elmo))
        found = static_vectors(elmo, words, corpus)
    else:
        found = mean_vectors(elmo, corpus_of(args, elmo), words, layer_of(layer))
    if is_word2vec(args.out):
        write_word2vec(args.out, found.words, found.vectors)
        reader = f"gensim's KeyedVectors.load_word2vec_format(.., binary={Path(args.out).suffix == BINARY})"
    else:
        columns: Columns = {"word": found.words}
        if found.counts is not None:
            columns["count"] = found.counts
        write_projector(args.out, found.vectors, columns)
        reader = "the projector: vectors.tsv and metadata.tsv"
    show(args, args.out, _summary(args.out, found, reader),
         {"out": args.out, "words": len(found.words), "values": found.vectors.shape[1], "left_out": found.left_out})
    return 0


def _summary(out: str, found: WordVectors, reader: str) -> str:
    left_out = f"; {found.left_out:,} words of the corpus that the model does not know are left out" \
        if found.left_out else ""
    return f"{out}: {len(found.words):,} words, {found.vectors.shape[1]} values each, for {reader}{left_out}"
