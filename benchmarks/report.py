"""Rows for JSON, and tables to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import count
from statistics import median
from typing import Any

from measure import OURS, PRODUCT, Measurement
from works import FACTORS, PRODUCT_FLOPS, Goal, Work

Row = dict[str, Any]
Result = tuple[Work, Row]


def row(work: Work, found: Measurement) -> Row:
    """The row of one measurement, None for what was not measured.

    Times are medians over the rounds. ratio is the peer's time over elmo_np's in the same round, share_of_matmul
    elmo_np's rate over the large product's in the same round; both are medians.
    """
    peer = work.peer if work.peer in found.seconds else None
    ratios = found.ratios(peer, OURS)
    ours, theirs = found.median(OURS), found.median(peer)
    made: Row = {
        "work": work.name, "threads": work.threads, "sizes": asdict(work.sizes), "detail": work.detail or None,
        "tokens": work.tokens, "types": work.types,
        "elmo_np_ms": milliseconds(ours), "peer": peer, "peer_ms": milliseconds(theirs),
        "ratio": median(ratios) if ratios else None, "ratio_low": min(ratios, default=None),
        "ratio_high": max(ratios, default=None),
        "tokens_per_second": rate(work.tokens, ours), "peer_tokens_per_second": rate(work.tokens, theirs),
        "gflops": rate(work.flops, ours, 1e9), "peer_gflops": rate(work.flops, theirs, 1e9),
        "matmul_gflops": rate(PRODUCT_FLOPS, found.median(PRODUCT), 1e9),
        "share_of_matmul": share(work, found, OURS), "peer_share_of_matmul": share(work, found, peer),
        "elmo_np_peak_mb": peak(work, found, OURS), "peer_peak_mb": peak(work, found, peer),
        "rounds": len(found.seconds[OURS])}
    parts = list(goals(work.goal, made))
    met = [good for _, good in parts]
    return {**made, "goal": "; ".join(text for text, _ in parts) or None,
            "goal_met": False if False in met else None if None in met or not met else True}


def peak(work: Work, found: Measurement, side: str | None) -> float | None:
    """MB; None for a twin, whose process keeps arguments that a real step would have freed."""
    return None if work.kind == "twin" else found.peaks.get(side or "")


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1e3 * seconds


def rate(amount: int | None, seconds: float | None, unit: float = 1.0) -> float | None:
    return None if amount is None or seconds is None else amount / seconds / unit


def share(work: Work, found: Measurement, side: str | None) -> float | None:
    times = found.ratios(PRODUCT, side)
    return None if work.flops is None or not times else work.flops / PRODUCT_FLOPS * median(times)


def goals(goal: Goal, found: Mapping[str, Any]) -> Iterator[tuple[str, bool | None]]:
    """Every part of a goal, and whether it is met; None if it was not measured."""
    ratio, part = found["ratio"], found["share_of_matmul"]
    ours, theirs = found["elmo_np_peak_mb"], found["peer_peak_mb"]
    if goal.ratio is not None:
        yield f"ratio at least {round(goal.ratio, 3)}", None if ratio is None else ratio >= goal.ratio
    if goal.memory is not None:
        unknown = ours is None or theirs is None
        yield f"peak at most {goal.memory:.0%} of the peer's", None if unknown else ours <= goal.memory * theirs
    if goal.share is not None:
        yield f"at least {goal.share:.0%} of the product", None if part is None else part >= goal.share


def verdict(work: Work, found: Mapping[str, Any]) -> str:
    words = {True: "met", False: "NOT MET", None: "not measured"}
    return "; ".join(f"{text}: {words[good]}" for text, good in goals(work.goal, found))


def table(results: Sequence[Result]) -> str:
    """One line per work. Columns in which nothing was measured are left out."""
    peer = next((row["peer"] for _, row in results if row["peer"]), "peer")
    columns: dict[str, Callable[[Work, Row], str]] = {
        "work": lambda work, row: work.name,
        "sizes": lambda work, row: "" if work.kind == "twin" else str(work.sizes),
        "threads": lambda work, row: str(work.threads),
        "elmo_np ms": lambda work, row: number(row["elmo_np_ms"]),
        f"{peer} ms": lambda work, row: number(row["peer_ms"]),
        "ratio": lambda work, row: number(row["ratio"], "{:.2f}"),
        "lowest to highest": lambda work, row: spread(row),
        "tokens/s": lambda work, row: number(row["tokens_per_second"], "{:,.0f}"),
        f"{peer}, tokens/s": lambda work, row: number(row["peer_tokens_per_second"] if work.kind == "embed" else None,
                                                      "{:,.0f}"),
        "GFLOP/s": lambda work, row: number(row["gflops"]),
        "of the product": lambda work, row: number(row["share_of_matmul"], "{:.0%}"),
        f"{peer}, of the product": lambda work, row: number(row["peer_share_of_matmul"], "{:.0%}"),
        "peak MB": lambda work, row: number(row["elmo_np_peak_mb"]),
        f"{peer} MB": lambda work, row: number(row["peer_peak_mb"]),
        "goal": verdict}
    return markdown({title: [cell(*result) for result in results] for title, cell in columns.items()})


def section(title: str, results: Sequence[Result]) -> str:
    """A title and its table; empty without results."""
    if not results:
        return ""
    growth = results[0][0].group == "growth"
    return f"\n{title}\n\n{growth_table(results) if growth else table(results)}"


def spread(row: Row) -> str:
    return "" if row["ratio"] is None else f"{row['ratio_low']:.2f} to {row['ratio_high']:.2f}"


def growth_table(results: Sequence[Result]) -> str:
    """One line per dimension: the cost at its base and at each multiple, with the factor by which it grew."""
    found = {(work.grows, work.factor): row for work, row in results}
    names = list(dict.fromkeys(work.grows for work, _ in results if work.grows))
    base = [work for work, _ in results if not work.grows]
    titles = {"elmo_np ms": "elmo_np_ms", "peak MB": "elmo_np_peak_mb", "PyTorch ms": "peer_ms",
              "PyTorch MB": "peer_peak_mb"}
    columns = {"grows": names, "by": ["x " + ", ".join(map(str, FACTORS))] * len(names)}
    for title, field in titles.items():
        columns[title] = [series([found.get((name, 1), found.get(("", 1)) if name != "corpus" else None),
                                  *(found.get((name, factor)) for factor in FACTORS[1:])], field) for name in names]
    note = [f"\nBase: {base[0].sizes}." for _ in base]
    return markdown(columns) + "".join(note)


def series(rows: Sequence[Row | None], field: str) -> str:
    """The values of one line, each after the first with its factor."""
    values: list[float | None] = [row[field] if row else None for row in rows]
    if all(value is None for value in values):
        return ""
    first, *others = values
    return ", ".join([number(first) or "-", *(
        (number(value) or "-") + (f" (x{value / first:.2f})" if first and value else "") for value in others)])


def number(value: float | None, form: str = "") -> str:
    """Three significant digits, or the format `form`; empty for None."""
    if value is None:
        return ""
    return (form or ("{:,.0f}" if value >= 99.95 else "{:.1f}" if value >= 9.995 else "{:.2f}")).format(value)


def decimals(value: float, meets: Callable[[float], bool], least: int = 1) -> int:
    """How many decimals show whether the value meets a bound, as it does; at least so many."""
    return next(n for n in count(least) if meets(round(value, n)) == meets(value) or n > 15)


def markdown(columns: Mapping[str, Sequence[str]]) -> str:
    """A table that is readable as text too; numbers right-aligned, empty columns left out."""
    filled = {title: cells for title, cells in columns.items() if any(cells)}
    widths = {title: max(map(len, [title, *cells])) for title, cells in filled.items()}
    right = {title: all(cell[:1].isdigit() or not cell for cell in cells) for title, cells in filled.items()}

    def line(cells: Sequence[str]) -> str:
        padded = (cell.rjust(widths[title]) if right[title] else cell.ljust(widths[title])
                  for title, cell in zip(filled, cells, strict=True))
        return f"| {' | '.join(padded)} |"
    rule = ["-" * (widths[title] - 1) + (":" if right[title] else "-") for title in filled]
    return "\n".join(map(line, [list(filled), rule, *zip(*filled.values(), strict=True)]))
