"""How the cost of training grows with each size: a figure of what step.py has measured.

    python benchmarks/step.py --only growth --json growth.json
    python benchmarks/growth.py growth.json [--out FIGURE]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from works import FACTORS, GROWTH_BASE

from elmo_np.cli.main import Parser, guarded
from elmo_np.errors import UserError
from elmo_np.viz.plots import lines, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE = Path(__file__).parent / "results" / "growth.svg"
NAMES = {"T": "T, steps", "B": "B, sequences", "H": "H, cells", "V": "V, words", "corpus": "sentences, of an epoch"}


def growth(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """{dimension: the cost at each of FACTORS, relative to the first}. Raises UserError if one was not measured."""
    found = {row["work"]: row["elmo_np_ms"] for row in rows}
    costs = {}
    for dimension, name in NAMES.items():
        first = "growth-corpus-x1" if dimension == "corpus" else "growth-base"
        works = [first, *(f"growth-{dimension}-x{factor}" for factor in FACTORS[1:])]
        lacking = [work for work in works if not found.get(work)]
        if lacking:
            raise UserError(f"{lacking[0]} was not measured: expected the rows of step.py --only growth --json FILE")
        costs[name] = [found[work] / found[first] for work in works]
    return costs


def picture(costs: Mapping[str, Sequence[float]]) -> Figure:
    """Cost against size, both logarithmic: the diagonal means proportional growth."""
    return lines(FACTORS, costs, log="xy", title="Cost grows in proportion, with the cells a little faster",
                 xlabel=f"times the base: {GROWTH_BASE}", ylabel="times its cost")


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="growth.py", description="Draw how the cost of training grows.")
    parser.add_argument("rows", metavar="FILE", help="what step.py --only growth --json wrote")
    parser.add_argument("--out", metavar="FIGURE", type=Path, default=PICTURE, help="(default results/growth.svg)")
    args = parser.parse_args(argv)
    try:
        rows = json.loads(Path(args.rows).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {args.rows}: {error}; expected what step.py --json wrote") from error
    costs = growth(rows)
    save(picture(costs), args.out)
    for name, values in costs.items():
        print(f"{name:24} " + "  ".join(f"x{factor}: {value:.2f}" for factor, value in
                                        zip(FACTORS, values, strict=True)))


def main(argv: Sequence[str] | None = None) -> int:
    """Draw it and return the exit code, 2 for a user error."""
    return guarded("growth.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
