"""The definition of a task for `elmo-np task`: how its data are read, how it is measured, what it should beat."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...errors import UserError
from ...inference.elmo import ELMo
from ...runtime.progress import Progress
from ..data.files import Data, Examples, fold_indices, read_sentences, split_indices
from ..metrics.scores import Score
from ..models.config import TaskConfig
from ..models.embedding_cache import EmbeddingCache
from ..models.task_model import TaskModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEST_SHARE = 10     # one in this many examples is held out where the data have no test part


class TaskSpec(ABC):
    """One task on the command line."""

    name: str
    about: str
    built_in: tuple[str, ...]       # names of data that need no file, the default first
    columns: str                    # of a file
    input = "a file with one sentence per line"    # of predict
    unit = "examples"               # what is drawn where some are held out
    defaults = TaskConfig()
    # Inputs that are compared with the biLM's: {name in the report: kind}.
    more_inputs: Mapping[str, str] = MappingProxyType({})
    joined_inputs: Mapping[str, str] = MappingProxyType({})     # those that contain the biLM's too
    # Variants of the model that are compared: {name in the report: settings}.
    methods: Mapping[str, dict[str, Any]] = MappingProxyType({"": {}})

    @property
    @abstractmethod
    def measure(self) -> str:
        """The name of `score`."""

    @abstractmethod
    def read(self, name: str, tokenize: bool) -> Examples:
        """Labelled examples from a file, or from data with a name that have no test part."""

    @abstractmethod
    def _built_in(self, name: str, seed: int) -> Data | None:
        """The built-in data of that name, None for another name."""

    @abstractmethod
    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> TaskModel:
        """An untrained model for the labels of the training examples."""

    @abstractmethod
    def load(self, path: str, elmo: ELMo) -> TaskModel:
        """The model of a file."""

    @abstractmethod
    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        """{name: predictions} of methods that use no vectors."""

    @abstractmethod
    def score(self, examples: Examples, predicted: Sequence[Any]) -> float:
        """How good predictions are, from 0 to 1."""

    @abstractmethod
    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        """Lines of a table, by label or type."""

    @abstractmethod
    def figure(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        """The predictions as a figure."""

    @abstractmethod
    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        """The lines that `predict` prints."""

    def data(self, name: str, test: str | None, tokenize: bool, seed: int) -> Data:
        """The data that a name on the command line stands for: built-in data, nltk:NAME or a file.

        test    a file to test on; None: the test part of the data, or a share that the seed draws
        """
        built_in = self._built_in(name, seed)
        if built_in and test:
            return built_in._replace(test=self.read(test, built_in.raw), split=f"the file {test}")
        if built_in:
            return built_in
        examples = self.read(name, tokenize)
        if test:
            return Data(examples, self.read(test, tokenize), f"the file {test}", self.text(examples), tokenize)
        rest, held_out = self.hold_out(examples, TEST_SHARE, seed)
        train = examples.some(rest)
        return Data(train, examples.some(held_out), f"one of every {TEST_SHARE} {self.unit}, drawn by seed {seed}",
                    self.text(train), tokenize)

    def folds(self, name: str, count: int, tokenize: bool, seed: int) -> list[Data]:
        """The data in `count` folds, each of which is the test once.

        Raises UserError for too few sentences, for data with a test part, and for a label that only one fold has.
        """
        if self._built_in(name, seed):
            raise UserError(f"--folds {count} does not go with {name}, which has a test part: leave it out")
        examples = self.read(name, tokenize)
        found = []
        for rest, held_out in fold_indices(examples.sentences, count, seed):
            train, test = examples.some(rest), examples.some(held_out)
            if unseen := sorted(self.names(test) - self.names(train)):
                raise UserError(f"--folds {count}: the sentences with {', '.join(unseen):.200} are all in one fold, so "
                                "that no other fold can teach what is tested there: give fewer folds or another "
                                "--seed, or leave those sentences out if there is only one")
            found.append(Data(train, test, f"{count} folds, drawn by seed {seed}: each sentence is tested once, by a "
                              "model trained on the other folds", self.text(train), tokenize))
        return found

    def names(self, examples: Examples) -> set[str]:
        """What a model must have seen in training to be tested on these examples."""
        return set(examples.labels)

    def text(self, train: Examples) -> Iterable[Sequence[str]] | None:
        """The text that a biLM is trained on, None for the training sentences."""
        return None

    def hold_out(self, examples: Examples, every: int, seed: int) -> tuple[list[int], list[int]]:
        """The indices of examples in two parts: all but one in `every`, and those held out. Raises UserError for too
        few."""
        return split_indices(len(examples.sentences), every, seed)

    def fitting(self, examples: Examples, config: TaskConfig) -> Examples:
        """The examples that a model with these settings can use. Raises UserError if there are none."""
        return examples

    def _refuse(self, tokenize: bool) -> None:
        """For a file in which words are already split."""
        if tokenize:
            raise UserError(f"--tokenize does not go with {self.columns}: the words are already split; leave it out")

    def labelled(self, name: str, tokenize: bool, seed: int) -> Examples:
        """What `evaluate` reads: the part of built-in data that `train` tested on with that seed, or a file."""
        return self.data(name, None, tokenize, seed).test if name in self.built_in else self.read(name, tokenize)

    def unlabelled(self, path: str, tokenize: bool) -> Examples:
        """What `predict` reads."""
        return Examples(read_sentences(path, tokenize), [])

    def train(self, model: Any, train: Examples, valid: Examples, progress: Progress,
              vectors: tuple[EmbeddingCache, EmbeddingCache] | None = None) -> None:
        model.train(*train, *valid, vectors=vectors, progress=progress)

    def check(self, model: Any, examples: Examples) -> None:
        """Raises UserError for a label that the model does not know, before any long computation."""
        model.label_ids([label for own in examples.labels for label in ([own] if isinstance(own, str) else own)])

    def embed(self, elmo: ELMo, examples: Examples, layers: Sequence[int], progress: Progress) -> EmbeddingCache:
        """The vectors of examples, computed once for all models that are compared."""
        return EmbeddingCache(elmo, examples.sentences, layers, progress=progress)

    def predict(self, model: Any, examples: Examples, vectors: EmbeddingCache | None = None) -> list[Any]:
        found: list[Any] = model.predict(examples.sentences, vectors)
        return found


def score_table(found: Mapping[str, Score], what: str) -> list[str]:
    """One line per row of `found`; what: the heading of their names."""
    width = max(len(what), *map(len, found))
    return [f"  {what:{width}}  precision  recall      F1  support",
            *(f"  {name:{width}}  {score.precision:9.1%}  {score.recall:6.1%}  {score.f1:6.1%}  {score.support:7,}"
              for name, score in found.items())]
