"""Atomic writing: whatever stops the program, the file on disk is the complete old one or the complete new one.

And a directory for files that nobody keeps.
"""

import atexit
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ..errors import UserError

STDOUT = "-"


def atomic_write(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Replace a file in one step: write a temporary file next to it, then rename.

    path     the file to write; a symbolic link is followed and stays. The text "-": standard output, not a file
    chunks   the contents in C-contiguous pieces; an iterator keeps memory small
    Raises UserError where the file cannot be written. After any failure the old file is as it was; a kill leaves at
    most ".name.tmp" next to it, which the next write replaces.
    """
    if path == STDOUT:
        _print(chunks)
        return
    try:
        target = Path(os.path.realpath(path))       # Path.resolve raises another error for a loop of links
        if target.exists() and not target.is_file():  # renaming over /dev/null would replace the device
            raise UserError(f"cannot write {path}: it is not a regular file; expected the path of one: give another")
        _replace(target, chunks)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write {path}: {reason}; expected an existing folder with room and permission: "
                        "create it, free some space, or give another path") from error


def atomic_write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Replace a text file in one step: UTF-8, line ends "\n" on every system. Raises UserError."""
    atomic_write(path, [text.encode("utf-8")])


def _print(chunks: Iterable[bytes | memoryview]) -> None:
    sys.stdout.flush()
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def _replace(target: Path, chunks: Iterable[bytes | memoryview]) -> None:
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)  # and mode "x" below: never write through a link that somebody left there
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
    """Flush the new name to disk. Windows cannot open a directory, and does not need this."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@cache
def temporary_directory() -> Path:
    """A directory for files that this process needs until it ends; it is removed then."""
    directory = tempfile.TemporaryDirectory(prefix="elmo_np-", ignore_cleanup_errors=True)
    atexit.register(directory.cleanup)
    return Path(directory.name)
