"""The tutorials' pages: their blocks, what these print when they run, and where that is not what the page shows.

A block is code in ```python; a ```text after it is what it prints. The blocks of a page share one namespace. They run
as at Python's prompt, statement by statement, where the value of an expression is printed too. The output is the same
on every backend, SIMD path, Python and NumPy: models are trained in float64 (see `trained`), printed figures have few
digits, nothing is timed.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .. import backend
from ..errors import UserError
from ..runtime.threads import one_blas_thread
from .project import project_directory

BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?P<gap>\n?)(?:^```text\n(?P<text>.*?)^```\n)?",
                   re.MULTILINE | re.DOTALL)
_NAMES = "[0-9]*.md", "where-*.md"              # besides them are the equation sheet, the guide and the like
_NEEDS = re.compile(r"\*\*You need\*\* [^\n]*`pip install (\w+)`")     # a library that is optional
_NEEDS_KERNELS = re.compile(r"\*\*You need\*\* [^\n]*the compiled kernels")


class Block(NamedTuple):
    """A block of code, with what the page shows below it, "" for nothing; `line`, from 1, is that of its first code."""

    number: int
    line: int
    code: str
    shown: str


class Ran(NamedTuple):
    """A block that has run, with what it printed; if it raised an exception, that ends with the traceback."""

    block: Block
    printed: str
    failed: bool

    @property
    def same(self) -> bool:
        return not self.failed and self.printed == self.block.shown


@dataclass(frozen=True)
class Page:
    """A page and its text."""

    path: Path
    source: str

    @classmethod
    def read(cls, path: Path) -> Page:
        return cls(path, path.read_text(encoding="utf-8"))

    @property
    def title(self) -> str:
        return self.source.partition("\n")[0].removeprefix("# ")

    def blocks(self) -> list[Block]:
        return [Block(number, self.source.count("\n", 0, match.start("code")) + 1, match["code"], match["text"] or "")
                for number, match in enumerate(BLOCK.finditer(self.source), 1)]

    def lacks(self) -> str:
        """What the page needs and is not installed, with the reason or the fix; else ""."""
        needed = _NEEDS.search(self.source)
        if needed and importlib.util.find_spec(needed[1]) is None:
            return f"{needed[1]} (pip install {needed[1]})"
        if _NEEDS_KERNELS.search(self.source) and backend.why_not():
            return f"the compiled kernels ({backend.why_not()})"
        return ""

    def run(self, directory: Path) -> Iterator[Ran]:
        """Run the blocks in `directory`, to which they write figures, until one raises an exception."""
        (directory / "tutorials/img").mkdir(parents=True, exist_ok=True)
        names: dict[str, Any] = {"__name__": "__main__"}
        for block in self.blocks():
            with _working_directory(directory):
                ran = _run(block, names, self.path)
            yield ran
            if ran.failed:
                return

    def with_output(self, results: Sequence[Ran]) -> str:
        """The text of the page with the output of its blocks, all of which must have run."""
        printed = iter([ran.printed for ran in results])
        return BLOCK.sub(lambda match: _with_output(match, next(printed)), self.source)


def all_pages() -> list[Page]:
    """The tutorials in order. Raises UserError if they are not there."""
    directory = project_directory() / "tutorials"
    found = sorted(path for name in _NAMES for path in directory.glob(name))
    if not found:
        raise UserError(f"there are no tutorials in {directory}: run this in the project's directory, or install "
                        "elmo_np again")
    return [Page.read(path) for path in found]


def pages_named(names: Sequence[str]) -> list[Page]:
    """The pages whose file names begin with one of `names`, such as 03; "all" for every page.

    Raises UserError for a name that no page has.
    """
    pages = all_pages()
    for name in names:
        if name != "all" and not (name and any(page.path.name.startswith(name) for page in pages)):
            raise UserError(f"there is no tutorial {name or repr(name)}: expected 'all' or the beginning of a name: "
                            f"{', '.join(page.path.stem for page in pages)}")
    return [page for page in pages if "all" in names or page.path.name.startswith(tuple(names))]


def _run(block: Block, names: dict[str, Any], path: Path) -> Ran:
    """Run a block as the prompt does. Tracebacks show the line numbers of the page."""
    printed, failed = io.StringIO(), False
    with contextlib.redirect_stdout(printed), _echo(printed), one_blas_thread():    # more threads would only wait
        try:
            for statement in ast.parse("\n" * (block.line - 1) + block.code, str(path)).body:
                exec(compile(ast.Interactive([statement]), str(path), "single"), names)
        except Exception as error:
            failed = True
            traceback.print_exception(type(error), error, error.__traceback__ and error.__traceback__.tb_next,
                                      file=printed)
    return Ran(block, "".join(f"{line.rstrip()}\n" for line in printed.getvalue().splitlines()), failed)


@contextlib.contextmanager
def _echo(out: io.StringIO) -> Iterator[None]:
    """Write the values of expressions to `out`, as the prompt does, but do not keep them as `_`."""
    before = sys.displayhook

    def echo(value: object) -> None:
        if value is not None:
            print(repr(value), file=out)

    sys.displayhook = echo
    try:
        yield
    finally:
        sys.displayhook = before


@contextlib.contextmanager
def _working_directory(path: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


def _with_output(match: re.Match[str], printed: str) -> str:
    text = f"\n```text\n{printed}```\n" if printed else ""
    after = match["gap"] if match["text"] is None else ""       # keep the blank line before prose
    return f"```python\n{match['code']}```\n{text}{after}"
