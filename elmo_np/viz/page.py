"""The frame of every page: a single file in one style that loads nothing and in which text stays text.

Three things make a corpus that contains `<script>` harmless. In HTML it is escaped; in the data of the page every `<`
is written as JSON's \\u003c, so that nothing can end the element; and the content security policy allows only the
scripts and styles whose SHA-256 it lists, and no connections.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import json
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from .. import __version__
from ..errors import UserError
from ..inference.occurrences import Occurrence
from ..runtime.files import STDOUT, atomic_write, check_ending, open_regular

AROUND = 60         # words on either side of an occurrence: more than a page is wide
GENERATOR = '<meta name="generator" content="elmo_np'


def page(title: str, body: str, *, styles: Sequence[str] = (), scripts: Sequence[str] = (),
         data: object = None) -> str:
    """The complete page.

    title     plain text
    body      HTML; text in it must already be escaped
    styles    files of this package that follow style.css
    scripts   files of this package that follow theme.js, run in this order at the end of the page
    data      a JSON value for the scripts: the text of the element with id "data"
    """
    style = own_file(["style.css", *styles])
    codes = [own_file([name]) for name in ("theme.js", *scripts)]
    policy = (f"default-src 'none'; style-src {_hash(style)}; script-src {' '.join(map(_hash, codes))}; "
              "img-src data:; base-uri 'none'; form-action 'none'")
    json_data = "" if data is None else f'<script type="application/json" id="data">{embedded(data)}</script>\n'
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
{GENERATOR} {__version__}">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<header><p>elmo_np</p><button type="button" id="theme" hidden>Dark</button></header>
{body}
{json_data}{"".join(f"<script>{code}</script>{chr(10)}" for code in codes)}</body>
</html>
"""


def own_file(names: Sequence[str]) -> str:
    """The text of files of this package, one after the other."""
    directory = importlib.resources.files(__package__)
    return "\n" + "".join((directory / name).read_text(encoding="utf-8") for name in names)


def embedded(data: object) -> str:
    """JSON for a script element: without `<`, so that it contains neither the end of the element nor a comment."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # Python strings can contain half of a surrogate pair, for which UTF-8 has no bytes.
    return text.replace("<", "\\u003c").encode("utf-8", "replace").decode("utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[int] = (), kind: str = "") -> str:
    """An HTML table; the cells are escaped. numbers: the columns that are aligned as numbers."""
    def row(tag: str, cells: Sequence[object]) -> str:
        html = ""
        for k, cell in enumerate(cells):
            html += f"<{tag}{' class=number' if k in numbers else ''}>{escape(str(cell))}</{tag}>"
        return f"<tr>{html}</tr>"
    top = f"<thead>{row('th', head)}</thead>" if any(head) else ""
    body = "\n".join(row("td", cells) for cells in rows)
    return f'<div class="wide"><table class="{kind}">{top}<tbody>\n{body}\n</tbody></table></div>'


def concordance(number: str, occurrence: Occurrence) -> str:
    """A list item: a number, and a word in the middle of its sentence."""
    words, t = occurrence.sentence, occurrence.position
    left, word, right = (escape(" ".join(part)) for part in (words[max(0, t - AROUND):t], words[t:t + 1],
                                                             words[t + 1:t + 1 + AROUND]))
    return (f'<li><span class="similarity">{number}</span><span class="line" dir="auto">'
            f"<span><span>{left}</span></span><mark>{word}</mark><span>{right}</span></span></li>")


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise UserError if a page cannot be written: the folder does not exist, the name is that of a file of another
    format, or the file is not a page of elmo_np."""
    if path == STDOUT:
        return
    target = Path(path)
    if not str(path) or not target.parent.is_dir():
        raise UserError(f"cannot write the page {str(path)!r}: expected a file name in an existing folder: "
                        "create the folder, or give another path")
    if target.is_dir():
        raise UserError(f"{path} is a folder: expected a name for the page, such as {target / 'page.html'}")
    check_ending(target, (".html", ".htm"))
    if target.exists() and not is_page(target):
        raise UserError(f"{path} already exists and is not a page of elmo_np: give another path, or remove it")


def is_page(path: Path) -> bool:
    """Whether a file is a page written by this module."""
    try:
        with open_regular(path) as file:
            return GENERATOR.encode() in file.read(2000)
    except OSError:
        return False


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write a page atomically; an older page is replaced. Raises UserError as `check_target`."""
    check_target(path)
    atomic_write(path, [text.encode("utf-8", "replace")])       # "?" for bytes of a file name that are not UTF-8


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
