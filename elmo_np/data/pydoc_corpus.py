"""The English in every Python installation: help topics, and docstrings of the standard library and of NumPy."""

import ast
import os
import re
import sys
import sysconfig
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..errors import UserError
from . import text


@dataclass(frozen=True)
class PydocCorpus:
    """Python's help topics and the docstrings of its standard library and of NumPy, one sentence at a time.

    The text depends on the versions of Python and NumPy and is the same in every pass. The first pass reads the
    sources, which takes seconds; the words then stay in memory until the process ends, some tens of megabytes.
    """

    name: str = "pydoc"

    def __iter__(self) -> Iterator[list[str]]:
        return map(list, _pydoc_sentences())


@cache
def _pydoc_sentences() -> tuple[tuple[str, ...], ...]:
    found = tuple(read_sentences())
    if not found:
        raise UserError("pydoc has no sentences: this Python has no library sources; give a text file instead")
    return found


def read_sentences() -> Iterator[tuple[str, ...]]:
    """The sentences of 3 to 60 tokens, each once, since docstrings are copied from class to class.

    They are read as they are asked for: the first thousand, which are of help topics, come at once.
    """
    seen = set()
    for document in _documents():
        for sentence in prose(document):
            # Interned: one string object per word instead of one per occurrence.
            words = tuple(map(sys.intern, text.tokens(sentence)))
            # Above 60 tokens it is a list rather than a sentence; below 3 a language model has no context.
            if 3 <= len(words) <= 60 and words not in seen:
                seen.add(words)
                yield words


def _documents() -> Iterator[str]:
    """Help topics, then the docstrings of the standard library and of NumPy in order of their paths."""
    yield from _help_topics()
    for directory in (Path(sysconfig.get_path("stdlib")), Path(np.__file__).parent):
        for path in sources(directory):
            yield from docstrings_of(path)


def _help_topics() -> Iterator[str]:
    try:
        from pydoc_data.topics import topics
    except ImportError:  # some systems ship Python without help topics
        return
    for _, topic in sorted(topics.items()):
        yield topic


def sources(directory: Path) -> list[Path]:
    """The .py files below a directory, without tests and other packages."""
    skipped = {"site-packages", "dist-packages", "test", "tests", "idle_test"}
    found: list[Path] = []
    for folder, inner, names in os.walk(directory):
        inner[:] = [name for name in inner if name not in skipped]      # other packages may be thousands of files
        found += [Path(folder, name) for name in names if name.endswith(".py")]
    return sorted(found)


def docstrings_of(path: Path) -> Iterator[str]:
    """The docstrings of a source file, read without running it; none if Python cannot parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escape sequences in other people's code
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return
    for node in _statements(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes of ast.walk, in its order, without expressions: these are most of a tree, and have no docstrings."""
    waiting: deque[ast.AST] = deque([tree])
    while waiting:
        node = waiting.popleft()
        for field in ("body", "handlers", "orelse", "finalbody", "cases"):
            waiting.extend(getattr(node, field, ()))
        yield node


_NO_PROSE = re.compile(r">>>|-{4}|={4}")
_PROSE = re.compile(r"[A-Z].*[a-z].*\.")


def prose(document: str) -> Iterator[str]:
    """The sentences in the prose paragraphs of a document; examples, tables and signatures are left out."""
    for paragraph in re.split(r"\n\s*\n", document):
        words = paragraph.split()
        joined = " ".join(words)
        if len(words) >= 4 and not _NO_PROSE.search(joined) and _PROSE.fullmatch(joined):
            yield from text.sentences(joined)
