"""`elmo-np corpus`."""

from __future__ import annotations

import argparse
import os

from ..data.corpus import BUILT_IN, corpus_files
from ..data.dump_to_text import dump_to_text
from ..errors import UserError
from ..runtime.files import STDOUT
from .common import Add, add_json, show


def arguments(add: Add) -> None:
    add("dumps", metavar="DUMP", nargs="+", help="a dump as it is, such as enwiki-latest-pages-articles.xml.bz2; "
        "several, a glob pattern or a directory")
    add("--out", required=True, metavar="FILE", help="the text, one sentence per line, its tokens separated by spaces; "
        "compressed if it ends in .gz, .bz2 or .xz")
    add("--limit", type=int, metavar="N", help="read the first N articles only")
    add("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="how many processes parse markup "
        "(default: one per core); the file is the same for any number")
    add("--resume", action="store_true", help="continue where the same command stopped, or start; a file that is "
        "finished stays")
    add("--quiet", action="store_true", help="no progress")
    add_json(add)


def run(args: argparse.Namespace) -> int:
    if args.out == STDOUT:
        raise UserError(f"--out {STDOUT}: expected the name of a file, beside which the work is kept that --resume "
                        "continues")
    if built_in := [dump for dump in args.dumps if dump in BUILT_IN]:
        raise UserError(f"{built_in[0]} is text already, expected a Wikipedia dump; every command that takes a CORPUS "
                        f"reads {built_in[0]} as it is")
    done = dump_to_text([path for dump in args.dumps for path in corpus_files(dump)], args.out, limit=args.limit,
                        processes=args.processes, resume=args.resume, quiet=args.quiet)
    if done is None:
        show(args, args.out, f"{args.out} exists already: it is finished. It does not record its dumps: to make it "
             "from others, remove it",
             {"out": args.out, **dict.fromkeys(("sentences", "tokens", "articles", "empty"))})
        return 0
    if not done.sentences:
        raise UserError(f"{args.out} is empty: none of {done.articles:,} articles has a sentence")
    show(args, args.out, f"{args.out}: {done.sentences:,} sentences, {done.tokens:,} tokens, from {done.articles:,} "
         f"articles ({done.empty:,} of them without a sentence); try: elmo-np train {args.out} --out run",
         {"out": args.out, "sentences": done.sentences, "tokens": done.tokens, "articles": done.articles,
          "empty": done.empty})
    return 0
