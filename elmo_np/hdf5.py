"""Arrays of a stranger's HDF5 file, each looked at before memory is taken for it. Needs h5py, the extra [hdf5]."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .errors import UserError
from .parameter import Array

DENSEST = 100       # numbers shrink to a hundredth at the best; a file that claims more would take memory for nothing


def library() -> Any:
    """h5py. Raises UserError with the command that installs it."""
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise UserError(f"an HDF5 file needs h5py ({error}): expected it installed; run: pip install h5py") \
            from error


class Weights:
    """An open file of named arrays; closed at the end of a `with`."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path, self._h5py, self._bytes = path, library(), 0
        try:
            self._size = os.path.getsize(path)
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
        """Raise UserError unless there is an array of that name, of numbers with a point, with one of the shapes."""
        found = self._find(name)
        with self._reading(name):
            if found is None or found.shape not in shapes or found.dtype.kind != "f":
                what = "nothing" if found is None else f"{found.dtype}{found.shape}"
                raise UserError(f"{self.path}: found {what} for {name}, expected float32"
                                f"{' or '.join(map(str, shapes))}: are these the weights of that options file?")
            if found.is_virtual or found.external or not found.id.get_storage_size():
                raise UserError(f"{self.path}: the numbers of {name} are not in the file: expected them there")
            self._bytes += found.nbytes

    def expect_none(self, name: str, option: str) -> None:
        """Raise UserError for an array that shows that the model is larger than the options say."""
        if self.has(name):
            raise UserError(f"{self.path} has {name}, which is more than {option} of the options file asks for: "
                            "expected the weights of that options file")

    def expect_room(self) -> None:
        """Raise UserError if the arrays expected so far are more than such a file can hold."""
        if self._bytes > DENSEST * self._size:
            raise UserError(f"{self.path} has {self._size} bytes but claims arrays of {self._bytes}: expected a file "
                            "of weights; this one is damaged, or made to fill the memory")

    def take(self, name: str) -> Array:
        """The array of that name, which was expected before."""
        found = self._find(name)
        with self._reading(name):
            array = np.empty(found.shape, np.promote_types(found.dtype, np.float32).newbyteorder("="))
            found.read_direct(array)
        if not np.isfinite(array).all():
            raise UserError(f"{self.path}: {name} holds a number that is not finite: expected weights")
        return array

    def _find(self, name: str) -> Any:
        """The dataset of that name, None where there is none. A link out of the file is not followed."""
        node: Any = self._file
        with self._reading(name):
            for part in name.split("/"):
                link = node.get(part, getlink=True) if isinstance(node, self._h5py.Group) else None
                if link is None:
                    return None
                if not isinstance(link, self._h5py.HardLink):
                    raise UserError(f"{self.path}: {name} leads elsewhere: expected the numbers in the file itself")
                node = node[part]
        return node if isinstance(node, self._h5py.Dataset) else None

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """What HDF5 says of a damaged file, which may be any error, as one line."""
        try:
            yield
        except UserError:
            raise
        except (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"{self.path} is damaged at {name} ({' '.join(str(error).split())}): expected a whole "
                            "file; copy it again") from error
