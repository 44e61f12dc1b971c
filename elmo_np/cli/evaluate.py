"""`elmo-np evaluate`."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import redirect_stdout
from typing import Any

from ..data.corpus import Corpus, open_corpus
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.evaluate import Evaluation, SentenceScore, evaluate, perplexity_text, unigram_perplexity
from ..inference.neural_cache import CacheSettings, evaluate_with_cache, tune
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
    add("--cache", type=int, metavar="N", help="also with a cache of the last N words, of which those that followed "
        "similar states become more probable (needs one stream)")
    add("--tune-on", metavar="FILE", help="a validation text, never the one to predict, on which the cache is set")
    add("--cache-theta", type=float, default=0.3, metavar="X", help="without --tune-on, how sharply the cache prefers "
        "similar states (default 0.3)")
    add("--cache-weight", type=float, default=0.1, metavar="X", help="likewise, its share (default 0.1)")
    add_tokenize(add)
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    if args.per_sentence is not None:
        _check_out(args.per_sentence)
    elmo = ELMo.load(args.dir)
    corpus = open_corpus(args.corpus, tokenize=splits(args, elmo))
    scores: list[SentenceScore] = []
    state = args.state or settings_of(args.dir).train.state
    if args.cache is not None and state != "carry":
        raise UserError(f"--cache {args.cache} with state {state}: a cache reads one stream; add --state carry")
    if args.tune_on and args.cache is None:
        raise UserError(f"--tune-on {args.tune_on} sets a cache: add --cache N")
    found = evaluate(elmo.model, elmo.vocabulary, corpus, state=state, batch_size=args.batch_size,
                     each=scores.append if args.per_sentence else None)
    unigram = unigram_perplexity(elmo.vocabulary, corpus) if elmo.vocabulary.counts else None
    if args.per_sentence:
        rows = [f"{score.forward:.6f}\t{score.backward:.6f}\t{score.targets}\t{' '.join(sentence)}"
                for score, sentence in zip(scores, corpus, strict=True)]
        atomic_write_text(args.per_sentence, "\n".join(["forward_log_p\tbackward_log_p\ttargets\tsentence", *rows, ""]))
    cached = None if args.cache is None else _cached(args, elmo, corpus)
    with redirect_stdout(sys.stderr if args.per_sentence == STDOUT else sys.stdout):
        _print(args, found, unigram, state, cached)
    return 0


Cached = tuple[CacheSettings, Evaluation]


def _cached(args: argparse.Namespace, elmo: ELMo, corpus: Corpus) -> Cached:
    """The settings of the cache, and the perplexities with it."""
    settings = CacheSettings(args.cache, args.cache_theta, args.cache_weight)
    if args.tune_on:
        valid = open_corpus(args.tune_on, tokenize=splits(args, elmo))
        settings = tune(elmo.model, elmo.vocabulary, valid, args.cache)
    return settings, evaluate_with_cache(elmo.model, elmo.vocabulary, corpus, settings)


def _check_out(out: str) -> None:
    """Raise UserError for a file that is there already."""
    if not out:
        raise UserError("--per-sentence is empty: expected the name of a file, or - for standard output")
    if out != STDOUT and os.path.lexists(out):
        raise UserError(f"{out} exists already: give another --per-sentence, or remove it")


def _print(args: argparse.Namespace, found: Evaluation, unigram: float | None, state: str,
           cached: Cached | None) -> None:
    if args.json:
        print(json_text(_as_json(found, unigram, state) | _cache_as_json(cached), indent=2))
        return
    print(f"{found.sentences:,} sentences, {found.targets:,} targets per direction (tokens and sentence ends), "
          f"{found.unknown:,} of them unknown words ({found.unknown / found.targets:.1%}); state: {state}")
    figures = [("forward", found.forward), ("backward", found.backward), ("arithmetic mean", found.arithmetic_mean),
               ("geometric mean", found.geometric_mean)] + ([] if unigram is None else [("unigram model", unigram)])
    for name, value in figures:
        print(f"  {name:16} perplexity {perplexity_text(value, 3):>10}")
    if cached:
        settings, with_cache = cached
        print(f"with a cache of {settings.size:,} words, theta {settings.theta:g}, weight {settings.weight:g}"
              f"{f', set on {args.tune_on}' if args.tune_on else ''}:")
        for name, value in ("forward", with_cache.forward), ("backward", with_cache.backward):
            print(f"  {name:16} perplexity {perplexity_text(value, 3):>10}")


def _cache_as_json(cached: Cached | None) -> dict[str, Any]:
    if cached is None:
        return {}
    settings, found = cached
    return {"cache": {**settings._asdict(), "forward": found.forward, "backward": found.backward}}


def _as_json(found: Evaluation, unigram: float | None, state: str) -> dict[str, Any]:
    return {"forward": found.forward, "backward": found.backward, "arithmetic_mean": found.arithmetic_mean,
            "geometric_mean": found.geometric_mean, "unigram": unigram, "forward_nats": found.forward_nats,
            "backward_nats": found.backward_nats, "targets": found.targets, "sentences": found.sentences,
            "unknown": found.unknown, "state": state}
