"""The biLM of a task: a given one, a given one after fine-tuning on the task's text, or one trained for the task."""

import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ...config.schema import Settings
from ...config.toml_files import preset, read_toml, replaced
from ...data.vocabulary import SPECIAL_TOKENS, Vocabulary
from ...errors import UserError
from ...inference.elmo import ELMo
from ...io.model_file import read_model
from ...io.run_directory import RunDirectory
from ...nn.parameter import parameters
from ...runtime.files import atomic_write_text, read_regular
from ...runtime.progress import Progress
from ...training.fine_tuning import same_run, settings_of
from ...training.initial_model import new_elmo
from ...training.trainer import train
from ..data.examples import Data
from ..models.config import TaskConfig
from .task_directory import TaskDirectory

LONGEST_NAME = 1 << 16      # bytes
NONE = "none"               # in place of a path: the model reads no biLM


class BilmSpec(NamedTuple):
    given: str | None = None    # directory of a biLM; None: one is trained on the task's text
    fine_tune: int = 0          # epochs of fine-tuning the given one on that text
    read: bool = True           # whether an input reads its vectors

    def check(self) -> None:
        """Raises UserError for a combination that is not possible."""
        if self.fine_tune < 0:
            raise UserError(f"--fine-tune {self.fine_tune}: expected a number of epochs, 0 for none")
        if self.fine_tune and not self.given:
            raise UserError("--fine-tune needs a biLM that is already trained: give it with --bilm; without --bilm, "
                            "one is trained on the same text")

    @property
    def trains(self) -> bool:
        """Whether `bilm_for` trains or fine-tunes one."""
        return bool(self.fine_tune) or (self.read and not self.given)

    def layers(self) -> int:
        """The number of layers of the biLM that `bilm_for` will return. Raises UserError if a given one is missing."""
        return (read_model(self.given, mmap=True).config if self.given else preset("demo").model).layers


class Setup(NamedTuple):
    """How task models are trained, and where they are written."""

    config: TaskConfig
    directory: TaskDirectory
    bilm: BilmSpec
    quiet: bool = False


def bilm_for(data: Data, setup: Setup) -> tuple[ELMo, str]:
    """The biLM to train task models on, and its path; the text that it learns from has no test sentence. Where no input
    reads a biLM, none is trained: `no_bilm`.

    Raises UserError if there is no such text, or if the directory holds a biLM of another text or another origin.
    """
    config, directory, spec, quiet = setup
    check_bilm(data, setup)
    if not spec.trains:
        return untrained(spec), str(Path(spec.given).resolve()) if spec.given else NONE
    lines = _lines(data)
    settings = _settings(spec, len(lines))
    run = RunDirectory(directory.own_bilm)
    run.remove_unsaved()
    if not run.in_use():
        directory.path.mkdir(parents=True, exist_ok=True)
        atomic_write_text(directory.corpus, "".join(lines))
        how = f"fine-tuning {spec.given}" if spec.given else "no --bilm given: training one"
        Progress(quiet=quiet).say(f"{how} on {len(lines):,} sentences, {directory.own_bilm}")
    settings = replaced(settings, corpus=str(directory.corpus), seed=config.seed)
    elmo = train(str(directory.corpus), run.path, settings=settings, quiet=quiet, resume=run.last.exists())
    return elmo, directory.own_bilm.name


def no_bilm() -> ELMo:
    """In place of a biLM that no input reads. It knows no word; only the width of its layer 0 matters, which a learnt
    embedding of the task takes over."""
    elmo = new_elmo(preset("demo"), Vocabulary(SPECIAL_TOKENS))
    for parameter in parameters(elmo.model).values():
        parameter.value[...] = 0        # the same on every machine: the file of a task model has its fingerprint
    return elmo


def untrained(spec: BilmSpec) -> ELMo:
    """The biLM that `bilm_for` begins with: of the same sizes, and the same unless that trains."""
    return ELMo.load(spec.given) if spec.given else no_bilm()


def check_bilm(data: Data, setup: Setup) -> None:
    """Raise UserError where `bilm_for` cannot begin. Nothing is written."""
    directory, spec = setup.directory, setup.bilm
    spec.check()
    if not spec.trains:
        return
    lines = _lines(data)
    settings = _settings(spec, len(lines))
    if RunDirectory(directory.own_bilm).in_use():
        _check_kept(directory, "".join(lines), spec, settings.train.epochs)
    elif os.path.lexists(directory.corpus) and not _has_text(directory.corpus, "".join(lines)):
        raise UserError(f"{directory.corpus} already exists, with another text than that of these data: give another "
                        "--out, or remove it")


def _has_text(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _lines(data: Data) -> list[str]:
    """The text for a biLM, one sentence per line, without test sentences. Raises UserError if nothing is left."""
    text: Iterable[Sequence[str]] = data.train.texts() if data.corpus is None else data.corpus
    test = {tuple(sentence) for sentence in data.test.texts()}
    lines = [" ".join(sentence) + "\n" for sentence in text if tuple(sentence) not in test]
    if not lines:
        raise UserError("no sentence is left to train a biLM on, because all are test sentences: give a biLM with "
                        "--bilm")
    return lines


def _settings(spec: BilmSpec, count: int) -> Settings:
    """The settings of a biLM that is trained on `count` sentences. Raises UserError for too few."""
    settings = preset("demo")
    if spec.given:
        settings = replaced(settings_of(spec.given), tokenize=False, epochs=spec.fine_tune)
    held_out = settings.data.held_out
    if count < held_out:
        other = "leave --fine-tune out" if spec.given else "give one with --bilm"
        raise UserError(f"{count} sentences, without those of the test, are too few to train a biLM on: expected at "
                        f"least {held_out}, because one of {held_out} is held out; {other}")
    learnt = count - count // held_out
    return replaced(settings, batch_size=max(1, min(settings.train.batch_size, learnt)))


def _check_kept(directory: TaskDirectory, text: str, spec: BilmSpec, epochs: int) -> None:
    """Raises UserError if the biLM that a stopped command left in the directory is not the requested one."""
    own = directory.own_bilm
    if not _has_text(directory.corpus, text):
        raise UserError(f"{own} is a biLM of other data than these: give another --out, or remove it")
    kept = read_toml(RunDirectory(own).config, Settings())
    if not same_run(kept.data.fine_tune, spec.given):
        raise UserError(f"{own} was trained from {kept.data.fine_tune or 'no other biLM'}, and is now to be trained "
                        f"from {spec.given or 'none'}: give the same --bilm, or another --out, or remove it")
    if kept.train.epochs > epochs:
        raise UserError(f"{own} belongs to a training of {kept.train.epochs} epochs, expected at most {epochs}: give "
                        f"--fine-tune {kept.train.epochs}, or another --out, or remove it")


def _named_in(file: Path) -> str:
    try:
        return os.fsdecode(read_regular(file, LONGEST_NAME).removeprefix(BOM_UTF8)).strip()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}; expected the path of a biLM: give that with "
                        "--bilm") from error


def bilm_of(directory: TaskDirectory, given: str | None, task: str) -> ELMo:
    """The biLM of a task model: the given one, or the one that it was trained on."""
    if not directory.model.is_file():
        raise UserError(f"{directory.path} has no model.safetensors: expected a directory that `elmo-np task {task} "
                        "train` wrote")
    if RunDirectory(directory.path).vocabulary.is_file():
        raise UserError(f"{directory.path} holds a biLM, expected a task model: train one with elmo-np task {task} "
                        f"train DATA --bilm {directory.path} --out DIR")
    if given is None and not directory.bilm.is_file():
        raise UserError(f"{directory.bilm} is missing: give the biLM that the model was trained on with --bilm")
    named = given or _named_in(directory.bilm)
    if named == NONE and not given:
        return no_bilm()
    path = given or str(directory.path / named)
    if not Path(path).exists():
        raise UserError(f"{path}, the biLM of {directory.path}, does not exist: give its path with --bilm")
    return ELMo.load(path)
