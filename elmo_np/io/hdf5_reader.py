"""Floating-point arrays in an HDF5 file, without the HDF5 library, which crashes or fills the memory on a bad file.

Read is the oldest form of the format, which h5py and the HDF5 library write unless they are asked for another:

    superblock 0        the first 96 bytes: the size of the file, and the address of the root group
    object header 1     of a group or a dataset: messages, each with a type, a size and contents
    group               a B-tree whose leaves lead to nodes of members: the place of a name in a heap, and of an object
    dataset             messages with its shape, its type and where its values are: in one piece, or in chunks of equal
                        shape, which another B-tree leads to, and which may be shuffled and deflated

Anything else is refused. Every address and every size is checked against the file before it is used, and no more nodes
are visited than fit into it, so that time and memory are in proportion to the file.
Source: HDF5 File Format Specification, version 3.0, sections II.A, III.A, III.B, III.D, III.G and IV.A.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np

from ..types import Array

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SUPERBLOCK = struct.Struct("<8s8B2HI6Q24x")         # versions and sizes of integers; addresses, last the root group's
SPACE, LINK_INFO, TYPE, LINK, EXTERNAL, LAYOUT, FILTERS, CONTINUED, MEMBERS = 1, 2, 3, 6, 7, 8, 11, 16, 17
SHARED = 2                                          # a flag of a message: its contents are elsewhere
SOFT_LINK = 2                                       # the kind of a member that is the name of another
CONTIGUOUS, CHUNKED = 1, 2
DEFLATE, SHUFFLE = 1, 2
SMALLEST_NODE = 24                                  # bytes
MOST_MESSAGES, LONGEST_HEADER = 256, 1 << 17        # of one object; weights have about ten
MOST_MEMBERS, LONGEST_NAME = 20_000, 256            # of all groups that are looked into; weights have about a hundred
KINDS = ("integers", "numbers of an unknown format", "times", "texts", "bits", "opaque values", "compounds",
         "references", "enumerations", "lists or texts", "arrays", "complex numbers", "values of an unknown type")


def _float_types() -> dict[bytes, np.dtype[Any]]:
    """IEEE 754 as the type message describes it: byte order, sign, size, then the places of exponent and mantissa."""
    found = {}
    for size, exponent, bias in (2, 5, 15), (4, 8, 127), (8, 11, 1023):
        mantissa = 8 * size - 1 - exponent
        for order, sign in (0x20, "<"), (0x21, ">"):
            described = struct.pack("<BBxIHHBBBBI", order, 8 * size - 1, size, 0, 8 * size, mantissa, exponent, 0,
                                    mantissa, bias)
            found[described] = np.dtype(f"{sign}f{size}")
    return found


FLOATS = _float_types()


class Unreadable(Exception):
    """Why an array cannot be read, and what was expected."""


class Dataset(NamedTuple):
    """Where an array is, and what it holds."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None         # None: not floating-point numbers
    kind: str                           # in words
    begin: int = 0                      # address of the values, or of the B-tree of the chunks
    chunk: tuple[int, ...] | None = None
    filters: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.dtype}{self.shape}" if self.dtype else f"{self.kind} of shape {self.shape}"

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * (self.dtype.itemsize if self.dtype else 0)


class HDF5Reader:
    """An open file. Raises Unreadable, or for a damaged file any of DAMAGE."""

    def __init__(self, file: BinaryIO):
        self._file = cast(BufferedReader, file)
        self.size = os.fstat(file.fileno()).st_size
        self._groups: dict[int, dict[str, int | None]] = {}
        self._members_left = MOST_MEMBERS
        self._nodes_left = self.size // SMALLEST_NODE
        start = self._bytes(0, min(self.size, SUPERBLOCK.size))
        if not start.startswith(SIGNATURE):
            raise Unreadable("it is not an HDF5 file")
        if start[8:9] != b"\0":
            raise _newer()
        _, *versions, _, _, _, base, _, end, _, _, self._root = SUPERBLOCK.unpack(start)
        if versions != [0, 0, 0, 0, 0, 8, 8, 0] or base:
            raise _damaged()
        if end > self.size:
            raise Unreadable(f"it has {self.size} bytes of {end}: it is damaged; copy it again")

    def find(self, name: str) -> Dataset | None:
        """The dataset with this path, or None."""
        at = self._root
        for part in name.split("/"):
            members = self._members(at)
            if part not in members:
                return None
            found = members[part]
            if found is None:
                raise Unreadable("a link to elsewhere, expected the values in the file itself")
            at = found
        return self._dataset(at)

    def read(self, dataset: Dataset) -> Array:
        """The values in the dataset's own dtype."""
        array = np.empty(dataset.shape, dataset.dtype)
        if dataset.chunk is None:
            self._file.seek(dataset.begin)
            if self._file.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
                raise _damaged()        # cut since it was opened
        else:
            self._read_chunks(array, dataset, dataset.chunk)
        return array

    def _bytes(self, at: int, length: int) -> bytes:
        if at + length > self.size:
            raise _damaged()
        self._file.seek(at)
        return self._file.read(length)

    def _unpack(self, format: str, at: int) -> tuple[Any, ...]:
        return struct.unpack(format, self._bytes(at, struct.calcsize(format)))

    def _messages(self, at: int) -> dict[int, bytes]:
        """{type: contents} of an object; of several messages of one type, which do not matter here, the last."""
        start = self._bytes(at, 16)
        if start.startswith(b"OHDR"):
            raise _newer()
        version, left, length = struct.unpack("<BxH4xI4x", start)
        if version != 1 or left > MOST_MESSAGES:
            raise _damaged()
        found = {}
        room = LONGEST_HEADER
        blocks = [(at + 16, length)]
        for begin, length in blocks:
            room -= length
            if room < 0:
                raise _damaged()
            data = self._bytes(begin, length)
            place = 0
            while left and place + 8 <= length:
                kind, size, flags = struct.unpack_from("<HHB", data, place)
                contents = data[place + 8:place + 8 + size]
                if flags & SHARED and kind in (SPACE, TYPE, LAYOUT, FILTERS):
                    raise Unreadable("described elsewhere in the file, expected a description of its own")
                if kind == CONTINUED:
                    blocks.append(struct.unpack("<QQ", contents))
                found[kind] = contents
                place += 8 + size
                left -= 1
        return found

    def _members(self, at: int) -> dict[str, int | None]:
        """The addresses of a group's members, None for a link; a dataset has none."""
        if at not in self._groups:
            self._groups[at] = dict(self._read_members(at))
        return self._groups[at]

    def _read_members(self, at: int) -> Iterator[tuple[str, int | None]]:
        messages = self._messages(at)
        if MEMBERS not in messages:
            if messages.keys() & {LINK_INFO, LINK}:
                raise _newer()
            return
        tree, heap = struct.unpack("<QQ", messages[MEMBERS])
        signature, names = self._unpack("<4s20xQ", heap)
        for _, node in self._leaves(tree, 0, 8):
            node_signature, count = self._unpack("<4s2xH", node)
            self._members_left -= count
            if signature != b"HEAP" or node_signature != b"SNOD" or self._members_left < 0:
                raise _damaged()
            for place, address, kind in struct.iter_unpack("<QQI20x", self._bytes(node + 8, 40 * count)):
                yield self._name(names + place), None if kind == SOFT_LINK else address

    def _name(self, at: int) -> str:
        text, end, _ = self._bytes(at, min(LONGEST_NAME, self.size - at)).partition(b"\0")
        if not end:
            raise _damaged()
        return text.decode("utf-8", "replace")

    def _leaves(self, at: int, kind: int, key_size: int, level: int | None = None) -> Iterator[tuple[bytes, int]]:
        """The children of the lowest level of a B-tree, each with the key before it."""
        signature, own_kind, own_level, count = self._unpack("<4sBBH", at)
        self._nodes_left -= 1
        if signature != b"TREE" or own_kind != kind or level not in (None, own_level) or self._nodes_left < 0:
            raise _damaged()
        for key, child in struct.iter_unpack(f"<{key_size}sQ", self._bytes(at + 24, count * (key_size + 8))):
            if own_level:
                yield from self._leaves(child, kind, key_size, own_level - 1)
            else:
                yield key, child

    def _dataset(self, at: int) -> Dataset | None:
        messages = self._messages(at)
        if not {SPACE, TYPE, LAYOUT} <= messages.keys():
            return None
        if EXTERNAL in messages:
            raise Unreadable("its values are in another file, expected them in this one")
        kind = KINDS[min(messages[TYPE][0] & 15, len(KINDS) - 1)]
        dtype = FLOATS.get(messages[TYPE][1:20])
        found = Dataset(_shape(messages[SPACE]), dtype, kind)
        return found if dtype is None else self._placed(found, dtype, messages[LAYOUT], messages.get(FILTERS))

    def _placed(self, found: Dataset, dtype: np.dtype[Any], layout: bytes, filters: bytes | None) -> Dataset:
        """The dataset with the place of its values."""
        version, kind = layout[:2]
        if version != 3:
            raise _newer()
        if kind == CONTIGUOUS:
            begin, length = struct.unpack_from("<QQ", layout, 2)
            if filters is not None or length != found.nbytes or begin + length > self.size:
                raise Unreadable(f"its {found.nbytes} bytes are not in the file, expected them there")
            return found._replace(begin=begin)
        axes = len(found.shape)
        if kind != CHUNKED or layout[2] != axes + 1:
            raise Unreadable("stored in a way that weights are not, expected one piece, or chunks")
        begin, *chunk, size = struct.unpack_from(f"<Q{axes}II", layout, 3)
        if size != dtype.itemsize or not all(0 < c <= n for c, n in zip(chunk, found.shape, strict=True)):
            raise Unreadable(f"chunks of shape {tuple(chunk)}, expected none larger than {found.shape}")
        return found._replace(begin=begin, chunk=tuple(chunk), filters=_filters(filters))

    def _read_chunks(self, array: Array, dataset: Dataset, chunk: tuple[int, ...]) -> None:
        done = np.zeros([-(-n // c) for n, c in zip(dataset.shape, chunk, strict=True)], bool)
        axes = len(chunk)
        longest = 2 * math.prod(chunk) * array.itemsize + 64        # what deflate cannot make smaller grows a little
        for key, at in self._leaves(dataset.begin, 1, 16 + 8 * axes):
            length, skipped, *start, _ = struct.unpack(f"<II{axes}QQ", key)
            number = tuple(k // c for k, c in zip(start, chunk, strict=True))
            inside = all(k < n for k, n in zip(start, dataset.shape, strict=True))
            between = any(k % c for k, c in zip(start, chunk, strict=True))
            if length > longest or skipped or not inside or between or done[number]:
                raise _damaged()
            done[number] = True
            part = array[tuple(slice(k, k + c) for k, c in zip(start, chunk, strict=True))]
            values = _unfiltered(self._bytes(at, length), dataset, chunk)
            part[...] = values[tuple(map(slice, part.shape))]
        if not done.all():
            raise Unreadable("some of its values are not in the file, expected all of them there")


def _shape(space: bytes) -> tuple[int, ...]:
    version, axes, _, kind = space[:4]
    if version == 2 and kind == 2:
        raise Unreadable("it has no values, expected some")
    if version not in (1, 2) or axes > 32:
        raise _damaged()
    return struct.unpack_from(f"<{axes}Q", space, 8 if version == 1 else 4)


def _filters(message: bytes | None) -> tuple[int, ...]:
    """The filters in the order in which they were applied."""
    if message is None:
        return ()
    version, count = message[:2]
    place, found = 8, []
    for _ in range(count if version == 1 else 0):
        number, name, values = struct.unpack_from("<HH2xH", message, place)
        found.append(number)
        place += 8 + name + 4 * (values + values % 2)
    if tuple(found) not in ((DEFLATE,), (SHUFFLE,), (SHUFFLE, DEFLATE)):
        raise Unreadable("compressed in a way that weights are not, expected gzip, with or without shuffle")
    return tuple(found)


def _unfiltered(data: bytes, dataset: Dataset, chunk: tuple[int, ...]) -> Array:
    """The values of a chunk."""
    assert dataset.dtype is not None
    size = math.prod(chunk) * dataset.dtype.itemsize
    if DEFLATE in dataset.filters:
        data = zlib.decompressobj().decompress(data, size + 1)
    if len(data) != size:
        raise _damaged()
    if SHUFFLE in dataset.filters:      # the first bytes of all values, then the second ones, ...
        data = np.frombuffer(data, np.uint8).reshape(dataset.dtype.itemsize, -1).T.tobytes()
    return np.frombuffer(data, dataset.dtype).reshape(chunk)


DAMAGE = (Unreadable, struct.error, zlib.error, OSError, ValueError, IndexError)


def _damaged() -> Unreadable:
    return Unreadable("it is damaged; copy it again")


def _newer() -> Unreadable:
    return Unreadable("it is in a newer form of HDF5, expected the oldest: write its arrays again with h5py, "
                      "new[name] = old[name][...], into a file opened with libver='earliest'")
