"""One side's process: it builds one work, and runs it as often as the parent asks.

    python worker.py TASK       TASK is jobs.Task as JSON

On stdin the parent asks for a number of runs, one number per line; on stdout a line of JSON answers each, and one comes
before the first. A separate process has its own thread pools and its own peak memory.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any, TextIO

import numpy as np
from jobs import Job, Skipped, Task
from memory import Peak
from works import COMPILED, ONNX, TORCH

from elmo_np.errors import UserError

PEERS = {TORCH: "peer_torch", COMPILED: "peer_torch", ONNX: "embed_onnx"}      # the modules have build(work, arrays)
REST = 0.05     # seconds after which an idle thread pool stops spinning


def main() -> None:
    # Output of libraries must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    task = Task.from_dict(json.loads(sys.argv[1]))
    try:
        with built(task) as (job, peak):
            answer(answers, figures=job.figures(), peak_reset=peak.reset)
            serve(job, peak, answers)
    except Skipped as why:
        answer(answers, skipped=str(why))
    except UserError as error:
        answer(answers, error=str(error))


@contextmanager
def built(task: Task) -> Iterator[tuple[Job, Peak]]:
    """The job. An idle process has imported everything and built nothing."""
    if task.side in PEERS:
        peer = import_module(PEERS[task.side])
        peak = Peak()
        with np.load(task.exchange) if task.exchange.exists() else nullcontext({}) as arrays:
            job = peer.build(task.work, arrays)
        yield job, peak
        return
    import jobs_elmo_np

    peak = Peak()
    with jobs_elmo_np.setting(task):
        job, arrays = jobs_elmo_np.build(task)
        if arrays and task.work.peer in PEERS:
            np.savez(task.exchange, **arrays)  # type: ignore[arg-type]    # its other argument is a bool
        del arrays
        yield job, peak


def serve(job: Job, peak: Peak, answers: TextIO) -> None:
    """Run as often as asked, until the parent hangs up."""
    time.sleep(REST)
    since, worked = time.perf_counter(), time.process_time()
    for line in sys.stdin:
        waited, idle = time.perf_counter() - since, time.process_time() - worked
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            job.run()
            seconds.append(time.perf_counter() - start)
        time.sleep(REST)
        answer(answers, seconds=seconds, peak_mb=peak.mb(), waited=waited, idle_cpu=idle)
        since, worked = time.perf_counter(), time.process_time()


def answer(answers: TextIO, **fields: Any) -> None:
    answers.write(json.dumps(fields) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
