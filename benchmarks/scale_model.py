"""What a step of training on several processes costs: a model of it, made of pieces that are measured.

Each of N processes computes its groups of the batch's rows, one after the other, and adds up their gradients. Then the
processes add up theirs in a binary tree: at distance 1, 2, 4 .. N / 2 each exchanges what it has with its partner, and
adds what it gets. At the end each has the sum, and makes the same update. Where all processes take equally long,

    T(N) = g c(B / G) + (g - 1) a + sum over the log2 N distances (m lambda + S_d / beta + a_d) + u,   g = G / N groups

with c(rows) the computation of a group of rows, a the addition of two gradients, m messages of latency lambda, S_d
bytes at bandwidth beta, and u the update. `simulate` also has processes that are not equally fast: partners wait for
each other, so that after the exchanges all are as late as the slowest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import mean

import numpy as np

FLOAT = 4               # bytes
INDEX = 8               # bytes of the number of a row that is sent
SIMULATED = 50          # steps, where processes are not equally fast
EFFICIENT = 0.5         # the knee: the last number of processes with this share of N times the speed of one


@dataclass(frozen=True)
class Network:
    """What connects two processes. latency: seconds per message; bandwidth: bytes per second in each direction."""

    name: str
    latency: float
    bandwidth: float


@dataclass(frozen=True)
class Table:
    """Arrays of which only some rows have a gradient: word vectors, or a sampled softmax.

    arrays      how many, all with a gradient in the same rows
    values      of a row in all of them
    samples     words that a direction draws per group of rows; 0: those of the text only
    sides       directions that share a table, and draw each their own
    """

    arrays: int
    values: int
    samples: int = 0
    sides: int = 1

    def rows(self, words: int, tokens: int, groups: int) -> float:
        """Expected rows with a gradient in the sum of so many groups, of so many tokens each."""
        drawn = self.sides * tries(words, self.samples) if self.samples else 0.0
        return distinct(words, groups * (tokens + drawn))


@dataclass(frozen=True)
class Workload:
    """What is trained.

    dense       values of a gradient that are always sent
    tables      those of which only some rows are
    messages    per exchange: one per array and per list of rows, and two for losses and counts of rows
    batch       rows of a step;  steps: words per row
    words       of the vocabulary
    """

    name: str
    dense: int
    tables: tuple[Table, ...]
    messages: int
    batch: int
    steps: int
    words: int

    def bytes_of(self, tokens: int, groups: int) -> float:
        """Of the sum of the gradients of so many groups, of so many tokens each."""
        sparse = [(FLOAT * table.values + INDEX * table.arrays) * table.rows(self.words, tokens, groups)
                  for table in self.tables]
        return FLOAT * self.dense + sum(sparse)


@dataclass(frozen=True)
class Pieces:
    """Measured seconds on one process.

    group, row      computation of a group: whatever its rows, and for each row
    take            copying a group's gradient, per byte
    add             adding two gradients, per byte of one
    update          norm, clipping and update of all parameters
    spread          standard deviation of a group's computation, as a share of it
    """

    group: float
    row: float
    take: float
    add: float
    update: float
    spread: float = 0.0

    def slower(self, factor: float) -> Pieces:
        """With processes that take turns on a core."""
        return replace(self, **{name: factor * getattr(self, name) for name in ("group", "row", "take", "add",
                                                                                "update")})


@dataclass(frozen=True)
class Step:
    """seconds: of a step; exchanging: those in exchanges and the additions after them; sent: bytes of each process."""

    seconds: float
    exchanging: float
    sent: float


def simulate(ready: Sequence[float], exchange: Callable[[int], float]) -> list[float]:
    """When each process has the sum.

    ready       when each has its own gradient: a power of two of them
    exchange    seconds of an exchange between processes so far apart, with the addition after it
    """
    clocks = list(ready)
    distance = 1
    while distance < len(clocks):
        clocks = [max(clock, clocks[k ^ distance]) + exchange(distance) for k, clock in enumerate(clocks)]
        distance *= 2
    return clocks


def step(work: Workload, pieces: Pieces, network: Network, processes: int, groups: int, gathered: int = 1,
         seed: int = 0) -> Step:
    """A step of training on so many processes.

    groups      of a batch's rows, a multiple of the number of processes
    gathered    batches whose gradients are added up before they are exchanged, each by groups of its own
    """
    tokens = work.batch * work.steps // groups
    own = groups // processes * gathered
    size = work.bytes_of(tokens, 1)
    group = pieces.group + pieces.row * work.batch / groups
    local = (own * pieces.take + (own - 1) * pieces.add) * size if groups * gathered > 1 else 0.0

    def sent(distance: int) -> float:
        return work.bytes_of(tokens, own * distance)

    def exchange(distance: int) -> float:
        size = sent(distance)
        return work.messages * network.latency + size / network.bandwidth + pieces.add * size
    distances = [1 << k for k in range(processes.bit_length() - 1)]
    seconds = {distance: exchange(distance) for distance in distances}
    rng = np.random.default_rng(seed)
    deviation = pieces.spread * group * math.sqrt(own)
    times = []
    for _ in range(SIMULATED if deviation and processes > 1 else 1):
        ready = own * group + local + deviation * (processes > 1) * rng.normal(size=processes)
        times.append(max(simulate(ready.tolist(), seconds.__getitem__)) + pieces.update)
    return Step(mean(times) / gathered, sum(seconds.values()) / gathered, sum(map(sent, distances)) / gathered)


def strong(work: Workload, pieces: Pieces, network: Network, gathered: int = 1) -> dict[int, Step]:
    """The step of the same batch on 1, 2, 4 .. processes with a group each, as many as there are rows for."""
    numbers = [1 << k for k in range(work.batch.bit_length())]
    return {N: step(work, pieces, network, N, N, gathered) for N in numbers}


def knee(steps: dict[int, Step]) -> int:
    """The largest number of processes before the first that bring less than EFFICIENT of N times the speed of one."""
    best = 1
    for N, found in sorted(steps.items()):
        if steps[1].seconds < EFFICIENT * N * found.seconds:
            break
        best = N
    return best


@lru_cache(maxsize=16)
def frequencies(words: int) -> np.ndarray:
    """Zipf's law in the form in which a sampled softmax draws: log((i + 2) / (i + 1)) / log(words + 1)."""
    i = np.arange(words)
    return np.log1p(1 / (i + 1.0)) / math.log(words + 1)


@lru_cache(maxsize=4096)
def distinct(words: int, tokens: float) -> float:
    """Expected number of different words among so many tokens."""
    return float(-np.expm1(tokens * np.log1p(-frequencies(words))).sum())


@lru_cache(maxsize=64)
def tries(words: int, samples: int) -> float:
    """How often to draw until so many different words are expected."""
    low, high = 0.0, 1.0
    while distinct(words, high) < samples:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if distinct(words, middle) < samples else (low, middle)
    return high
