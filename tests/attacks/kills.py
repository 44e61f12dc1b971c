"""kill -9 at any moment of training and embedding: every file can be read, nothing is lost, the end has the same bytes.

A command is killed at a random time, again and again, until it ends by itself; each time it goes on where it was.
"""

import functools
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path

from elmo_np.io import safetensors_file
from elmo_np.io.model_file import read_model
from tests.attacks import jobs
from tests.attacks.attempts import Case, Limits, Try
from tests.attacks.jobs import JOBS, Job, contents, run

SHORT, LONG = 15, 1_700
LIMITS = Limits(seconds=600)
MOST = 5            # kills per try
ALL = (1 << 30,)    # sentences done
prepare = jobs.prepare


@functools.cache
def duration(job: Job, home: Path) -> float:
    """Seconds that the job takes when nobody kills it."""
    with tempfile.TemporaryDirectory() as folder:
        where = jobs.start(home, Path(folder) / "work", job)
        begun = time.monotonic()
        assert run(job.words(), where).code == 0
        return time.monotonic() - begun


def of(job: Job) -> Case:
    def case(attempt: Try) -> None:
        folder = jobs.start(attempt.home, attempt.folder / "work", job)
        done = progress(folder, job)
        for _ in range(int(attempt.rng.integers(1, MOST + 1)) if attempt.number else 0):
            until = time.monotonic() + attempt.rng.random() * duration(job, attempt.home)
            ended = run(words(job, folder), folder, kill=lambda until=until: time.monotonic() > until)
            assert ended.code in (0, -signal.SIGKILL), ended.said
            before, done = done, progress(folder, job)
            assert done >= before, f"{before} was done, after a kill only {done}"
            if done == ALL:
                break
        else:
            ended = run(words(job, folder), folder)
            assert ended.code == 0, ended.said
        assert contents(folder / job.out) == contents(attempt.home / "done" / job.out / job.out)
    return case


def words(job: Job, folder: Path) -> list[str]:
    """The command that goes on. As `train` asks for, a folder in which no step was saved is removed."""
    out = folder / job.out
    if out.is_dir() and not (out / "last.safetensors").exists():
        shutil.rmtree(out)
    begins = job.command.startswith("train") and not out.exists()
    return [*job.command.split(), "--out", job.out, *([] if begins else ["--resume"])]


def progress(folder: Path, job: Job) -> tuple[int, ...]:
    """How far the work is, from files that must be readable whenever the process was killed."""
    if (folder / job.out).is_file():
        return ALL
    place = folder / f"{job.out}.part" / "place.safetensors"
    if place.exists():
        return (int(safetensors_file.load(place)[1]["sentences"]),)
    last = folder / job.out / "last.safetensors"
    if not last.exists():
        return (0,)
    if (folder / job.out / "model.safetensors").exists():
        read_model(folder / job.out)
    found = read_model(last).metadata["place"]
    return tuple(int(re.search(rf'"{key}": (\d+)', found)[1]) for key in ("epoch", "step"))


CASES = {name: of(job) for name, job in JOBS.items() if job.resumes}
