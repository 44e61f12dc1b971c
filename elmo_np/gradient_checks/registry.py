"""One gradient check, the list of all, and how one is run."""

import difflib
import fnmatch
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from ..errors import UserError
from ..nn.gradcheck import Row, gradcheck
from ..nn.parameter import parameters, zero_grad
from ..runtime.threads import threads
from ..types import Array


class Case(NamedTuple):
    """One point: the loss there, the arrays it depends on, and the gradients that backward gave."""

    loss: Callable[[], float]
    arrays: dict[str, Array]
    grads: dict[str, Array]


Make = Callable[[Generator], Case]

CASES: dict[str, Make] = {}
SCALE = 1.7     # dloss: with 1, a backward that ignores it would look right


def case(name: str) -> Callable[[Make], Make]:
    """List a function that makes a Case under `name`."""
    def add(make: Make) -> Make:
        CASES[name] = make
        return make
    return add


def case_of_output(layer: Any, forward: Callable[[], tuple[Array, Any]], r: Array, **inputs: Array) -> Case:
    """A Case of a layer whose forward returns an output and a cache; r: the gradient of the output."""
    return case_of(layer, lambda: float((forward()[0] * r).sum()),
                   lambda: _named(inputs, layer.backward(r, forward()[1])), inputs)


def case_of_loss(network: Any, forward: Callable[[], tuple[float, Any]], **inputs: Array) -> Case:
    """A Case of a network whose forward returns a loss and a cache."""
    return case_of(network, lambda: SCALE * forward()[0],
                   lambda: _named(inputs, network.backward(SCALE, forward()[1])), inputs)


def _named(inputs: Mapping[str, Array], gradients: Any) -> dict[str, Array]:
    """What a backward returns, by the names of its inputs: an array for one, a tuple for several, None without any."""
    each = [gradients] if len(inputs) == 1 else gradients or ()
    return dict(zip(inputs, each, strict=True))


def case_of(module: object, loss: Callable[[], float], backward: Callable[[], Mapping[str, Array]],
            inputs: Mapping[str, Array]) -> Case:
    """A Case of `inputs` and of every Parameter of `module`.

    backward    one forward and one backward pass -> the gradient of each input, by name
    It runs as in training. A pass before zero_grad shows whether anything of an earlier step is left over. Of the two
    passes after it the second must add to the gradient of the first: half of their sum is compared.
    """
    backward()
    zero_grad(module)
    dinputs = backward()
    backward()
    own = parameters(module)
    return Case(
        loss,
        {**inputs, **{name: p.value for name, p in own.items()}},
        {**dinputs, **{name: p.grad / 2 for name, p in own.items()}})


def run(name: str) -> list[Row]:
    """Check the case `name` on the active backend: one Row per array.

    The gradients are computed as in training; the thousands of losses on one thread, as two small halves take longer.
    """
    made = CASES[name](np.random.default_rng(0))
    with threads(1):
        return gradcheck(*made)


def select(wanted: Sequence[str]) -> list[str]:
    """The cases whose name is or matches one of `wanted`, such as "lstm" or "lstm*", in the order of CASES; without
    any, all. Raises UserError for one that matches none."""
    if not wanted:
        return list(CASES)
    found: set[str] = set()
    for pattern in wanted:
        matching = [name for name in CASES if name == pattern or fnmatch.fnmatchcase(name, pattern)]
        if not matching:
            raise UserError(f"no gradient check is named {pattern!r}: {_nearest(pattern)}, or a pattern such as "
                            "'lstm*'; elmo-np gradcheck --list names them all")
        found.update(matching)
    return [name for name in CASES if name in found]


def _nearest(pattern: str) -> str:
    """What was expected: the names that contain the pattern, else those spelt most like it."""
    inside = [name for name in CASES if pattern.strip("*").lower() in name.lower()]
    similar = difflib.get_close_matches(pattern, CASES, 3, 0.4) or difflib.get_close_matches(pattern, CASES, 1, 0)
    return "expected one such as " + ", ".join(map(repr, (inside or similar)[:3]))


def acts(values: Array, what: str) -> None:
    """Some of `values` are true and some false: the point is on both sides of a branch."""
    if not 0 < np.mean(values) < 1:
        raise AssertionError(f"the point of this gradient check is not on both sides of: {what}")
