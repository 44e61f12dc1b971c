"""A chart of lines as SVG inside a page: its colours are the page's, light or dark, so it is no picture of plots.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 48, 130, 30, 44       # room for the numbers, and for the lines' names at their ends
APART = 18          # lowest distance between two names


class Line(NamedTuple):
    """One line: its name stands at its end."""

    name: str           # "": none
    points: Sequence[tuple[float, float]]       # x, y: x at least 0, y above it
    kind: str                                   # a class of reports.css
    dots: bool = False


def log_chart(lines: Sequence[Line], x_label: str, y_label: str, says: str) -> str:
    """Lines over a logarithmic y. says: what the chart shows, for those who do not see it. None to draw: no chart."""
    lines = [line for line in lines if line.points]
    if not lines:
        return "<p>There is nothing to draw.</p>"
    highest_x = max(x for line in lines for x, _ in line.points) or 1
    values = [y for line in lines for _, y in line.points]
    low, high = math.log(min(values)) - 0.05, math.log(max(values)) + 0.05

    def at(x: float, y: float) -> tuple[float, float]:
        return (LEFT + x / highest_x * (WIDTH - LEFT - RIGHT),
                TOP + (high - math.log(y)) / (high - low) * (HEIGHT - TOP - BOTTOM))
    parts = [f'<div class="wide"><svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
             f'aria-label="{escape(says)}">']
    for y in _log_ticks(math.exp(low), math.exp(high)):
        _, v = at(0, y)
        parts.append(f'<path class="grid" d="M{LEFT} {v:.1f}H{WIDTH - RIGHT}"/>'
                     f'<text x="{LEFT - 8}" y="{v + 4:.1f}" text-anchor="end">{y:,g}</text>')
    for x in _ticks(0, highest_x):
        u, _ = at(x, values[0])
        parts.append(f'<text x="{u:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x:,.0f}</text>')
    parts.append(f'<text class="label" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(x_label)}</text>'
                 f'<text class="label" x="0" y="12">{escape(y_label)}</text>')
    for line in lines:
        places = [at(x, y) for x, y in line.points]
        parts.append(f'<path class="line {line.kind}" d="M{"L".join(f"{u:.1f} {v:.1f}" for u, v in places)}"/>')
        if line.dots:
            parts += [f'<circle class="{line.kind}" cx="{u:.1f}" cy="{v:.1f}" r="3.5"/>' for u, v in places]
    named = [line for line in lines if line.name]
    ends = [at(*line.points[-1]) for line in named]
    for line, (u, _), v in zip(named, ends, _spread([v for _, v in ends]), strict=True):
        parts.append(f'<text class="name {line.kind}" x="{u + 10:.1f}" y="{v + 4:.1f}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg></div>"])


def _log_ticks(low: float, high: float) -> list[float]:
    """Round numbers in a range: 1, 2, 5 of each power of ten; equal steps where those would be two or fewer."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [n * 10.0 ** power for power in powers for n in (1, 2, 5) if low <= n * 10.0 ** power <= high]
    return ticks if len(ticks) > 2 else _ticks(low, high)


def _ticks(low: float, high: float) -> list[float]:
    """The multiples in a range of a round step, two to six of them."""
    power = 10.0 ** math.floor(math.log10(high - low))
    step = next(power * n for n in (0.2, 0.5, 1, 2) if (high - low) / (power * n) < 5.5)
    return [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _spread(heights: Sequence[float]) -> list[float]:
    """The same heights in their order, moved up where one is nearer than APART to the one below it."""
    order, found = sorted(range(len(heights)), key=lambda k: -heights[k]), list(heights)
    for below, above in pairwise(order):
        found[above] = min(found[above], found[below] - APART)
    return found
