"""`elmo-np demo`."""

from __future__ import annotations

import argparse

from ..demo import demo
from .common import Add

ABOUT = "the whole job on built-in text: train, evaluate, embed, draw"


def arguments(add: Add) -> None:
    add("--out", required=True, metavar="DIR", help="folder to write; a demo that is there already goes on")
    add("--seed", type=int, default=0, help="of every random number (default 0)")


def run(args: argparse.Namespace) -> int:
    demo(args.out, args.seed)
    return 0
