"""`elmo-np sample`."""

from __future__ import annotations

import argparse

from ..config.directions import DIRECTIONS
from ..inference.elmo import ELMo
from ..inference.sampling import sample
from ..inference.token_indexer import token_indexer
from ..runtime.progress import Progress
from .common import Add, json_text


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run, a model file, or a published model")
    add("--prompt", default="", metavar="TEXT", help="how the sentence begins; with --direction backward, how it ends")
    add("--direction", choices=DIRECTIONS,
        help="what follows the prompt (default unless the model has only the other), or what leads up to it")
    add("--count", type=int, default=5, metavar="N", help="number of texts (default 5)")
    add("--length", type=int, default=50, metavar="N", help="maximum number of words to add to the prompt (default 50)")
    add("--temperature", type=float, default=1.0, metavar="T",
        help="1 (default): as the model predicts; lower: prefer probable words; 0: the most probable word")
    add("--top-k", type=int, metavar="K", help="draw only from the K most probable words")
    add("--top-p", type=float, metavar="P", help="draw only from the most probable words that together reach P")
    add("--seed", type=int, default=0, help="seed of all random numbers (default 0)")
    add("--json", action="store_true", help="print one JSON object per line")


def run(args: argparse.Namespace) -> int:
    elmo = ELMo.load(args.dir)
    args.direction = args.direction or elmo.model.config.directions[0]
    samples = sample(elmo, args.prompt, direction=args.direction, count=args.count, length=args.length,
                     temperature=args.temperature, top_k=args.top_k, top_p=args.top_p, seed=args.seed)
    for option, value in ("--top-k", args.top_k), ("--top-p", args.top_p):
        if args.temperature == 0 and value is not None:
            Progress().say(f"note: {option} {value} changes nothing with --temperature 0, which takes the most "
                           "probable word")
    known = token_indexer(elmo.model, elmo.vocabulary)
    if unknown := [word for word in elmo.words(args.prompt) if word not in known]:
        Progress().say(f"not among the words of this model, so read as unknown: {' '.join(unknown)}")
    for found in samples:
        text = " ".join(found.words)
        if args.json:
            print(json_text(found._asdict()))
        elif found.ended:
            print(text)
        else:
            print(f"{text} …" if args.direction == "forward" else f"… {text}")
    return 0
