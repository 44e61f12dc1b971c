"""Lines or points as SVG inside a page, in the colours of the page, light or dark, unlike the figures of plots.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 130, 30, 50       # margins, for tick labels and for the names at the ends of the lines
APART = 20          # minimum distance between two names
MOST = 12           # labels of the y axis, at most: more would overlap on a narrow screen, where the text is larger

Place = Callable[[float, float], tuple[float, float]]       # from values to coordinates in the drawing


class Line(NamedTuple):
    """One line, with its name at its end."""

    name: str           # "": none
    points: Sequence[tuple[float, float]]       # x, y: x at least 0, y above 0
    kind: str                                   # a class of reports.css
    dots: bool = False


def log_chart(lines: Sequence[Line], x_label: str, y_label: str, description: str) -> str:
    """Lines over a logarithmic y axis. description: what the chart shows, for screen readers."""
    lines = [line for line in lines if line.points]
    if not lines:
        return "<p>There is nothing to show.</p>"
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    highest_x = max(xs) or 1
    low, high = math.log(min(ys)) - 0.05, math.log(max(ys)) + 0.05

    def place(x: float, y: float) -> tuple[float, float]:
        return (LEFT + x / highest_x * (WIDTH - LEFT - RIGHT),
                TOP + (high - math.log(y)) / (high - low) * (HEIGHT - TOP - BOTTOM))
    return "\n".join([
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(description)}">',
        *_grid(_log_ticks(math.exp(low), math.exp(high)), place),
        *_x_ticks(_ticks(0, highest_x), place),
        f'<text class="label" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(x_label)}</text>'
        f'<text class="label" x="0" y="12">{escape(y_label)}</text>',
        *_drawn(lines, place),
        *_names([line for line in lines if line.name], place),
        "</svg>"])


def _grid(ticks: Sequence[float], place: Place) -> Iterator[str]:
    for y in ticks:
        _, v = place(0, y)
        yield (f'<path class="grid" d="M{LEFT} {v:.1f}H{WIDTH - RIGHT}"/>'
               f'<text x="{LEFT - 8}" y="{v + 4:.1f}" text-anchor="end">{y:,g}</text>')


def _x_ticks(ticks: Sequence[float], place: Place) -> Iterator[str]:
    for x in ticks:
        u, _ = place(x, 1)
        yield f'<text x="{u:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x:,.0f}</text>'


def _drawn(lines: Sequence[Line], place: Place) -> Iterator[str]:
    for line in lines:
        points = [place(x, y) for x, y in line.points]
        path = "L".join(f"{u:.1f} {v:.1f}" for u, v in points)
        yield f'<path class="line {line.kind}" d="M{path}"/>'
        if line.dots:
            yield from (f'<circle class="{line.kind}" cx="{u:.1f}" cy="{v:.1f}" r="3.5"/>' for u, v in points)


def _names(lines: Sequence[Line], place: Place) -> Iterator[str]:
    ends = [place(*line.points[-1]) for line in lines]
    heights = _spread([v for _, v in ends])
    for line, (u, _), v in zip(lines, ends, heights, strict=True):
        yield f'<text class="name {line.kind}" x="{u + 10:.1f}" y="{v + 4:.1f}">{escape(line.name)}</text>'


def _log_ticks(low: float, high: float) -> list[float]:
    """Round values in a range: 1, 2, 5 times a power of ten; only powers, or some of them, if these are more than MOST;
    equal steps if they are at most two."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [n * 10.0 ** power for power in powers for n in (1, 2, 5) if low <= n * 10.0 ** power <= high]
    if len(ticks) > MOST:
        ticks = [10.0 ** power for power in powers if low <= 10.0 ** power <= high]
        ticks = ticks[::math.ceil(len(ticks) / MOST)]
    return ticks if len(ticks) > 2 else _ticks(low, high)


def _ticks(low: float, high: float) -> list[float]:
    """Two to six multiples of a round step in a range."""
    power = 10.0 ** math.floor(math.log10(high - low))
    step = next(power * n for n in (0.2, 0.5, 1, 2) if (high - low) / (power * n) < 5.5)
    return [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _spread(heights: Sequence[float]) -> list[float]:
    """The heights in the same order, each moved up if it is closer than APART to the one below it."""
    order = sorted(range(len(heights)), key=lambda k: -heights[k])
    found = list(heights)
    for below, above in pairwise(order):
        found[above] = min(found[above], found[below] - APART)
    return found


def scatter(points: Sequence[tuple[float, float]], kinds: Sequence[str], description: str) -> str:
    """Points in a square, each with a class of reports.css; both axes have the same scale. description: as above."""
    side = HEIGHT - 20
    size = max((abs(value) for point in points for value in point), default=0) or 1
    dots = (f'<circle class="{kind}" cx="{10 + side / 2 * (1 + x / size):.1f}" '
            f'cy="{10 + side / 2 * (1 - y / size):.1f}" r="3"/>' for (x, y), kind in zip(points, kinds, strict=True))
    return (f'<svg class="chart square" viewBox="0 0 {HEIGHT} {HEIGHT}" role="img" aria-label="{escape(description)}">'
            f'{"".join(dots)}</svg>')
