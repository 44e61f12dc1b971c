"""Arrays in HDF5 files: untrusted ones are checked before memory is allocated for them, and our own are written.

Writing needs h5py, the extra [hdf5].
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import RawIOBase
from typing import Any

import numpy as np

from ..errors import UserError
from ..runtime.files import atomic_file, open_regular
from ..types import Array
from .hdf5_reader import DAMAGE, Dataset, HDF5Reader, Unreadable
from .named_arrays import NamedArrays

DENSEST = 10        # the best compression of weights to expect; a file that claims more would only fill the memory


def library() -> Any:
    """h5py. Raises UserError with the command that installs it."""
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise UserError(f"HDF5 files need h5py ({error}): expected it installed; run: pip install h5py") \
            from error


def write(path: str | os.PathLike[str], arrays: Iterable[tuple[str, Array]]) -> None:
    """Write named arrays as float32, atomically; the same arrays give the same bytes, as no time is stored.

    Raises UserError for a value that is not finite in float32, or a file that cannot be written.
    """
    with new_file(path, libver="earliest") as (file, disk):
        for name, array in arrays:
            file.create_dataset(name, data=_as_float32(path, name, array), track_times=False)
            disk.check()


@contextmanager
def new_file(path: str | os.PathLike[str], **options: Any) -> Iterator[tuple[Any, CheckedFile]]:
    """Open an h5py.File to be written in the body, atomically. Raises UserError if it cannot be written.

    Yields the file, and the file on the disk: call its `check` now and then, to stop soon after the disk is full.
    """
    h5py = library()
    with atomic_file(path) as target:
        disk = CheckedFile(target.raw)
        try:
            with h5py.File(disk, "w", **options) as file:
                yield file, disk
        finally:
            disk.check()            # rather than what HDF5 makes of it


class CheckedFile:
    """A file that HDF5 writes and reads, and that never fails: libhdf5 may crash where it cannot write.

    After the first failure, `check` raises it; what is written from then on is in memory, so that HDF5 can close.
    """

    def __init__(self, raw: RawIOBase):
        self._raw, self._place = raw, 0
        self._error: OSError | None = None
        self._later: list[tuple[int, bytes]] = []       # where, and what

    def check(self) -> None:
        """Raise the OSError of the first failure, if there was any."""
        if self._error is not None:
            raise self._error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + (self._size() if whence == os.SEEK_END else 0)
        return self._place

    def tell(self) -> int:
        return self._place

    def write(self, data: memoryview) -> int:
        done = 0
        with self._kept():
            self._raw.seek(self._place)
            while self._error is None and done < len(data):
                done += self._raw.write(data[done:]) or 0
        if self._error is not None:
            self._later.append((self._place, bytes(data)))
        self._place += len(data)
        return len(data)

    def readinto(self, data: memoryview) -> int:
        done = 0
        with self._kept():
            self._raw.seek(self._place)
            while done < len(data) and (count := self._raw.readinto(data[done:])):
                done += count
        data[done:] = bytes(len(data) - done)
        for place, written in self._later:
            begin, end = max(place, self._place), min(place + len(written), self._place + len(data))
            if begin < end:
                data[begin - self._place:end - self._place] = written[begin - place:end - place]
        return len(data)

    def read(self, size: int) -> bytes:
        data = bytearray(size)
        return bytes(data[:self.readinto(memoryview(data))])

    def truncate(self, size: int) -> int:
        with self._kept():
            self._raw.truncate(size)
        return size

    def flush(self) -> None:
        """Nothing is buffered here."""

    def _size(self) -> int:
        with self._kept():
            return max([self._raw.seek(0, os.SEEK_END), *(place + len(data) for place, data in self._later)])
        return 0

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._error = self._error or error


def _as_float32(path: str | os.PathLike[str], name: str, array: Array) -> Array:
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(array, "<f4")
    if not np.isfinite(values).all():
        raise UserError(f"cannot write {path}: {name} holds a value that is not finite: expected weights")
    return values


class Weights(NamedArrays):
    """The arrays of an HDF5 file, read without h5py."""

    def __init__(self, path: str | os.PathLike[str]):
        try:
            with ExitStack() as stack:
                file = stack.enter_context(open_regular(path))
                self._reader = HDF5Reader(file)
                stack.pop_all()         # open from now on
        except DAMAGE as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"cannot read {path}: {reason}; expected a whole HDF5 file of weights: check the path, or "
                            "copy it again") from error
        super().__init__(path, file)

    def find(self, name: str) -> Dataset | None:
        with self._reading(name):
            return self._reader.find(name)

    def read(self, name: str, found: Dataset) -> Array:
        with self._reading(name):
            return self._reader.read(found)

    def least(self, found: Dataset) -> int:
        return found.nbytes // (DENSEST if found.filters else 1)

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """One line in place of the errors of a damaged file."""
        try:
            yield
        except Unreadable as error:
            raise UserError(f"{self.path}, {name}: {error}") from error
        except DAMAGE as error:
            raise UserError(f"{self.path} is damaged at {name} ({error}): expected a whole file; copy it again") \
                from error
