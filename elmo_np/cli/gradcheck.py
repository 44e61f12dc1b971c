"""`elmo-np gradcheck`."""

from __future__ import annotations

import argparse

from .. import backend
from .. import gradient_checks as gradient_cases
from ..errors import UserError
from ..nn.gradcheck import TOLERANCE
from ..viz.page import check_target, write
from ..viz.reports import Checked, gradcheck_page
from . import info
from .common import Add

ABOUT = "compare every gradient with central differences"


def arguments(add: Add) -> None:
    add("--backend", choices=("numpy", "cython", "both"), default="both", help="default both")
    add("--report", metavar="FILE.html", help="write the table as a page, too")


def run(args: argparse.Namespace) -> int:
    backends = ["numpy", "cython"] if args.backend == "both" else [args.backend]
    if args.backend == "both" and backend.backend() == "numpy":
        raise UserError(f"backend 'cython' is not there: {backend.why_not()}; or check --backend numpy alone")
    if args.report is not None:
        check_target(args.report)
    print("Largest relative error of backward against central differences in float64, every number of every array\n")
    wrong, worst, total, checked = [], 0.0, 0, list[Checked]()
    for name in gradient_cases.CASES:
        tables = []
        for active in backends:
            with backend.use(active):
                tables.append(gradient_cases.run(name))
        checked.append(Checked(name, tables))
        print(f"{name}\n    {'array':36} {'numbers':>8}" + "".join(f"{active:>12}" for active in backends))
        for rows in zip(*tables, strict=True):
            good = all(row.ok() for row in rows)
            print(f"    {rows[0].array:36} {rows[0].checked:8}" + "".join(f"{row.error:12.1e}" for row in rows)
                  + ("" if good else "   WRONG"))
            wrong += [f"{active}, {name}: {row}" for active, row in zip(backends, rows, strict=True) if not row.ok()]
            worst, total = max(worst, *(row.error for row in rows)), total + len(rows)
    print(f"\n{total} arrays checked, largest error {worst:.1e}, allowed {TOLERANCE:.0e}: "
          + ("all right" if not wrong else f"{len(wrong)} WRONG"))
    for line in wrong:
        print(f"  {line}")
    if args.report is not None:
        write(args.report, gradcheck_page(backends, checked, info.rows()))
        print(f"{args.report}: the same as a page; open it in a browser")
    return 1 if wrong else 0
