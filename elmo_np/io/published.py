"""Published models as people have them: a zip or a directory, a checkpoint of TensorFlow, a file of PyTorch.

What a file is shows in its contents, whatever its name:

    options         JSON with "lstm": {...}
    weights         HDF5, or a checkpoint of bilm-tf (NAME.index beside NAME.data-...), or a file of torch.save
    softmax         HDF5 with a softmax and without LSTMs; other HDF5, such as vectors of a text, does not matter
    vocabulary      a text that begins with the lines <S>, </S> and <UNK> in any order, or is named vocab...; also one
                    that is compressed by gzip

They may all be in one directory within the zip or the directory that is given, as in NLPL's repository. A zip is
unpacked to a temporary directory, whose file names are those in the zip without their directories.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..data.vocabulary import GZIP, SPECIAL_TOKENS, Vocabulary, lines_of
from ..errors import UserError
from ..nn.bilm import BiLM
from ..runtime import json_text
from ..runtime.files import open_regular, read_regular
from . import bilm_tf_reader, tf_checkpoint, torch_file, torch_language_model
from .bilm_tf_options import LARGEST
from .hdf5_reader import SIGNATURE
from .run_directory import RunDirectory
from .zip_reader import ZipReader

MOST_FILES, START = 1000, 512       # files of a directory that are looked at; bytes of each
PLAIN = re.compile(r"[\w .+()-]{1,200}")
UNREAD = re.compile(r"\..*|.*\.meta|events\.out\.tfevents\..*")     # hidden; TensorFlow's graphs and logs
OPTIONS, HDF5, SOFTMAX, CHECKPOINT, TORCH, WORDS = (
    "options files", "HDF5 files of weights", "HDF5 files of a softmax", "checkpoints", "PyTorch files",
    "vocabularies")
Name = str | os.PathLike[str]


class Found(NamedTuple):
    """The files in a directory, by kind, or those beside a file that was given."""

    path: Path
    files: dict[str, list[Path]]

    def one(self, kind: str) -> Path | None:
        """The file of a kind, None if there is none. Raises UserError for several."""
        files = self.files.get(kind, [])
        if len(files) > 1:
            raise UserError(f"{self.path} holds {len(files)} {kind}, {', '.join(file.name for file in files[:5])}: "
                            "expected one; give the files themselves to elmo-np convert")
        return files[0] if files else None


def read(path: Name, vocabulary: Name | None = None, softmax: Name | None = None,
         embedding: Name | None = None) -> tuple[BiLM, Vocabulary] | None:
    """The model in a zip, a directory, a checkpoint or a file of PyTorch, and its words; None for anything else.

    path            of a checkpoint also its name, such as model.ckpt-935588; its options and its words are next to it,
                    as are the words of a file of PyTorch
    vocabulary, softmax, embedding      as for bilm_tf_reader.read, in place of what is found there
    Raises UserError for such a model that is damaged, or whose files are not all there.
    """
    with _directory(Path(path)) as place:
        found = _found(place)
        if found is None:
            return None
        words = vocabulary or found.one(WORDS)
        if weights := found.one(TORCH):
            if softmax is not None or embedding is not None:
                raise UserError(f"{path} is a model of PyTorch, which holds its softmax and its word vectors: expected "
                                "no other: leave out softmax= (--softmax) and embedding= (--embedding)")
            if words is None:
                raise UserError(f"{found.path} has no vocabulary: expected its words, one per line, in vocab.txt "
                                f"beside it, or elmo-np convert {path} --vocabulary FILE --out RUN")
            return torch_language_model.read(weights, words)
        with_softmax = found.files.get(CHECKPOINT) and words
        weights = found.one(CHECKPOINT) if with_softmax else found.one(HDF5) or found.one(CHECKPOINT)
        options = found.one(OPTIONS)
        if weights is None or options is None:
            lacks = "no options" if weights else "no weights" + ", only a softmax" * (SOFTMAX in found.files)
            raise UserError(f"{found.path} has {lacks}: expected the options, JSON with \"lstm\": {{...}}, and the "
                            "weights of the same model, whole, in HDF5 or a checkpoint")
        return bilm_tf_reader.read(options, weights, vocabulary=words, embedding=embedding,
                                   softmax=softmax or (found.one(SOFTMAX) if words else None))


@contextmanager
def _directory(path: Path) -> Iterator[Path]:
    """The path itself, or the temporary directory that a zip with weights is unpacked to while the body runs.

    Messages of the body name the zip.
    """
    with contextlib.ExitStack() as stack:
        archive = _archive(path, stack)
        if archive is None:
            yield path
            return
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="elmo_np-", ignore_cleanup_errors=True))
            _unpack(archive, Path(folder))
        except OSError as error:
            raise UserError(f"cannot unpack {path}: {error.strerror or error}; expected room for it in a temporary "
                            "directory: set TMPDIR to another one, or unpack it yourself") from error
        try:
            yield Path(folder)
        except UserError as error:
            raise UserError(str(error).replace(folder, str(path))) from error


def _archive(path: Path, opened: contextlib.ExitStack) -> ZipReader | None:
    """A zip with weights; None for anything else."""
    try:
        file = opened.enter_context(open_regular(path))
        if file.read(len(torch_file.ZIP)) != torch_file.ZIP:
            return None
    except OSError:
        return None
    archive = ZipReader(file, path)
    return archive if _has_weights(archive) else None


def _has_weights(archive: ZipReader) -> bool:
    """Whether a zip holds published weights, and is not itself a file of PyTorch or of NumPy."""
    if torch_file.is_archive(archive) or any(name.endswith(".npy") for name in archive.members):
        return False
    if any(name.endswith((".index", ".pt")) for name in archive.members):
        return True
    starts = (b"".join(islice(archive.read(member), 1)) for member in archive.members.values())
    return any(start.startswith((SIGNATURE, torch_file.LEGACY)) for start in starts)


def _unpack(archive: ZipReader, folder: Path) -> None:
    """Write the files of an archive into one directory, under their own names. Raises UserError for an odd name.

    A graph of TensorFlow repeats itself so much that it looks like a file made to fill the disk.
    """
    for name, member in archive.members.items():
        base = name.rpartition("/")[2]
        if not base or UNREAD.fullmatch(base) or name.startswith("__MACOSX/"):
            continue
        if not PLAIN.fullmatch(base) or (folder / base).exists():
            how = "twice" if PLAIN.fullmatch(base) else "in it"
            raise UserError(f"{archive.path} has the file {base!r:.60} {how}: expected the files of one model, with "
                            "ordinary names; unpack it, and give its directory")
        with open(folder / base, "xb") as file:
            for piece in archive.read(member):
                file.write(piece)


def _found(path: Path) -> Found | None:
    """What is at a path; None if there is no published model."""
    if tf_checkpoint.is_checkpoint(path):
        return Found(path, {**_kinds(path.parent), CHECKPOINT: [tf_checkpoint.prefix(path)], HDF5: [], TORCH: []})
    if os.path.isdir(path):
        return _in_directory(path)
    if _kind(path) == TORCH:
        return Found(path, {WORDS: _kinds(path.parent).get(WORDS, []), TORCH: [path]})
    return None


def _in_directory(folder: Path, within: bool = True) -> Found | None:
    """A model in a directory, or in the only directory in it."""
    if RunDirectory(folder).model.exists():
        return None
    try:
        kinds = _kinds(folder)
        if kinds.keys() & {OPTIONS, HDF5, SOFTMAX, CHECKPOINT, TORCH}:
            return Found(folder, kinds)
        inner = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError:
        return None         # the reader of a run reports it
    return _in_directory(inner[0], within=False) if within and len(inner) == 1 else None


def _kinds(folder: Path) -> dict[str, list[Path]]:
    """The files of a directory by kind."""
    found: dict[str, list[Path]] = {}
    for path in sorted(islice(folder.iterdir(), MOST_FILES)):
        if kind := _kind(path):
            found.setdefault(kind, []).append(path)
    return found


def _kind(path: Path) -> str | None:
    """The kind of a file, None for one of no interest, or that cannot be read."""
    try:
        with open_regular(path) as file:
            start = file.read(START)
            if start.startswith((torch_file.LEGACY, torch_file.ZIP)):
                file.seek(0)
                return None if not torch_file.is_torch(file, path) else WORDS if _is_vocabulary(path, start) else TORCH
        if start.startswith(SIGNATURE):
            return _kind_of_hdf5(path)
        if path.suffix == ".index":
            return CHECKPOINT
        is_json = start.removeprefix(BOM_UTF8).lstrip().startswith(b"{")
        if is_json and "lstm" in json_text.loads(read_regular(path, LARGEST).decode("utf-8-sig")):
            return OPTIONS
        return WORDS if _is_vocabulary(path, start) else None
    except (OSError, ValueError):       # UserError is one
        return None


def _kind_of_hdf5(path: Path) -> str | None:
    """Weights also where the file is damaged, so that the reader tells in what way."""
    with contextlib.suppress(UserError):
        return HDF5 if bilm_tf_reader.has_lstm(path) else SOFTMAX if bilm_tf_reader.has_softmax(path) else None
    return HDF5


def _is_vocabulary(path: Path, start: bytes) -> bool:
    if path.name.lower().startswith("vocab"):
        return True
    if not start.startswith((GZIP, *(token.encode() for token in SPECIAL_TOKENS))):
        return False
    with lines_of(path) as lines:
        return set(islice(lines, len(SPECIAL_TOKENS))) == set(SPECIAL_TOKENS)
