"""One run's process: it trains, and reports the points of its curve as they come.

    python quality_worker.py RUN FOLDER     RUN is quality_watch.Run as JSON, FOLDER an empty directory

On stdout a line of JSON is {"point": ..}, {"progress": ..}, and last {"speed": .., "epochs": ..} or {"error": ..}.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
from quality_watch import BudgetSpent, Run, Watch, corpora
from works import TORCH

from elmo_np.config.schema import Settings
from elmo_np.errors import UserError
from elmo_np.inference.evaluate import Evaluation, evaluate
from elmo_np.io.run_directory import RunDirectory
from elmo_np.nn.bilm import Batch
from elmo_np.runtime.progress import Progress
from elmo_np.runtime.threads import one_blas_thread, threads
from elmo_np.training.checkpointing import TrainingState
from elmo_np.training.metrics import Metrics
from elmo_np.training.trainer import Trainer


def main() -> None:
    # Output of libraries must not come between the lines.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**fields: object) -> None:
        lines.write(json.dumps(fields) + "\n")
        lines.flush()
    run = Run.from_json(sys.argv[1])
    if run.side == TORCH:
        import quality_torch  # before the clock starts
    watch = Watch(run.budget, tell)
    try:
        if run.side == TORCH:
            quality_torch.train(run.settings, watch)
        else:
            train(run.settings, Path(sys.argv[2]), watch)
        tell(**watch.summary())
    except UserError as error:
        tell(error=str(error))


def train(settings: Settings, folder: Path, watch: Watch) -> None:
    """elmo_np's training as elmo_np.train runs it, until its epochs are done or the budget is spent."""
    with np.errstate(over="ignore", invalid="ignore"), one_blas_thread(), threads(settings.train.threads):
        trainer = TimedTrainer(settings, folder, watch)
        trainer.prepare()
        trainer.start()
        watch.training_begins(trainer.vocabulary)
        with suppress(BudgetSpent):
            trainer.run([])


class TimedTrainer(Trainer):
    """elmo_np's trainer, which reports after each step and validation."""

    def __init__(self, settings: Settings, folder: Path, watch: Watch):
        super().__init__(*corpora(settings), RunDirectory(folder), settings, Progress(quiet=True))
        self.metrics = TimedMetrics(self.metrics.path, watch)
        self.watch = watch

    def _step(self, batch: Batch) -> None:
        super()._step(batch)
        self.watch.stepped(self.place.epoch, self.place.step, batch.tokens, lambda: evaluate(
            self.model, self.vocabulary, self.valid, state=self.config.state))

    def _end_epoch(self) -> None:
        with self.watch.aside():
            super()._end_epoch()
        self.watch.epoch_ends()


class TimedMetrics(Metrics):
    """A validation's result is known when its row is written, before the model is saved."""

    def __init__(self, path: Path, watch: Watch):
        super().__init__(path)
        self.watch = watch

    def valid(self, place: TrainingState, found: Evaluation, learning_rate: float) -> None:
        self.watch.epoch_validated(place.epoch, place.step, found)
        super().valid(place, found, learning_rate)


if __name__ == "__main__":
    main()
