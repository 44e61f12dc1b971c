"""checkpoint: what was saved comes back, and nothing else ever does."""

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo_np.errors import UserError
from elmo_np.io.safetensors_file import FORMAT, METADATA, Array, digest, load, save
from tests.memory_helpers import peak

NAMES = ["float32", "float64", "int32", "int64", "uint8", "bool"]
SHAPES = [(), (0, 3), (1,), (5,), (2, 3, 4)]
TEXTS = {"config": '{"layers":1}', "ü": "é\n"}
quick = settings(derandomize=True, deadline=None, max_examples=300)


def samples() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    drawn = {(name, i): rng.standard_normal(shape) * 3 for name in NAMES for i, shape in enumerate(SHAPES)}
    return {f"{name}.{i}": np.asarray(array).astype(name) for (name, i), array in drawn.items()}


def write(path: Path, header: object, payload: bytes = b"") -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + payload)


def signed(header: dict[str, Any], payload: bytes) -> dict[str, Any]:
    """A header with the format and a digest that fits: what somebody could write on purpose."""
    header = {METADATA: {"format": FORMAT}, **header}
    header[METADATA]["sha256"] = digest(header, [payload])
    return header


def entry(shape: object = (2,), offsets: object = (0, 8), dtype: object = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("mmap", [False, True])
def test_every_dtype_and_shape_comes_back_bit_for_bit(path: Path, mmap: bool) -> None:
    tensors = samples()
    tensors["special"] = np.array([np.nan, np.inf, -0.0], np.float32)
    save(path, tensors, TEXTS)
    loaded, metadata = load(path, mmap=mmap)
    assert metadata == TEXTS
    assert loaded.keys() == tensors.keys()
    for name, array in tensors.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].shape == array.shape
        assert loaded[name].tobytes() == array.tobytes()
        assert loaded[name].flags.writeable
        assert loaded[name].flags.aligned
        assert loaded[name].flags.c_contiguous


def test_a_header_of_empty_lists_takes_little_memory(path: Path) -> None:
    write(path, b'{"a":[' + b"[]," * 3_000_000 + b"0]}")

    def refused() -> None:
        with pytest.raises(UserError, match="is damaged: its header is not valid JSON"):
            load(path)
    assert peak(refused) < 3 * path.stat().st_size      # its bytes, its text, and what is outside of strings


def test_a_model_without_arrays_or_text_comes_back(path: Path) -> None:
    save(path, {}, {})
    assert load(path) == load(path, mmap=True) == ({}, {})


def test_order_strides_and_byte_order_do_not_show_in_the_file(path: Path) -> None:
    tensors = samples()
    save(path, tensors, TEXTS)
    first = path.read_bytes()
    big = {name: np.array(a, a.dtype.newbyteorder(">"), order="F") for name, a in reversed(tensors.items())}
    save(path, big, dict(reversed(TEXTS.items())))
    assert path.read_bytes() == first


def test_saving_leaves_the_arrays_alone(path: Path) -> None:
    tensors = samples()
    for array in tensors.values():
        array.setflags(write=False)
    save(path, tensors, {})
    load(path)[0]["float32.3"][:] = 7
    assert all(array.tobytes() == samples()[name].tobytes() for name, array in tensors.items())


def test_the_safetensors_package_reads_the_file(path: Path) -> None:
    save(path, samples(), TEXTS)
    theirs = safetensors.numpy.load_file(path)
    assert {name: a.tobytes() for name, a in theirs.items()} == {name: a.tobytes() for name, a in samples().items()}
    with safetensors.safe_open(path, "np") as file:
        assert file.metadata()["ü"] == TEXTS["ü"]
        assert file.metadata()["format"] == FORMAT


def test_a_file_of_the_safetensors_package_is_read_once_it_has_format_and_digest(path: Path) -> None:
    safetensors.numpy.save_file(samples(), path, {"format": FORMAT, "by": "them"})
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    code = digest(json.loads(data[8:start]), [data[start:]])
    safetensors.numpy.save_file(samples(), path, {"format": FORMAT, "by": "them", "sha256": code})
    tensors, metadata = load(path)
    assert metadata == {"by": "them"}
    assert {name: a.tobytes() for name, a in tensors.items()} == {name: a.tobytes() for name, a in samples().items()}


def test_a_foreign_safetensors_file_is_not_called_damaged(path: Path) -> None:
    safetensors.numpy.save_file(samples(), path)
    with pytest.raises(UserError, match="is not an elmo_np model file"):
        load(path)


def test_a_file_of_a_later_version_names_its_format(path: Path) -> None:
    write(path, {METADATA: {"format": "elmo_np 2"}})
    with pytest.raises(UserError, match="'elmo_np 2', expected 'elmo_np 1'"):
        load(path)


def test_every_changed_byte_is_noticed(path: Path) -> None:
    save(path, {"W": np.array([1, 2], np.float32), "m": np.array([True])}, {"a": "b"})
    data = bytearray(path.read_bytes())
    for i in range(len(data)):
        kept = data[i]
        for value in {kept ^ 1, kept ^ 4, kept ^ 32, kept ^ 128, kept ^ 255, *b'\t\n 09-."[{,'} - {kept}:
            data[i] = value
            path.write_bytes(data)
            with pytest.raises(UserError):
                load(path)
        data[i] = kept
    path.write_bytes(data)
    load(path)


def test_every_truncation_and_extension_is_called_damage(path: Path) -> None:
    save(path, {"W": np.array([1, 2], np.float32)}, {"a": "b"})
    data = path.read_bytes()
    for wrong in [*(data[:n] for n in range(len(data))), data + b"\0", data + data]:
        path.write_bytes(wrong)
        for mmap in (False, True):
            with pytest.raises(UserError, match=r"^[^\n]*model.safetensors is damaged: [^\n]*train again$"):
                load(path, mmap=mmap)


@quick
@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_raise_nothing_but_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, sized: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "random"
    path.write_bytes(len(data).to_bytes(8, "little") * sized + data)
    with pytest.raises(UserError):
        load(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["F32", "U8"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", METADATA, "format"]), inner, max_size=4),
    max_leaves=8,
)


@quick
@given(st.dictionaries(st.sampled_from(["W", "b", METADATA]), json_values), st.binary(max_size=16))
def test_random_headers_raise_nothing_but_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, header: dict[str, Any], payload: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "random"
    write(path, header, payload)
    with pytest.raises(UserError):
        load(path)


GOOD = bytes(8)


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ({"W": entry(dtype="F16")}, GOOD),
        ({"W": entry(dtype=["F32"])}, GOOD),
        ({"W": entry(shape=[-2])}, GOOD),
        ({"W": entry(shape=[2.0])}, GOOD),
        ({"W": entry(shape=[True, 2])}, GOOD),
        ({"W": entry(shape="2")}, GOOD),
        ({"W": entry(shape=[1] * 65 + [2])}, GOOD),
        ({"W": entry(shape=[2**62, 2**62])}, GOOD),
        ({"W": entry(shape=[2**61, 8])}, GOOD),
        ({"W": entry(shape=[0, 2**62, 2**62], offsets=[0, 0])}, b""),
        ({"W": entry(shape=[3])}, GOOD),
        ({"W": entry(offsets=[8, 0])}, GOOD),
        ({"W": entry(offsets=[-8, 0])}, GOOD),
        ({"W": entry(offsets=[0, 8, 16])}, GOOD),
        ({"W": entry(offsets=[4, 12])}, bytes(12)),
        ({"W": entry()}, bytes(12)),
        ({"W": entry(), "b": entry()}, GOOD),
        ({"W": entry(), "b": entry(offsets=[4, 12])}, bytes(12)),
        ({"W": {**entry(), "more": 1}}, GOOD),
        ({"W": []}, GOOD),
        ({METADATA: {"format": FORMAT, "n": 1}}, b""),
        ({"\ud800": entry()}, GOOD),
    ],
)
def test_a_header_that_lies_is_called_damage_even_with_a_format_and_a_digest(
    path: Path, header: dict[str, Any], payload: bytes
) -> None:
    try:
        write(path, signed(header, payload), payload)
    except UnicodeEncodeError:
        write(path, {**header, METADATA: {"format": FORMAT, "sha256": "0" * 64}}, payload)
    with pytest.raises(UserError, match="is damaged"):
        load(path)


def test_an_honest_header_of_the_same_kind_is_read(path: Path) -> None:
    write(path, signed({"W": entry()}, GOOD), GOOD)
    assert load(path)[0]["W"].shape == (2,)


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000 + b"}", b'{"a":1,"a":1}', b"{\xff}", b"{NaN}",
                                  b'{"a":' + b"9" * 5000 + b"}", b"{}\n", b"[]", b""])
def test_a_header_that_is_no_plain_json_object_is_called_damage(path: Path, text: bytes) -> None:
    write(path, text)
    with pytest.raises(UserError, match=r"is damaged|is not an elmo_np"):
        load(path)


def test_a_claim_of_a_huge_size_takes_no_memory(path: Path) -> None:
    tracemalloc.start()
    try:
        for length in (2**63, 2**40, 99_999_999):
            path.write_bytes(length.to_bytes(8, "little") + b"{}")
            with pytest.raises(UserError, match="claims"):
                load(path)
        write(path, signed({"W": entry(shape=[2**40], offsets=[0, 2**42])}, GOOD), GOOD)
        with pytest.raises(UserError, match="is damaged"):
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_reading_takes_the_memory_of_the_arrays_once_and_a_map_takes_none(path: Path) -> None:
    save(path, {"W": np.ones(1_000_000, np.float32)}, {})
    for mmap, most in ((False, 4_500_000), (True, 500_000)):
        tracemalloc.start()
        try:
            load(path, mmap=mmap)
            assert tracemalloc.get_traced_memory()[1] < most
        finally:
            tracemalloc.stop()


def test_a_save_that_is_stopped_before_the_replacement_leaves_the_old_model(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*names: object) -> None:
        raise KeyboardInterrupt

    save(path, {"W": np.zeros(3)}, {})
    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        save(path, {"W": np.ones(3)}, {})
    assert not load(path)[0]["W"].any()
    assert os.listdir(path.parent) == [path.name]


def test_a_map_still_holds_the_old_arrays_after_the_file_is_replaced(path: Path) -> None:
    save(path, {"W": np.zeros(3)}, {})
    old = load(path, mmap=True)[0]["W"]
    save(path, {"W": np.ones(3)}, {})
    assert not old.any()


def test_what_is_written_to_a_map_stays_out_of_the_file(path: Path) -> None:
    save(path, {"W": np.zeros(3)}, {})
    before = path.read_bytes()
    mapped = load(path, mmap=True)[0]["W"]
    mapped += 1
    np.testing.assert_array_equal(mapped, np.ones(3))
    assert path.read_bytes() == before
    assert not load(path, mmap=True)[0]["W"].any()


def test_joblib_sends_the_values_of_a_mapped_array_and_not_the_name_of_its_file(path: Path) -> None:
    save(path, {"W": np.zeros(4, np.float32)}, {})
    array: Any = load(path, mmap=True)[0]["W"]
    array[:] = 1            # what joblib would not see in the file; it knows such an array by an np.memmap below it
    while array is not None:
        assert not isinstance(array, np.memmap)
        array = getattr(array, "base", None)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere.safetensors", tmp_path):
        with pytest.raises(UserError, match=r"^cannot read [^\n]*; expected an elmo_np model file: check the path$"):
            load(place)


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"W": np.zeros(2, np.float16)}, {}, "dtype float16, expected one of float32"),
        ({"W": np.array(["a"])}, {}, "dtype <U1"),
        ({"W": np.array([None])}, {}, "dtype object"),
        ({METADATA: np.zeros(2)}, {}, "__metadata__"),
        ({}, {"sha256": "0"}, "sha256"),
        ({}, {"format": "mine"}, "format"),
        ({}, {"n": 1}, "is not text"),
        ({}, {"name": "\udc80"}, "not Unicode"),
        ({"\udc80": np.zeros(2)}, {}, "not Unicode"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_before_anything_is_written(
    path: Path, tensors: Any, metadata: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        save(path, tensors, metadata)
    assert os.listdir(path.parent) == []


def test_the_header_is_padded_so_that_the_data_are_aligned(path: Path) -> None:
    for name in ("a", "ab", "abc", "abcdefgh"):
        save(path, {name: np.zeros(1)}, {})
        assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0
