"""One safe file per model: named arrays and text in the safetensors layout, with a digest of all of it.

    8 bytes     n, the length of the header, little-endian
    n bytes     the header: JSON in UTF-8, padded with spaces so that the data are aligned to 8 bytes
                {"__metadata__": {"format": "elmo_np 1", "sha256": "...", ...},
                 "lstm.Wx": {"dtype": "F32", "shape": [128, 512], "data_offsets": [0, 262144]}, ...}
    the rest    the data: little-endian, C order, one array after the other without gaps

"sha256" is the SHA-256, in hexadecimal, of the canonical header (keys sorted, no spaces, "sha256" left out) followed by
the data, so that a changed name, shape or setting is detected like a changed weight. The safetensors package reads such
a file, but does not check the digest. Nothing in a file is ever executed: there is no pickle.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from mmap import ACCESS_COPY
from mmap import mmap as memory_map
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..errors import UserError
from ..runtime import json_text
from ..runtime.files import atomic_write, open_regular
from ..types import Array

Header = dict[str, dict[str, Any]]

FORMAT = "elmo_np 1"
RESERVED = ("format", "sha256")
METADATA = "__metadata__"
DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1", "BOOL": "|b1"}
CODES = {np.dtype(dtype).name: code for code, dtype in DTYPES.items()}
LONGEST_HEADER = 1 << 25  # bytes; a task model's may have a million words
MOST_AXES = 32  # NumPy 1.26 has no more


class Entry(NamedTuple):
    """One array: its name, dtype and shape, and its bytes, from `begin` to before `end`, in the data."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


class _Damage(Exception):
    """A fault of a file; `load` adds which file it is and what to do."""


class _Foreign(Exception):
    """A file of another program."""


def save(path: str | os.PathLike[str], tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write arrays and text as one file, atomically; equal arrays and text give equal bytes.

    path       the file, usually *.safetensors
    tensors    name -> array of any shape; float32, float64, int32, int64, uint8 or bool
    metadata   name -> text; "format" and "sha256" are reserved
    Raises UserError for another dtype, a reserved name, text that is not Unicode, or a file that cannot be written.
    """
    if taken := [*metadata.keys() & set(RESERVED), *tensors.keys() & {METADATA}]:
        raise UserError(f"cannot save {path}: the name {taken[0]!r} is reserved; expected another: rename it")
    if other := [name for name, text in metadata.items() if not isinstance(text, str)]:
        raise UserError(f"cannot save {path}: the metadata {other[0]!r} is not text; expected a str: convert it")
    arrays = {name: _little_endian(name, tensors[name]) for name in tensors}
    # Wide items first: every array then starts at a multiple of its item size, and a memory map is aligned.
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header: Header = {METADATA: {**metadata, "format": FORMAT}}
    begin = 0
    for name in order:
        end = begin + arrays[name].nbytes
        code, shape = CODES[arrays[name].dtype.name], list(np.shape(tensors[name]))
        header[name] = {"dtype": code, "shape": shape, "data_offsets": [begin, end]}
        begin = end
    payload = [arrays[name].reshape(-1).view(np.uint8).data for name in order]
    try:
        header[METADATA]["sha256"] = digest(header, payload)
        text = _canonical(header)
    except UnicodeEncodeError as error:
        raise UserError(f"cannot save {path}: {error.object[:40]!r}... holds a character that is not Unicode; "
                        "expected UTF-8 text: rename it") from error
    text += b" " * (-len(text) % 8)
    atomic_write(path, [len(text).to_bytes(8, "little"), text, *payload])


def load(path: str | os.PathLike[str], *, mmap: bool = False) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a file that `save` wrote; everything is checked before memory is allocated, and the digest afterwards.

    path   the file
    mmap   False: arrays in memory. True: a map of the file, read where it is used; changes to an array stay in memory,
           page by page, and never reach the file. A mapped file may be replaced, but not written into
    Returns tensors and metadata as they were given to `save`.
    Raises UserError if the file is missing or damaged, or was not written by elmo_np.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            header, start = _read_header(file, size)
            entries = _entries(header, size - start)
            metadata = _own_metadata(path, header)
            payload = _map(file, start) if mmap else _read(file, size - start)
        if digest(header, [payload.data]) != metadata["sha256"]:
            raise _Damage("its SHA-256 does not match its contents")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; expected an elmo_np model file: "
                        "check the path") from error
    except _Foreign:
        raise UserError(f"{path} is not an elmo_np model file; expected the format {FORMAT!r}: "
                        "give a file that elmo_np wrote; elmo-np convert reads published weights") from None
    except (_Damage, UnicodeEncodeError) as damage:  # the latter: half a surrogate pair, escaped in the header
        raise UserError(f"{path} is damaged: {damage}; expected a whole file as elmo_np wrote it: "
                        "copy it again from its source, or train again") from None
    tensors = {e.name: payload[e.begin : e.end].view(e.dtype).reshape(e.shape) for e in entries}
    return tensors, {name: text for name, text in metadata.items() if name not in RESERVED}


def digest(header: Header, payload: Iterable[bytes | memoryview]) -> str:
    """The SHA-256 of the file in hexadecimal: of the canonical header without "sha256", then of the data."""
    metadata = {name: text for name, text in header[METADATA].items() if name != "sha256"}
    state = hashlib.sha256(_canonical({**header, METADATA: metadata}))
    for chunk in payload:
        state.update(chunk)
    return state.hexdigest()


def _canonical(header: Header) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _little_endian(name: str, array: Array) -> Array:
    """The array as the file holds it, C-contiguous; a copy only if necessary."""
    if array.dtype.name not in CODES:
        raise UserError(f"array {name!r} has dtype {array.dtype}, expected one of {', '.join(CODES)}: convert it")
    return np.ascontiguousarray(array, DTYPES[CODES[array.dtype.name]])


def _read_header(file: BinaryIO, size: int) -> tuple[Header, int]:
    """The parsed header, and the offset of the data in the file."""
    if size < 8:
        raise _Damage(f"it has {size} bytes")
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, LONGEST_HEADER):
        if file.read(1) not in (b"{", b""):
            raise _Foreign
        raise _Damage(f"its header claims {length} bytes of the file's {size}")
    text = file.read(length)
    if not (text.startswith(b"{") and text.rstrip(b" ").endswith(b"}")):  # no other space: every byte counts
        raise _Damage("its header is not a JSON object")
    try:
        header = json_text.loads(text.decode("utf-8"), pairs=_without_duplicates)
    except ValueError:
        raise _Damage("its header is not valid JSON") from None
    return header, 8 + length


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Damage("its header has a name twice")
    return result


def _entries(header: Header, size: int) -> list[Entry]:
    """The arrays, checked: together they cover the data from the first byte to the last, each byte once."""
    entries = [_entry(name, fields) for name, fields in header.items() if name != METADATA]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    position = 0
    for entry in entries:
        if entry.begin != position:
            raise _Damage(f"array {entry.name!r:.60} does not begin where the one before it ends")
        position = entry.end
    if position != size:
        raise _Damage(f"its arrays take {position} bytes, but {size} follow the header")
    return entries


def _entry(name: str, fields: object) -> Entry:
    label = f"array {name!r:.60}"
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise _Damage(f"{label} does not have dtype, shape and data_offsets")
    code, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(code, str) or code not in DTYPES:
        raise _Damage(f"{label} has dtype {code!r:.60}")
    if not _sizes(shape) or len(shape) > MOST_AXES or not _sizes(offsets) or len(offsets) != 2:
        raise _Damage(f"{label} has an impossible shape or offset")
    dtype = np.dtype(DTYPES[code])
    if math.prod(max(n, 1) for n in shape) * dtype.itemsize >= 2**63:  # NumPy's limit, even if one size is 0
        raise _Damage(f"{label} has an impossible shape")
    begin, end = offsets
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise _Damage(f"{label} has {end - begin} bytes, which does not fit its shape")
    return Entry(name, dtype, tuple(shape), begin, end)


def _sizes(values: object) -> bool:
    return isinstance(values, list) and all(type(n) is int and 0 <= n < 2**63 for n in values)


def _own_metadata(path: str | os.PathLike[str], header: Header) -> dict[str, str]:
    """The metadata of a file that elmo_np wrote; for any other, raises UserError."""
    metadata = header.get(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _Damage("its metadata are not text")
    version = metadata.get("format", "")
    if not version.startswith("elmo_np "):
        raise _Foreign
    if version != FORMAT:
        raise UserError(f"{path} has the format {version!r:.60}, expected {FORMAT!r}: "
                        "install the elmo_np that wrote it, or train again")
    if "sha256" not in metadata:
        raise _Damage("its SHA-256 is missing")
    return metadata


def _read(file: BinaryIO, size: int) -> Array:
    payload = np.empty(size, np.uint8)
    if file.readinto(payload.data) != size:  # type: ignore[attr-defined]
        raise _Damage("it was truncated while it was read")
    return payload


def _map(file: BinaryIO, start: int) -> Array:
    # No np.memmap: joblib would send a process the name of the file in place of values that have changed since.
    return np.frombuffer(memory_map(file.fileno(), 0, access=ACCESS_COPY), np.uint8)[start:]
