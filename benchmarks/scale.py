"""What a billion words cost on several machines: measured pieces, a simulation of them, and where its knee is.

    python benchmarks/scale.py [--out benchmarks/scale.md] [--seconds S]

Measures the pieces of a training step (scale_pieces.py), trains with `mpiexec -n 1`, 2 and 4 on this machine, compares
the time of a step with what scale_model.py predicts from the pieces, and writes the page. About 7 minutes; needs
mpiexec and mpi4py. Do not use the machine for anything else in the meantime.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from machine import cores, describe
from report import markdown
from scale_model import FLOAT, Network, Pieces, Step, Table, Workload, knee, step, strong
from scale_pieces import models, sentences

from elmo_np.cli.main import Parser, guarded
from elmo_np.config.schema import FIELDS
from elmo_np.errors import UserError
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import Progress
from elmo_np.training import metrics

PROCESSES = (1, 2, 4)           # of a training here
GROUPS = max(PROCESSES)         # of its batches
STEPS = 80                      # of a training, after as many as it takes to read every word once
HERE = ("small", "fast")        # trained here
BILLION = 1e9                   # words of the corpus
EPOCHS = {"small": 13, "fast": 6, "small, sampled softmax": 13, "elmo": 10}     # as in their presets
ORIGINAL_WORDS = 793_471        # Jozefowicz et al. 2016; the original ELMo has the same vocabulary
NETWORKS = (Network("1 Gbit/s Ethernet", 50e-6, 0.117e9), Network("10 Gbit/s Ethernet", 20e-6, 1.17e9),
            Network("100 Gbit/s InfiniBand", 2e-6, 11.7e9))
MORE = 8                        # times as large a batch, or so many batches per exchange


class Found(NamedTuple):
    """What scale_pieces.py has measured."""

    work: Workload
    pieces: Pieces
    link: Network | None

    @staticmethod
    def of(fields: Mapping[str, Any]) -> Found:
        tables = tuple(Table(**table) for table in fields["work"]["tables"])
        work = Workload(**{**fields["work"], "tables": tables})
        return Found(work, Pieces(**fields["pieces"]), Network(**fields["link"]) if "link" in fields else None)


def output(command: Sequence[str]) -> str:
    """What a command prints. Raises UserError with its last line if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"{' '.join(command)[:200]} ended with {done.returncode}: {last}")
    return done.stdout


def launched(processes: int, *words: str) -> list[str]:
    return ["mpiexec", "-n", str(processes), sys.executable, *words]


def measured(name: str, processes: int, threads: int, seconds: float) -> Found:
    """The pieces of a model, with so many processes at work."""
    worker = str(Path(__file__).with_name("scale_pieces.py"))
    words = [worker, name, "--threads", str(threads), "--seconds", str(seconds)]
    return Found.of(json.loads(output(launched(processes, *words))))


def trained(name: str, processes: int, folder: Path, threads: int = 1, groups: int = GROUPS) -> float:
    """Seconds of a step of the command, from the second row of metrics.csv to the last of the epoch."""
    model = models()[name]
    text = folder / f"{name}.txt"
    if not text.exists():
        every = (f"w{i}" for i in range(model.words))       # so that the vocabulary has them all
        tokens = STEPS * model.settings.train.batch_size * model.settings.train.steps
        lines = [*every, *(" ".join(sentence) for sentence in sentences(model.words, tokens // 20))]
        atomic_write_text(text, "\n".join([*lines, ""]))
        atomic_write_text(folder / "valid.txt", "w0 w1 w2\n")
    out = folder / f"{name}-{processes}-{threads}-{groups}"
    options = ["--preset", name, "--quiet", "--valid", str(folder / "valid.txt"), "--out", str(out)]
    for setting in (f"groups={groups}", f"threads={threads}", "epochs=1"):
        options += ["--set", setting]
    output(launched(processes, "-m", "elmo_np", "train", str(text), *options))
    rows = [row for row in metrics.read(out / "metrics.csv") if row["split"] in ("train", "sampled")]
    first, last = rows[1], rows[-1]
    return (float(last["seconds"]) - float(first["seconds"])) / (int(last["step"]) - int(first["step"]))


def predicted(by_busy: Mapping[int, Found], processes: int) -> Step:
    """A step on this machine. by_busy: what was measured with as many processes at work as there are cores in use."""
    busy = max(number for number in by_busy if number <= processes)
    found = by_busy[busy]
    link = by_busy[max(by_busy)].link or Network("none", 0.0, 1.0)
    turns = processes / busy            # processes that share a core, which also copies what they exchange
    shared = Network(link.name, turns * link.latency, link.bandwidth / turns)
    return step(found.work, found.pieces.slower(turns), shared, processes, GROUPS)


def comparison(progress: Progress, seconds: float) -> str:
    """The table of predicted and measured steps on this machine, or why there is none."""
    if "groups" not in FIELDS["train"]:
        return "This version does not train on several processes."
    columns: dict[str, list[str]] = {title: [] for title in ("model", "processes", "predicted, ms", "measured, ms",
                                                             "predicted / measured")}
    with tempfile.TemporaryDirectory(prefix="elmo-np-scale-") as folder:
        for name in HERE:
            by_busy = {}
            for number in (n for n in PROCESSES if n <= max(2, cores())):
                progress.show(f"{name}: pieces with {number} processes")
                by_busy[number] = measured(name, number, 1, seconds)
            for processes in PROCESSES:
                progress.show(f"{name}: training with {processes} processes")
                real = trained(name, processes, Path(folder))
                guess = predicted(by_busy, processes).seconds
                cells = (name, str(processes), f"{guess * 1e3:.1f}", f"{real * 1e3:.1f}", f"{guess / real:.2f}")
                for title, cell in zip(columns, cells, strict=True):
                    columns[title].append(cell)
    return markdown(columns)


def processes_or_threads(progress: Progress) -> str:
    """The table of a training on two cores in each of three ways."""
    ways = {"two processes": (2, 1, 2), "two threads, 2 groups": (1, 2, 2), "two threads, 1 group": (1, 2, 1)}
    columns: dict[str, list[str]] = {"model": list(HERE), **{f"{way}, ms": [] for way in ways},
                                     "speed of processes": []}
    with tempfile.TemporaryDirectory(prefix="elmo-np-scale-") as folder:
        for name in HERE:
            steps = {}
            for way, (processes, threads, groups) in ways.items():
                progress.show(f"{name}: training with {way}")
                steps[way] = trained(name, processes, Path(folder), threads, groups)
                columns[f"{way}, ms"].append(f"{steps[way] * 1e3:.1f}")
            two, same, plain = steps.values()
            columns["speed of processes"].append(f"{same / two:.2f}, {plain / two:.2f}")
    return markdown(columns)


def variants(found: Found) -> Iterator[tuple[str, Workload, int]]:
    """A model as it is and with each change: what is changed, the workload, and batches per exchange."""
    work = found.work
    yield "as it is", work, 1
    yield f"batches {MORE} times as large", replace(work, batch=MORE * work.batch), 1
    yield f"exchange after every {MORE} batches", work, MORE


def knees(each: Mapping[str, Found]) -> str:
    """Where adding processes stops to pay, and what a billion words take there."""
    columns: dict[str, list[str]] = {title: [] for title in (
        "model", "change", "network", "one process, days", "processes at the knee", "days there",
        "MB per process and step", "share of exchanges")}
    for name, found in each.items():
        for change, work, gathered in variants(found):
            for network in NETWORKS:
                steps = strong(work, found.pieces, network, gathered)
                N = knee(steps)
                share = steps[N].exchanging / steps[N].seconds
                cells = (name, change, network.name, f"{days(name, work, steps[1]):.1f}", str(N),
                         f"{days(name, work, steps[N]):.2f}", f"{steps[N].sent / 1e6:.1f}", f"{100 * share:.0f} %")
                for title, cell in zip(columns, cells, strict=True):
                    columns[title].append(cell)
    return markdown(columns)


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
    columns: dict[str, list[str]] = {title: [] for title in (
        "model", "values sent whole, million", "a group, ms", "each row of it, ms", "copying a gradient, ms",
        "adding two, ms", "update, ms", "spread")}
    for name, (work, pieces, _) in each.items():
        size = FLOAT * work.dense
        cells = (name, f"{work.dense / 1e6:.2f}", f"{pieces.group * 1e3:.1f}", f"{pieces.row * 1e3:.2f}",
                 f"{pieces.take * size * 1e3:.2f}", f"{pieces.add * size * 1e3:.2f}", f"{pieces.update * 1e3:.1f}",
                 f"{100 * pieces.spread:.1f} %")
        for title, cell in zip(columns, cells, strict=True):
            columns[title].append(cell)
    return markdown(columns)


def original_size(found: Found) -> str:
    """What an exchange of the original ELMo would be with a full softmax, and what it is."""
    work, tokens = found.work, found.work.batch * found.work.steps
    per_word = next(table.values for table in work.tables if table.samples)
    full = FLOAT * (work.dense + ORIGINAL_WORDS * per_word)
    one, many = work.bytes_of(tokens, 1), work.bytes_of(tokens // 128, 128)
    return (f"With a full softmax over {ORIGINAL_WORDS:,} words, each exchange of the original ELMo would send "
            f"{full / 1e6:,.0f} MB. With a sampled softmax, of which only rows with a gradient are sent, it is "
            f"{one / 1e6:,.0f} MB, and {many / 1e6:,.0f} MB where the samples of 128 groups come together.")


def page(each: Mapping[str, Found], compared: str, ways: str, link: Network) -> str:
    return PAGE.format(machine=describe(""), pieces=pieces_table(each), compared=compared, ways=ways, groups=GROUPS,
                       latency=link.latency * 1e6, bandwidth=link.bandwidth / 1e9, original=original_size(each["elmo"]),
                       growth=growth(each, NETWORKS[1]), network=NETWORKS[1].name, knees=knees(each))


PAGE = """# What a billion words cost

`python benchmarks/scale.py` writes this page. It measures pieces of a training step, computes from them what a step
takes on N processes, as [scale_model.py](scale_model.py) says, and compares that with training on this machine.

{machine}

## Pieces
Of one process with two threads. The forward and backward pass of a group of rows takes a constant, and something for
each row. Between two processes of this machine, a message takes {latency:.1f} microseconds, and
{bandwidth:.2f} GB per second go each way.

{pieces}

## Prediction and measurement
A step of `mpiexec -n N elmo-np train` on this machine with {groups} groups and one thread per process. The pieces were
measured with as many processes at work as there are cores in use; processes that share a core take turns.

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
three networks take 50, 20 and 2 microseconds per message.

{knees}

A batch {more} times as large makes each process compute more between two exchanges; so does adding up the gradients of
{more} batches, which takes no more memory. The optimiser makes fewer and better steps in both cases: the learning rate
must be set again, and how many more epochs that takes is not in these figures. A sampled softmax computes less than a
full one, and sends only the rows that have a gradient.
""".replace("{more}", str(MORE))


def run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="scale.py", description="Measure and predict what training on several processes costs.")
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path(__file__).with_name("scale.md"),
                        help="the page (default: scale.md next to this file)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each piece, at least (default: 2)")
    args = parser.parse_args(argv)
    if shutil.which("mpiexec") is None:
        raise UserError("mpiexec, the launcher of an MPI library, is not installed: expected one such as MPICH's")
    with Progress() as progress:
        compared = comparison(progress, args.seconds)
        ways = processes_or_threads(progress)
        progress.show("what connects two processes")
        link = measured("small", 2, 1, args.seconds).link
        assert link is not None
        each = {}
        for name in models():
            progress.show(f"{name}: pieces of one process with two threads")
            found = measured(name, 1, 2, args.seconds)
            each[name] = found._replace(work=replace(found.work, words=ORIGINAL_WORDS)) if name == "elmo" else found
    atomic_write_text(args.out, page(each, compared, ways, link))
    print(f"{args.out}: the page")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write the page and return the exit code, 2 for a user error."""
    return guarded("scale.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
