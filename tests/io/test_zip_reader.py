"""zip_reader: what zipfile writes is read as it was; what is damaged or made to harm is refused in one line."""

import io
import struct
import zipfile

import pytest

from elmo_np.errors import UserError
from elmo_np.io.zip_reader import END, ZipReader

TEXT = b"one word per line\n" * 100


def archive(path, method=zipfile.ZIP_DEFLATED, members=(("a/vocab.txt", TEXT), ("b", b""))):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


def contents(path):
    with open(path, "rb") as file:
        found = ZipReader(file, path)
        return {name: b"".join(found.read(member)) for name, member in found.members.items()}


def refused(path):
    with pytest.raises(UserError) as error:
        contents(path)
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(path), "IT")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_as_they_were_written(tmp_path, method):
    assert contents(archive(tmp_path / "a.zip", method)) == {"a/vocab.txt": TEXT, "b": b""}


def test_names_comments_and_sizes_of_64_bits_are_read(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        with file.open("\u00c5.txt", "w", force_zip64=True) as member:
            member.write(TEXT)
        file.comment = b"PK made with care"
    assert contents(path) == {"\u00c5.txt": TEXT}


def test_an_end_record_of_64_bits_is_read(tmp_path):
    """As PyTorch writes it: the record of 32 bits refers to one of 64."""
    path = archive(tmp_path / "a.zip")
    data = path.read_bytes()
    end = data.rindex(b"PK\5\6")
    _, _, _, _, count, length, begin, _ = END.unpack_from(data, end)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, begin)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    path.write_bytes(data[:end] + wide + locator + END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0))
    assert contents(path) == {"a/vocab.txt": TEXT, "b": b""}


def test_a_bomb_is_refused_before_anything_is_unpacked(tmp_path):
    path = archive(tmp_path / "a.zip", members=[("model.hdf5", bytes(10**6))])
    assert refused(path).startswith("IT claims 1,000,000 bytes for 'model.hdf5', which has 9")


def test_a_member_longer_than_it_claims_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", members=[("a", TEXT)])
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", len(TEXT)), struct.pack("<L", len(TEXT) - 1)))
    assert refused(path).startswith("IT is a damaged zip archive")


def test_members_that_share_their_bytes_are_refused(tmp_path):
    """A small archive whose directory lists one member many times under different names."""
    path = archive(tmp_path / "a.zip", zipfile.ZIP_STORED, [("a", TEXT)])
    data = path.read_bytes()
    begin, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry = data[begin:end]
    entries = b"".join(entry[:-1] + bytes([ord("a") + k]) for k in range(20))
    path.write_bytes(data[:begin] + entries + END.pack(b"PK\5\6", 0, 0, 20, 20, len(entries), begin, 0))
    assert refused(path).startswith("IT has members that overlap, or too many")


def test_two_members_of_one_name_are_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(tmp_path / "a.zip", members=[("a", b"1"), ("a", b"2")])
    assert refused(path).startswith("IT has two members with the name 'a', expected one")


@pytest.mark.parametrize(("place", "value", "message"), [
    (6, 1, "is encrypted, expected an archive without a password"),
    (8, 14, "is compressed in a way that is not read here, expected deflate")])
def test_what_is_not_read_is_named(tmp_path, place, value, message):
    path = archive(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\1\2")
    data[entry + place + 2] = value             # a flag, or the method
    path.write_bytes(data)
    assert message in refused(path)


@pytest.mark.parametrize("kept", [0, 4, 100, -1, -30])
def test_a_truncated_archive_is_damaged(tmp_path, kept):
    path = archive(tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:kept])
    assert refused(path) == "IT is a damaged zip archive: expected a whole one; copy it again"


def test_a_directory_larger_than_that_of_a_model_is_refused_unread(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for k in range(9000):
            file.writestr(zipfile.ZipInfo(f"{k:080}"), b"")
    assert refused(path).startswith("IT has a directory of 1,134,000 bytes, expected at most 1,048,576")


def test_a_changed_byte_is_noticed(tmp_path):
    path = archive(tmp_path / "a.zip", zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"one word", b"own word", 1))
    assert refused(path).startswith("IT is a damaged")


def test_a_file_that_is_not_one_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(io.DEFAULT_BUFFER_SIZE * b"PK\3\4")
    assert refused(tmp_path / "a").startswith("IT is a damaged")
