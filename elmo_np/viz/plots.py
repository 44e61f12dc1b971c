"""Figures in one style, with a palette that colour-blind readers can tell apart. Each figure makes one point.

matplotlib is imported when a figure is drawn, so that nothing else has to wait for it.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from ..config.directions import DIRECTIONS
from ..errors import UserError
from ..inference.confidence import mean_interval
from ..inference.neighbours import principal_components
from ..runtime.files import atomic_write
from ..runtime.jupyter import in_notebook
from ..runtime.progress import Progress
from ..runtime.terminal import escaped
from ..types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito 2008; each with a marker, so that figures can be read without colour
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = ("o", "^", "s", "D", "v", "P")
HATCHES = ("", "//", "..", "xx", "--", "oo")
FORWARD, BACKWARD = COLOURS[0], COLOURS[5]
STYLE: Any = {
    "font.size": 10, "axes.titlesize": 11, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.alpha": 0.25, "legend.frameon": False, "figure.dpi": 150,
    "svg.hashsalt": "elmo_np", "svg.fonttype": "none",      # the same figure gives the same bytes
}

# The formats of figures, each with what would make its bytes depend on when or with what they were written: left out
METADATA: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}

LONGEST_NAME = 44       # characters of a name beside an axis; BLiMP's longest has 43

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """A decorator: draw in STYLE, whatever the user's matplotlibrc contains."""
    @wraps(draw)
    def draw_styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        from matplotlib import style

        with style.context(["default", STYLE]):
            return draw(*args, **kwargs)
    return draw_styled


def blank_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, columns, squeeze=False)


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise UserError if `save` cannot write a new figure there."""
    _format(path)
    target = Path(path)
    if os.path.lexists(target):
        raise UserError(f"{path} exists already: give another path, or remove it")
    if not target.parent.is_dir():
        raise UserError(f"cannot write the figure {path}: there is no folder {target.parent}; create it, or give "
                        "another path")


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as .png, .svg or .pdf, atomically and without a date; a notebook shows it too.

    Raises UserError if the file cannot be written.
    """
    from matplotlib import style

    kind = _format(path)
    contents = io.BytesIO()
    with style.context(["default", STYLE]), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(contents, format=kind, metadata=METADATA[kind])
    atomic_write(path, [contents.getvalue()])
    _say_warnings(caught, path, kind)
    if in_notebook() and kind != "pdf":
        _show(contents.getvalue(), kind)


def _say_warnings(caught: Sequence[warnings.WarningMessage], path: str | os.PathLike[str], kind: str) -> None:
    """Say in one line which characters matplotlib's font does not have; pass other warnings on, each once."""
    missing = []
    others = {}
    for warning in caught:
        text = str(warning.message)
        if glyph := re.match(r"Glyph (\d+) .*missing from", text):
            missing.append(chr(int(glyph[1])))
        elif not re.match("Matplotlib currently does not support .* natively", text):       # of the same characters
            others[text] = warning
    for warning in others.values():
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if missing and kind != "svg":
        shown = "".join(sorted(set(missing))[:5])
        Progress().say(f"note: in {path} boxes replace characters such as {shown}, which the font of figures lacks: a "
                       "name that ends in .svg gives a figure in the fonts of whoever opens it")


def _show(contents: bytes, kind: str) -> None:
    from IPython.display import SVG, Image, display

    display(SVG(contents.decode()) if kind == "svg" else Image(contents))


def _format(path: str | os.PathLike[str]) -> str:
    """The format that a name asks for: a key of METADATA. Raises UserError."""
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in METADATA:
        raise UserError(f"cannot write the figure {str(path)!r}: expected a name that ends in "
                        + ", ".join(f".{known}" for known in METADATA))
    return kind


@styled
def training_curves(rows: Sequence[Mapping[str, str]], unigram: float | None = None) -> Figure:
    """Perplexity of each direction against the number of tokens read; rows of metrics.csv.

    unigram     perplexity of a model that sees no context, drawn as a line for comparison
    """
    figure, axes = blank_figure(6.4, 4.0)
    ax = axes[0, 0]
    curves = perplexity_curves(rows)
    for direction, colour, marker in ("forward", FORWARD, "o"), ("backward", BACKWARD, "^"):
        if (direction, "train") in curves:
            ax.plot(*zip(*curves[direction, "train"], strict=True), color=colour, alpha=0.5, linewidth=1.2,
                    label=f"{direction}, training")
        if (direction, "valid") in curves:
            ax.plot(*zip(*curves[direction, "valid"], strict=True), color=colour, marker=marker, linewidth=2,
                    label=f"{direction}, held out")
    if unigram is not None:
        ax.axhline(unigram, color="0.4", linestyle="--", linewidth=1, label="unigram model, held out")
    ax.set_yscale("log")
    _label_heights(ax)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.locator_params(axis="x", nbins=5)        # long numbers
    ax.set_xlim(left=0)
    who = "Both directions learn" if len({direction for direction, _ in curves}) > 1 else "The model learns"
    ax.set(xlabel="tokens read per direction", ylabel="perplexity (lower is better)",
           title=f"{who} to predict the next word")
    ax.legend()
    return figure


def _label_heights(ax: Any) -> None:
    """Label a logarithmic y axis with 1 to 9 times a power of ten; with 1, 2 and 5 times, or 1, if labels overlap."""
    from matplotlib.ticker import LogLocator

    spread = max(ax.get_ylim()) / min(ax.get_ylim())
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("{x:g}" if spread < 1e6 else "")
    if spread >= 10:
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))


def perplexity_curves(rows: Sequence[Mapping[str, str]]) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """(tokens read, perplexity) for each direction and split of metrics.csv: "train" and "valid".

    There is no point where the perplexity is blank: for a sampled loss, and for a loss far too high.
    """
    curves: dict[tuple[str, str], list[tuple[int, float]]] = {}
    tokens = 0
    for row in rows:
        if row["split"] != "valid":
            tokens += int(row["tokens"])
        for direction in DIRECTIONS:
            if perplexity := row[f"{direction}_perplexity"]:
                curves.setdefault((direction, row["split"]), []).append((tokens, float(perplexity)))
    return curves


@styled
def lines(x: Sequence[float], series: Mapping[str, Sequence[float]], *, title: str, xlabel: str, ylabel: str,
          log: str = "", level: tuple[float, str] | None = None) -> Figure:
    """Curves over one axis, each with its own marker.

    series      {name: a value for each x, NaN for a missing one}
    log         the axes with a logarithmic scale: "", "x", "y" or "xy"
    level       a height for comparison and its name, drawn as a dashed line
    """
    figure, axes = blank_figure(6.4, 3.8)
    ax = axes[0, 0]
    for k, (name, y) in enumerate(series.items()):
        ax.plot(x, y, color=COLOURS[k % len(COLOURS)], marker=MARKERS[k % len(MARKERS)], markersize=4,
                markevery=max(1, len(x) // 20), linewidth=1.6, label=plain(name))
    if level is not None:
        ax.axhline(level[0], color="0.4", linestyle="--", linewidth=1, label=plain(level[1]))
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title, xscale="log" if "x" in log else "linear",
           yscale="log" if "y" in log else "linear")
    if "x" not in log:
        ax.xaxis.get_major_locator().set_params(integer=True)
    elif max(x) / min(x) < 30:              # powers of ten would label only one or two positions of the axis
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.set_xticks([], minor=True)
    if "y" in log and max(ax.get_ylim()) / min(ax.get_ylim()) < 100:
        _label_heights(ax)
    if len(series) + (level is not None) > 1:
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@styled
def bars(groups: Sequence[str], series: Mapping[str, Sequence[float]], *, title: str, ylabel: str, xlabel: str = "",
         level: tuple[float, str] | None = None) -> Figure:
    """Groups of bars, with one colour and hatching for each name in `series`.

    series      {name: a height for each group}; level as for `lines`
    """
    figure, axes = blank_figure(max(6.4, 1.5 + 0.55 * len(groups)), 3.8)
    ax = axes[0, 0]
    width = 0.8 / len(series)
    for k, (name, heights) in enumerate(series.items()):
        middle = np.arange(len(groups)) + (k - (len(series) - 1) / 2) * width
        ax.bar(middle, heights, width * 0.92,
               color=COLOURS[k % len(COLOURS)], hatch=HATCHES[k % len(HATCHES)], edgecolor="white", linewidth=0,
               label=plain(name))
    if level is not None:
        ax.axhline(level[0], color="0.4", linestyle="--", linewidth=1, label=plain(level[1]))
    crowded = max(map(len, groups)) * len(groups) > 60
    ax.set_xticks(range(len(groups)), [_short(group) for group in groups],
                  **({"rotation": 40, "ha": "right"} if crowded else {}))
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.grid(visible=False, axis="x")
    if len(series) + (level is not None) > 1:
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@styled
def shares(names: Sequence[str], values: Sequence[float], intervals: Sequence[tuple[float, float]],
           others: Mapping[str, Sequence[float | None]], *, title: str, xlabel: str, ylabel: str) -> Figure:
    """A row per name: a share from 0 to 1 with its interval, and others for comparison, None for a missing one."""
    figure, axes = blank_figure(6.4, 1.6 + 0.26 * len(names))
    ax = axes[0, 0]
    y = np.arange(len(names))[::-1]
    low, high = np.array(intervals).T
    ax.hlines(y, low, high, color=COLOURS[0], linewidth=2)
    ax.plot(values, y, MARKERS[0], color=COLOURS[0], label="model")
    for k, (name, series) in enumerate(others.items(), 1):
        known = np.array([np.nan if value is None else value for value in series], float)
        if not np.isnan(known).all():
            ax.plot(known, y, MARKERS[k], color=COLOURS[k], markersize=5, fillstyle="none", label=plain(name))
    ax.set_yticks(y, [_short(name) for name in names])
    ax.set(title=plain(title), xlabel=xlabel, ylabel=ylabel, xlim=(0, 1))
    ax.xaxis.set_major_formatter("{x:.0%}")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@styled
def distances(names: Sequence[str], panels: Mapping[str, Sequence[tuple[float, float, float] | None]], *,
              title: str) -> Figure:
    """A panel per measure with a row per name: a value, and the ends of its interval; None for a missing one."""
    figure, axes = blank_figure(8.4, 1.2 + 0.26 * len(names), columns=len(panels))
    y = np.arange(len(names))[::-1]
    for ax, (xlabel, values) in zip(axes[0], panels.items(), strict=True):
        value, low, high = np.array([(np.nan,) * 3 if row is None else row for row in values]).T
        ax.hlines(y, low, high, color=COLOURS[0], linewidth=2)
        ax.plot(value, y, MARKERS[0], color=COLOURS[5], markersize=5)
        ax.set_yticks(y, [_short(name) for name in names] if ax is axes[0, 0] else [])
        ax.set(xlabel=xlabel, xlim=(0, None), ylim=(-0.6, len(names) - 0.4))
        ax.locator_params(axis="x", nbins=4)
    figure.suptitle(plain(title))
    return figure


@styled
def region_means(names: Sequence[str], conditions: Mapping[str, Sequence[Sequence[float]]], *, title: str,
                 ylabel: str) -> Figure:
    """A line per condition over the regions of its items: means, with 95 % intervals of the mean over the items.

    conditions  {name: for each region its value in each item; none for a region that the condition does not have;
                a mean of one value has no interval}
    """
    figure, axes = blank_figure(max(6.4, 1.5 + 0.7 * len(names)), 4.0)
    ax = axes[0, 0]
    for k, (name, values) in enumerate(conditions.items()):
        x = [j for j, own in enumerate(values) if len(own)]
        means = [float(np.mean(values[j])) for j in x]
        half = [_half_interval(values[j]) for j in x]
        shift = (k - (len(conditions) - 1) / 2) * 0.08      # intervals beside one another, not on top
        ax.errorbar(np.array(x) + shift, means, half, marker=MARKERS[k % len(MARKERS)], capsize=2,
                    color=COLOURS[k % len(COLOURS)], label=plain(name))
    crowded = max(map(len, names)) * len(names) > 60
    ax.set_xticks(range(len(names)), [_short(name) for name in names],
                  **({"rotation": 40, "ha": "right"} if crowded else {}))
    ax.set(title=plain(title), xlabel="region", ylabel=ylabel)
    if len(conditions) > 1:
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _half_interval(values: Sequence[float]) -> float:
    """Half of the 95 % interval of a mean; NaN for one value, whose spread is not known."""
    low, high = mean_interval(values) or (np.nan, np.nan)
    return (high - low) / 2


@styled
def occurrences(word: str, static: Array, contextual: Array, senses: Sequence[str]) -> Figure:
    """All occurrences of a word by their static and by their contextual vectors, coloured by sense.

    static, contextual (N, dim), senses (N): shown are the first two principal components
    """
    figure, axes = blank_figure(8.4, 4.4, columns=2)
    for ax, vectors in zip(axes[0], (static, contextual), strict=True):
        _scatter(ax, vectors, senses)
    axes[0, 0].set_title(plain(f"static: one vector for every “{word}”"))
    axes[0, 1].set_title(plain(f"contextual: “{word}” separates by sense"))
    figure.legend(*axes[0, 1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@styled
def senses_by_layer(word: str, layers: Sequence[Array], senses: Sequence[str]) -> Figure:
    """All occurrences of a word, one panel per layer from the static vectors up, coloured by sense.

    layers  (N, dim) each; senses (N): shown are the first two principal components of each layer
    """
    figure, axes = blank_figure(0.4 + 3.6 * len(layers), 4.2, columns=len(layers))
    for layer, (ax, vectors) in enumerate(zip(axes[0], layers, strict=True)):
        _scatter(ax, vectors, senses)
        ax.set_title(f"layer {layer}")
    figure.suptitle(plain(f"“{word}”: the same occurrences, layer by layer"))
    figure.legend(*axes[0, -1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _scatter(ax: Any, vectors: Array, senses: Sequence[str]) -> None:
    """One panel: vectors (N, dim) along their first two principal components, one colour and marker per sense."""
    points, share = principal_components(vectors)
    for k, sense in enumerate(sorted(set(senses))):
        own = points[[other == sense for other in senses]]
        ax.scatter(own[:, 0], own[:, 1], s=14, color=COLOURS[k % len(COLOURS)], marker=MARKERS[k % len(MARKERS)],
                   alpha=0.6, linewidths=0, label=plain(f"{sense} ({len(own)})"))
    if share.sum() == 0:
        note = f"all {len(points)} occurrences\nare at this point"
        ax.annotate(note, (0, 0), (12, 12), textcoords="offset points")
        ax.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[0], yticks=[0], xlabel="no variance to show")
    else:
        ax.set(xlabel=f"first principal component ({share[0]:.0%} of variance)",
               ylabel=f"second principal component ({share[1]:.0%})")


def _short(name: str) -> str:
    """A `plain` name beside an axis, without its middle if it would leave no room for the axis."""
    return plain(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME // 2]}…{name[1 - LONGEST_NAME // 2:]}")


def plain(text: str) -> str:
    """Text that matplotlib draws unchanged: a dollar sign would begin a formula, an underscore hide a legend entry.

    An .svg cannot contain control characters: they are `escaped`.
    """
    text = escaped(text).replace("$", r"\$")
    return text if not text.startswith("_") else " " + text


@styled
def gates(words: Sequence[str], ifog: Array, cells: int = 40) -> Figure:
    """Input, forget and output gates of one layer over a sentence.

    words (T), ifog (T, 4H): gates as returned by lstm_forward; cells: how many, those whose forget gate varies most
    """
    H = ifog.shape[1] // 4
    forget = ifog[:, H:2*H]
    varied = np.argsort(-forget.std(axis=0), kind="stable")[:cells]
    chosen = varied[np.argsort(-forget[:, varied].mean(axis=0), kind="stable")]
    figure, axes = blank_figure(max(6.4, 3 + 1.1 * len(words)), 4.2, columns=3)
    image: Any = None
    names = ("input gate i: what is written", "forget gate f: what is kept", "output gate o: what is shown")
    for k, (ax, name) in enumerate(zip(axes[0], names, strict=True)):
        gate = ifog[:, k*H + chosen].T
        image = ax.pcolormesh(gate, vmin=0, vmax=1, cmap="cividis")     # imshow would put a bitmap into an SVG
        ax.invert_yaxis()
        ax.set_yticks([])
        ax.set_xticks(np.arange(len(words)) + 0.5, [plain(word) for word in words], rotation=60, ha="right")
        ax.set(title=name, ylabel=f"the {len(chosen)} cells whose forget gate varies most" if k == 0 else "")
        ax.grid(visible=False)
    figure.colorbar(image, ax=axes, label="gate, from closed (0) to open (1)", shrink=0.9)
    figure.suptitle("Each word opens and closes the gates of different cells")
    return figure
