"""Writing a file so that it is either the old one or the new one, whole, whatever stops the program."""

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from ..errors import UserError


def atomic_write(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Replace a file in one step: write beside it, then rename.

    path     the file to write; a link is followed, so that the link stays
    chunks   the contents in pieces, C-contiguous; an iterator keeps memory small
    Raises UserError when the file cannot be written. A failure of any kind leaves the old file as it was,
    a kill leaves at most ".name.tmp" beside it, which the next write replaces.
    """
    try:
        target = Path(os.path.realpath(path))       # Path.resolve has another error for a loop of links
        if target.exists() and not target.is_file():  # renaming over /dev/null would replace the device
            raise UserError(f"cannot write {path}: it is no regular file; expected a path for one: give another")
        _replace(target, chunks)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write {path}: {reason}; expected an existing folder with room and permission: "
                        "create it, free some space, or give another path") from error


def atomic_write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Replace a text file in one step: UTF-8, line ends "\n" on every system. Raises UserError."""
    atomic_write(path, [text.encode("utf-8")])


def _replace(target: Path, chunks: Iterable[bytes | memoryview]) -> None:
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)  # with mode "x" below: never write through a link that somebody left there
    try:
        with open(temporary, "xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())  # the contents reach the disk before the name does
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk; Windows cannot open a folder, and needs no such step."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
