"""Times the steps of a training, and their parts, in this process or in all that mpiexec starts, which share them.

    [mpiexec -n 2] python benchmarks/scale_steps.py MODEL --groups G --rows R [--threads N] [--seconds S]

Trains MODEL on batches of G groups of R rows, without saving or validating. Prints one line of JSON: the Run.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

import numpy as np
from scale_model import Step, Table, Workload, frequencies

from elmo_np import backend
from elmo_np.cli.main import Parser, guarded
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import preset, replaced
from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.progress import Progress
from elmo_np.runtime.threads import one_blas_thread, threads
from elmo_np.training import gradient_sum, row_groups, trainer
from elmo_np.training.checkpointing import TrainingState
from elmo_np.training.processes import OneProcess, together
from elmo_np.training.trainer import KERNEL_MEMORY, Trainer

T = TypeVar("T")

LENGTH = 20             # words of a sentence
WARM = 3                # steps before the first that is timed
MOST = 100              # steps that are timed
PARTS = ("computing", "copying", "adding", "exchanging", "updating")    # of a step


class Model(NamedTuple):
    """What is measured: the settings, the words of its vocabulary here, and the rows of two sizes of a group."""

    settings: Settings
    words: int
    rows: tuple[int, int]


def models() -> dict[str, Model]:
    """The original ELMo has so many words here that its arrays fit a laptop: no piece depends on that."""
    small = preset("small")
    return {"small": Model(small, 10_000, (4, 16)),
            "small, sampled softmax": Model(replaced(small, softmax="sampled", samples=1024), 10_000, (4, 16)),
            "fast": Model(preset("fast"), 10_000, (4, 16)),
            "elmo": Model(preset("elmo"), 50_000, (4, 16))}


def text(words: int, tokens: int) -> list[list[str]]:
    """Sentences by Zipf's law, then all words, so that the vocabulary has them."""
    drawn = np.random.default_rng(0).choice(words, tokens, p=frequencies(words))
    spelled = [f"w{i}" for i in (*drawn.tolist(), *range(words))]
    return [spelled[start:start + LENGTH] for start in range(0, len(spelled), LENGTH)]


class Run(NamedTuple):
    """Steps of a training.

    work        what is trained, with the rows of its preset's batches
    processes   that shared them
    groups      of a batch here
    rows        of a group
    step        their mean
    varies      standard deviation of `computing` between steps, of one process
    """

    work: Workload
    processes: int
    groups: int
    rows: int
    step: Step
    varies: float

    @staticmethod
    def of(fields: Mapping[str, Any]) -> Run:
        """From JSON."""
        work = dict(fields["work"])
        tables = tuple(Table(**table) for table in work.pop("tables"))
        return Run(**{**fields, "work": Workload(**work, tables=tables), "step": Step(**fields["step"])})


class Done(Exception):
    """Enough steps have been timed."""


class Clock:
    """Notes the seconds of every step, and of the calls that are its parts, until Done.

    seconds     after WARM steps, to go on for
    """

    def __init__(self, processes: OneProcess, seconds: float):
        self.processes = processes
        self.seconds = seconds
        self.steps: list[dict[str, float]] = []
        self._number = WARM + MOST
        self._begin()

    def _begin(self) -> None:
        self._parts = dict.fromkeys(PARTS, 0.0)
        self._start = time.perf_counter()

    def timed(self, part: str, function: Callable[..., T]) -> Callable[..., T]:
        """The function, whose calls are part of a step."""
        def call(*args: Any, **kwargs: Any) -> T:
            start = time.perf_counter()
            result = function(*args, **kwargs)
            self._parts[part] += time.perf_counter() - start
            return result
        return call

    def step_ends(self, place: TrainingState) -> None:
        """For Trainer.on_step: a step goes from the end of one to the end of the next."""
        seconds = time.perf_counter() - self._start
        self.steps.append({**self._parts, "step": seconds})
        if len(self.steps) == WARM:     # the first process decides for all, once
            self._number = WARM + self.processes.first(lambda: min(MOST, max(3, round(self.seconds / seconds))))
        if len(self.steps) == self._number:
            raise Done
        self._begin()


def calls_of(training: Trainer) -> dict[str, list[tuple[Any, str]]]:
    """The functions that make up each part of a step, by who calls them as what."""
    return {"computing": [(training.model, "forward"), (training.model, "backward")],
            "copying": [(row_groups, "take_gradients"), (row_groups, "put_gradients")],
            "adding": [(gradient_sum, "add")],      # of own groups; that of others' gradients is a part of `added`
            "exchanging": [(training.processes, "added")],
            "updating": [(trainer, "global_norm"), (training, "_update")]}


def timed(name: str, groups: int, rows: int, number: int, seconds: float) -> Run | None:
    """Steps of a model on so many threads; None on all processes but the first."""
    model = models()[name]
    settings = replaced(model.settings, groups=groups, batch_size=groups * rows, threads=number, streams="shared",
                        shuffle=0, min_count=1)
    sentences = text(model.words, (WARM + MOST) * groups * rows * settings.train.steps)
    with together() as processes, ExitStack() as stack:
        folder = RunDirectory(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="elmo-np-scale-"))))
        training = Trainer(sentences, sentences[:1], folder, settings, Progress(quiet=True), processes)
        training.prepare()
        clock = Clock(processes, seconds)
        training.on_step = clock.step_ends
        for part, calls in calls_of(training).items():
            for owner, called in calls:
                stack.enter_context(patch.object(owner, called, clock.timed(part, getattr(owner, called))))
        with np.errstate(over="ignore", invalid="ignore"), one_blas_thread(), threads(number), \
                backend.memory_limit(KERNEL_MEMORY), suppress(Done):
            training.run([])
        found = processes.gathered(clock.steps[WARM:])
        if processes.rank:
            return None
        return Run(workload(name, training), processes.number, groups, rows, *mean_step(found))


def mean_step(found: Sequence[Sequence[Mapping[str, float]]]) -> tuple[Step, float]:
    """The mean of what every process has noted of each step, and how `computing` varies.

    The process that all wait for does not wait: what it needs for the exchange is the exchange, the rest is waiting.
    """
    times = {part: np.array([[step[part] for step in own] for own in found]) for part in (*PARTS, "step")}
    means = {part: float(array.mean()) for part, array in times.items()}
    between = means["step"] - sum(means[part] for part in PARTS)
    exchanging = float(times["exchanging"].min(axis=0).mean())
    waiting = means["exchanging"] - exchanging
    step = Step(means["computing"], means["copying"], means["adding"], waiting, exchanging, means["updating"], between)
    return step, float(times["computing"].std(axis=1).mean())


def workload(name: str, training: Trainer) -> Workload:
    """What a step has to do with the sizes of the model."""
    original = models()[name].settings.train
    config = training.settings.model
    dense = {key: p for key, p in training.parameters.items() if p.rows is None}
    sparse = {key: p for key, p in training.parameters.items() if p.rows is not None}
    tables = []
    for part, samples, shared in (("embedding", 0, config.share_embedding),
                                  ("softmax", config.samples, config.share_softmax)):
        own = [p for key, p in sparse.items() if f".{part}." in key]
        if own:
            values = sum(int(np.prod(p.value.shape[1:])) for p in own)
            tables.append(Table(len(own), values, samples, len(config.directions) if shared else 1))
    return Workload(name, sum(p.value.size for p in dense.values()), tuple(tables), len(dense) + 2 * len(sparse) + 4,
                    original.batch_size, original.steps, len(training.vocabulary))


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="scale_steps.py", description="Time the steps of a training, and their parts.")
    parser.add_argument("model", metavar="MODEL", choices=models(), help=", ".join(models()))
    parser.add_argument("--groups", type=int, required=True, help="groups of rows of a batch")
    parser.add_argument("--rows", type=int, required=True, help="rows of a group")
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2), help="threads of a process (default: 1)")
    parser.add_argument("--seconds", type=float, default=6.0, help="of steps, approximately (default: 6)")
    args = parser.parse_args(argv)
    found = timed(args.model, args.groups, args.rows, args.threads, args.seconds)
    if found:
        print(json.dumps({**found._asdict(), "work": asdict(found.work), "step": asdict(found.step)}))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and return the exit code, 2 for a user error."""
    return guarded("scale_steps.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
