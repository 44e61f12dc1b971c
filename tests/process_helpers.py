"""Shared by tests of training on several processes: how to start them, and trainings that each of them runs.

    mpiexec -n 2 python -m tests.process_helpers OUT NAME ...       runs some of RUNS, each into OUT/NAME
"""

import os
import pickle
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from queue import Queue
from threading import Barrier

from elmo_np.errors import UserError
from elmo_np.training.processes import MPIProcesses, together
from tests.training_helpers import CORPUS, run

ROOT = Path(__file__).parents[1]
SMALL = ["groups=4", "epochs=1", "threads=1", "dropout=0.1"]
# Each has other arrays to add up, other states to gather, or another moment to meet at.
RUNS = {
    "words": ["save_every=4", "eval_every=7", "epochs=2", "shuffle=20", "average=ema"],
    "shared": ["share_embedding=true", "share_softmax=true", "softmax=sampled", "samples=20", "optimizer=adagrad"],
    "characters": ["char_filters=[[1,4],[2,4]]", "char_dim=4", "max_characters=8", "softmax=adaptive", "state=reset"],
    "one direction": ["direction=forward", "streams=contiguous", "weight_drop=0.2", "embedding_dropout=0.1",
                      "optimizer=sgd", "momentum=0.5", "clip_norm=1.0"],
}


def train(out, name, **options):
    """One of RUNS, in this process or, under mpiexec, in all of them."""
    run(out / name, *SMALL, *RUNS[name], corpus=CORPUS[:120], **options)


@cache
def launcher():
    """The mpiexec of mpi4py's MPI library; the test is skipped where there is none."""
    import pytest  # not at the top: the processes that are started do without it

    pytest.importorskip("mpi4py")
    own = str(Path(sys.executable).parent)
    found = shutil.which("mpiexec", path=own) or shutil.which("mpiexec")
    if found is None:
        pytest.skip("there is no mpiexec")
    size = [found, "-n", "2", sys.executable, "-c", "from mpi4py import MPI; print(MPI.COMM_WORLD.size)"]
    seen = subprocess.run(size, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, cwd=ROOT)
    if "".join(seen.stdout.split()) != "22":    # in any order of digits and line ends
        pytest.skip(f"{found} is not of mpi4py's MPI library, or starts no process here: {seen.stderr!r:.100}")
    return found


def mpiexec(*each, module="tests.process_helpers"):
    """Start processes of python -m module, so many with the same arguments as in each [number, argument ..]."""
    words = []
    for number, *arguments in each:
        words += [":"] * bool(words) + ["-n", str(number), sys.executable, "-W", "error", "-m", module,
                                        *map(str, arguments)]
    return subprocess.run([launcher(), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
                          cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})


class ThreadComm:
    """What training asks of a communicator, between threads: for machines without MPI."""

    def __init__(self, rank, number, barrier, slots, queues):
        self.rank, self.number, self.barrier, self.slots, self.queues = rank, number, barrier, slots, queues

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return self.number

    def allgather(self, item):
        self.slots[self.rank] = item
        self.barrier.wait(60)
        found = list(self.slots)
        self.barrier.wait(60)
        return found

    def bcast(self, item):
        return self.allgather(item)[0]

    def Sendrecv(self, array, partner, recvbuf, source):
        assert partner == source
        self.queues[self.rank, partner].put(array.copy())
        recvbuf[...] = self.queues[partner, self.rank].get(timeout=60)

    def sendrecv(self, item, partner, source):
        assert partner == source
        self.queues[self.rank, partner].put(pickle.dumps(item))
        return pickle.loads(self.queues[partner, self.rank].get(timeout=60))


def on_threads(number, work):
    """[work(processes)] of so many processes, each a thread here."""
    queues = {(a, b): Queue() for a in range(number) for b in range(number)}
    shared = Barrier(number), [None] * number, queues
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(lambda rank: work(MPIProcesses(ThreadComm(rank, number, *shared))), range(number)))


def outcome(call):
    """Call, and print what this process has seen: nothing, or the kind of an error and its text."""
    with together() as processes:
        rank = processes.rank
    try:
        call()
    except UserError as error:
        os.write(1, f"{rank} {type(error).__name__} {error}\n".encode())


def sharded(out):
    """A training on the shards in the folder next to it."""
    outcome(lambda: run(out, *SMALL, "shards=true", corpus=str(out.parent / "shards")))


def killed(out):
    """The first of RUNS, in which the last process is killed in the second epoch."""
    def on_step(place):
        with together() as processes:
            if processes.rank == processes.number - 1 and (place.epoch, place.step) == (2, 6):
                os.kill(os.getpid(), signal.SIGKILL)
    train(out, "words", on_step=on_step)


def lone(out):
    """A training whose last process cannot read its corpus any more, when it has begun."""
    class Fails(list):
        passes = 0

        def __iter__(self):
            self.passes += 1
            if self.passes > 6:
                raise UserError("a file is gone: expected it where it was")
            return super().__iter__()

    with together() as processes:
        corpus = (Fails if processes.rank else list)(CORPUS[:120])
    run(out, *SMALL, "epochs=9", corpus=corpus, valid=CORPUS[:20])


class Changes(list):
    """A corpus that is another one after the first pass."""

    passes = 0

    def __iter__(self):
        self.passes += 1
        return super().__iter__() if self.passes == 1 else reversed(self)


def errors(out):
    """Errors that all processes agree on: all but the last before training begins."""
    with together() as processes:
        rank = processes.rank
    outcome(lambda: run(out, "groups=1"))
    outcome(lambda: run(out, "groups=2", corpus="-"))
    outcome(lambda: run(out, "groups=2", corpus=CORPUS[rank:]))
    outcome(lambda: run(out, "groups=2", f"learning_rate=0.0{rank + 1}"))
    outcome(lambda: run(out, "groups=2", corpus=CORPUS if rank == 0 else []))
    outcome(lambda: run(out, "groups=2", valid=CORPUS[:20] if rank == 0 else []))
    (out / "vocabulary.txt").touch()
    outcome(lambda: run(out, "groups=2"))
    outcome(lambda: run(out / "changed", "groups=2", corpus=(Changes if rank else list)(CORPUS[:60]), valid=CORPUS[:9]))


def main(out, *names):
    out = Path(out)
    for name in names:
        if name in RUNS:
            train(out, name)
        elif name == "resume":
            train(out, "words", resume=True)
        else:
            {"killed": killed, "lone": lone, "errors": errors, "sharded": sharded}[name](out)


if __name__ == "__main__":
    main(*sys.argv[1:])
