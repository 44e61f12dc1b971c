"""`elmo-np evaluate`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

from ..config.directions import by_direction, from_directions
from ..data.corpus import Corpus, open_corpus
from ..errors import UserError
from ..inference.elmo import ELMo
from ..inference.evaluate import Evaluation, SentenceScore, evaluate, perplexity_text, unigram_perplexity
from ..inference.neural_cache import THETAS, WEIGHTS, CacheSettings, evaluate_with_cache, tune
from ..runtime.files import STDOUT, atomic_write_text
from .common import Add, add_corpus, add_tokenize, check_new_file, json_text, settings_of, splits

THETA, WEIGHT = 0.3, 0.1       # of a cache that nobody has set

ABOUT = "compute the perplexity of each direction, over all words"


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
    add("--cache-theta", type=float, metavar="X", help=f"without --tune-on, how sharply the cache prefers similar "
        f"states (default {THETA})")
    add("--cache-weight", type=float, metavar="X", help=f"likewise, its share (default {WEIGHT})")
    add_tokenize(add)
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    if args.per_sentence is not None:
        check_new_file("--per-sentence", args.per_sentence)
    elmo = ELMo.load(args.dir)
    corpus = open_corpus(args.corpus, tokenize=splits(args, elmo))
    scores: list[SentenceScore] = []
    state = args.state or settings_of(args.dir).train.state
    settings = _cache_settings(args, elmo, state)
    found = evaluate(elmo.model, elmo.vocabulary, corpus, state=state, batch_size=args.batch_size,
                     each=scores.append if args.per_sentence else None)
    unigram = unigram_perplexity(elmo.vocabulary, corpus) if elmo.vocabulary.counts else None
    if args.per_sentence:
        atomic_write_text(args.per_sentence, _per_sentence(scores, corpus))
    cached = settings and (settings, evaluate_with_cache(elmo.model, elmo.vocabulary, corpus, settings))
    with redirect_stdout(sys.stderr if args.per_sentence == STDOUT else sys.stdout):
        _print(args, found, unigram, state, cached)
    return 0


def _per_sentence(scores: Sequence[SentenceScore], corpus: Corpus) -> str:
    """A table with tabs; blank for a direction that the model lacks."""
    rows = ["forward_log_p\tbackward_log_p\ttargets\tsentence"]
    for score, sentence in zip(scores, corpus, strict=True):
        log_p = ["" if value is None else f"{value:.6f}" for value in from_directions(by_direction(score)).values()]
        rows.append("\t".join([*log_p, str(score.targets), " ".join(sentence)]))
    return "\n".join([*rows, ""])


Cached = tuple[CacheSettings, Evaluation]


def _cache_settings(args: argparse.Namespace, elmo: ELMo, state: str) -> CacheSettings | None:
    """Those asked for or found on another text; None: no cache. Raises UserError for options that contradict others."""
    set_by_hand = args.cache_theta is not None or args.cache_weight is not None
    if args.cache is None:
        if args.tune_on or set_by_hand:
            raise UserError("--tune-on, --cache-theta and --cache-weight set a cache: add --cache N")
        return None
    if state != "carry":
        raise UserError(f"--cache {args.cache} with state {state}: a cache reads one stream; add --state carry")
    if not args.tune_on:
        return CacheSettings(args.cache, THETA if args.cache_theta is None else args.cache_theta,
                             WEIGHT if args.cache_weight is None else args.cache_weight).checked()
    if set_by_hand:
        raise UserError(f"--tune-on {args.tune_on} finds theta and weight: leave out --cache-theta and --cache-weight")
    if args.tune_on == args.corpus or (os.path.exists(args.corpus) and os.path.exists(args.tune_on)
                                       and os.path.samefile(args.corpus, args.tune_on)):
        raise UserError(f"--tune-on {args.tune_on} is the text to predict: expected another one, or the cache would be "
                        "set on what it is judged on")
    return tune(elmo.model, elmo.vocabulary, open_corpus(args.tune_on, tokenize=splits(args, elmo)), args.cache)


def _print(args: argparse.Namespace, found: Evaluation, unigram: float | None, state: str,
           cached: Cached | None) -> None:
    if args.json:
        print(json_text(_as_json(found, unigram, state) | _cache_as_json(cached), indent=2))
        return
    print(f"{found.sentences:,} sentences, {found.targets:,} targets per direction (tokens and sentence ends), "
          f"{found.unknown:,} of them unknown words ({found.unknown / found.targets:.1%}); state: {state}")
    figures = dict(found.perplexities)
    if len(figures) > 1:
        figures |= {"arithmetic mean": found.arithmetic_mean, "geometric mean": found.geometric_mean}
    if unigram is not None:
        figures["unigram model"] = unigram
    for name, value in figures.items():
        print(f"  {name:16} perplexity {perplexity_text(value, 3):>10}")
    if cached:
        settings, with_cache = cached
        print(f"with a cache of {settings.size:,} words, theta {settings.theta:g}, weight {settings.weight:g}"
              f"{f', set on {args.tune_on}' if args.tune_on else ''}:")
        if args.tune_on and (settings.theta in (THETAS[0], THETAS[-1]) or settings.weight in (WEIGHTS[0], WEIGHTS[-1])):
            print("  (at the edge of what was tried: other values of --cache-theta and --cache-weight may be better)")
        for name, value in with_cache.perplexities.items():
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
