"""The arrays of a text as an HDF5 file: "0", "1", ..., as bilm-tf writes them, and "sentences", their text.

An HDF5 file cannot be continued after its writer was killed, so it is written at the end, from the finished arrays.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..runtime.files import open_regular
from ..runtime.signals import Signals
from . import hdf5
from .npz import members

SUFFIXES = (".hdf5", ".h5")
ROWS = 1024             # tokens, or sentences, at a time
USER_BLOCK = 4096       # bytes before the HDF5 file proper, which HDF5 leaves to the user: of the comment


def write(out: Path, arrays: Path, size: int, sentences: Iterable[Sequence[str]] | None, signals: Signals,
          comment: bytes = b"") -> None:
    """Write the file, atomically.

    arrays, size    the file that `npz.ArrayFile` wrote, and how many bytes of it to read
    sentences       in the same order; None: no text
    signals         Ctrl-C, which h5py might swallow
    comment         for `comment_of`, at most USER_BLOCK bytes
    Raises UserError if the file cannot be written.
    """
    h5py = hdf5.library()
    with hdf5.new_file(out, userblock_size=USER_BLOCK) as (file, disk):
        disk.seek(0)
        disk.write(memoryview(comment.ljust(USER_BLOCK, b"\0")))
        for member in members(arrays, size):
            with open(arrays, "rb") as source:
                source.seek(member.data)
                _copy(file, member.name.removesuffix(".npy"), source)
            disk.check()
            if signals.raised:
                raise KeyboardInterrupt
        if sentences is None:
            return
        texts = file.create_dataset("sentences", (0,), h5py.string_dtype(), maxshape=(None,), chunks=(ROWS,))
        for some in _some(" ".join(sentence).encode("utf-8", "replace") for sentence in sentences):
            texts.resize(len(texts) + len(some), axis=0)
            texts[-len(some):] = some
            disk.check()


def comment_of(path: Path) -> bytes:
    """The comment that `write` wrote; of another file, other bytes. Raises OSError if the file cannot be read."""
    with open_regular(path) as file:
        return file.read(USER_BLOCK).rstrip(b"\0")


def _copy(file: Any, name: str, source: Any) -> None:
    """Copy one array, some rows at a time."""
    np.lib.format.read_magic(source)
    shape, _, dtype = np.lib.format.read_array_header_1_0(source)
    dataset = file.create_dataset(name, shape, dtype)
    if len(shape) == 1:
        dataset[()] = np.fromfile(source, dtype, *shape)
        return
    *outer, tokens, dim = shape
    for layer in np.ndindex(*outer):
        for start in range(0, tokens, ROWS):
            rows = min(ROWS, tokens - start)
            dataset[(*layer, slice(start, start + rows))] = np.fromfile(source, dtype, rows * dim).reshape(rows, dim)


def _some(texts: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(texts)
    while some := list(islice(rest, ROWS)):
        yield some
