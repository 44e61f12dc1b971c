"""The actions `train` and `evaluate` of `elmo-np task NAME`: a directory with a task model, and reports."""

from pathlib import Path

from ...runtime.files import atomic_write_text
from ...runtime.progress import Progress
from ...runtime.signals import Interrupted
from ...viz import plots
from ..data.files import Data, Examples
from ..models.fit import FitInterrupted
from ..models.task_model import TaskModel
from .bilm_text import read_before
from .task_base import TaskSpec
from .task_bilm import Setup, bilm_for
from .task_directory import TaskDirectory


def train(task: TaskSpec, data: Data, valid: Examples | None, setup: Setup) -> list[str]:
    """Train one model and write its directory -> the report."""
    config, directory, bilm, quiet = setup
    elmo, path = bilm_for(data, setup)
    learnt = data.train
    if valid is None:
        rest, held_out = task.hold_out(data.train, config.held_out, config.seed)
        learnt, valid = data.train.some(rest), data.train.some(held_out)
    model = task.model(elmo, data.train, config, data.raw)
    task.check(model, data.test)
    with Progress(quiet=quiet) as progress:
        for line in model.coverage(data.train.sentences):
            progress.say(f"training text: {line}")
        try:
            task.train(model, learnt, valid, progress)
        except FitInterrupted as stopped:
            raise _kept(stopped, task, model, directory, path) from None
        notes = read_before(bilm.given, data.test.sentences, progress)
    _save(model, directory, path)
    lines = [f"{len(learnt.sentences):,} training sentences, {len(valid.sentences):,} to validate; test: {data.split}",
             *report(task, model, data.test, directory.path / f"{task.name}.png", learnt), *notes]
    atomic_write_text(directory.report, "\n".join([*lines, ""]))
    return lines


def _save(model: TaskModel, directory: TaskDirectory, path: str) -> None:
    model.save(directory.model)
    atomic_write_text(directory.bilm, path + "\n")


def _kept(stopped: FitInterrupted, task: TaskSpec, model: TaskModel, directory: TaskDirectory,
          path: str) -> Interrupted:
    """Save what a training that was stopped has learnt; the message that tells where."""
    if stopped.best is None:
        return Interrupted("stopped in the first epoch of the task: nothing of it is saved")
    _save(model, directory, path)
    return Interrupted(f"stopped; the best epoch so far, {stopped.best}, is in {directory.model}; to test it: elmo-np "
                       f"task {task.name} evaluate {directory.path} DATA", go_on=False)


def report(task: TaskSpec, model: TaskModel, test: Examples, picture: Path | None,
           train: Examples | None = None) -> list[str]:
    """The scores of a model on labelled sentences, with those of the baselines if `train` is given for them.

    picture     the file to draw the predictions in; None: none
    """
    task.check(model, test)
    predicted = task.predict(model, test)
    baselines = task.baselines(train, test) if train else {}
    rows = {name: task.score(test, found) for name, found in baselines.items()}
    rows[f"this model, input {model.config.input}"] = task.score(test, predicted)
    width = max(map(len, rows))
    if picture:
        plots.save(task.figure(test, predicted), picture)
    return [f"{task.measure} on {len(test.sentences):,} test sentences:",
            *(f"  {name:{width}}  {value:6.1%}" for name, value in rows.items()), *task.details(test, predicted),
            *(f"  {line}" for line in model.coverage(test.sentences))]
