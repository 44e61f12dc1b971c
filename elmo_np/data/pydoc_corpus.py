"""The English that every Python install has: its help topics, and the docstrings of its library and of NumPy."""

import ast
import re
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..errors import UserError
from . import text


@dataclass(frozen=True)
class PydocCorpus:
    """The English that every install has: Python's help topics and the docstrings of its library and of NumPy.

    It differs between versions of Python and NumPy and is the same from pass to pass. The first pass reads the
    sources, which takes seconds; the words are then kept for the life of the process, some tens of megabytes.
    """

    name: str = "pydoc"

    def __iter__(self) -> Iterator[list[str]]:
        return map(list, _pydoc_sentences())


@cache
def _pydoc_sentences() -> tuple[tuple[str, ...], ...]:
    """The sentences of 3 to 60 tokens, each once: docstrings are copied from class to class."""
    # Interned: one object a word instead of one an occurrence.
    sentences = (sentence for document in _documents() for sentence in prose(document))
    tokenized = (tuple(map(sys.intern, text.tokens(sentence))) for sentence in sentences)
    # The longest that is still a sentence and not a list; fewer than 3 tokens give a language model no context.
    found = tuple(dict.fromkeys(sentence for sentence in tokenized if 3 <= len(sentence) <= 60))
    if not found:
        raise UserError("pydoc has no sentence: this Python has no library sources; give a text file instead")
    return found


def _documents() -> Iterator[str]:
    """Help topics, then the docstrings of the standard library and of NumPy, in the order of their paths."""
    yield from _help_topics()
    for folder in (Path(sysconfig.get_path("stdlib")), Path(np.__file__).parent):
        for path in sources(folder):
            yield from docstrings_of(path)


def _help_topics() -> Iterator[str]:
    try:
        from pydoc_data.topics import topics
    except ImportError:  # some systems ship Python without its help
        return
    for _, topic in sorted(topics.items()):
        yield topic


def sources(folder: Path) -> list[Path]:
    """The .py files below a folder, without tests and without other packages."""
    skipped = {"site-packages", "dist-packages", "test", "tests", "idle_test"}
    relative = (path.relative_to(folder) for path in folder.rglob("*.py"))
    return [folder / path for path in sorted(relative) if skipped.isdisjoint(path.parts)]


def docstrings_of(path: Path) -> Iterator[str]:
    """The docstrings of a source file, read without running it; none where Python cannot parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's escape sequences
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


_NO_PROSE = re.compile(r">>>|-{4}|={4}")


_PROSE = re.compile(r"[A-Z].*[a-z].*\.")


def prose(document: str) -> Iterator[str]:
    """The sentences in a document's paragraphs of prose; examples, tables and signatures are left out."""
    for paragraph in re.split(r"\n\s*\n", document):
        words = paragraph.split()
        joined = " ".join(words)
        if len(words) >= 4 and not _NO_PROSE.search(joined) and _PROSE.fullmatch(joined):
            yield from text.sentences(joined)
