"""A reader's file, judged in a process of its own: an endless loop, a crash or a call of exit ends only that.

    python -m elmo_np.exercises.child WHAT FILE FOLDER SECONDS

writes one verdict per line to FOLDER/verdicts, then "end". Where a function of the file takes longer than SECONDS, it
writes to FOLDER/stack which line runs, and ends. What the file prints appears as usual.
"""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from .bugs import judge_bug
from .grader import Verdict
from .learner_file import Limit, compiled, judge_file, select

SECONDS = 10.0
BUG = "bug"         # in place of an exercise's number


def judged(what: str, path: Path, seconds: float = SECONDS, *, quiet: bool = False) -> list[Verdict]:
    """The verdicts on a file, computed by a child; quiet: nothing that the file prints appears. Raises UserError for a
    file that is not Python."""
    compiled(path)
    package = str(Path(__file__).parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    with TemporaryDirectory() as folder:
        sys.stdout.flush()
        command = [sys.executable, "-m", __name__, what, str(path), folder, str(seconds)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        output = subprocess.DEVNULL if quiet else None
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        *lines, last = ["", *_read(Path(folder, "verdicts")).splitlines()]
        verdicts = [Verdict(**json.loads(line)) for line in [*lines, last] if line and line != "end"]
        if last == "end":
            return verdicts
        return [*verdicts, _ended(what, path, _read(Path(folder, "stack")), done.returncode, seconds)]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _ended(what: str, path: Path, stack: str, code: int, seconds: float) -> Verdict:
    """The verdict on code that did not return; stack: the innermost call first."""
    name = str(path)[:500].encode("ascii", "backslashreplace").decode()     # as faulthandler writes it
    where = re.search(rf'File "{re.escape(name)}(?:\.\.\.)?", line (\d+) in (.+)', stack)
    if where:
        line = path.read_text(encoding="utf-8", errors="replace").splitlines()[int(where[1]) - 1].strip()
        problem = f"line {where[1]}: still running after {seconds:g} seconds, an endless loop? {line}"
        return Verdict(what, where[2], False, [problem, "what follows it was not judged"])
    return Verdict(what, path.name, False, [f"it ended Python (exit code {code}): what follows was not judged"])


def _verdicts(what: str, path: Path, limit: Limit) -> Iterator[Verdict]:
    if what == BUG:
        yield judge_bug(path, limit)
    else:
        yield from judge_file(select(what), path, limit)


def main(what: str, path: str, folder: str, seconds: str) -> None:
    sys.path.insert(0, str(Path(path).resolve().parent))    # as for a program: it may import a file beside it
    with open(Path(folder, "stack"), "w") as stack, open(Path(folder, "verdicts"), "w", encoding="utf-8") as out:
        @contextmanager
        def limit() -> Iterator[None]:
            faulthandler.dump_traceback_later(float(seconds), exit=True, file=stack)
            try:
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()

        for verdict in _verdicts(what, Path(path), limit):
            print(json.dumps(verdict._asdict()), file=out, flush=True)
        print("end", file=out)


if __name__ == "__main__":
    code = 1
    try:
        main(*sys.argv[1:])
        code = 0
    except Exception:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        for stream in sys.stdout, sys.stderr:
            with suppress(Exception):
                stream.flush()
        for process in multiprocessing.active_children():
            process.terminate()
        os._exit(code)      # a thread that the file has started may run for ever
