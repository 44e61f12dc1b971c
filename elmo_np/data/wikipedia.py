"""Wikipedia's dumps, such as enwiki-latest-pages-articles.xml.bz2, read as they are: one article at a time.

Only articles are read (namespace 0), not redirects. Memory use does not grow with the dump.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, iterparse

from ..errors import UserError
from ..runtime.files import atomic_write, temporary_directory
from .text_lines import readable, unpacked
from .wikitext import article_sentences, library

_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<mediawiki\b", re.DOTALL)
LARGEST = 1 << 24       # bytes of a page in a dump; the wikis allow 2 MB of text
_HIDDEN = {"-2", "6", "14"}                                     # numbers of the namespaces of files and categories
_ENGLISH = ("media", "file", "image", "category")               # which every wiki understands


class Article(NamedTuple):
    """An article as it is in a dump.

    markup    its text
    hidden    the names, in lower case, of the wiki's namespaces of files and categories
    position  bytes of the file read so far
    """

    markup: str
    hidden: tuple[str, ...]
    position: int

    def sentences(self) -> list[list[str]]:
        """The tokens of each sentence."""
        return article_sentences(self.markup, self.hidden)


def is_dump(path: Path) -> bool:
    """Whether a file, compressed or not, is a dump of a wiki. Raises UserError if it cannot be read."""
    with readable(path), unpacked(path) as (file, _):
        return bool(_START.match(file.read(4096)))


def articles(path: Path) -> Iterator[Article]:
    """The articles of a dump, in its order. Raises UserError where it is damaged."""
    try:
        with readable(path), unpacked(path) as (file, raw):
            hidden: tuple[str, ...] = _ENGLISH
            for element in _finished_elements(file):
                if _tag(element) == "namespaces":
                    hidden += tuple((own.text or "").lower() for own in element if own.get("key") in _HIDDEN)
                elif (markup := _article(element)) is not None:
                    yield Article(markup, hidden, raw.tell())
    except _LongPage:
        raise UserError(f"{path}: a page has more than {LARGEST:,} bytes, expected one revision of each page: take the "
                        "dump pages-articles, not one with the history of the pages") from None
    except ParseError as error:
        raise UserError(f"{path} is a damaged dump: {error}; expected complete XML: download it again, or read the "
                        "articles before the damage with elmo-np corpus --limit") from error


@cache
def _text_of(path: Path, size: int, time: int) -> Path:
    """The text of a dump, one sentence per line, in a temporary file: a corpus is read several times."""
    library()
    text = Path(tempfile.mkdtemp(dir=temporary_directory())) / "text.txt"
    lines = (" ".join(sentence) + "\n" for article in articles(path) for sentence in article.sentences())
    atomic_write(text, (line.encode() for line in lines))
    return text


def dump_text(path: Path) -> Path:
    """A temporary text file with the sentences of a dump, tokenised, one per line; this process converts it once."""
    with readable(path):
        found = path.stat()
    return _text_of(path, found.st_size, found.st_mtime_ns)


def _finished_elements(file: Any) -> Iterator[Element]:
    """The list of namespaces and the pages, each when its end is read; then it is forgotten."""
    limited = _Limited(file)
    events = iterparse(limited, ("start", "end"))
    _, root = next(events)
    for event, element in events:
        if event == "end" and _tag(element) in ("namespaces", "page"):
            yield element
            root.clear()
            limited.left = LARGEST


class _LongPage(Exception):
    """A page takes more than LARGEST bytes."""


class _Limited:
    """A file to parse, of which a page must not take any memory."""

    def __init__(self, file: Any):
        self._file, self.left = file, LARGEST

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise _LongPage
        return data


def _article(page: Element) -> str | None:
    """The markup of a page's last revision; None for a redirect and for a page that is not an article."""
    parts = {_tag(part): part for part in page}
    if "redirect" in parts or "revision" not in parts or (parts["ns"].text if "ns" in parts else "0") != "0":
        return None
    revision = {_tag(part): part.text for part in parts["revision"]}
    return revision.get("text") if revision.get("model", "wikitext") == "wikitext" else None


def _tag(element: Element) -> str:
    """The name of an element, without the version of the format: {http://www.mediawiki.org/xml/export-0.11/}page."""
    return str(element.tag).rpartition("}")[2]
