"""hdf5: what a stranger's file claims is held against what it has."""

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")

from elmo_np.errors import UserError  # noqa: E402
from elmo_np.io.hdf5 import Weights  # noqa: E402

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
    (ARRAY.astype(np.int32), "int32(2, 3)"), (ARRAY.astype(complex), "complex128(2, 3)"), (b"text", "object()"),
    (h5py.Empty("f4"), "float32None"), (np.array([[1, 2, 3], [4, 5, 6]], [("x", "f4")]), "[('x', '<f4')](2, 3)"),
])
def test_other_things_than_numbers_with_a_point_are_named(made, data, found):
    assert f"found {found} for a/b" in refused(made(lambda file: file.create_dataset("a/b", data=data)))


def test_a_group_in_the_place_of_an_array_is_nothing(made):
    assert "found nothing for a/b" in refused(made(lambda file: file.create_group("a/b")))


def test_a_link_out_of_the_file_is_not_followed(made, tmp_path):
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["b"] = ARRAY
    for link in h5py.ExternalLink("other.hdf5", "b"), h5py.SoftLink("/c"):
        def fill(file, link=link):
            file["c"] = ARRAY
            file.create_group("a")["b"] = link
        assert "a/b links elsewhere: expected the values in the file itself" in refused(made(fill))


def test_numbers_in_another_file_are_not_read(made, tmp_path):
    (tmp_path / "raw").write_bytes(ARRAY.tobytes())
    outside = made(lambda file: file.create_dataset("a/b", (2, 3), "f4", external=[(str(tmp_path / "raw"), 0, 24)]))
    assert "the values of a/b are not in the file" in refused(outside)

    def virtual(file):
        layout = h5py.VirtualLayout((2, 3), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.hdf5"), "b", (2, 3))
        file.create_virtual_dataset("a/b", layout)
    assert "the values of a/b are not in the file" in refused(made(virtual))


def test_an_array_that_nobody_wrote_is_refused_before_memory_is_taken(made):
    shape = (1 << 20, 1 << 25)          # 128 TB
    weights = made(lambda file: file.create_dataset("a/b", shape, "f4", chunks=(1, 1 << 10)))
    assert "the values of a/b are not in the file" in refused(weights, shape=shape)


def test_an_array_of_which_little_was_written_is_refused_before_memory_is_taken(made):
    shape = (1 << 20, 1 << 25)

    def fill(file):
        file.create_dataset("a/b", shape, "f4", chunks=(1, 1 << 10))[0, :1 << 10] = 1
    weights = made(fill)
    weights.expect("a/b", shape)
    with pytest.raises(UserError, match="bytes but claims arrays of 140737488355328: expected a file of weights"):
        weights.expect_room()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_refused(made, bad):
    weights = made(lambda file: file.create_dataset("a/b", data=np.where(ARRAY == 4, bad, ARRAY)))
    weights.expect("a/b", (2, 3))
    with pytest.raises(UserError, match="a/b holds a value that is not finite"):
        weights.take("a/b")


def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path):
    (tmp_path / "weights.hdf5").write_text("no HDF5\n" * 100)
    with pytest.raises(UserError, match=r"cannot read .*weights.hdf5: .*; expected a whole HDF5 file of weights"):
        Weights(tmp_path / "weights.hdf5")
