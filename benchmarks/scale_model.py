"""What a step of training on several processes costs: a model of it, made of pieces that are measured.

Each of N processes makes the batch, computes its groups of the rows, one after the other, and adds up their gradients.
Then the processes add up theirs in a binary tree: at distance 1, 2, 4 .. N / 2 each exchanges what it has with its
partner, and adds what it gets. At the end each has the sum, and makes the same update:

    T(N) = g c(B / G) + (g + 1) k + (g - 1) a           its own g = G / N groups
           + w(N)                                       waiting for the slowest process
           + sum over the log2 N distances (m lambda + S_d / beta + a_d)
           + u + b(B)                                   the update, and what is between two steps

with c(rows) the computation of a group of rows, k a copy of a gradient (one of each group, and one of the sum), a the
addition of two, m messages of latency lambda, S_d bytes at bandwidth beta, u the update, and b(rows) the making of a
batch. Every process makes all of it, so b and u do not fall with N. Processes are not equally fast, and partners wait
for each other; after log2 N exchanges all are as late as the slowest was, which is found by simulating N processes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

FLOAT = 4               # bytes
INDEX = 8               # bytes of the number of a row that is sent
SIMULATED = 2000        # steps, to find how late the slowest process is
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
    messages    per exchange: one per array and per list of rows, two for losses and counts of rows, and two by which
                the processes agree to go on
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
    copy            copying a gradient, per byte
    add             adding two gradients, per byte of one
    update          norm, clipping and update of all parameters
    between, batch  from one step to the next: whatever the batch, and for each of its rows
    spread          standard deviation of a group's computation, as a share of it
    """

    group: float
    row: float
    copy: float
    add: float
    update: float
    between: float = 0.0
    batch: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True)
class Step:
    """The seconds of a step by what a process spends them on, and the bytes that it sends.

    computing   its groups, forward and backward
    copying     their gradients, and the sum of all into the model
    adding      their gradients
    waiting     for the slowest process
    exchanging  gradients, with the addition of those received
    updating    the parameters, with the norm of the gradient
    between     two steps: making the batch, agreeing with the others to go on, metrics, and all else
    """

    computing: float
    copying: float
    adding: float
    waiting: float
    exchanging: float
    updating: float
    between: float
    sent: float = 0.0

    @property
    def seconds(self) -> float:
        return (self.computing + self.copying + self.adding + self.waiting + self.exchanging + self.updating
                + self.between)


@lru_cache(maxsize=64)
def latest(processes: int) -> float:
    """How much later than their mean the slowest of so many processes is, in standard deviations: simulated."""
    late = np.random.default_rng(0).normal(size=(SIMULATED, processes))
    return float((late.max(axis=1) - late.mean(axis=1)).mean())


def step(work: Workload, pieces: Pieces, network: Network, processes: int, groups: int, gathered: int = 1) -> Step:
    """A step of training on so many processes.

    groups      of a batch's rows, a multiple of the number of processes
    gathered    batches whose gradients are added up before they are exchanged, each by groups of its own
    """
    tokens = work.batch * work.steps // groups
    own = groups // processes * gathered
    size = work.bytes_of(tokens, 1) if groups * gathered > 1 else 0.0
    group = pieces.group + pieces.row * work.batch / groups
    sent = [work.bytes_of(tokens, own * distance) for distance in distances(processes)]
    exchanges = [work.messages * network.latency + bytes_ / network.bandwidth + pieces.add * bytes_ for bytes_ in sent]
    return Step(
        computing=own * group / gathered,
        copying=(own + 1) * pieces.copy * size / gathered,
        adding=(own - 1) * pieces.add * size / gathered,
        waiting=pieces.spread * group * math.sqrt(own) * latest(processes) / gathered,
        exchanging=sum(exchanges) / gathered,
        updating=pieces.update / gathered,
        between=pieces.between + pieces.batch * work.batch,
        sent=sum(sent) / gathered)


def distances(processes: int) -> list[int]:
    """Between partners, one exchange after the other."""
    return [1 << k for k in range(processes.bit_length() - 1)]


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
