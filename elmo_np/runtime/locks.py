"""Locks: a folder or a file is written by one process at a time.

The system holds the lock and releases it when the process ends, however it ends: a lock file that a killed process left
behind locks nothing.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO

from ..errors import UserError

if sys.platform == "win32":
    import msvcrt

    def lock(file: IO[Any]) -> None:
        file.seek(1 << 30)          # other processes cannot read what is locked: leave the text readable
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def lock(file: IO[Any]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def no_link(path: str, flags: int) -> int:
    """An opener for `open`: not through a link, which somebody else may have left there."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


HOLDER = "process "     # how a lock file begins


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Make a folder and hold its lock while the body runs; what was made and is empty at the end is removed.

    Raises UserError where another process holds the lock, or the folder cannot be made.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}; expected a directory, or a name for "
                        "one") from error
    try:
        with locked(folder, folder / ".lock"):
            yield
    finally:
        with contextlib.suppress(OSError):      # not empty
            for path in made:
                path.rmdir()


@contextmanager
def locked_file(file: Path) -> Iterator[None]:
    """Hold the lock of a file while the body writes it: .NAME.lock next to it. Raises UserError as `locked`."""
    if not file.name:
        raise UserError("the name of the file to write is empty: expected the path of one in an existing folder")
    with locked(file, file.with_name(f".{file.name}.lock")):
        yield


@contextmanager
def locked(what: Path, lock_file: Path) -> Iterator[None]:
    """Hold a lock file, which ends with the body. what: that which it protects, for the message of the UserError."""
    file = _acquired(what, lock_file)
    try:
        yield
    finally:
        if sys.platform == "win32":
            file.close()            # an open file cannot be removed there
        with contextlib.suppress(OSError):
            lock_file.unlink()      # before it is closed: afterwards it may be another process's
        file.close()


def _acquired(what: Path, lock_file: Path) -> TextIO:
    while True:
        try:
            file = open(lock_file, "a+", encoding="utf-8", errors="replace", opener=no_link)  # noqa: SIM115
        except OSError as error:
            raise UserError(f"cannot write {what}: {error.strerror}; expected an existing folder with room and "
                            "permission") from error
        _check_ours(file, lock_file, what)
        try:
            lock(file)
        except (BlockingIOError, PermissionError):
            with file:
                file.seek(0)
                holder = file.readline().strip() or "another process"
            raise UserError(f"{what} is being written by {holder}: wait until that ends, or give another "
                            "name") from None
        except OSError:
            return file             # a file system without locks: go on as if there was no other process
        if still_there(file, lock_file):
            break
        file.close()                # its holder removed it just after it was opened
    with contextlib.suppress(OSError):      # a full disk: the lock holds without the name of its holder
        file.truncate(0)
        os.write(file.fileno(), f"{HOLDER}{os.getpid()} on {platform.node()}\n".encode())
    return file


def _check_ours(file: TextIO, lock_file: Path, what: Path) -> None:
    """Raise UserError for a file that somebody else made."""
    file.seek(0)
    if file.read(len(HOLDER)) not in ("", HOLDER):
        file.close()
        raise UserError(f"{lock_file} is not a lock file: expected none there while {what} is written; move it, or "
                        "give another name")


def still_there(file: IO[Any], path: Path) -> bool:
    """Whether an open file still has that name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
