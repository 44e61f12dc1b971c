"""An open file of named arrays in anybody's format: what it claims is checked before memory is allocated for it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any, BinaryIO, TypeVar

import numpy as np

from ..errors import UserError
from ..types import Array

ROWS = "a row for each word: are these the words of the model?"
LARGEST = float(np.finfo(np.float32).max)
Own = TypeVar("Own", bound="NamedArrays")


class NamedArrays(ABC):
    """The arrays of a file, to be used in a `with` statement.

    path    names the file in messages
    """

    def __init__(self, path: str | os.PathLike[str], file: BinaryIO):
        self.path, self._file, self._least = path, file, 0

    def __enter__(self: Own) -> Own:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @abstractmethod
    def find(self, name: str) -> Any:
        """What the file states about the array of that name: shape; dtype, None if it does not hold floating-point
        numbers; nbytes; and as text dtype and shape. None: there is no such array. Raises UserError."""

    @abstractmethod
    def read(self, name: str, found: Any) -> Array:
        """The values of what `find` found. Raises UserError."""

    def size(self) -> int:
        """Bytes of the file."""
        return os.fstat(self._file.fileno()).st_size

    def least(self, found: Any) -> int:
        """The fewest bytes of the file that hold such an array."""
        return int(found.nbytes)

    def has(self, name: str) -> bool:
        return self.find(name) is not None

    def expect(self, name: str, *shapes: tuple[int, ...],
               question: str = "are these the weights of that options file?") -> None:
        """Raise UserError unless there is a floating-point array of that name with one of the shapes; question: what to
        check then."""
        found = self.find(name)
        if found is None or found.dtype is None or found.shape not in shapes:
            raise UserError(f"{self.path}: found {found or 'nothing'} for {name}, expected float32"
                            f"{' or '.join(map(str, shapes))}: {question}")
        self._least += self.least(found)

    def expect_none(self, name: str, option: str) -> None:
        """Raise UserError for an array that shows that the model is larger than the options file states."""
        if self.has(name):
            raise UserError(f"{self.path} has {name}, which is more than {option} of the options file asks for: "
                            "expected the weights of that options file")

    def expect_room(self) -> None:
        """Raise UserError if the arrays expected so far are larger than such a file can hold."""
        if self._least > self.size():
            raise UserError(f"{self.path} has {self.size()} bytes but claims arrays of at least {self._least}: "
                            "expected a file of weights; this one is damaged, or made to fill the memory")

    def take(self, name: str) -> Array:
        """The array of that name, after `expect`: float32, or float64 where the file has that."""
        found = self.find(name)
        assert found is not None
        array = self.read(name, found)
        if not (float(array.min()) >= -LARGEST and float(array.max()) <= LARGEST):      # NaN: neither
            raise UserError(f"{self.path}: {name} holds a value that is not finite in float32: expected weights")
        return array.astype(np.promote_types(array.dtype, np.float32).newbyteorder("="), copy=False)
