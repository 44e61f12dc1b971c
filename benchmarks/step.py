"""elmo_np and PyTorch side by side: time, ratio, share of the machine's matrix product, memory, and how they grow.

    python benchmarks/step.py [--json FILE] [--rounds N] [--threads N] [--only NAME...] [--quick]

The sides of a work run in separate processes, in turn, round by round; both start from the same weights, and must
give the same losses before anything is timed. See works.py for what is measured.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from side_by_side import Benchmark, command
from works import GROUPS, all_works

STEP = Benchmark("step.py", "Measure elmo_np and PyTorch side by side.", GROUPS, all_works)


def main(argv: Sequence[str] | None = None) -> int:
    return command(STEP, argv)


if __name__ == "__main__":
    sys.exit(main())
