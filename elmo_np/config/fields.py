"""The rules of a setting: its meaning, type and range, and the error for a value that breaks them."""

import dataclasses
import math
import numbers
import operator
import re
from collections.abc import Collection
from itertools import pairwise
from typing import Any, get_args, get_origin

from ..errors import UserError

Rising = tuple[int, ...]        # one or more whole numbers in rising order
Pairs = tuple[tuple[int, int], ...]
_SURROGATE = re.compile("[\ud800-\udfff]")      # such as a byte of a file name that is not UTF-8
MOST_WHOLE = 2**63 - 1          # of a setting without a maximum of its own: NumPy's whole numbers
MOST_REAL = 1e30                # likewise: float32 must hold it and what is computed with it
COMPARE = {"at_least": operator.ge, "above": operator.gt, "at_most": operator.le, "less_than": operator.lt}
NOUNS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a word",
                         Rising: "a list like [10, 20] of rising whole numbers, each",
                         Pairs: "a list of pairs of whole numbers"}


def option(default: object, doc: str, *choices: str, among: Collection[str] = (), **limits: float) -> Any:
    """A dataclass field with its meaning, and either its choices or its limits, named as in COMPARE.

    among   the choices, as a collection that may grow
    The limits of a list apply to each number in it.
    """
    return dataclasses.field(default=default, metadata={"doc": doc, "choices": choices or among, "limits": limits})


def optional(field: dataclasses.Field[Any]) -> bool:
    return type(None) in get_args(field.type)


def kind_of(field: dataclasses.Field[Any]) -> Any:
    """The type of a field, without the None of an optional one."""
    return get_args(field.type)[0] if optional(field) else field.type


def check(config: Any) -> None:
    """Convert every field to its type, or raise UserError with the field, its value and its range."""
    for field in dataclasses.fields(config):
        value = _checked(field, getattr(config, field.name))
        object.__setattr__(config, field.name, value)  # frozen, but still being built


def _checked(field: dataclasses.Field[Any], value: object) -> object:
    if value is None and optional(field):
        return None
    kind = kind_of(field)
    if isinstance(value, str) and _SURROGATE.search(value):
        raise UserError(f"{field.name} = {value!r:.60}: expected a name in UTF-8, because config.toml records it: "
                        "rename the file or directory")
    result = _converted(kind, value)
    choices, limits = field.metadata["choices"], field.metadata["limits"]
    inside = result is not None and all(COMPARE[limit](n, bound) for n in _numbers(result)
                                        for limit, bound in limits.items())
    if not inside or (choices and result not in choices):
        raise UserError(f"{field.name} = {shown(value)}: expected {_expected(field, kind)}")
    for n in [] if "at_most" in limits else _numbers(result):
        most = MOST_WHOLE if isinstance(n, int) else MOST_REAL
        if not isinstance(n, str) and abs(n) > most:
            limit = f"at most {most}" if n > 0 else f"at least {-most}"
            raise UserError(f"{field.name} = {shown(value)}: expected {limit}")
    return result


def shown(value: object) -> str:
    """The beginning of a value as Python writes it."""
    try:
        return f"{value!r:.60}"
    except ValueError:      # Python does not write whole numbers of more than 4,300 digits
        return "a number of thousands of digits"


def _converted(kind: Any, value: object) -> Any:
    """The value as the given type, or None if it does not fit: bools, NaN and infinity do not count as numbers."""
    if get_origin(kind) is tuple:
        return _listed(kind, value)
    if kind in (bool, str) or isinstance(value, bool):
        return value if type(value) is kind else None
    if kind is int:
        return int(value) if isinstance(value, numbers.Integral) else None
    try:
        return float(value) if isinstance(value, numbers.Real) and math.isfinite(value) else None
    except OverflowError:
        return None


def _listed(kind: Any, value: object) -> tuple[Any, ...] | None:
    """A list as a tuple of the given type: one or more items, or exactly two in a pair; None if it does not fit."""
    of, last = get_args(kind)
    items = [_converted(of, item) for item in value] if isinstance(value, (list, tuple)) else []
    if not items or None in items or not (last is ... or len(items) == 2):
        return None
    if kind == Rising and any(a >= b for a, b in pairwise(items)):
        return None
    return tuple(items)


def _numbers(value: object) -> list[Any]:
    """The value itself, or all values in a list and in the lists inside it."""
    return [n for item in value for n in _numbers(item)] if isinstance(value, tuple) else [value]


def _expected(field: dataclasses.Field[Any], kind: Any) -> str:
    """The range in words: a number of at least 0 and less than 1."""
    if field.metadata["choices"]:
        return "one of " + ", ".join(field.metadata["choices"])
    limits = " and ".join(f"{limit.replace('_', ' ')} {bound}" for limit, bound in field.metadata["limits"].items())
    of = " of " if limits.startswith("at ") else " "
    return (NOUNS[kind] + of + limits).rstrip() + (", or none" if optional(field) else "")
