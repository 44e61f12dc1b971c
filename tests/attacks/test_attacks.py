"""The short form of every attack, each in a process of its own; and an attack that must fail is seen to fail."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from elmo_np.errors import UserError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="attacks need fork and Linux's /proc")
attempts = pytest.importorskip("tests.attacks.attempts", reason="attacks limit their resources, which Windows cannot")
Limits, Table = attempts.Limits, attempts.Table
SKIPPED = 77
# races compiles for a minute and trains slowly: before a release only.
SHORT = ["damaged_files", "published_models", "kills", "failing_disk", "batches", "processes", "sanitizers"]


@pytest.mark.parametrize("attack", SHORT)
def test_the_short_form_finds_nothing(attack):
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-m", "tests.attacks", attack], cwd=root, text=True, stdout=subprocess.PIPE,
                           env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    if ended.returncode == SKIPPED:
        pytest.skip(ended.stdout.strip())
    assert ended.returncode == 0, ended.stdout


def wrong(attempt):
    raise AssertionError("other numbers")


def bare(attempt):
    raise ZeroDivisionError


def refused(attempt):
    raise UserError("one line")


def crash(attempt):
    os.kill(os.getpid(), 9)


def hang(attempt):
    while attempt.number:
        time.sleep(1)


def memory(attempt):
    """As much again as the process has, which in a long run of the suite is hundreds of megabytes."""
    np.ones(attempts._memory("VmRSS"), np.uint8)


def wants_all(attempt):
    np.ones(2**40, np.uint8)


@pytest.mark.parametrize(("case", "first", "then"), [
    (wrong, "wrong", "wrong"), (bare, "bare error", "bare error"), (refused, "wrong", "refused"),
    (crash, "crash", "crash"), (hang, "right", "hang"), (memory, "memory", "memory"),
    (wants_all, "bare error", "bare error")])
def test_what_comes_of_a_try_is_counted(tmp_path, case, first, then):
    """A refusal in the first try, in which nothing is attacked, is a failure too."""
    table = Table(["case"])
    for outcome in attempts.attempts({"case": case}, tmp_path, 0, range(2), Limits(5, memory=1.5)):
        table.add(outcome)
    assert table.counts["case"] == {first: 1, then: 1} if first != then else {first: 2}
    assert sum(map(len, table.failures.values())) == sum(what not in attempts.GOOD for what in (first, then))
