"""The results of the runs: a table, the points as CSV, one figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quality_watch import Point, Run
from report import markdown, number

from elmo_np.viz.plots import COLOURS, MARKERS, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("name", "epoch", "step", "seconds", "forward", "backward")
# The same whichever runs are drawn
COLOUR = {"full": COLOURS[0], "adaptive": COLOURS[2], "tied": COLOURS[1], "torch": COLOURS[5],
          "characters": COLOURS[3], "words": COLOURS[4]}
MARKER = {"full": MARKERS[0], "adaptive": MARKERS[2], "tied": MARKERS[5], "torch": MARKERS[1],
          "characters": MARKERS[3], "words": MARKERS[4]}
TICKS = sorted(digit * 10**power for power in range(7) for digit in (1, 1.5, 2, 3, 5, 7))
LABEL = 0.055           # height of a label, as a share of the figure


@dataclass
class Found:
    """The results of a run. speed: words per second of training; epochs: including part of the last."""

    run: Run
    points: list[Point] = field(default_factory=list)
    speed: float | None = None
    epochs: float | None = None

    def reached(self, target: float) -> Point | None:
        """The first validation at which both directions have reached the target."""
        return next((point for point in self.points if point.higher <= target), None)

    def best(self) -> Point | None:
        """The validation with the lowest sum of both directions."""
        finite = [point for point in self.points if math.isfinite(point.higher)]
        return min(finite, key=lambda point: point.forward * point.backward, default=None)


def table(found: Sequence[Found], target: float) -> str:
    """One line per run."""
    return markdown({
        "run": [one.run.name for one in found],
        "preset": [one.run.recipe for one in found],
        f"seconds to {target:g} in both directions": [verdict(one, target) for one in found],
        "words/s": [number(one.speed, "{:,.0f}") for one in found],
        "epochs": [number(one.epochs, "{:.1f}") for one in found]})


def verdict(found: Found, target: float) -> str:
    """When it reached the target, or how close it came."""
    point, best = found.reached(target), found.best()
    if point is not None:
        return f"{point.seconds:.0f}"
    near = f"best {best.forward:.1f} / {best.backward:.1f}" if best else "no finite perplexity"
    over = found.points and found.points[-1].seconds < found.run.budget     # it finished by itself
    limit = f"all {found.points[-1].epoch} epochs" if over else f"{found.run.budget / 60:g} minutes"
    return f"not reached in {limit}, {near}"


def as_csv(found: Sequence[Found]) -> str:
    """One row per validation."""
    rows = [",".join(COLUMNS)]
    for one in found:
        name = '"' + one.run.name.replace('"', '""') + '"'
        rows += [f"{name},{p.epoch},{p.step},{p.seconds:.2f},{p.forward:.6g},{p.backward:.6g}" for p in one.points]
    return "\n".join(rows) + "\n"


@styled
def curves(found: Sequence[Found], target: float) -> Figure:
    """Validation perplexity against time. The higher of both directions is drawn, since both must reach the target."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.4), layout="constrained")
    ax = figure.subplots()
    ends: list[tuple[Found, Point]] = []
    for one in found:
        points = [point for point in one.points if math.isfinite(point.higher)]
        if not points:
            continue
        colour, marker = COLOUR[one.run.key], MARKER[one.run.key]
        ax.plot([p.seconds / 60 for p in points], [p.higher for p in points], color=colour, linewidth=2)
        for whole, face in (True, colour), (False, "white"):
            some = [point for point in points if point.whole == whole]
            ax.plot([p.seconds / 60 for p in some], [p.higher for p in some], marker, color=colour,
                    markerfacecolor=face, clip_on=False, zorder=3)
        ends.append((one, points[-1]))
    ax.axhline(target, color="0.4", linestyle="--", linewidth=1)
    ax.set(xlabel="minutes from the start (open marks: inside an epoch)",
           ylabel="validation perplexity, the higher\nof both directions (lower is better)")
    ax.set_title(title(found, target), loc="left")
    set_limits(ax, [p.higher for one in found for p in one.points if math.isfinite(p.higher)] + [target])
    ax.set_xlim(0, max([one.run.budget / 60 for one in found] + [point.seconds / 60 for _, point in ends]))
    ax.annotate(f"target {target:g}", (0, target), (4, -4), textcoords="offset points", va="top", color="0.3")
    label(ax, ends)
    return figure


def title(found: Sequence[Found], target: float) -> str:
    """The curves of the figure."""
    there = [(point.seconds, one.run.name) for one in found if (point := one.reached(target))]
    if there:
        seconds, name = min(there)
        return f"{name}: both directions at perplexity {target:g} after {seconds / 60:.1f} minutes"
    return f"No run reaches perplexity {target:g} in both directions"


def set_limits(ax: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis with readable ticks, and room around the values."""
    low, high = min(values) / 1.1, max(values) * 1.1
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    ax.set_yticks(ticks, [f"{tick:,.10g}" for tick in ticks])
    ax.set_yticks([], minor=True)


def label(ax: Axes, ends: Sequence[tuple[Found, Point]]) -> None:
    """Each line's name to the right, at the height of its end, moved up if the name below is too close."""
    low, high = (math.log(limit) for limit in ax.get_ylim())
    free = -math.inf
    for one, point in sorted(ends, key=lambda end: end[1].higher):
        height = max(free, (math.log(point.higher) - low) / (high - low))
        free = height + 2 * LABEL
        y = math.exp(low + height * (high - low))
        text = f"{one.run.name}\n{point.forward:.0f} forward, {point.backward:.0f} backward"
        ax.annotate(text, (ax.get_xlim()[1], y), (9, 0), textcoords="offset points", va="center",
                    color=COLOUR[one.run.key], annotation_clip=False)
