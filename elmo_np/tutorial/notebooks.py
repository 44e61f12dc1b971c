"""A page as a Jupyter notebook: the same text, the blocks as cells with their output, figures inline, answers folded.

A notebook has the format nbformat 4.5, which is plain JSON, so that none of Jupyter is needed to write one.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..runtime.files import STDOUT, atomic_write_text
from .pages import BLOCK, Page

_PIECE = re.compile(rf"^<details>\n<summary>(?P<summary>.*?)</summary>\n|^</details>\n?|{BLOCK.pattern}",
                    re.MULTILINE | re.DOTALL)
_MATHS = re.compile(r"^```math\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([\w./-]+)\)")
_CODE_OR_LINK = re.compile(r"^```.*?^```$|`[^`\n]*`|(?<!!)\[(?P<label>[^\]]*)\]\((?P<target>[^)#\s]*)(?:#[^)]*)?\)",
                           re.MULTILINE | re.DOTALL)
_FIGURE = re.compile(r"tutorials/img/([\w.-]+\.svg)")
_FIRST_LINE = "<!-- click to unfold -->"        # Jupyter shows the first line of a folded cell
_FOLDED = {"jupyter": {"source_hidden": True, "outputs_hidden": True}}


def notebook(page: Page) -> dict[str, Any]:
    """The page as a notebook, as if it had just been run. It runs in any directory; its figures are written there."""
    cells: list[dict[str, Any]] = []
    place, fold, directory = 0, False, page.path.parent
    for match in _PIECE.finditer(page.source):
        cells += _markdown(page.source[place:match.start()], directory, fold)
        place = match.end()
        if match["code"] is not None:
            cells.append(_code(match["code"], match["text"] or "", directory, fold))
            continue
        fold = match["summary"] is not None
        if fold:
            cells += _markdown(f"**{match['summary']}** (folded below)", directory, False)
    cells += _markdown(page.source[place:], directory, fold)
    return {"cells": [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells)],
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}},
            "nbformat": 4, "nbformat_minor": 5}


def write_notebook(page: Page, out: str | Path) -> None:
    """Write the page as a notebook; the text "-" is standard output.

    Raises UserError if that is not possible, or would replace a file.
    """
    if out != STDOUT and Path(out).exists():
        raise UserError(f"{out} exists already: give another name, or remove it (it may contain your changes)")
    atomic_write_text(out, json.dumps(notebook(page), ensure_ascii=False, indent=1) + "\n")


def _markdown(text: str, directory: Path, fold: bool) -> list[dict[str, Any]]:
    """A cell with a page's text as Jupyter shows it; no cell for none."""
    text = _MATHS.sub(lambda match: f"$$\n{match[1]}$$", text.strip())
    text = _CODE_OR_LINK.sub(_link, text)
    text = _PICTURE.sub(lambda match: _picture(match[1], match[2], directory), text)
    if text and fold:
        text = f"{_FIRST_LINE}\n{text}"
    return [{"cell_type": "markdown", "metadata": _FOLDED if fold else {}, "source": text}] if text else []


def _link(match: re.Match[str]) -> str:
    """A link to a page leads to its notebook. Other files of the project are named, for a notebook may be anywhere."""
    label, target = match["label"], match["target"]
    if label is None or target.startswith("http"):      # None: code
        return match[0]
    if re.fullmatch(r"\d\d-[\w-]+\.md", target):
        return f"[{label}]({target.removesuffix('.md')}.ipynb)"
    return f"{label} (`{target}`)" if target and target != label.strip("`") else label


def _picture(label: str, name: str, directory: Path) -> str:
    """The caption of a figure that the cell above draws; any other picture is part of the notebook."""
    return f"*{label}*" if name.startswith("img/") else f"![{label}]({_address(directory / name)})"


def _address(picture: Path) -> str:
    kind = "svg+xml" if picture.suffix == ".svg" else "png"
    return f"data:image/{kind};base64,{b64encode(picture.read_bytes()).decode()}"


def _code(code: str, shown: str, directory: Path, fold: bool) -> dict[str, Any]:
    outputs: list[dict[str, Any]] = []
    if shown:
        outputs.append({"output_type": "stream", "name": "stdout", "text": shown})
    for name in _FIGURE.findall(code):
        # An image within HTML: Jupyter does not show SVG of a notebook that has not been run here.
        outputs.append({"output_type": "display_data", "metadata": {},
                        "data": {"text/html": f'<img alt="" src="{_address(directory / "img" / name)}">'}})
    return {"cell_type": "code", "execution_count": None, "metadata": _FOLDED if fold else {}, "outputs": outputs,
            "source": _FIGURE.sub(r"\1", code).rstrip("\n")}
