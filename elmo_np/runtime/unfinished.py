"""The folder of a file that is not finished: FILE.part, with the data so far and how far they go.

A folder without the second is somebody else's, unless it is as empty as a process that was killed at its beginning
leaves it. Nothing of somebody else is removed.
"""

import contextlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from .files import sync_folder


class Unfinished(NamedTuple):
    """data: the file of the data so far; place: how far they go, written with `atomic_write`."""

    folder: Path
    data: Path
    place: Path

    @classmethod
    def of(cls, out: Path, data: str, place: str) -> "Unfinished":
        folder = out.with_name(f"{out.name}.part")
        return cls(folder, folder / data, folder / place)

    def begun(self) -> bool:
        """Whether there is unfinished work. Raises UserError for a folder that somebody else made."""
        begun = self.place.exists()
        own = self.folder.is_dir() and not any(path.is_symlink() for path in self)
        if own and not begun:
            own = all(self._is_left(path) or (path == self.data and not path.stat().st_size)
                      for path in self.folder.iterdir())
        if os.path.lexists(self.folder) and not own:
            raise UserError(f"{self.folder} does not hold the beginning of a file: expected no such folder, as "
                            "unfinished work is kept there; move it, or give another name")
        return begun

    def make(self) -> None:
        """Make the folder, after `begun`, which found no work in it."""
        self.remove()
        self.folder.mkdir()
        sync_folder(self.folder.parent)

    def remove(self) -> None:
        """Remove the files, what killed processes left of them, and the folder unless it holds something else."""
        with contextlib.suppress(OSError):
            for path in [*self.folder.iterdir()]:
                if self._is_left(path) or path == self.data:
                    path.unlink()
            self.place.unlink(missing_ok=True)
            self.folder.rmdir()

    def _is_left(self, path: Path) -> bool:
        """Whether it is a temporary file of a killed process."""
        return re.fullmatch(rf"\.{re.escape(self.place.name)}\.([0-9a-f]{{8}}\.)?tmp", path.name) is not None
