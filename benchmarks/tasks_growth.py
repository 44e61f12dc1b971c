"""How the gain of context grows with the text that the biLM has read: the part of tasks.md and its figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from report import markdown
from tasks_report import MIX, SIGNIFICANT, STATIC, Found, Published, points

from elmo_np.inference.confidence import mean_interval
from elmo_np.viz.plots import COLOURS, MARKERS, styled

TOKENS_OF_ELMO = 800e6      # Peters et al. 2018: the 1 Billion Word Benchmark without the end-of-sentence tokens
INTRODUCTION = """The same biLM, trained on texts of different length, of which each contains the shorter ones, and not
fine-tuned: so what it knows, it has read there. The same networks and settings as below, with fewer folds, and
fewer sentences where there are many. Intervals are 95 % intervals of the mean over folds or seeds; the gain is that of
the layer mix over the static vectors of the same biLM, its intervals are those of the paired differences."""


class Growth(NamedTuple):
    """One task with the biLMs of texts of different length.

    method      of the methods of the task, the one that is shown
    tokens      of each text
    found       the comparison with each biLM
    """

    about: str
    method: str
    published: Published | None
    tokens: Sequence[int]
    found: Sequence[Found]

    @property
    def static(self) -> str:
        return STATIC + self.method

    @property
    def mix(self) -> str:
        return MIX + self.method

    def curves(self) -> list[str]:
        """The methods that are drawn, from static vectors to the mix."""
        return [name for name in self.found[0].scores if name.endswith(self.method)
                and name.startswith(("static", "layer"))]


def section(grown: Sequence[Growth], figure: str) -> list[str]:
    """The part of the page."""
    if not grown:
        return []
    return ["## How the gain grows with the text", "", INTRODUCTION, "",
            f"![Scores, and gain of the mix over static vectors, against tokens read]({figure})", "",
            markdown(table(grown)), "", *_published(grown), *advice(grown), ""]


def table(grown: Sequence[Growth]) -> dict[str, list[str]]:
    """The gain of the mix for each task, a column per text; the last one for the gain between the first and last."""
    columns = {"gain of the mix over static vectors, points": [one.about for one in grown],
               "sentences to train on": [f"{one.found[0].sizes[0][0]:,}" for one in grown]}
    for k, tokens in enumerate(grown[0].tokens):
        columns[f"{millions(tokens)} million tokens"] = [one.found[k].difference(one.mix, one.static) for one in grown]
    columns["more at the last than at the first"] = [change(one) for one in grown]
    return columns


def change(one: Growth) -> str:
    """How much the gain has grown, with its interval over folds or seeds."""
    first, last = (np.array(found.gains(one.mix, one.static)) for found in (one.found[0], one.found[-1]))
    more = last - first
    ends = mean_interval(more.tolist())
    return points(more.mean()) + (f" ({points(ends[0])} to {points(ends[1])})" if ends else "")


def millions(tokens: int) -> str:
    return f"{tokens / 1e6:.2g}"


def _published(grown: Sequence[Growth]) -> Iterator[str]:
    """A line with ELMo's own figures."""
    figures = dict.fromkeys(f"{one.published.task}: {one.published.elmo:g} against {one.published.baseline:g} of "
                            f"{one.published.over}" for one in grown if one.published)     # two tasks may have the same
    if figures:
        yield (f"The diamonds at 800 million tokens are ELMo's gains in Peters et al. 2018: {'; '.join(figures)}. "
               "These are other data, other networks and other baselines: they show the order of magnitude.")
        yield ""


def advice(grown: Sequence[Growth]) -> Iterator[str]:
    """What follows for a user with as much text: a line per length of text."""
    yield "What follows for a user with so much text:"
    yield ""
    for k, tokens in enumerate(grown[0].tokens):
        told: dict[str, list[str]] = {"helps": [], "makes no significant difference": [], "harms": []}
        for one in grown:
            found = one.found[k]
            gain = points(found.gain(one.mix, one.static))
            none = gain == points(0) or found.p(one.mix, one.static) > SIGNIFICANT
            outcome = "makes no significant difference" if none else "helps" if gain.startswith("+") else "harms"
            told[outcome].append(f"{one.about.partition(':')[0].lower()} ({gain})")
        parts = [f"context {outcome} at {', '.join(names)}" for outcome, names in told.items() if names]
        yield f"- {millions(tokens)} million tokens: {'; '.join(parts)}."


@styled
def picture(grown: Sequence[Growth]) -> Figure:
    """A row per task: on the left the scores, on the right the gain of the mix, with ELMo's published gain."""
    figure = Figure(figsize=(8.6, 0.6 + 2.3 * len(grown)), layout="constrained")
    axes = figure.subplots(len(grown), 2, squeeze=False, sharex="col")
    for (scores, gain), one in zip(axes, grown, strict=True):
        for k, name in enumerate(one.curves()):
            _curve(scores, one.tokens, [found.scores[name] for found in one.found], COLOURS[k], MARKERS[k],
                   label=name.removesuffix(one.method))
        scores.set(title=f"{one.about} ({one.found[0].measure})", ylabel="score")
        scores.title.set(fontsize=9, ha="left", position=(0, 1))
        scores.yaxis.set_major_formatter("{x:g}%")
        _curve(gain, one.tokens, [found.gains(one.mix, one.static) for found in one.found], COLOURS[5], "o", label="")
        gain.axhline(0, color="0.4", linewidth=1)
        gain.set_ylabel("gain of the mix, points")
        if one.published:
            more = one.published.elmo - one.published.baseline
            gain.plot([TOKENS_OF_ELMO], [more], "D", color="black", fillstyle="none", markersize=6)
            gain.annotate(f"ELMo, {one.published.task}: {more:+.1f}", (TOKENS_OF_ELMO, more), (-4, 7),
                          textcoords="offset points", ha="right", fontsize=8)
    for column, last in zip(axes.T, (2 * max(grown[0].tokens), 2 * TOKENS_OF_ELMO), strict=True):
        column[-1].set(xlabel="tokens read by the biLM", xscale="log", xlim=(min(grown[0].tokens) / 2, last))
        column[-1].xaxis.set_minor_formatter(NullFormatter())       # of a short axis, those would overlap
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _curve(ax: Any, tokens: Sequence[int], values: Sequence[Sequence[float]], colour: str, marker: str,
           label: str) -> None:
    """Means in points against tokens, with their intervals if there are any."""
    means = [100 * float(np.mean(own)) for own in values]
    ends = [mean_interval([100 * value for value in own]) or (mean, mean)
            for own, mean in zip(values, means, strict=True)]
    half = [mean - low for mean, (low, _) in zip(means, ends, strict=True)]
    ax.errorbar(tokens, means, half, color=colour, marker=marker, markersize=4, linewidth=1.5, capsize=2, label=label)
