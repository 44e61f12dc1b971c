"""The job of one side: something to run, and figures by which the sides are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt
from works import Work

Arrays = dict[str, npt.NDArray[Any]]


class Task(NamedTuple):
    """A work for one side (elmo_np or its peer), and a directory for its files."""

    work: Work
    side: str
    folder: Path

    @property
    def exchange(self) -> Path:
        """Where elmo_np writes its initial arrays for its peer."""
        return self.folder / "arrays.npz"

    def as_dict(self) -> dict[str, Any]:
        return {"work": asdict(self.work), "side": self.side, "folder": str(self.folder)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Task:
        return cls(Work.from_dict(fields["work"]), fields["side"], Path(fields["folder"]))


class Job(NamedTuple):
    """run: do what is timed, once. figures: run it and return values that the other side must give too."""

    run: Callable[[], object]
    figures: Callable[[], list[float]]


class Skipped(Exception):
    """This work cannot be measured here; the message gives the reason."""
