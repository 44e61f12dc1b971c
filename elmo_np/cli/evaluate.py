"""`elmo-np evaluate`."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from ..data.corpus import open_corpus
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.evaluate import Evaluation, SentenceScore, evaluate, perplexity_text, unigram_perplexity
from ..runtime.files import STDOUT, atomic_write_text
from .common import Add, add_corpus, add_tokenize, json_text, settings_of, splits

ABOUT = "compute the perplexity of both directions, over all words"


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, or a model file")
    add_corpus(add, "CORPUS", "text to predict: ")
    add("--state", choices=("carry", "reset"), help="one stream, or each sentence on its own (default: as trained)")
    add("--batch-size", type=int, default=32, metavar="B", help="sentences at once, with --state reset (default 32)")
    add("--per-sentence", metavar="FILE.tsv",
        help="also write log p of every sentence to this file; - for standard output")
    add_tokenize(add)
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    if args.per_sentence and Path(args.per_sentence).exists():
        raise UserError(f"{args.per_sentence} exists already: give another --per-sentence, or remove it")
    elmo = ELMo.load(args.dir)
    corpus = open_corpus(args.corpus, tokenize=splits(args, elmo))
    scores: list[SentenceScore] = []
    state = args.state or settings_of(args.dir).train.state
    found = evaluate(elmo.model, elmo.vocabulary, corpus, state=state, batch_size=args.batch_size,
                     each=scores.append if args.per_sentence else None)
    unigram = unigram_perplexity(elmo.vocabulary, corpus) if elmo.vocabulary.counts else None
    if args.per_sentence:
        rows = [f"{score.forward:.6f}\t{score.backward:.6f}\t{score.targets}\t{' '.join(sentence)}"
                for score, sentence in zip(scores, corpus, strict=True)]
        atomic_write_text(args.per_sentence, "\n".join(["forward_log_p\tbackward_log_p\ttargets\tsentence", *rows, ""]))
    with redirect_stdout(sys.stderr if args.per_sentence == STDOUT else sys.stdout):
        _print(args, found, unigram, state)
    return 0


def _print(args: argparse.Namespace, found: Evaluation, unigram: float | None, state: str) -> None:
    if args.json:
        print(json_text(_as_json(found, unigram, state), indent=2))
        return
    print(f"{found.sentences:,} sentences, {found.targets:,} targets per direction (tokens and sentence ends), "
          f"{found.unknown:,} of them unknown words ({found.unknown / found.targets:.1%}); state: {state}")
    figures = [("forward", found.forward), ("backward", found.backward), ("arithmetic mean", found.arithmetic_mean),
               ("geometric mean", found.geometric_mean)] + ([] if unigram is None else [("unigram model", unigram)])
    for name, value in figures:
        print(f"  {name:16} perplexity {perplexity_text(value, 3):>10}")


def _as_json(found: Evaluation, unigram: float | None, state: str) -> dict[str, Any]:
    return {"forward": found.forward, "backward": found.backward, "arithmetic_mean": found.arithmetic_mean,
            "geometric_mean": found.geometric_mean, "unigram": unigram, "forward_nats": found.forward_nats,
            "backward_nats": found.backward_nats, "targets": found.targets, "sentences": found.sentences,
            "unknown": found.unknown, "state": state}
