"""Tries in child processes, which may crash, hang or fill the memory, and the table of what came of them."""

import contextlib
import math
import multiprocessing
import os
import re
import resource
import signal
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from elmo_np.errors import UserError

GOOD, BAD = ("right", "refused"), ("wrong", "bare error", "crash", "hang", "memory")
ROOM = 1 << 30          # bytes of address space for a try: where more is asked for, the try ends, not the machine


class Try(NamedTuple):
    """One try of a case. Everything random in it comes from `rng`."""

    number: int         # of the try among those of the case, from 0; number 0 attacks nothing and must be right
    rng: np.random.Generator
    home: Path          # what `prepare` made; never changed
    folder: Path        # an empty folder


Case = Callable[[Try], None]


class Skip(Exception):
    """Why this machine cannot make an attack."""


class Outcome(NamedTuple):
    case: str
    what: str           # one of GOOD or BAD
    number: int         # of the try among all
    memory: float = 0   # ratio
    detail: str = ""


class Limits(NamedTuple):
    """What a try may take."""

    seconds: float              # afterwards it counts as a hang
    memory: float = math.inf    # peak of the process, as a ratio to what it had before its tries


def attempts(cases: dict[str, Case], home: Path, seed: int, numbers: Sequence[int],
             limits: Limits) -> Iterator[Outcome]:
    """The outcome of each try. A child process makes many; another takes its place when it crashes or hangs."""
    names = list(cases)
    left = list(reversed(numbers))
    while left:
        here, there = multiprocessing.Pipe(duplex=False)
        work = (there, cases, home, seed, left[::-1], limits.memory)
        child = multiprocessing.get_context("fork").Process(target=_work, args=work)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)     # Python 3.12: this process has several threads
            child.start()
        there.close()
        while left:
            number = left.pop()
            outcome = _received(here, child, limits.seconds)
            if isinstance(outcome, Outcome):
                yield outcome
            else:
                yield Outcome(names[number % len(names)], outcome[0], number, 0, outcome[1])
                break
        child.join()


def _received(here: Connection, child: multiprocessing.Process, seconds: float) -> Outcome | tuple[str, str]:
    """The outcome that the child sends, or why it sends none."""
    if not here.poll(seconds):
        os.killpg(child.pid, signal.SIGKILL)        # with the processes that it has started
        return "hang", f"no end after {seconds:.0f} s"
    try:
        return here.recv()
    except EOFError:
        child.join()
        return "crash", f"the process ended with {child.exitcode}"


def _work(there: Connection, cases: dict[str, Case], home: Path, seed: int, numbers: Sequence[int],
          most: float) -> None:
    os.setpgid(0, 0)
    warnings.simplefilter("ignore")
    before = _memory("VmRSS")
    if before:
        size = _memory("VmSize") + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    names = list(cases)
    for number in numbers:
        name = names[number % len(names)]
        with tempfile.TemporaryDirectory() as folder:
            attempt = Try(number // len(names), np.random.default_rng([seed, number]), home, Path(folder))
            _forget_peak()
            what, detail = _tried(cases[name], attempt)
            if what == "refused" and attempt.number == 0:
                what = "wrong"
            ratio = _memory("VmHWM") / before if before else 0.0
        if what in GOOD and ratio > most:
            what, detail = "memory", f"{ratio:.1f} times as much as before"
        there.send(Outcome(name, what, number, ratio, detail))


def _tried(case: Case, attempt: Try) -> tuple[str, str]:
    try:
        case(attempt)
    except UserError as error:
        return ("bare error", f"two lines: {error}") if "\n" in str(error) else ("refused", str(error))
    except AssertionError:
        return "wrong", traceback.format_exc(limit=-3)
    except BaseException:
        return "bare error", traceback.format_exc(limit=-4)
    return "right", ""


def _memory(key: str) -> int:
    """Bytes of this process that Linux counts under this name; 0 on other systems."""
    with contextlib.suppress(OSError):
        found = re.search(rf"^{key}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    return 0


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


class Table:
    """How many tries of each case came to what, and the failures."""

    def __init__(self, cases: Sequence[str]):
        self.counts = {case: Counter[str]() for case in cases}
        self.memory = dict.fromkeys(cases, 0.0)
        self.failures: dict[tuple[str, str, str], list[Outcome]] = {}   # those from the same lines of code together

    def add(self, outcome: Outcome) -> None:
        self.counts[outcome.case][outcome.what] += 1
        self.memory[outcome.case] = max(self.memory[outcome.case], outcome.memory)
        if outcome.what in BAD:
            trace = "".join(line for line in outcome.detail.splitlines() if line.startswith(" "))
            self.failures.setdefault((outcome.case, outcome.what, trace), []).append(outcome)

    def lines(self) -> Iterator[str]:
        width = max(map(len, (*self.counts, "all")))
        yield "  ".join([" " * width, "  tries", *(f"{what:>10}" for what in GOOD + BAD), "peak memory"])
        total = sum(self.counts.values(), Counter[str]())
        tried = [(case, counts) for case, counts in self.counts.items() if counts]
        for case, counts in [*tried, ("all", total)]:
            peak = self.memory.get(case, max(self.memory.values()))
            yield "  ".join([f"{case:{width}}", f"{counts.total():7,}", *(f"{counts[what]:10,}" for what in GOOD + BAD),
                             f"{peak:11.2f}"])
