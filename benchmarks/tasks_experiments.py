"""What benchmarks/tasks.py compares: the data, the settings and the goals of each task."""

from __future__ import annotations

import argparse
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tasks_report import MIX, STATIC, Goal, Published

from elmo_np.cli.main import Parser
from elmo_np.errors import UserError
from elmo_np.runtime.files import atomic_write_text
from elmo_np.tasks.data.examples import Data, Examples
from elmo_np.tasks.experiments import compare
from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.models.config import TaskConfig, overridden

Sentence = Sequence[str]

WNUT = {"train": "wnut17train.conll", "valid": "emerging.dev.conll", "test": "emerging.test.annotated"}
TATOEBA = "fra.txt"
MOST_WORDS = 8          # in a source sentence of Tatoeba
EVERY = 3               # one in EVERY of those sources, so that a training run takes less than half an hour
EVERY_GROWTH = 15       # for each size of text
EVERY_QUICK = 100
SHARE_QUICK = 6         # of the sentences of the other tasks, one in so many
FINE_TUNE = 3           # epochs
GROWTH_FOLDS = 3
SHARE_GROWTH = 3        # of the sentences of the tasks that have most, one in so many, for each size of text
MOST_SENTENCES = ("polarity", "subjectivity", "chunks", "speech")
# Take half the time of the defaults
SENTENCES = ("batch_size=64", "epochs=12", "patience=3")
LEARNT, JOINED = "learnt embeddings, no biLM", "learnt embeddings beside the layer mix"
BAYES, BAG = "bag of words (naive Bayes)", "bag of words, trained"
BAG_AND_MIX = "bag of words + layer mix"
LAYERS = 2
CURVES = ("static", *map(str, range(1, LAYERS + 1)), "mix")
TAGGING = ("learnt", "learnt+characters", *CURVES, "characters+mix")
BY_ID = ("senses", "speech")    # compared with a biLM of words by id too


class Files(NamedTuple):
    """Data that are not in NLTK; None where they are missing: their task, or their text, is left out.

    wnut        directory with the three files of WNUT-17
    tatoeba     English<TAB>French pairs, or the zip with fra.txt
    dump        of Wikipedia
    """

    wnut: Path | None
    tatoeba: Path | None
    dump: Path | None

    @staticmethod
    def add_to(parser: Parser) -> None:
        """The options from which `of` takes them."""
        parser.add_argument("--data", metavar="DIR", type=Path, default=os.environ.get("ELMO_NP_DATA") or None,
                            help="directory with wnut17/, tatoeba/ and wikipedia/; what it lacks is left out (default: "
                            "$ELMO_NP_DATA)")
        parser.add_argument("--wnut", metavar="DIR", type=Path, help=f"directory with {', '.join(WNUT.values())} "
                            "(default: wnut17 in --data)")
        parser.add_argument("--tatoeba", metavar="FILE", type=Path, help="English<TAB>French pairs (default: "
                            "tatoeba/fra.txt or tatoeba/fra-eng.zip in --data)")

    @staticmethod
    def of(args: argparse.Namespace) -> Files:
        """Raises UserError for a directory or a file that is given and is not there."""
        if args.data and not Path(args.data).is_dir():
            raise UserError(f"--data {args.data}: expected a directory with wnut17/, tatoeba/ and wikipedia/")
        for name in WNUT.values() if args.wnut else ():
            if not (args.wnut / name).is_file():
                raise UserError(f"--wnut {args.wnut}: it does not contain {name}; expected {', '.join(WNUT.values())}")
        if args.tatoeba and not args.tatoeba.is_file():
            raise UserError(f"--tatoeba {args.tatoeba}: file not found; expected {TATOEBA}, with English<TAB>French "
                            "lines, or the zip with it")

        def first(pattern: str) -> Path | None:
            return next(iter(sorted(Path(args.data).glob(pattern))), None) if args.data else None
        wnut = first(f"wnut17/{WNUT['train']}")
        # Absolute, so that a page can leave them out, and a restart from another directory finds the same plan.
        return Files(*(path and path.absolute() for path in (
            args.wnut or (wnut and wnut.parent), args.tatoeba or first("tatoeba/fra*"),
            first("wikipedia/*pages-articles*"))))

    def missing(self) -> list[str]:
        """What is left out."""
        names = {"WNUT-17": self.wnut, "Tatoeba": self.tatoeba, "Wikipedia": self.dump}
        return [name for name, path in names.items() if path is None]


NO_FILES = Files(None, None, None)


class Pairs(NamedTuple):
    """Files of tokens, source<TAB>target; the English sentences of the whole training part, each once; and those of the
    test part."""

    train: Path
    test: Path
    english: list[Sentence]
    held: list[Sentence]


def tatoeba(path: Path, out: Path, most: int, every: int) -> Pairs:
    """Pairs for one in `every` distinct sources of at most `most` words, from the split that `elmo-np task translate
    train fra.txt --tokenize` makes. Raises UserError for a zip without fra.txt."""
    out.mkdir(parents=True, exist_ok=True)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if TATOEBA not in archive.namelist():
                raise UserError(f"{path}: it does not contain {TATOEBA}; expected English<TAB>French pairs")
            atomic_write_text(out / TATOEBA, archive.read(TATOEBA).decode("utf-8"))
        path = out / TATOEBA
    task = TASKS["translate"]
    data = task.data(str(path), None, True, 0)
    found = []
    for name, some in ("train", data.train), ("test", data.test):
        different = dict.fromkeys(tuple(words) for words in some.sentences if len(words) <= most)
        chosen = set(islice(different, 0, None, every))
        file = out / f"tatoeba-{name}.tsv"
        atomic_write_text(file, "".join(
            f"{' '.join(source)}\t{' '.join(target)}\n" for source, target in zip(*some, strict=True)
            if tuple(source) in chosen))
        found.append(file)
    return Pairs(*found, [*(task.text(data.train) or ())], data.test.sentences)


@dataclass(frozen=True)
class Experiment:
    """One comparison, and its goals.

    about       heading
    task, data  arguments of `elmo-np task`; test, valid: files, None for the parts that the data hold out
    text, held  text that fine-tuning reads, None for the training sentences; text that the biLM must not read, besides
                the test
    settings    key=value, as for --set; chosen on validation sentences
    folds       number of folds, or None to use `seeds`
    fine_tune   epochs of fine-tuning the biLM on the text of each fold
    inputs      inputs to compare, empty for all
    bilm        name of the biLM below FOLDER/bilm: of the text of so many million tokens, or of all
    tuned       the experiment whose fine-tuned biLMs are used, "" for this one's own
    reference   the method that all others are tested against
    method      of the methods of a task, the one whose growth is shown
    published   ELMo's figure on a similar task
    by_id       whether the biLM reads words by id, not by their characters
    every       one in so many sentences of each part is used
    """

    name: str
    about: str
    task: str
    data: str
    goals: tuple[Goal, ...]
    test: str | None = None
    valid: str | None = None
    text: Sequence[Sentence] | None = None
    held: Sequence[Sentence] = ()
    settings: tuple[str, ...] = ()
    folds: int | None = None
    seeds: int = 3
    fine_tune: int = 0
    inputs: tuple[str, ...] = ()
    bilm: str = ""
    tuned: str = ""
    reference: str = STATIC
    method: str = ""
    published: Published | None = None
    notes: str = ""
    by_id: bool = False
    every: int = 1

    def command(self) -> str:
        """The command that does the same."""
        words = ["elmo-np task", self.task, "compare", self.data]
        for name, value in ("--test", self.test), ("--valid", self.valid):
            words += [name, value] if value else []
        words += [f"--bilm FOLDER/bilm/{self.bilm}", *([f"--fine-tune {self.fine_tune}"] if self.fine_tune else [])]
        words += [f"--folds {self.folds}"] if self.folds else [f"--seeds {self.seeds}"]
        words += [f"--set {one}" for one in self.settings]
        words += ["--inputs", *self.inputs] if self.inputs else []
        return " ".join([*words, f"--out FOLDER/{self.name}"])

    def config(self) -> TaskConfig:
        return overridden(TASKS[self.task].defaults, self.settings)

    def read(self) -> tuple[list[Data], Examples | None]:
        """The data of each fold, or of the one test, and the validation sentences if they are in a file."""
        task, config = TASKS[self.task], self.config()
        valid = self._thinned(task.read(self.valid, False)) if self.valid else None
        found = task.folds(self.data, self.folds, False, config.seed) if self.folds else \
            [task.data(self.data, self.test, False, config.seed)]
        return [data._replace(train=self._thinned(data.train), test=self._thinned(data.test),
                              corpus=data.corpus if self.text is None else self.text) for data in found], valid

    def _thinned(self, examples: Examples) -> Examples:
        return examples.some(range(0, len(examples.sentences), self.every))

    def tested(self) -> Iterator[Sentence]:
        """The sentences that the biLM must not read."""
        found, valid = self.read()
        for data in found:
            yield from data.test.texts()
        yield from valid.texts() if valid else ()
        yield from self.held


def without_word2vec(task: str) -> tuple[str, ...]:
    """All other inputs: in folds with text of their own, word2vec would be trained for each fold."""
    return tuple(kind for kind in compare.kinds_of(TASKS[task], LAYERS) if kind != compare.WORD2VEC)


def experiments(files: Files, out: Path, quick: bool) -> list[Experiment]:
    """All experiments; those that do not need files come first. Tatoeba's pairs are written to `out`.

    quick   fewer epochs, folds, seeds and sentences
    """
    found = [*_of_nltk(quick), *_of_files(files, out, quick)]
    by_id = [replace(one, name=f"{one.name}-by-id", about=f"{one.about}, by a biLM of words by id", by_id=True,
                     inputs=CURVES, goals=(), published=None) for one in found if one.name in BY_ID]
    return [replace(one, every=SHARE_QUICK if quick and one.task != "translate" else 1) for one in [*found, *by_id]]


def _of_nltk(quick: bool) -> list[Experiment]:
    folds, seeds, tune = (2, 2, 1) if quick else (10, 3, FINE_TUNE)
    sentences = ("batch_size=64", "epochs=1") if quick else SENTENCES
    most_epochs = "epochs=4" if quick else "epochs=40"
    tags = ("epochs=3",) if quick else SENTENCES
    senses = Experiment(
        "senses", "Word senses: hard, interest, line, serve", "senses", "nltk:senseval", folds=2 if quick else 5,
        settings=("epochs=10",) if quick else (), reference=f"{STATIC}, logistic", method=", logistic",
        published=Published("senses of all words, F1", "the first sense", 65.9, 69.0), goals=(
            Goal("layer 2, logistic", 0.15, "most frequent sense"),
            Goal("layer 2, logistic", 0.15, f"{STATIC}, logistic"), Goal(f"{MIX}, logistic", 0.85)))
    polarity = Experiment(
        "polarity", "Sentiment: sentence_polarity, a BiLSTM on the vectors", "classify", "nltk:sentence_polarity",
        folds=folds, fine_tune=tune, settings=sentences, inputs=without_word2vec("classify"),
        goals=(Goal(MIX, 0.03, STATIC), Goal(BAG_AND_MIX, 0.03, STATIC), Goal(BAG_AND_MIX, 0.0, BAYES),
               Goal(BAG_AND_MIX, 0.0, BAG)),
        published=Published("SST-5, accuracy", "the same model without ELMo", 51.4, 54.7),
        notes="Here it matters which words of praise or blame occur, and a bag of words has them all unchanged.")
    mean = replace(
        polarity, name="polarity-mean", about="Sentiment: sentence_polarity, the mean of the vectors",
        tuned="polarity", inputs=CURVES, goals=(Goal(MIX, 0.03, STATIC),), published=None,
        settings=("hidden_dim=none", "pooling=mean", "learning_rate=0.02", most_epochs),
        notes="This shows what the vectors themselves contain: on top there is only a linear layer over their mean. "
              "Learning rate and epochs were chosen on the validation sentences of the first fold.")
    subjectivity = Experiment(
        "subjectivity", "Subjectivity", "classify", "nltk:subjectivity", folds=folds, fine_tune=tune,
        settings=sentences, inputs=without_word2vec("classify"), goals=(
            Goal(MIX, 0.935), Goal(BAG_AND_MIX, 0.935), Goal(BAG_AND_MIX, 0.0, BAG)))
    chunks = Experiment(
        "chunks", "Chunks: CoNLL-2000", "tag", "nltk:conll2000", seeds=seeds, fine_tune=tune, settings=tags,
        inputs=TAGGING, goals=(Goal(MIX, 0.92), Goal(MIX, 0.02, STATIC)),
        published=Published("CoNLL-2003, F1", "the same model without ELMo", 90.15, 92.22))
    speech = Experiment(
        "speech", "Parts of speech: treebank sample", "tag", "nltk:treebank", folds=2 if quick else 5, fine_tune=tune,
        settings=tags, inputs=TAGGING, goals=(Goal(MIX, 0.96), Goal(MIX, 0.01, STATIC)))
    return [senses, polarity, mean, subjectivity, chunks, speech]


def _of_files(files: Files, out: Path, quick: bool) -> list[Experiment]:
    found = []
    seeds, tune = (2, 1) if quick else (3, FINE_TUNE)
    if files.wnut:
        paths = {part: str(files.wnut / name) for part, name in WNUT.items()}
        found.append(Experiment(
            "entities", "Named entities: WNUT-17", "tag", paths["train"], test=paths["test"], valid=paths["valid"],
            seeds=seeds, fine_tune=tune, settings=("epochs=3",) if quick else (), inputs=TAGGING,
            goals=(Goal(MIX, 0.05, STATIC), Goal(MIX, 0.28)),
            published=Published("CoNLL-2003, F1", "the same model without ELMo", 90.15, 92.22),
            notes="The names in the test set are new, and come from other sites than those in the training set."))
    if files.tatoeba:
        every = EVERY_QUICK if quick else EVERY
        pairs = tatoeba(files.tatoeba, out, MOST_WORDS, every)
        english, read = (pairs.english[::every], f"one in {every} English sentences") if quick else \
            (pairs.english, "the English")
        found.append(Experiment(
            "translation", f"Translation: Tatoeba English-French, up to {MOST_WORDS} words", "translate",
            str(pairs.train), test=str(pairs.test), text=english, held=pairs.held, seeds=seeds, fine_tune=tune,
            notes=f"One in {every} distinct source sentences, with all its translations, so that a training run takes "
                  f"minutes. Fine-tuning reads {read} of the whole training part.",
            inputs=("learnt", "mix", "learnt+mix"), settings=("min_count=2", "epochs=4" if quick else "epochs=12"),
            reference=LEARNT, goals=(Goal(JOINED, 0.04, LEARNT), Goal(JOINED, 0.40))))
    return found


def growth(one: Experiment, bilm: str, files: Files, out: Path, quick: bool) -> Experiment:
    """The same comparison of static vectors, layers and mix, with the biLM of another text, which is not fine-tuned:
    what it knows is what it has read there. Fewer folds, and fewer sentences where there are many, since there is one
    for each size."""
    every = max(one.every, SHARE_GROWTH if one.name in MOST_SENTENCES else 1)
    own = replace(one, name=f"growth/{one.name}-{bilm}", bilm=bilm, fine_tune=0, inputs=CURVES, goals=(), text=None,
                  folds=one.folds and min(one.folds, GROWTH_FOLDS), reference=STATIC + one.method, notes="",
                  every=every)
    if one.task == "translate" and files.tatoeba and not quick:
        pairs = tatoeba(files.tatoeba, out / "growth", MOST_WORDS, EVERY_GROWTH)
        return replace(own, data=str(pairs.train), test=str(pairs.test))
    return own


def tested(all_of_them: Iterable[Experiment]) -> Iterator[Sentence]:
    """The sentences that any of the experiments tests on."""
    for one in all_of_them:
        yield from one.tested()
