"""ArrayFile: what NumPy and zipfile read of it, and how it goes on after it was cut short."""

import zipfile
import zlib

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io import npz
from elmo_np.io.npz import ArrayFile, comment_of, members


def some(rng):
    return {"0": rng.normal(size=(3, 4)).astype(np.float32), "1": rng.normal(size=(2, 5, 3)),
            "2": np.zeros((2, 0, 3), np.float32), "10": rng.normal(size=(7, 1)).astype(np.float32)}


def write(path, arrays, size=0):
    """Add arrays, each in parts of two tokens; -> the file, still open."""
    file = ArrayFile(path, size)
    for name, array in arrays.items():
        tokens = array.shape[-2]
        starts = range(0, max(tokens, 1), 2)
        file.add(name, tokens, [array[..., start:start + 2, :] for start in starts])
    return file


def finished(path, arrays):
    file = write(path, arrays)
    file.finish()
    file.close()
    return path.read_bytes()


def test_numpy_reads_every_array_bit_for_bit(tmp_path, rng):
    arrays = some(rng)
    finished(tmp_path / "x.npz", arrays)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as file:
        assert file.files == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(file[name], array)
            assert (file[name].dtype, file[name].shape) == (array.dtype, array.shape)


def test_the_archive_is_sound_and_has_a_fixed_date(tmp_path, rng):
    finished(tmp_path / "x.npz", some(rng))
    with zipfile.ZipFile(tmp_path / "x.npz") as file:
        assert file.testzip() is None
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in file.infolist()} == {zipfile.ZIP_STORED}


def test_the_comment_is_that_of_a_zip_archive(tmp_path, rng):
    comment = b'{"layer": "top"}'
    file = write(tmp_path / "x.npz", some(rng))
    file.finish(comment)
    file.close()
    assert comment_of(tmp_path / "x.npz") == comment
    with zipfile.ZipFile(tmp_path / "x.npz") as archive:
        assert (archive.comment, archive.testzip()) == (comment, None)
    np.savez(tmp_path / "y.npz", rng.normal(size=(2, 3)))
    (tmp_path / "z.npz").write_bytes(b"text")
    assert [comment_of(tmp_path / name) for name in ("y.npz", "z.npz")] == [b"", b""]


def test_the_parts_of_an_array_do_not_show_in_the_file(tmp_path, rng):
    arrays = some(rng)
    file = ArrayFile(tmp_path / "whole.npz")
    for name, array in arrays.items():
        file.add(name, array.shape[-2], [array])
    file.finish()
    file.close()
    assert (tmp_path / "whole.npz").read_bytes() == finished(tmp_path / "parts.npz", arrays)


def test_a_file_that_was_cut_short_goes_on_to_the_same_bytes(tmp_path, rng):
    arrays = some(rng)
    expected = finished(tmp_path / "once.npz", arrays)
    first = dict(list(arrays.items())[:2])
    file = write(tmp_path / "x.npz", first)
    size = file.sync()
    file.add("torn", 1, [np.ones((1, 9), np.float32)])
    file.close()
    file = write(tmp_path / "x.npz", dict(list(arrays.items())[2:]), size)
    file.finish()
    file.close()
    assert (tmp_path / "x.npz").read_bytes() == expected


def test_members_are_found_from_the_headers_alone(tmp_path, rng):
    arrays = some(rng)
    file = write(tmp_path / "x", arrays)
    size = file.sync()
    file.close()
    found, data = list(members(tmp_path / "x", size)), (tmp_path / "x").read_bytes()
    assert [member.name for member in found] == [f"{name}.npy" for name in arrays]
    assert [member.begin for member in found] == [0, *(member.end for member in found[:-1])]
    assert found[-1].end == size
    for member in found:
        assert zlib.crc32(data[member.data:member.end]) == member.crc


def test_more_entries_than_16_bits_count_need_the_64_bit_end(tmp_path, rng, monkeypatch):
    arrays = some(rng)
    monkeypatch.setattr(npz, "MANY", 3)
    data = finished(tmp_path / "x.npz", arrays)
    assert b"PK\6\6" in data
    assert b"PK\6\7" in data


def test_bytes_that_are_no_array_are_called_damage(tmp_path, rng):
    file = write(tmp_path / "x", some(rng))
    size = file.sync()
    file.close()
    second = list(members(tmp_path / "x", size))[1].begin
    data = bytearray((tmp_path / "x").read_bytes())
    data[second] ^= 1
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(UserError, match=rf"x is damaged at byte {second}: expected an array there; remove"):
        list(members(tmp_path / "x", size))


def test_parts_that_are_not_as_many_tokens_as_promised_are_refused(tmp_path):
    file = ArrayFile(tmp_path / "x")
    with pytest.raises(ValueError, match="array 0 came with 2 tokens, expected 3"):
        file.add("0", 3, [np.zeros((2, 4), np.float32)])
    file.close()


def test_an_array_of_any_shape_can_be_added_whole(tmp_path, rng):
    arrays = {"a|b/1": rng.normal(size=7).astype(np.float32), "b": rng.normal(size=(3, 2)), "c": np.array(5.0)}
    file = ArrayFile(tmp_path / "x.npz")
    for name, array in arrays.items():
        file.add_whole(name, array)
    size = file.sync()
    file.finish()
    file.close()
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert found.files == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
    assert npz.undamaged(tmp_path / "x.npz", size, arrays) == (3, size)
