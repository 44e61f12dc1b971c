"""Arrays in HDF5 files: untrusted ones are checked before memory is allocated for them, and our own are written.

Needs h5py, the extra [hdf5].
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from typing import Any

import numpy as np

from ..errors import UserError
from ..runtime.files import atomic_file, open_regular
from ..types import Array

DENSEST = 100       # the best compression of weights to expect; a file that claims more would only fill the memory


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
    """An open file of named arrays, to be used in a `with` statement."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path, self._h5py, self._bytes = path, library(), 0
        try:
            with open_regular(path) as file:
                self._size = os.fstat(file.fileno()).st_size
            self._file = self._h5py.File(path, "r")
        except (OSError, RuntimeError, ValueError) as error:
            reason = " ".join((getattr(error, "strerror", None) or str(error)).split())
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
        with self._reading(name):
            if found is None or found.shape not in shapes or found.dtype.kind != "f":
                what = "nothing" if found is None else f"{found.dtype}{found.shape}"
                raise UserError(f"{self.path}: found {what} for {name}, expected float32"
                                f"{' or '.join(map(str, shapes))}: are these the weights of that options file?")
            if found.is_virtual or found.external or not found.id.get_storage_size():
                raise UserError(f"{self.path}: the values of {name} are not in the file: expected them there")
            self._bytes += found.nbytes

    def expect_none(self, name: str, option: str) -> None:
        """Raise UserError for an array that shows that the model is larger than the options file states."""
        if self.has(name):
            raise UserError(f"{self.path} has {name}, which is more than {option} of the options file asks for: "
                            "expected the weights of that options file")

    def expect_room(self) -> None:
        """Raise UserError if the arrays expected so far are larger than such a file can hold."""
        if self._bytes > DENSEST * self._size:
            raise UserError(f"{self.path} has {self._size} bytes but claims arrays of {self._bytes}: expected a file "
                            "of weights; this one is damaged, or made to fill the memory")

    def take(self, name: str) -> Array:
        """The array of that name, after `expect`."""
        found = self._find(name)
        with self._reading(name):
            array = np.empty(found.shape, np.promote_types(found.dtype, np.float32).newbyteorder("="))
            found.read_direct(array)
        if not np.isfinite(array).all():
            raise UserError(f"{self.path}: {name} holds a value that is not finite: expected weights")
        return array

    def _find(self, name: str) -> Any:
        """The dataset of that name, or None. A link out of the file is not followed."""
        node: Any = self._file
        with self._reading(name):
            for part in name.split("/"):
                link = node.get(part, getlink=True) if isinstance(node, self._h5py.Group) else None
                if link is None:
                    return None
                if not isinstance(link, self._h5py.HardLink):
                    raise UserError(f"{self.path}: {name} links elsewhere: expected the values in the file itself")
                node = node[part]
        return node if isinstance(node, self._h5py.Dataset) else None

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Turn what HDF5 raises for a damaged file, which may be any error, into one line."""
        try:
            yield
        except UserError:
            raise
        except (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"{self.path} is damaged at {name} ({' '.join(str(error).split())}): expected a whole "
                            "file; copy it again") from error
