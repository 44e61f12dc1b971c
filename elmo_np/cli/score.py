"""`elmo-np score`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from ..config.directions import by_direction, from_directions
from ..data.corpus import open_corpus
from ..data.vocabulary import BOS, EOS, UNK
from ..inference.coverage import Coverage
from ..inference.elmo import ELMo
from ..inference.evaluate import SentenceScore, evaluate, perplexity
from ..runtime.progress import Progress
from .common import Add, add_corpus, add_tokenize, blank_lines, json_text, splits

Row = dict[str, object]


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add_corpus(add, "INPUT")
    add("--tokens", action="store_true", help="one row per token, special tokens included, instead of one per sentence")
    add("--state", choices=("reset", "carry"), default="reset",
        help="every sentence on its own (default), or each after the one before")
    add_tokenize(add)
    add("--json", action="store_true", help="print one JSON object per line instead of a table with tabs")


def run(args: argparse.Namespace) -> int:
    elmo = ELMo.load(args.dir)
    corpus = open_corpus(args.input, tokenize=splits(args, elmo))
    known = Coverage(elmo)
    sentences, shown = enumerate(known.watch(corpus), 1), 0

    def show(score: SentenceScore) -> None:
        nonlocal shown
        number, words = next(sentences)
        for row in _tokens(elmo, number, words, score) if args.tokens else [_sentence(number, words, score)]:
            if not args.json and not shown:
                print("\t".join(row))
            shown += 1
            print(json_text(row) if args.json else "\t".join(map(_cell, row.values())))
    evaluate(elmo.model, elmo.vocabulary, corpus, state=args.state, each=show)
    if known.line:
        Progress().say(known.line)
    if skipped := blank_lines(corpus):
        Progress().say(f"{skipped}: sentences are numbered without them")
    return 0


def _sentence(number: int, words: Sequence[str], score: SentenceScore) -> Row:
    found = by_direction(score)
    perplexities = {direction: perplexity(-log_p, score.targets) for direction, log_p in found.items()}
    return {"sentence": number, **from_directions(found, "{}_log_p"), "targets": score.targets,
            **from_directions(perplexities, "{}_perplexity"), "text": " ".join(words)}


def _tokens(elmo: ELMo, number: int, words: Sequence[str], score: SentenceScore) -> Iterator[Row]:
    """The rows of a sentence. <S> is a target of the backward direction only, </S> of the forward direction only."""
    none = [None] * score.targets
    forward = [None, *(none if score.forward_tokens is None else score.forward_tokens.tolist())]
    backward = [*(none if score.backward_tokens is None else score.backward_tokens.tolist()), None]
    for position, (token, f, b) in enumerate(zip([BOS, *words, EOS], forward, backward, strict=True)):
        known = not 0 < position <= len(words) or token in elmo.vocabulary
        yield {"sentence": number, "position": position, "token": token, "predicted_as": token if known else UNK,
               "forward_log_p": f, "backward_log_p": b}


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6f}" if value < 1e15 else f"{value:.6g}"
    return "" if value is None else str(value)
