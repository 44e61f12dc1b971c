"""What the site needs besides Sphinx: pages of source code, and links between equations and the lines of code.

An extension of Sphinx, whose settings are in tutorials/conf.py. Every tag such as (L3), on any page, leads to its
equation on the sheet, and the equation to the lines of code that end with its tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from sphinx import addnodes
from sphinx.application import Sphinx

from .source_lines import tags_of_line

SHEET = "tutorials/equations"
_SOURCES = "elmo_np/**/*.py", "kernels/*.[hp]*", "tests/**/*.py", "benchmarks/*.py", "tutorials/elmo.py"
_TAGGED = "elmo_np/", "kernels/"
_ON_SHEET = re.compile(r"^\*\*\(([A-Z]\d+)\)\*\*", re.MULTILINE)
_DEFINITION = re.compile(r"<p><strong>\(([A-Z]\d+)\)</strong>(.*?)</p>", re.DOTALL)
_LINKABLE = re.compile(r"""<a\b.*?</a>|<(?P<maths>span|div)\ [^>]*class="math.*?</(?P=maths)>   # these are left alone
                          |<code[^>]*><span\ class="pre">(?P<path>[\w./]+)</span></code>
                          |<[^>]*>|\((?P<tag>[A-Z]\d+)\)""", re.DOTALL | re.VERBOSE)
_TO_README = '<meta http-equiv="refresh" content="0; url=README.html">'
_CONTENTS = """
```{toctree}
:hidden:
:glob:
:caption: Tutorials

tutorials/[0-9]*
tutorials/where-the-article-goes-wrong
```
```{toctree}
:hidden:
:caption: To look up

tutorials/equations
tutorials/cheat-sheet
tutorials/guide
tutorials/teaching
```
```{toctree}
:hidden:
:glob:
:caption: The project

CONTRIBUTING
kernels/README
benchmarks/*
SECURITY
CHANGELOG
```
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("source-read", _add_contents)
    app.connect("doctree-read", _link_files, priority=400)      # before Sphinx copies the files that pages link to
    app.connect("html-collect-pages", _code_pages)
    app.connect("html-page-context", _link_tags)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@cache
def sources(project: Path) -> dict[str, Path]:
    """The files that get a page of code, by their path in the project."""
    found = sorted({path for pattern in _SOURCES for path in project.glob(pattern)})
    return {path.relative_to(project).as_posix(): path for path in found}


@cache
def lines_by_tag(project: Path) -> dict[str, list[tuple[str, int]]]:
    """{"L3": [("elmo_np/nn/lstm.py", 120), ...]}: for every equation of the sheet, the lines of code with its tag."""
    sheet = (project / f"{SHEET}.md").read_text(encoding="utf-8")
    found: dict[str, list[tuple[str, int]]] = {tag: [] for tag in _ON_SHEET.findall(sheet)}
    for name, path in sources(project).items():
        lines = path.read_text(encoding="utf-8").splitlines() if name.startswith(_TAGGED) else []
        for number, line in enumerate(lines, 1):
            for tag in tags_of_line(line) & found.keys():
                found[tag].append((name, number))
    return found


def _add_contents(app: Sphinx, page: str, text: list[str]) -> None:
    if page == app.config.root_doc:
        text[0] += _CONTENTS


def _link_files(app: Sphinx, doctree: nodes.document) -> None:
    """A link to a source file, or to the directory of a package, leads to its page of code."""
    page, project = app.env.docname, Path(app.srcdir)
    for node in [*doctree.findall(addnodes.download_reference), *doctree.findall(addnodes.pending_xref)]:
        _, target = app.env.relfn2path(node["reftarget"], page)
        path = Path(target, "__init__.py") if Path(target).is_dir() else Path(target)
        name = path.relative_to(project).as_posix() if path.is_relative_to(project) else ""
        if name in sources(project):
            address = app.builder.get_relative_uri(page, name)
            node.replace_self(nodes.reference("", "", *node.children, internal=True, refuri=address))


def _code_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    yield "index", {"title": app.config.project, "body": "", "metatags": _TO_README}, "page.html"
    formatter = HtmlFormatter(linenos="inline", linespans="L", lineanchors="N", anchorlinenos=True)
    for name, path in sources(Path(app.srcdir)).items():
        lexer = get_lexer_for_filename("kernel.pyx" if path.suffix == ".pxi" else path.name)
        code = highlight(path.read_text(encoding="utf-8"), lexer, formatter)
        yield name, {"title": name, "body": f'<h1 class="source">{name}</h1>\n{code}'}, "page.html"


def _link_tags(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Link the tags and the names of files in the HTML of a page; on the sheet, every equation to its lines of code."""
    tags, files = lines_by_tag(Path(app.srcdir)), sources(Path(app.srcdir))

    def address(name: str) -> str:
        return str(app.builder.get_relative_uri(page, name))

    def linked(match: re.Match[str]) -> str:
        if match["tag"] in tags:
            return f'<a class="tag" href="{address(SHEET)}#{match["tag"]}">{match[0]}</a>'
        return f'<a href="{address(match["path"])}">{match[0]}</a>' if match["path"] in files else match[0]

    def defined(match: re.Match[str]) -> str:
        tag, text = match.groups()
        return (f'<p id="{tag}"><strong><a class="tag" href="#{tag}">({tag})</a></strong>{text}</p>\n'
                f'<p class="lines">{_lines(tags[tag], address)}</p>')

    body = context.get("body", "")
    if page == SHEET:
        body = _DEFINITION.sub(defined, body)
    context["body"] = _LINKABLE.sub(linked, body)


def _lines(lines: Sequence[tuple[str, int]], address: Callable[[str], str]) -> str:
    """Links to lines of code: "lstm.py 85 99 · lstm.pxi 40"."""
    return " · ".join(" ".join([Path(name).name, *(f'<a href="{address(name)}#L-{number}">{number}</a>'
                                                   for _, number in group)])
                      for name, group in groupby(lines, itemgetter(0)))
