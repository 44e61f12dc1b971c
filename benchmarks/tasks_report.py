"""Writes tasks.md and its figure from the results of benchmarks/tasks.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from open_text import Count, table
from report import decimals, markdown

from elmo_np.inference.confidence import mean_interval
from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.progress import duration
from elmo_np.tasks.metrics.significance import approximate_randomisation
from elmo_np.training.metrics import best_validation, read
from elmo_np.types import Array
from elmo_np.viz.plots import COLOURS, styled

# Methods of every task, as `elmo-np task .. compare` names them
STATIC, MIX = "static vectors (layer 0)", "layer mix"
SIGNIFICANT = 0.05
TRIALS = 9999
HEAD = """# What the vectors are worth

Written by `python benchmarks/tasks.py --out FOLDER`, which builds the text, trains the biLMs, runs each comparison and
writes this page. But for the baselines, all rows of a table have the same data, the same network and the same training
budget; only the input for a word differs.

Intervals are 95 % intervals of the mean over folds or seeds, by Student's t; those over folds are somewhat too short,
because the training sets of folds overlap. Differences are tested by approximate randomisation (Noreen 1989): the
predictions of two methods are swapped at random, sentence by sentence, {trials:,} times, and p is the share of swaps
that give a difference as large. Where p is above 0.05, the difference is called not significant. No correction is made
for the number of tests: of 20 differences between equal methods, one would look significant.
"""
FIGURE = """
![The score of every method on each task: dots are means, bars are single folds or seeds]({figure})
"""


QUICK = """
**This is the quick form (`--quick`): a tiny biLM that has read {million:g} million tokens, a sixth of the sentences of
most tasks, two folds or seeds and few epochs. It shows that everything runs, not what vectors are
worth. The commands below use all sentences.**
"""


class Published(NamedTuple):
    """What Peters et al. 2018 report for ELMo, whose biLM has read 800 million tokens, on a task of the same kind.

    task            and its measure
    over            what `baseline` is
    baseline, elmo  in points of 100
    """

    task: str
    over: str
    baseline: float
    elmo: float


@dataclass(frozen=True)
class Goal:
    """`method` should score `at_least` this much, or with `over`, significantly and this much more than that method."""

    method: str
    at_least: float
    over: str | None = None

    def reached(self, one: Found) -> tuple[str, bool] | None:
        """The result in words, and whether the goal is met; None if a method was not compared."""
        found = one.scores
        if self.method not in found or (self.over is not None and self.over not in found):
            return None
        if self.over is None:
            value = 100 * float(np.mean(found[self.method]))
            wanted, reached = f"at least {100 * self.at_least:g}%", f"{value:.{decimals(value, self.met)}f}%"
            return f"{self.method} {wanted}: {reached}", self.met(value)
        more = 100 * one.gain(self.method, self.over)
        least = f"{100 * self.at_least:.0f} point{'' if self.at_least == 0.01 else 's'}"
        wanted = f"at least {least} over" if self.at_least else "above"
        difference = one.difference(self.method, self.over, decimals(more, self.met))
        significant = one.p(self.method, self.over) <= SIGNIFICANT
        return f"{self.method} {wanted} {self.over}: {difference}", self.met(more) and significant

    def met(self, points: float) -> bool:
        """Whether so many points of 100, or so many more, are enough."""
        return points >= 100 * self.at_least and (self.over is None or points > 0)


@dataclass(frozen=True, eq=False)
class Found:
    """One comparison.

    scores      {method: one score per fold or seed}
    counts      per fold, or of the one test: {method: counts (S, N, K) of S seeds and N sentences}, which `score_of`
                turns into scores, for the tests
    reference   the method that the others are tested against
    sizes       sentences to train and test on, per round
    """

    about: str
    command: str
    measure: str
    what: str
    goals: Sequence[Goal]
    scores: Mapping[str, Sequence[float]]
    counts: Sequence[Mapping[str, Array]]
    score_of: Callable[[Array], Array]
    reference: str
    sizes: Sequence[tuple[int, int]]
    split: str
    seconds: float | None
    notes: str = ""
    _p: dict[frozenset[str], float] = field(default_factory=dict, repr=False)

    def gain(self, method: str, over: str) -> float:
        """The difference of their mean scores."""
        return float(np.mean(self.scores[method]) - np.mean(self.scores[over]))

    def gains(self, method: str, over: str) -> list[float]:
        """The difference in each fold or seed."""
        return [own - other for own, other in zip(self.scores[method], self.scores[over], strict=True)]

    def p(self, method: str, over: str) -> float:
        """Of the paired test."""
        pair = frozenset((method, over))
        if pair not in self._p:
            first, second = ([own[name] for own in self.counts] for name in sorted(pair))
            self._p[pair] = approximate_randomisation(first, second, self.score_of, TRIALS)
        return self._p[pair]

    def difference(self, method: str, over: str, digits: int = 1) -> str:
        """The difference in points, and what the test says of it."""
        return f"{points(self.gain(method, over), digits)}, {verdict(self.p(method, over))}"


def points(gain: float, digits: int = 1) -> str:
    """A difference in points of 100, with its sign; +0.0 where it is less than is shown."""
    return f"{round(100 * gain, digits) + 0.0:+.{digits}f}"


def verdict(p: float) -> str:
    """What a page says of a p-value."""
    if p > SIGNIFICANT:
        return f"not significant (p = {p:.{decimals(p, lambda p: p > SIGNIFICANT, 2)}f})"
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def interval(values: Sequence[float]) -> str:
    """The 95 % interval of a mean score, which is from 0 to 1; "" for a single one."""
    ends = mean_interval(values)
    return "" if ends is None else f"{max(0, ends[0]):.1%} to {min(1, ends[1]):.1%}"


def page(found: Sequence[Found], grown: Sequence[str], counts: Sequence[Count], bilm: RunDirectory,
         commands: Sequence[str], machine: str, figure: str, quick: float | None = None) -> str:
    """The whole page; grown: its part about the growth of the gain; commands: those that train biLMs, of which `bilm`
    is the first; quick: for the quick form, the million tokens of its text."""
    tasks = (line for one in found for line in section(one))
    head = HEAD.format(trials=TRIALS) + (FIGURE.format(figure=figure) if found else "") + \
        (QUICK.format(million=quick) if quick else "")
    return "\n".join([head, *_summary(found), *grown, *tasks, *_bilm(counts, bilm, commands),
                      f"Measured on: {machine}. The machine may have been busy with other work during the timed runs.",
                      ""])


def _summary(found: Sequence[Found]) -> list[str]:
    lines = ["| task | goal | met |", "|---|---|---|"] if found else []
    for one in found:
        for goal in one.goals:
            reached = goal.reached(one)
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
    lines += ["```sh", one.command, "```", "", f"| | {one.measure} | 95 % interval | | against {one.reference} |",
              "|---|---:|---|---|---|"]
    best = max(one.scores, key=lambda name: float(np.mean(one.scores[name])))
    for name, values in one.scores.items():
        mean = f"{np.mean(values):.1%}"
        against = "" if name == one.reference or one.reference not in one.scores else one.difference(
            name, one.reference)
        lines.append(f"| {name} | {f'**{mean}**' if name == best else mean} | {interval(values)} | "
                     f"{f'{len(values)} {one.what}' if len(values) > 1 else ''} | {against} |")
    return [*lines, ""]


def _bilm(counts: Sequence[Count], bilm: RunDirectory, commands: Sequence[str]) -> list[str]:
    best = best_validation(read(bilm.metrics))
    assert best is not None         # its training is over
    forward, backward = (float(best[f"{name}_perplexity"]) for name in ("forward", "backward"))
    second = ", except where a heading says that words are read by id: then the biLM is the one of the second command"
    return ["## The biLM", "", "```sh", *commands, "```", "",
            f"It reads every word by its characters{second if len(commands) > 1 else ''}. "
            "The text is made by `python benchmarks/open_text.py --out "
            "FOLDER/text`, sentence by sentence, without what is not prose, without repeated sentences, and without "
            "any sentence that a task tests on, compared by letters and digits alone; of at least 24 of them, also "
            "without sentences that contain such a sentence or are a part of one. Fine-tuning reads the training text "
            "of a task. What is trained on these texts is for research only where the licence of a source says so.", "",
            markdown(table(counts)), "",
            f"Perplexity on held-out documents, 60,000 tokens: {forward:.1f} forward, {backward:.1f} backward after "
            f"epoch {best['epoch']}.", ""]


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
        means = np.array([100 * float(np.mean(values)) for values in one.scores.values()])
        context = np.array(["layer" in name.replace(STATIC, "") for name in one.scores])
        ax.plot(means[context], y[context], "o", color=COLOURS[5], markersize=5.5, label="vectors of words in context")
        ax.plot(means[~context], y[~context], "o", color=COLOURS[0], fillstyle="none", markersize=5.5,
                label="one vector per word, or none")
        ax.set_yticks(y, list(one.scores), fontsize=8)
        ax.set_ylim(-0.6, len(y) - 0.4)
        ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
        ax.xaxis.set_major_formatter("{x:g}%")
        ax.set_title(f"{one.about} ({one.measure})", fontsize=9, loc="left")
        ax.grid(visible=True, axis="x", alpha=0.3)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure
