"""A point of a gradient check, the list of all, and how one is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..nn.gradcheck import Row, gradcheck
from ..nn.parameter import parameters
from ..types import Array


class Case(NamedTuple):
    """One point: the loss there, what it depends on, and the gradients that backward gave."""

    loss: Callable[[], float]
    arrays: dict[str, Array]
    grads: dict[str, Array]


CASES: dict[str, Callable[[np.random.Generator], Case]] = {}


def case(name: str) -> Callable[[Callable[[np.random.Generator], Case]], Callable[[np.random.Generator], Case]]:
    """List a function that makes a Case under `name`."""
    def add(make: Callable[[np.random.Generator], Case]) -> Callable[[np.random.Generator], Case]:
        CASES[name] = make
        return make
    return add


def run(name: str) -> list[Row]:
    """Check the case `name` on the backend that is active: a Row an array."""
    made = CASES[name](np.random.default_rng(0))
    return gradcheck(*made)


def acts(values: Array, what: str) -> None:
    """Some of `values` are true and some false: the point is on both sides of a branch."""
    if not 0 < np.mean(values) < 1:
        raise AssertionError(f"the point of this gradient check is not on both sides of: {what}")


def case_of(module: object, loss: Callable[[], float], inputs: dict[str, tuple[Array, Array]]) -> Case:
    """A Case of every Parameter of `module` and of `inputs`, {name: (array, its gradient)}."""
    own = {name: (p.value, p.grad) for name, p in parameters(module).items()}
    both = {**inputs, **own}
    return Case(loss, {name: pair[0] for name, pair in both.items()}, {name: pair[1] for name, pair in both.items()})
