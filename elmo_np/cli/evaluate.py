"""`elmo-np evaluate`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import Any, NamedTuple

from ..config.directions import by_direction, from_directions
from ..data.corpus import Corpus, open_corpus, shared_file
from ..errors import UserError
from ..inference.dynamic_evaluation import DECAYS, RATES, DynamicSettings, evaluate_dynamically, tune_dynamic
from ..inference.elmo import ELMo
from ..inference.evaluate import Evaluation, SentenceScore, evaluate, perplexity_text, unigram_perplexity
from ..inference.neural_cache import THETAS, WEIGHTS, CacheSettings, evaluate_with_cache, tune
from ..runtime.files import STDOUT, atomic_write_text
from ..runtime.progress import Progress
from .common import Add, add_corpus, add_tokenize, check_new_file, json_text, settings_of, splits

BATCH_SIZE = 32                # of sentences that are read on their own
THETA, WEIGHT = 0.3, 0.1       # of a cache that nobody has set
RATE, DECAY = 0.03, 0.001      # of dynamic evaluation likewise


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add_corpus(add, "CORPUS", "text to predict: ")
    add("--state", choices=("carry", "reset"), help="one stream, or each sentence on its own (default: as trained)")
    add("--batch-size", type=int, metavar="B", help=f"sentences at once, with --state reset (default {BATCH_SIZE})")
    add("--per-sentence", metavar="FILE.tsv",
        help="also write log p of every sentence to this file; - for standard output")
    add("--cache", type=int, metavar="N", help="also with a cache of the last N words, of which those that followed "
        "similar states become more probable (needs one stream)")
    add("--cache-theta", type=float, metavar="X", help=f"without --tune-on, how sharply the cache prefers similar "
        f"states (default {THETA})")
    add("--cache-weight", type=float, metavar="X", help=f"likewise, its share (default {WEIGHT})")
    add("--dynamic", action="store_true", help="also with a model that goes on learning from what it has predicted "
        "(needs one stream)")
    add("--dynamic-rate", type=float, metavar="X", help=f"without --tune-on, how fast it learns (default {RATE})")
    add("--dynamic-decay", type=float, metavar="X", help="likewise, how fast it returns to what it was trained to be "
        f"(default {DECAY})")
    add("--tune-on", metavar="FILE", help="a validation text, never the one to predict, on which the cache and dynamic "
        "evaluation are set")
    add_tokenize(add)
    add("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    if args.per_sentence is not None:
        check_new_file("--per-sentence", args.per_sentence, (".tsv", ".txt"))
    elmo = ELMo.load(args.dir)
    corpus = open_corpus(args.corpus, tokenize=splits(args, elmo))
    scores: list[SentenceScore] = []
    state = args.state or settings_of(args.dir).train.state
    _check_methods(args, state)
    found, extra = _evaluated(args, elmo, corpus, state, scores.append if args.per_sentence else None)
    if args.batch_size is not None and state == "carry":
        Progress().say(f"note: --batch-size {args.batch_size} changes nothing with state carry, in which sentences are "
                       "read one after the other")
    unigram = unigram_perplexity(elmo.vocabulary, corpus) if elmo.vocabulary.counts else None
    if args.per_sentence:
        atomic_write_text(args.per_sentence, _per_sentence(scores, corpus))
    with redirect_stdout(sys.stderr if args.per_sentence == STDOUT else sys.stdout):
        _print(args, found, unigram, state, extra)
    return 0


def _per_sentence(scores: Sequence[SentenceScore], corpus: Corpus) -> str:
    """A table with tabs; blank for a direction that the model lacks."""
    rows = ["forward_log_p\tbackward_log_p\ttargets\tsentence"]
    for score, sentence in zip(scores, corpus, strict=True):
        log_p = ["" if value is None else f"{value:.6f}" for value in from_directions(by_direction(score)).values()]
        rows.append("\t".join([*log_p, str(score.targets), " ".join(sentence)]))
    return "\n".join([*rows, ""])


class Method(NamedTuple):
    """What is reported beside the plain figures."""

    key: str                    # in the JSON
    name: str                   # with its settings
    settings: dict[str, Any]
    found: Evaluation
    at_edge: bool               # whether a setting is the lowest or highest of those tried


def _evaluated(args: argparse.Namespace, elmo: ELMo, corpus: Corpus, state: str,
               each: Callable[[SentenceScore], None] | None) -> tuple[Evaluation, list[Method]]:
    """The plain figures, and those of what else is asked for; the text is read once, and once more to learn from it."""
    cache, dynamic = _settings(args, elmo)
    extra: list[Method] = []
    if cache:
        found, with_cache = evaluate_with_cache(elmo.model, elmo.vocabulary, corpus, cache, each)
        at_edge = cache.theta in (THETAS[0], THETAS[-1]) or cache.weight in (WEIGHTS[0], WEIGHTS[-1])
        extra.append(Method("cache", f"a cache of {cache.size:,} words, theta {cache.theta:g}, weight "
                            f"{cache.weight:g}", cache._asdict(), with_cache, at_edge))
    else:
        found = evaluate(elmo.model, elmo.vocabulary, corpus, state=state, each=each,
                         batch_size=BATCH_SIZE if args.batch_size is None else args.batch_size)
    if dynamic:
        nats = evaluate_dynamically(elmo.model, elmo.vocabulary, corpus, dynamic)
        extra.append(Method("dynamic", f"dynamic evaluation, rate {dynamic.rate:g}, decay {dynamic.decay:g}",
                            dynamic._asdict(), found.with_nats(nats),
                            dynamic.rate in (RATES[0], RATES[-1]) or dynamic.decay == DECAYS[-1]))
    return found, extra


def _check_methods(args: argparse.Namespace, state: str) -> None:
    """Raise UserError for options of a cache or of dynamic evaluation that contradict others."""
    by_hand = {"cache": args.cache_theta is not None or args.cache_weight is not None,
               "dynamic": args.dynamic_rate is not None or args.dynamic_decay is not None}
    if by_hand["cache"] and args.cache is None:
        raise UserError("--cache-theta and --cache-weight set a cache: add --cache N")
    if by_hand["dynamic"] and not args.dynamic:
        raise UserError("--dynamic-rate and --dynamic-decay set dynamic evaluation: add --dynamic")
    if args.cache is None and not args.dynamic:
        if args.tune_on is not None:
            raise UserError(f"--tune-on {args.tune_on} sets a cache or dynamic evaluation: add --cache N or --dynamic")
        return
    if state != "carry":
        given = "--dynamic" if args.cache is None else f"--cache {args.cache}"
        raise UserError(f"{given} with state {state}: expected one stream; add --state carry")
    if args.tune_on is None:
        return
    for name, first, second in ("cache", "theta", "weight"), ("dynamic", "rate", "decay"):
        if by_hand[name]:
            raise UserError(f"--tune-on {args.tune_on} finds the settings: leave out --{name}-{first} and "
                            f"--{name}-{second}")
    if shared := shared_file(args.corpus, args.tune_on):
        raise UserError(f"--tune-on {args.tune_on}: {shared} is in the text to predict: expected another text, or the "
                        "settings would be chosen by what they are judged on")


def _settings(args: argparse.Namespace, elmo: ELMo) -> tuple[CacheSettings | None, DynamicSettings | None]:
    """Those asked for or found on another text; None for what is not asked for."""
    cache, dynamic = None, None
    if args.tune_on is None:
        if args.cache is not None:
            theta, weight = _given(args.cache_theta, THETA), _given(args.cache_weight, WEIGHT)
            cache = CacheSettings(args.cache, theta, weight).checked()
        if args.dynamic:
            dynamic = DynamicSettings(_given(args.dynamic_rate, RATE), _given(args.dynamic_decay, DECAY)).checked()
        return cache, dynamic
    text = open_corpus(args.tune_on, tokenize=splits(args, elmo))
    if args.cache is not None:
        cache = tune(elmo.model, elmo.vocabulary, text, args.cache)
    if args.dynamic:
        with Progress() as progress:
            dynamic = tune_dynamic(elmo.model, elmo.vocabulary, text, lambda one: progress.show(
                f"reading {args.tune_on} with rate {one.rate:g}, decay {one.decay:g}"))
    return cache, dynamic


def _given(value: float | None, default: float) -> float:
    return default if value is None else value


def _print(args: argparse.Namespace, found: Evaluation, unigram: float | None, state: str,
           extra: Sequence[Method]) -> None:
    if args.json:
        also = {one.key: {**one.settings, "forward": one.found.forward, "backward": one.found.backward}
                for one in extra}
        print(json_text(_as_json(found, unigram, state) | also, indent=2))
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
    for one in extra:
        print(f"with {one.name}{f', set on {args.tune_on}' if args.tune_on else ''}:")
        if args.tune_on and one.at_edge:
            options = " and ".join(f"--{one.key}-{name}" for name in one.settings if name != "size")
            print(f"  (at the edge of what was tried: other values of {options} may be better)")
        for name, value in one.found.perplexities.items():
            print(f"  {name:16} perplexity {perplexity_text(value, 3):>10}")


def _as_json(found: Evaluation, unigram: float | None, state: str) -> dict[str, Any]:
    return {"forward": found.forward, "backward": found.backward, "arithmetic_mean": found.arithmetic_mean,
            "geometric_mean": found.geometric_mean, "unigram": unigram, "forward_nats": found.forward_nats,
            "backward_nats": found.backward_nats, "targets": found.targets, "sentences": found.sentences,
            "unknown": found.unknown, "state": state}
