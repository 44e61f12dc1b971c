"""Any bytes as a published model, a zip, a checkpoint or a pickle: its numbers, or one line; nothing is executed.

Valid small models are damaged: bits flipped; pieces cut, doubled, moved; lengths and values replaced, also below
checksums that are then made right; instructions of a pickle replaced by those that call what they name. What a reader
accepts is compared with the numbers that are in the file.
"""

import os
import pickletools
import shutil
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.random import Generator

from elmo_np import ELMo
from elmo_np.errors import UserError
from elmo_np.io import torch_file
from elmo_np.io.crc32c import masked_crc32c
from elmo_np.io.hdf5 import Weights
from elmo_np.io.tf_checkpoint import Checkpoint
from elmo_np.nn.parameter import parameters
from tests.attacks.attempts import Case, Limits, Skip, Try
from tests.attacks.damage import damaged, json_changed
from tests.models_of_others import BILM_TF, TORCH

SHORT, LONG = 120, 200_000
LIMITS = Limits(seconds=60, memory=2)       # the files are small
TEXT = [["the", "cat"], ["a", "dog", "."]]
INDEX, DATA = "model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"
Damage = Callable[[Generator, bytes], bytes]


class Executed(BaseException):
    """Something in a file was executed."""


def prepare(home: Path) -> None:
    """A valid model of each kind."""
    for path in (BILM_TF, TORCH):
        shutil.copytree(path, home / path.name)
    _zip(home / "bilm_tf", home / "checkpoint.zip")
    try:
        ELMo.load(home / "bilm_tf").to_bilm_tf(home / "o.json", home / "w.hdf5", home / "vocab.txt")
    except UserError as error:
        raise Skip(str(error)) from error
    nlpl = home / "nlpl"
    nlpl.mkdir()
    for name, inside in ("o.json", "options.json"), ("w.hdf5", "model.hdf5"), ("vocab.txt", "vocab.txt"):
        shutil.move(home / name, nlpl / inside)
    _zip(nlpl, home / "nlpl.zip")
    for name in "nlpl.zip", "checkpoint.zip", "torch/lstm_module.pt":
        ELMo.load(home / name).embed(TEXT)      # and import what this needs
    "".encode("raw-unicode-escape")
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    """End a try in which a pickle's names have effects: no reader imports, compiles or starts anything."""
    if _watching and event in ("exec", "compile", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn",
                               "pickle.find_class", "socket.connect"):
        raise Executed(event, *arguments)


_watching: list[bool] = []


def _zip(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for member in sorted(folder.iterdir()):
            file.write(member, f"180/{member.name}")


def _load(path: Path) -> ELMo:
    _watching.append(True)
    try:
        return ELMo.load(path)
    finally:
        _watching.clear()


def model(name: str, damage: Damage, *files: str) -> Case:
    """A model whose file is damaged: a zip, or a file in a directory."""
    def case(attempt: Try) -> None:
        path = attempt.folder / name
        (shutil.copytree if (attempt.home / name).is_dir() else shutil.copy)(attempt.home / name, path)
        if name.endswith(".pt"):
            shutil.copy(attempt.home / "torch/vocab.txt", attempt.folder)
        hurt = path / files[attempt.rng.integers(len(files))] if files else path
        if attempt.number:
            hurt.write_bytes(damage(attempt.rng, hurt.read_bytes()))
        elmo = _load(path)
        elmo.embed(TEXT)
        assert all(np.isfinite(p.value).all() for p in parameters(elmo.model).values())
        _compare(elmo, path)
    return case


def _compare(elmo: ELMo, path: Path) -> None:
    """The numbers of a model with those of its file."""
    lm = elmo.model.forward_lm
    if path.suffix == ".pt":
        with torch_file.TorchFile(path) as file:
            name = next(name for name in file.tensors if name.endswith("encoder.weight"))
            np.testing.assert_array_equal(lm.embedding.E.value[:-1], file.take(name))
    elif (path / INDEX).exists():
        with Checkpoint(path / INDEX) as variables:
            np.testing.assert_array_equal(lm.embedding.E.value[1:], variables.take("lm/char_embed"))
    elif (path / "model.hdf5").exists():
        with Weights(path / "model.hdf5") as arrays:
            np.testing.assert_array_equal(lm.embedding.E.value[1:], arrays.take("char_embed"))


def torch_model(name: str, damage: Damage) -> Case:
    def case(attempt: Try) -> None:
        shutil.copy(TORCH / "vocab.txt", attempt.folder)
        path = attempt.folder / "model.pt"
        data = (TORCH / name).read_bytes()
        path.write_bytes(damage(attempt.rng, data) if attempt.number else data)
        elmo = _load(path)
        elmo.embed(TEXT)
        _compare(elmo, path)
    return case


def resealed_index(rng: Generator, data: bytes) -> bytes:
    """Blocks with other contents below checksums that are right."""
    blocks = data[:-48]
    place = int(rng.integers(1, len(blocks)))
    size = int(rng.choice([1, 1, 1, 2, 4, 8]))
    hurt = bytearray(blocks)
    hurt[place:place + size] = rng.bytes(min(size, len(hurt) - place))
    # The data block is first, the index block last; the meta-index block, which nobody reads, is 8 + 5 bytes between.
    first = _length(data)
    for begin, length in ((0, first), (first + 18, len(blocks) - first - 23)):
        body = bytes(hurt[begin:begin + length + 1])
        hurt[begin + length + 1:begin + length + 5] = struct.pack("<I", masked_crc32c(body))
    return bytes(hurt) + data[-48:]


def _length(data: bytes) -> int:
    """Where the first block of an index ends, whose checksum follows."""
    for length in range(len(data) - 5):
        if not data[length] and struct.pack("<I", masked_crc32c(data[:length + 1])) == data[length + 1:length + 5]:
            return length
    raise AssertionError("not an index of one block")


HARMFUL = [b"cos\nsystem\n", b"cbuiltins\neval\n", b"cbuiltins\nexec\n", b"cposix\nsystem\n",
           b"c__builtin__\neval\n", b"csubprocess\nPopen\n", b"cimportlib\nimport_module\n",
           b"celmo_np.cli.main\nmain\n", b"cos\nsystem\nX\x08\0\0\0touch /x\x85R"]
LENGTHS = [b"\x8a\x08" + b"\xff" * 7 + b"\x7f", b"J\xff\xff\xff\x7f", b"\x95" + b"\xff" * 8, b"B\xff\xff\xff\x7f",
           b"\x8e" + b"\xff" * 7 + b"\x7f", b"\x96" + b"\xff" * 7 + b"\x7f", b"r\xff\xff\xff\x7f", b"j\0\0\0\0"]
FRAGMENTS = [*HARMFUL, *LENGTHS, *(bytes([code]) for code in b"RQbtu(}]aes02io\x81\x85\x86\x87\x94"), b"h\0", b"q\0",
             b"X\x04\0\0\0exit", b"K\x01", b"Vtext\n", b"I9\n", b"F1e9\n"]


def other_instructions(rng: Generator, data: bytes) -> bytes:
    """A pickle in which some instructions are doubled, left out, or replaced by others, such as a call of os.system."""
    places = [place for _, _, place in pickletools.genops(data)]
    pieces = [data[begin:end] for begin, end in zip(places, [*places[1:], len(data)], strict=True)]
    for _ in range(rng.integers(1, 4)):
        k = int(rng.integers(1, len(pieces)))
        accident = rng.integers(4)
        other = FRAGMENTS[rng.integers(len(FRAGMENTS))] if rng.integers(2) else pieces[rng.integers(len(pieces))]
        pieces[k:k + int(accident > 0)] = [] if accident == 3 else [other]
    return b"".join(pieces)


def legacy_pickle(rng: Generator, data: bytes) -> bytes:
    """The third pickle, that of the object, of a legacy file changed, or any bytes of it."""
    ends = [0]
    for _ in range(5):
        last = [place for _, _, place in pickletools.genops(data[ends[-1]:])][-1]
        ends.append(ends[-1] + last + 1)
    k = int(rng.choice([2, 3, 3, 3, 3, 4]))
    begin, end = ends[k], ends[k + 1]
    changed = other_instructions(rng, data[begin:end]) if rng.integers(3) else damaged(rng, data[begin:end])
    return data[:begin] + changed + data[end:]


def zipped_pickle(rng: Generator, data: bytes) -> bytes:
    """data.pkl of an archive changed, below a checksum that is right; or another member."""
    folder = Path(os.environ.get("TMPDIR", "/tmp"))
    path = folder / f"elmo_np-attack-{os.getpid()}.zip"
    path.write_bytes(data)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    pickled = next(name for name in members if name.endswith("data.pkl"))
    if rng.integers(4):
        members[pickled] = other_instructions(rng, members[pickled])
    else:
        name = list(members)[rng.integers(len(members))]
        members[name] = damaged(rng, members[name])
    with zipfile.ZipFile(path, "w") as file:
        for name, contents in members.items():
            file.writestr(name, contents)
    changed = path.read_bytes()
    path.unlink()
    return changed


def directory(rng: Generator, data: bytes) -> bytes:
    """The directory at the end of a zip changed, or its end record."""
    begin = data.index(b"PK\1\2")
    return data[:begin] + damaged(rng, data[begin:])


CASES: dict[str, Case] = {
    "zip, any bytes": model("nlpl.zip", damaged),
    "zip, directory": model("nlpl.zip", directory),
    "zip of a checkpoint, directory": model("checkpoint.zip", directory),
    "files of a directory, any bytes": model("nlpl", damaged, "options.json", "model.hdf5", "vocab.txt"),
    "options, any values": model("bilm_tf", json_changed, "options.json"),
    "checkpoint, any bytes": model("bilm_tf", damaged, INDEX, DATA, "vocab.txt"),
    "checkpoint, checksums right": model("bilm_tf", resealed_index, INDEX),
    "PyTorch, legacy, any bytes": torch_model("lstm_legacy_state.pt", damaged),
    "PyTorch, legacy, instructions": torch_model("lstm_legacy_state.pt", legacy_pickle),
    "PyTorch, module, instructions": torch_model("lstm_tied_legacy_module.pt", legacy_pickle),
    "PyTorch, zip, any bytes": torch_model("gru_tied_state.pt", damaged),
    "PyTorch, zip, instructions": torch_model("lstm_module.pt", zipped_pickle),
}
