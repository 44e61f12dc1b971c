"""The directory that `elmo-np task` writes.

    model.safetensors   the network of the task; the biLM is not in it
    last.safetensors    the state of a training that has not ended, to resume it
    bilm.txt            the path of the biLM, relative to the directory if the biLM is below it; "none" where the input
                        reads none
    bilm/               the biLM, if it was trained for the task: on bilm-corpus.txt, which has no test sentence
    report.txt, *.png   what was printed and drawn; for a comparison also results.csv: one row per method and seed or
                        fold
    fold-0/, ..         for a comparison in folds: the biLM of each
"""

import os
from pathlib import Path

from ...errors import UserError


class TaskDirectory:
    """The paths in it."""

    def __init__(self, path: Path):
        self.path = path
        self.model = path / "model.safetensors"
        self.last = path / "last.safetensors"
        self.bilm = path / "bilm.txt"
        self.corpus = path / "bilm-corpus.txt"
        self.own_bilm = path / "bilm"
        self.report = path / "report.txt"
        self.results = path / "results.csv"

    def ended(self) -> bool:
        """Whether the training of a model has come to its end here."""
        return self.model.is_file() and self.report.is_file() and not os.path.lexists(self.last)

    def figure(self, name: str) -> Path:
        """The figure of a task, or of a comparison."""
        return self.path / f"{name}.png"


def new_directory(out: str, figure: str) -> TaskDirectory:
    """A directory to write. Raises UserError for one that already holds a report, a model, its state or results, or
    another file that will be written; figure: the name of the figure."""
    directory = TaskDirectory(Path(out))
    if not out or (directory.path.exists() and not directory.path.is_dir()):
        raise UserError(f"--out {out!r}: expected a directory, or a name for one")
    if directory.results.exists() and not directory.report.exists():
        raise UserError(f"{out} holds the results of a comparison that was stopped: give another --out, or remove "
                        f"{directory.results} to start again with the biLMs that are already trained")
    if os.path.lexists(directory.last):
        raise UserError(f"{out} holds a training that was stopped: continue it with --resume, or give another --out")
    if any(map(os.path.lexists, (directory.model, directory.report))):
        raise UserError(f"{out} holds the files of another training: give another --out, or remove it")
    for path in (directory.bilm, directory.figure(figure)):
        if os.path.lexists(path):
            raise UserError(f"{path} already exists: expected no such file, as this command writes one; give another "
                            "--out, or remove it")
    directory.path.mkdir(parents=True, exist_ok=True)
    return directory


def stopped_directory(out: str, figure: str) -> TaskDirectory:
    """The directory of a training that was stopped. Raises UserError for any other."""
    directory = TaskDirectory(Path(out))
    if directory.last.is_file():
        return directory
    if directory.report.exists() or not directory.own_bilm.exists():
        raise UserError(f"{out} has nothing to resume: expected the directory of a training that was "
                        "stopped; without --resume, training begins")
    return new_directory(out, figure)       # only the biLM has been begun
