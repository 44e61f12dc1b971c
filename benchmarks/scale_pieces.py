"""Measures the pieces of scale_model.py, in this process or in all that mpiexec starts, which then work together.

    [mpiexec -n 2] python benchmarks/scale_pieces.py MODEL [--threads N] [--seconds S]

Prints one line of JSON: what is trained, its pieces, and with several processes what connects two of them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from scale_model import FLOAT, Network, Pieces, Table, Workload, frequencies

from elmo_np import backend
from elmo_np.cli.main import Parser, guarded
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import preset, replaced
from elmo_np.data.batches import EncodedCorpus, stream_batches
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.token_indexer import batch_of, token_indexer
from elmo_np.nn.bilm import Batch, BiLM
from elmo_np.nn.optim import clip_scale, global_norm
from elmo_np.nn.parameter import Parameter, parameters
from elmo_np.runtime.launcher import launched
from elmo_np.runtime.threads import one_blas_thread, threads
from elmo_np.training.processes import communicator
from elmo_np.training.trainer import KERNEL_MEMORY, make_optimizer

LARGEST_MESSAGE = 1 << 24       # bytes


class Model(NamedTuple):
    """What is measured: the settings, the words of its vocabulary here, and the rows of two sizes of a group."""

    settings: Settings
    words: int
    rows: tuple[int, int]


def models() -> dict[str, Model]:
    """The original ELMo has so many words here that its arrays fit a laptop: no piece depends on that."""
    small = preset("small")
    return {"small": Model(small, 10_000, (5, 20)),
            "small, sampled softmax": Model(replaced(small, softmax="sampled", samples=1024), 10_000, (5, 20)),
            "fast": Model(preset("fast"), 10_000, (5, 20)),
            "elmo": Model(preset("elmo"), 50_000, (4, 16))}


def sentences(words: int, number: int, seed: int = 0) -> Iterator[list[str]]:
    """Sentences of 20 words by Zipf's law."""
    rng = np.random.default_rng(seed)
    p = frequencies(words)
    for _ in range(number):
        yield [f"w{i}" for i in rng.choice(words, 20, p=p)]


class Measured:
    """A model, and the parts of its training step as functions to be timed."""

    def __init__(self, model: Model):
        self.settings = model.settings
        words = ["<S>", "</S>", "<UNK>", *(f"w{i}" for i in range(model.words))]
        self.vocabulary = Vocabulary(words)
        self.model = BiLM(self.settings.model, len(words), rng=np.random.default_rng(0))
        self.parameters = parameters(self.model)
        self.optimizer = make_optimizer(self.settings.train, self.parameters)
        self.text = list(sentences(model.words, 4 * model.rows[1] * self.settings.train.steps // 20))
        self.rngs = (np.random.default_rng(1), np.random.default_rng(2))

    def batch(self, rows: int) -> Batch:
        words = token_indexer(self.model, self.vocabulary)
        return batch_of(words, next(iter(stream_batches(EncodedCorpus(self.text, words.encode), rows,
                                                        self.settings.train.steps))))

    def compute(self, batch: Batch) -> None:
        _, _, cache = self.model.forward(batch, None, self.rngs)
        self.model.backward(1.0, cache)

    def dense(self) -> list[Parameter]:
        return [p for p in self.parameters.values() if p.rows is None]

    def taken(self) -> list[np.ndarray]:
        """Copies of the gradients that are sent whole."""
        return [p.grad.copy() for p in self.dense()]

    def update(self) -> None:
        scale = clip_scale(global_norm(self.parameters), self.settings.train.clip_norm)
        self.optimizer.step(scale)

    def zero(self) -> None:
        for p in self.parameters.values():
            p.zero_grad()

    def workload(self, name: str) -> Workload:
        config, train = self.settings.model, self.settings.train
        sparse = {key: p for key, p in self.parameters.items() if p.rows is not None}
        tables = []
        for part, samples, shared in (("embedding", 0, config.share_embedding),
                                      ("softmax", config.samples, config.share_softmax)):
            own = [p for key, p in sparse.items() if f".{part}." in key]
            if own:
                values = sum(int(np.prod(p.value.shape[1:])) for p in own)
                tables.append(Table(len(own), values, samples, len(config.directions) if shared else 1))
        dense = self.dense()
        return Workload(name, sum(p.value.size for p in dense), tuple(tables), len(dense) + 2 * len(sparse) + 2,
                        train.batch_size, train.steps, len(self.vocabulary))


class Clock:
    """Times functions, on all processes of a communicator at the same time."""

    def __init__(self, comm: Any, seconds: float):
        self.comm = comm
        self.seconds = seconds

    def times(self, run: Callable[[], object], after: Callable[[], object] = lambda: None) -> list[float]:
        """Of at least three runs; after: what is to be done after each, and is not timed."""
        run()
        after()
        found: list[float] = []
        while self._goes_on(found):
            start = time.perf_counter()
            run()
            found.append(time.perf_counter() - start)
            after()
        return found

    def median(self, run: Callable[[], object], after: Callable[[], object] = lambda: None) -> float:
        return float(np.median(self.times(run, after)))

    def _goes_on(self, found: list[float]) -> bool:
        """Decided by the first process, for all: they meet here."""
        more = len(found) < 3 or sum(found) < self.seconds
        return bool(more if self.comm is None else self.comm.bcast(more))


def measure(name: str, clock: Clock) -> dict[str, Any]:
    """What the command prints."""
    chosen = models()[name]
    measured = Measured(chosen)
    work = measured.workload(name)
    size = FLOAT * work.dense
    means, spreads = [], []
    for rows in chosen.rows:
        batch = measured.batch(rows)
        found = clock.times(lambda batch=batch: measured.compute(batch), measured.zero)     # type: ignore[misc]
        quarter, middle, three_quarters = np.percentile(found, [25, 50, 75])
        means.append(float(middle))
        spreads.append(float((three_quarters - quarter) / 1.35 / middle))       # of a normal distribution
    one, other = chosen.rows
    row = (means[1] - means[0]) / (other - one)
    measured.compute(batch)
    update = clock.median(measured.update)
    take = clock.median(measured.taken) / size
    mine, theirs = measured.taken(), measured.taken()

    def add() -> None:
        for a, b in zip(mine, theirs, strict=True):
            a += b
    pieces = Pieces(means[0] - row * one, row, take, clock.median(add) / size, update, min(spreads))
    found_link = {} if clock.comm is None else {"link": asdict(link(clock, min(size, LARGEST_MESSAGE)))}
    return {"work": asdict(work), "pieces": asdict(pieces), **found_link}


def link(clock: Clock, size: int) -> Network:
    """Between pairs of processes, which all exchange at the same time."""
    partner = clock.comm.Get_rank() ^ 1

    def seconds(n: int) -> float:
        ours, theirs = np.zeros(n, np.uint8), np.empty(n, np.uint8)
        return clock.median(lambda: clock.comm.Sendrecv(ours, partner, recvbuf=theirs, source=partner))
    latency = seconds(8)
    return Network("this machine", latency, size / max(seconds(size) - latency, 1e-9))


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="scale_pieces.py", description="Measure the pieces of a training step.")
    parser.add_argument("model", metavar="MODEL", choices=models(), help=", ".join(models()))
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2), help="threads of a process (default: 1)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each piece, at least (default: 2)")
    args = parser.parse_args(argv)
    with ExitStack() as stack:
        stack.enter_context(one_blas_thread())
        stack.enter_context(threads(args.threads))
        stack.enter_context(backend.memory_limit(KERNEL_MEMORY))
        processes = launched()
        comm = communicator(processes) if processes > 1 else None
        found = measure(args.model, Clock(comm, args.seconds))
    if comm is None or comm.Get_rank() == 0:
        print(json.dumps(found))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and return the exit code, 2 for a user error."""
    return guarded("scale_pieces.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
