"""Vectors in files that other programs read: the two formats of word2vec, and the tables of the TensorBoard projector.

    word2vec, text      "N dim", then one line per word: the word, a space, its values
    word2vec, binary    "N dim", then for each word: the word, a space, float32 little-endian, a line feed
    projector           vectors.tsv, one row of values per vector; metadata.tsv, columns about each row, with a header

Source: the word2vec program (Mikolov et al. 2013); the guide of the TensorBoard embedding projector.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..runtime.files import STDOUT, atomic_write, sync_folder
from ..runtime.progress import Progress
from ..types import Array

TEXT, BINARY = ".txt", ".bin"
_NO_WORD = re.compile(r"[ \t\n\r\f\v\ud800-\udfff]|^$")     # ends a word in such a file, or has no UTF-8


def is_word2vec(out: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a word2vec file, or "-", its text format on standard output.

    Otherwise it is a folder for the projector.
    """
    return out == STDOUT or Path(out).suffix in (TEXT, BINARY)


def check_target(out: str | os.PathLike[str]) -> None:
    """Raise UserError if nothing can be written: another kind of name, no parent folder, or the target exists."""
    if out == STDOUT:
        return
    path = Path(out)
    if not is_word2vec(out) and path.suffix and not str(out).endswith(("/", os.sep)):
        raise UserError(f"{out}: expected FILE{TEXT} or FILE{BINARY} for word2vec, or the name of a folder for "
                        f"the projector; a folder's name with a full stop ends in {os.sep}")
    if os.path.lexists(path):
        raise UserError(f"{out} exists already: give another name, or remove it")
    if not path.parent.is_dir():
        raise UserError(f"cannot write {out}: there is no folder {path.parent}; create it, or give another path")


def write_word2vec(path: str | os.PathLike[str], words: Sequence[str], vectors: Array, *, quiet: bool = False) -> None:
    """Write FILE.txt or FILE.bin, atomically; from both, float32 values come back bit for bit.

    words (N), vectors (N, dim); quiet: no progress on stderr.
    Raises UserError for another name, a word with white space in it, or a file that cannot be written.
    """
    if not is_word2vec(path):
        raise UserError(f"{path}: expected a name that ends in {TEXT} or {BINARY}, which sets the format")
    check_target(path)
    for word in words:
        if _NO_WORD.search(word):
            raise UserError(f"{word!r} does not fit in a word2vec file: expected Unicode text without white space")
    head = f"{len(words)} {vectors.shape[1]}\n".encode()
    if Path(path).suffix == BINARY:
        rows = (row.astype("<f4").tobytes() + b"\n" for row in vectors)
    else:
        rows = (line.encode() for line in _lines(vectors, " "))

    def chunks() -> Iterator[bytes]:
        yield head
        for word, row in zip(words, rows, strict=True):
            yield f"{word} ".encode() + row
    with Progress(quiet=quiet) as progress:
        atomic_write(path, _watched(chunks(), path, progress))


def write_projector(folder: str | os.PathLike[str], vectors: Array, columns: Mapping[str, Sequence[object]], *,
                    quiet: bool = False) -> None:
    """Make a folder with vectors.tsv and metadata.tsv, both or neither.

    vectors (N, dim); columns: {name: N values}. White space in a value becomes a single space.
    quiet: no progress on stderr. Raises UserError if the folder cannot be made. A kill leaves at most a folder
    ".name.(8 digits).tmp" next to it.
    """
    check_target(folder)
    out = Path(folder)
    begun = out.with_name(f".{out.name[:50]}.{secrets.token_hex(4)}.tmp")      # drawn: nobody else's
    try:
        begun.mkdir()
        try:
            with Progress(quiet=quiet) as progress:
                lines = (line.encode() for line in _lines(vectors, "\t"))
                atomic_write(begun / "vectors.tsv", _watched(lines, folder, progress))
            atomic_write(begun / "metadata.tsv", _table(columns))
            os.replace(begun, out)
        except BaseException:
            shutil.rmtree(begun, ignore_errors=True)
            raise
        sync_folder(out.parent)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror or error}; give another path") from error


def _watched(rows: Iterator[bytes], out: str | os.PathLike[str], progress: Progress) -> Iterator[bytes]:
    """The rows, with progress."""
    for number, row in enumerate(rows, 1):
        if number % 1000 == 0:
            progress.show(f"writing {out}: {number:,} vectors")
        yield row


def _lines(vectors: Array, between: str) -> Iterator[str]:
    """One line per vector. Nine digits identify every float32, even for a reader that goes through float64."""
    for row in vectors.astype(np.float32, copy=False):
        yield between.join([f"{number:.9g}" for number in row.tolist()]) + "\n"


def _table(columns: Mapping[str, Sequence[object]]) -> Iterator[bytes]:
    """The lines of metadata.tsv. A single column has no header: the projector would read it as a row."""
    rows = zip(*columns.values(), strict=True)
    if len(columns) > 1:
        yield ("\t".join(columns) + "\n").encode()
    for row in rows:
        yield ("\t".join(" ".join(str(value).split()) for value in row) + "\n").encode("utf-8", "replace")
