"""pickled_tensors: the tensors that a pickle names; nothing in it is executed, and it takes little memory."""

import io
import os
import pickle
import sys

import numpy as np
import pytest

from elmo_np.io import pickled_tensors
from elmo_np.io.pickled_tensors import MOST_STEPS, Object, Storage, Tensor, Unreadable, read, tensors
from tests.memory_helpers import peak
from tests.torch_writer import Call, Global, parameter_of_0_3, pickled, storage, stream, tensor

ARRAY = np.zeros((2, 3), np.float32)


def refused(data):
    with pytest.raises(Unreadable) as error:
        tensors(read(io.BytesIO(data)).value)
    return str(error.value)


def test_a_tensor_is_where_its_values_are():
    found = read(stream({"a": tensor("7", ARRAY)}))
    assert found.value == {"a": Tensor(Storage("torch FloatStorage", "7", 0, 6), 0, (2, 3), (3, 1))}
    assert found.storages == {"7": Storage("torch FloatStorage", "7", 0, 6)}


def test_a_parameter_of_the_oldest_release_is_its_tensor():
    assert tensors(read(stream([parameter_of_0_3("1", ARRAY)])).value) == {
        "0": Tensor(Storage("torch.cuda FloatStorage", "1", 0, 6), 0, (2, 3), (3, 1))}


def test_a_part_of_a_storage_begins_later():
    whole = storage("1", np.zeros(9, np.float32), view=("2", 3, 6))
    assert read(stream(whole)).value == Storage("torch FloatStorage", "1", 3, 6)


def test_the_names_of_a_module_are_dotted_as_in_a_state_dict():
    def module(parameters=None, modules=None):
        state = {"training": True, "_parameters": parameters or {}, "_modules": modules or {}, "_buffers": {}}
        return Call("some.where Net", state=state, new=True)
    inner = module({"weight": tensor("1", ARRAY), "bias": None})
    ordered = Call("collections OrderedDict", [["rnn", inner]])      # as Python 2 pickles it
    found = tensors(read(stream({"model": module(modules=ordered), "epoch": 3})).value)
    assert list(found) == ["model.rnn.weight"]
    assert isinstance(read(stream(inner)).value, Object)


def test_what_the_standard_library_pickles_in_any_protocol_is_read():
    value = {"a": [1, 2.5, None, True, (), (1,), (1, 2, 3, 4), "\u00c5", 2**70, -1], 3: {"b": {}}}
    for protocol in 2, 3, 4, 5:
        assert read(io.BytesIO(pickle.dumps(value, protocol))).value == value
    shared = ["x"]
    assert read(io.BytesIO(pickle.dumps([shared, shared], 2))).value == [["x"], ["x"]]


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("call", [
    (os.mkdir, "made"), (eval, "open('made', 'w')"), (exec, "open('made', 'w')"), (__import__, "antigravity")],
    ids=lambda call: call[0].__name__)
def test_nothing_is_executed(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    for protocol in 2, 4:
        found = read(io.BytesIO(pickle.dumps({"encoder.weight": Hostile(*call)}, protocol))).value
        assert isinstance(found["encoder.weight"], Object)
        assert tensors(found) == {}
    assert list(tmp_path.iterdir()) == []
    assert set(sys.modules) == before


def test_a_name_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "harmful.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    assert isinstance(read(stream(Call("harmful Class", state={}, new=True))).value, Object)


@pytest.mark.parametrize(("data", "message"), [
    (b"", "its pickle is damaged"), (b"\x80\x02", "its pickle is damaged"), (b"\x80\x02.", "its pickle is damaged"),
    (b"\x80\x02(.", "its pickle is damaged"), (b"\x80\x02h\x05.", "its pickle is damaged"),
    (b"\x80\x02}K\x01s.", "its pickle is damaged"), (b"\x80\x02]t.", "its pickle is damaged"),
    (b"\x80\x02K\x01Q.", "its pickle is damaged"), (b"\x80\x02U\xffabc.", "its pickle is damaged"),
    (b"\x80\x02(ios\nsystem\n.", "its pickle has the instruction INST, which PyTorch does not write"),
    (b"\x80\x02\x82\x01.", "its pickle has the instruction EXT1, which PyTorch does not write"),
    (b"\x80\x02" + b"N" * (MOST_STEPS + 2) + b".", "its pickle has more than 524,288 instructions"),
    (b"\x80\x02X\xff\xff\xff\x7f" + b"x" * 99, "its pickle is damaged"),
    (pickled(Call("torch._utils _rebuild_tensor_v2", 1, 0, (1,), (1,))), "its pickle is damaged"),
    (pickled(Call("torch Size", [-1])), "its pickle is damaged"),
    (pickled(Call("torch Size", [2**40])), "its pickle is damaged"),
    (pickled({"x" * 201: ARRAY.size}), "it has a name that is too long"),
    (pickled(Call("torch._utils _rebuild_tensor_v2", storage("1", ARRAY), 0, (1,) * 9, (1,) * 9)),
     "its pickle is damaged")])
def test_what_is_damaged_or_strange_is_refused(data, message):
    assert refused(data).startswith(message)


def test_a_collection_within_itself_and_one_that_is_everywhere_are_visited_once():
    """Twenty lists, each a thousand times in the next, and a list in itself."""
    data = b"\x80\x02]q\x00h\x00a"
    for k in range(1, 20):
        data += b"](" + b"h" + bytes([k - 1]) + (b"h" + bytes([k - 1])) * 999 + b"eq" + bytes([k])
    assert tensors(read(io.BytesIO(data + b".")).value) == {}


def test_objects_deep_within_each_other_are_left():
    deep = tensor("1", ARRAY)
    for _ in range(50):
        deep = {"a": deep}
    assert tensors(read(stream(deep)).value) == {}
    nameless = b"\x80\x02" + b"}X\0\0\0\0" * 20_000 + b"N" + b"s" * 20_000 + b"."
    assert tensors(read(io.BytesIO(nameless)).value) == {}
    many = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    assert tensors(read(io.BytesIO(many)).value) == {}


def test_a_pickle_takes_memory_in_proportion_to_its_length():
    data = b"\x80\x02(" + b"}" * 20_000 + b"t."
    read(io.BytesIO(pickled(1)))
    assert peak(lambda: read(io.BytesIO(data))) < 100 * len(data)
    far = b"\x80\x02Nr\xff\xff\xff\xff."       # a place of the memory that an array would need 32 GB for
    assert peak(lambda: read(io.BytesIO(far))) < 10**6
    huge = b"\x80\x02B\xff\xff\xff\xff" + bytes(1000)
    assert peak(lambda: refused(huge)) < 10**6


def test_a_pickle_is_read_to_its_end_and_no_further():
    file = io.BytesIO(pickled(Global("torch FloatStorage")) + b"rest")
    assert read(file).value.text == "torch FloatStorage"
    assert file.read() == b"rest"
    assert pickled_tensors.LONGEST > 10**6
