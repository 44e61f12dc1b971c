"""A short search for settings by successive halving, judged on validation text.

In the first round all trials are trained for one epoch; the better half goes on to two, the better half of those to
four, and so on, until one is left or has all epochs of its settings. Each trial is a run in a directory of its own. As
a run can be resumed, no epoch is trained twice and what is trained is kept: a search that was stopped goes on where it
was. Which trials there are, and what each has learnt after so many epochs, follows from the settings and their seed
alone; time decides only how far the search gets.
Source: Jamieson and Talwalkar 2016 (arXiv 1502.07943), algorithm 1.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..config.toml_files import replaced, to_json
from ..data.corpus import shared_file
from ..errors import DoesNotFit, UserError
from ..inference.evaluate import perplexity, perplexity_text
from ..io.run_directory import RunDirectory
from ..runtime import json_text
from ..runtime.files import atomic_write_text, read_regular_text
from ..runtime.launcher import check_alone
from ..runtime.locks import locked_folder
from ..runtime.progress import Progress, duration
from .checkpointing import TrainingState
from .divergence import Diverged
from .metrics import directions_of, read
from .search_space import Trial
from .trainer import train

SAVE_EVERY = 500            # steps; at most so many are lost when the time is up
LARGEST = 1 << 24           # bytes of tune.json
MOST_MINUTES = 1_000_000    # two years


class Round(NamedTuple):
    """Of successive halving: so many trials, each trained for so many epochs in all."""

    trials: int
    epochs: int


class Outcome(NamedTuple):
    """How far a trial has come, and how well it did; losses in nats per token, of each direction."""

    trial: Trial
    curve: list[float]          # validation loss after each epoch, the mean of the directions
    best: dict[str, float]      # of the epoch with the lowest; empty before the first

    @property
    def loss(self) -> float:
        """The lowest of the curve; infinity before the first validation."""
        return min(self.curve, default=math.inf)


class TimeIsUp(Exception):
    """A search has used its minutes."""


def rounds(trials: int, epochs: int) -> list[Round]:
    """Half as many trials in each round, rounded up, for twice as many epochs; the last has one trial or all epochs."""
    found = [Round(trials, 1)]
    while found[-1].trials > 1 and found[-1].epochs < epochs:
        found.append(Round((found[-1].trials + 1) // 2, min(2 * found[-1].epochs, epochs)))
    return found


class Search:
    """Successive halving in a directory: tune.json says what is searched, trial-001 and so on are the runs.

    corpus, valid   names, as `train` takes them; valid None: sentences of the corpus are held out
    trials          the first has the settings without a change
    """

    def __init__(self, corpus: str, valid: str | None, out: Path, trials: Sequence[Trial], progress: Progress):
        self.corpus = corpus
        self.valid = valid
        self.out = out
        self.trials = trials
        self.progress = progress
        self.rounds = rounds(len(trials), trials[0].settings.train.epochs)
        self.end = math.inf         # when the time is up
        self.place = ""             # the round and the trial, for messages

    def run(self, minutes: float, resume: bool = False) -> bool:
        """Train until all rounds are done (True), or so many minutes have been used in all (False).

        resume  go on with the search in the directory
        Raises UserError for a directory in use, where there is no such search to go on with, for a validation text that
        is trained on, and for several processes.
        """
        check_alone("a search for settings")
        if not 0 < minutes <= MOST_MINUTES:
            raise UserError(f"minutes={minutes:g} (--minutes): expected a number above 0, at most {MOST_MINUTES:,}")
        valid = self.valid or self.trials[0].settings.data.valid
        if shared := valid and shared_file(self.corpus, valid):
            raise UserError(f"valid={valid} (--valid): {shared} is in the corpus too: expected another text, or "
                            "trials would be judged on what they were trained on")
        with locked_folder(self.out), self.progress:
            self._begin(resume)
            self.end = time.monotonic() + 60 * minutes - sum(_seconds(self.folder(trial)) for trial in self.trials)
            try:
                self._halve()
            except TimeIsUp:
                return False
        return True

    def folder(self, trial: Trial) -> RunDirectory:
        return RunDirectory(self.out / f"trial-{trial.number:03d}")

    @property
    def picture(self) -> Path:
        """Where the curves of the best trials are drawn."""
        return self.out / "tune.svg"

    def outcome(self, trial: Trial, epochs: int | None = None) -> Outcome:
        """How a trial did in its first `epochs` epochs, or in all."""
        metrics = self.folder(trial).metrics
        rows = [row for row in read(metrics) if row["split"] == "valid"][:epochs] if metrics.exists() else []
        losses = [{direction: float(row[f"{direction}_loss"]) for direction in directions_of(row)} for row in rows]
        curve = [sum(loss.values()) / len(loss) for loss in losses]
        return Outcome(trial, curve, losses[curve.index(min(curve))] if curve else {})

    def ranking(self) -> list[Outcome]:
        """The outcomes of all trials, the best first."""
        return sorted(map(self.outcome, self.trials), key=lambda found: found.loss)

    def _begin(self, resume: bool) -> None:
        """Write tune.json, or find the same search in it."""
        path = self.out / "tune.json"
        request = {"corpus": self.corpus, "valid": self.valid, "settings": to_json(self.trials[0].settings),
                   "trials": [list(trial.changes) for trial in self.trials]}
        before = _before(path)
        if not resume:
            if any(self.folder(trial).path.exists() for trial in self.trials):
                raise UserError(f"{self.out} already holds a search: give another directory, or continue it (--resume, "
                                "or resume=True)")
            if os.path.lexists(self.picture) or (os.path.lexists(path) and before.keys() != request.keys()):
                raise UserError(f"{self.out} has another {path.name} or {self.picture.name}, which would be lost: give "
                                "another directory, or move the file")
            atomic_write_text(path, json.dumps(request, indent=2) + "\n")
            return
        if not before:
            raise UserError(f"{self.out} has no tune.json to resume from: expected a directory that `elmo-np tune` "
                            "wrote")
        for key, value in request.items():
            if before.get(key) != value:
                raise UserError(f"the search in {self.out} began with other {key}: resume with the same corpus, "
                                "validation file, settings and options, or start another in another directory")

    def _halve(self) -> None:
        """All rounds. Raises TimeIsUp."""
        alive = list(self.trials)
        for number, (_, epochs) in enumerate(self.rounds, 1):
            for trial in alive:
                self.place = f"round {number}/{len(self.rounds)}  trial {trial.number}/{len(self.trials)} ({trial})"
                self._train(trial, epochs)
            begun = [trial for trial in alive if self.folder(trial).last.exists()]      # the others were left out
            best = sorted(begun, key=lambda trial: self.outcome(trial, epochs).loss)
            alive = sorted(best[:(len(alive) + 1) // 2], key=lambda trial: trial.number)

    def _train(self, trial: Trial, epochs: int) -> None:
        """Train a trial until it has had so many epochs. Raises TimeIsUp."""
        if len(self.outcome(trial).curve) >= epochs:
            return
        self._check_time()
        folder = self.folder(trial)
        if folder.path.exists() and not folder.last.exists():
            shutil.rmtree(folder.path)              # stopped before its first save
        # Nothing of this changes what a step computes.
        settings = replaced(trial.settings, epochs=epochs, save_every=SAVE_EVERY, eval_every=0, patience=None)
        try:
            train(self.corpus, folder.path, valid=self.valid, settings=settings, quiet=True, on_step=self._step,
                  resume=folder.path.exists())
        except Diverged:
            self.progress.say(f"{self.place}  diverged")
            return
        except DoesNotFit as error:
            if trial is self.trials[0]:         # without a change
                raise
            self.progress.say(f"{self.place}  left out: {error}")
            return
        found = ", ".join(f"{direction} {perplexity_text(perplexity(loss, 1))}"
                          for direction, loss in self.outcome(trial).best.items())
        self.progress.say(f"{self.place}  {epochs} epoch{'s' if epochs > 1 else ''}: validation perplexity {found}")

    def _step(self, state: TrainingState) -> None:
        self._check_time()
        left = duration(max(0.0, self.end - time.monotonic()))
        self.progress.show(f"{self.place}  epoch {state.epoch} step {state.step}  loss {state.last.total:.2f}  {left} "
                           "left")

    def _check_time(self) -> None:
        if time.monotonic() > self.end:
            raise TimeIsUp


def _before(path: Path) -> dict[str, Any]:
    """What tune.json says; empty for a file that is not there or not such a one."""
    try:
        found = json_text.loads(read_regular_text(path, LARGEST))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(folder: RunDirectory) -> float:
    """How long a run has been trained."""
    rows = read(folder.metrics) if folder.metrics.exists() else []
    return float(rows[-1]["seconds"]) if rows else 0.0
