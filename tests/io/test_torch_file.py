"""torch_file: the tensors in files that PyTorch wrote, and in both containers as any release of it writes them."""

import zipfile

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io.torch_file import TorchFile, is_torch
from tests.models_of_others import TORCH
from tests.torch_writer import Call, legacy, parameter_of_0_3, storage, strides, tensor, zipped

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1.5, -2]), "c": np.array([3], np.float16)}


def value(is_legacy=True, arrays=ARRAYS):
    return {name: tensor(name, array, is_legacy) for name, array in arrays.items()}


def check(path, arrays=ARRAYS):
    with TorchFile(path) as file:
        assert set(file.tensors) == set(arrays)
        for name, array in arrays.items():
            file.expect(name, array.shape)
            np.testing.assert_array_equal(file.take(name), array)
        file.expect_room()


def refused(path, name="a"):
    with pytest.raises(UserError) as error, TorchFile(path) as file:
        file.take(name)
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(path), "IT")


def test_both_containers_hold_what_was_saved(tmp_path):
    check(legacy(tmp_path / "a", value(), ARRAYS))
    check(zipped(tmp_path / "b", value(is_legacy=False), ARRAYS))


@pytest.mark.parametrize("path", sorted(TORCH.glob("*.pt")), ids=lambda path: path.stem)
def test_a_file_of_pytorch_is_recognised_and_has_its_tensors(path):
    with open(path, "rb") as file:
        assert is_torch(file, path)
    with TorchFile(path) as file:
        assert len(file.tensors) == 11
        assert str(file.find("encoder.weight")) == "float32(12, 5)"
        for name in file.tensors:
            assert np.abs(file.take(name)).max() < 5


def test_other_files_are_not_recognised(tmp_path):
    np.savez(tmp_path / "a.npz", np.zeros(3))
    (tmp_path / "b").write_bytes(b"\x80\x02.")
    for name in "a.npz", "b":
        with open(tmp_path / name, "rb") as file:
            assert not is_torch(file, name)
    assert refused(tmp_path / "a.npz") == "IT: it is not an archive of torch.save: expected one data.pkl in it"
    assert refused(tmp_path / "b").startswith("IT: its pickle is damaged")
    assert refused(tmp_path / "none").startswith("cannot read IT: No such file or directory")


def test_parameters_of_the_oldest_release_and_parts_of_storages_are_read(tmp_path):
    whole = np.arange(9, dtype=np.float32)
    part = storage("w", whole, view=("v", 3, 6))
    saved = {"a": Call("torch._utils _rebuild_tensor", part, 2, (2, 2), (2, 1)),
             "b": parameter_of_0_3("p", ARRAYS["a"])}
    path = legacy(tmp_path / "a", saved, {"w": whole, "p": ARRAYS["a"]})
    check(path, {"a": np.array([[5, 6], [7, 8]], np.float32), "b": ARRAYS["a"]})


def test_tensors_of_integers_are_told_from_weights(tmp_path):
    arrays = {"a": np.arange(3)}
    with TorchFile(legacy(tmp_path / "a", value(arrays=arrays), arrays)) as file, \
            pytest.raises(UserError, match=r"found Long values of shape \(3,\) for a, expected float32\(3,\)"):
        file.expect("a", (3,))


def changed(**changes):
    """A tensor with other fields than its array has."""
    array = ARRAYS["a"]
    fields = {"begin": 0, "shape": array.shape, "strides": strides(array), "storage": storage("a", array), **changes}
    return {"a": Call("torch._utils _rebuild_tensor", fields["storage"], fields["begin"], fields["shape"],
                      fields["strides"])}


@pytest.mark.parametrize(("saved", "message"), [
    (changed(begin=1), "the values of a are not all in it"),
    (changed(shape=(2, 4), strides=(4, 1)), "the values of a are not all in it"),
    (changed(shape=(3, 2), strides=(1, 3)), "a is a transposed or repeated view"),
    (changed(shape=(9, 3), strides=(0, 1)), "a is a transposed or repeated view"),
    (changed(strides=(3,)), "a is a transposed or repeated view"),
    (changed(storage=storage("a", np.zeros(7, np.float32))), "the values of a are not all in it"),
    (changed(storage=storage("z", ARRAYS["a"])), "it has values that its pickle does not name"),
    (changed(storage=storage("a", ARRAYS["a"], view=("v", 2, 6))), "the values of a are not all in it")])
def test_a_tensor_outside_its_storage_is_refused(tmp_path, saved, message):
    path = legacy(tmp_path / "a", saved, {"a": ARRAYS["a"]})
    assert refused(path).startswith(f"IT: {message}")


def test_damage_of_a_container_is_named(tmp_path):
    whole = legacy(tmp_path / "a", value(), ARRAYS).read_bytes()
    (tmp_path / "a").write_bytes(whole[:-1])
    assert refused(tmp_path / "a") == "IT: it ends too early: it is damaged; copy it again"
    legacy(tmp_path / "a", value(), {}, keys=[])
    assert refused(tmp_path / "a") == "IT: the values of a are not in it"
    arrays = {"a": np.zeros(3, np.complex64)}
    odd = {"a": Call("torch._utils _rebuild_tensor", storage("a", ARRAYS["a"]), 0, (), ())}
    odd["a"].arguments[0].fields = ("storage", "ComplexFloatStorage", "a", "cpu", 3, None)
    assert refused(legacy(tmp_path / "a", odd, arrays)).startswith("IT: values of the type '', expected float32")
    assert "big-endian" in refused(legacy(tmp_path / "a", value(), ARRAYS, little=False))


def test_an_archive_that_is_not_as_torch_save_writes_it_is_refused(tmp_path):
    saved = value(is_legacy=False)
    packed = zipped(tmp_path / "a", saved, ARRAYS, zipfile.ZIP_DEFLATED)
    assert refused(packed).startswith("IT: the values of a are not in it, or compressed: expected a file as torch.save")
    assert refused(zipped(tmp_path / "a", saved, {"b": ARRAYS["b"]})).startswith("IT: the values of a are not in it")
    assert refused(zipped(tmp_path / "a", saved, ARRAYS, order=b"big")).startswith("IT: it is of a big-endian computer")
    path = zipped(tmp_path / "a", saved, ARRAYS)
    path.write_bytes(path.read_bytes().replace(ARRAYS["a"].tobytes(), ARRAYS["a"][::-1].tobytes()))
    assert refused(path) == "IT is a damaged zip archive: expected a whole one; copy it again"
    short = {**ARRAYS, "a": ARRAYS["a"][:1]}
    assert refused(zipped(tmp_path / "a", saved, short)).startswith("IT: the values of a are not all in it")


def test_values_that_are_not_finite_are_refused(tmp_path):
    arrays = {"a": np.array([1, np.nan], np.float32)}
    assert refused(legacy(tmp_path / "a", value(arrays=arrays), arrays)).startswith("IT: a holds a value that is not f")
