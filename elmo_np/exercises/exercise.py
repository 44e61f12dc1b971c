"""What an exercise is: a function for the reader to write, a point to judge it at, and the mistakes that people make.

    @exercise("04.1", "A title", returns="dx dy",
              inputs=lambda rng: normal(rng, dz=(2, 3), x=(2, 3), y=(2, 3)),
              expected=slopes(lambda dz, x, y: (x * y * dz).sum()),
              mistakes=[wrong("factor", "dx is dz times y", "dz * y", "dz")])
    def product_backward(dz, x, y):
        \"""The equation, shapes, and what to return.\"""
        return dz * y, dz * x

The function is the solution. The reader gets its first line and its docstring, and writes the rest.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from ..nn.gradcheck import EPSILON, central_difference
from ..types import Array

Arrays = dict[str, Array]
Inputs = Mapping[str, Any]
Oracle = Callable[[Inputs, Sequence[str]], Arrays]
Point = Callable[[Generator], dict[str, Any]]

EXERCISES: dict[str, Exercise] = {}     # "04.1" and so on
KINDS = {
    "sign": "a term has the wrong sign",
    "factor": "a factor is missing, or one too many is there",
    "transpose": "a matrix is transposed, or has to be",
    "missing path": "paths add, and one of them is missing",
    "stale state": "the state of another step is used",
    "mask": "a mask (of a clip, a relu, dropout or padding) is missing or the wrong way round",
    "off by one": "a loop or a slice begins or ends one too early or too late",
    "mean for sum": "a mean is taken for a sum, or a sum for a mean",
    "accumulation": "a result replaces what was there instead of being added to it",
}


class Mistake(NamedTuple):
    """A solution with one mistake in it."""

    kind: str       # one of KINDS
    hint: str       # what is wrong, in words that do not give the answer away
    source: str


class Wrong(NamedTuple):
    """How a mistake changes a solution's source: `old`, which occurs once, becomes `new`."""

    kind: str
    hint: str
    old: str
    new: str


def wrong(kind: str, hint: str, old: str, new: str) -> Wrong:
    return Wrong(kind, hint, old, new)


@dataclass(frozen=True)
class Exercise:
    number: str                     # "04.1": the first of tutorial 04
    title: str
    returns: tuple[str, ...]        # the names of the answers
    points: tuple[Point, ...]       # the inputs at which it is judged
    expected: Oracle
    wrong: tuple[Wrong, ...]
    solution: Callable[..., Any]

    @property
    def name(self) -> str:
        return self.solution.__name__

    @property
    def page(self) -> str:
        return self.number.partition(".")[0]

    @property
    def source(self) -> str:
        """The solution without its decorator."""
        text = textwrap.dedent(inspect.getsource(self.solution))
        return "\n".join(text.splitlines()[_definition(text).lineno - 1:]) + "\n"

    @property
    def stub(self) -> str:
        """The solution's first line and docstring, and nothing below."""
        return f'{self._head}\n    raise NotImplementedError("exercise {self.number}")\n'

    @property
    def _head(self) -> str:
        end = _definition(self.source).body[0].end_lineno
        return "\n".join(self.source.splitlines()[:end])

    def mistakes(self) -> list[Mistake]:
        """The solution with each of the mistakes that the exercise names."""
        head = len(self._head) + 1
        return [Mistake(kind, hint, self.source[:head] + replaced_once(self.source[head:], old, new))
                for kind, hint, old, new in self.wrong]

    def compiled(self, source: str) -> Callable[..., Any]:
        """Another source of the solution as a function; it sees what the solution sees."""
        space = dict(self.solution.__globals__)
        exec(compile(source, f"<{self.number}>", "exec"), space)
        function: Callable[..., Any] = space[self.name]
        return function


def exercise(
    number: str, title: str, *, returns: str, inputs: Point, also: Point | None = None, expected: Oracle,
    mistakes: Sequence[Wrong],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """List the decorated solution as an exercise.

    returns     the names of its results, separated by spaces
    inputs      draws the point: what the solution takes, and what `expected` needs beyond that, by name
    also        draws a second point, where one cannot be on both sides of a branch
    expected    the right answers there: `values` or `slopes`
    """
    def add(solution: Callable[..., Any]) -> Callable[..., Any]:
        points = (inputs,) if also is None else (inputs, also)
        EXERCISES[number] = Exercise(number, title, tuple(returns.split()), points, expected, tuple(mistakes), solution)
        return solution
    return add


def in_order() -> list[Exercise]:
    """All exercises, in the order of the tutorials."""
    return [EXERCISES[number] for number in sorted(EXERCISES)]


def values(oracle: Callable[..., Any]) -> Oracle:
    """The right answers are what a function of the package returns."""
    def expected(inputs: Inputs, returns: Sequence[str]) -> Arrays:
        return named(called(oracle, inputs), returns)
    return expected


def slopes(loss: Callable[..., Any]) -> Oracle:
    """The right answers are central differences of `loss`: of x for an answer dx."""
    def expected(inputs: Inputs, returns: Sequence[str]) -> Arrays:
        point = deepcopy(dict(inputs))

        def slope(x: Array) -> Array:
            flat = x.reshape(-1)
            found = [central_difference(lambda: float(called(loss, point)), flat, k, EPSILON) for k in range(x.size)]
            return np.array(found).reshape(x.shape)
        return {name: slope(point[name.removeprefix("d")]) for name in returns}
    return expected


def called(function: Callable[..., Any], inputs: Inputs) -> Any:
    """The function's result with those of the inputs that it takes."""
    return function(**{name: inputs[name] for name in inspect.signature(function).parameters})


def named(result: Any, returns: Sequence[str]) -> Arrays:
    """A result, or a tuple of several, as arrays by name."""
    results = result if len(returns) > 1 else (result,)
    return {name: np.asarray(one, np.float64) for name, one in zip(returns, results, strict=True)}


def normal(rng: Generator, **shapes: tuple[int, ...]) -> Arrays:
    """Arrays of these shapes with elements from the standard normal distribution."""
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def replaced_once(source: str, old: str, new: str) -> str:
    """Raises ValueError unless `old` occurs exactly once."""
    if source.count(old) != 1:
        raise ValueError(f"{old!r} occurs {source.count(old)} times, expected once")
    return source.replace(old, new)


def _definition(source: str) -> ast.FunctionDef:
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition
