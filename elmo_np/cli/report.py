"""`elmo-np report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..io.run_directory import RunDirectory
from ..runtime.files import STDOUT
from ..viz.reports import training_report
from . import info
from .common import Add, add_json, show


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run")
    add("--out", metavar="FILE.html",
        help="the report (default: report.html in DIR, which training writes); - for standard output")
    add_json(add)


def run(args: argparse.Namespace) -> int:
    directory = RunDirectory(Path(args.dir))
    out = directory.report if args.out is None else args.out
    training_report(directory, out, info.rows())
    line = "the report is on standard output" if out == STDOUT else f"{out}: open it in a browser"
    show(args, str(out), line, {"out": str(out)})
    return 0
