"""`elmo-np exercise`."""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Collection, Sequence
from itertools import groupby
from pathlib import Path

from ..errors import UserError
from ..exercises import in_order
from ..exercises.bugs import bug, bug_of, bugs
from ..exercises.child import BUG, judged
from ..exercises.grader import MISSING, Verdict
from ..exercises.learner_file import select, start, write_new

WHAT = "a tutorial's number, such as 04, or an exercise's, such as 04.1"
NEXT = """
  elmo-np exercise start 04                 write a file with the stubs of tutorial 04
  elmo-np exercise check 04 exercises-04.py judge it
  elmo-np exercise bug                      plant a bug in a copy of a layer, for you to find"""


def subcommands(parser: argparse.ArgumentParser, words: Collection[str] | None = None) -> None:
    """All actions, whichever of them is among `words`: they are few."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", description="without any: list all exercises")
    one = actions.add_parser("start", help="write a file with stubs to fill in")
    one.add_argument("what", metavar="NUMBER", help=WHAT)
    one.add_argument("--out", metavar="FILE.py", help="default: exercises-NUMBER.py; an existing file is left as it is")
    one = actions.add_parser("check", help="judge such a file: what is wrong, where, and what it looks like")
    one.add_argument("what", metavar="NUMBER", help=WHAT)
    one.add_argument("files", metavar="FILE.py", nargs="+", help="your file; it runs as a program does; of several, or "
                     "of those in a directory, a table as CSV")
    one = actions.add_parser("solution", help="print a solution")
    one.add_argument("what", metavar="NUMBER", help=WHAT)
    one = actions.add_parser("bug", help="plant a bug in a copy of a layer, or judge what you made of it")
    one.add_argument("number", nargs="?", type=int, metavar="N", help="which bug; default: any")
    one.add_argument("--out", metavar="FILE.py", help="a file or a directory; default: bug-N.py; an existing file is "
                     "left as it is")
    one.add_argument("--check", metavar="FILE.py", help="judge this file instead")


def run(args: argparse.Namespace) -> int:
    action = {"start": _start, "check": _check, "solution": _solution, "bug": _bug, None: _list}[args.action]
    return action(args)


def _list(args: argparse.Namespace) -> int:
    for page, exercises in groupby(in_order(), lambda one: one.page):
        print(f"Tutorial {page}")
        for one in exercises:
            print(f"  {one.number:5} {one.title}")
    print(NEXT)
    return 0


def _start(args: argparse.Namespace) -> int:
    chosen = select(args.what)
    what = chosen[0].number if "." in args.what else chosen[0].page
    path = Path(args.out or f"exercises-{what}.py")
    start(what, path)
    print(f"{path}: {len(chosen)} {'exercise' if len(chosen) == 1 else 'exercises'}; write the functions, then: "
          f"elmo-np exercise check {what} {path}")
    return 0


def _check(args: argparse.Namespace) -> int:
    select(args.what)
    path = Path(args.files[0])
    if len(args.files) > 1 or path.is_dir():
        return _check_class(args.what, args.files)
    verdicts = judged(args.what, path)
    for verdict in verdicts:
        _show(verdict)
    right = sum(verdict.right for verdict in verdicts)
    print(f"{right} of {len(select(args.what))} right")
    return 0 if all(verdict.right for verdict in verdicts) else 1


def _check_class(what: str, names: Sequence[str]) -> int:
    """A row for each file: how many exercises are right, each of them, and what kept the file from being judged."""
    numbers = [one.number for one in select(what)]
    paths = [path for name in names for path in _files(Path(name))]
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["file", "right", "of", *numbers, "problem"])
    all_right = True
    for path in paths:
        try:
            verdicts = judged(what, path, quiet=True)
        except UserError as error:
            verdicts = [Verdict("", path.name, False, [str(error)])]
        states = {verdict.number: _state(verdict) for verdict in verdicts}
        problem = next((" ".join(verdict.lines) for verdict in verdicts if verdict.number not in numbers), "")
        right = sum(verdict.right for verdict in verdicts)
        table.writerow([path, right, len(numbers), *(states.get(number, "") for number in numbers), problem])
        sys.stdout.flush()
        all_right &= right == len(numbers)
    return 0 if all_right else 1


def _files(path: Path) -> list[Path]:
    """The file, or those of Python in the directory. Raises UserError for a directory without any."""
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.py"))
    if not found:
        raise UserError(f"there is no file in {path} that ends in .py: expected a directory with such files as "
                        "`start` wrote")
    return found


def _state(verdict: Verdict) -> str:
    """For a cell of the table."""
    if verdict.right:
        return "right"
    if not verdict.lines:
        return "not written"
    if verdict.kind == MISSING:
        return MISSING
    return f"wrong: {verdict.kind}" if verdict.kind else "wrong"


def _show(verdict: Verdict) -> None:
    state = "right" if verdict.right else "WRONG" if verdict.lines else "not written yet"
    print(f"{verdict.number:6} {verdict.name}: {state}")
    for line in verdict.lines:
        print(f"       {line}")


def _solution(args: argparse.Namespace) -> int:
    print("\n\n".join(f"# {one.number}  {one.title}\n{one.source}" for one in select(args.what)), end="")
    return 0


def _bug(args: argparse.Namespace) -> int:
    if args.check is not None:
        if args.number is not None or args.out is not None:
            raise UserError("--check judges a file that has been written: give no number and no --out with it")
        bug_of(Path(args.check))
        verdict, = judged(BUG, Path(args.check))
        _show(verdict)
        return 0 if verdict.right else 1
    planted = bug(random.randint(1, len(bugs())) if args.number is None else args.number)
    path = Path(args.out or ".")
    if path.is_dir():
        path /= f"bug-{planted.number}.py"
    write_new(path, planted.text)
    print(f"{path}: a copy of elmo_np/{planted.place.module.replace('.', '/')}.py with a bug in one line of a backward "
          f"pass; find it, fix it, then: elmo-np exercise bug --check {path}")
    return 0
