"""How files are damaged: any bytes, any values, and a model file's header with its digest made right again."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from elmo_np.io import safetensors_file

DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]
HOSTILE = (0, 1, 2, 3, -1, 255, 10**5, 10**9, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, -(10**30),
           0.5, -0.0, 1e-320, 1e308, float("inf"), float("nan"), True, False, None,
           "", "none", "x", "x" * 10_000, "\0", "\ud800", "\x1b[2J", "a\nb", "../../etc/passwd", "/dev/zero", "nan",
           [], {}, [[]], [0] * 1000, [[1, 2]], DEEP, {"a": {"b": []}})


def hostile(rng: Generator) -> Any:
    return HOSTILE[rng.integers(len(HOSTILE))]


def _range(rng: Generator, data: bytes) -> tuple[int, int]:
    """A piece of the data, mostly a short one."""
    begin = int(rng.integers(len(data) + 1))
    return begin, min(len(data), begin + int(2 ** rng.uniform(0, 12)))


def flipped(rng: Generator, data: bytes) -> bytes:
    bits = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        if bits:
            bits[rng.integers(len(bits))] ^= 1 << int(rng.integers(8))
    return bytes(bits)


def cut(rng: Generator, data: bytes) -> bytes:
    return data[:rng.integers(len(data) + 1)]


def without(rng: Generator, data: bytes) -> bytes:
    begin, end = _range(rng, data)
    return data[:begin] + data[end:]


def doubled(rng: Generator, data: bytes) -> bytes:
    begin, end = _range(rng, data)
    return data[:end] + data[begin:]


def spliced(rng: Generator, data: bytes) -> bytes:
    """A piece of it over another place."""
    begin, end = _range(rng, data)
    to = int(rng.integers(len(data) + 1))
    return (data[:to] + data[begin:end] + data[to + end - begin:])[:len(data)]


def noise(rng: Generator, data: bytes) -> bytes:
    begin, end = _range(rng, data)
    return data[:begin] + rng.bytes(end - begin) + data[end:]


def filled(rng: Generator, data: bytes) -> bytes:
    begin, end = _range(rng, data)
    return data[:begin] + rng.choice([b"\0", b"\xff", b"\n", b"["]) * (end - begin) + data[end:]


def longer(rng: Generator, data: bytes) -> bytes:
    return data + rng.bytes(rng.integers(1, 100))


def other_number(rng: Generator, data: bytes) -> bytes:
    """A number of 1 to 8 bytes changed, as lengths and offsets in headers are."""
    place = int(rng.integers(len(data) + 1))
    size = int(2 ** rng.integers(0, 4))
    value = int(rng.choice([0, 1, 2, 127, 255, 2**16, 2**31, 2**32, 2**48, 2**62])) % 256**size
    return data[:place] + value.to_bytes(size, "little") + data[place + size:]


BYTES: tuple[Callable[[Generator, bytes], bytes], ...] = (
    flipped, cut, without, doubled, spliced, noise, filled, longer, other_number)


def damaged(rng: Generator, data: bytes) -> bytes:
    """Any bytes: the file after one or two accidents."""
    for _ in range(rng.integers(1, 3)):
        data = BYTES[rng.integers(len(BYTES))](rng, data)
    return data


def changed(rng: Generator, value: Any) -> Any:
    """A JSON value with one value in it replaced, removed, renamed or doubled; JSON in a text is changed inside."""
    if isinstance(value, str) and value[:1] in ("{", "[") and rng.random() < 0.8:
        return json.dumps(changed(rng, json.loads(value)))
    if not isinstance(value, (dict, list)) or not value or rng.random() < 0.05:
        return hostile(rng)
    value = value.copy()
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = keys[rng.integers(len(keys))]
    accident = rng.random()
    if accident < 0.8:
        value[key] = changed(rng, value[key])
    elif accident < 0.9:
        del value[key]
    elif isinstance(value, dict):
        value[str(hostile(rng))] = value[key]
    else:
        value.append(value[key])
    return value


def json_changed(rng: Generator, data: bytes) -> bytes:
    return json.dumps(changed(rng, json.loads(data))).encode()


def toml_changed(rng: Generator, data: bytes) -> bytes:
    """Another value, which may be no TOML, for one key."""
    lines = data.decode().split("\n")
    line = int(rng.integers(len(lines)))
    lines[line] = f"{lines[line].partition('=')[0]}= {json.dumps(hostile(rng)).replace('null', 'none')}"
    return "\n".join(lines).encode("utf-8", "replace")


def resealed(rng: Generator, data: bytes) -> bytes:
    """A model file with other contents below a digest that is right: whoever made it meant harm."""
    header, payload = parsed(data)
    accident = rng.integers(4)
    if accident == 0:
        header = changed(rng, header)
    elif accident == 1:
        header["__metadata__"] = changed(rng, header["__metadata__"])
    elif accident == 2:
        payload = damaged(rng, payload)
    elif len(header) > 1:
        header, payload = _other_array(rng, header, payload)
    if isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
        with contextlib.suppress(UnicodeEncodeError):
            header["__metadata__"]["sha256"] = safetensors_file.digest(header, [payload])
    text = json.dumps(header, ensure_ascii=bool(rng.integers(2))).encode("utf-8", "replace")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + payload


def _other_array(rng: Generator, header: dict[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
    """One array removed, or with another shape, dtype or values, in a file that is whole."""
    names = sorted(header.keys() - {"__metadata__"}, key=lambda name: header[name]["data_offsets"])
    chosen = names[rng.integers(len(names))]
    pieces = []
    begin = 0
    for name in names:
        entry = header[name]
        piece = payload[slice(*entry["data_offsets"])]
        if name == chosen:
            entry = {"dtype": str(rng.choice(list(safetensors_file.DTYPES))),
                     "shape": rng.integers(0, 9, rng.integers(0, 5)).tolist()}
            dtype = np.dtype(safetensors_file.DTYPES[entry["dtype"]])
            values = rng.choice([0, 1, -1, 1e30, -1e30, np.inf, np.nan, 127], entry["shape"])
            piece = values.astype(dtype).tobytes()
        pieces.append(piece)
        header[name] = {**entry, "data_offsets": [begin, begin + len(piece)]}
        begin += len(piece)
    if rng.random() < 0.2:
        header[str(hostile(rng))] = header.pop(chosen)
    return header, b"".join(pieces)


def parsed(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the data of a model file, read as simply as can be."""
    n = int.from_bytes(data[:8], "little")
    return json.loads(data[8:8 + n]), data[8 + n:]


def arrays(data: bytes) -> dict[str, bytes]:
    """The bytes of each array of a model file."""
    header, payload = parsed(data)
    return {name: payload[slice(*entry["data_offsets"])] for name, entry in header.items() if name != "__metadata__"}


def same(found: dict[str, np.ndarray], data: bytes) -> bool:
    """Whether arrays hold the numbers of a model file."""
    expected = arrays(data)
    return all(array.tobytes() == expected[name] for name, array in found.items())
