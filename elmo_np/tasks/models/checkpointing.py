"""Resuming the training of a task model bit for bit: its state in a file, which is written after every epoch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...errors import UserError
from ...io import safetensors_file
from ...runtime.progress import Progress
from ...training.checkpointing import machine
from ...types import Array


class Checkpoint(NamedTuple):
    """The file of one training.

    origin      the SHA-256 of what the training depends on: sentences, labels, settings, biLM
    """

    path: Path
    origin: str

    def save(self, tensors: Mapping[str, Array], place: Mapping[str, Any]) -> None:
        """Replace the file. place: what is not an array, for JSON."""
        safetensors_file.save(self.path, tensors, {"place": json.dumps(place, sort_keys=True), "origin": self.origin,
                                                   "machine": json.dumps(machine(), sort_keys=True)})

    def check(self) -> None:
        """Raises UserError if the file is there and damaged, or that of another training."""
        if self.path.exists() and safetensors_file.load(self.path)[1].get("origin") != self.origin:
            raise UserError(f"{self.path} is the state of another training: resume with the same data, biLM and "
                            "settings (epochs and patience may change), or give another directory")

    def load(self, progress: Progress) -> tuple[dict[str, Array], dict[str, Any]]:
        """The arrays and the rest. Raises UserError for a damaged file."""
        tensors, texts = safetensors_file.load(self.path)
        try:
            place, before = json.loads(texts["place"]), json.loads(texts["machine"])
            if not isinstance(place, dict):
                raise TypeError("place")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise self.unusable() from error
        if before != machine():
            progress.say(f"note: the training began with {json.dumps(before)}, now it goes on with "
                         f"{json.dumps(machine())}: the result is as good, but not the same bit for bit")
        return tensors, place

    def unusable(self) -> UserError:
        return UserError(f"{self.path} is not what a training writes: remove it, and train again")


def load_arrays(path: str | os.PathLike[str], wanted: Mapping[str, Array], tensors: Mapping[str, Array]) -> None:
    """Fill the arrays of a network from those of a file. Raises UserError for one too few, too many or of another
    shape or dtype."""
    for name in sorted(wanted.keys() | tensors.keys()):
        found, own = (f"{a.dtype}{a.shape}" if a is not None else "nothing"
                      for a in (tensors.get(name), wanted.get(name)))
        if found != own:
            raise UserError(f"{path}: found {found} for {name}, expected {own}")
    for name, value in wanted.items():
        if not np.isfinite(tensors[name]).all():
            raise UserError(f"{path}: {name} holds NaN or infinity, expected finite values: train it again")
        value[...] = tensors[name]
