"""What `elmo-np task` does: a folder with a task model, reports, and the comparison with what reads less.

    model.safetensors   the network of the task; the biLM is not in it
    bilm.txt            where the biLM lies, relative to the folder where that is below it
    bilm/               the biLM, where none was given: trained on bilm-corpus.txt, in which no test sentence is
    report.txt, *.png   what was printed and drawn; of a comparison also results.csv, a row a method and seed
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import plots
from ..config import preset, replaced
from ..corpus import text_lines
from ..elmo import ELMo
from ..errors import UserError
from ..files import atomic_write_text
from ..progress import Progress
from ..run import Folder
from ..train import train as train_bilm
from .application import Application
from .config import TaskConfig
from .data import Data, Examples
from .model import TaskModel
from .pictures import comparison
from .store import VectorStore


class TaskFolder(NamedTuple):
    """The paths of a task model."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def bilm(self) -> Path:
        return self.path / "bilm.txt"

    @property
    def own_bilm(self) -> Path:
        return self.path / "bilm"

    @property
    def report(self) -> Path:
        return self.path / "report.txt"

    @property
    def results(self) -> Path:
        return self.path / "results.csv"


def new_folder(out: str) -> TaskFolder:
    """A folder to write. Raises UserError for one that holds a report or a model already."""
    folder = TaskFolder(Path(out))
    if not out or (folder.path.exists() and not folder.path.is_dir()):
        raise UserError(f"--out {out!r}: expected a folder, or a name for one")
    if any(path.exists() for path in (folder.model, folder.report, folder.results)):
        raise UserError(f"{out} holds the files of another training: give another --out, or remove it")
    folder.path.mkdir(parents=True, exist_ok=True)
    return folder


def bilm_for(data: Data, given: str | None, folder: TaskFolder, seed: int, quiet: bool) -> tuple[ELMo, str]:
    """The biLM given, or one trained on the data's text, in which no test sentence is -> it, and where it lies."""
    if given:
        return ELMo.load(given), str(Path(given).resolve())
    corpus = folder.path / "bilm-corpus.txt"
    text: Iterable[Sequence[str]] = data.train.sentences if data.corpus is None else data.corpus
    test = {tuple(sentence) for sentence in data.test.sentences}
    lines = [" ".join(sentence) + "\n" for sentence in text if tuple(sentence) not in test]
    if not lines:
        raise UserError("no sentence but those of the test is left to train a biLM on: give one with --bilm")
    if not Folder(folder.own_bilm).in_use():
        atomic_write_text(corpus, "".join(lines))
        Progress(quiet=quiet).say(f"no --bilm given: training one on {len(lines):,} sentences, {folder.own_bilm}")
    elif not corpus.is_file() or corpus.read_bytes() != "".join(lines).encode():
        raise UserError(f"{folder.own_bilm} is a biLM of other data than these: give another --out, or remove it")
    settings = replaced(preset("demo"), corpus=str(corpus), seed=seed)
    elmo = train_bilm(str(corpus), folder.own_bilm, settings=settings, quiet=quiet,
                      resume=Folder(folder.own_bilm).last.exists())
    return elmo, folder.own_bilm.name


def elmo_of(folder: TaskFolder, given: str | None, task: str) -> ELMo:
    """The biLM of a task model: the one given, or the one that it was trained on."""
    if not folder.model.is_file():
        raise UserError(f"{folder.path} has no model.safetensors: expected a folder that `elmo-np task {task} train` "
                        "wrote")
    if given is None and not folder.bilm.is_file():
        raise UserError(f"{folder.bilm} is not there: say with --bilm where the biLM is that the model was trained on")
    path = given or str(folder.path / "".join(text_lines(folder.bilm)).strip())
    if not Path(path).exists():
        raise UserError(f"{path}, the biLM of {folder.path}, is not there: say with --bilm where it is")
    return ELMo.load(path)


def train(app: Application, data: Data, valid: Examples | None, config: TaskConfig, folder: TaskFolder,
          bilm: str | None, quiet: bool) -> list[str]:
    """Train one model, write its folder -> the report."""
    elmo, place = bilm_for(data, bilm, folder, config.seed, quiet)
    learnt = data.train
    if valid is None:
        rest, held_out = app.hold_out(data.train, config.held_out, config.seed)
        learnt, valid = data.train.some(rest), data.train.some(held_out)
    model = app.model(elmo, data.train, config, data.raw)
    app.check(model, data.test)
    with Progress(quiet=quiet) as progress:
        app.train(model, learnt, valid, progress)
    model.save(folder.model)
    atomic_write_text(folder.bilm, place + "\n")
    lines = [f"{len(learnt.sentences):,} training sentences, {len(valid.sentences):,} to validate; test: {data.split}",
             *report(app, model, data.test, folder.path / f"{app.name}.png", learnt)]
    atomic_write_text(folder.report, "\n".join([*lines, ""]))
    return lines


def report(app: Application, model: TaskModel, test: Examples, picture: Path | None,
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


def inputs_of(elmo: ELMo, app: Application, examples: Sequence[Examples],
              progress: Progress) -> Iterator[tuple[str, str, list[VectorStore]]]:
    """(name in a report, input, vectors of the examples), from what knows no context to the mix."""
    def stores(layers: list[int]) -> list[VectorStore]:
        kept = {id(some): some for some in examples}
        made = {key: app.store(elmo, some, layers, progress) for key, some in kept.items()}
        return [made[id(some)] for some in examples]
    stacked = stores(elmo.layers)
    for name, kind in app.more_inputs.items():
        yield name, kind, stacked
    yield "static vectors (layer 0)", "static", stacked if 0 in elmo.layers else stores([0])
    for layer in range(1, elmo.model.config.layers + 1):
        yield f"layer {layer}", str(layer), stacked
    yield "layer mix", "mix", stacked


class Passing(Progress):
    """Progress of which no line stays: one of many trainings."""

    def say(self, line: str) -> None:
        self.show(line)


def _one(app: Application, elmo: ELMo, data: Data, valid: Examples | None, config: TaskConfig,
         stores: list[VectorStore], progress: Progress) -> float:
    """The test score of one model; stores: of the examples to train, to validate and to test on."""
    train, held, tested = stores
    learnt = data.train
    if valid is None:
        rest, held_out = app.hold_out(data.train, config.held_out, config.seed)
        learnt, valid = data.train.some(rest), data.train.some(held_out)
        train, held = train.part(rest), train.part(held_out)
    model = app.model(elmo, data.train, config, False)
    app.train(model, learnt, valid, progress, (train, held))
    return app.score(data.test, app.predict(model, data.test, tested))


def compare(app: Application, data: Data, valid: Examples | None, config: TaskConfig, folder: TaskFolder,
            bilm: str | None, seeds: int, quiet: bool) -> list[str]:
    """The same task from every input, on the same data and with the same budget -> the report.

    Each seed draws the start of the network, the order of the sentences, what is dropped, and the validation sentences
    where they have no file of their own.
    """
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: expected a whole number of at least 1")
    elmo, _ = bilm_for(data, bilm, folder, config.seed, quiet)
    found: dict[str, list[float]] = {name: [app.score(data.test, predicted)] for name, predicted
                                     in app.baselines(data.train, data.test).items()}
    app.check(app.model(elmo, data.train, config, data.raw), data.test)
    with Progress(quiet=quiet) as progress, Passing(quiet=quiet) as passing:
        for name, kind, stores in inputs_of(elmo, app, [data.train, valid or data.train, data.test], progress):
            for (method, changes), seed in product(app.methods.items(), range(config.seed, config.seed + seeds)):
                score = _one(app, elmo, data, valid, replace(config, input=kind, seed=seed, **changes), stores, passing)
                passing.close()
                found.setdefault(name + method, []).append(score)
                progress.say(f"{name}{method}, seed {seed}: {app.measure} {score:.1%}")
    plots.save(comparison(found, f"{app.measure} on test sentences"), folder.path / "comparison.png")
    atomic_write_text(folder.results, as_csv(found, config.seed))
    lines = [f"{app.measure} on {len(data.test.sentences):,} test sentences; test: {data.split}", *table(found)]
    atomic_write_text(folder.report, "\n".join([*lines, ""]))
    return lines


def table(found: dict[str, list[float]]) -> list[str]:
    """A row a method: mean, and from lowest to highest where there is more than one seed."""
    width = max(map(len, found))
    return [f"  {name:{width}}  {np.mean(values):6.1%}"
            + (f"   {min(values):.1%} to {max(values):.1%} over {len(values)} seeds" if len(values) > 1 else "")
            for name, values in found.items()]


def as_csv(found: dict[str, list[float]], first: int) -> str:
    """A row a method and seed, from `first` on; what draws nothing has one row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["method", "seed", "score"])
    for name, values in found.items():
        writer.writerows([name, k, f"{value:.6f}"] for k, value in enumerate(values, first))
    return out.getvalue()
