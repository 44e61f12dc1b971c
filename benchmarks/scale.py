"""What a billion words cost on several machines: measured pieces, a model made of them, and where its knee is.

    python benchmarks/scale.py [--out benchmarks/scale.md] [--seconds S]

Measures the pieces of a training step (scale_steps.py, scale_pieces.py) with 1, 2 and 4 processes on this machine,
trains with `mpiexec -n 1`, 2 and 4, compares the time of a step and of its parts with what scale_model.py predicts
from the pieces, and writes the page. About 5 minutes; needs mpiexec and mpi4py. Do not use the machine for anything
else in the meantime.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from scale_model import step
from scale_page import ORIGINAL_WORDS, Compared, Way, comparison, page
from scale_pieces import OWN, Found, found
from scale_steps import Run, models

from elmo_np.cli.main import Parser, guarded
from elmo_np.errors import UserError
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import Progress

HERE = ("small", "fast")        # trained here, in these ways
WAYS = (Way(1, 1, 4), Way(2, 1, 4), Way(4, 1, 4), Way(2, 1, 2), Way(1, 2, 2), Way(1, 2, 1))


def output(command: Sequence[str]) -> str:
    """What a command prints. Raises UserError with its last line if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"{' '.join(command)[:200]} ended with {done.returncode}: {last}")
    return done.stdout


class Measurements:
    """What is measured on this machine, for about so many seconds each."""

    def __init__(self, progress: Progress, seconds: float):
        self.progress = progress
        self.seconds = seconds

    def steps(self, name: str, way: Way, rows: int) -> Run:
        """Steps of a model with so many rows in a group."""
        self.progress.say(f"{name}: {way}, {rows} rows in a group")
        worker = str(Path(__file__).with_name("scale_steps.py"))
        options = {"groups": way.groups, "rows": rows, "threads": way.threads, "seconds": self.seconds}
        words = [word for option, value in options.items() for word in (f"--{option}", str(value))]
        printed = output(["mpiexec", "-n", str(way.processes), sys.executable, worker, name, *words])
        return Run.of(json.loads(printed))

    def pieces(self, name: str, processes: int, threads: int) -> Found:
        """The pieces of a model, with so many processes at work."""
        way = Way(processes, threads, OWN * processes)
        return found([self.steps(name, way, rows) for rows in models()[name].rows])

    def compared(self, name: str, pieces: dict[tuple[int, int], Found]) -> Iterator[Compared]:
        """Every way to train a model here; `pieces`, by processes and threads, gets those that it lacks."""
        for way in WAYS:
            busy = way.processes, way.threads
            if busy not in pieces:
                pieces[busy] = self.pieces(name, *busy)
            work, own, link = pieces[busy]
            predicted = step(work, own, link, way.processes, way.groups)
            yield Compared(name, way, predicted, self.steps(name, way, work.batch // way.groups).step)


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="scale.py", description="Measure and predict what training on several processes costs.")
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path(__file__).with_name("scale.md"),
                        help="the page (default: scale.md next to this file)")
    parser.add_argument("--seconds", type=float, default=6.0, help="of steps, each time (default: 6)")
    args = parser.parse_args(argv)
    if shutil.which("mpiexec") is None:
        raise UserError("mpiexec, the launcher of an MPI library, is not installed: expected one such as MPICH's")
    each, links = {}, {}
    rows: list[Compared] = []
    with Progress() as progress:
        measurements = Measurements(progress, args.seconds)
        for name in models():
            pieces = {(1, 2): measurements.pieces(name, 1, 2)}
            if name in HERE:
                rows += measurements.compared(name, pieces)
                links[name] = pieces[2, 1].link
            each[name] = pieces[1, 2]
    each["elmo"] = each["elmo"]._replace(work=replace(each["elmo"].work, words=ORIGINAL_WORDS))
    atomic_write_text(args.out, page(each, rows, links))
    print(f"{comparison(rows)}\n{args.out}: the page")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write the page and return the exit code, 2 for a user error."""
    return guarded("scale.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
