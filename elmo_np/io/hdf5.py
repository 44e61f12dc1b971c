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

DENSEST = 10        # the best compression of weights to expect; a file that claims more would only fill the memory
LARGEST = float(np.finfo(np.float32).max)


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


class Weights:
    """An open file of named arrays, to be used in a `with` statement. It is not trusted, and read without h5py."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path, self._least = path, 0
        try:
            with ExitStack() as stack:
                self._file = stack.enter_context(open_regular(path))
                self._reader = HDF5Reader(self._file)
                stack.pop_all()         # open from now on
        except DAMAGE as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"cannot read {path}: {reason}; expected a whole HDF5 file of weights: check the path, or "
                            "copy it again") from error

    def __enter__(self) -> Weights:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def expect(self, name: str, *shapes: tuple[int, ...]) -> None:
        """Raise UserError unless there is a floating-point array of that name with one of the shapes."""
        found = self._find(name)
        if found is None or found.dtype is None or found.shape not in shapes:
            raise UserError(f"{self.path}: found {found or 'nothing'} for {name}, expected float32"
                            f"{' or '.join(map(str, shapes))}: are these the weights of that options file?")
        self._least += found.nbytes // (DENSEST if found.filters else 1)

    def expect_none(self, name: str, option: str) -> None:
        """Raise UserError for an array that shows that the model is larger than the options file states."""
        if self.has(name):
            raise UserError(f"{self.path} has {name}, which is more than {option} of the options file asks for: "
                            "expected the weights of that options file")

    def expect_room(self) -> None:
        """Raise UserError if the arrays expected so far are larger than such a file can hold."""
        if self._least > self._reader.size:
            raise UserError(f"{self.path} has {self._reader.size} bytes but claims arrays of at least {self._least}: "
                            "expected a file of weights; this one is damaged, or made to fill the memory")

    def take(self, name: str) -> Array:
        """The array of that name, after `expect`: float32, or float64 where the file has that."""
        found = self._find(name)
        assert found is not None
        assert found.dtype is not None
        with self._reading(name):
            array = self._reader.read(found)
        if not (float(array.min()) >= -LARGEST and float(array.max()) <= LARGEST):      # NaN: neither
            raise UserError(f"{self.path}: {name} holds a value that is not finite in float32: expected weights")
        return array.astype(np.promote_types(found.dtype, np.float32).newbyteorder("="), copy=False)

    def _find(self, name: str) -> Dataset | None:
        with self._reading(name):
            return self._reader.find(name)

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
