"""The tensors that a pickle of PyTorch names, without unpickling it: nothing in it is imported, called or executed.

A pickle is a program for a machine with a stack. Python's unpickler imports what the program names and calls it, so
that a pickle from a stranger can do anything. This machine knows only the instructions that build texts, numbers and
collections; where the program calls something, it looks at the name:

    torch._utils._rebuild_tensor, _rebuild_tensor_v2    a Tensor: where its values are, in a Storage
    torch._utils._rebuild_parameter, torch.nn.parameter.Parameter       the Tensor in it
    collections.OrderedDict, torch.Size                 a dict, a tuple
    anything else                                       an Object: a name, and the attributes that it is given

Source: pickletools, in Python's standard library; torch/serialization.py and torch/_utils.py of PyTorch.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple, cast

LONGEST, MOST_STEPS = 1 << 24, 1 << 19      # bytes and instructions of one pickle; a model has some thousand, a
                                            # vocabulary four per word
DEEPEST, LONGEST_NAME = 40, 200             # objects and dicts within each other; the name of one
MARK = object()
TENSORS = ("torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2")
PARAMETERS = ("torch._utils _rebuild_parameter", "torch.nn.parameter Parameter")


class Unreadable(Exception):
    """Why a pickle cannot be read, and what was expected."""


class Name(NamedTuple):
    """A class or a function, which is not imported: its module and its name."""

    text: str


class Storage(NamedTuple):
    """A file of values."""

    kind: str           # such as "torch FloatStorage"
    key: str
    begin: int          # of a part of it
    size: int           # values


class Tensor(NamedTuple):
    """Values of a storage in rows."""

    storage: Storage
    begin: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Pairs(NamedTuple):
    """An ordered dict as Python 2 writes it."""

    items: Any


class Pickled(NamedTuple):
    """What a pickle describes, and every storage that it names, by key."""

    value: Any
    storages: dict[str, Storage]


class Object:
    """An instance of some class, of which only the attributes are known."""

    def __init__(self) -> None:
        self.attributes: dict[Any, Any] = {}


def read(file: BinaryIO) -> Pickled:
    """The pickle at the place of a file, which is then at its end. Raises Unreadable.

    The value is a Tensor, an Object, a collection, a text or a number.
    """
    machine = _Machine()
    try:
        for step, (instruction, argument, _) in enumerate(pickletools.genops(cast(BinaryIO, _Limited(file)))):
            if step > MOST_STEPS:
                raise Unreadable(f"its pickle has more than {MOST_STEPS:,} instructions, expected those of a model")
            machine.step(instruction.name, argument)
        return Pickled(machine.pop(), machine.storages)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError):
        raise Unreadable("its pickle is damaged; copy it again") from None


def tensors(found: Any) -> dict[str, Tensor]:
    """The tensors of a state dict or of a module, and of those in a collection, by dotted name. Raises Unreadable."""
    return dict(_named(found, (), set()))


def _named(found: Any, path: tuple[str, ...], seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    """Every collection and every object is visited once, wherever the pickle puts it again."""
    if isinstance(found, Tensor):
        yield ".".join(filter(None, path)), found
        return
    if len(path) > DEEPEST or id(found) in seen:
        return
    seen.add(id(found))
    for name, value in _children(found):
        if len(text := str(name)) > LONGEST_NAME:
            raise Unreadable("it has a name that is too long, expected those of a model")
        yield from _named(value, (*path, text), seen)


def _children(found: Any) -> Iterator[tuple[Any, Any]]:
    """The named parts of a collection or a module; a name may be empty."""
    if isinstance(found, Object):
        yield from (("", found.attributes.get(kind)) for kind in ("_parameters", "_modules"))
    elif isinstance(found, dict):
        yield from found.items()
    elif isinstance(found, Pairs) and isinstance(found.items, list):
        yield from (tuple(pair) for pair in found.items if type(pair) in (list, tuple) and len(pair) == 2)
    elif type(found) in (list, tuple):
        yield from enumerate(found)


class _Limited:
    """A file for pickletools, of at most LONGEST bytes from its place on."""

    def __init__(self, file: BinaryIO):
        self._file, self._left = file, LONGEST

    def tell(self) -> int:
        return LONGEST - self._left

    def read(self, size: int) -> bytes:
        return self._counted(self._file.read(min(size, self._left)))

    def readline(self) -> bytes:
        return self._counted(self._file.readline(min(1000, self._left)))

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        return data


class _Machine:
    """The stack, with MARK where a collection begins, and what was remembered."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def step(self, name: str, argument: Any) -> None:
        """Execute one instruction."""
        if name in VALUES:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name]())
        elif name in INSTRUCTIONS:
            INSTRUCTIONS[name](self, argument)
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise Unreadable(f"its pickle has the instruction {name}, which PyTorch does not write")

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is MARK:
            raise ValueError
        return value

    def items(self) -> list[Any]:
        """What was put on the stack since the last mark."""
        place = len(self.stack) - 1
        while self.stack[place] is not MARK:
            place -= 1
            if place < 0:
                raise ValueError
        found = self.stack[place + 1:]
        del self.stack[place:]
        return found

    def name(self, argument: str) -> None:
        self.stack.append(Name(argument))

    def stack_name(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        self.stack.append(Name(f"{module:.1000} {name:.1000}"))

    def put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def memoize(self, _: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    def tuple_of(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.stack.append(tuple(items[::-1]))

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, dict):
            target.update(_pairs(values))

    def call(self, _: None) -> None:
        arguments = self.pop()
        self.stack.append(_called(self.pop(), arguments))

    def build(self, _: None) -> None:
        """Give attributes to an object; those of anything else do not matter."""
        state = self.pop()
        target = self.stack[-1]
        if isinstance(target, Object) and isinstance(state, dict):
            target.attributes = state

    def persistent(self, _: None) -> None:
        """What is not in the pickle itself: a storage, or a class with its source, which stays unread."""
        found = self.pop()
        if found[0] == "storage":
            storage = _storage(*found[1:])
            self.storages[storage.key] = storage
            self.stack.append(storage)
        elif found[0] == "module":
            self.stack.append(found[1])
        else:
            raise ValueError


def _pairs(values: list[Any]) -> dict[Any, Any]:
    """The pairs of a dict whose key is a text or a number. Others, such as tuples, take long to compare."""
    return {key: value for key, value in zip(values[::2], values[1::2], strict=True) if isinstance(key, (str, int))}


def _called(target: Any, arguments: tuple[Any, ...]) -> Any:
    """What a call of a class or of a function stands for."""
    name = target.text if isinstance(target, Name) else ""
    if name in TENSORS:
        storage, begin, shape, strides = arguments[:4]
        if not isinstance(storage, Storage):
            raise ValueError
        return Tensor(storage, _number(begin), _numbers(shape), _numbers(strides))
    if name in PARAMETERS:
        return arguments[0]
    if name == "torch Size":
        return _numbers(arguments[0])
    if name == "collections OrderedDict":
        return Pairs(arguments[0]) if arguments else {}
    return Object()


def _storage(kind: Any, key: Any, _: Any, size: Any, view: Any = None) -> Storage:
    begin = 0
    if view is not None:        # a part of a storage: its key, its place, its size
        _, begin, size = view
    return Storage(kind.text if isinstance(kind, Name) else "", f"{key:.200}", _number(begin), _number(size))


def _numbers(values: Any) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or len(values) > 8:
        raise ValueError
    return tuple(map(_number, values))


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 40:
        raise ValueError
    return value


VALUES = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINSTRING",
          "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "INT", "LONG"}
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_DICT": dict, "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple, "EMPTY_SET": list, "MARK": lambda: MARK}
INSTRUCTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "GLOBAL": _Machine.name, "STACK_GLOBAL": _Machine.stack_name,
    "BINPUT": _Machine.put, "LONG_BINPUT": _Machine.put, "MEMOIZE": _Machine.memoize,
    "BINGET": _Machine.get, "LONG_BINGET": _Machine.get,
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.items())),
    **{f"TUPLE{n}": lambda machine, _, n=n: machine.tuple_of(n) for n in (1, 2, 3)},    # type: ignore[misc]
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.items()),
    "ADDITEMS": lambda machine, _: machine.append(machine.items()),
    "SETITEM": lambda machine, _: machine.set_items([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.items()),
    "REDUCE": _Machine.call, "NEWOBJ": _Machine.call, "BUILD": _Machine.build, "BINPERSID": _Machine.persistent}
