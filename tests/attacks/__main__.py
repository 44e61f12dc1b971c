"""`python -m tests.attacks NAME --tries N --seed S`: see the package's docstring."""

import argparse
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from tests.attacks.attempts import Skip, Table, attempts

ATTACKS = ("damaged_files", "published_models", "kills", "failing_disk", "batches", "processes", "sanitizers", "races")
SKIPPED = 77            # the exit code of an attack that this machine cannot make
PREPARED = "ELMO_NP_ATTACK"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description="attack the program on purpose")
    parser.add_argument("attack", nargs="?", choices=ATTACKS)
    parser.add_argument("--tries", type=int, metavar="N", help="default: the short form, which the tests run")
    parser.add_argument("--long", action="store_true", help="as many tries as before a release")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="repeat this try")
    args = parser.parse_args()
    if args.attack is None:
        for name in ATTACKS:
            print(f"{name:14} {(import_module(f'tests.attacks.{name}').__doc__ or '').splitlines()[0]}")
        return 0
    attack = import_module(f"tests.attacks.{args.attack}")
    try:
        return _again(attack) if hasattr(attack, "environment") and PREPARED not in os.environ else _run(attack, args)
    except Skip as reason:
        print(f"skipped: {reason}")
        return SKIPPED


def _again(attack) -> int:
    """Start this program again in the environment that the attack needs."""
    with tempfile.TemporaryDirectory() as folder:
        cwd, environment = attack.environment(Path(folder))
        return subprocess.call([sys.executable, "-m", "tests.attacks", *sys.argv[1:]], cwd=cwd,
                               env={**os.environ, **environment, PREPARED: "1"})


def _run(attack, args: argparse.Namespace) -> int:
    tries = args.tries or (attack.LONG if args.long else attack.SHORT)
    numbers = range(tries) if args.only is None else [args.only]
    table = Table(list(attack.CASES))
    with tempfile.TemporaryDirectory() as home:
        attack.prepare(Path(home))
        for outcome in attempts(attack.CASES, Path(home), args.seed, numbers, attack.LIMITS):
            table.add(outcome)
            if args.only is not None:
                print(f"{outcome.case}: {outcome.what}: {outcome.detail}")
    print(f"{args.attack}: {attack.__doc__.splitlines()[0]}", *table.lines(), sep="\n")
    for alike in table.failures.values():
        first = alike[0]
        print(f"\n{first.what}: {first.case}, {len(alike)} times; again: python -m tests.attacks {args.attack} "
              f"--seed {args.seed} --only {first.number}\n{first.detail}")
    return 1 if table.failures else 0


if __name__ == "__main__":
    sys.exit(main())
