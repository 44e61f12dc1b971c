"""The actions `train` and `evaluate` of `elmo-np task NAME`: a directory with a task model, and reports."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import UserError
from ...runtime.files import all_or_none, atomic_write, atomic_write_text
from ...runtime.progress import Progress
from ...runtime.signals import Interrupted
from ...viz import plots
from ..data.examples import Data, Examples
from ..models.fit import FitInterrupted
from ..models.task_model import TaskModel
from .bilm_text import read_before
from .task_base import TaskSpec
from .task_bilm import Setup, bilm_for, bilm_of, untrained
from .task_directory import TaskDirectory


class Report(NamedTuple):
    lines: list[str]
    values: dict[str, Any]      # the same for JSON


def train(task: TaskSpec, data: Data, valid: Examples | None, setup: Setup) -> Report:
    """Train one model and write its directory -> the report, written before the picture."""
    config, directory, bilm, quiet = setup
    task.check_data(data)
    valid = valid and task.learnable(data.train, valid)
    if bilm.trains:     # what the model refuses, it refuses before that
        task.model(untrained(bilm), data.train, config, data.raw)
    elmo, path = bilm_for(data, setup)
    learnt = data.train
    if valid is None:
        rest, held_out = task.hold_out(data.train, config.held_out, config.seed)
        learnt, valid = data.train.some(rest), data.train.some(held_out)
    model = task.model(elmo, data.train, config, data.raw)
    with Progress(quiet=quiet) as progress:
        for line in model.coverage(data.train.texts()):
            progress.say(f"training text: {line}")
        try:
            task.train(model, learnt, valid, progress, checkpoint=directory.last)
        except FitInterrupted as stopped:
            raise _kept(stopped, task, model, directory, path) from None
        notes = read_before(bilm.given if bilm.read else None, data.test.texts(), progress)
    _save(model, directory, path)
    predicted = task.predict(model, data.test)
    found = report(task, model, data.test, predicted, learnt)
    lines = [f"{len(learnt.sentences):,} training {task.items}, {len(valid.sentences):,} to validate; test: "
             f"{data.split}",
             *found.lines, *task.repeated(data), *notes]
    atomic_write_text(directory.report, "\n".join([*lines, ""]))
    directory.last.unlink(missing_ok=True)
    plots.save(task.figure(data.test, predicted), directory.figure(task.name))
    return Report(lines, {"training_sentences": len(learnt.sentences), "validation_sentences": len(valid.sentences),
                          "test": data.split, **found.values})


def _save(model: TaskModel, directory: TaskDirectory, path: str) -> None:
    with all_or_none([directory.model, directory.bilm]):
        model.save(directory.model)
        atomic_write(directory.bilm, [os.fsencode(path + "\n")])


def _kept(stopped: FitInterrupted, task: TaskSpec, model: TaskModel, directory: TaskDirectory,
          path: str) -> Interrupted:
    """Save what a training that was stopped has learnt; the message that tells where."""
    if stopped.best is None:
        return Interrupted(f"stopped in the first epoch of the task; everything is in {directory.last}")
    _save(model, directory, path)
    return Interrupted(f"stopped; the best epoch so far, {stopped.best}, is in {directory.model}; to test it: elmo-np "
                       f"task {task.name} evaluate {directory.path} DATA")


def again(task: TaskSpec, data: Data, setup: Setup) -> Report:
    """The scores of the model of a training that has ended. Raises UserError if it had other settings than these."""
    config, directory, bilm, _ = setup
    model = task.load(str(directory.model), bilm_of(directory, None if bilm.trains else bilm.given, task.name))
    if model.config != config:
        raise UserError(f"{directory.path} holds a training that has ended, with other settings: give the same, or "
                        "another --out")
    return evaluate(task, model, data.test, None)


def evaluate(task: TaskSpec, model: TaskModel, test: Examples, picture: Path | None) -> Report:
    """The scores of a model; picture: the file to draw the predictions in, None: none."""
    task.check(task.known(model), test)
    predicted = task.predict(model, test)
    if picture:
        plots.save(task.figure(test, predicted), picture)
    return report(task, model, test, predicted)


def report(task: TaskSpec, model: TaskModel, test: Examples, predicted: Sequence[Any],
           train: Examples | None = None) -> Report:
    """The scores of predictions, with those of the baselines if `train` is given for them."""
    baselines = task.baselines(train, test) if train else {}
    rows = {name: task.score(test, found) for name, found in baselines.items()}
    rows[f"this model, input {model.config.input}"] = task.score(test, predicted)
    width = max(map(len, rows))
    measure = task.measured(test)
    lines = [f"{measure} on {len(test.sentences):,} test {task.items}:",
             *(f"  {name:{width}}  {value:6.1%}" for name, value in rows.items()), *task.details(test, predicted),
             *task.unknown((task.known(model), test)),
             *(f"  {line}" for line in model.coverage(test.texts()))]
    return Report(lines, {"task": task.name, "measure": measure, "sentences": len(test.sentences), "scores": rows,
                          "details": task.values(test, predicted)})
