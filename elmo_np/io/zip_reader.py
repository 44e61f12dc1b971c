"""Members of a zip archive, whoever made it: every size is checked before anything is read or written.

    members         each a header, its name, and its data: stored as they are, or deflated
    directory       the headers again, with the place of each member
    end record      where the directory is; in 64 bits, with a locator before it, where 32 do not suffice

Refused are what published models have no use for: encrypted members, other compression, several volumes, two members of
one name, and members that claim more than DENSEST times what they take in the file, which would only fill the disk.
Source: the .ZIP file format specification (PKWARE, APPNOTE 6.3), sections 4.3 to 4.5.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from ..errors import UserError

LOCAL, ENTRY = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L")
END, LOCATOR, END64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sLQL"), struct.Struct("<4sQ2H2L4Q")
ELSEWHERE = 0xFFFFFFFF      # in a field of 32 bits: the value is in one of 64
WIDE = 1                    # the extra field with values in 64 bits
STORED, DEFLATED = 0, 8
ENCRYPTED = 1               # a flag
LARGEST_DIRECTORY = 1 << 20     # bytes; some 50 for each member and its name
DENSEST, FREE = 10, 1 << 12     # a member may have so many times its bytes in the file, and so many more
MOST_MEMBERS = 10_000
CHUNK = 1 << 20             # bytes in memory at a time


class Member(NamedTuple):
    """A file in the archive."""

    name: str
    method: int
    crc: int
    packed: int         # bytes in the archive
    size: int           # bytes of the file
    header: int         # its place in the archive


class ZipReader:
    """An open archive. Raises UserError for one that is damaged or made to harm.

    path    names it in messages
    """

    def __init__(self, file: BinaryIO, path: str | os.PathLike[str]):
        self._file, self.path = file, path
        self._size = os.fstat(file.fileno()).st_size
        self.members: dict[str, Member] = {}
        try:
            for member in self._directory():
                if self.members.setdefault(member.name, member) is not member:
                    raise self._refused(f"has two members with the name {member.name!r:.60}, expected one")
        except (struct.error, UnicodeDecodeError):
            raise self._damaged() from None
        if len(self.members) > MOST_MEMBERS or sum(member.packed for member in self.members.values()) > self._size:
            raise self._refused("has members that overlap, or too many, expected the files of one model")

    def place(self, member: Member) -> int:
        """Where the data of a member begin in the archive."""
        try:
            signature, *_, name, extra = LOCAL.unpack(self._bytes(member.header, LOCAL.size))
        except struct.error:
            raise self._damaged() from None
        begin = int(member.header + LOCAL.size + name + extra)
        if signature != b"PK\3\4" or begin + member.packed > self._size:
            raise self._damaged()
        return begin

    def read(self, member: Member) -> Iterator[bytes]:
        """The contents of a member in pieces; after the last one they have had the right size and checksum."""
        if member.size > DENSEST * member.packed + FREE:
            raise self._refused(f"claims {member.size:,} bytes for {member.name!r:.60}, which has {member.packed:,} in "
                                f"it: expected at most {DENSEST} times as many; it is made to fill the disk")
        size, crc = 0, 0
        try:
            for piece in self._unpacked(member):
                size += len(piece)
                crc = zlib.crc32(piece, crc)
                if size > member.size:
                    raise self._damaged()
                yield piece
        except zlib.error:
            raise self._damaged() from None
        if (size, crc) != (member.size, member.crc):
            raise self._damaged()

    def check(self, member: Member) -> None:
        """Raise UserError for a member that is damaged."""
        for _ in self.read(member):
            pass

    def _unpacked(self, member: Member) -> Iterator[bytes]:
        place, left = self.place(member), member.packed
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        while left:
            data = self._bytes(place, min(CHUNK, left))
            place += len(data)
            left -= len(data)
            while member.method == DEFLATED and data:
                yield inflater.decompress(data, CHUNK)
                data = inflater.unconsumed_tail
            yield data

    def _directory(self) -> Iterator[Member]:
        begin, length = self._ends()
        if length > LARGEST_DIRECTORY:
            raise self._refused(f"has a directory of {length:,} bytes, expected at most {LARGEST_DIRECTORY:,}: give "
                                "the file of one model")
        data = self._bytes(begin, length)
        place = 0
        while place < length:
            signature, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, _, _, _, header = \
                ENTRY.unpack_from(data, place)
            if signature != b"PK\1\2":
                raise self._damaged()
            place += ENTRY.size
            text = data[place:place + name].decode("utf-8" if flags & 1 << 11 else "cp437")
            wide = _wide(data[place + name:place + name + extra], [size, packed, header])
            place += name + extra + comment
            if flags & ENCRYPTED:
                raise self._refused("is encrypted, expected an archive without a password: unpack it, and give the "
                                    "folder")
            if method not in (STORED, DEFLATED):
                raise self._refused("is compressed in a way that is not read here, expected deflate: unpack it, and "
                                    "give the folder")
            yield Member(text, method, crc, wide[1], wide[0], wide[2])

    def _ends(self) -> tuple[int, int]:
        """Place and size of the directory."""
        start = max(0, self._size - END.size - 0xFFFF)      # a comment may follow the end record
        data = self._bytes(start, self._size - start)
        at = data.rfind(b"PK\5\6")
        if at < 0:
            raise self._damaged()
        _, disk, _, _, _, length, begin, _ = END.unpack_from(data, at)
        if at >= LOCATOR.size and data.startswith(b"PK\6\7", at - LOCATOR.size):
            _, disk, at64, _ = LOCATOR.unpack_from(data, at - LOCATOR.size)
            signature, *_, length, begin = END64.unpack(self._bytes(at64, END64.size))
            if signature != b"PK\6\6":
                raise self._damaged()
        if disk:
            raise self._refused("is one of several volumes, expected an archive in one file")
        return begin, length

    def _bytes(self, at: int, length: int) -> bytes:
        if at + length > self._size:
            raise self._damaged()
        self._file.seek(at)
        return self._file.read(length)

    def _damaged(self) -> UserError:
        return self._refused("is a damaged zip archive: expected a whole one; copy it again")

    def _refused(self, why: str) -> UserError:
        return UserError(f"{self.path} {why}")


def _wide(extra: bytes, fields: list[int]) -> list[int]:
    """The fields, those of 64 bits in the place of those that do not fit into 32."""
    place = 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, place)
        place += 4
        if kind == WIDE:
            values = struct.iter_unpack("<Q", extra[place:place + size // 8 * 8])
            return [next(values, (field,))[0] if field == ELSEWHERE else field for field in fields]
        place += size
    return fields
