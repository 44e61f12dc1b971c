"""The same task from every input, side by side: on one test set with several seeds, or in folds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...errors import UserError
from ...inference.elmo import ELMo
from ...runtime.files import atomic_write_text
from ...runtime.progress import Progress
from ...viz import plots
from ..data.files import Data, Examples
from ..metrics.figures import comparison
from ..models.config import TaskConfig
from ..models.embedding_cache import EmbeddingCache
from . import word2vec
from .bilm_text import Texts, read_before
from .folder import TaskDirectory
from .task_base import TaskSpec
from .task_bilm import BilmSpec, bilm_for

WORD2VEC = "word2vec"


class Round(NamedTuple):
    """What is trained and tested on, where its biLM lies if it has one of its own, and the seeds of its networks.

    Each seed draws the start of a network, the order of the sentences, what is dropped, and the validation sentences
    where they have no file of their own.
    """

    data: Data
    folder: TaskDirectory
    seeds: Sequence[int]


class Input(NamedTuple):
    """name: in a report; kind: of `layers_of`; stores: of the examples to train, to validate and to test on."""

    name: str
    kind: str
    elmo: ELMo
    stores: list[EmbeddingCache]


def of_seeds(data: Data, folder: TaskDirectory, first: int, seeds: int) -> list[Round]:
    """One round with so many seeds, from `first` on. Raises UserError for none."""
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: expected a whole number of at least 1")
    return [Round(data, folder, range(first, first + seeds))]


def of_folds(parts: Sequence[Data], folder: TaskDirectory, first: int) -> list[Round]:
    """A round a fold, each with a seed and a folder of its own."""
    return [Round(data, TaskDirectory(folder.path / f"fold-{k}"), [first + k]) for k, data in enumerate(parts)]


def compare(app: TaskSpec, rounds: Sequence[Round], valid: Examples | None, config: TaskConfig, folder: TaskDirectory,
            source: BilmSpec, only: Sequence[str] = (), quiet: bool = False) -> list[str]:
    """Every input on the same data and with the same budget -> the report, which the folder has too.

    only    kinds of inputs; none: all that there are
    Raises UserError for a kind that there is not, and for word2vec where that is asked for and cannot be.
    """
    check_kinds(app, only, source)
    found: dict[str, list[float]] = {}
    notes: list[str] = []
    what = "folds" if len(rounds) > 1 else "seeds"
    static: dict[Texts, ELMo] = {}
    with Progress(quiet=quiet) as progress, Passing(quiet=quiet) as passing:
        for number, (data, own, seeds) in enumerate(rounds, 1):
            place = f"fold {number} of {len(rounds)}, " if len(rounds) > 1 else ""
            elmo, _ = bilm_for(data, source, own, config.seed, quiet)
            app.check(app.model(elmo, data.train, config, data.raw), data.test)
            for name, predicted in app.baselines(data.train, data.test).items():
                found.setdefault(name, []).append(app.score(data.test, predicted))
            vectors = word2vec.vectors_or_why(own, source, elmo.model.config.embedding_dim, config.seed, progress,
                                              static) if not only or WORD2VEC in only else None
            if isinstance(vectors, str) and WORD2VEC in only:
                raise UserError(f"--inputs {WORD2VEC}: {vectors.strip()}")
            notes = [vectors] if isinstance(vectors, str) else []
            for one in inputs_of(app, elmo, [data.train, valid or data.train, data.test], only, progress,
                                 None if isinstance(vectors, str) else vectors):
                for (method, changes), seed in product(app.methods.items(), seeds):
                    settings = replace(config, input=one.kind, seed=seed, **changes)
                    score = _score(app, one, data, valid, settings, passing)
                    passing.close()
                    found.setdefault(one.name + method, []).append(score)
                    # What there is stays, if the rest is stopped
                    atomic_write_text(folder.results, as_csv(found, rounds[0].seeds[0], what))
                    progress.say(f"{place}{one.name}{method}, seed {seed}: {app.measure} {score:.1%}")
        notes += read_before(source.given, (own for data, _, _ in rounds for own in data.test.sentences), progress)
    plots.save(comparison(found, f"{app.measure} on test sentences", what), folder.path / "comparison.png")
    tested = sum(len(data.test.sentences) for data, _, _ in rounds)
    lines = [f"{app.measure} on {tested:,} test sentences; test: {rounds[0].data.split}", *table(found, what), *notes]
    atomic_write_text(folder.report, "\n".join([*lines, ""]))
    return lines


def kinds_of(app: TaskSpec, layers: int) -> list[str]:
    """All inputs that are compared, from what knows no context to the mix."""
    return [*app.more_inputs.values(), WORD2VEC, "static", *map(str, range(1, layers + 1)), "mix",
            *app.joined_inputs.values()]


def check_kinds(app: TaskSpec, only: Sequence[str], source: BilmSpec) -> None:
    """Raise UserError for an input that cannot be compared, before anything long begins."""
    kinds = kinds_of(app, source.layers()) if only else []
    for kind in only:
        if kind not in kinds:
            raise UserError(f"--inputs {kind}: expected some of {', '.join(kinds)}")
    if WORD2VEC in only and not word2vec.available():
        raise UserError(f"--inputs {WORD2VEC}: gensim is not installed: pip install 'elmo_np[word2vec]', or leave it "
                        "out")


def inputs_of(app: TaskSpec, elmo: ELMo, examples: Sequence[Examples], only: Sequence[str], progress: Progress,
              other: ELMo | None) -> Iterator[Input]:
    """From what knows no context to the mix; other: word2vec's vectors, None to leave them out."""
    def stores(source: ELMo, layers: list[int]) -> list[EmbeddingCache]:
        kept = {id(some): some for some in examples}
        made = {key: app.store(source, some, layers, progress) for key, some in kept.items()}
        return [made[id(some)] for some in examples]
    wanted = [kind for kind in kinds_of(app, elmo.model.config.layers) if not only or kind in only]
    stacked = stores(elmo, elmo.layers)
    for name, kind in app.more_inputs.items():
        if kind in wanted:
            yield Input(name, kind, elmo, stacked)
    if WORD2VEC in wanted and other is not None:
        yield Input("word2vec (gensim), of the biLM's text", "static", other, stores(other, [0]))
    if "static" in wanted:
        yield Input("static vectors (layer 0)", "static", elmo, stacked if 0 in elmo.layers else stores(elmo, [0]))
    for layer in range(1, elmo.model.config.layers + 1):
        if str(layer) in wanted:
            yield Input(f"layer {layer}", str(layer), elmo, stacked)
    for name, kind in {"layer mix": "mix", **app.joined_inputs}.items():
        if kind in wanted:
            yield Input(name, kind, elmo, stacked)


class Passing(Progress):
    """Progress of which no line stays: one of many trainings."""

    def say(self, line: str) -> None:
        self.show(line)


def _score(app: TaskSpec, one: Input, data: Data, valid: Examples | None, config: TaskConfig,
           progress: Progress) -> float:
    """The test score of one model."""
    train, held, tested = one.stores
    learnt = data.train
    if valid is None:
        rest, held_out = app.hold_out(data.train, config.held_out, config.seed)
        learnt, valid = data.train.some(rest), data.train.some(held_out)
        train, held = train.part(rest), train.part(held_out)
    model = app.model(one.elmo, data.train, config, False)
    app.train(model, learnt, valid, progress, (train, held))
    return app.score(data.test, app.predict(model, data.test, tested))


def table(found: dict[str, list[float]], what: str) -> list[str]:
    """A row a method: mean, and from lowest to highest where there is more than one; what: seeds or folds."""
    width = max(map(len, found))
    return [f"  {name:{width}}  {np.mean(values):6.1%}"
            + (f"   {min(values):.1%} to {max(values):.1%} over {len(values)} {what}" if len(values) > 1 else "")
            for name, values in found.items()]


def as_csv(found: dict[str, list[float]], first: int, what: str) -> str:
    """A row a method and seed or fold, seeds from `first` on, folds from 1; what draws nothing has one row of seeds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["method", what.removesuffix("s"), "score"])
    for name, values in found.items():
        writer.writerows([name, k, f"{value:.6f}"] for k, value in enumerate(values, first if what == "seeds" else 1))
    return out.getvalue()


def read_results(path: Path) -> dict[str, list[float]]:
    """What `as_csv` wrote."""
    found: dict[str, list[float]] = {}
    for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
        found.setdefault(row["method"], []).append(float(row["score"]))
    return found
