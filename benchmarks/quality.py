"""Time to quality: validation perplexity against seconds, for elmo_np and PyTorch in one figure.

    python benchmarks/quality.py TRAIN VALID [--out FOLDER] [--minutes N] [--only NAME...] [--target 130] [--quick]

TRAIN and VALID are text files with one sentence per line. Runs follow one another, each in its own process:
  full      elmo_np, full softmax: preset `small`, the model of Zaremba et al. 2014
  adaptive  elmo_np, adaptive softmax: preset `fast` without its dropout, as the others have none
  tied      the same, whose softmax weights are the word embedding, in both directions; the learning rate falls after
            the first epoch
  torch     PyTorch: model, start values, batches and recipe of preset `small`
and, if --only names them:
  characters    elmo_np on characters: preset `elmo-tiny`, by the original ELMo's recipe
  words         the same LSTMs, softmax and recipe with one vector per word of the vocabulary
Writes quality.csv, quality.svg and quality.png in FOLDER. See quality_watch.py for what the seconds include.
"""

from __future__ import annotations

import difflib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from machine import describe, version
from measure import OURS
from quality_report import Found, as_csv, curves, table
from quality_watch import Point, Run, corpora
from works import TORCH

from elmo_np import backend
from elmo_np.cli.main import Parser, guarded
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import preset, replaced
from elmo_np.errors import UserError
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import Progress, duration
from elmo_np.viz.plots import save

RESULTS = Path(__file__).parent / "results"
KEYS, MORE = ("full", "adaptive", "tied", "torch"), ("characters", "words")
TIED = {"tie": True, "share_embedding": True, "share_softmax": True, "decay_after": 1, "decay": 0.4}
NO_TORCH = "PyTorch is not installed: its run is left out; to compare: pip install -e '.[bench]'"
MINUTES, QUICK_MINUTES = 6.0, 0.5
BUSY = 0.7      # average number of processes that want a core, over the last minute


def parser() -> Parser:
    whole = Parser(prog="quality.py", description="Validation perplexity against seconds, elmo_np and PyTorch.")
    whole.add_argument("train", metavar="TRAIN", help="text to train on, one sentence per line")
    whole.add_argument("valid", metavar="VALID", help="text to validate on, one sentence per line")
    whole.add_argument("--out", metavar="FOLDER", type=Path, default=RESULTS,
                       help="for quality.csv, quality.svg and quality.png (default benchmarks/results)")
    whole.add_argument("--minutes", type=float, metavar="N", help=f"time for each run (default {MINUTES:g})")
    whole.add_argument("--only", nargs="+", action="extend", default=[], metavar="NAME",
                       help=f"these runs: {', '.join(KEYS)} (default); {', '.join(MORE)}")
    whole.add_argument("--target", type=float, default=130.0, metavar="PERPLEXITY",
                       help="to reach in both directions (default 130)")
    whole.add_argument("--quick", action="store_true", help="tiny models, two epochs, at most half a minute each: "
                                                            "to see that it works")
    return whole


def run(argv: Sequence[str] | None) -> None:
    args = parser().parse_args(argv)
    minutes = (QUICK_MINUTES if args.quick else MINUTES) if args.minutes is None else args.minutes
    if not 0 < minutes < math.inf:
        raise UserError(f"--minutes {minutes:g}: expected a number above 0")
    if not 1 < args.target < math.inf:
        raise UserError(f"--target {args.target:g}: expected a perplexity, a number above 1")
    backend.require()
    runs = planned(args.train, args.valid, 60 * minutes, args.only, args.quick)
    for corpus in corpora(runs[0].settings):        # fails now if a file cannot be read
        next(iter(corpus))
    writable(args.out)
    torch, why = version("torch")
    print(describe(torch), flush=True)
    if not torch and any(run.side == TORCH for run in runs):
        absent = "No module named 'torch'" in why
        print(NO_TORCH if absent else f"PyTorch cannot be loaded, so its run is left out: {why}", flush=True)
        runs = [run for run in runs if run.side != TORCH]
    found: list[Found] = []
    with Progress() as progress:
        if hasattr(os, "getloadavg") and os.getloadavg()[0] > BUSY:
            progress.say(f"the machine is busy (load {os.getloadavg()[0]:.1f}): the times will be too long, PyTorch's "
                         "most, whose threads wait for each other")
        for one in runs:
            found.append(Found(one))
            follow(found, args.out / "quality.csv", progress)
            for ending in "svg", "png":
                save(curves(found, args.target), args.out / f"quality.{ending}")
    if found:
        print(f"\n{table(found, args.target)}", flush=True)


def planned(train: str, valid: str, budget: float, only: Sequence[str], quick: bool) -> list[Run]:
    """The selected runs, KEYS if none are named. Raises UserError for another name."""
    every = KEYS + MORE
    for key in only:
        if key not in every:
            near = difflib.get_close_matches(key, every, n=1)
            raise UserError(f"--only {key}: no such run; "
                            + (f"did you mean {near[0]}?" if near else f"expected one of {', '.join(every)}"))

    def made(key: str, name: str, side: str, recipe: str, **changes: object) -> Run:
        settings = replaced(preset(recipe), corpus=train, valid=valid, **changes)
        return Run(key, name, side, recipe, smaller(settings) if quick else settings, budget)
    runs = [made("full", "elmo_np, full softmax", OURS, "small"),
            made("adaptive", "elmo_np, adaptive softmax", OURS, "fast", dropout=0.0),     # as the others
            made("tied", "elmo_np, tied adaptive softmax", OURS, "fast", dropout=0.0, **TIED),
            made("torch", "PyTorch", TORCH, "small"),
            made("characters", "characters", OURS, "elmo-tiny"),
            made("words", "a vector a word", OURS, "elmo-tiny", char_filters=None)]
    return [run for run in runs if run.key in (only or KEYS)]


def smaller(settings: Settings) -> Settings:
    """The same recipe on a tiny model."""
    samples = 16 if settings.model.softmax == "sampled" else settings.model.samples
    return replaced(settings, embedding_dim=16, hidden_dim=16, projection_dim=None, cutoffs=None, samples=samples,
                    epochs=min(2, settings.train.epochs))


def writable(folder: Path) -> None:
    """Create the directory, to fail now rather than in twenty minutes if it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"--out {folder}: {error.strerror}; expected a directory that can be written") from error


def follow(found: Sequence[Found], csv: Path, progress: Progress) -> None:
    """Do the last run; its results go into its `Found`, and into the CSV file with the others."""
    one = found[-1]
    name = one.run.name
    progress.show(f"{name}: starts")
    with tempfile.TemporaryDirectory(prefix="elmo-np-benchmark-") as folder:
        command = [sys.executable, str(Path(__file__).with_name("quality_worker.py")), one.run.to_json(), folder]
        # A session of its own: Ctrl-C is for the parent, which ends it.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                   encoding="utf-8", start_new_session=True)
        try:
            assert process.stdout is not None
            listen(process.stdout, found, csv, progress)
        finally:
            process.kill()
            process.communicate()
    if one.speed is None:
        raise UserError(f"{name} stopped in the middle; see its output above")


def listen(lines: IO[str], found: Sequence[Found], csv: Path, progress: Progress) -> None:
    """Read until the process ends its output."""
    one = found[-1]
    for line in lines:
        fields = json.loads(line)
        if "error" in fields:
            raise UserError(f"{one.run.name}: {fields['error']}")
        if "progress" in fields:
            progress.show(f"{one.run.name}: {fields['progress']}")
        if "point" in fields:
            point = Point(**fields["point"])
            one.points.append(point)
            atomic_write_text(csv, as_csv(found))
            progress.say(f"{one.run.name}: {'after' if point.whole else 'in'} epoch {point.epoch}, step {point.step}, "
                         f"{duration(point.seconds)}: validation perplexity forward {point.forward:.1f}, "
                         f"backward {point.backward:.1f}")
        if "speed" in fields:
            one.speed, one.epochs = fields["speed"], fields["epochs"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code, 2 for a user error."""
    return guarded("quality.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
