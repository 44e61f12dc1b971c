"""The lines of a text file as people have it: UTF-8, compressed or not, with any line ends. The rest is refused.

Files are recognised by their content, never by their name.
"""

import bz2
import gzip
import io
import lzma
import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..errors import UserError

BOM = "\ufeff"
LONGEST = 1 << 22           # characters of a line: a very long novel
KEPT = 1 << 28              # characters of a file whose lines are all kept in memory
XZ_MEMORY = 1 << 27         # bytes for unpacking .xz, which asks for as many as it likes; xz -9 needs half of that
_OTHERS = {b"PK\x03\x04": "a zip archive", b"7z\xbc\xaf\x27\x1c": "a 7z archive",
           b"\x28\xb5\x2f\xfd": "compressed by zstd", b"%PDF": "a PDF document"}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_ESCAPED = re.compile("[\udc80-\udcff]")        # how "surrogateescape" decodes bytes that are not UTF-8

HEAD = 40       # lines in which a format is recognised
_ATTRIBUTES = r"(?:\s+[\w:.-]+=[\"'][^\"'\n]*[\"'])+"     # <s> alone may be a word; <doc id="1"> is not
_ELEMENT = r"\s*(?:<[\w:.-]+>\s*)*<([\w:.-]{2,})[^<>]*>[^<]*</\1>"
_COLUMN = r"\"?[\w.-]+\"?"          # of a header
_NAMED = r"\"?(?:sentence\d?|text|label|tokens?|words?)\"?"
_FORMATS = (
    ("XML or HTML", rf"(?i)\s*<(?:\?xml|!doctype|!--|html\b|mediawiki\b|[\w:.-]+{_ATTRIBUTES}\s*/?>)|{_ELEMENT}",
     "extract its text first"),
    ("JSON", r"\s*\[?\s*\{\s*\"[^\"\n]*\"\s*:", "extract its text first"),
    ("CoNLL-U", r"(?:#.*\n|[ \t]*\n)*\d+(?:[-.]\d+)?(?:\t[^\t\n]*){9}(?:\n|$)",
     "extract its sentences first, for instance from the lines that begin with '# text = '"),
    ("a table", rf"(?i)(?=.*[\t,;])(?:{_COLUMN}[\t,;])*{_NAMED}(?:[\t,;]{_COLUMN})*\n"
     rf"|(?:{_COLUMN},){{2,}}{_COLUMN}\n.*,", "write the column with its sentences to a file first"),
    ("FASTA", r">\S.*\n[A-Z*-]{10,}\n", "elmo-np embed --fasta reads proteins; to train, write the residues of each on "
     "a line, with spaces between them"),
    ("CoNLL", r"\s*-DOCSTART-\s", "write the words of each sentence on one line first"),
)


def text_lines(path: Path, most: int | None = None) -> Iterator[str]:
    """The lines of a text file with their ends as "\\n", streamed. .gz, .bz2 and .xz are unpacked.

    most    the maximum number of characters, where all lines are kept in memory; None: unlimited
    Raises UserError for a file that cannot be read, is longer or is not UTF-8 text, and for a line of more than LONGEST
    characters, with the line.
    """
    left = math.inf if most is None else most
    with readable(path), unpacked(path) as (file, _):
        _check_encoding(path, file.peek(4096)[:4096])
        # Universal line ends; and undecodable bytes become surrogates, so that an error can name its line.
        text = io.TextIOWrapper(cast(BinaryIO, file), "utf-8", "surrogateescape")
        for number, line in enumerate(iter(partial(text.readline, LONGEST + 1), ""), 1):
            if len(line) > LONGEST:
                raise UserError(f"{path}, line {number}: more than {LONGEST:,} characters, expected one sentence per "
                                "line: split it into lines first")
            left -= len(line)
            if left < 0:
                raise UserError(f"{path}, line {number}: more than {most:,} characters up to here, expected a smaller "
                                "file: give a part of it")
            if not line.isascii() and _ESCAPED.search(line):
                raise UserError(f"{path}, line {number}: not UTF-8, expected UTF-8 text: convert the file")
            yield line.lstrip(BOM)


def plain_lines(path: Path, most: int | None = None, lines: Iterator[str] | None = None) -> Iterator[str]:
    """`text_lines`, but a file that is plainly markup or a table is refused with what to do; lines: of a file that is
    open already."""
    lines = text_lines(path, most) if lines is None else lines
    head = list(islice(lines, HEAD))
    start = "".join(head)[:4096]
    for name, pattern, advice in _FORMATS:
        if re.match(pattern, start):
            raise UserError(f"{path} looks like {name}, expected plain text, one sentence per line: {advice}")
    return chain(head, lines)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise UserError in place of the errors of a file that cannot be read or unpacked."""
    try:
        yield
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read {path}: {reason}; expected a readable text file: check its permissions, and that "
                        "it is complete if it is compressed") from error


def check_regular(paths: Iterable[Path], kind: str) -> None:
    """Raise UserError for files that cannot be read several times; kind: what is expected."""
    for path in paths:
        if not path.exists():
            raise UserError(f"there is no file {path}, expected {kind}: check the path")
        if path.is_dir():
            raise UserError(f"{path} is a directory, expected {kind}: give the files in it, {path / '*'}")
        if not path.is_file():
            raise UserError(f"{path} is not a regular file, expected one because a corpus is read several times: save "
                            "it to a file, or give - for standard input")


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[io.BufferedReader, BinaryIO]]:
    """An open file, unpacked while reading, and the file as it is on disk, whose position tells how far reading is."""
    with open(path, "rb") as raw:
        start = raw.peek(8)[:8]
        opener = next((opener for magic, opener in _COMPRESSED.items() if start.startswith(magic)), None)
        if opener is None:
            yield raw, raw
        else:
            with opener(raw, "rb") as file:
                yield file, raw


def _check_encoding(path: Path, start: bytes) -> None:
    """Raise UserError if the first bytes of a file are not those of UTF-8 text."""
    for magic, kind in _OTHERS.items():
        if start.startswith(magic):
            raise UserError(f"{path} is {kind}, expected UTF-8 text: unpack it or extract its text first")
    if start[257:262] == b"ustar":
        raise UserError(f"{path} is a tar archive, expected UTF-8 text: unpack it, and give the files in it")
    wide = start.startswith(_UTF_16) or _alternate(start[:64])
    if encoding := "UTF-32" if start.startswith(_UTF_32) else "UTF-16" if wide else "":
        raise UserError(f"{path} is {encoding}, expected UTF-8 text: convert it with iconv -f {encoding} -t UTF-8")
    if b"\0" in start:
        raise UserError(f"{path} has NUL bytes, expected UTF-8 text: check that it is the right file")


def _alternate(start: bytes) -> bool:
    """Whether more than a quarter of the bytes are NUL, all at even or all at odd places: UTF-16 without a mark."""
    even, odd = (start[k::2].count(0) for k in (0, 1))
    return even + odd > len(start) // 4 and not (even and odd)


class _Xz(io.RawIOBase):
    """What lzma.open gives, in bounded memory."""

    def __init__(self, raw: BinaryIO):
        self._raw = raw
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        data = b""
        while not data:
            packed = b""
            if self._stream.eof:
                packed = self._next_stream()
                if not packed:
                    return 0
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY)
            elif self._stream.needs_input:
                packed = self._raw.read(io.DEFAULT_BUFFER_SIZE)
                if not packed:
                    raise EOFError("it ends in the middle")
            data = self._stream.decompress(packed, len(target))
        target[:len(data)] = data
        return len(data)

    def _next_stream(self) -> bytes:
        """The beginning of the next stream, before which there may be zeros; empty at the end of the file."""
        packed = self._stream.unused_data.lstrip(b"\0")
        while not packed:
            some = self._raw.read(io.DEFAULT_BUFFER_SIZE)
            if not some:
                break
            packed = some.lstrip(b"\0")
        return packed


def _open_xz(raw: BinaryIO, mode: str) -> io.BufferedReader:
    return io.BufferedReader(_Xz(raw))


_COMPRESSED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": _open_xz}


def plain_name(name: Path) -> Path:
    """Without the ending of a compressed file."""
    return name.with_suffix("") if name.suffix.lower() in (".gz", ".bz2", ".xz") else name
