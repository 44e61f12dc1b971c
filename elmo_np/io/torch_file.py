"""The tensors in a file of torch.save, without PyTorch: a state dict, or a whole module.

Two containers, told apart by their first bytes:

    zip (from 1.6 on)   NAME/data.pkl, the pickle, and NAME/data/KEY, the values of each storage, not compressed
    legacy              four pickles: a magic number, the version of the protocol, sizes of numbers, and the object; a
                        fifth with the keys of the storages; then of each storage its number of values, in 8 bytes, and
                        its values

Values are little-endian. pickled_tensors.py reads the pickles, and executes nothing.
Source: torch/serialization.py of PyTorch 0.3 to 2.9.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..errors import UserError
from ..runtime.files import open_regular
from ..types import Array
from .named_arrays import NamedArrays
from .pickled_tensors import LONGEST, Storage, Tensor, Unreadable, read, tensors
from .zip_reader import STORED, Member, ZipReader

MAGIC = 0x1950A86A20F9469CFC6C
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."        # the pickle of MAGIC
ZIP = b"PK\x03\x04"
PROTOCOL = 1001
FLOATS: dict[str, np.dtype[Any]] = {"Float": np.dtype("<f4"), "Double": np.dtype("<f8"), "Half": np.dtype("<f2")}
ITEM_SIZES = {"Float": 4, "Double": 8, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1,
              "Bool": 1}


class Placed(NamedTuple):
    """A tensor, and the place of its first value in the file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    kind: str
    place: int

    def __str__(self) -> str:
        return f"{self.dtype or self.kind}{self.shape}"

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * (self.dtype.itemsize if self.dtype else 0)


class TorchFile(NamedArrays):
    """The tensors of a file by their dotted names; value is what was saved, as pickled_tensors.read gives it."""

    value: Any = None

    def __init__(self, path: str | os.PathLike[str]):
        try:
            file = open_regular(path)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}; expected a model of PyTorch: check the "
                            "path") from error
        super().__init__(path, file)
        try:
            self.tensors = dict(self._zipped() if file.read(len(ZIP)) == ZIP else self._legacy())
        except Unreadable as error:
            file.close()
            raise UserError(f"{path}: {error}") from None
        except BaseException:
            file.close()
            raise

    def find(self, name: str) -> Placed | None:
        return self.tensors.get(name)

    def read(self, name: str, found: Placed) -> Array:
        values = np.empty(found.shape, found.dtype)
        self._file.seek(found.place)
        if self._file.readinto(values.reshape(-1).view(np.uint8).data) != values.nbytes:    # type: ignore[attr-defined]
            raise UserError(f"{self.path} ends before the values of {name}: copy it again")
        return values

    def _zipped(self) -> Iterator[tuple[str, Placed]]:
        archive = ZipReader(self._file, self.path)
        home, pickled = _pickle_of(archive)
        if pickled.size > LONGEST:
            raise Unreadable(f"its pickle has {pickled.size:,} bytes, expected at most {LONGEST:,}")
        self.value = read(io.BytesIO(b"".join(archive.read(pickled)))).value
        found = tensors(self.value)
        order = archive.members.get(f"{home}byteorder")
        if order is not None and b"".join(archive.read(order)) != b"little":
            raise Unreadable("it is of a big-endian computer, expected a little-endian one")
        members: dict[str, Member] = {}
        for name, tensor in found.items():
            member = archive.members.get(f"{home}data/{tensor.storage.key}")
            if member is None or member.method != STORED:
                raise Unreadable(f"the values of {name:.60} are not in it, or compressed: expected a file as "
                                 "torch.save writes it")
            members[member.name] = member
            yield name, _placed(name, tensor, archive.place(member), member.packed)
        for member in members.values():
            archive.check(member)

    def _legacy(self) -> Iterator[tuple[str, Placed]]:
        file = self._file
        file.seek(0)
        if read(file).value != MAGIC or read(file).value != PROTOCOL:
            raise Unreadable("it is not a file of torch.save, or of another version")
        sizes = read(file).value
        if not isinstance(sizes, dict) or sizes.get("little_endian") is not True:
            raise Unreadable("it is of a big-endian computer, expected a little-endian one")
        pickled = read(file)
        self.value = pickled.value
        places = dict(self._storages(read(file).value, pickled.storages))
        for name, tensor in tensors(pickled.value).items():
            if tensor.storage.key not in places:
                raise Unreadable(f"the values of {name:.60} are not in it")
            yield name, _placed(name, tensor, *places[tensor.storage.key])

    def _storages(self, keys: Any, storages: dict[str, Storage]) -> Iterator[tuple[str, tuple[int, int]]]:
        """The place and the bytes of each storage."""
        place = self._file.tell()
        for key in keys if isinstance(keys, list) else []:
            self._file.seek(place)
            count = int.from_bytes(self._file.read(8), "little")
            if not isinstance(key, str) or key not in storages:
                raise Unreadable("it has values that its pickle does not name: it is damaged; copy it again")
            nbytes = count * _item_size(storages[key])
            place += 8 + nbytes
            if place > self.size():
                raise Unreadable("it ends too early: it is damaged; copy it again")
            yield key, (place - nbytes, nbytes)


def is_torch(file: BinaryIO, path: str | os.PathLike[str]) -> bool:
    """Whether a file is one of torch.save."""
    start = file.read(len(LEGACY))
    if not start.startswith(ZIP):
        return start == LEGACY
    return is_archive(ZipReader(file, path))


def is_archive(archive: ZipReader) -> bool:
    """Whether an archive is one of torch.save."""
    return any(name.endswith("/data.pkl") for name in archive.members)


def _pickle_of(archive: ZipReader) -> tuple[str, Member]:
    """The directory in the archive, and the pickle in it."""
    found = [(name.removesuffix("data.pkl"), member) for name, member in archive.members.items()
             if name.endswith("/data.pkl")]
    if len(found) != 1:
        raise Unreadable("it is not an archive of torch.save: expected one data.pkl in it")
    return found[0]


def _placed(name: str, tensor: Tensor, begin: int, nbytes: int) -> Placed:
    """A tensor in a storage that begins there in the file, and has so many bytes."""
    storage, size = tensor.storage, _item_size(tensor.storage)
    first = storage.begin + tensor.begin
    rows = [math.prod(tensor.shape[k + 1:]) for k in range(len(tensor.shape))]
    if any(n > 1 and s != row for n, s, row in zip(tensor.shape, tensor.strides, rows, strict=False)) \
            or len(tensor.shape) != len(tensor.strides):
        raise Unreadable(f"{name:.60} is a transposed or repeated view: expected its values in rows")
    if tensor.begin + math.prod(tensor.shape) > storage.size or (storage.begin + storage.size) * size > nbytes:
        raise Unreadable(f"the values of {name:.60} are not all in it: it is damaged; copy it again")
    return Placed(tensor.shape, FLOATS.get(_kind(storage)), f"{_kind(storage):.20} values of shape ",
                  begin + first * size)


def _kind(storage: Storage) -> str:
    """Such as Float, of torch.FloatStorage or torch.cuda.FloatStorage."""
    return storage.kind.rpartition(" ")[2].removesuffix("Storage")


def _item_size(storage: Storage) -> int:
    kind = _kind(storage)
    if kind not in ITEM_SIZES:
        raise Unreadable(f"values of the type {kind!r:.60}, expected float32")
    return ITEM_SIZES[kind]
