"""The tables of README.md from the rows of step.py and embed.py: a section per processor and SIMD path.

    python benchmarks/tables.py ROWS.json...     files that --json wrote, on one machine or on several
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from embed import EMBED
from report import Result, Row, section
from step import STEP
from works import Work

from elmo_np.cli.main import Parser, guarded
from elmo_np.errors import UserError

GROUPS = {**STEP.groups, **EMBED.groups}
WORKS = {(work.name, work.threads): work
         for benchmark in (STEP, EMBED) for threads in (1, 2) for work in benchmark.works(threads, False)}


def results(path: str) -> list[Result]:
    """The works and rows of a file. Raises UserError for anything else."""
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))
        return [(work_of(row), row) for row in rows if row["machine"] and row["date"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"cannot read {path} ({type(error).__name__}: {error}); expected what step.py or embed.py "
                        "of this version wrote with --json") from error


def work_of(row: Row) -> Work:
    """The work that was measured, at the sizes of the row, which `--quick` changes."""
    return Work.from_dict({**asdict(WORKS[row["work"], row["threads"]]), "sizes": row["sizes"]})


def sections(found: Sequence[Result]) -> Iterator[str]:
    """For each machine its processor and the kernels' path as a heading, what else changes a time, and the tables."""
    for machine in dict.fromkeys(row["machine"] for _, row in found):
        here = [(work, row) for work, row in found if row["machine"] == machine]
        processor, _, others = machine.partition("; ")
        dates = [row["date"] for _, row in here]
        when = " to ".join(sorted({min(dates), max(dates)}))
        yield f"### {processor}, {others.rpartition(', ')[2]}\n\n{others}. Measured on {when}."
        for group, title in GROUPS.items():
            yield section(f"{title}.", [result for result in here if result[0].group == group])


def main(argv: Sequence[str] | None = None) -> int:
    """Print the sections and return the exit code."""
    parser = Parser(prog="tables.py", description="Print the tables of benchmarks/README.md from measured rows.")
    parser.add_argument("rows", nargs="+", metavar="ROWS.json", help="files that step.py or embed.py wrote with --json")

    def run() -> None:
        args = parser.parse_args(argv)
        print("\n".join(filter(None, sections([result for path in args.rows for result in results(path)]))))
    return guarded("tables.py", run)


if __name__ == "__main__":
    sys.exit(main())
