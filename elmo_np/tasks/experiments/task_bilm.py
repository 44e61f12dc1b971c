"""The biLM of a task: the one given, the one given after it was fine-tuned on the task's text, or one of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ...config.schema import Settings
from ...config.toml_files import preset, read_toml, replaced
from ...data.corpus import text_lines
from ...errors import UserError
from ...inference.elmo import ELMo
from ...io.model_file import read_model
from ...io.run_directory import RunDirectory
from ...runtime.files import atomic_write_text
from ...runtime.progress import Progress
from ...training.fine_tuning import same_run, settings_of
from ...training.trainer import train
from ..data.files import Data
from .folder import TaskDirectory


class BilmSpec(NamedTuple):
    """given: folder of a biLM, None to train one on the task's text; fine_tune: epochs that the one given goes on
    learning from that text."""

    given: str | None = None
    fine_tune: int = 0

    def check(self) -> None:
        """Raise UserError for what cannot be."""
        if self.given == "":
            raise UserError("--bilm is empty: expected the folder of a biLM; without --bilm one is trained")
        if self.fine_tune < 0:
            raise UserError(f"--fine-tune {self.fine_tune}: expected a number of epochs, 0 for none")
        if self.fine_tune and not self.given:
            raise UserError("--fine-tune goes on with a biLM that there is: say which with --bilm; without one, one is "
                            "trained on the same text")

    def layers(self) -> int:
        """Of the biLM that `bilm_for` gives, before there is one. Raises UserError where none lies at the place
        given."""
        return (read_model(self.given, mmap=True).config if self.given else preset("demo").model).layers


def bilm_for(data: Data, source: BilmSpec, folder: TaskDirectory, seed: int, quiet: bool) -> tuple[ELMo, str]:
    """-> the biLM, and where it lies. The text that it learns from has no test sentence.

    Raises UserError where there is none, or a training in the folder is of another text or another biLM.
    """
    source.check()
    if source.given and not source.fine_tune:
        return ELMo.load(source.given), str(Path(source.given).resolve())
    text: Iterable[Sequence[str]] = data.train.sentences if data.corpus is None else data.corpus
    test = {tuple(sentence) for sentence in data.test.sentences}
    lines = [" ".join(sentence) + "\n" for sentence in text if tuple(sentence) not in test]
    if not lines:
        raise UserError("no sentence but those of the test is left to train a biLM on: give one with --bilm")
    settings = replaced(settings_of(source.given), tokenize=False, epochs=source.fine_tune) if source.given else \
        preset("demo")
    least = settings.data.held_out
    if len(lines) < least:
        other = "leave --fine-tune out" if source.given else "give one with --bilm"
        raise UserError(f"{len(lines)} sentences, those of the test left out, are too few for a biLM to learn from: "
                        f"expected {least} or more, for one of {least} is held out; {other}")
    bilm = RunDirectory(folder.own_bilm)
    if not bilm.in_use():
        folder.path.mkdir(parents=True, exist_ok=True)
        atomic_write_text(folder.corpus, "".join(lines))
        how = f"going on with {source.given}" if source.given else "no --bilm given: training one"
        Progress(quiet=quiet).say(f"{how} on {len(lines):,} sentences, {folder.own_bilm}")
    else:
        _check_kept(folder, "".join(lines), source, settings.train.epochs)
    learnt = len(lines) - len(lines) // least
    settings = replaced(settings, corpus=str(folder.corpus), seed=seed,
                        batch_size=max(1, min(settings.train.batch_size, learnt)))
    elmo = train(str(folder.corpus), bilm.path, settings=settings, quiet=quiet, resume=bilm.last.exists())
    return elmo, folder.own_bilm.name


def _check_kept(folder: TaskDirectory, text: str, source: BilmSpec, epochs: int) -> None:
    """Raise UserError where the biLM that a stopped command left in the folder is not the one that is asked for."""
    if not folder.corpus.is_file() or folder.corpus.read_bytes() != text.encode():
        raise UserError(f"{folder.own_bilm} is a biLM of other data than these: give another --out, or remove it")
    kept = read_toml(RunDirectory(folder.own_bilm).config, Settings())
    if not same_run(kept.data.fine_tune, source.given):
        raise UserError(f"{folder.own_bilm} began with {kept.data.fine_tune or 'no other biLM'}, and now it would with "
                        f"{source.given or 'none'}: give the same --bilm, or another --out, or remove it")
    if kept.train.epochs > epochs:
        raise UserError(f"{folder.own_bilm} is of a training for {kept.train.epochs} epochs, expected at most "
                        f"{epochs}: give --fine-tune {kept.train.epochs}, or another --out, or remove it")


def bilm_of(folder: TaskDirectory, given: str | None, task: str) -> ELMo:
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
