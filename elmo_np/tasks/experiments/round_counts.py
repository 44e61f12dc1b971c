"""What the models of a comparison got right, in files: for paired tests, and to go on where a comparison stopped.

    DIR/1.npz, ..   one file per round, rewritten after each model: {method: counts (S, N, K)}, S models so far
"""

import io
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ...errors import UserError
from ...runtime.files import atomic_write
from ...types import Array

COMPLETE = ""       # in a file: the round has ended


class RoundCounts:
    """The counts of one round.

    file    where they are kept, and read from if it is there; None: only in memory
    found   {method: counts (N, K) of each of its models}
    Raises UserError for a damaged file.
    """

    def __init__(self, file: Path | None = None):
        self.file = file
        kept = _read(file) if file and file.exists() else {}
        self.complete = kept.pop(COMPLETE, None) is not None
        self.found = {method: list(counts) for method, counts in kept.items()}

    def has(self, method: str, number: int) -> bool:
        """Whether there is that model, counted from 0, of a method."""
        return len(self.found.get(method, [])) > number

    def add(self, method: str, counts: Array) -> None:
        """Add the next model of a method."""
        self.found.setdefault(method, []).append(counts)
        self._write()

    def end(self) -> None:
        """The round has no more models."""
        self.complete = True
        self._write()

    def _write(self) -> None:
        if self.file is None:
            return
        kept = {method: np.stack(counts) for method, counts in self.found.items()}
        if self.complete:
            kept[COMPLETE] = np.ones(())
        contents = io.BytesIO()
        np.savez_compressed(contents, *kept.values(), names=np.array(list(kept), str))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self.file, [contents.getvalue()])


def _read(file: Path) -> dict[str, Array]:
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as kept:
            return {str(name): kept[f"arr_{k}"] for k, name in enumerate(kept["names"])}
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise UserError(f"{file} is damaged: remove it, and its models are trained again") from error


def read_rounds(directory: Path, count: int) -> list[dict[str, Array]]:
    """{method: counts (S, N, K)} of each round. Raises UserError if one is missing or damaged."""
    found = [_read(directory / f"{number}.npz") for number in range(1, count + 1)]
    return [{method: counts for method, counts in own.items() if method != COMPLETE} for own in found]
