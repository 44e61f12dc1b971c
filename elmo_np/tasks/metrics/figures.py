"""Figures of a task, in the style of `elmo_np/viz/plots.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ...types import Array
from ...viz.plots import COLOURS, blank_figure, plain, styled
from .scores import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SHOWN = 40          # labels, types or words of a figure: more make it too large to read, and to hold in memory
T = TypeVar("T")


def most_frequent(found: Mapping[str, T], count: Callable[[T], int]) -> dict[str, T]:
    """At most SHOWN entries, in their order."""
    kept = set(sorted(found, key=lambda name: -count(found[name]))[:SHOWN])
    return {name: own for name, own in found.items() if name in kept}


def shortened(label: str) -> str:
    return label if len(label) <= 30 else f"{label[:29]}…"


@styled
def confusion_matrix(counts: Array, labels: Sequence[str]) -> Figure:
    """counts (C, C): row i, column j counts the examples of label i that were predicted as label j.

    Of more than SHOWN labels those with the most errors are drawn, without numbers.
    """
    correct = np.trace(counts) / max(1, counts.sum())
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    title = f"{correct:.1%} correct, on the diagonal"
    C, many = len(labels), len(labels) > SHOWN
    if many:
        errors = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
        kept = np.sort(np.argsort(-errors, kind="stable")[:SHOWN])
        share, labels, C = share[np.ix_(kept, kept)], [labels[k] for k in kept], SHOWN
        title += f"; the {SHOWN} most confused of {len(counts)} labels"
    size = 0.2 if many else 0.5
    figure, axes = blank_figure(2.6 + 1.1 * size * C, 2.2 + size * C)
    ax = axes[0, 0]
    image = ax.imshow(share, vmin=0, vmax=1, cmap="cividis", interpolation="nearest")
    for i, j in [] if many else np.ndindex(C, C):
        ax.text(j, i, f"{counts[i, j]}", ha="center", va="center", fontsize=8,
                color="black" if share[i, j] > 0.55 else "white")
    names = [plain(shortened(label)) for label in labels]
    ax.set_xticks(range(C), names, rotation=60, ha="right")
    ax.set_yticks(range(C), names)
    ax.set(xlabel="predicted", ylabel="actual label", title=title)
    ax.grid(visible=False)
    figure.colorbar(image, ax=ax, label="share of the row", shrink=0.9)
    return figure


@styled
def type_scores(found: Mapping[str, Score]) -> Figure:
    """Precision, recall and F1 of each type of entity, at most of the SHOWN most frequent, and of all."""
    found = {**most_frequent(found, lambda score: score.support), "all": found["all"]}
    figure, axes = blank_figure(6.4, 1.6 + 0.55 * len(found))
    ax, y = axes[0, 0], np.arange(len(found))[::-1]
    for k, what in enumerate(("precision", "recall", "f1")):
        values = [getattr(score, what) for score in found.values()]
        ax.barh(y + 0.25 * (1 - k), values, height=0.22, color=COLOURS[k], label="F1" if what == "f1" else what)
    ax.set_yticks(y, [plain(f"{name} ({score.support})") for name, score in found.items()])
    ax.set(xlim=(0, 1), xlabel="share", title="Entities found exactly, by type (number in the data)")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@styled
def word_accuracies(found: Mapping[str, tuple[float, int]]) -> Figure:
    """The share of correct senses of each word, at most of the SHOWN most frequent.

    found   {word: (share, occurrences)}
    """
    found = most_frequent(found, lambda pair: pair[1])
    figure, axes = blank_figure(6.4, 1.4 + 0.34 * len(found))
    ax, y = axes[0, 0], np.arange(len(found))[::-1]
    ax.barh(y, [share for share, _ in found.values()], height=0.6, color=COLOURS[0])
    ax.set_yticks(y, [plain(f"{word} ({count})") for word, (_, count) in found.items()])
    ax.set(xlim=(0, 1), xlabel="accuracy", title="Correct senses, by word (occurrences)")
    return figure


@styled
def attention(pairs: Sequence[tuple[Sequence[str], Sequence[str], Array]]) -> Figure:
    """One panel per sentence: (source words, written words with the end token if reached, attention (T, S))."""
    widest, highest = (max(len(pair[k]) for pair in pairs) for k in (0, 1))
    figure, axes = blank_figure(len(pairs) * (1.6 + 0.3 * widest), 2.0 + 0.3 * highest, len(pairs))
    for ax, (source, written, p) in zip(axes[0], pairs, strict=True):
        ax.pcolormesh(p, vmin=0, vmax=1, cmap="cividis")        # not imshow, which is a bitmap in an SVG
        ax.set(aspect="equal", xlabel="source")
        ax.invert_yaxis()
        ax.set_xticks(np.arange(len(source)) + 0.5, [plain(word) for word in source], rotation=60, ha="right")
        ax.set_yticks(np.arange(len(written)) + 0.5, [plain(word) for word in written])
        ax.grid(visible=False)
    axes[0, 0].set_ylabel("written, from top to bottom")
    figure.suptitle("Attention of the decoder for each word that it writes")
    figure.colorbar(axes[0, 0].collections[0], ax=list(axes[0]), label="share of attention", shrink=0.7)
    return figure


@styled
def comparison(rows: Mapping[str, Sequence[float]], measure: str, what: str = "seeds") -> Figure:
    """One row per method: its mean over the seeds or folds, and a bar for each."""
    figure, axes = blank_figure(7.2, 1.6 + 0.36 * len(rows))
    ax, y = axes[0, 0], np.arange(len(rows))[::-1]
    for height, values in zip(y, rows.values(), strict=True):
        ax.plot(values, [height] * len(values), "|", color="0.35", markersize=11)
    ax.plot([float(np.mean(values)) for values in rows.values()], y, "o", color=COLOURS[0], markersize=6)
    ax.set_yticks(y, [plain(name) for name in rows])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.xaxis.set_major_formatter("{x:.2f}")
    ax.set(xlabel=measure, title=f"Same data and training budget: mean (dot), {what} (bars)")
    return figure
