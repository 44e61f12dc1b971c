"""A trainable array together with its gradient, and how to find all of them in a model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, TypeVar

import numpy as np

from ..types import Array

Layer = TypeVar("Layer")


class Parameter:
    """value: what the model computes with. grad: d loss / d value, same shape; every `backward` accumulates into it.

    Right after `zero_grad` the array still holds the last step's values: they are cleared when somebody reads `grad`,
    and not at all when a backward pass writes all of it (`accumulators`). So read `p.grad` again after a `zero_grad`.

    rows: the rows of `grad` that may differ from zero since it was last cleared, as a list of id arrays; None means any
    row may. A batch uses some 500 rows of a word embedding of 10,000: whoever clears, measures or applies the gradient
    can skip the others.
    """

    __slots__ = ("_blank", "_grad", "rows", "value")

    def __init__(self, value: Array, *, by_rows: bool = False):
        if value.dtype not in (np.float32, np.float64):
            raise ValueError(f"a Parameter of dtype {value.dtype}: expected float32 or float64")
        # Contiguous and writable: an update of a copy would be lost.
        self.value: Array = np.require(value, requirements=["C", "W"])
        # Unlike zeros_like, zeros takes no memory before it is written.
        self._grad: Array = np.zeros(value.shape, value.dtype)
        # Whether _grad counts as zero, whatever it holds.
        self._blank = False
        self.rows: list[Array] | None = [] if by_rows else None

    @property
    def grad(self) -> Array:
        if self._blank:
            self._grad[...] = 0
            self._blank = False
        return self._grad

    @grad.setter
    def grad(self, array: Array) -> None:
        if array is not self._grad:     # `p.grad += x` ends here with the array itself
            self._grad[...] = array
        self._blank = False

    def nonzero_rows(self) -> Any:
        """An index of the rows of `grad` that may differ from zero: sorted ids, or everything."""
        if self.rows is None:
            return ...          # the only index that an array without axes has too
        if not self.rows:
            return np.empty(0, np.int64)
        return np.unique(np.concatenate(self.rows))

    def zero_grad(self) -> None:
        if self.rows is None:
            self._blank = True
        else:
            self.grad[self.nonzero_rows()] = 0
            self.rows = []

    def shared_copy(self) -> Parameter:
        """A Parameter that shares this value but has its own gradient, so that two threads can accumulate
        independently. `reduce_grad` merges it back."""
        other = Parameter.__new__(Parameter)
        other.value = self.value
        other._grad = np.zeros(self.value.shape, self.value.dtype)
        other._blank = False
        other.rows = None if self.rows is None else []
        return other

    def part(self, rows: slice) -> Parameter:
        """Some rows of this Parameter, sharing their values and their gradient. Take it again after a `zero_grad` or a
        new value. Any row of this one may then have a gradient: `rows` must be None."""
        if self.rows is not None:
            raise ValueError("part of a Parameter that lists its rows: expected rows = None")
        other = Parameter.__new__(Parameter)
        other.value = self.value[rows]
        other._grad = self.grad[rows]
        other._blank = False
        other.rows = None
        return other

    def reduce_grad(self, other: Parameter) -> None:
        """Add the gradient of a `shared_copy` to this one and clear it there."""
        index = other.nonzero_rows()
        self.grad[index] += other.grad[index]
        if self.rows is not None and other.rows is not None:
            self.rows += other.rows
        else:
            self.rows = None
        other.zero_grad()

    def __repr__(self) -> str:
        return f"Parameter{self.value.shape} {self.value.dtype}"


def parameters(module: object, prefix: str = "") -> dict[str, Parameter]:
    """{dotted name: Parameter} of `module` and of the layers it holds, in the order in which they were assigned.

    A layer is anything that has a `backward`. A Parameter that several places share is listed once, under the first
    name; so is a value that several Parameters share.
    """
    first: dict[int, tuple[str, Parameter]] = {}
    for name, p in _places(module, prefix):
        first.setdefault(id(p.value), (name, p))
    return dict(first.values())


def _places(module: object, prefix: str) -> Iterator[tuple[str, Parameter]]:
    """Every place of a Parameter, with its dotted name."""
    for name, child in vars(module).items():
        if isinstance(child, Parameter):
            yield prefix + name, child
        elif isinstance(child, (list, tuple)):
            for k, item in enumerate(child):
                if hasattr(item, "backward"):
                    yield from _places(item, f"{prefix}{name}.{k}.")
        elif hasattr(child, "backward"):
            yield from _places(child, f"{prefix}{name}.")


def load_state_dict(module: object, values: Mapping[str, Array]) -> None:
    """Let `module` compute with the given arrays, which are not copied.

    values  {name in `parameters(module)`: array} for every Parameter, each of the right shape and dtype, C-contiguous
            and writable. Parameters that shared a value share the new one.
    """
    listed = parameters(module)
    new = {id(p.value): values[name] for name, p in listed.items()}
    # All pairs before the first assignment: a Parameter may stand in two places.
    pairs = [(p, new[id(p.value)]) for _, p in _places(module, "")]
    for p, value in pairs:
        p.value = value


def shared_copy(layer: Layer, uses: dict[int, tuple[Parameter, Parameter]]) -> Layer:
    """The same layer for another thread: a copy with the same values and its own gradients.

    uses    {id of a Parameter: (that Parameter, its shared copy)}, extended by this call, so that a Parameter in two
            places has one shared copy in both; `home.reduce_grad(use)` merges its gradient back
    """
    for home in parameters(layer).values():
        if id(home) not in uses:
            uses[id(home)] = home, home.shared_copy()
    return deepcopy(layer, {key: use for key, (_, use) in uses.items()})


def accumulators(parameters: Sequence[Parameter]) -> tuple[list[Array], bool]:
    """The arrays of `grad` for a backward pass that writes every element, and whether it must add to what they hold."""
    add = not all(p._blank for p in parameters)
    # Where others hold something, p.grad clears one that is blank.
    arrays = [p.grad if add else p._grad for p in parameters]
    for p in parameters:
        p._blank = False
    return arrays, add


def sha256(module: object, *texts: str) -> str:
    """Which model it is: the SHA-256, in hexadecimal, of some texts and of the names, shapes and values of all
    Parameters of `module`."""
    digest = hashlib.sha256(" ".join(texts).encode())
    for name, parameter in parameters(module).items():
        value = parameter.value
        digest.update(f"{name} {value.dtype} {value.shape}\n".encode())
        digest.update(value.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def zero_grad(module: object) -> None:
    """Clear the gradient of every Parameter of `module`."""
    for parameter in parameters(module).values():
        parameter.zero_grad()
