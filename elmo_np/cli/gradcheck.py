"""`elmo-np gradcheck`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

from .. import backend, gradient_checks
from ..errors import UserError
from ..nn.gradcheck import TOLERANCE
from ..runtime.files import STDOUT
from ..viz.page import check_target, write
from ..viz.reports import Checked, gradcheck_page
from . import info
from .common import Add, add_json, json_text


def arguments(add: Add) -> None:
    add("names", nargs="*", metavar="NAME", help="a check, or a pattern such as 'lstm*'; default: all")
    add("--list", action="store_true", help="print the names of the checks and run none")
    add("--backend", choices=("numpy", "cython", "both"), default="both", help="default both")
    add("--report", metavar="FILE.html", help="also write the table as an HTML page; - for standard output")
    add_json(add, "print one JSON object per array and backend, one per line")


def run(args: argparse.Namespace) -> int:
    names = gradient_checks.select(args.names)
    if args.list:
        if args.backend != "both" or args.report is not None:
            raise UserError("--list runs no check: leave out --backend and --report, or --list")
        print("\n".join(json_text({"check": name}) if args.json else name for name in names))
        return 0
    backends = ["numpy", "cython"] if args.backend == "both" else [args.backend]
    if args.backend == "both" and backend.backend() == "numpy":
        raise UserError(f"backend 'cython' is not there: {backend.why_not()}; or check --backend numpy alone")
    if args.report is not None:
        check_target(args.report)
    with redirect_stdout(sys.stderr if args.report == STDOUT else sys.stdout):
        checked, right = _run(names, backends, args.json)
    if args.report is not None:
        write(args.report, gradcheck_page(backends, checked, info.rows()))
        if args.report != STDOUT and not args.json:
            print(f"{args.report}: the same as a page; open it in a browser")
    return 0 if right else 1


def _run(names: Sequence[str], backends: Sequence[str], as_json: bool) -> tuple[list[Checked], bool]:
    """Run and print the checks -> their tables, and whether all are right."""
    checked = []
    if not as_json:
        print("Largest relative error of backward against central differences in float64, every element of every array"
              "\n")
    for name in names:
        checked.append(_checked(name, backends))
        (_print_json if as_json else _print_table)(checked[-1], backends)
    if not as_json:
        _print_summary(checked, backends)
    return checked, all(row.ok() for one in checked for table in one.tables for row in table)


def _checked(name: str, backends: Sequence[str]) -> Checked:
    """One check on every backend."""
    tables = []
    for active in backends:
        with backend.use(active):
            tables.append(gradient_checks.run(name))
    return Checked(name, tables)


def _print_table(one: Checked, backends: Sequence[str]) -> None:
    print(f"{one.name}\n    {'array':36} {'elements':>8}" + "".join(f"{active:>12}" for active in backends))
    for rows in zip(*one.tables, strict=True):
        print(f"    {rows[0].array:36} {rows[0].checked:8}" + "".join(f"{row.error:12.1e}" for row in rows)
              + ("" if all(row.ok() for row in rows) else "   WRONG"))


def _print_json(one: Checked, backends: Sequence[str]) -> None:
    for active, table in zip(backends, one.tables, strict=True):
        for row in table:
            print(json_text({"check": one.name, "backend": active, "array": row.array, "elements": row.checked,
                             "error": row.error, "tolerance": TOLERANCE, "ok": row.ok()}))


def _print_summary(checked: Sequence[Checked], backends: Sequence[str]) -> None:
    found = [(f"{active}, {one.name}: {row}", row) for one in checked
             for rows in zip(*one.tables, strict=True) for active, row in zip(backends, rows, strict=True)]
    wrong = [text for text, row in found if not row.ok()]
    print(f"\n{len(found) // len(backends)} arrays checked, largest error {max(row.error for _, row in found):.1e}, "
          f"allowed {TOLERANCE:.0e}: " + (f"{len(wrong)} WRONG" if wrong else "all right"))
    for text in wrong:
        print(f"  {text}")
