"""The variables in a checkpoint of TensorFlow, without TensorFlow.

    NAME.index                      a sorted table: the name of each variable, and where its values are
        block                       entries (shared, own, value: lengths; own bytes of the name; value): a name is the
                                    first `shared` bytes of the one before, and its own. Then offsets of entries with
                                    no shared bytes, and their number: 32 bits each
        trailer of a block          its compression, 0 for none, and the checksum of all of this
        footer, the last 48 bytes   two handles (place, length of a block), of which the second is the index block,
                                    whose values are handles of blocks; a magic number
        value                       fields of a protocol buffer: dtype, shape, shard, place, bytes, checksum; that of
                                    the empty name describes the checkpoint
    NAME.data-00000-of-00001        the values, little-endian; there may be several such shards

Every checksum is compared, and every place and size is checked against the files before it is used. Compressed blocks,
which no release of TensorFlow writes, are refused.
Source: LevelDB's table_format.md; tensor_bundle.proto and tensor_shape.proto of TensorFlow.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError
from ..runtime.files import open_regular, read_regular
from ..types import Array
from .crc32c import masked_crc32c
from .named_arrays import NamedArrays

FOOTER, TRAILER = 48, 5                 # bytes
MAGIC = bytes.fromhex("57fb808b247547db")
LARGEST_INDEX = 1 << 20                 # bytes; one of weights has about ten thousand
MOST_ENTRIES, LONGEST_NAME = 10_000, 1000
MOST_SHARDS = 1000
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5        # how a field is written
# Numbers of fields: of the checkpoint, of a variable, of its shape and of one axis
SHARDS, ENDIANNESS = 1, 2
DTYPE, SHAPE, SHARD, PLACE, SIZE, CHECKSUM, SLICES = 1, 2, 3, 4, 5, 6, 7
AXIS, LENGTH = 2, 1
FLOATS: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 2: np.dtype("<f8"), 19: np.dtype("<f2")}
Fields = dict[int, list[Any]]


class Variable(NamedTuple):
    """Where the values of a variable are."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    shard: int
    place: int
    nbytes: int
    checksum: int
    sliced: bool

    def __str__(self) -> str:
        return f"{self.dtype or 'values that are not floating-point numbers, of shape '}{self.shape}"


class Checkpoint(NamedArrays):
    """The variables of a checkpoint.

    path    as TensorFlow names it, such as "model.ckpt-935588", or one of its files
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.prefix = prefix(Path(path))
        index = Path(f"{self.prefix}.index")
        try:
            self._variables, self._shards = _variables(read_regular(index, LARGEST_INDEX))
        except OSError as error:
            raise UserError(f"cannot read {index}: {error.strerror or error}; expected the index of a checkpoint of "
                            "TensorFlow: check the path") from error
        except _Damage as damage:
            raise UserError(f"{index}: {damage}; expected the index of a checkpoint as TensorFlow writes it: copy it "
                            "again") from None
        super().__init__(self.prefix, self._open(0))

    def find(self, name: str) -> Variable | None:
        return self._variables.get(name)

    def read(self, name: str, found: Variable) -> Array:
        assert found.dtype is not None
        if found.sliced or found.nbytes != math.prod(found.shape) * found.dtype.itemsize:
            raise UserError(f"{self.path}: {name} has {found.nbytes} bytes in one piece, expected {found} in one piece")
        values = np.empty(found.shape, found.dtype)
        octets = values.reshape(-1).view(np.uint8)
        with self._open(found.shard) as file:
            if found.place + found.nbytes > os.fstat(file.fileno()).st_size:
                raise UserError(f"{file.name}: it ends before the values of {name}: expected a whole file; copy it "
                                "again")
            file.seek(found.place)
            file.readinto(octets.data)
        if masked_crc32c(octets.data) != found.checksum:
            raise UserError(f"{file.name} is damaged at {name}: its checksum does not match; copy it again")
        return values

    def size(self) -> int:
        total = 0
        for shard in range(self._shards):
            with self._open(shard) as file:
                total += os.fstat(file.fileno()).st_size
        return total

    def _open(self, shard: int) -> Any:
        path = f"{self.prefix}.data-{shard:05}-of-{self._shards:05}"
        try:
            return open_regular(path)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}; expected the values of the checkpoint "
                            f"next to {self.prefix.name}.index: copy both") from error


def prefix(path: Path) -> Path:
    """The name of a checkpoint from that of one of its files."""
    name = path.name
    for end in ".index", ".meta", ".data-":
        if end in name[1:]:
            return path.with_name(name[:name.rindex(end)])
    return path


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Whether a path is that of a checkpoint or of one of its files."""
    return os.path.isfile(f"{prefix(Path(path))}.index")       # False for a path that is too long


class _Damage(Exception):
    """Why an index cannot be read."""


def _variables(index: bytes) -> tuple[dict[str, Variable], int]:
    """The variables by name, and the number of shards."""
    try:
        entries = dict(_entries(index))
        header = _fields(entries.pop(b"", b""))
        shards = _number(header, SHARDS)
        if _number(header, ENDIANNESS) or not 1 <= shards <= MOST_SHARDS:
            raise _Damage("it is of a big-endian computer, or of no checkpoint")
        found = {name.decode("utf-8"): _variable(_fields(value)) for name, value in entries.items()}
        if any(variable.shard >= shards for variable in found.values()):
            raise _Damage("values in a file that there is not")
        return found, shards
    except (IndexError, struct.error, UnicodeDecodeError):
        raise _Damage("it is damaged") from None


def _variable(fields: Fields) -> Variable:
    shape = []
    for axes in fields.get(SHAPE, []):
        for axis in _fields(_checked(axes, bytes)).get(AXIS, []):
            shape.append(_number(_fields(_checked(axis, bytes)), LENGTH))
    if len(shape) > 8 or any(n >= 1 << 40 for n in shape):
        raise _Damage("an impossible shape")
    return Variable(tuple(shape), FLOATS.get(_number(fields, DTYPE)), _number(fields, SHARD), _number(fields, PLACE),
                    _number(fields, SIZE), _number(fields, CHECKSUM), SLICES in fields)


def _number(fields: Fields, number: int) -> int:
    """The last value of a field, 0 if there is none, as a protocol buffer means it."""
    return int(_checked(fields.get(number, [0])[-1], int))


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise _Damage("a field of another type")
    return value


def _fields(message: bytes) -> Fields:
    """{number: values} of a protocol buffer."""
    found: Fields = {}
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        value: Any
        if key & 7 == VARINT:
            value, place = _varint(message, place)
        elif key & 7 == BYTES:
            length, place = _varint(message, place)
            value, place = _piece(message, place, length), place + length
        elif key & 7 in (FIXED32, FIXED64):
            length = 4 if key & 7 == FIXED32 else 8
            value, place = int.from_bytes(_piece(message, place, length), "little"), place + length
        else:
            raise _Damage("a field of an unknown type")
        found.setdefault(key >> 3, []).append(value)
    return found


def _entries(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and values of the whole table, in rising order of the names."""
    footer = index[-FOOTER:]
    if len(footer) < FOOTER or not footer.endswith(MAGIC):
        raise _Damage("it is not a sorted table")
    _, place = _handle(footer, 0)
    blocks, _ = _handle(footer, place)
    count, last = 0, None
    for _, handle in _block(index, *blocks):
        for name, value in _block(index, *_handle(handle, 0)[0]):
            count += 1
            if count > MOST_ENTRIES or (last is not None and name <= last):
                raise _Damage("its names are not in order, or too many")
            yield name, value
            last = name


def _handle(data: bytes, place: int) -> tuple[tuple[int, int], int]:
    """(place, length) of a block, and the place after that."""
    begin, place = _varint(data, place)
    length, place = _varint(data, place)
    return (begin, length), place


def _block(index: bytes, begin: int, length: int) -> Iterator[tuple[bytes, bytes]]:
    """Names and values of a block."""
    data = _piece(index, begin, length + TRAILER)
    block = data[:length]
    if data[length]:
        raise _Damage("its blocks are compressed, expected none that are")
    if masked_crc32c(data[:length + 1]) != int.from_bytes(data[length + 1:], "little"):
        raise _Damage("it is damaged: a checksum does not match")
    end = length - 4 - 4 * int(struct.unpack_from("<I", block, length - 4)[0])
    if length < 4 or end < 0:
        raise _Damage("it is damaged")
    place, name = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        size, place = _varint(block, place)
        if shared > len(name) or shared + own > LONGEST_NAME or place + own + size > end:
            raise _Damage("it is damaged")
        name = name[:shared] + _piece(block, place, own)
        yield name, _piece(block, place + own, size)
        place += own + size


def _piece(data: bytes, place: int, length: int) -> bytes:
    if place + length > len(data):
        raise _Damage("it is damaged: it ends too early")
    return data[place:place + length]


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A whole number in 7 bits per byte, the lowest first, and the place after it."""
    value = 0
    for k in range(10):
        value |= (data[place + k] & 0x7F) << 7 * k
        if data[place + k] < 0x80:
            return value, place + k + 1
    raise _Damage("a number that is too long")
