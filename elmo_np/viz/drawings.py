"""Drawings of the model for the tutorials: an LSTM cell, the paths of its gradients, and the biLM.

    from elmo_np.viz import drawings, plots
    plots.save(drawings.lstm_cell().figure, "cell.svg")

Coordinates are pixels of a picture 700 wide, from the top left corner. Text is drawn as outlines, so that formulas look
the same everywhere and their sizes are known: tests check that no label is covered. Symbols are those of
tutorials/equations.md.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .plots import BACKWARD, FORWARD, STYLE

WIDTH = 700
INK, FAINT, PALE, PAPER = "#222222", "#777777", "#f2f2f2", "#ffffff"
FORWARD_PALE, BACKWARD_PALE = "#d9ebf5", "#f9e3d3"
SIZE = 21               # of a label; 11 on a telephone, where a picture is about half as wide
HEAD = 12               # length of an arrow's head

Point = tuple[float, float]


class Box(NamedTuple):
    """A part of a drawing around its centre: a rectangle with round corners, or a circle if w is h."""

    x: float
    y: float
    w: float
    h: float

    def edge(self, towards: Point) -> Point:
        """Where the straight line from the centre to a point leaves the part."""
        dx = towards[0] - self.x
        dy = towards[1] - self.y
        if self.w == self.h:
            share = self.w / 2 / float(np.hypot(dx, dy))
        else:
            share = min(self.w / 2 / abs(dx) if dx else np.inf, self.h / 2 / abs(dy) if dy else np.inf)
        return self.x + share * dx, self.y + share * dy

    @property
    def top(self) -> Point:
        return self.x, self.y - self.h / 2

    @property
    def bottom(self) -> Point:
        return self.x, self.y + self.h / 2

    @property
    def left(self) -> Point:
        return self.x - self.w / 2, self.y

    @property
    def right(self) -> Point:
        return self.x + self.w / 2, self.y


class Drawing:
    """A white picture of WIDTH times `height` pixels.

    labels      the extent of each label, (left, top, right, bottom)
    parts       the boxes and circles
    arrows      the points of each arrow; lines those of each line without a head
    """

    def __init__(self, height: float):
        from matplotlib.figure import Figure

        self.height = height
        self.figure = Figure(figsize=(WIDTH / 100, height / 100), facecolor=PAPER)
        self.axes: Any = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        self.axes.axis("off")
        self.labels: list[tuple[float, float, float, float]] = []
        self.parts: list[Box] = []
        self.arrows: list[Sequence[Point]] = []
        self.lines: list[Sequence[Point]] = []

    def label(self, x: float, y: float, text: str, *, colour: str = INK, size: float = SIZE,
              align: str = "center") -> float:
        """Text, with formulas between dollar signs; align: what x is; y is its middle -> its right edge."""
        from matplotlib.font_manager import FontProperties
        from matplotlib.patches import PathPatch
        from matplotlib.textpath import TextPath
        from matplotlib.transforms import Affine2D

        font = FontProperties(family="DejaVu Sans", math_fontfamily="stix")
        path = TextPath((0, 0), text, size=size, prop=font)
        extent = path.get_extents()
        shift = {"left": 0.0, "center": extent.width / 2, "right": extent.width}[align] + extent.x0
        place = Affine2D().scale(1, -1).translate(x - shift, y + (extent.y0 + extent.y1) / 2)
        drawn = path.transformed(place)
        self.axes.add_patch(PathPatch(drawn, facecolor=colour, linewidth=0, zorder=4))
        left, top, right, bottom = map(float, drawn.get_extents().extents)
        self.labels.append((left, top, right, bottom))
        return right

    def part(self, box: Box, text: str = "", *, fill: str = PAPER, line: str = INK, size: float = SIZE,
             colour: str = INK) -> Box:
        from matplotlib.patches import Circle, FancyBboxPatch, Patch

        x, y, w, h = box
        look: dict[str, Any] = {"facecolor": fill, "edgecolor": line, "linewidth": 1.2, "zorder": 3}
        patch: Patch = Circle((x, y), w / 2, **look)
        if w != h:
            patch = FancyBboxPatch((x - w/2, y - h/2), w, h, boxstyle="round,pad=0,rounding_size=8", **look)
        self.axes.add_patch(patch)
        self.parts.append(box)
        if text:
            self.label(x, y, text, size=size, colour=colour)
        return box

    def area(self, box: Box, fill: str) -> None:
        """A coloured ground under everything else."""
        from matplotlib.patches import FancyBboxPatch

        x, y, w, h = box
        self.axes.add_patch(FancyBboxPatch((x - w/2, y - h/2), w, h, boxstyle="round,pad=0,rounding_size=14",
                                           facecolor=fill, linewidth=0, zorder=0))

    def arrow(self, *points: Point, colour: str = INK, width: float = 1.2) -> None:
        """Along the points; the head's tip is at the last."""
        tip = np.array(points[-1], float)
        back = np.array(points[-2], float) - tip
        back /= np.linalg.norm(back)
        side = np.array([-back[1], back[0]])
        base = tip + HEAD * back
        self._line([*points[:-1], base - back], colour, width)
        self.axes.fill(*np.array([tip, base + 0.4*HEAD*side, base - 0.4*HEAD*side]).T, color=colour, linewidth=0,
                       zorder=2.5)
        self.arrows.append(points)

    def line(self, *points: Point, colour: str = INK, width: float = 1.2) -> None:
        self._line(points, colour, width)
        self.lines.append(points)

    def _line(self, points: Sequence[Any], colour: str, width: float) -> None:
        self.axes.plot(*np.array([tuple(p) for p in points], float).T, color=colour, linewidth=width, zorder=2,
                       solid_joinstyle="round", solid_capstyle="butt")


def lstm_cell() -> Drawing:
    """One step: (L1), (L2), (L3) and (L5), without the bounds and the projection."""
    d = Drawing(490)
    d.area(Box(368, 242, 540, 404), PALE)
    forget, add = _operation(d, 215, 85, r"$\times$"), _operation(d, 380, 85, "$+$")
    write, show = _operation(d, 380, 190, r"$\times$"), _operation(d, 590, 235, r"$\times$")
    squash = d.part(Box(590, 155, 74, 40), r"$\tanh$")
    gates = {}
    for letter, x, function, word in ("f", 215, r"\sigma", "keep"), ("i", 325, r"\sigma", "write"), \
            ("g", 435, r"\tanh", "what"), ("o", 545, r"\sigma", "show"):
        gates[letter] = d.part(Box(x, 302, 88, 58), fill=FORWARD_PALE, line=FORWARD)
        d.label(x, 289, f"${function}$", size=23)
        d.label(x, 316, word, size=18, colour=FORWARD)
        d.arrow((x, 375), gates[letter].bottom)
        d.label(x + 8, 354, f"$a_t^{letter}$", size=21, align="left")
    d.arrow((70, 85), forget.left)
    d.arrow(forget.right, add.left)
    d.arrow(add.right, (645, 85))
    d.arrow((590, 85), squash.top)
    d.arrow(squash.bottom, show.top)
    d.arrow(gates["f"].top, forget.bottom)
    d.arrow(gates["i"].top, (325, 190), write.left)
    d.arrow(gates["g"].top, (435, 190), write.right)
    d.arrow(write.top, add.bottom)
    d.arrow(gates["o"].top, (545, 235), show.left)
    d.arrow(show.right, (645, 235))
    for x, y, text in (40, 85, "c_{t-1}"), (668, 85, "c_t"), (668, 235, "h_t"), (40, 400, "h_{t-1}"), \
            (380, 472, "x_t"), (236, 180, "f_t"), (306, 230, "i_t"), (456, 230, "g_t"), (526, 255, "o_t"):
        d.label(x, y, f"${text}$", size=27)
    d.part(Box(380, 400, 440, 50), r"$a_t = x_t W_x + h_{t-1} W_h + b$", size=25)
    d.arrow((74, 400), (160, 400))
    d.arrow((380, 455), (380, 425))
    for x, y, tag in (125, 302, "(L2)"), (420, 60, "(L3)"), (614, 264, "(L5)"), (128, 375, "(L1)"):
        d.label(x, y, tag, size=17, colour=FAINT)
    return d


def _operation(d: Drawing, x: float, y: float, sign: str) -> Box:
    return d.part(Box(x, y, 36, 36), sign, size=26)


class Step(NamedTuple):
    """The parts of one step in `two_steps`."""

    gates: dict[str, Box]       # the quarters of a_t, by letter
    c: Box
    h: Box
    loss: Box


def two_steps(peepholes: bool = False) -> Drawing:
    """Steps t and t+1 of an LSTM, with every path on which the gradients of c_t and h_t come back, numbered.

    peepholes   with the weights through which i and f see the old cell, and o the new one; and c_t's paths alone
    """
    d = Drawing(635)
    first = Step({}, d.part(Box(48, 70, 66, 66), "$c_{t-1}$", line=FAINT),
                 d.part(Box(48, 340, 66, 66), "$h_{t-1}$", line=FAINT), Box(0, 0, 0, 0))
    steps = [first, _step(d, 178, "t"), _step(d, 488, "t+1")]
    for k, (before, step) in enumerate(pairwise(steps)):
        _edge(d, before.c, step.c, DC, 3 if peepholes else 2, k == 1)
        _edge(d, before.h, step.gates["f"], DH, 2, k == 1 and not peepholes)
        _edge(d, step.c, step.h, DC, 1, k == 0)
        _edge(d, step.h, step.loss, DH, 1, k == 0 and not peepholes)
        if peepholes:
            _edge(d, step.c, step.gates["o"], DC, 2, k == 0)
            _edge(d, before.c, step.gates["i"], DC, 4, k == 1)
            _edge(d, before.c, step.gates["f"], DC, 5, k == 1)
    _legend(d, peepholes)
    return d


DC, DH = BACKWARD, FORWARD      # colours of the paths into c and into h


def _step(d: Drawing, x: float, t: str) -> Step:
    """The parts of step t around x, and the edges between them that no gradient of c or h takes."""
    gates = {letter: d.part(Box(x - 63 + 42*k, 210, 42, 38), f"${letter}$") for k, letter in enumerate("figo")}
    c = d.part(Box(x + 140, 70, 66, 66), f"$c_{{{t}}}$")
    h = d.part(Box(x + 140, 340, 66, 66), f"$h_{{{t}}}$")
    loss = d.part(Box(x + 140, 460, 84, 42), "loss", line=FAINT)
    for letter in "fig":
        d.arrow(gates[letter].top, c.edge(gates[letter].top), colour=FAINT)
    d.arrow(gates["o"].bottom, h.edge(gates["o"].bottom), colour=FAINT)
    d.label(x - 91, 204, f"$a_{{{t}}}$", align="right")
    d.label(x, 318, f"$x_{{{t}}}$")
    d.arrow((x, 300), (x, 229), colour=FAINT)
    return Step(gates, c, h, loss)


def _edge(d: Drawing, a: Box, b: Box, colour: str, number: int, numbered: bool) -> None:
    """A step of the forward pass from a to b, and next to it the gradient on its way back, in colour."""
    start = np.array(a.edge((b.x, b.y)))
    end = np.array(b.edge((a.x, a.y)))
    along = (end - start) / np.linalg.norm(end - start)
    aside = 6 * np.array([along[1], -along[0]])
    d.arrow(tuple(start - aside), tuple(end - aside), colour=FAINT)
    d.arrow(tuple(end + aside), tuple(start + aside), colour=colour, width=2.2)
    if numbered:
        share = 0.5 if number < 4 else 0.7          # 4 and 5 are close to each other where they arrive
        x, y = start + share * (end - start) + aside
        _chip(d, float(x), float(y), number, colour)


def _chip(d: Drawing, x: float, y: float, number: int, colour: str) -> float:
    d.part(Box(x, y, 27, 27), str(number), fill=colour, line=PAPER, size=17, colour=PAPER)
    return x + 14


def _legend(d: Drawing, peepholes: bool) -> None:
    own = r"$dh_t \circ o_t \circ (1 - \tanh^2 c_t)$"
    if peepholes:
        _sum(d, 522, DC, "$dc_t =$", [own, r"$da^o_t \circ p^o$"])
        _sum(d, 567, DC, "$+$", [r"$dc_{t+1} \circ f_{t+1}$", r"$da^i_{t+1} \circ p^i$", r"$da^f_{t+1} \circ p^f$"], 3)
    else:
        _sum(d, 522, DC, "$dc_t =$", [own, r"$dc_{t+1} \circ f_{t+1}$"])
        _sum(d, 567, DH, "$dh_t =$", ["$dy_t$", r"$da_{t+1} W_h^\top$"])
    d.label(30, d.height - 25, "Grey: the forward pass. Colour: gradients on their way back.", size=18, colour=FAINT,
            align="left")


def _sum(d: Drawing, y: float, colour: str, left: str, terms: Sequence[str], first: int = 1) -> None:
    """A gradient as the sum of its numbered paths."""
    x = d.label(30, y, left, align="left", size=23)
    for k, term in enumerate(terms):
        if k > 0:
            x = d.label(x + 9, y, "$+$", align="left", size=23)
        x = _chip(d, x + 24, y, first + k, colour)
        x = d.label(x + 6, y, term, align="left", size=23)


def bilm() -> Drawing:
    """Both directions of a model with two layers, reading a sentence, and the vectors of one of its words."""
    d = Drawing(690)
    _direction(d, 45, ["<S>", "the", "bank", "closed", "</S>"], "forward", "(B1)")
    _direction(d, 655, ["</S>", "closed", "bank", "the", "<S>"], "backward", "(B2)")
    for layer, (y, kind) in enumerate(zip(ROWS, ("vectors", "LSTM", "LSTM"), strict=True)):
        d.label(350, y - 10, f"layer {layer}", size=18, colour=FAINT)
        d.label(350, y + 12, kind, size=18, colour=FAINT)
    bars = {layer: _joined(d, x, layer) for layer, x in ((2, 130), (1, 350), (0, 570))}
    d.line((195, 410), (195, 446), (505, 446), (505, 410))
    d.line((130, 446), (570, 446))
    for bar in bars.values():
        d.arrow((bar.x, 446), bar.top)
    d.label(230, 424, r"$h_\mathrm{bi}$", size=25)
    d.label(362, 425, "joined at the word (V1)", size=18, colour=FAINT)
    vector = d.part(Box(122, 618, 220, 54), "$v_t = W h_{t,2} + b$", size=23)
    mix = d.part(Box(462, 618, 350, 54), r"$e_t = \gamma \; (s_2 h_{t,2} + s_1 h_{t,1} + s_0 h_{t,0})$", size=23)
    d.arrow(bars[2].bottom, (130, vector.top[1]))
    d.arrow((160, bars[2].bottom[1]), (310, mix.top[1]))
    for layer in 1, 0:
        d.arrow(bars[layer].bottom, (bars[layer].x, mix.top[1]))
    d.label(122, 668, "one vector (V2)", size=18, colour=FAINT)
    d.label(462, 668, "or the layer mix (V4), weights by a softmax (V3)", size=18, colour=FAINT)
    return d


ROWS = (325, 245, 165)      # heights of the layers 0, 1 and 2 in `bilm`


def _direction(d: Drawing, x: float, words: Sequence[str], name: str, tag: str) -> None:
    """One direction, in its order of reading from x on: each word but the last is read, and predicts the next."""
    apart = 75 if x < WIDTH / 2 else -75
    colour, pale = (FORWARD, FORWARD_PALE) if name == "forward" else (BACKWARD, BACKWARD_PALE)
    d.area(Box(x + 2 * apart, 268, 66, 284), pale)
    softmax = d.part(Box(x + 1.5 * apart, 97, 284, 36), "softmax", line=colour, size=19, colour=colour)
    d.label(softmax.x, 20, f"{name} {tag}", size=20, colour=colour)
    for k, (word, after) in enumerate(pairwise(words)):
        column = [d.part(Box(x + k * apart, y, 54, 42), f"$h_{{t,{layer}}}$" if k == 2 else "", line=colour)
                  for layer, y in enumerate(ROWS)]
        d.label(column[0].x, 372, word, size=18)
        d.label(column[0].x, 52, after, size=18, colour=colour)
        d.arrow((column[0].x, 79), (column[0].x, 63), colour=colour)
        for below, above in pairwise([*column, softmax]):
            d.arrow(below.top, (below.x, above.bottom[1]), colour=colour)
        for box in column[1:] if k < 3 else []:
            d.arrow(box.edge((box.x + apart, box.y)), (box.x + apart - np.sign(apart) * 27, box.y), colour=colour)


def _joined(d: Drawing, x: float, layer: int) -> Box:
    """The states of both directions in a layer, side by side."""
    for side, fill, line in (-32, FORWARD_PALE, FORWARD), (32, BACKWARD_PALE, BACKWARD):
        d.part(Box(x + side, 492, 64, 42), f"$h_{{t,{layer}}}$", fill=fill, line=line)
    return Box(x, 492, 128, 42)


DRAWINGS: dict[str, Callable[[], Drawing]] = {
    "lstm-cell.svg": lstm_cell,
    "two-steps.svg": two_steps,
    "peepholes.svg": lambda: two_steps(peepholes=True),
    "bilm.svg": bilm,
}


def svg(drawing: Drawing) -> str:
    """A drawing as the text of an .svg file, with coordinates of two decimals, which halves its size."""
    from matplotlib import style

    text = io.StringIO()
    with style.context(["default", STYLE]):
        drawing.figure.savefig(text, format="svg", metadata={"Date": None})
    path_in_one_line = text.getvalue().replace(" \n", " ")
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path_in_one_line)
