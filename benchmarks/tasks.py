"""What the vectors are worth on real data: word senses, sentiment, subjectivity, chunks, parts of speech,
named entities, translation.

    python benchmarks/tasks.py --out FOLDER [--data DIR] [--only NAME...] [--quick]

Builds a text of five million tokens without what is tested on (open_text.py), trains a biLM on all of it and on three
shorter parts, runs `elmo-np task .. compare` on each task, and writes tasks.md with its figures: the scores with
intervals and paired tests, and how the gain grows with the text. Set NLTK_DATA; DIR has WNUT-17, Tatoeba's pairs and a
Wikipedia dump: what is missing there is left out. Takes seven to eight hours on two cores, by estimate.

What is in FOLDER already is not made again: a run that was stopped anywhere, and is started again, goes on and writes
the same tables. --quick gives the same page in a quarter of an hour, of a tiny biLM that reads 0.3 million tokens of
MASC and Brown, with a sixth of the sentences, and writes it to FOLDER.
"""

from __future__ import annotations

import difflib
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import open_text
import tasks_growth
from machine import describe
from tasks_experiments import NO_FILES, Experiment, Files, experiments, growth, tested
from tasks_growth import Growth
from tasks_report import Found, page, picture

from elmo_np import backend, train
from elmo_np.cli.main import Parser, guarded
from elmo_np.config.toml_files import override, preset, replaced
from elmo_np.errors import UserError
from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import Progress, duration
from elmo_np.tasks.data import nltk_data
from elmo_np.tasks.data.examples import Data, Examples
from elmo_np.tasks.experiments import compare
from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.experiments.round_counts import read_rounds
from elmo_np.tasks.experiments.task_bilm import BilmSpec, Setup
from elmo_np.tasks.experiments.task_directory import TaskDirectory
from elmo_np.viz.plots import save

HERE = Path(__file__).parent
GROWTH = "growth"
# Of a biLM, by the million tokens of its text: a shorter text is read more often, and the best epoch is kept.
EPOCHS = {0.1: 30, 0.4: 20, 1.6: 10, math.inf: 6}
QUICK_EPOCHS = {0.05: 2, 0.3: 2}
BILM = ("state=reset", "shuffle=200000", "min_count=2")
QUICK_BILM = (*BILM, "hidden_dim=32", "projection_dim=32", "embedding_dim=32", "samples=256")


def epochs(quick: bool) -> dict[float, int]:
    """Of the biLMs, by size, the largest last."""
    return QUICK_EPOCHS if quick else EPOCHS


def settings_of(size: float, quick: bool, by_id: bool = False) -> tuple[str, ...]:
    """key=value: a model of characters, or of words by id, by the original ELMo's recipe at a laptop's size; sentence
    by sentence, as tasks read."""
    own = (*(QUICK_BILM if quick else BILM), f"epochs={epochs(quick)[size]}")
    return (*own, "char_filters=none") if by_id else own


def command_of(size: float, quick: bool, by_id: bool = False) -> str:
    """The command that trains the same biLM."""
    return " ".join([f"elmo-np train FOLDER/text/{open_text.file_of(Path(), size)} --valid FOLDER/text/valid.txt --out "
                     f"FOLDER/bilm/{name_of(size, by_id)} --preset elmo-tiny",
                     *(f"--set {setting}" for setting in settings_of(size, quick, by_id))])


def name_of(size: float, by_id: bool = False) -> str:
    """Of the directory of a biLM."""
    return open_text.file_of(Path(), size).stem + ("-by-id" if by_id else "")


@dataclass
class Bench:
    """One run of this program."""

    out: Path
    quick: bool
    progress: Progress
    files: Files = NO_FILES
    model: Path | None = None       # the biLM's directory, if it is not in `out`
    rounds: dict[str, list[compare.Round]] = field(default_factory=dict)
    valid: dict[str, Examples | None] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[float, ...]:
        return tuple(epochs(self.quick))

    def text(self, todo: Sequence[Experiment]) -> list[open_text.Count]:
        """Write the texts -> the counts of their sources."""
        chosen = open_text.NLTK[:2] if self.quick else open_text.sources(self.files.dump)
        return open_text.write(self.out / "text", chosen, tested(todo), self.sizes, self.progress)

    def bilm(self, size: float, by_id: bool = False) -> RunDirectory:
        """The biLM of so many million tokens, trained unless it is there."""
        name = name_of(size, by_id)
        folder = RunDirectory(self.out / "bilm" / name)
        done = self.out / "bilm" / f"{name}.done"
        if not done.exists():
            self.progress.say(command_of(size, self.quick, by_id))
            self.progress.close()
            text, valid = (str(path.resolve()) for path in (open_text.file_of(self.out / "text", size),
                                                            self.out / "text" / "valid.txt"))
            settings = override(preset("elmo-tiny"), settings_of(size, self.quick, by_id))
            train(text, folder.path, valid=valid, settings=replaced(settings, corpus=text), resume=folder.resumable())
            done.touch()
        return folder

    def tokens(self, size: float) -> int:
        """The number of tokens in the text of that size."""
        return len(open_text.file_of(self.out / "text", size).read_text(encoding="utf-8").split())

    def data(self, one: Experiment) -> list[Data]:
        """Read the data that `run` needs, and return them before sentences that do not fit the task are left out."""
        task, config = TASKS[one.task], one.config()
        self.progress.show(f"reading {one.data}")
        folder = TaskDirectory(self.out / (one.tuned or one.name))
        found, self.valid[one.name] = one.read()
        fitting = [own._replace(train=task.fitting(own.train, config), test=task.fitting(own.test, config))
                   for own in found]
        self.rounds[one.name] = compare.of_folds(fitting, folder, config.seed) if one.folds else \
            compare.of_seeds(fitting[0], folder, config.seed, one.seeds)
        return found

    def run(self, one: Experiment) -> Found:
        """Compare, or read what was compared before."""
        if one.name not in self.rounds:
            self.data(one)
        rounds = self.rounds[one.name]
        folder = TaskDirectory(self.out / one.name)
        kept = folder.path / "counts"
        taken = folder.path / "seconds"
        if not folder.report.exists():
            self.progress.say(f"{one.about}: {one.command()}")
            bilm = BilmSpec(str(self.model or self.out / "bilm" / one.bilm), one.fine_tune)
            resumed = folder.path.exists()
            start = time.perf_counter()
            folder.path.mkdir(parents=True, exist_ok=True)
            compare.compare(TASKS[one.task], rounds, self.valid[one.name], Setup(one.config(), folder, bilm),
                            one.inputs, kept)
            if not resumed:
                atomic_write_text(taken, f"{time.perf_counter() - start:.0f}\n")
        sizes = [(len(own.data.train.sentences), len(own.data.test.sentences)) for own in rounds]
        command, split = (self.shown(text) for text in (one.command(), rounds[0].data.split))
        task = TASKS[one.task]
        return Found(one.about, command, task.measured(rounds[0].data.test), "folds" if one.folds else "seeds",
                     one.goals, compare.read_results(folder.results), read_rounds(kept, len(rounds)), task.score_of,
                     one.reference, sizes, split, float(taken.read_text()) if taken.exists() else None, one.notes)

    def growth(self, one: Experiment) -> Growth:
        """The same task with the biLM of each size."""
        found = []
        for size in self.sizes:
            self.bilm(size)
            found.append(self.run(growth(one, name_of(size), self.files, self.out, self.quick)))
        return Growth(one.about, one.method, one.published, [self.tokens(size) for size in self.sizes], found)

    def shown(self, text: str) -> str:
        """The text without paths of this machine."""
        for name, folder in ("FOLDER/bilm", self.model), ("FOLDER", self.out), ("WNUT", self.files.wnut):
            text = text.replace(str(folder), name) if folder else text
        return text


def parser() -> Parser:
    made = Parser(prog="tasks.py", description="What the vectors are worth on real data.")
    made.add_argument("--out", required=True, metavar="FOLDER", type=Path,
                      help="directory for everything that is made")
    Files.add_to(made)
    made.add_argument("--page", metavar="FILE", type=Path, help="page to write, with its figures in results/ next to "
                      "it (default benchmarks/tasks.md; with --quick or --only, FOLDER/tasks.md)")
    made.add_argument("--only", nargs="+", action="extend", default=[], metavar="NAME",
                      help=f"only these comparisons, {GROWTH} for that of texts of different length")
    made.add_argument("--quick", action="store_true", help="the same page of a tiny biLM, with fewer sentences, folds "
                      "and seeds")
    return made


def check_only(only: Sequence[str], names: Sequence[str]) -> None:
    """Raises UserError for a name that there is not."""
    for name in only:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise UserError(f"--only {name}: expected some of {', '.join(names)}"
                            + (f"; did you mean {near[0]}?" if near else ""))


def plan(todo: Sequence[Experiment], quick: bool) -> list[str]:
    """All commands: of the experiments, and of their biLMs."""
    sizes = [*epochs(quick)]
    bilms = [*(command_of(size, quick) for size in sizes), command_of(sizes[-1], quick, by_id=True)]
    return [*(one.command() for one in todo), *bilms]


def check_same_plan(out: Path, commands: Sequence[str]) -> None:
    """Raises UserError if what is in `out` was begun with other experiments, data or settings."""
    text = json.dumps(commands, indent=1) + "\n"
    file = out / "plan.json"
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise UserError(f"{out} was begun with other data or settings ({file}): give another --out")
    atomic_write_text(file, text)


def run(argv: Sequence[str] | None) -> None:
    args = parser().parse_args(argv)
    backend.require()
    out = args.out.resolve()
    files = Files.of(args)
    for name in "masc_tagged", "brown", "senseval", *nltk_data.CATEGORIES:
        nltk_data.corpus(name)
    out.mkdir(parents=True, exist_ok=True)
    largest = max(epochs(args.quick))
    todo = [replace(one, bilm=name_of(largest, one.by_id)) for one in experiments(files, out, args.quick)]
    check_only(args.only, [*(one.name for one in todo), GROWTH])
    check_same_plan(out, plan(todo, args.quick))
    target = args.page or (out if args.quick or args.only else HERE) / "tasks.md"
    with Progress() as progress:
        if files.missing():
            progress.say(f"left out, because no file was given: {', '.join(files.missing())}")
        bench = Bench(out, args.quick, progress, files)
        start = time.perf_counter()
        for line in written(bench, todo, args.only, target):
            progress.say(f"{duration(time.perf_counter() - start)}, processor {duration(time.process_time())}  {line}")


def written(bench: Bench, todo: Sequence[Experiment], only: Sequence[str], target: Path) -> Iterator[str]:
    """Make the parts one by one, and write the page after each -> a line about each."""
    counts = bench.text(todo)
    yield f"text: {sum(count.tokens for count in counts):,} tokens"
    largest = bench.sizes[-1]
    bilm = bench.bilm(largest)
    yield f"biLM: {bilm.path}"
    chosen = [one for one in todo if one.name in only or not {*only} - {GROWTH}]
    compared = [one for one in chosen if {*only} != {GROWTH}]
    grown_too = [one for one in chosen if not one.tuned and not one.by_id and (not only or GROWTH in only)]
    found: list[Found] = []
    grown: list[Growth] = []
    kinds = sorted({False, *(one.by_id for one in compared)})
    results = target.parent / "results"
    results.mkdir(parents=True, exist_ok=True)
    for k, one in enumerate([*compared, *grown_too], 1):
        if k <= len(compared):
            bench.bilm(largest, one.by_id)
            found.append(bench.run(one))
            save(picture(found), results / "tasks.svg")
        else:
            grown.append(bench.growth(one))
            save(tasks_growth.picture(grown), results / "tasks-growth.svg")
        atomic_write_text(target, page(
            found, tasks_growth.section(grown, "results/tasks-growth.svg"), counts, bilm,
            [command_of(largest, bench.quick, by_id) for by_id in kinds],
            describe("").replace("no PyTorch; ", ""), "results/tasks.svg", largest if bench.quick else None))
        yield f"{target}: {k} of {len(compared) + len(grown_too)} comparisons, {one.about}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code, 2 for a user error."""
    return guarded("tasks.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
