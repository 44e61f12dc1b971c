"""hdf5: what a stranger's file claims is held against what it has."""

import errno
import io

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")

from elmo_np.errors import UserError  # noqa: E402
from elmo_np.io import hdf5  # noqa: E402
from elmo_np.io.hdf5 import CheckedFile, Weights  # noqa: E402
from tests.memory_helpers import peak  # noqa: E402

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def made(tmp_path):
    """A function that writes a file and opens it."""
    opened = []

    def make(fill):
        path = tmp_path / f"weights{len(opened)}.hdf5"
        with h5py.File(path, "w") as file:
            fill(file)
        opened.append(Weights(path))
        return opened[-1]
    yield make
    for weights in opened:
        weights.__exit__()


def refused(weights, name="a/b", shape=(2, 3)):
    with pytest.raises(UserError) as caught:
        weights.expect(name, shape)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_array_comes_as_it_was_written(made):
    weights = made(lambda file: file.create_dataset("a/b", data=ARRAY))
    weights.expect("a/b", (2, 3))
    weights.expect_room()
    np.testing.assert_array_equal(weights.take("a/b"), ARRAY)
    assert weights.has("a/b")
    assert not weights.has("a")
    assert not weights.has("a/b/c")
    assert not weights.has("b")


def test_one_of_several_shapes_is_enough(made):
    weights = made(lambda file: file.create_dataset("a/b", data=ARRAY))
    weights.expect("a/b", (3, 3), (2, 3))
    assert refused(weights, shape=(1, 3)).endswith(
        "found float32(2, 3) for a/b, expected float32(1, 3): are these the weights of that options file?")


@pytest.mark.parametrize(("data", "found"), [
    (ARRAY.astype(np.int32), "integers of shape (2, 3)"), (ARRAY.astype(bool), "enumerations of shape (2, 3)"),
    (ARRAY.astype(complex), "compounds of shape (2, 3)"), (b"text", "lists or texts of shape ()"),
    (np.array([[1, 2, 3], [4, 5, 6]], [("x", "f4")]), "compounds of shape (2, 3)"),
])
def test_other_things_than_numbers_with_a_point_are_named(made, data, found):
    assert f"found {found} for a/b" in refused(made(lambda file: file.create_dataset("a/b", data=data)))


def test_a_group_in_the_place_of_an_array_is_nothing(made):
    assert "found nothing for a/b" in refused(made(lambda file: file.create_group("a/b")))


def test_a_link_is_not_followed(made, tmp_path):
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["b"] = ARRAY
    for link, message in [(h5py.ExternalLink("other.hdf5", "b"), "it is in a newer form of HDF5, expected the oldest"),
                          (h5py.SoftLink("/c"), "a link to elsewhere, expected the values in the file itself")]:
        def fill(file, link=link):
            file["c"] = ARRAY
            file.create_group("a")["b"] = link
        assert f"a/b: {message}" in refused(made(fill))


def test_numbers_in_another_file_are_not_read(made, tmp_path):
    (tmp_path / "raw").write_bytes(ARRAY.tobytes())
    outside = made(lambda file: file.create_dataset("a/b", (2, 3), "f4", external=[(str(tmp_path / "raw"), 0, 24)]))
    assert "a/b: its values are in another file, expected them in this one" in refused(outside)

    def virtual(file):
        layout = h5py.VirtualLayout((2, 3), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.hdf5"), "b", (2, 3))
        file.create_virtual_dataset("a/b", layout)
    assert "a/b: it is in a newer form of HDF5" in refused(made(virtual))


def test_an_array_that_nobody_wrote_is_refused_before_memory_is_taken(made):
    shape = (1 << 20, 1 << 25)          # 128 TB
    assert "its 140737488355328 bytes are not in the file" in refused(
        made(lambda file: file.create_dataset("a/b", shape, "f4")), shape=shape)


@pytest.mark.parametrize("how", [{}, {"compression": "gzip"}])
def test_an_array_of_which_little_was_written_is_refused_before_memory_is_taken(made, how):
    shape = (1 << 20, 1 << 25)

    def fill(file):
        file.create_dataset("a/b", shape, "f4", chunks=(1, 1 << 10), **how)[0, :1 << 10] = 1
    weights = made(fill)
    weights.expect("a/b", shape)
    with pytest.raises(UserError, match=r"bytes but claims arrays of at least 1407374883553\d+: expected a file"):
        weights.expect_room()


def test_an_array_that_compresses_better_than_weights_do_is_refused(made):
    zeros = np.zeros((1000, 1000), np.float32)
    weights = made(lambda file: file.create_dataset("a/b", data=zeros, compression="gzip"))
    weights.expect("a/b", zeros.shape)
    with pytest.raises(UserError, match="bytes but claims arrays of at least 400000: expected a file of weights"):
        weights.expect_room()


@pytest.mark.parametrize(("bad", "dtype"), [
    (np.nan, "f4"), (np.inf, "f2"), (np.inf, "f4"), (-np.inf, "f8"), (1e39, "f8"), (-1e39, "f8")])
def test_a_number_that_is_not_finite_in_float32_is_refused(made, bad, dtype):
    values = np.where(ARRAY == 4, bad, ARRAY.astype(float)).astype(dtype)
    weights = made(lambda file: file.create_dataset("a/b", data=values))
    weights.expect("a/b", (2, 3))
    with pytest.raises(UserError, match="a/b holds a value that is not finite in float32: expected weights"):
        weights.take("a/b")


@pytest.mark.parametrize("how", [{}, {"chunks": (2, 1), "compression": "gzip"}], ids=str)
def test_a_file_with_changed_bytes_is_read_or_refused_in_little_memory(tmp_path, rng, how):
    path, outcomes = tmp_path / "weights.hdf5", set()
    with h5py.File(path, "w") as file:
        file.create_dataset("a/b", data=ARRAY, **how)
    whole = path.read_bytes()

    def read():
        try:
            with Weights(path) as weights:
                weights.expect("a/b", (2, 3))
                weights.expect_room()
                outcomes.add("read" if weights.take("a/b").shape == (2, 3) else "misread")
        except UserError as error:
            outcomes.add("refused in one line" if "\n" not in str(error) else str(error))
    for place in rng.integers(0, len(whole), 500):
        changed = bytearray(whole)
        changed[place:place + 4] = rng.bytes(4)
        path.write_bytes(changed)
        assert peak(read) < 500_000
    assert outcomes == {"read", "refused in one line"}


def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path):
    (tmp_path / "weights.hdf5").write_text("no HDF5\n" * 100)
    with pytest.raises(UserError, match=r"cannot read .*weights.hdf5: .*; expected a whole HDF5 file of weights"):
        Weights(tmp_path / "weights.hdf5")


# Written


class Failing(io.BytesIO):
    """A file of which one call fails, and every later one of the same kind."""

    def __init__(self, at):
        super().__init__()
        self.left = at
        self.broken = set()

    def count(self, kind):
        self.left -= 1
        if self.left == 0:
            self.broken.add(kind)
        if kind in self.broken:
            raise OSError(errno.EIO, "Input/output error")

    def write(self, data):
        self.count("write")
        return super().write(bytes(data)[:1000])        # as a system may write a part only

    def readinto(self, data):
        self.count("read")
        return super().readinto(data)

    def truncate(self, size=None):
        self.count("truncate")
        return super().truncate(size)


def written(raw):
    disk = CheckedFile(raw)
    with h5py.File(disk, "w") as file:
        for k in range(20):
            file.create_dataset(f"group/{k}", data=np.full((20, 30), k, np.float32))
        texts = file.create_dataset("texts", (0,), h5py.string_dtype(), maxshape=(None,), chunks=(4,))
        for k in range(10):
            texts.resize(4 * (k + 1), axis=0)
            texts[-4:] = [b"text"] * 4
    disk.check()


def test_any_failing_call_of_the_disk_is_raised_after_hdf5_has_closed():
    whole = Failing(0)
    written(whole)
    calls = -whole.left
    assert calls > 50
    with h5py.File(whole) as file:
        assert list(file["texts"].asstr()) == ["text"] * 40
        np.testing.assert_array_equal(file["group/7"][...], np.full((20, 30), 7))
    for at in range(1, calls + 1):
        with pytest.raises(OSError, match="Input/output error"):
            written(Failing(at))


def test_what_is_written_after_a_failure_is_read_back():
    raw = Failing(2)
    disk = CheckedFile(raw)
    disk.write(memoryview(b"0123456789"))
    for place, data in (4, b"abc"), (6, b"DE"), (20, b"z"):
        disk.seek(place)
        disk.write(memoryview(data))
    assert disk.seek(0, 2) == 21
    disk.seek(0)
    assert disk.read(21) == b"0123abDE89" + bytes(10) + b"z"
    with pytest.raises(OSError, match="Input/output error"):
        disk.check()


def test_weights_that_cannot_be_written_leave_the_old_file(tmp_path, monkeypatch):
    hdf5.write(tmp_path / "x.hdf5", [("a", ARRAY)])
    before = (tmp_path / "x.hdf5").read_bytes()
    monkeypatch.setattr(hdf5, "CheckedFile", lambda raw: CheckedFile(Failing(3)))
    with pytest.raises(UserError, match=r"^cannot write .*x\.hdf5: Input/output error; expected"):
        hdf5.write(tmp_path / "x.hdf5", [("a", ARRAY), ("b", ARRAY)])
    assert (tmp_path / "x.hdf5").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.hdf5"]
