"""The frame of every page: one file, one style, nothing fetched, and a text stays a text.

Three things keep a corpus with `<script>` in it harmless. In HTML it is escaped; in the page's data every `<` is
written as JSON's \\u003c, so that nothing there ends the element; and the page's policy lets only those scripts and
styles run whose SHA-256 it names, and lets it speak to nobody.
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
from ..runtime.files import atomic_write_text

GENERATOR = '<meta name="generator" content="elmo_np'


def page(title: str, body: str, *, styles: Sequence[str] = (), scripts: Sequence[str] = (),
         data: object = None) -> str:
    """The whole page.

    title     its name, a text
    body      HTML; what of it is a text has to be escaped
    styles    files of this package after style.css
    scripts   files of this package after theme.js, run at the end of the page in this order
    data      what JSON can hold, for the scripts: the text of the element with id "data"
    """
    style, *codes = (own_file(names) for names in (["style.css", *styles], ["theme.js"], *([name] for name in scripts)))
    policy = (f"default-src 'none'; style-src {_hash(style)}; script-src {' '.join(map(_hash, codes))}; "
              "img-src data:; base-uri 'none'; form-action 'none'")
    held = "" if data is None else f'<script type="application/json" id="data">{embedded(data)}</script>\n'
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
{held}{"".join(f"<script>{code}</script>{chr(10)}" for code in codes)}</body>
</html>
"""


def own_file(names: Sequence[str]) -> str:
    """Files of this package, one after the other."""
    folder = importlib.resources.files(__package__)
    return "\n" + "".join((folder / name).read_text(encoding="utf-8") for name in names)


def embedded(data: object) -> str:
    """JSON that can stand in a script element: no `<`, so neither an end of the element nor a comment in it."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # Half of a surrogate pair, which Python's texts can hold, is no character: UTF-8 has no bytes for it.
    return text.replace("<", "\\u003c").encode("utf-8", "replace").decode("utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[int] = (), kind: str = "") -> str:
    """An HTML table of texts, which are escaped; `numbers`: the columns that are aligned as numbers are."""
    def row(tag: str, cells: Sequence[object]) -> str:
        return "<tr>" + "".join(f"<{tag}{' class=number' if k in numbers else ''}>{escape(str(cell))}</{tag}>"
                                for k, cell in enumerate(cells)) + "</tr>"
    top = f"<thead>{row('th', head)}</thead>" if any(head) else ""
    cells = "\n".join(row("td", cells) for cells in rows)
    return f'<div class="wide"><table class="{kind}">{top}<tbody>\n{cells}\n</tbody></table></div>'


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise UserError where a page cannot be written: no folder, or a file that is no page of ours is there already."""
    target = Path(path)
    if not str(path) or not target.parent.is_dir():
        raise UserError(f"cannot write the page {str(path)!r}: expected a file's name in a folder that exists: "
                        "create the folder, or give another path")
    if target.is_dir():
        raise UserError(f"{path} is a folder: expected a name for the page, such as {target / 'page.html'}")
    if target.exists() and not is_page(target):
        raise UserError(f"{path} exists already and is no page of elmo_np's: give another path, or remove it")


def is_page(path: Path) -> bool:
    """Whether a file is a page that this module wrote."""
    try:
        with open(path, encoding="utf-8") as file:
            return GENERATOR in file.read(2000)
    except (OSError, UnicodeDecodeError):
        return False


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write a page, whole or not at all, in place of an older one. Raises UserError as `check_target`."""
    check_target(path)
    atomic_write_text(path, text)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
