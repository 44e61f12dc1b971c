"""Atomic writing: whatever stops the program, the file on disk is the complete old one or the complete new one.

And opening files that may be anybody's, and a directory for files that nobody keeps.
"""

import atexit
import contextlib
import errno
import io
import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import BinaryIO

from ..errors import UserError

STDOUT = "-"


def open_regular(path: str | os.PathLike[str], limit: int | None = None) -> BinaryIO:
    """Open a file to read its bytes. Whoever sent a model's directory may have put anything into it.

    limit   the maximum size in bytes; None: unlimited
    Raises OSError, besides the usual ones, for a longer file and for anything that is not a regular file, such as a
    named pipe, which blocks, or a link to /dev/zero, which does not end.
    """
    file = open(path, "rb", opener=_open_at_once)   # noqa: SIM115  (the caller closes it)
    found = os.fstat(file.fileno())
    reason = ""
    if not stat.S_ISREG(found.st_mode):
        reason = "it is not a regular file"
    elif limit is not None and found.st_size > limit:
        reason = f"it has {found.st_size:,} bytes, expected at most {limit:,}"
    if reason:
        file.close()
        raise OSError(errno.EINVAL, reason, str(path))
    return file


def read_regular(path: str | os.PathLike[str], limit: int) -> bytes:
    """The contents of a regular file of at most `limit` bytes. Raises OSError as `open_regular`."""
    with open_regular(path, limit) as file:
        return file.read()


def read_regular_text(path: str | os.PathLike[str], limit: int, encoding: str = "utf-8") -> str:
    """`read_regular` for a text with any line ends. Raises UnicodeDecodeError for another encoding."""
    with io.TextIOWrapper(open_regular(path, limit), encoding) as file:
        return file.read()


def _open_at_once(path: str, flags: int) -> int:
    """Do not wait until somebody writes into a pipe. Windows has none that have a path."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


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
