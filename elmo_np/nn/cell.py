"""What a recurrent layer owes the package. No other module knows one kind of cell: each asks the methods below.

A new kind is a subclass of `Cell` and a line in elmo_np/config/cells.py; tutorial 17 makes one.
Dimensions: T steps, B sequences, D inputs, H cells, P outputs. Arrays are time-major: x[t] is (B, D).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..config.cells import CELLS
from ..config.schema import BiLMConfig
from ..types import Array
from .checks import check_array
from .parameter import Parameter

State = tuple[Array, ...]       # (B, its width) each, in the order of Cell.STATE


class Cell(ABC):
    """One recurrent layer.

    STATE   the names of the arrays that go from step to step, the output h first; files on disk have them
    Wx      the weights of the input, (D, ..)
    Wh      those of the state, (P, ..), in a cell for which config/cells.py lists weight_drop
    """

    STATE: ClassVar[tuple[str, ...]]
    Wx: Parameter
    Wh: Parameter

    @classmethod
    @abstractmethod
    def of_config(cls, config: BiLMConfig, D: int, *, rng: Generator | None, dtype: DTypeLike) -> Cell:
        """A layer of the sizes in `config` that reads D inputs; rng None: allocate without drawing."""

    @staticmethod
    @abstractmethod
    def shapes(config: BiLMConfig, D: int) -> dict[str, tuple[int, ...]]:
        """Its arrays of two axes by name: a file is compared with them before anything is allocated."""

    @abstractmethod
    def forward(
        self, x: Array, state: State | None = None, lengths: Array | None = None,
    ) -> tuple[Array, State, Any]:
        """x (T, B, D), state or None for zeros, lengths (B,) or None for T each
        -> outputs (T, B, P), zero past a sequence's end; the state after each sequence's last step; cache."""

    @abstractmethod
    def forward_inference(
        self, x: Array, state: State | None = None, lengths: Array | None = None,
    ) -> tuple[Array, State]:
        """`forward` without a cache. In the kernel a row does not depend on the other rows, bit for bit."""

    @abstractmethod
    def backward(self, dy: Array, cache: Any, dstate: State | None = None) -> tuple[Array, State]:
        """dy (T, B, P), dstate: gradient of the final state or None for zeros
        -> dx (T, B, D), gradient of the initial state; accumulates into every Parameter.grad."""

    @abstractmethod
    def zero_state(self, B: int) -> State:
        """The state before the first word of B sequences."""

    def checked(self, x: Array, state: State | None, lengths: Array | None) -> tuple[Array, State, Array]:
        """The arguments of `forward` as a kernel may read them. Raises ValueError for other shapes or dtypes."""
        name = type(self).__name__
        D = len(self.Wx.value)
        check_array(f"{name} input", x, (*x.shape[:2], D), self.Wx.value.dtype)
        T, B, _ = x.shape
        state = self.checked_state("state", state, B)
        return np.ascontiguousarray(x), state, _checked_lengths(name, lengths, T, B)

    def checked_state(self, what: str, state: State | None, B: int) -> State:
        """The state, or zeros for None, with the right shapes and dtype, and contiguous for the kernels."""
        zeros = self.zero_state(B)
        for name, s, zero in zip(self.STATE, state or (), zeros, strict=False):
            check_array(f"{type(self).__name__} {what} {name}", s, zero.shape, zero.dtype)
        return tuple(np.ascontiguousarray(s) for s in state or zeros)


def cell_class(name: str) -> type[Cell]:
    """The class of the cells that `model.cell` calls `name`."""
    layer = CELLS[name].layer
    if isinstance(layer, str):
        module, _, attribute = layer.rpartition(".")
        layer = getattr(import_module(module), attribute)
    found: type[Cell] = layer
    return found


def masked(y: Array, lengths: Array) -> Array:
    """Outputs (T, B, P) with zeros past each sequence's end."""
    T = len(y)
    if not (lengths < T).any():
        return y
    live = np.arange(T)[:, None, None] < lengths[:, None]
    return np.where(live, y, 0)


def _checked_lengths(name: str, lengths: Array | None, T: int, B: int) -> Array:
    if lengths is None:
        return np.full(B, T, np.int64)
    lengths = np.asarray(lengths)
    whole = lengths.shape == (B,) and lengths.dtype.kind in "iu"
    if not whole or ((lengths < 0) | (lengths > T)).any():
        raise ValueError(
            f"{name} lengths are {lengths}, expected {B} whole numbers from 0 to {T}")
    return np.ascontiguousarray(lengths, np.int64)
