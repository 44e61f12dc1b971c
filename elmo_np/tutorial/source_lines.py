"""Code printed from its source, so that a page shows the lines that run."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ..errors import UserError
from .project import project_directory

_TAG = re.compile(r"\(([A-Z])(\d+)\)(?:-\(\1(\d+)\))?")
_COMMENT = re.compile(r"\s+(?:#|/\*)\s(.*)")
# The beginning and end of a function: in the first column in C; in Cython before the next line that begins there.
_IN_C = r"^(?:INLINE|static)\b[^\n]*\bNAME\(%s\)\(", r".*?^\}"
_IN_CYTHON = r"^c?p?def\b[^\n]*?\b%s\(", r".*?(?=^\S|\Z)"


def show(name: str, *tags: str) -> None:
    """Print the source of a function, method or class of elmo_np; for a twin, that of the NumPy function.

    name    "nn.lstm.lstm_forward", "nn.bilm.BiLM.forward": the module, then the name within it
    tags    "L3": only the lines with one of these tags; none: all lines
    Raises UserError if there is no such function, or no such line in it.
    """
    module, *rest = re.split(r"\.(?=_?[A-Z])|\.(?=[^.]*$)", name)        # at the first class, or else at the last dot
    try:
        found: Any = import_module(f"elmo_np.{module}")
        for part in rest:
            found = getattr(found, part)
        source = textwrap.dedent(inspect.getsource(getattr(found, "reference", found)))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UserError(f"there is no source of {name!r}: expected a name such as 'nn.lstm.lstm_forward'") from error
    print(_shown(name, source, tags))


def show_kernel(file: str, function: str, *tags: str) -> None:
    """Print the source of a kernel, as `show` does for its NumPy function.

    file        "lstm.h", "lstm.pxi": a file in kernels/
    function    "gates_block", "lstm_forward": a function in it; in C the argument of NAME( )
    tags        "L3": only the lines with one of these tags, for a longer statement its last line; none: all lines
    Raises UserError if there is no such file, no such function, or no such line in it.
    """
    start, end = _IN_C if file.endswith(".h") else _IN_CYTHON
    found = re.search(start % re.escape(function) + end, kernel_source(file), re.MULTILINE | re.DOTALL)
    if not found:
        raise UserError(f"there is no function {function!r} in kernels/{file}: expected a name such as 'gates_block' "
                        "in lstm.h")
    print(_shown(f"{function} in kernels/{file}", found[0], tags))


def kernel_source(file: str) -> str:
    """The text of a file in kernels/. Raises UserError if there is no such file."""
    path = project_directory() / "kernels" / file
    if not path.is_file():
        raise UserError(f"there is no kernels/{file}: expected the name of a kernel source, such as 'lstm.h'")
    return path.read_text(encoding="utf-8")


def _shown(name: str, source: str, tags: Sequence[str]) -> str:
    """A source, or only its lines that have one of the tags."""
    if not tags:
        return source.rstrip()
    lines = [line for line in source.splitlines() if not tags_of_line(line).isdisjoint(tags)]
    if not lines:
        raise UserError(f"no line of {name} has the tag {' or '.join(tags)}: expected a tag at the end of a line")
    return re.sub(r" {2,}(#|/\*) ", r"    \1 ", textwrap.dedent("\n".join(lines)))


def tags_of_line(line: str) -> set[str]:
    """The tags at the end of a line, with ranges expanded."""
    found = set()
    comment = _COMMENT.search(line)
    for letter, first, last in _TAG.findall(comment[1] if comment else ""):
        low, high = sorted((int(first), int(last or first)))
        found |= {f"{letter}{number}" for number in range(low, high + 1)}
    return found
