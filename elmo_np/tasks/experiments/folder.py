"""The folder that `elmo-np task` writes.

    model.safetensors   the network of the task; the biLM is not in it
    bilm.txt            where the biLM lies, relative to the folder where that is below it
    bilm/               the biLM, where the task has one of its own: trained on bilm-corpus.txt, in which no test
                        sentence is
    report.txt, *.png   what was printed and drawn; of a comparison also results.csv, a row a method and seed or fold
    fold-0/, ..         of a comparison in folds: the biLM of each
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ...errors import UserError


class TaskDirectory(NamedTuple):
    """Its paths."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def bilm(self) -> Path:
        return self.path / "bilm.txt"

    @property
    def corpus(self) -> Path:
        return self.path / "bilm-corpus.txt"

    @property
    def own_bilm(self) -> Path:
        return self.path / "bilm"

    @property
    def report(self) -> Path:
        return self.path / "report.txt"

    @property
    def results(self) -> Path:
        return self.path / "results.csv"


def new_folder(out: str) -> TaskDirectory:
    """A folder to write. Raises UserError for one that holds a report, a model or results already."""
    folder = TaskDirectory(Path(out))
    if not out or (folder.path.exists() and not folder.path.is_dir()):
        raise UserError(f"--out {out!r}: expected a folder, or a name for one")
    if folder.results.exists() and not folder.report.exists():
        raise UserError(f"{out} holds what a comparison found before it was stopped: give another --out, or remove "
                        f"{folder.results} to begin again with the biLMs that are there")
    if any(path.exists() for path in (folder.model, folder.report)):
        raise UserError(f"{out} holds the files of another training: give another --out, or remove it")
    folder.path.mkdir(parents=True, exist_ok=True)
    return folder
