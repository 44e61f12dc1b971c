"""What people have in place of a model: recognised by its contents, with the command that reads it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..runtime import json_text
from ..runtime.files import open_regular, read_regular_text
from .run_directory import RunDirectory
from .zip_reader import ZipReader

HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
EXPECTED = "expected a folder that `elmo-np train` wrote"
PICKLE = f"a pickle, but not one of torch.save: {EXPECTED}, or a published model"
KINDS = [(b"\x1f\x8b", "a compressed archive: unpack it, and give the folder"),
         *((bytes([0x80, protocol]), PICKLE) for protocol in (2, 3, 4, 5))]
LARGEST_OPTIONS = 1 << 20       # bytes


def check(path: Path) -> None:
    """Raise UserError for an existing path that is plainly not a run or a model file; tell what to do with it."""
    try:
        if path.is_dir() and not RunDirectory(path).model.exists():
            raise UserError(f"{path} has no model.safetensors: {_of_directory(path)}")
        file = RunDirectory(path).model if path.is_dir() else path
        if file.exists() and not file.is_file():
            raise UserError(f"{file} is not a regular file: {EXPECTED}")
        if file.exists() and (kind := _of_file(file)):
            raise UserError(f"{file} is {kind}")
    except OSError:
        pass            # the reader of the model reports it


def check_no_task(path: Path, metadata: dict[str, str]) -> None:
    """Raise UserError for the file of a task model, which does not contain its biLM."""
    if "task" in metadata:
        folder, task = path.parent, metadata["task"]
        raise UserError(f"{path} holds a model of the task {task}, expected a biLM: the model's own commands are "
                        f"elmo-np task {task} predict {folder} FILE and elmo-np task {task} evaluate {folder} DATA; "
                        f"{folder / 'bilm.txt'} names its biLM")


def is_hdf5(path: str) -> bool:
    """Whether a file begins like HDF5."""
    with contextlib.suppress(OSError), open_regular(path) as file:
        return file.read(len(HDF5)) == HDF5
    return False


def _of_directory(path: Path) -> str:
    if RunDirectory(path).last.exists():
        return "its first epoch is not finished: continue its training (--resume, or resume=True)"
    if runs := sorted(str(model.parent) for model in path.glob("*/model.safetensors")):
        return f"expected one of the models in it: {', '.join(runs[:5])}"
    if _beside(path, ".pb"):
        return "it holds a graph of TensorFlow: expected a checkpoint, or HDF5, which bilm-tf's dump_weights writes"
    return EXPECTED


def _of_file(path: Path) -> str:
    """What a file is, and what to do with it; "" for one that may be a model file."""
    with open_regular(path) as file:
        start = file.read(512)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size:
        return ""       # safetensors
    if start.startswith(ZIP):
        return _of_zip(path)
    if start.startswith(HDF5):
        return "an HDF5 file; if it holds published weights: " + _convert(_beside(path.parent, ".json"), [path])
    for magic, kind in KINDS:
        if start.startswith(magic):
            return kind
    if RunDirectory(path.parent).model.exists() and path.suffix != ".safetensors":
        return f"a file of the run {path.parent}: expected {path.parent}"
    if _is_options(path):
        return "the options of published weights: " + _convert([path], _beside(path.parent, ".hdf5", ".h5"))
    return f"a text file: {EXPECTED}" if start and _is_text(start) else ""


def _of_zip(path: Path) -> str:
    try:
        with open_regular(path) as file:
            names = list(ZipReader(file, path).members)
    except (OSError, UserError):
        return f"a damaged zip archive: {EXPECTED}"
    if any(name.endswith(".npy") for name in names):
        return f"an .npz file of arrays, as elmo-np embed writes: {EXPECTED}"
    return f"a zip archive: {EXPECTED}; if that is in it, unpack it first"


def _convert(options: Sequence[Path], weights: Sequence[Path]) -> str:
    """The command that reads published weights, with the files where there is only one of a kind."""
    first = options[0] if len(options) == 1 else "OPTIONS.json"
    second = weights[0] if len(weights) == 1 else "WEIGHTS.hdf5"
    return f"convert them with elmo-np convert {first} {second} --out RUN"


def _beside(folder: Path, *suffixes: str) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in suffixes)


def _is_options(path: Path) -> bool:
    try:
        table = json_text.loads(read_regular_text(path, LARGEST_OPTIONS))
    except (OSError, ValueError):
        return False
    return isinstance(table, dict) and "lstm" in table


def _is_text(start: bytes) -> bool:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:        # not a character that is cut at the end
            return False
    return b"\0" not in start
