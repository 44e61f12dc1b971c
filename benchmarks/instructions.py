"""How many instructions a training step takes, and whether that has grown. A busy machine gives the same figure.

    python benchmarks/instructions.py [--record]

Runs steps of the tiny size under valgrind's callgrind, on the AVX2 kernels (valgrind knows no AVX-512) and on one
thread, and takes the difference between three steps and one. Exit code 1 where the kernels' figure is more than 3 %
above the one recorded in instructions.json; --record writes the new figure there, for a change that is meant to
cost more. What Python and NumPy add is reported too, but not compared, since it varies by a tenth between runs.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jobs_elmo_np import MOMENTUM, RATE, bilm, random_batch, training_step
from works import all_works

from elmo_np import backend
from elmo_np.cli.main import Parser, guarded
from elmo_np.errors import UserError
from elmo_np.nn.optim import SGD
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import Progress
from elmo_np.runtime.threads import one_blas_thread, threads

RECORD = Path(__file__).parent / "instructions.json"
SIMD = "avx2"
GROWTH = 0.03
FEW, MANY = 1, 3        # steps; their difference leaves out the start of Python and the building of the model


class Count(NamedTuple):
    """Instructions of one step: inside the kernels, and with Python and NumPy around them."""

    kernels: int
    all: int


def steps(number: int) -> None:
    """What runs under valgrind."""
    sizes = next(work.sizes for work in all_works(1, False) if work.name == "tiny")
    model, batch = bilm(sizes), random_batch(sizes)
    over = parameters(model)
    optimizer = SGD(over, RATE, MOMENTUM, nesterov=True)
    with one_blas_thread(), threads(1):
        for _ in range(number):
            training_step(model, optimizer, over, batch)


def counted(number: int, folder: Path) -> Count:
    """Instructions of a process that makes the given number of steps."""
    out = folder / f"callgrind.{number}"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--compress-strings=no", sys.executable,
               __file__, "--steps", str(number)]
    environment = {**os.environ, "ELMO_NP_SIMD": SIMD, "ELMO_NP_KERNELS": "require", "PYTHONHASHSEED": "0"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ended.returncode:
        raise UserError(f"valgrind ended with code {ended.returncode}: {' '.join(ended.stderr.split())[-300:]}")
    return summed(out.read_text(encoding="utf-8").splitlines())


def summed(lines: Sequence[str]) -> Count:
    """The sums in callgrind's output: a line of figures belongs to the object named last, unless it is the inclusive
    cost of a call, which follows a line that begins with calls=."""
    kernels = everything = 0
    inside = inclusive = False
    for line in lines:
        if line.startswith("ob="):
            inside = "_kernels" in line
        elif line.startswith("calls="):
            inclusive = True
        elif re.match(r"[+\-*\d]\S* \d+$", line):
            cost = 0 if inclusive else int(line.split()[1])
            everything += cost
            kernels += cost if inside else 0
            inclusive = False
    return Count(kernels, everything)


def measured(progress: Progress) -> Count:
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for number in FEW, MANY:
            progress.show(f"counting the instructions of {number} step{'s' * (number > 1)} (half a minute)")
            found.append(counted(number, Path(folder)))
    few, many = found
    return Count(*((b - a) // (MANY - FEW) for a, b in zip(few, many, strict=True)))


def versions() -> dict[str, str]:
    """What else the kernels' figure depends on."""
    from elmo_np import _kernels

    comment = re.search(rb"(GCC: \([^)]*\) [\d.]+|clang version [\d.]+)", Path(str(_kernels.__file__)).read_bytes())
    return {"compiler": comment[1].decode() if comment else "unknown", "machine": platform.machine()}


def compared(found: Count, here: dict[str, str], record: dict[str, object]) -> tuple[str, bool]:
    """One line that compares the kernels' figure with the recorded one, and whether it has grown too much."""
    was = int(str(record["kernels"]))
    change = found.kernels / was - 1
    other = [f"{key} {here[key]}, recorded with {record[key]}" for key in here if here[key] != record[key]]
    grown = change > GROWTH and not other
    if other:
        verdict = "not compared: " + "; ".join(other)
    elif grown:
        verdict = f"more than {GROWTH:.0%} above: find out why, or --record it"
    else:
        verdict = "fewer: --record it, so that it stays so" if change < -GROWTH else "as recorded"
    return (f"instructions of a training step: {found.kernels:,} in the kernels (recorded {was:,}: {change:+.2%}, "
            f"{verdict}), {found.all - found.kernels:,} outside"), grown


def run(argv: Sequence[str] | None) -> int:
    parser = Parser(prog="instructions.py", description="Count the instructions of a training step.")
    parser.add_argument("--record", action="store_true", help=f"write the result to {RECORD.name}")
    parser.add_argument("--steps", type=int, metavar="N", help="make N steps and stop: runs under valgrind")
    args = parser.parse_args(argv)
    if args.steps is not None:
        steps(args.steps)
        return 0
    backend.require()
    if shutil.which("valgrind") is None:
        raise UserError("valgrind is not installed: on Debian and Ubuntu, apt-get install valgrind")
    if SIMD not in backend.simd_paths():
        have = ", ".join(backend.simd_paths()) or "none"
        raise UserError(f"the figures are those of the {SIMD} kernels; this machine has: {have}")
    with Progress() as progress:
        found = measured(progress)
    here = versions()
    if args.record:
        text = {"work": "one training step, tiny, one thread", "simd": SIMD, "kernels": found.kernels, **here}
        atomic_write_text(RECORD, json.dumps(text, indent=1) + "\n")
    line, grown = compared(found, here, json.loads(RECORD.read_text(encoding="utf-8")))
    print(line)
    return 1 if grown else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Count and return the exit code: 1 if the figure has grown, 2 for a user error."""
    return guarded("instructions.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
