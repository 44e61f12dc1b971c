"""A Markdown page of formulas as pages of A4 in two columns: tutorials/cheat-sheet.md becomes cheat-sheet.pdf.

The page has a title, a paragraph for readers on a screen, which is not printed, one of conventions, and sections: a
heading, a line of shapes, and rows such as "- **(S1)** $z = h W$ ← $dW = z$", where the arrow begins the gradient.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .plots import BACKWARD, FORWARD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = 595, 842             # points: A4
MARGIN, GAP = 24, 14        # around a page; between its columns
COLUMN = (PAGE[0] - 2 * MARGIN - GAP) / 2
SIZE, INDENT = 7.1, 22
LARGER = 1.24               # formulas, whose letters are smaller than those of words
INK, GREY = "#222222", "#666666"
ARROW = "←"                 # between an equation and its gradient
SPACE, LEADING = 0.35, 1.8  # between words, as a part of the size; between lines, in points


class Piece(NamedTuple):
    """A word or a formula, which is not broken."""

    text: str
    width: float
    height: float       # above the baseline
    depth: float        # below it
    space: float        # after it
    colour: str
    size: float
    bold: bool


class Line(NamedTuple):
    pieces: list[Piece]
    indent: float
    before: float       # space above

    @property
    def height(self) -> float:
        return self.before + max(p.height for p in self.pieces) + max(p.depth for p in self.pieces) + LEADING


def pages(markdown: str) -> list[Figure]:
    """The printed pages: two columns on each, filled one after another."""
    from matplotlib.figure import Figure

    figures: list[Figure] = []
    for number, column in enumerate(_columns(_blocks(markdown))):
        if number % 2 == 0:
            figures.append(Figure(figsize=(PAGE[0] / 72, PAGE[1] / 72)))
        _set(figures[-1], column, MARGIN + number % 2 * (COLUMN + GAP))
    return figures


def pdf(markdown: str) -> bytes:
    """The printed pages as a PDF, with the digest of what was printed and without a date."""
    from matplotlib.backends.backend_pdf import PdfPages

    written = io.BytesIO()
    title = markdown.partition("\n")[0].removeprefix("# ")
    with PdfPages(written, metadata={"CreationDate": None, "Title": title, "Keywords": digest(markdown)}) as file:
        for figure in pages(markdown):
            file.savefig(figure)
    return written.getvalue()


def digest(markdown: str) -> str:
    """The SHA-256 of a page: whether a PDF was made from it."""
    return hashlib.sha256(markdown.encode()).hexdigest()


def _blocks(markdown: str) -> Iterator[list[Line]]:
    """Lines that stay together in a column: a heading with its shapes and its first row, or another row."""
    title, _, conventions, *parts = re.split(r"\n\n+|\n(?=- |## |Shapes: )", markdown.strip())
    head = [*_lines(title.removeprefix("# "), size=13, bold=True), *_lines(conventions, before=3)]
    for part in parts:
        if part.startswith("## "):
            head += _lines(part.removeprefix("## "), size=9, bold=True, colour=FORWARD, before=6)
        elif part.startswith("Shapes: "):
            head += _lines(part.removeprefix("Shapes: "), colour=GREY)
        else:
            yield [*head, *_lines(part.removeprefix("- "), indent=INDENT, before=0.8)]
            head = []


def _lines(text: str, *, indent: float = 0, before: float = 0, size: float = SIZE, bold: bool = False,
           colour: str = INK) -> list[Line]:
    """Text broken into lines as wide as a column; `indent` is that of all lines but the first."""
    lines: list[Line] = []
    held: list[Piece] = []
    x = 0.0
    for piece in _pieces(text, size, bold, colour):
        if held and x + piece.width > COLUMN:
            carried = [held.pop()] if held[-1].text == ARROW else []        # no line ends with an arrow
            lines.append(Line(held, indent if lines else 0, 0 if lines else before))
            held = carried
            x = indent + sum(arrow.width + arrow.space for arrow in carried)
        held.append(piece)
        x += piece.width + piece.space
        if indent and not lines and len(held) == 1 and x < indent:
            held[0] = piece._replace(width=indent - piece.space)      # the tag: what follows begins at the indent
            x = indent
    return [*lines, Line(held, indent if lines else 0, 0 if lines else before)]


def _pieces(text: str, size: float, bold: bool, colour: str) -> Iterator[Piece]:
    """Words, in bold between two stars, and formulas; from the arrow on in another colour."""
    for word in re.findall(r"\*\*[^*]+\*\*\S*|\$[^$]+\$[^\s$]*|\S+", text.replace("\n", " ")):
        if word == ARROW:
            colour = BACKWARD
        strong = bold or word.startswith("**")
        own = size * LARGER if word.startswith("$") else size
        for part in _breakable(mathtext(word), own) if word.startswith("$") else [word.replace("*", "")]:
            width, height, depth = _measured(part, own, strong)
            yield Piece(part, width, height, depth, SPACE * size, colour, own, strong)


# What GitHub's TeX calls otherwise than matplotlib's, or what reads better at this size.
_KNOWN = {"lbrace": r"\{", "rbrace": r"\}", "text": r"\mathrm", "dots": r"\ldots", "mid": r"\,|\,", "le": r"\leq",
          "top": r"\mathsf{T}", "frac": r"\dfrac"}
_SUM = re.compile(r"\\sum((?:[_^](?:\{(?:[^{}]|\{[^{}]*\})*\}|\w))*)")       # with its limits


def mathtext(formula: str) -> str:
    """A formula of GitHub's Markdown in the part of TeX that matplotlib knows."""
    formula = _SUM.sub(r"\\,\\sum\1\\,", formula)
    formula = re.sub(r"\\([a-zA-Z]+)", lambda name: _KNOWN.get(name[1], name[0]), formula)
    formula = re.sub(r"\\tilde (\w)", r"\\tilde{\1}", formula)
    return re.sub(r"\\mathrm\{([^}]*)\}", lambda m: r"\mathrm{" + m[1].replace(" ", r"\ ") + "}", formula)


def _breakable(formula: str, size: float) -> list[str]:
    """A formula in one piece, or if it is wider than a line in several, each but the first with its sign before it."""
    if _measured(formula, size, False)[0] <= COLUMN - INDENT:
        return [formula]
    depth = 0
    parts = [""]
    for character in formula.strip("$"):
        depth += (character in "({[") - (character in ")}]")
        if character in "+=" and depth == 0:
            parts.append("")
        parts[-1] += character
    return [f"${part}$" for part in parts]


def _measured(text: str, size: float, bold: bool) -> tuple[float, float, float]:
    """Width, height and depth in points."""
    from matplotlib.textpath import text_to_path

    width, height, depth = text_to_path.get_text_width_height_descent(text, _font(size, bold), ismath="$" in text)
    return width, height - depth, depth


def _font(size: float, bold: bool) -> Any:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal", math_fontfamily="stix")


def _columns(blocks: Iterator[list[Line]]) -> Iterator[list[Line]]:
    """The lines of one column after another."""
    column: list[Line] = []
    for block in blocks:
        if sum(line.height for line in [*column, *block]) > PAGE[1] - 2 * MARGIN:
            yield column
            column = []
        column += block
    yield column


def _set(figure: Figure, lines: Sequence[Line], left: float) -> None:
    """Write a column into a page."""
    y = float(PAGE[1] - MARGIN)
    for line in lines:
        y -= line.height
        base = y + LEADING + max(piece.depth for piece in line.pieces)
        x = left + line.indent
        for piece in line.pieces:
            figure.text(x / PAGE[0], base / PAGE[1], piece.text, color=piece.colour, va="baseline",
                        fontproperties=_font(piece.size, piece.bold))
            x += piece.width + piece.space
