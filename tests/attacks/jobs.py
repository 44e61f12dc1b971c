"""Commands that write files, as attacks on disks and processes run them: each in a child process of its own."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from elmo_np.cli.main import main
from elmo_np.inference import embed_file
from tests.commands import everything, write
from tests.embedding_helpers import CORPUS, of_characters, of_words
from tests.task_helpers import reviews, saved, tiny_elmo

EMBEDDED = CORPUS[:12]
SMALL = ["--preset", "demo"]
SMALL += [word for setting in ("hidden_dim=4", "embedding_dim=4", "batch_size=8", "steps=10", "save_every=1")
          for word in ("--set", setting)]
FAST = [word for setting in ("hidden_dim=4", "epochs=1") for word in ("--set", setting)]


class Job(NamedTuple):
    """A command in a folder with the files of `prepare`."""

    command: str
    out: str                    # the file or folder that it writes
    begun: str = ""             # what a stopped run left, to be there before it starts
    resumes: bool = False       # whether it has --resume
    work: tuple[str, ...] = ()  # files in `out` that are kept when the rest fails, and not written again

    def words(self) -> list[str]:
        return [*self.command.split(), "--out", self.out, *(["--resume"] if self.begun else [])]


JOBS = {
    "train": Job(f"train text.txt --quiet --epochs 2 {' '.join(SMALL)}", "run", resumes=True),
    "train --resume": Job(f"train text.txt --quiet --epochs 2 {' '.join(SMALL)}", "run", "run", True),
    "embed to npz": Job("embed characters short.txt --cache words.cache", "x.npz", resumes=True),
    "embed --resume": Job("embed characters short.txt --cache words.cache", "x.npz", "x.npz.part", True),
    "task train": Job(f"task classify train train.tsv --bilm bilm --quiet {' '.join(FAST)}", "task",
                      work=("model.safetensors", "bilm.txt")),
    "vectors": Job("vectors words", "vectors.bin"),
    "vectors for the projector": Job("vectors words", "projector"),
    "explore": Job("explore words --corpus short.txt --words bank", "page.html"),
}
if find_spec("h5py"):
    JOBS |= {"embed to hdf5": Job("embed words short.txt", "x.hdf5", resumes=True),
             "convert": Job("convert options.json weights.hdf5", "converted"),
             "export": Job("export characters", "exported")}


class Ended(NamedTuple):
    """How a process ended. code: its exit code, or - the number of the signal that killed it."""

    code: int
    said: str

    def refused(self) -> bool:
        """Whether it is a user's error of one line, after lines of progress or none."""
        errors = [line for line in self.said.splitlines() if line.startswith("elmo-np: error: ")]
        return self.code == 2 and len(errors) == 1 and self.said.endswith(f"{errors[0]}\n")


def prepare(home: Path) -> None:
    """home/start: the files that jobs read; home/done/JOB: what they write; home/begun: stopped runs."""
    embed_file.BLOCK = 30           # words: several blocks
    start = home / "start"
    start.mkdir()
    write(start / "text.txt", CORPUS[:40])
    write(start / "short.txt", EMBEDDED)
    of_words().save(start / "words")
    characters = of_characters()
    characters.save(start / "characters")
    saved(tiny_elmo(), start / "bilm")
    (start / "train.tsv").write_text("".join(f"{' '.join(words)}\t{label}\n"
                                             for words, label in zip(*reviews(30), strict=True)))
    if find_spec("h5py"):
        characters.to_bilm_tf(start / "options.json", start / "weights.hdf5")
    for job in JOBS.values():
        if not job.begun:
            folder = shutil.copytree(start, home / "done" / job.out)
            ended = run(job.words(), folder)
            assert ended.code == 0, ended.said
    for name in "run", "x.npz.part":
        _stop(home, name)


def _stop(home: Path, name: str) -> None:
    """A run that was killed with something done: home/begun/name."""
    job = next(job for job in JOBS.values() if job.begun == name)
    place = "last.safetensors" if name == "run" else "place.safetensors"
    while True:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(home / "start", folder, dirs_exist_ok=True)
            ended = run(job.words()[:-1], Path(folder), kill=lambda: (Path(folder) / name / place).exists())
            if ended.code == -signal.SIGKILL and (Path(folder) / name / place).exists():
                shutil.copytree(Path(folder) / name, home / "begun" / name)
                return


def start(home: Path, folder: Path, job: Job) -> Path:
    """Make the folder, in which the job can begin."""
    shutil.copytree(home / "start", folder)
    if job.begun:
        shutil.copytree(home / "begun" / job.begun, folder / job.begun)
    return folder


def run(words: list[str], folder: Path, before: Callable[[], object] = int, after: Callable[[], object] = int,
        kill: Callable[[], bool] | None = None) -> Ended:
    """Run a command in a folder, in a child process.

    before, after   called in the child, around the command
    kill            the child is killed with SIGKILL as soon as this is true
    """
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if not child:
            _command(words, folder, output.fileno(), before, after)
        while kill is not None:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            if kill():
                os.kill(child, signal.SIGKILL)
                kill = None
            time.sleep(0.0002)
        else:
            _, status = os.waitpid(child, 0)
        output.seek(0)
        return Ended(os.waitstatus_to_exitcode(status), output.read().decode("utf-8", "replace"))


def _command(words: list[str], folder: Path, output: int, before: Callable[[], object],
             after: Callable[[], object]) -> None:
    """In the child process: it ends here, as the interpreter would end."""
    code = 1
    try:
        os.chdir(folder)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        before()
        code = main(words)
        after()
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def contents(out: Path) -> dict[Path, bytes]:
    """What a command has written, without times and what unfinished work leaves."""
    found = {Path(): out.read_bytes()} if out.is_file() else everything(out)
    kept = {}
    for path, data in found.items():
        if path.name == "metrics.csv":
            data = b"\n".join(line.rpartition(b",")[0] for line in data.split(b"\n"))
        elif path.name in ("report.html", "report.txt"):
            data = data[-8:]                # seconds are in it
        elif path.name == "bilm.txt":
            data = b""                      # where the folder is
        if not path.name.startswith("."):
            kept[path] = data
    return kept


def again(job: Job, folder: Path) -> Ended:
    """The same command after a failure, or what it then asks for."""
    words = job.words()
    ended = run(words, folder)
    if ended.code == 2 and "remove it: no step of its training was saved" in ended.said:
        shutil.rmtree(folder / job.out)
        ended = run(words, folder)
    if ended.code == 2 and "--resume" in ended.said:
        ended = run([*words, "--resume"], folder)
    return ended
