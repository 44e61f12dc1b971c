"""Formulae over the surprisal of regions, as SyntaxGym writes what its suites predict.

    [(6;%match%) < (6;%mismatch%)] & [(5;%match%) + (6;%match%) < 20]

(6;%match%) is the surprisal of region 6 in the condition match, (*;%match%) that of the whole sentence. Brackets of
either kind group. From weakest to strongest: |, &, the comparisons < > =, + and -.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

import numpy as np

from ..errors import UserError
from ..types import Array

Reference = tuple[str, str]             # region, condition
Values = Mapping[Reference, Array]      # a value for each item
Term = Callable[[Values], Array]

_TOKEN = re.compile(r"\s*(?:\(\s*(?P<region>\*|\w+)\s*;\s*%(?P<condition>[^%]+)%\s*\)|(?P<number>\d+(?:\.\d+)?)"
                    r"|(?P<sign>[][()<>=&|+-]))")
_LEVELS: list[dict[str, Callable[[Array, Array], Array]]] = [
    {"|": operator.or_}, {"&": operator.and_}, {"<": operator.lt, ">": operator.gt, "=": operator.eq},
    {"+": operator.add, "-": operator.sub}]
_CLOSING = {"(": ")", "[": "]"}
DEEPEST = 50        # brackets within one another


class Formula:
    """A prediction about an item. Raises UserError for text that is none.

    references      the regions that it reads, in the order of the text
    """

    def __init__(self, text: str):
        self.text = text
        self.references: list[Reference] = []
        self._left = self._split(text)
        self._term = self._level(0, 0)
        if self._left:
            raise self._wrong(self._left[0])

    def __call__(self, values: Values) -> Array:
        """Whether it holds, for each item."""
        return np.asarray(self._term(values), bool)

    def _split(self, text: str) -> list[str]:
        parts, end = [], 0
        while match := _TOKEN.match(text, end):
            parts.append(match[0].strip())
            end = match.end()
        if text[end:].strip():
            raise self._wrong(text[end:].strip())
        return parts

    def _level(self, level: int, depth: int) -> Term:
        """A chain of the operators of one level, from left to right."""
        if level == len(_LEVELS):
            return self._atom(depth)
        found = self._level(level + 1, depth)
        while self._left and self._left[0] in _LEVELS[level]:
            operate = _LEVELS[level][self._left.pop(0)]
            found = _joined(operate, found, self._level(level + 1, depth))
        return found

    def _atom(self, depth: int) -> Term:
        if not self._left or depth > DEEPEST:
            raise self._wrong("its end" if not self._left else self._left[0])
        part = self._left.pop(0)
        match = _TOKEN.fullmatch(part)
        if match and match["region"]:
            reference = (match["region"], match["condition"].strip())
            self.references.append(reference)
            return lambda values: values[reference]
        if match and match["number"]:
            number = np.array(float(part))
            return lambda values: number
        if part not in _CLOSING:
            raise self._wrong(part)
        found = self._level(0, depth + 1)
        if not self._left or self._left.pop(0) != _CLOSING[part]:
            raise self._wrong(f"{part} without {_CLOSING[part]}")
        return found

    def _wrong(self, where: str) -> UserError:
        return UserError(f"the formula {self.text!r:.80}: {where!r:.40} was not expected there; expected a formula "
                         "such as (2;%good%) < (2;%bad%)")


def _joined(operate: Callable[[Array, Array], Array], left: Term, right: Term) -> Term:
    return lambda values: operate(left(values), right(values))
