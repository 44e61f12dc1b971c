"""The same task with every input: on one test set with several seeds, or in folds."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...errors import UserError
from ...inference.coverage import coverage
from ...inference.elmo import ELMo
from ...runtime.files import atomic_write_text
from ...runtime.progress import Progress
from ...types import Array
from ...viz import plots
from ..data.examples import Data, Examples
from ..metrics.figures import comparison
from ..models.config import TaskConfig
from ..models.embedding_cache import EmbeddingCache
from ..nn.inputs import input_parts
from . import word2vec
from .bilm_text import Texts, read_before
from .round_counts import RoundCounts
from .task_base import TaskSpec
from .task_bilm import BilmSpec, Setup, bilm_for, check_bilm, untrained
from .task_directory import TaskDirectory
from .workflow import Report

WORD2VEC = "word2vec"
FIGURE = "comparison"


class Round(NamedTuple):
    """Data to train and test on, the directory for a biLM if one is trained on them, and the seeds of the networks.

    Each seed draws a network's initial weights, the order of the sentences, dropout, and the validation sentences if
    they are not in a file.
    """

    data: Data
    directory: TaskDirectory
    seeds: Sequence[int]


class Input(NamedTuple):
    name: str                       # in a report
    kind: str                       # as in `layers_of`
    elmo: ELMo
    # Of the examples to train, to validate and to test on; None for an input that reads none.
    vectors: Sequence[EmbeddingCache | None]


def of_seeds(data: Data, directory: TaskDirectory, first: int, seeds: int) -> list[Round]:
    """One round with `seeds` seeds, from `first` on. Raises UserError for none."""
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: expected a whole number of at least 1")
    return [Round(data, directory, range(first, first + seeds))]


def of_folds(parts: Sequence[Data], directory: TaskDirectory, first: int) -> list[Round]:
    """One round per fold, each with its own seed and directory."""
    return [Round(data, TaskDirectory(directory.path / f"fold-{k}"), [first + k]) for k, data in enumerate(parts)]


def compare(task: TaskSpec, rounds: Sequence[Round], valid: Examples | None, setup: Setup,
            only: Sequence[str] = (), kept: Path | None = None) -> Report:
    """Every input with the same data, network and training budget -> the report, which is also written.

    only    kinds of inputs; none: all
    kept    directory for what each model got right: `RoundCounts`. A model that is there is not trained again; None:
            nothing is kept
    Raises UserError for an unknown kind, and for word2vec if it is requested and cannot be trained.
    """
    check_kinds(task, only, setup.bilm)
    for data, own, _ in rounds:
        task.check_data(data, folds=len(rounds) > 1)
        check_bilm(data, setup._replace(directory=own))
    elmo = untrained(setup.bilm)
    _check_settings(task, elmo, [one.data for one in rounds], setup.config, only)
    found = [RoundCounts(kept and kept / f"{number}.npz") for number in range(1, len(rounds) + 1)]
    notes: list[str] = []
    static: dict[Texts, ELMo] = {}
    with Progress(quiet=setup.quiet) as progress:
        for number, (one, counts) in enumerate(zip(rounds, found, strict=True), 1):
            prefix = f"fold {number} of {len(rounds)}, " if len(rounds) > 1 else ""
            if setup.bilm.trains:
                elmo, _ = bilm_for(one.data, setup._replace(directory=one.directory))
            if counts.complete:
                continue
            other, notes = _word2vec(one.directory, setup, elmo, only, progress, static)
            inputs = partial(inputs_of, task, elmo, only=only, progress=progress, other=other,
                             frozen=not setup.config.finetune)
            for line in _measure(task, one, valid, inputs, setup, counts):
                # Written after each score, so that a stopped comparison keeps its results
                _write_results(rounds, scores(task, found), setup)
                progress.say(prefix + line)
            counts.end()
        if setup.bilm.read:
            notes += [f"  {line}" for line in coverage(elmo, rounds[-1].data.test.texts())]
            notes += read_before(setup.bilm.given, (own for one in rounds for own in one.data.test.texts()), progress)
    all_scores = scores(task, found)
    _write_results(rounds, all_scores, setup)
    return _written(task, rounds, all_scores, notes, setup)


def _check_settings(task: TaskSpec, elmo: ELMo, parts: Sequence[Data], config: TaskConfig, only: Sequence[str]) -> None:
    """Raise UserError for a setting that does not go with one of the inputs, before anything is trained."""
    for data, kind in product(parts, wanted_kinds(task, elmo.model.config.layers, only)):
        own = replace(config, input="static" if kind == WORD2VEC else kind)
        task.model(elmo, data.train, own, data.raw)


def _measure(task: TaskSpec, one: Round, valid: Examples | None, inputs: Callable[[list[Examples]], Iterator[Input]],
             setup: Setup, counts: RoundCounts) -> Iterator[str]:
    """Add the counts of all models of a round that are not there yet -> a line with the score of each."""
    data = one.data
    own_valid = valid and task.learnable(data.train, valid)
    for name, predicted in task.baselines(data.train, data.test).items():
        if not counts.has(name, 0):
            counts.add(name, task.counts(data.test, predicted))
    for own in inputs([data.train, own_valid or data.train, data.test]):
        for (method, changes), (k, seed) in product(task.methods.items(), enumerate(one.seeds)):
            if not counts.has(own.name + method, k):
                config = replace(setup.config, input=own.kind, seed=seed, **changes)
                with TransientProgress(quiet=setup.quiet) as passing, named(f"{own.name}{method}, seed {seed}"):
                    counts.add(own.name + method, _counts(task, own, data, own_valid, config, passing))
                score = float(task.score_of(counts.found[own.name + method][k].sum(axis=0)))
                yield f"{own.name}{method}, seed {seed}: {task.measured(data.test)} {score:.1%}"


def scores(task: TaskSpec, found: Iterable[RoundCounts]) -> dict[str, list[float]]:
    """{method: the score of each model, round by round}."""
    all_scores: dict[str, list[float]] = {}
    for own in found:
        for method, counts in own.found.items():
            all_scores.setdefault(method, []).extend(float(task.score_of(one.sum(axis=0))) for one in counts)
    return all_scores


def _write_results(rounds: Sequence[Round], all_scores: dict[str, list[float]], setup: Setup) -> None:
    atomic_write_text(setup.directory.results, as_csv(all_scores, rounds[0].seeds[0], _repeated(rounds)))


def _written(task: TaskSpec, rounds: Sequence[Round], found: dict[str, list[float]], notes: list[str],
             setup: Setup) -> Report:
    """The report of all scores, written to the directory with its figure."""
    first = rounds[0].data
    measure = task.measured(first.test)
    what = _repeated(rounds)
    notes += task.unknown(*((task.names(one.data.train), one.data.test) for one in rounds))
    notes += task.repeated(*(one.data for one in rounds))
    tested = sum(len(data.test.sentences) for data, _, _ in rounds)
    lines = [f"{measure} on {tested:,} test {task.items}; test: {first.split}", *table(found, what), *notes]
    atomic_write_text(setup.directory.report, "\n".join([*lines, ""]))
    plots.save(comparison(found, f"{measure} on test {task.items}", what), setup.directory.figure(FIGURE))
    return Report(lines, {"task": task.name, "measure": measure, "sentences": tested, "test": first.split,
                          "scores": found})


def _repeated(rounds: Sequence[Round]) -> str:
    """What the scores of an input differ by."""
    return "folds" if len(rounds) > 1 else "seeds"


def _word2vec(own: TaskDirectory, setup: Setup, elmo: ELMo, only: Sequence[str], progress: Progress,
              static: dict[Texts, ELMo]) -> tuple[ELMo | None, list[str]]:
    """word2vec's vectors, or None with the line that tells why there are none."""
    if only and WORD2VEC not in only:
        return None, []
    found = word2vec.vectors_or_why(own, setup.bilm, elmo.model.config.width(0), setup.config.seed, progress, static)
    if not isinstance(found, str):
        return found, []
    if WORD2VEC in only:
        raise UserError(f"--inputs {WORD2VEC}: {found.strip()}")
    return None, [found]


def kinds_of(task: TaskSpec, layers: int) -> list[str]:
    """All inputs that are compared, from those without context to the mix."""
    return [*task.more_inputs.values(), WORD2VEC, "static", *map(str, range(1, layers + 1)), "mix",
            *task.joined_inputs.values(), *task.on_request.values()]


def wanted_kinds(task: TaskSpec, layers: int, only: Sequence[str]) -> list[str]:
    """Those of `kinds_of` that are compared; only: what is asked for, none for all but `on_request`."""
    return [kind for kind in kinds_of(task, layers)
            if (kind in only if only else kind not in task.on_request.values())]


def check_kinds(task: TaskSpec, only: Sequence[str], bilm: BilmSpec) -> None:
    """Raises UserError for an input that cannot be compared, before any long computation."""
    kinds = kinds_of(task, bilm.layers()) if only else []
    for kind in only:
        if kind not in kinds:
            raise UserError(f"--inputs {kind}: expected some of {', '.join(kinds)}")
    if WORD2VEC in only and not word2vec.installed():
        raise UserError(f"--inputs {WORD2VEC}: gensim is not installed: pip install 'elmo_np[word2vec]', or leave it "
                        "out")


def inputs_of(task: TaskSpec, elmo: ELMo, examples: Sequence[Examples], only: Sequence[str], progress: Progress,
              other: ELMo | None, frozen: bool) -> Iterator[Input]:
    """From those without context to the mix.

    other   word2vec's vectors, None to leave them out
    frozen  whether vectors stay as they are while a model is trained, so that they are computed once
    """
    def embedded(source: ELMo, layers: list[int]) -> Sequence[EmbeddingCache | None]:
        if not frozen:
            return [None] * len(examples)
        different = {id(some): some for some in examples}
        vectors = {key: task.embed(source, some, layers, progress) for key, some in different.items()}
        return [vectors[id(some)] for some in examples]
    wanted = wanted_kinds(task, elmo.model.config.layers, only)
    stacked: Sequence[EmbeddingCache | None] = [None] * len(examples)
    if any(kind != WORD2VEC and input_parts(kind).bilm for kind in wanted):
        stacked = embedded(elmo, elmo.layers)
    for name, kind in task.more_inputs.items():
        if kind in wanted:
            yield Input(name, kind, elmo, stacked)
    if WORD2VEC in wanted and other is not None:
        yield Input("word2vec (gensim), of the biLM's text", "static", other, embedded(other, [0]))
    words = stacked
    if 0 not in elmo.layers and any(kind.endswith("static") for kind in wanted):
        words = embedded(elmo, [0])
    if "static" in wanted:
        yield Input("static vectors (layer 0)", "static", elmo, words)
    for layer in range(1, elmo.model.config.layers + 1):
        if str(layer) in wanted:
            yield Input(f"layer {layer}", str(layer), elmo, stacked)
    for name, kind in {"layer mix": "mix", **task.joined_inputs, **task.on_request}.items():
        if kind in wanted:
            yield Input(name, kind, elmo, words if kind.endswith("static") else stacked)


@contextmanager
def named(model: str) -> Iterator[None]:
    """An error in the body tells which model it is about, as one that has diverged."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{model}: {error}") from error


class TransientProgress(Progress):
    """Progress without lasting lines: of one of many trainings."""

    def say(self, line: str) -> None:
        self.show(line)


def _counts(task: TaskSpec, one: Input, data: Data, valid: Examples | None, config: TaskConfig,
            progress: Progress) -> Array:
    """What one model gets right in the test: `TaskSpec.counts`."""
    train, held, tested = one.vectors
    learnt = data.train
    if valid is None:
        rest, held_out = task.hold_out(data.train, config.held_out, config.seed)
        learnt, valid = data.train.some(rest), data.train.some(held_out)
        if train is not None:
            train, held = train.part(rest), train.part(held_out)
    model = task.model(one.elmo, data.train, config, False)
    task.train(model, learnt, valid, progress, None if train is None or held is None else (train, held))
    return task.counts(data.test, task.predict(model, data.test, tested))


def table(found: dict[str, list[float]], what: str) -> list[str]:
    """One row per method: the mean, and the range if there are several scores; what: seeds or folds."""
    width = max(map(len, found))
    return [f"  {name:{width}}  {np.mean(values):6.1%}"
            + (f"   {min(values):.1%} to {max(values):.1%} over {len(values)} {what}" if len(values) > 1 else "")
            for name, values in found.items()]


def as_csv(found: dict[str, list[float]], first: int, what: str) -> str:
    """One row per method and seed or fold, seeds from `first` on, folds from 1; a baseline has no seed but one row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["method", what.removesuffix("s"), "score"])
    for name, values in found.items():
        writer.writerows([name, k, f"{value:.6f}"] for k, value in enumerate(values, first if what == "seeds" else 1))
    return out.getvalue()


def read_results(path: Path) -> dict[str, list[float]]:
    """The scores that `as_csv` wrote."""
    found: dict[str, list[float]] = {}
    for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
        found.setdefault(row["method"], []).append(float(row["score"]))
    return found
