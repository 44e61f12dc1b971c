"""What a side makes of a work: something to run, and numbers by which both sides are held together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt
from works import Work

Arrays = dict[str, npt.NDArray[Any]]


class Task(NamedTuple):
    """A work for one side (elmo_np, works.TORCH or works.REFERENCE), and a folder for what it writes."""

    work: Work
    side: str
    folder: Path

    @property
    def exchange(self) -> Path:
        """Where elmo_np leaves the arrays with which it begins, for its peer."""
        return self.folder / "arrays.npz"

    def as_dict(self) -> dict[str, Any]:
        return {"work": asdict(self.work), "side": self.side, "folder": str(self.folder)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Task:
        return cls(Work.from_dict(fields["work"]), fields["side"], Path(fields["folder"]))


class Job(NamedTuple):
    """run: once what is timed. figures: run it and tell what the other side must find too."""

    run: Callable[[], object]
    figures: Callable[[], list[float]]


class Skipped(Exception):
    """This work has nothing to measure here; the message says why."""
