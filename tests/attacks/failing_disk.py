"""A disk that fails at any call: one line, nothing damaged, earlier work kept, and afterwards the command succeeds.

failing_disk.c, loaded before the C library, lets one call of a command fail, or that and all that follow: to open,
write, sync, rename, cut or make a file. Each try takes another call and another error.
"""

import ctypes
import errno
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from elmo_np.io import safetensors_file
from tests.attacks import jobs
from tests.attacks.attempts import Case, Limits, Skip, Try
from tests.attacks.jobs import JOBS, Job, contents, run

SHORT, LONG = 33, 10_000
LIMITS = Limits(seconds=600)
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
prepare = jobs.prepare


def environment(folder: Path) -> tuple[Path, dict[str, str]]:
    """Where this program is to be started again, and with which environment. Raises Skip."""
    compiler = shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        raise Skip("it needs Linux and gcc")
    library = folder / "failing_disk.so"
    source = Path(__file__).with_suffix(".c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return Path.cwd(), {"LD_PRELOAD": str(library)}


def fail(folder: Path | str, call: int, error: int = 0, lasting: bool = False) -> None:
    """In this process: let a call below the folder fail; "": none."""
    ctypes.CDLL(None).fail_call(os.fsencode(folder), ctypes.c_long(call), error, lasting)


def fine() -> int:
    """No call fails any more -> how many there were."""
    calls = int(ctypes.CDLL(None).counted_calls())
    fail("", -1)
    return calls


@functools.cache
def plan(job: Job, home: Path) -> list[tuple[int, int, bool]]:
    """Every call of a job with every error, alone and lasting, in random order; first no failure."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = jobs.start(home, Path(temporary) / "work", job)
        counted = Path(temporary) / "calls"
        ended = run(job.words(), folder, lambda: fail(folder, -1), lambda: counted.write_text(str(fine())))
        assert ended.code == 0, ended.said
        calls = range(int(counted.read_text()))
    faults = [(call, error, lasting) for call in calls for lasting in (False, True) for error in ERRORS]
    return [(-1, 0, False), *(faults[k] for k in np.random.default_rng(0).permutation(len(faults)))]


def of(job: Job) -> Case:
    def case(attempt: Try) -> None:
        expected = contents(attempt.home / "done" / job.out / job.out)
        faults = plan(job, attempt.home)
        call, error, lasting = faults[attempt.number % len(faults)]
        folder = jobs.start(attempt.home, attempt.folder / "work", job)
        before = contents(folder)
        ended = run(job.words(), folder, lambda: fail(folder, call, error, lasting), fine)
        told = f"call {call} of {len(faults) // 6}, {os.strerror(error)}, lasting: {lasting}; it said: {ended.said}"
        assert ended.code == 0 or ended.refused(), told
        kept(job, folder, before, expected, told)
        if not whole(job, folder, expected):
            assert ended.code != 0, told
            ended = jobs.again(job, folder)
            assert ended.code == 0, f"{told}; then: {ended.said}"
            found = contents(folder / job.out)
            assert found == expected, f"{told}; other contents: {different(found, expected)}"
    return case


def kept(job: Job, folder: Path, before: dict[Path, bytes], expected: dict[Path, bytes], told: str) -> None:
    """Assert that no file is damaged: each is as it was, or new and whole."""
    for path, data in before.items():
        if path.parts[0] not in (job.begun, job.out):
            assert (folder / path).read_bytes() == data or path.suffix == ".cache", f"{told}; changed: {path}"
    out = folder / job.out
    if not out.exists():
        return
    for path, data in contents(out).items():
        if path.name == "last.safetensors" or (path.name == "model.safetensors" and job.resumes):
            safetensors_file.load(out / path)
        elif path.name != "metrics.csv":
            assert data == expected.get(path), f"{told}; damaged: {path}"


def whole(job: Job, folder: Path, expected: dict[Path, bytes]) -> bool:
    """Whether all is there, although the command said that it failed: at its last call, to sync the folder, or after
    the work that it keeps."""
    out = folder / job.out
    found = contents(out) if out.exists() else {}
    return found == expected or (job.work != () and all(found.get(Path(name)) == expected[Path(name)]
                                                        for name in job.work))


def different(found: dict[Path, bytes], expected: dict[Path, bytes]) -> list[str]:
    return sorted(str(path) for path in found.keys() | expected.keys() if found.get(path) != expected.get(path))


CASES = {name: of(job) for name, job in JOBS.items()}
