"""The tables and the page of scale.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import NamedTuple

from machine import describe
from report import markdown
from scale_model import FLOAT, Network, Step, Workload, knee, strong
from scale_pieces import Found

BILLION = 1e9                   # words of the corpus
EPOCHS = {"small": 13, "fast": 6, "small, sampled softmax": 13, "elmo": 10}     # as in their presets
ORIGINAL_WORDS = 793_471        # Jozefowicz et al. 2016; the original ELMo has the same vocabulary
NETWORKS = (Network("1 Gbit/s Ethernet", 50e-6, 0.117e9), Network("10 Gbit/s Ethernet", 20e-6, 1.17e9),
            Network("100 Gbit/s InfiniBand", 2e-6, 11.7e9))
MORE = 8                        # times as large a batch, or so many batches per exchange


class Way(NamedTuple):
    """How a model is trained here: on so many processes and threads of each, with so many groups in a batch."""

    processes: int
    threads: int
    groups: int

    def __str__(self) -> str:
        return f"processes {self.processes}, threads {self.threads}, groups {self.groups}"


class Compared(NamedTuple):
    """A step of a model, predicted and measured."""

    name: str
    way: Way
    predicted: Step
    measured: Step


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return markdown(dict(zip(titles, zip(*rows, strict=True), strict=True)))


def ms(seconds: float, digits: int = 1) -> str:
    return f"{seconds * 1e3:.{digits}f}"


def comparison(rows: Sequence[Compared]) -> str:
    """Each step predicted and measured, whole and by its parts."""
    parts = [field.name for field in fields(Step) if field.name != "sent"]
    cells = []
    for name, way, predicted, measured in rows:
        ratio = f"{predicted.seconds / measured.seconds:.2f}"
        for side, step, last in (("predicted", predicted, ratio), ("measured", measured, "")):
            cells.append((name, *map(str, way), side, ms(step.seconds), *(ms(getattr(step, part)) for part in parts),
                          last))
    return table(("model", "processes", "threads", "groups", "", "step, ms", *parts, "predicted / measured"), cells)


def processes_or_threads(rows: Sequence[Compared]) -> str:
    """Two cores in each of three ways."""
    ways = {"two processes": Way(2, 1, 2), "two threads, 2 groups": Way(1, 2, 2), "two threads, 1 group": Way(1, 2, 1)}
    seconds = {(row.name, row.way): row.measured.seconds for row in rows}
    cells = []
    for name in dict.fromkeys(row.name for row in rows):
        two, same, plain = (seconds[name, way] for way in ways.values())
        cells.append((name, *map(ms, (two, same, plain)), f"{same / two:.2f}, {plain / two:.2f}"))
    return table(("model", *(f"{way}, ms" for way in ways), "speed of processes"), cells)


def variants(found: Found) -> Iterator[tuple[str, Workload, int]]:
    """A model as it is and with each change: what is changed, the workload, and batches per exchange."""
    work = found.work
    yield "as it is", work, 1
    yield f"batches {MORE} times as large", replace(work, batch=MORE * work.batch), 1
    yield f"exchange after every {MORE} batches", work, MORE


def knees(each: Mapping[str, Found]) -> str:
    """Where adding processes stops to pay, and what a billion words take there."""
    cells = []
    for name, found in each.items():
        for change, work, gathered in variants(found):
            for network in NETWORKS:
                steps = strong(work, found.pieces, network, gathered)
                N = knee(steps)
                share = steps[N].exchanging / steps[N].seconds
                cells.append((name, change, network.name, f"{days(name, work, steps[1]):.1f}", str(N),
                              f"{days(name, work, steps[N]):.2f}", f"{steps[N].sent / 1e6:.1f}",
                              f"{100 * share:.0f} %"))
    return table(("model", "change", "network", "one process, days", "processes at the knee", "days there",
                  "MB per process and step", "share of exchanges"), cells)


def growth(each: Mapping[str, Found], network: Network) -> str:
    """Milliseconds of a step by the number of processes."""
    columns: dict[str, list[str]] = {"processes": [str(1 << k) for k in range(9)]}
    for name, found in each.items():
        steps = strong(found.work, found.pieces, network)
        columns[f"{name}, ms"] = [f"{steps[int(N)].seconds * 1e3:.1f}" if int(N) in steps else ""
                                  for N in columns["processes"]]
        columns[f"{name}, MB sent"] = [f"{steps[int(N)].sent / 1e6:.1f}" if int(N) in steps else ""
                                       for N in columns["processes"]]
    return markdown(columns)


def days(name: str, work: Workload, found: Step) -> float:
    """Of all epochs over a billion words."""
    return EPOCHS[name] * BILLION / (work.batch * work.steps) * found.seconds / 86400


def pieces_table(each: Mapping[str, Found]) -> str:
    cells = []
    for name, (work, pieces, _) in each.items():
        size = FLOAT * work.dense
        cells.append((name, f"{work.dense / 1e6:.2f}", ms(pieces.group), ms(pieces.row, 2), ms(pieces.copy * size, 2),
                      ms(pieces.add * size, 2), ms(pieces.update), ms(pieces.between + pieces.batch * work.batch, 2),
                      f"{100 * pieces.spread:.1f} %"))
    return table(("model", "values sent whole, million", "a group, ms", "each row of it, ms", "copying a gradient, ms",
                  "adding two, ms", "update, ms", "between steps, ms", "spread"), cells)


def original_size(found: Found) -> str:
    """What an exchange of the original ELMo would be with a full softmax, and what it is."""
    work, tokens = found.work, found.work.batch * found.work.steps
    per_word = next(table.values for table in work.tables if table.samples)
    full = FLOAT * (work.dense + ORIGINAL_WORDS * per_word)
    one, many = work.bytes_of(tokens, 1), work.bytes_of(tokens // 128, 128)
    return (f"With a full softmax over {ORIGINAL_WORDS:,} words, each exchange of the original ELMo would send "
            f"{full / 1e6:,.0f} MB. With a sampled softmax, of which only rows with a gradient are sent, it is "
            f"{one / 1e6:,.0f} MB, and {many / 1e6:,.0f} MB where the samples of 128 groups come together.")


def page(each: Mapping[str, Found], rows: Sequence[Compared], links: Mapping[str, Network]) -> str:
    speeds = ", ".join(f"{link.bandwidth / 1e9:.2f} GB per second for `{name}`" for name, link in links.items())
    return PAGE.format(machine=describe(""), pieces=pieces_table(each), compared=comparison(rows),
                       ways=processes_or_threads(rows), speeds=speeds, original=original_size(each["elmo"]),
                       growth=growth(each, NETWORKS[1]), network=NETWORKS[1].name, knees=knees(each))


PAGE = """# What a billion words cost

`python benchmarks/scale.py` writes this page. It measures pieces of a training step, computes from them what a step
takes on N processes, as [scale_model.py](scale_model.py) says, and compares that with training on this machine.

{machine}

## Pieces
They come from two short trainings, whose batches have two groups per process, of few rows in one and of many in the
other. These are the pieces of one process with two threads:

- **a group, each row of it**: the forward and backward pass of a group takes a constant, and something for each row.
- **copying a gradient**: every group's gradient is copied, because the arrays of the model are needed for the next
  group, into memory that the system has to provide anew; at the end the sum is copied back.
- **adding two**: the gradients of two groups, or that of another process and one's own.
- **update**: the norm of the gradient, and the step of the optimiser. Every process makes all of it.
- **between steps**: every process reads all of the next batch, which takes something for each of its rows; then the
  processes agree to go on, and write their metrics.
- **spread**: how unequal processes are. It is the standard deviation of a group's computation: of one process, that
  between steps; of several, that which explains how long they wait for the slowest of them.

{pieces}

## Prediction and measurement
A step on this machine, whole and by its parts in milliseconds, means over all processes. The pieces of each row were
measured with as many processes and threads at work as the row has, so they contain what processes do to each other:

- **All of them use the memory and the last cache at the same time**, so each takes longer than alone.
- **More processes than cores take turns**, and a process that waits for a message asks for it again and again, which
  keeps its core from those that compute. Both lengthen every piece.

What is predicted is another division of the batch than the pieces were measured with: groups of another size, and 1, 2
or 4 of them per process. **Waiting** is for the slowest process: all are ready to exchange when the last of them is.
Measured, it is what a process spends in an exchange beyond what the process spends that waits the least.
**Exchanging** on this machine is predicted by the byte, which includes that what is received needs new memory:
{speeds}, each way. What is received is then added, which counts as
exchanging too.

{compared}

## Processes or threads
Two cores in three ways: two processes with one thread each, and one process with two threads, which computes the same
bits with 2 groups of rows and less with 1. The last column has the speed of the processes relative to each of these.

{ways}

## How a step grows
The same batch on more and more machines, one process with two threads on each, one group per process, connected by
{network}. Each of the log2 N exchanges sends all of the gradient, so what is computed falls with N and what is sent
rises.

{growth}

{original}

## Where the knee is, and what moves it
All epochs of the preset over a billion words. The knee is the last number of processes that together are at least half
as fast as so many machines by themselves would be. The processes are powers of two, at most one per row of a batch; the
three networks take 50, 20 and 2 microseconds per message. A larger batch takes longer to make, in proportion to its
rows; no process is spared that.

{knees}

A batch {more} times as large makes each process compute more between two exchanges; so does adding up the gradients of
{more} batches, which takes no more memory. The optimiser makes fewer and better steps in both cases: the learning rate
must be set again, and how many more epochs that takes is not in these figures. A sampled softmax computes less than a
full one, and sends only the rows that have a gradient.
""".replace("{more}", str(MORE))


