"""Each task from data to report: what reads its files, what it is measured by, what it should beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..elmo import ELMo
from ..errors import UserError
from ..progress import Progress
from . import baselines, builtin, nltk_data, pictures
from .classifier import SentenceClassifier
from .config import TaskConfig
from .data import Data, Examples, read_conll, read_labelled, read_sentences, split
from .model import TaskModel
from .scores import accuracy, confusion, entity_scores, scores
from .store import VectorStore
from .tagger import Tagger, bio_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TESTED = 10         # one of so many examples is held out where there is no test of its own


class Application:
    """One task on the command line."""

    name: str
    about: str
    measure: str                    # what `score` is
    built_in: tuple[str, ...]       # names of data that need no file, the default first
    columns: str                    # of a file
    input = "a file with one sentence a line"      # of predict
    defaults = TaskConfig()

    def data(self, name: str, test: str | None, tokenize: bool, seed: int) -> Data:
        """What a name on the command line stands for: built-in data, nltk:NAME or a file; `test` a file of its own."""
        built_in = self._built_in(name, seed)
        if built_in and not test:
            return built_in
        train = built_in.train if built_in else self.read(name, tokenize)
        corpus = built_in.corpus if built_in else None
        if test:
            return Data(train, self.read(test, tokenize), f"the file {test}", corpus)
        rest, held_out = split(train, TESTED, seed)
        return Data(rest, held_out, f"one of every {TESTED} examples, drawn by seed {seed}", corpus)

    def read(self, name: str, tokenize: bool) -> Examples:
        raise TypeError("an Application is of one task")

    def labelled(self, name: str, tokenize: bool, seed: int) -> Examples:
        """What `evaluate` reads: the test part of built-in data, or a file."""
        built_in = self._built_in(name, seed)
        return built_in.test if built_in else self.read(name, tokenize)

    def unlabelled(self, path: str, tokenize: bool) -> Examples:
        """What `predict` reads."""
        return Examples(read_sentences(path, tokenize), [])

    def _built_in(self, name: str, seed: int) -> Data | None:
        """The built-in data of that name, None for another name."""
        raise TypeError("an Application is of one task")

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> TaskModel:
        raise TypeError("an Application is of one task")

    def load(self, path: str, elmo: ELMo) -> TaskModel:
        raise TypeError("an Application is of one task")

    def train(self, model: Any, train: Examples, valid: Examples, progress: Progress,
              stores: tuple[VectorStore, VectorStore] | None = None) -> None:
        model.train(*train, *valid, stores=stores, progress=progress)

    def store(self, elmo: ELMo, examples: Examples, layers: Sequence[int], progress: Progress) -> VectorStore:
        return VectorStore(elmo, examples.sentences, layers, progress=progress)

    def predict(self, model: Any, examples: Examples, store: VectorStore | None = None) -> list[Any]:
        found: list[Any] = model.predict(examples.sentences, store)
        return found

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        """{name: predictions} of what looks at no vector."""
        raise TypeError("an Application is of one task")

    def score(self, examples: Examples, predicted: Sequence[Any]) -> float:
        raise TypeError("an Application is of one task")

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        """Lines of a table, by label or type."""
        raise TypeError("an Application is of one task")

    def picture(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        raise TypeError("an Application is of one task")

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        """What `predict` prints."""
        raise TypeError("an Application is of one task")


class Classify(Application):
    name, about = "classify", "a label for a sentence: topic, sentiment"
    measure = "accuracy"
    built_in = ("docstrings", "nltk:sentence_polarity", "nltk:subjectivity")
    columns = "sentence<TAB>label"

    def read(self, name: str, tokenize: bool) -> Examples:
        if name.startswith("nltk:"):
            return nltk_data.categories(name.removeprefix("nltk:"))
        return read_labelled(name, tokenize)

    def _built_in(self, name: str, seed: int) -> Data | None:
        return builtin.docstrings() if name == "docstrings" else None

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> SentenceClassifier:
        return SentenceClassifier(elmo, sorted(set(train.labels)), config, tokenize=tokenize)

    def load(self, path: str, elmo: ELMo) -> SentenceClassifier:
        return SentenceClassifier.load(path, elmo)

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        return {"most frequent label": baselines.majority(train, test.sentences),
                "bag of words (naive Bayes)": baselines.naive_bayes(train, test.sentences)}

    def score(self, examples: Examples, predicted: Sequence[Any]) -> float:
        return accuracy(examples.labels, predicted)

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        there, found = enumerate(examples.labels), enumerate(predicted)
        return _table({name: score for name, score in scores(there, found).items() if name != "all"}, "label")

    def picture(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        labels = sorted({*examples.labels, *predicted})
        return pictures.confusion_matrix(confusion(examples.labels, predicted, labels), labels)

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [f"{' '.join(words)}\t{label}" for words, label in zip(examples.sentences, predicted, strict=True)]


class Tag(Application):
    name, about = "tag", "a label for every word: names of persons, places .."
    measure = "entity F1"
    built_in = ("grammar",)
    columns = "word and label in columns, a word a line, a blank line between sentences"

    def read(self, name: str, tokenize: bool) -> Examples:
        if tokenize:
            raise UserError("--tokenize does not go with columns of words: they are split already; leave it out")
        return read_conll(name)

    def _built_in(self, name: str, seed: int) -> Data | None:
        return builtin.phrases() if name == "grammar" else None

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> Tagger:
        return Tagger(elmo, bio_labels(train.labels), config, tokenize=tokenize)

    def load(self, path: str, elmo: ELMo) -> Tagger:
        return Tagger.load(path, elmo)

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        return {"each word's most frequent label": baselines.most_frequent_tags(train, test.sentences)}

    def score(self, examples: Examples, predicted: Sequence[Any]) -> float:
        return entity_scores(examples.labels, predicted)["all"].f1

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return _table(entity_scores(examples.labels, predicted), "type")

    def picture(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        return pictures.type_scores(entity_scores(examples.labels, predicted))

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [line for words, labels in zip(examples.sentences, predicted, strict=True)
                for line in [*(f"{word}\t{label}" for word, label in zip(words, labels, strict=True)), ""]]


def _table(found: Mapping[str, Any], what: str) -> list[str]:
    width = max(len(what), *map(len, found))
    return [f"  {what:{width}}  precision  recall      F1   there",
            *(f"  {name:{width}}  {score.precision:9.1%}  {score.recall:6.1%}  {score.f1:6.1%}  {score.there:6,}"
              for name, score in found.items())]


APPLICATIONS: dict[str, Application] = {task.name: task for task in (Classify(), Tag())}
