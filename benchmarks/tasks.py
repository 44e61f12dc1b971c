"""What the vectors are worth on real data: word senses, sentiment, subjectivity, named entities, translation.

    python benchmarks/tasks.py --out FOLDER [--wnut DIR] [--tatoeba fra.txt] [--only NAME...] [--quick]

A biLM is trained on open text and on the training text of the tasks, `elmo-np task .. compare` runs on each of them,
and the results are written to tasks.md and results/tasks.svg. MASC and the corpora of senses and sentences come through
NLTK (set NLTK_DATA); --wnut is a directory with the three files of WNUT-17, --tatoeba the English-French pairs,
fra.txt: without them those tasks are left out. Finished parts in FOLDER are not repeated, so a run that was stopped can
go on.
"""

from __future__ import annotations

import difflib
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from machine import describe
from tasks_report import Found, Goal, page, picture
from tasks_text import Pairs, Part, masc, parts, tatoeba

from elmo_np import backend, train
from elmo_np.cli.main import Parser, guarded
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override, preset, replaced
from elmo_np.errors import UserError
from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import Progress, duration
from elmo_np.tasks.data import nltk_data
from elmo_np.tasks.data.examples import Data, Examples
from elmo_np.tasks.experiments import compare
from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.experiments.task_bilm import BilmSpec, Setup
from elmo_np.tasks.experiments.task_directory import TaskDirectory
from elmo_np.tasks.models.config import TaskConfig, overridden
from elmo_np.viz.plots import save

HERE = Path(__file__).parent
WNUT = {"train": "wnut17train.conll", "valid": "emerging.dev.conll", "test": "emerging.test.annotated"}
MOST_WORDS = 8          # in a source sentence of Tatoeba
EVERY = 3               # one in EVERY of those sources, so that a training run takes less than half an hour
FINE_TUNE = 3           # epochs
# Take half the time of the defaults
SENTENCES = ("batch_size=64", "epochs=12", "patience=3")
BILM = ("state=reset", "shuffle=200000", "min_count=2")
COMMAND = " ".join(["elmo-np train FOLDER/text.txt --out FOLDER/bilm --preset elmo-tiny",
                    *(f"--set {setting}" for setting in BILM)])
STATIC, MIX = "static vectors (layer 0)", "layer mix"


@dataclass(frozen=True)
class Experiment:
    """One comparison, and its goals.

    about       heading
    task, data  arguments of `elmo-np task`; test, valid: files, None for the parts that the data hold out
    settings    key=value, as for --set; chosen on validation sentences
    text, held  text that the biLM reads, None for the training sentences; text that it must not read, besides the test
    read        name of the text, "" for `about`
    folds       number of folds, or None to use `seeds`
    fine_tune   epochs of fine-tuning the biLM on the text of each fold
    inputs      inputs to compare, empty for all
    bilms       the experiment whose biLMs are used, "" for this one's own
    """

    name: str
    about: str
    task: str
    data: str
    goals: tuple[Goal, ...]
    test: str | None = None
    valid: str | None = None
    text: Sequence[Sequence[str]] | None = None
    read: str = ""
    held: Sequence[Sequence[str]] = ()
    settings: tuple[str, ...] = ()
    folds: int | None = None
    seeds: int = 3
    fine_tune: int = 0
    inputs: tuple[str, ...] = ()
    bilms: str = ""
    notes: str = ""

    def command(self) -> str:
        """The command that does the same."""
        words = ["elmo-np task", self.task, "compare", self.data]
        for name, value in ("--test", self.test), ("--valid", self.valid):
            words += [name, value] if value else []
        words += ["--bilm FOLDER/bilm", *([f"--fine-tune {self.fine_tune}"] if self.fine_tune else [])]
        words += [f"--folds {self.folds}"] if self.folds else [f"--seeds {self.seeds}"]
        words += [f"--set {one}" for one in self.settings]
        words += ["--inputs", *self.inputs] if self.inputs else []
        return " ".join([*words, f"--out FOLDER/{self.name}"])

    def config(self) -> TaskConfig:
        return overridden(TASKS[self.task].defaults, self.settings)


def experiments(wnut: Path | None, pairs: Pairs | None, quick: bool) -> list[Experiment]:
    """All experiments; those that do not need files come first."""
    few = ("epochs=1",) if quick else ()
    folds, seeds = (2, 1) if quick else (10, 3)
    senses = Experiment(
        "senses", "Word senses: hard, interest, line, serve", "senses", "nltk:senseval", folds=2 if quick else 5,
        settings=few, goals=(
            Goal("layer 2, logistic", 0.15, "most frequent sense"),
            Goal("layer 2, logistic", 0.15, "static vectors (layer 0), logistic")))
    polarity = Experiment(
        "polarity", "Sentiment: sentence_polarity, a BiLSTM on the vectors", "classify", "nltk:sentence_polarity",
        folds=folds, fine_tune=FINE_TUNE, settings=few or SENTENCES, goals=(Goal(MIX, 0.03, STATIC),),
        notes="Here it matters which words of praise or blame occur, and a bag of words has them all unchanged. A "
              "BiLSTM learns from the labels what the layers of such a small biLM could tell it about the context; the "
              "biLM of the paper has read about 600 times as much.")
    mean = replace(
        polarity, name="polarity-mean", about="Sentiment: sentence_polarity, the mean of the vectors",
        bilms="polarity",
        settings=few or ("hidden_dim=none", "pooling=mean", "learning_rate=0.02", "epochs=40"),
        inputs=("static", "1", "2", "mix"),
        notes="This shows what the vectors themselves contain: on top there is only a linear layer over their mean. "
              "Learning rate and epochs were chosen on the validation sentences of the first fold.")
    subjectivity = Experiment(
        "subjectivity", "Subjectivity", "classify", "nltk:subjectivity", folds=folds, fine_tune=FINE_TUNE,
        settings=few or SENTENCES, goals=(Goal(MIX, 0.88),))
    found = [senses, polarity, mean, subjectivity]
    if wnut:
        found.append(Experiment(
            "entities", "Named entities: WNUT-17", "tag", str(wnut / WNUT["train"]), test=str(wnut / WNUT["test"]),
            valid=str(wnut / WNUT["valid"]), seeds=seeds, settings=few, goals=(Goal(MIX, 0.05, STATIC),),
            read="WNUT-17, training sentences",
            notes="The names in the test set are new, and come from other sites than those in the training set. Only a "
                  "biLM that has read much text of that kind could help, and this one has read 63 thousand words of "
                  "it."))
    if pairs:
        learnt, both = "learnt embeddings, no biLM", "learnt embeddings beside the layer mix"
        found.append(Experiment(
            "translation", f"Translation: Tatoeba English-French, up to {MOST_WORDS} words", "translate",
            str(pairs.train), test=str(pairs.test), text=pairs.english, held=pairs.held, seeds=seeds,
            read="Tatoeba, the English of its training part", notes=f"One in {EVERY} distinct source sentences, "
            "with all its translations, so that a training run takes minutes.",
            inputs=("learnt", "mix", "learnt+mix"), settings=("min_count=2", *(few or ("epochs=12",))),
            goals=(Goal(both, 0.0, learnt), Goal(both, 0.25), Goal(learnt, 0.25))))
    return found


def settings_of_bilm(text: Path, quick: bool) -> Settings:
    """A character model, by the original ELMo's recipe at a laptop's size; sentence by sentence, as tasks read."""
    settings = override(replaced(preset("elmo-tiny"), corpus=str(text.resolve())), BILM)
    if quick:
        settings = replaced(settings, epochs=1, hidden_dim=16, projection_dim=16, embedding_dim=16, softmax="full")
    return settings


@dataclass
class Bench:
    """One run of this program."""

    out: Path
    todo: list[Experiment]
    quick: bool
    progress: Progress
    wnut: Path | None = None
    model: Path | None = None       # the biLM's directory, if it is not in `out`
    rounds: dict[str, list[compare.Round]] = field(default_factory=dict)
    valid: dict[str, Examples | None] = field(default_factory=dict)

    def read(self) -> list[Part]:
        """Read all data before anything slow begins -> the text of the biLM: everything except test sentences, and so
        nothing of the data that are tested in folds, since every part of those is tested on."""
        training: dict[str, Iterable[Sequence[str]]] = {"MASC": masc()}
        tested: list[Sequence[str]] = []
        for one in self.todo:
            data = self.data(one)
            valid = self.valid[one.name]
            if not one.folds:
                training[one.read or one.about] = data[0].train.sentences if one.text is None else one.text
            tested += [sentence for own in data for sentence in own.test.sentences]
            tested += [*one.held, *(valid.sentences if valid else [])]
        return parts(training, tested)

    def data(self, one: Experiment) -> list[Data]:
        """Read the data that `run` needs, and return them before sentences that do not fit the task are left out."""
        task, config = TASKS[one.task], one.config()
        self.progress.show(f"reading {one.data}")
        folder = TaskDirectory(self.out / (one.bilms or one.name))
        self.valid[one.name] = task.read(one.valid, False) if one.valid else None
        if one.folds:
            found = task.folds(one.data, one.folds, False, config.seed)
        else:
            found = [task.data(one.data, one.test, False, config.seed)]
        fitting = [own._replace(train=task.fitting(own.train, config), test=task.fitting(own.test, config))
                   for own in found]
        self.rounds[one.name] = compare.of_folds(fitting, folder, config.seed) if one.folds else \
            compare.of_seeds(fitting[0], folder, config.seed, one.seeds)
        return found

    def bilm(self, found: list[Part]) -> None:
        text, folder = self.out / "text.txt", RunDirectory(self.out / "bilm")
        lines = "".join(" ".join(sentence) + "\n" for part in found for sentence in part.kept)
        if folder.in_use() and text.read_text(encoding="utf-8") != lines:
            raise UserError(f"{folder.path} has a biLM that was trained on other text than that of these tasks: give "
                            "another --out")
        atomic_write_text(text, lines)
        train(str(text.resolve()), folder.path, settings=settings_of_bilm(text, self.quick),
              resume=folder.last.exists())

    def run(self, one: Experiment) -> Found:
        folder = TaskDirectory(self.out / one.name)
        setup = Setup(one.config(), folder, BilmSpec(str(self.model or self.out / "bilm"), one.fine_tune))
        taken = self.out / f"{one.name}.seconds"
        if not folder.report.exists():
            self.progress.say(f"{one.about}: {one.command()}")
            start = time.perf_counter()
            folder.path.mkdir(parents=True, exist_ok=True)
            compare.compare(TASKS[one.task], self.rounds[one.name], self.valid[one.name], setup, one.inputs)
            atomic_write_text(taken, f"{time.perf_counter() - start:.0f}\n")
        seconds = float(taken.read_text()) if taken.exists() else None
        sizes = [(len(own.data.train.sentences), len(own.data.test.sentences)) for own in self.rounds[one.name]]
        command, split = (self.shown(text) for text in (one.command(), self.rounds[one.name][0].data.split))
        measure = TASKS[one.task].measured(self.rounds[one.name][0].data.test)
        return Found(one.about, command, measure, "folds" if one.folds else "seeds", one.goals,
                     compare.read_results(folder.results), sizes, split, seconds, one.notes)

    def shown(self, text: str) -> str:
        """The text without paths of this machine."""
        for name, folder in ("FOLDER/bilm", self.model), ("FOLDER", self.out), ("WNUT", self.wnut):
            text = text.replace(str(folder), name) if folder else text
        return text


def parser() -> Parser:
    made = Parser(prog="tasks.py", description="What the vectors are worth on real data.")
    made.add_argument("--out", required=True, metavar="FOLDER", type=Path,
                      help="directory for everything that is trained")
    made.add_argument("--wnut", metavar="DIR", type=Path, help=f"directory with {', '.join(WNUT.values())}")
    made.add_argument("--tatoeba", metavar="FILE", type=Path, help="English<TAB>French pairs")
    made.add_argument("--page", metavar="FILE", type=Path, default=HERE / "tasks.md",
                      help="page to write, with results/tasks.svg next to it (default benchmarks/tasks.md)")
    made.add_argument("--only", nargs="+", action="extend", default=[], metavar="NAME", help="only these experiments")
    made.add_argument("--quick", action="store_true", help="a tiny biLM, one epoch, two folds: to see that it works")
    return made


def run(argv: Sequence[str] | None) -> None:
    args = parser().parse_args(argv)
    backend.require()
    args.out = args.out.resolve()
    for name in WNUT.values() if args.wnut else ():
        if not (args.wnut / name).is_file():
            raise UserError(f"--wnut {args.wnut}: it does not contain {name}; expected {', '.join(WNUT.values())}")
    if args.tatoeba and not args.tatoeba.is_file():
        raise UserError(f"--tatoeba {args.tatoeba}: file not found; expected fra.txt, with English<TAB>French lines")
    for name in "masc_tagged", "senseval", *nltk_data.CATEGORIES:
        nltk_data.corpus(name)
    args.out.mkdir(parents=True, exist_ok=True)
    pairs = tatoeba(args.tatoeba, args.out, MOST_WORDS, 100 if args.quick else EVERY) if args.tatoeba else None
    todo = experiments(args.wnut, pairs, args.quick)
    names = [one.name for one in todo]
    for name in args.only:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise UserError(f"--only {name}: expected some of {', '.join(names)}"
                            + (f"; did you mean {near[0]}?" if near else ""))
    with Progress() as progress:
        bench = Bench(args.out, todo, args.quick, progress, args.wnut)
        text = bench.read()
        bench.bilm(text)
        found = []
        for one in todo:
            if not args.only or one.name in args.only or (args.out / one.name / "report.txt").exists():
                found.append(bench.run(one))
                atomic_write_text(args.page, page(found, text, RunDirectory(args.out / "bilm"), COMMAND,
                                                  describe("").replace("no PyTorch; ", "")))
                save(picture(found), args.page.parent / "results" / "tasks.svg")
        left_out = [name for name, given in (("WNUT-17", args.wnut), ("Tatoeba", args.tatoeba)) if not given]
        if left_out:
            progress.say(f"left out, because no file was given: {', '.join(left_out)}")
        progress.say(f"{args.page}: {len(found)} tasks" + "".join(
            f"; {one.about}: {duration(one.seconds)}" for one in found if one.seconds))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code, 2 for a user error."""
    return guarded("tasks.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
