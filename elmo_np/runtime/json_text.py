"""JSON that may be anybody's, parsed only if what it makes is in proportion to its text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

MOST = 1 << 19      # values; the header of the deepest model that the settings allow has 400,000
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def loads(text: str, most: int = MOST, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """`json.loads`, but an empty list takes 60 bytes of memory and 3 of text, so the number of values is limited.

    most    the maximum number of values in lists and objects
    pairs   what makes an object of its names and values; None: dict
    Raises ValueError for other text, for more values, and for more levels than Python can parse.
    """
    if _separators(text) > most and (_quotes(text) > 4 * most or _separators(text) - _inside(text) > most):
        raise ValueError(f"more than {most:,} values")
    try:
        return json.loads(text, object_pairs_hook=pairs)
    except RecursionError as error:
        raise ValueError("too many levels") from error


def _separators(text: str) -> int:
    return sum(map(text.count, "[{,"))


def _quotes(text: str) -> int:
    """About two per string: a quick test before all of them are looked into."""
    return text.count('"') - text.count('\\"')


def _inside(text: str) -> int:
    """The separators in strings."""
    return sum(_separators(string[0]) for string in _STRING.finditer(text))
