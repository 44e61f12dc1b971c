"""A trainable array together with its gradient, and how to find all of them in a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Parameter:
    """value: what the model computes with. grad: d loss / d value, same shape, added to by every `backward`.

    rows: the rows of `grad` that may differ from zero since it was last cleared, as a list of id arrays; None means any
    row may. A word embedding of 10,000 rows sees some 500 of them in a batch: whoever clears, measures or applies the
    gradient can leave the others alone.
    """

    __slots__ = ("grad", "rows", "value")

    def __init__(self, value: Array, *, by_rows: bool = False):
        if value.dtype not in (np.float32, np.float64):
            raise ValueError(f"a Parameter of dtype {value.dtype}: expected float32 or float64")
        self.value: Array = np.require(value, requirements=["C", "W"])     # an update of a copy would be lost
        self.grad: Array = np.zeros_like(value)
        self.rows: list[Array] | None = [] if by_rows else None

    def touched(self) -> Any:
        """An index of the rows of `grad` that may differ from zero: sorted ids, or everything."""
        if self.rows is None:
            return ...          # an array without axes too has no other index
        return np.unique(np.concatenate(self.rows)) if self.rows else np.empty(0, np.int64)

    def zero_grad(self) -> None:
        self.grad[self.touched()] = 0
        if self.rows is not None:
            self.rows = []

    def second_use(self) -> Parameter:
        """The same value with a gradient of its own: what two threads can add to at once. `collect` brings it home."""
        other = Parameter.__new__(Parameter)
        other.value, other.grad = self.value, np.zeros_like(self.grad)
        other.rows = None if self.rows is None else []
        return other

    def collect(self, other: Parameter) -> None:
        """Add the gradient of a `second_use` to this one and clear it there."""
        index = other.touched()
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

    A layer is what has a `backward`. A Parameter shared by two places is listed once, under the first name; so is one
    value that two Parameters share.
    """
    found: dict[str, Parameter] = {}
    _collect(module, prefix, found, set())
    return found


def _collect(module: object, prefix: str, found: dict[str, Parameter], seen: set[int]) -> None:
    for name, child in vars(module).items():
        if isinstance(child, Parameter):
            if id(child.value) not in seen:
                seen.add(id(child.value))
                found[prefix + name] = child
        elif isinstance(child, (list, tuple)):
            for k, item in enumerate(child):
                if hasattr(item, "backward"):
                    _collect(item, f"{prefix}{name}.{k}.", found, seen)
        elif hasattr(child, "backward"):
            _collect(child, f"{prefix}{name}.", found, seen)


def zero_grad(module: object) -> None:
    """Clear the gradient of every Parameter of `module`."""
    for parameter in parameters(module).values():
        parameter.zero_grad()
