"""Files of torch.save without PyTorch: what any release of it wrote, and what nobody but an attacker writes."""

import io
import pickle
import struct
import zipfile

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
KINDS = {"f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage"}


class Call:
    """The result of calling something by its name, as a pickle describes it."""

    def __init__(self, name, *arguments, state=None, new=False):
        self.name, self.arguments, self.state, self.new = name, arguments, state, new


class Global(str):
    """Something by its name, "module name"."""


class Storage:
    """The persistent id of a storage."""

    def __init__(self, *fields):
        self.fields = fields


def pickled(value):
    """A pickle of protocol 2 that names what need not exist here."""
    return b"\x80\x02" + _code(value) + b"."


def _code(value):
    if isinstance(value, Global):
        return b"c" + value.replace(" ", "\n").encode() + b"\n"
    if isinstance(value, Storage):
        return _code(value.fields) + b"Q"
    if isinstance(value, Call):
        called = _code(Global(value.name)) + _code(value.arguments) + (b"\x81" if value.new else b"R")
        return called if value.state is None else called + _code(value.state) + b"b"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_code, value)) + b"t"
    if isinstance(value, dict):
        return b"}(" + b"".join(_code(key) + _code(item) for key, item in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_code, value)) + b"e"
    return pickle.dumps(value, 2)[2:-1]


def storage(key, array, cuda=False, view=None, legacy=True):
    kind = Global(f"torch{'.cuda' if cuda else ''} {KINDS[array.dtype.str[1:]]}")
    fields = ("storage", kind, key, "cuda:0" if cuda else "cpu", array.size)
    return Storage(*fields, view) if legacy else Storage(*fields)


def strides(array):
    return tuple(n // array.itemsize for n in array.strides)


def tensor(key, array, legacy=True):
    """As releases from 0.4 on describe it."""
    return Call("torch._utils _rebuild_tensor_v2", storage(key, array, legacy=legacy), 0, array.shape, strides(array),
                False, Call("collections OrderedDict"))


def parameter_of_0_3(key, array):
    """As release 0.3 describes a Parameter that a GPU trained."""
    values = Call("torch._utils _rebuild_tensor", storage(key, array, cuda=True), 0, Call("torch Size", array.shape),
                  strides(array))
    return Call("torch.nn.parameter Parameter", values, state=(True, False, Call("collections OrderedDict")), new=True)


def legacy(path, value, arrays, keys=None, little=True):
    """The container of releases before 1.6; arrays by key."""
    sizes = {"protocol_version": PROTOCOL, "little_endian": little, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [*map(pickled, (MAGIC, PROTOCOL, sizes, value, list(arrays) if keys is None else keys))]
    for array in arrays.values():
        parts += [struct.pack("<q", array.size), np.ascontiguousarray(array).tobytes()]
    path.write_bytes(b"".join(parts))
    return path


def zipped(path, value, arrays, method=zipfile.ZIP_STORED, order=b"little"):
    """The container of releases from 1.6 on."""
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("model/data.pkl", pickled(value))
        file.writestr("model/byteorder", order)
        for key, array in arrays.items():
            file.writestr(f"model/data/{key}", np.ascontiguousarray(array).tobytes())
    return path


def stream(value):
    return io.BytesIO(pickled(value))
