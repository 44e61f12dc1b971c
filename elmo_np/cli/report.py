"""`elmo-np report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..io.run_directory import RunDirectory
from ..viz.page import check_target
from ..viz.reports import training_report
from . import info
from .common import Add

ABOUT = "a page about a run: curves, perplexities, samples, neighbours, settings"


def arguments(add: Add) -> None:
    add("dir", metavar="DIR", help="folder of a run")
    add("--out", metavar="FILE.html", help="the page (default: report.html in DIR, where training leaves one)")


def run(args: argparse.Namespace) -> int:
    folder = RunDirectory(Path(args.dir))
    out = folder.report if args.out is None else args.out
    check_target(out)
    training_report(folder, out, info.rows())
    print(f"{out}: open it in a browser")
    return 0
