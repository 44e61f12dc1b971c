"""Atomic writing: whatever stops the program, the file on disk is the complete old one or the complete new one.

And opening files that may be anybody's, and a directory for files that nobody keeps.
"""

import atexit
import contextlib
import errno
import glob
import io
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO

from ..errors import UserError
from .locks import lock, no_link, still_there
from .terminal import escaped

STDOUT = "-"
# Endings that promise a format, none of which is plain text.
FORMATS = (".csv", ".json", ".jsonl", ".ndjson", ".html", ".xls", ".xlsx", ".ods", ".parquet", ".gz", ".bz2", ".xz",
           ".zst", ".zip", ".7z")


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


def check_ending(path: str | os.PathLike[str], endings: Sequence[str], refused: Collection[str] | None = None) -> None:
    """Raise UserError for the name of a file that promises another format than is written.

    endings     those that can be written; a name without an ending promises nothing
    refused     those that promise another format; None: all but `endings`
    """
    ending = Path(path).suffix.casefold()
    if ending and ending not in endings and (refused is None or ending in refused):
        raise UserError(f"{path} ends like a file of another format than is written: expected one of "
                        f"{', '.join(endings)}, or no ending")


def _open_at_once(path: str, flags: int) -> int:
    """Do not wait until somebody writes into a pipe. Windows has none that have a path."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def atomic_write(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Replace a file in one step, as `atomic_file`.

    path     the file to write; the text "-": standard output, not a file
    chunks   the contents in C-contiguous pieces; an iterator keeps memory small
    Raises UserError where the file cannot be written.
    """
    if path == STDOUT:
        _print(chunks)
        return
    with atomic_file(path) as file:
        for chunk in chunks:
            file.write(chunk)


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BufferedRandom]:
    """Open a temporary file next to a file, to be written in the body; at the end of the body it replaces that file.

    A symbolic link is followed and stays. Raises UserError where the file cannot be written. After any failure the old
    file is as it was; a kill leaves at most ".name.(8 digits).tmp" next to it, which the next write removes.
    """
    try:
        target = Path(os.path.realpath(path))       # Path.resolve raises another error for a loop of links
        if target.exists() and not target.is_file():  # renaming over /dev/null would replace the device
            raise UserError(f"cannot write {path}: it is not a regular file; expected the path of one: give another")
        _remove_leftovers(target)
        with _replacing(target) as file:
            yield file
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write {path}: {reason}; expected an existing folder with room and permission: "
                        "create it, free some space, or give another path") from error


@contextmanager
def all_or_none(new: Iterable[Path]) -> Iterator[None]:
    """Write several new files in the body: after any failure there are none, so that the same can be tried again."""
    try:
        yield
    except BaseException:
        for path in new:
            with contextlib.suppress(OSError):
                path.unlink()
        raise


def atomic_write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Replace a text file in one step: UTF-8, line ends "\n" on every system. Raises UserError."""
    atomic_write(path, [text.encode("utf-8")])


def _print(chunks: Iterable[bytes | memoryview]) -> None:
    sys.stdout.flush()
    for chunk in chunks:
        if sys.stdout.isatty():
            sys.stdout.write(escaped(bytes(chunk).decode("utf-8", "replace")))
        else:
            sys.stdout.buffer.write(chunk)
    sys.stdout.flush()


@contextmanager
def _replacing(target: Path) -> Iterator[BufferedRandom]:
    file, temporary = _temporary(target)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # the contents reach the disk before the name does
            if sys.platform == "win32":
                file.close()         # an open file cannot be renamed there
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _temporary(target: Path) -> tuple[BufferedRandom, Path]:
    """Make and lock a file that did not exist: mode "x" never follows a link that somebody left there."""
    while True:
        path = target.with_name(f"{_beginning(target)}{secrets.token_hex(4)}.tmp")
        file = open(path, "x+b")  # noqa: SIM115  (closed by `_replacing`)
        try:
            lock(file)
            file.seek(0)            # on Windows a lock is far behind the contents
        except BlockingIOError:     # another process has just taken it for a leftover, and removes it
            file.close()
            continue
        except OSError:
            pass                    # a file system without locks, where no leftovers are removed
        if still_there(file, path):
            return file, path
        file.close()                # another process removed it before it was locked


def _beginning(target: Path) -> str:
    return f".{target.name[:50]}."      # short: a file's name has at most 255 bytes


def _remove_leftovers(target: Path) -> None:
    """Remove the temporary files of killed processes; those of running ones are locked."""
    for path in target.parent.glob(f"{glob.escape(_beginning(target))}{'[0-9a-f]' * 8}.tmp"):
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                path.unlink()               # fails for an open file
            elif path.is_file() and not path.is_symlink():
                with open(path, "r+b", opener=no_link) as file:
                    lock(file)
                    path.unlink()


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk. Windows cannot open a directory, and does not need this."""
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
