"""A benchmark as a command: works measured side by side, group by group, with one table each, and rows in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from typing import NamedTuple

from jobs import Skipped
from machine import describe, version
from matrix_product import Products
from measure import Disagreement, Plan, measure
from report import Result, row, section
from works import COMPILED, ONNX, Work, chosen

from elmo_np import backend
from elmo_np.cli.main import Parser, failed, guarded
from elmo_np.errors import UserError
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import Progress

QUICK = Plan(rounds=2, turn=0.05)       # to see that it works, not to measure
NO_TORCH = "PyTorch is not installed: elmo_np is measured alone; to compare: pip install -e '.[bench]'"
NO_ONNX = "ONNX Runtime is not compared with: pip install -e '.[bench]'"


class Benchmark(NamedTuple):
    """prog: its file. groups: {name: title} of its tables, in order. works: for a number of threads, quick or not."""

    prog: str
    description: str
    groups: Mapping[str, str]
    works: Callable[[int, bool], list[Work]]


def parser(benchmark: Benchmark) -> Parser:
    whole = Parser(prog=benchmark.prog, description=benchmark.description)
    whole.add_argument("--json", metavar="FILE", help="write a list of rows, one per work")
    whole.add_argument("--rounds", type=int, metavar="N", help=f"turns of each side (default {Plan().rounds})")
    whole.add_argument("--threads", type=int, choices=(1, 2), default=2, help="for a whole step (default 2)")
    whole.add_argument("--only", nargs="+", action="extend", default=[], metavar="NAME",
                       help=f"these works, or groups of works: {', '.join(benchmark.groups)}")
    whole.add_argument("--quick", action="store_true", help="short turns, few rounds: to see that it works")
    return whole


def run(benchmark: Benchmark, argv: Sequence[str] | None) -> None:
    args = parser(benchmark).parse_args(argv)
    if args.rounds is not None and args.rounds < 1:
        raise UserError(f"--rounds {args.rounds}: expected 1 or more")
    backend.require()
    works = chosen(benchmark.works(args.threads, args.quick), args.only, benchmark.groups)
    save(args.json, [])         # fails now, not in ten minutes, if it cannot be written
    torch, why = version("torch")
    onnx, why_not = version("onnxruntime", "onnx")
    print(machine := describe(torch, onnx))
    if not torch:
        absent = "No module named 'torch'" in why
        print(NO_TORCH if absent else f"PyTorch cannot be loaded, so only elmo_np is measured: {why}")
    if not onnx and any(work.peer == ONNX for work in works):
        print(f"{NO_ONNX} ({why_not})")
    works = [work for work in works if (torch or work.peer != COMPILED) and (onnx or work.peer != ONNX)]
    plan = QUICK if args.quick else Plan()
    plan = Plan(args.rounds or plan.rounds, plan.turn, bool(torch))
    results: list[Result] = []
    when = {"machine": machine, "date": date.today().isoformat()}
    with Progress() as progress, ExitStack() as stack:
        products = Products(plan, stack, progress)
        for group, title in benchmark.groups.items():
            for work in (work for work in works if work.group == group):
                results += [(work, {**row, **when}) for work, row in result(work, plan, products, progress)]
                save(args.json, results)
            progress.close()
            if text := section(title, [found for found in results if found[0].group == group]):
                print(text, flush=True)


def result(work: Work, plan: Plan, products: Products, progress: Progress) -> list[Result]:
    """The work and its row; empty for a work that cannot be measured here."""
    try:
        product = products.on(work.threads) if work.flops and work.group != "growth" else None
        return [(work, row(work, measure(work, plan, product, progress)))]
    except Skipped as why:
        progress.say(f"{work.name} left out: {why}")
        return []


def save(path: str | None, results: Sequence[Result]) -> None:
    if path is not None:
        atomic_write_text(path, json.dumps([row for _, row in results], indent=1) + "\n")


def command(benchmark: Benchmark, argv: Sequence[str] | None) -> int:
    """Run the benchmark and return the exit code: 2 for a user error, 1 if the sides disagree."""
    try:
        return guarded(benchmark.prog, lambda: run(benchmark, argv))
    except Disagreement as error:
        return failed(benchmark.prog, f"the sides do not compute the same: {error}", 1)
