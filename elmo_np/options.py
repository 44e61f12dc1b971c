"""The rules of a setting: its meaning, type and range, and an error that says all three."""

import dataclasses
import math
import numbers
import operator
from typing import Any, get_args

from elmo_np.errors import UserError

COMPARE = {"at_least": operator.ge, "above": operator.gt, "at_most": operator.le, "less_than": operator.lt}
NOUNS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


def option(default: object, doc: str, *choices: str, **limits: float) -> Any:
    """A dataclass field with its meaning, and either its choices or its limits, named as in COMPARE."""
    return dataclasses.field(default=default, metadata={"doc": doc, "choices": choices, "limits": limits})


def optional(field: dataclasses.Field[Any]) -> bool:
    return type(None) in get_args(field.type)


def check(config: Any) -> None:
    """Bring every field to its type, or raise UserError with the field, its value and its range."""
    for field in dataclasses.fields(config):
        value = _checked(field, getattr(config, field.name))
        object.__setattr__(config, field.name, value)  # frozen, but still being built


def _checked(field: dataclasses.Field[Any], value: object) -> object:
    if value is None and optional(field):
        return None
    kind = (get_args(field.type) or (field.type,))[0]
    result = _converted(kind, value)
    choices, limits = field.metadata["choices"], field.metadata["limits"]
    inside = result is not None and all(COMPARE[limit](result, bound) for limit, bound in limits.items())
    if inside and (not choices or result in choices):
        return result
    raise UserError(f"{field.name} = {value!r:.60}: expected {_expected(field, kind)}")


def _converted(kind: type, value: object) -> Any:
    """The value as the kind given, or None where it is none: a bool is no number, NaN and infinity are none either."""
    if kind in (bool, str) or isinstance(value, bool):
        return value if type(value) is kind else None
    if kind is int:
        return int(value) if isinstance(value, numbers.Integral) else None
    try:
        return float(value) if isinstance(value, numbers.Real) and math.isfinite(value) else None
    except OverflowError:
        return None


def _expected(field: dataclasses.Field[Any], kind: type) -> str:
    """The range in words: a number of at least 0 and less than 1."""
    if field.metadata["choices"]:
        return "one of " + ", ".join(field.metadata["choices"])
    limits = " and ".join(f"{limit.replace('_', ' ')} {bound}" for limit, bound in field.metadata["limits"].items())
    of = " of " if limits.startswith("at ") else " "
    return (NOUNS[kind] + of + limits).rstrip() + (", or none" if optional(field) else "")
