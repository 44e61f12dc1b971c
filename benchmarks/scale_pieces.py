"""The pieces of scale_model.py, from two trainings whose groups have few and many rows.

The trainings are short and of another shape than what is predicted from the pieces: OWN groups per process, whatever
the number of processes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from scale_model import Network, Pieces, Workload, distances, latest
from scale_steps import Run

OWN = 2                 # groups of a process
NOBODY = Network("nobody", 0.0, 1.0)


class Found(NamedTuple):
    """What is trained, what its steps are made of, and what connects the processes that have made them."""

    work: Workload
    pieces: Pieces
    link: Network


def found(runs: Sequence[Run]) -> Found:
    """From two runs that differ in the rows of a group."""
    work, processes = runs[0].work, runs[0].processes
    group, row = line(runs, lambda run: run.rows, lambda run: run.step.computing / OWN)
    between, batch = line(runs, lambda run: run.groups * run.rows, lambda run: run.step.between)
    size = sum(work.bytes_of(run.rows * work.steps, 1) for run in runs)         # of a gradient, in both runs together
    add = sum(run.step.adding for run in runs) / ((OWN - 1) * size)
    pieces = Pieces(group, row, copy=sum(run.step.copying for run in runs) / ((OWN + 1) * size), add=add,
                    update=sum(run.step.updating for run in runs) / len(runs), between=between, batch=batch,
                    spread=sum(map(spread, runs)) / len(runs))
    return Found(work, pieces, NOBODY if processes == 1 else link(runs, add))


def line(runs: Sequence[Run], x: Callable[[Run], float], y: Callable[[Run], float]) -> tuple[float, float]:
    """a and b of the line y = a + b x through two runs."""
    one, other = runs
    b = (y(other) - y(one)) / (x(other) - x(one))
    return y(one) - b * x(one), b


def spread(run: Run) -> float:
    """Of a group's computation: from how long processes wait for the slowest of them, or how much one varies."""
    deviation = run.varies if run.processes == 1 else run.step.waiting / latest(run.processes)
    return deviation * math.sqrt(OWN) / run.step.computing


def link(runs: Sequence[Run], add: float) -> Network:
    """What connects the processes: what an exchange takes besides the addition, all of it by the byte."""
    size = sum(run.work.bytes_of(run.rows * run.work.steps, OWN * distance)
               for run in runs for distance in distances(run.processes))
    seconds = sum(run.step.exchanging for run in runs) - add * size
    return Network("this machine", 0.0, size / max(seconds, 1e-9))
