"""tf_checkpoint: a checkpoint that TensorFlow wrote gives its values; what is damaged is refused in one line."""

import json
import shutil
import struct

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io.crc32c import masked_crc32c
from elmo_np.io.tf_checkpoint import MAGIC, Checkpoint, is_checkpoint, prefix
from tests.models_of_others import BILM_TF

SUMS = json.loads((BILM_TF / "sums.json").read_text())


@pytest.fixture
def copied(tmp_path):
    """A checkpoint, to be damaged."""
    return shutil.copytree(BILM_TF, tmp_path / "tf")


def refused(folder, name="lm/softmax/W"):
    with pytest.raises(UserError) as error, Checkpoint(folder / "model.ckpt-7") as file:
        file.take(name)
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(folder), "..")


def varint(value):
    return bytes([value & 127 | 128]) + varint(value >> 7) if value > 127 else bytes([value])


def index(entries):
    """The index file of (name, value) pairs, one block of entries without shared bytes."""
    def block(pairs):
        text = b"".join(varint(0) + varint(len(k)) + varint(len(v)) + k + v for k, v in pairs)
        text += struct.pack("<II", 0, 1)
        return text + b"\0" + struct.pack("<I", masked_crc32c(text + b"\0")), varint(0) + varint(len(text))
    data, handle = block(entries)
    top, _ = block([(b"~", handle)])
    place = varint(len(data)) + varint(len(top) - 5)
    return data + top + (varint(0) + varint(0) + place).ljust(40, b"\0") + MAGIC


HEADER = (b"", b"\x08\x01")         # one shard


def test_every_variable_is_as_tensorflow_wrote_it():
    with Checkpoint(BILM_TF / "model.ckpt-7") as file:
        for name, (shape, total) in SUMS.items():
            file.expect(name, tuple(shape))
            assert file.take(name).astype(np.float64).sum() == pytest.approx(total, abs=1e-12)
        file.expect_room()
        assert file.has("global_step")
        assert (file.take("lm/char_embed/Adagrad") == 1).all()


@pytest.mark.parametrize("name", ["model.ckpt-7", "model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"])
def test_a_checkpoint_is_named_by_any_of_its_files(name):
    assert is_checkpoint(BILM_TF / name)
    assert prefix(BILM_TF / name) == BILM_TF / "model.ckpt-7"


@pytest.mark.parametrize("name", ["", "options.json", "model.ckpt", ".index", "x" * 300])
def test_what_is_none_is_told_apart(name):
    assert not is_checkpoint(BILM_TF / name)


def test_other_numbers_than_floating_point_ones_are_not_taken():
    with pytest.raises(UserError, match=r"found values that are not floating-point numbers, of shape \(\) for glob"), \
            Checkpoint(BILM_TF / "model.ckpt-7") as file:
        file.expect("global_step", ())


def test_a_changed_value_does_not_match_its_checksum(copied):
    path = copied / "model.ckpt-7.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    with Checkpoint(copied / "model.ckpt-7") as file:
        data[file.find("lm/softmax/W").place] ^= 1
    path.write_bytes(data)
    assert "of-00001 is damaged at lm/softmax/W: its checksum does not match" in refused(copied)


def test_a_changed_index_does_not_match_its_checksum(copied):
    path = copied / "model.ckpt-7.index"
    path.write_bytes(path.read_bytes().replace(b"softmax", b"hardmax"))
    assert refused(copied).startswith("../model.ckpt-7.index: it is damaged: a checksum does not match; expected")


def test_truncated_and_missing_files_are_named(copied):
    data = copied / "model.ckpt-7.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    assert refused(copied).startswith("../model.ckpt-7.data-00000-of-00001: it ends before the values of lm/softmax/W")
    data.unlink()
    assert refused(copied).startswith("cannot read ../model.ckpt-7.data-00000-of-00001: No such file")
    path = copied / "model.ckpt-7.index"
    path.write_bytes(path.read_bytes()[:-1])
    assert refused(copied).startswith("../model.ckpt-7.index: it is not a sorted table")


SHAPE = b"\x12\x08\x12\x02\x08\x02\x12\x02\x08\x03"       # (2, 3)


@pytest.mark.parametrize(("entries", "message"), [
    ([HEADER, (b"W", b"\x08\x01" + SHAPE + b"\x18\x07")], "values in a file that there is not"),
    ([HEADER, (b"W", b"\x08\x01\x12\x0d\x12\x0b\x08" + b"\xff" * 9 + b"\x01")], "an impossible shape"),
    ([HEADER, (b"W", b"\x0b")], "a field of an unknown type"),
    ([HEADER, (b"W", b"\x10\x01")], "a field of another type"),
    ([HEADER, (b"W", b"\x12\x7f")], "it is damaged: it ends too early"),
    ([HEADER, (b"W", b"\x08" + b"\xff" * 11)], "a number that is too long"),
    ([HEADER, (b"W", b""), (b"V", b"")], "its names are not in order, or too many"),
    ([HEADER, (b"W" * 1001, b"")], "it is damaged"),
    ([HEADER, (b"\xff", b"")], "it is damaged"),
    ([(b"", b"\x08\x01\x10\x01")], "it is of a big-endian computer, or of no checkpoint"),
    ([(b"W", b"")], "it is of a big-endian computer, or of no checkpoint")])
def test_an_index_with_right_checksums_that_makes_no_sense_is_refused(copied, entries, message):
    (copied / "model.ckpt-7.index").write_bytes(index(entries))
    assert refused(copied).startswith(f"../model.ckpt-7.index: {message}; expected the index")


def test_values_of_another_size_than_their_shape_are_refused(copied):
    (copied / "model.ckpt-7.index").write_bytes(index([HEADER, (b"W", b"\x08\x01" + SHAPE + b"\x28\x10")]))
    assert refused(copied, "W") == "../model.ckpt-7: W has 16 bytes in one piece, expected float32(2, 3) in one piece"


def test_values_are_read_from_the_shard_that_holds_them(copied):
    values = np.arange(6, dtype="<f4").tobytes()
    check = struct.pack("<I", masked_crc32c(values))
    entry = b"\x08\x01" + SHAPE + b"\x18\x01\x20\x02\x28\x18\x35" + check
    (copied / "model.ckpt-7.index").write_bytes(index([(b"", b"\x08\x02"), (b"W", entry)]))
    (copied / "model.ckpt-7.data-00000-of-00002").write_bytes(b"")
    (copied / "model.ckpt-7.data-00001-of-00002").write_bytes(b"ab" + values)
    with Checkpoint(copied / "model.ckpt-7") as file:
        np.testing.assert_array_equal(file.take("W"), np.arange(6).reshape(2, 3))


def test_more_arrays_than_the_file_can_hold_are_refused():
    with Checkpoint(BILM_TF / "model.ckpt-7") as file:
        for _ in range(5):
            file.expect("lm/char_embed", (261, 2))
        with pytest.raises(UserError, match="has 9360 bytes but claims arrays of at least 10440"):
            file.expect_room()
