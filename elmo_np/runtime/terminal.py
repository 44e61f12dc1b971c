"""Text on a terminal: control characters in words, labels and file names are shown, not obeyed.

A terminal that is sent ESC or other control characters clears its screen, changes its title or hides lines, and a text
from somebody else may contain them. Redirected output keeps every character as it is.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import accumulate, takewhile
from typing import Any, TextIO, cast

# All but tab and line feed, with what reorders a line or ends it, and the halves of surrogate pairs in file names that
# are not UTF-8
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""Text with its control characters as Python writes them: \x1b for ESC."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def escaped_json(text: str) -> str:
    r"""JSON with the control characters in its strings as \u001b and so on: the same data."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes: two for a wide character, as in Chinese, and none for a mark that
    combines with the character before it."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def filled(text: str, width: int) -> str:
    """A text with spaces after it, up to so many columns."""
    return text + " " * (width - columns_of(text))


def cut(text: str, width: int) -> str:
    """The longest beginning of a text that takes at most so many columns."""
    return text[:len(list(takewhile(lambda taken: taken <= width, accumulate(map(_columns, text)))))]


def cut_before(text: str, width: int) -> str:
    """The longest end of a text that takes at most so many columns, without marks whose character is cut off."""
    end = cut(text[::-1], width)[::-1]
    marks = takewhile(lambda character: _columns(character) == 0, end)
    return end[len(list(marks)):]


class _Escaping:
    """A stream for a terminal."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(escaped(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def escaping_stdout() -> Iterator[None]:
    """While the body runs, whatever is printed is `escaped` if standard output is a terminal."""
    with redirect_stdout(cast(TextIO, _Escaping(sys.stdout)) if sys.stdout.isatty() else sys.stdout):
        yield
