"""What `elmo-np task NAME train` and `evaluate` do: a folder with a task model, and reports."""

from __future__ import annotations

from pathlib import Path

from ...runtime.files import atomic_write_text
from ...runtime.progress import Progress
from ...viz import plots
from ..data.files import Data, Examples
from ..models.config import TaskConfig
from ..models.task_model import TaskModel
from .bilm_text import read_before
from .folder import TaskDirectory
from .task_base import TaskSpec
from .task_bilm import BilmSpec, bilm_for


def train(app: TaskSpec, data: Data, valid: Examples | None, config: TaskConfig, folder: TaskDirectory,
          source: BilmSpec, quiet: bool) -> list[str]:
    """Train one model, write its folder -> the report."""
    elmo, place = bilm_for(data, source, folder, config.seed, quiet)
    learnt = data.train
    if valid is None:
        rest, held_out = app.hold_out(data.train, config.held_out, config.seed)
        learnt, valid = data.train.some(rest), data.train.some(held_out)
    model = app.model(elmo, data.train, config, data.raw)
    app.check(model, data.test)
    with Progress(quiet=quiet) as progress:
        app.train(model, learnt, valid, progress)
        notes = read_before(source.given, data.test.sentences, progress)
    model.save(folder.model)
    atomic_write_text(folder.bilm, place + "\n")
    lines = [f"{len(learnt.sentences):,} training sentences, {len(valid.sentences):,} to validate; test: {data.split}",
             *report(app, model, data.test, folder.path / f"{app.name}.png", learnt), *notes]
    atomic_write_text(folder.report, "\n".join([*lines, ""]))
    return lines


def report(app: TaskSpec, model: TaskModel, test: Examples, picture: Path | None,
           train: Examples | None = None) -> list[str]:
    """How a model does on labelled sentences, beside the baselines if there is what they learn from."""
    app.check(model, test)
    predicted = app.predict(model, test)
    rows = {name: app.score(test, found) for name, found in (app.baselines(train, test) if train else {}).items()}
    rows[f"this model, input {model.config.input}"] = app.score(test, predicted)
    width = max(map(len, rows))
    if picture:
        plots.save(app.picture(test, predicted), picture)
    return [f"{app.measure} on {len(test.sentences):,} test sentences:",
            *(f"  {name:{width}}  {value:6.1%}" for name, value in rows.items()), *app.details(test, predicted)]
