"""An .npz file that arrays are appended to, and that can be continued after a stop, in memory that does not grow.

An .npz is a zip archive of uncompressed .npy files. Each has a header before it, and a directory at the end repeats all
headers. numpy.savez and zipfile keep the directory in memory, and neither can continue an archive without one, as a
killed writer leaves it; here the directory is written at the end, from the headers in the file. Sizes have 64 bits and
the date is fixed: the same arrays give the same bytes.
Source: the .ZIP file format specification (PKWARE, APPNOTE 6.3), sections 4.3 and 4.5.3.
"""

import contextlib
import io
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ..errors import UserError
from ..runtime.files import open_regular
from ..runtime.locks import no_link
from ..types import Array

LOCAL, SIZES = struct.Struct("<4s5H3L2H"), struct.Struct("<2H2Q")       # the header before an array, and its sizes
ENTRY, PLACE = struct.Struct("<4s6H3L5H2L"), struct.Struct("<2H3Q")     # one of the directory, and its sizes and place
END64, LOCATOR, END = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL"), struct.Struct("<4s4H2LH")
VERSION, STORED, DATE = 45, 0, 33       # 4.5 is the first with sizes in 64 bits; not compressed; 1 January 1980
ELSEWHERE, MANY = 0xFFFFFFFF, 0xFFFF    # in a field of 32 or 16 bits: the value is in one of 64
CHUNK = 1 << 20                         # bytes at a time for a checksum


class Member(NamedTuple):
    """The file of one array in the archive."""

    name: str
    crc: int
    begin: int          # offset of its header
    data: int           # offset of its bytes
    end: int


class ArrayFile:
    """The arrays of an .npz, without its directory until `finish`.

    size    bytes of the file to keep; anything after them, such as an incomplete array, is dropped
    """

    def __init__(self, path: Path, size: int = 0):
        self.path = path
        self._file: BinaryIO = open(path, "r+b" if size else "w+b", opener=no_link)  # noqa: SIM115
        self._file.truncate(size)
        self._file.seek(size)

    def add(self, name: str, tokens: int, parts: Iterable[Array]) -> None:
        """Write one array, (tokens, dim) or (layers, tokens, dim), given in parts along the tokens."""
        begin, done, place, header = self._file.tell(), 0, 0, b""
        data = begin + LOCAL.size + len(name) + len(".npy") + SIZES.size
        end = data
        for part in parts:
            *outer, _, dim = part.shape
            if not header:
                header = _npy_header((*outer, tokens, dim), part.dtype)
                place = data + len(header)
                end = place + int(np.prod(outer, dtype=np.int64)) * tokens * dim * part.itemsize
                self._file.seek(data)
                self._file.write(header)
            for j, rows in enumerate(part if outer else [part]):
                self._file.seek(place + (j * tokens + done) * dim * part.itemsize)
                self._file.write(rows.astype(part.dtype.newbyteorder("<"), copy=False).tobytes())
            done += part.shape[-2]
        if done != tokens:
            raise ValueError(f"array {name} came with {done} tokens, expected {tokens}")
        self._close_member(name, begin, data, end)

    def add_whole(self, name: str, array: Array) -> None:
        """Write one array of any shape."""
        begin = self._file.tell()
        data = begin + LOCAL.size + len(name) + len(".npy") + SIZES.size
        self._file.seek(data)
        self._file.write(_npy_header(array.shape, array.dtype))
        self._file.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        self._close_member(name, begin, data, self._file.tell())

    def _close_member(self, name: str, begin: int, data: int, end: int) -> None:
        """Write the header of an array whose bytes are there."""
        self._file.seek(begin)
        self._file.write(_local_header(f"{name}.npy", _crc(self._file, data, end), end - data))
        self._file.seek(end)

    def sync(self) -> int:
        """Write all arrays to the disk -> their size in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def finish(self, comment: bytes = b"") -> None:
        """Write the directory, which makes the file an .npz, and a comment of up to 65,535 bytes."""
        start, count, size = self.sync(), 0, 0
        for member in members(self.path, start):
            size += self._file.write(_entry(member))
            count += 1
        if count >= MANY or start + size >= ELSEWHERE:
            end = start + size
            self._file.write(END64.pack(b"PK\6\6", END64.size - 12, VERSION, VERSION, 0, 0, count, count, size, start)
                             + LOCATOR.pack(b"PK\6\7", 0, end, 1))
            count, size, start = min(count, MANY), min(size, ELSEWHERE), min(start, ELSEWHERE)
        self._file.write(END.pack(b"PK\5\6", 0, 0, count, count, size, start, len(comment)) + comment)
        self.sync()

    def close(self) -> None:
        self._file.close()


def comment_of(path: Path) -> bytes:
    """The comment that `finish` wrote, empty if there is none. Raises OSError if the file cannot be read."""
    with open_regular(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - END.size - MANY))
        _, found, comment = file.read().rpartition(b"PK\5\6")
    return comment[END.size - 4:] if found else b""


def _crc(file: BinaryIO, begin: int, end: int) -> int:
    """The checksum of a range of bytes; the position in the file stays."""
    crc, before = 0, file.tell()
    file.seek(begin)
    while begin < end:
        piece = file.read(min(CHUNK, end - begin))
        crc, begin = zlib.crc32(piece, crc), begin + len(piece)
    file.seek(before)
    return crc


def undamaged(path: Path, size: int, names: Iterable[str]) -> tuple[int, int]:
    """How many arrays of a file, from the first on, are as they were written, and where the last of them ends.

    size    bytes of the file to look at, at most its length
    names   of the arrays, in their order
    """
    count, end = 0, 0
    with open_regular(path) as file, contextlib.suppress(UserError, UnicodeDecodeError, struct.error):
        for name, member in zip(names, members(path, size), strict=False):
            if member.end > size:
                break
            expected = _local_header(f"{name}.npy", _crc(file, member.data, member.end), member.end - member.data)
            file.seek(member.begin)
            if file.read(member.data - member.begin) != expected:
                break
            count, end = count + 1, member.end
    return count, end


def members(path: Path, size: int) -> Iterator[Member]:
    """The arrays in the first `size` bytes of a file, from their headers. Raises UserError for a damaged file."""
    begin = 0
    with open_regular(path) as file:
        while begin < size:
            file.seek(begin)
            header = file.read(LOCAL.size)
            if len(header) < LOCAL.size or header[:4] != b"PK\3\4":
                raise UserError(f"{path} is damaged at byte {begin}: expected an array there; remove the file and "
                                "start again")
            _, _, _, _, _, _, crc, _, _, name_length, _ = LOCAL.unpack(header)
            name = file.read(name_length).decode("ascii")
            _, _, length, _ = SIZES.unpack(file.read(SIZES.size))
            data = file.tell()
            yield Member(name, crc, begin, data, data + length)
            begin = data + length


def _npy_header(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> bytes:
    header = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(dtype.newbyteorder("<"))
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
    return header.getvalue()


def _local_header(name: str, crc: int, length: int) -> bytes:
    return LOCAL.pack(b"PK\3\4", VERSION, 0, STORED, 0, DATE, crc, ELSEWHERE, ELSEWHERE, len(name), SIZES.size) \
        + name.encode("ascii") + SIZES.pack(1, SIZES.size - 4, length, length)


def _entry(member: Member) -> bytes:
    length = member.end - member.data
    return ENTRY.pack(b"PK\1\2", VERSION, VERSION, 0, STORED, 0, DATE, member.crc, ELSEWHERE, ELSEWHERE,
                      len(member.name), PLACE.size, 0, 0, 0, 0, ELSEWHERE) \
        + member.name.encode("ascii") + PLACE.pack(1, PLACE.size - 4, length, length, member.begin)
