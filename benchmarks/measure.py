"""Sides measured in turn: each in its own process, round by round, so that a noisy machine affects all alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from jobs import Skipped, Task
from works import TORCH, Work

from elmo_np.errors import UserError
from elmo_np.runtime.progress import Progress

OURS, PRODUCT = "elmo_np", "matrix product"     # names of sides, in addition to those of works.py
AGREEMENT = 1e-4        # relative: float32, sums in another order, three steps
SPINNING = 0.1          # share of a core that a waiting process may use


class Disagreement(Exception):
    """Two sides do not compute the same, so their times cannot be compared."""


@dataclass(frozen=True)
class Plan:
    """rounds: turns of each side; turn: approximate seconds per turn; torch: whether PyTorch is available."""

    rounds: int = 7
    turn: float = 0.4
    torch: bool = True

    def rounds_of(self, work: Work) -> int:
        return min(self.rounds, 3) if work.kind == "corpus" else self.rounds    # an epoch is a long enough sample

    def sides(self, work: Work) -> list[str]:
        there = self.torch or work.peer != TORCH
        return [OURS, work.peer] if work.peer and there else [OURS]


@dataclass(frozen=True)
class Measurement:
    """seconds: for each side one time per round, the median of its turn.

    peaks: for each side, MB above the idle process; None if the system does not report it.
    """

    seconds: dict[str, list[float]]
    peaks: dict[str, float | None]

    def median(self, side: str | None) -> float | None:
        return median(self.seconds[side]) if side in self.seconds else None

    def ratios(self, side: str | None, over: str | None) -> list[float]:
        """Time of one side over that of another, round by round; empty where one was not measured."""
        one, other = (self.seconds.get(name or "", []) for name in (side, over))
        return [a / b for a, b in zip(one, other, strict=True)] if one and other else []


class Worker:
    """A side's process, and what it has answered. without: environment variables that it does not inherit."""

    def __init__(self, task: Task, without: Collection[str] = ()):
        self.task, self.repeats, self.waited, self.idle_cpu = task, 1, 0.0, 0.0
        self.figures: list[float] = []
        self.peak_mb: float | None = None
        self.peak_reset = True
        # A session of its own: Ctrl-C is for the parent, which ends its workers.
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), json.dumps(task.as_dict())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in without})

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            self._process.communicate()

    def begin(self) -> None:
        """Wait until it has built its work. Raises Skipped, or UserError for what the user can fix."""
        first = self._answer()
        self.figures, self.peak_reset = first["figures"], first["peak_reset"]

    def run(self, times: int) -> list[float]:
        """Seconds of each run."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):         # a dead process gives no answer, which is reported below
            self._process.stdin.write(f"{times}\n")
            self._process.stdin.flush()
        answer = self._answer()
        self.peak_mb = answer["peak_mb"]
        self.waited += answer["waited"]
        self.idle_cpu += answer["idle_cpu"]
        return list(answer["seconds"])

    def warm_up(self, turn: float) -> None:
        """Warm up caches, thread pools and the processor's clock; find how many runs fill a turn."""
        first, = self.run(1)
        if first > 4 * turn:        # long enough to have warmed up on the way
            return
        seconds = self.run(max(2, round(turn / first / 2)))
        self.repeats = max(1, round(turn / median(seconds)))

    def turn(self) -> float:
        """Median seconds of a run in one turn."""
        return median(self.run(self.repeats))

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        fields: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
        if "skipped" in fields:
            raise Skipped(fields["skipped"])
        if not fields or "error" in fields:
            raise UserError(fields.get("error") or f"{self.task.side} stopped in the middle of {self.task.work.name}; "
                            "see its output above")
        return fields


def measure(work: Work, plan: Plan, product: Worker | None, progress: Progress) -> Measurement:
    """All sides of a work, and the large product if there is one."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="elmo-np-benchmark-")))
        workers: dict[str, Worker] = {}
        for side in plan.sides(work):           # elmo_np first: the peer begins with its arrays
            progress.show(f"{work.name}: {side} starts")
            workers[side] = stack.enter_context(Worker(Task(work, side, folder)))
            workers[side].begin()
        check_agreement(work.name, {side: worker.figures for side, worker in workers.items()})
        beside = {} if product is None else {PRODUCT: product}
        if work.kind != "corpus":
            for worker in workers.values():
                worker.warm_up(plan.turn)
        seconds = in_turn({**workers, **beside}, plan.rounds_of(work), work.name, progress)
        tell_of_flaws(work.name, workers, progress)
        return Measurement(seconds, {side: worker.peak_mb for side, worker in workers.items()})


def in_turn(workers: dict[str, Worker], rounds: int, name: str, progress: Progress) -> dict[str, list[float]]:
    """One time per side and round. Every second round runs in reverse order, so that a drift favours no side."""
    seconds: dict[str, list[float]] = {side: [] for side in workers}
    for k in range(rounds):
        progress.show(f"{name}: round {k + 1} of {rounds}")
        for side in list(workers) if k % 2 == 0 else reversed(workers):
            seconds[side].append(workers[side].turn())
    return seconds


def check_agreement(name: str, figures: dict[str, list[float]]) -> None:
    """Raise Disagreement unless all sides give the same figures."""
    (first, ours), *others = figures.items()
    for side, theirs in others:
        close = [abs(a - b) <= AGREEMENT * abs(a) for a, b in zip(ours, theirs, strict=True)]
        if not all(close):
            raise Disagreement(f"{name}: {first} computes {ours}, {side} {theirs}, expected equal within {AGREEMENT:g}")


def tell_of_flaws(name: str, workers: dict[str, Worker], progress: Progress) -> None:
    """Report what makes a figure less reliable than it looks."""
    for side, worker in workers.items():
        if worker.peak_mb is not None and not worker.peak_reset:
            progress.say(f"{name}: the system cannot reset the peak memory of the start; {side} may have used less")
        if len(workers) > 1 and worker.idle_cpu > SPINNING * worker.waited:
            progress.say(f"{name}: {side} used {worker.idle_cpu / worker.waited:.0%} of a core while it waited; "
                         "the times of the others are too long")
