"""Formulae over the surprisal of regions, as SyntaxGym writes what its suites predict.

    [(6;%match%) < (6;%mismatch%)] & [(5;%match%) + (6;%match%) < 20]

(6;%match%) is the surprisal of region 6 in the condition match, in bits, (*;%match%) that of the whole sentence.
Brackets of either kind group. From weakest to strongest: | and & join comparisons, < > = compare numbers, + and - add
them. Numbers are equal if np.isclose is true with SyntaxGym's tolerances.
"""

from __future__ import annotations

import operator
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from ..types import Array

Reference = tuple[str, str]             # region, condition
Values = Mapping[Reference, Array]      # a value in bits for each item
Operation = Callable[[Array, Array], Array]
Evaluate = Callable[[Values], Array]
NUMBER, COMPARISON = "a number", "a comparison"


class Term(NamedTuple):
    """A part of a formula."""

    kind: str               # NUMBER or COMPARISON
    evaluate: Evaluate


class Level(NamedTuple):
    """Operators of the same strength."""

    takes: str              # kind of what is on either side
    gives: str              # kind of the result
    operations: dict[str, Operation]


def _equal(left: Array, right: Array) -> Array:
    return np.isclose(left, right, rtol=1e-5, atol=1e-3)


_TOKEN = re.compile(r"\s*(?:\(\s*(?P<region>\*|\w+)\s*;\s*%(?P<condition>[^%]+)%\s*\)|(?P<number>\d+(?:\.\d+)?)"
                    r"|(?P<sign>[][()<>=&|+-]))")
_LEVELS = (Level(COMPARISON, COMPARISON, {"|": operator.or_}),
           Level(COMPARISON, COMPARISON, {"&": operator.and_}),
           Level(NUMBER, COMPARISON, {"<": operator.lt, ">": operator.gt, "=": _equal}),
           Level(NUMBER, NUMBER, {"+": operator.add, "-": operator.sub}))
_CLOSING = {"(": ")", "[": "]"}
DEEPEST = 50        # brackets within one another


class Formula:
    """A prediction about an item. Raises UserError for text that is none.

    references      the regions that it reads, in the order of the text; at least one
    relative        whether it compares surprisals with one another alone: no number in it but 0
    """

    def __init__(self, text: str):
        self.text = text
        self.references: list[Reference] = []
        self.relative = True
        self._left = deque(self._split(text))
        kind, self._evaluate = self._level(0, 0)
        if self._left:
            raise self._unexpected(self._left[0])
        if kind != COMPARISON:
            raise self._wrong("it is a number and predicts nothing")
        if not self.references:
            raise self._wrong("it reads no region")

    def __call__(self, values: Values) -> Array:
        """Whether it holds, for each item."""
        return self._evaluate(values)

    def _split(self, text: str) -> list[str]:
        parts, end = [], 0
        while match := _TOKEN.match(text, end):
            parts.append(match[0].strip())
            end = match.end()
        if text[end:].strip():
            raise self._unexpected(text[end:].strip())
        return parts

    def _level(self, number: int, depth: int) -> Term:
        """A chain of the operators of one level, from left to right."""
        if number == len(_LEVELS):
            return self._atom(depth)
        takes, gives, operations = _LEVELS[number]
        kind, first = self._level(number + 1, depth)
        steps: list[tuple[Operation, Evaluate]] = []
        while self._left and self._left[0] in operations:
            sign = self._left.popleft()
            other = self._level(number + 1, depth)
            for side in kind, other.kind:
                if side != takes:
                    raise self._wrong(f"{sign} needs {takes} on either side, given {side}")
            kind = gives
            steps.append((operations[sign], other.evaluate))
        return Term(kind, _chain(first, steps) if steps else first)

    def _atom(self, depth: int) -> Term:
        if not self._left or depth > DEEPEST:
            raise self._unexpected(self._left[0] if self._left else "its end")
        part = self._left.popleft()
        match = _TOKEN.fullmatch(part)
        if match and match["region"]:
            reference = (match["region"], match["condition"].strip())
            self.references.append(reference)
            return Term(NUMBER, lambda values: values[reference])
        if match and match["number"]:
            number = np.array(float(part))
            self.relative &= float(part) == 0
            return Term(NUMBER, lambda values: number)
        if part not in _CLOSING:
            raise self._unexpected(part)
        found = self._level(0, depth + 1)
        if not self._left or self._left.popleft() != _CLOSING[part]:
            raise self._unexpected(f"{part} without {_CLOSING[part]}")
        return found

    def _unexpected(self, where: str) -> UserError:
        return self._wrong(f"{where!r:.40} was not expected there")

    def _wrong(self, fault: str) -> UserError:
        return UserError(f"the formula {self.text!r:.80}: {fault}; expected a formula such as "
                         "(2;%good%) < (2;%bad%)")


def _chain(first: Evaluate, steps: Sequence[tuple[Operation, Evaluate]]) -> Evaluate:
    """In a loop, as a formula may have thousands of terms."""
    def evaluate(values: Values) -> Array:
        found = first(values)
        for operate, other in steps:
            found = operate(found, other(values))
        return found
    return evaluate
