"""`elmo-np report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..io.run_directory import RunDirectory
from ..viz.reports import training_report
from . import info
from .common import Add

ABOUT = "write an HTML report of a run: curves, perplexities, samples, neighbours, settings"


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="directory of a run")
    add("--out", metavar="FILE.html", help="the report (default: report.html in DIR, which training writes)")


def run(args: argparse.Namespace) -> int:
    directory = RunDirectory(Path(args.dir))
    out = directory.report if args.out is None else args.out
    training_report(directory, out, info.rows())
    print(f"{out}: open it in a browser")
    return 0
