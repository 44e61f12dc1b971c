"""Writes tasks.md and its figure from the results of benchmarks/tasks.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from tasks_text import Part

from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.progress import duration
from elmo_np.training.metrics import best_validation, read
from elmo_np.viz.plots import COLOURS, styled

HEAD = """# What the vectors are worth

Written by `python benchmarks/tasks.py --out FOLDER --wnut WNUT --tatoeba fra.txt`, which trains the biLM, runs each
comparison and writes this page. All rows of a table have the same data, the same network and the same training budget;
only the input for a word differs. In the figure, dots are means and bars are single folds or seeds.

![The score of every method on each task](results/tasks.svg)
"""


@dataclass(frozen=True)
class Goal:
    """`method` should score `at_least` this much, or with `over`, this much more than that method."""

    method: str
    at_least: float
    over: str | None = None

    def reached(self, found: Mapping[str, Sequence[float]]) -> tuple[str, bool] | None:
        """The result in words, and whether the goal is met; None if a method was not compared."""
        if self.method not in found or (self.over is not None and self.over not in found):
            return None
        value = float(np.mean(found[self.method]))
        if self.over is None:
            return f"{self.method} at least {self.at_least:.0%}: {value:.1%}", value >= self.at_least
        more = value - float(np.mean(found[self.over]))
        wanted = f"at least {100 * self.at_least:.0f} points over" if self.at_least else "above"
        return f"{self.method} {wanted} {self.over}: {100 * more:+.1f}", more > 0 and more >= self.at_least


@dataclass(frozen=True)
class Found:
    """One comparison. scores: {method: one score per fold or seed}; sizes: sentences to train and test on, per
    round."""

    about: str
    command: str
    measure: str
    what: str
    goals: Sequence[Goal]
    scores: Mapping[str, Sequence[float]]
    sizes: Sequence[tuple[int, int]]
    split: str
    seconds: float | None
    notes: str = ""


def page(found: Sequence[Found], text: Sequence[Part], bilm: RunDirectory, command: str, machine: str) -> str:
    """The whole page."""
    tasks = (line for one in found for line in section(one))
    return "\n".join([HEAD, *_summary(found), *tasks, *_bilm(text, bilm, command), f"Measured on: {machine}. The "
                      "machine may have been busy with other work during the timed runs.", ""])


def _summary(found: Sequence[Found]) -> list[str]:
    lines = ["| task | goal | met |", "|---|---|---|"]
    for one in found:
        for goal in one.goals:
            reached = goal.reached(one.scores)
            if reached:
                lines.append(f"| {one.about} | {reached[0]} | {'yes' if reached[1] else '**no**'} |")
    return [*lines, ""]


def section(one: Found) -> list[str]:
    """The heading, the command and the table of one comparison."""
    trained, tested = one.sizes[0][0], sum(size for _, size in one.sizes)
    each = " in each fold" if one.what == "folds" else ""
    took = f" All rows together took {duration(one.seconds)}." if one.seconds else ""
    lines = [f"## {one.about}", "", f"{trained:,} sentences to train on{each}, {tested:,} to test on. "
             f"Test: {one.split}.{took}", ""]
    lines += [one.notes, ""] if one.notes else []
    lines += ["```sh", one.command, "```", "", f"| | {one.measure} | lowest to highest | |", "|---|---:|---|---|"]
    best = max(one.scores, key=lambda name: float(np.mean(one.scores[name])))
    for name, values in one.scores.items():
        mean = f"{np.mean(values):.1%}"
        spread = f"{min(values):.1%} to {max(values):.1%}" if len(values) > 1 else ""
        lines.append(f"| {name} | {f'**{mean}**' if name == best else mean} | {spread} | "
                     f"{f'{len(values)} {one.what}' if len(values) > 1 else ''} |")
    return [*lines, ""]


def _bilm(text: Sequence[Part], bilm: RunDirectory, command: str) -> list[str]:
    best = best_validation(read(bilm.metrics))
    assert best is not None         # its training is over
    lines = ["## The biLM", "", "```sh", command, "```", "",
             "It reads every word by its characters. It was trained on the following text, without any sentence that a "
             "task tests on (compared without regard to capitals):", "",
             "| source | sentences | left out | tokens |", "|---|---:|---:|---:|"]
    lines += [f"| {part.name} | {len(part.kept):,} | {part.found - len(part.kept):,} | {part.tokens:,} |"
              for part in text]
    forward, backward = (float(best[f"{name}_perplexity"]) for name in ("forward", "backward"))
    return [*lines, "", f"Perplexity on a held-out set, every 20th sentence: {forward:.1f} forward, {backward:.1f} "
            f"backward after epoch {best['epoch']}.", ""]


@styled
def picture(found: Sequence[Found]) -> Figure:
    """One panel per task, one row per method."""
    rows = [len(one.scores) for one in found]
    figure = Figure(figsize=(7.2, 0.7 * len(rows) + 0.27 * sum(rows)), layout="constrained")
    axes = figure.subplots(len(found), 1, squeeze=False, height_ratios=[count + 1 for count in rows])
    for ax, one in zip(axes[:, 0], found, strict=True):
        y = np.arange(len(one.scores))[::-1]
        for place, values in zip(y, one.scores.values(), strict=True):
            ax.plot(100 * np.array(values), [place] * len(values), "|", color="0.35", markersize=9)
        means = [100 * float(np.mean(values)) for values in one.scores.values()]
        ax.plot(means, y, "o", color=COLOURS[0], markersize=5)
        ax.set_yticks(y, list(one.scores), fontsize=8)
        ax.set_ylim(-0.6, len(y) - 0.4)
        ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
        ax.xaxis.set_major_formatter("{x:g}%")
        ax.set_title(f"{one.about} ({one.measure})", fontsize=9, loc="left")
        ax.grid(visible=True, axis="x", alpha=0.3)
    return figure
