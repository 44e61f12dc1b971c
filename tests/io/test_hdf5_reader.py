"""hdf5_reader: every array that h5py writes comes back; a file that lies takes neither time nor memory."""

import io
import struct
import zlib

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")

from elmo_np.io import hdf5_reader  # noqa: E402
from elmo_np.io.hdf5_reader import HDF5Reader, Unreadable  # noqa: E402
from tests.memory_helpers import peak  # noqa: E402

ARRAY = np.arange(600, dtype=np.float32).reshape(20, 30)
CHUNKED = {"chunks": (7, 11), "compression": "gzip", "shuffle": True}


@pytest.fixture
def opened(tmp_path):
    """A function that opens bytes as a file."""
    files = []

    def open_bytes(data):
        path = tmp_path / f"{len(files)}.hdf5"
        path.write_bytes(data)
        files.append(open(path, "rb"))  # noqa: SIM115  (closed below)
        return HDF5Reader(files[-1])
    yield open_bytes
    for file in files:
        file.close()


def written(fill, **how):
    """The bytes of a file that h5py writes."""
    target = io.BytesIO()
    with h5py.File(target, "w", **how) as file:
        fill(file)
    return target.getvalue()


def changed(data, before, after, count=1):
    """The bytes with a part replaced that is there `count` times."""
    assert data.count(before) == count
    assert len(before) == len(after)
    return data.replace(before, after)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8"])
@pytest.mark.parametrize("how", [{}, {"chunks": (7, 11)}, {"chunks": (20, 30)}, {"compression": "gzip"}, CHUNKED,
                                 {"chunks": (1, 1), "shuffle": True}], ids=str)
def test_an_array_comes_as_it_was_written(opened, dtype, how):
    reader = opened(written(lambda file: file.create_dataset("a/b", data=ARRAY.astype(dtype), **how)))
    found = reader.find("a/b")
    assert (found.shape, found.dtype, str(found)) == ((20, 30), np.dtype(dtype), f"{np.dtype(dtype)}(20, 30)")
    np.testing.assert_array_equal(reader.read(found), ARRAY)


@pytest.mark.parametrize("shape", [(), (1,), (3, 1, 4, 2)])
def test_an_array_may_have_any_axes(opened, rng, shape):
    values = rng.normal(size=shape)
    reader = opened(written(lambda file: file.create_dataset("a", data=values)))
    np.testing.assert_array_equal(reader.read(reader.find("a")), values)


def test_every_one_of_a_thousand_members_is_found(opened):
    def fill(file):
        for k in range(1000):
            file[f"group/{k}"] = np.float32(k)
    reader = opened(written(fill))
    assert all(reader.read(reader.find(f"group/{k}")) == k for k in range(1000))
    assert reader.find("group/1000") is None
    assert reader.find("group") is None
    assert reader.find("group/7/8") is None


def test_attributes_and_hard_links_change_nothing(opened):
    def fill(file):
        file["a"] = ARRAY
        file["b"] = file["a"]
        for k in range(100):
            file["a"].attrs[f"about {k}"] = "text"
    reader = opened(written(fill))
    np.testing.assert_array_equal(reader.read(reader.find("b")), ARRAY)


@pytest.mark.parametrize("how", [{"libver": "latest"}, {"libver": ("v110", "v110")}, {"track_order": True}], ids=str)
def test_a_newer_form_is_refused_with_what_to_do(opened, how):
    with pytest.raises(Unreadable, match=r"newer form of HDF5, .* into a file opened with libver='earliest'$"):
        opened(written(lambda file: file.create_dataset("a/b", data=ARRAY), **how)).find("a/b")


@pytest.mark.parametrize("how", [{"fletcher32": True}, {"compression": "lzf"}, {"scaleoffset": 3}], ids=str)
def test_another_compression_is_refused(opened, how):
    with pytest.raises(Unreadable, match="expected gzip"):
        opened(written(lambda file: file.create_dataset("a", data=ARRAY, **how))).find("a")


def test_an_array_with_a_chunk_that_was_not_written_is_refused(opened):
    def fill(file):
        file.create_dataset("a", (20, 30), "f4", chunks=(10, 10))[:10] = 1
    reader = opened(written(fill))
    with pytest.raises(Unreadable, match="some of its values are not in the file"):
        reader.read(reader.find("a"))


# Files that lie


def test_a_chunk_larger_than_its_dataset_is_refused(opened):
    data = written(lambda file: file.create_dataset("a", data=ARRAY, **CHUNKED))
    large = changed(data, struct.pack("<3I", 7, 11, 4), struct.pack("<3I", 1 << 14, 1 << 15, 4))
    with pytest.raises(Unreadable, match=r"chunks of shape \(16384, 32768\), expected none larger than \(20, 30\)"):
        opened(large).find("a")


def test_a_chunk_that_inflates_to_more_than_its_shape_is_refused_without_the_memory(opened):
    data = written(lambda file: file.create_dataset("a", data=np.zeros((64, 64), np.float32), chunks=(64, 64),
                                                    compression="gzip"))
    honest, bomb = zlib.compress(bytes(64 * 64 * 4), 4), zlib.compress(bytes(1 << 25), 9)
    place, length = data.index(honest), struct.pack("<II", len(honest), 0)
    lying = changed(data, length, struct.pack("<II", len(bomb), 0))
    lying = changed(lying, struct.pack("<Q", place), struct.pack("<Q", len(data))) + bomb
    reader = opened(lying)

    def read():
        with pytest.raises(Unreadable, match="damaged"):
            reader.read(reader.find("a"))
    assert peak(read) < 2_000_000


def test_a_tree_that_leads_to_itself_ends(opened):
    def fill(file):
        for k in range(1000):
            file[f"group/{k}"] = np.float32(k)
    data = written(fill)
    place = next(at for at in range(len(data)) if data[at:at + 4] == b"TREE" and data[at + 5])
    for child in range(place + 32, place + 32 + 16 * 20, 16):
        data = data[:child] + struct.pack("<Q", place) + data[child + 8:]
    with pytest.raises(Unreadable, match="damaged"):
        opened(data).find("group/5")


def test_many_ways_to_the_same_nodes_end_soon(opened):
    levels, data = 12, written(lambda file: file.create_dataset("group/a", data=ARRAY))
    root = data.index(b"TREE")
    nodes = b""
    for level in range(levels, 0, -1):         # each with 1,000 ways to the next: 10^36 in all
        child = len(data) + (levels + 1 - level) * (24 + 16 * 1000) if level > 1 else root
        nodes += struct.pack("<4sBBH16x", b"TREE", 0, level, 1000) + struct.pack("<QQ", 0, child) * 1000
    lying = data.replace(struct.pack("<Q", root), struct.pack("<Q", len(data))) + nodes
    with pytest.raises(Unreadable, match="damaged"):
        opened(lying).find("group/a")


def test_more_members_than_any_weights_have_are_refused(opened, monkeypatch):
    data = written(lambda file: [file.create_dataset(f"group/{k}", data=ARRAY) for k in range(20)])
    opened(data).find("group/7")
    monkeypatch.setattr(hdf5_reader, "MOST_MEMBERS", 20)
    with pytest.raises(Unreadable, match="damaged"):
        opened(data).find("group/7")
