"""What `elmo-np task` has to know of a task: what reads its data, what it is measured by, what it should beat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...errors import UserError
from ...inference.elmo import ELMo
from ...runtime.progress import Progress
from ..data.files import Data, Examples, fold_numbers, read_sentences, split_numbers
from ..models.config import TaskConfig
from ..models.embedding_cache import EmbeddingCache
from ..models.task_model import TaskModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TESTED = 10         # one of so many examples is held out where there is no test of its own


class TaskSpec:
    """One task on the command line."""

    name: str
    about: str
    built_in: tuple[str, ...]       # names of data that need no file, the default first
    columns: str                    # of a file
    input = "a file with one sentence a line"      # of predict
    unit = "examples"               # what is drawn where some are held out
    defaults = TaskConfig()
    # Inputs that are compared beside the biLM's, by what they are called.
    more_inputs: Mapping[str, str] = MappingProxyType({})
    joined_inputs: Mapping[str, str] = MappingProxyType({})     # likewise; they hold the biLM's and more
    # What is compared beside the inputs: settings, by what they are called.
    methods: Mapping[str, dict[str, Any]] = MappingProxyType({"": {}})

    @property
    def measure(self) -> str:
        """What `score` is."""
        raise TypeError("an TaskSpec is of one task")

    def data(self, name: str, test: str | None, tokenize: bool, seed: int) -> Data:
        """What a name on the command line stands for: built-in data, nltk:NAME or a file; `test` a file of its own."""
        built_in = self._built_in(name, seed)
        if built_in and test:
            return built_in._replace(test=self.read(test, built_in.raw), split=f"the file {test}")
        if built_in:
            return built_in
        examples = self.read(name, tokenize)
        if test:
            return Data(examples, self.read(test, tokenize), f"the file {test}", self.text(examples), tokenize)
        rest, held_out = self.hold_out(examples, TESTED, seed)
        train = examples.some(rest)
        return Data(train, examples.some(held_out), f"one of every {TESTED} {self.unit}, drawn by seed {seed}",
                    self.text(train), tokenize)

    def folds(self, name: str, count: int, tokenize: bool, seed: int) -> list[Data]:
        """The same in so many parts, each of which is the test once. Raises UserError for too few sentences, for data
        with a test of their own, and for a label that is in one part alone."""
        if self._built_in(name, seed):
            raise UserError(f"--folds {count} does not go with {name}, which has a test of its own: leave it out")
        examples, found = self.read(name, tokenize), []
        for rest, held_out in fold_numbers(examples.sentences, count, seed):
            train, test = examples.some(rest), examples.some(held_out)
            if unseen := sorted(self.names(test) - self.names(train)):
                raise UserError(f"--folds {count}: the sentences with {', '.join(unseen):.200} are all in one fold, "
                                "and no other could teach what is tested there: give fewer folds or another --seed, or "
                                "leave those sentences out if there is no second one")
            found.append(Data(train, test, f"{count} folds, drawn by seed {seed}: each sentence is "
                              "tested once, with what the other folds have taught", self.text(train), tokenize))
        return found

    def names(self, examples: Examples) -> set[str]:
        """What a model must have learnt to be tested on these."""
        return set(examples.labels)

    def text(self, train: Examples) -> Iterable[Sequence[str]] | None:
        """What a biLM is trained on, None for the training sentences."""
        return None

    def hold_out(self, examples: Examples, every: int, seed: int) -> tuple[list[int], list[int]]:
        """The numbers of examples in two parts: without one of every so many, and those. Raises UserError for too
        few."""
        return split_numbers(len(examples.sentences), every, seed)

    def read(self, name: str, tokenize: bool) -> Examples:
        raise TypeError("an TaskSpec is of one task")

    def fitting(self, examples: Examples, config: TaskConfig) -> Examples:
        """Those of the examples that a model of these settings is for. Raises UserError where there are none."""
        return examples

    def _refuse(self, tokenize: bool) -> None:
        """For a file whose words are split already."""
        if tokenize:
            raise UserError(f"--tokenize does not go with {self.columns}: the words are split already; leave it out")

    def labelled(self, name: str, tokenize: bool, seed: int) -> Examples:
        """What `evaluate` reads: the part of built-in data that `train` tested on with that seed, or a file."""
        return self.data(name, None, tokenize, seed).test if name in self.built_in else self.read(name, tokenize)

    def unlabelled(self, path: str, tokenize: bool) -> Examples:
        """What `predict` reads."""
        return Examples(read_sentences(path, tokenize), [])

    def _built_in(self, name: str, seed: int) -> Data | None:
        """The built-in data of that name, None for another name."""
        raise TypeError("an TaskSpec is of one task")

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> TaskModel:
        raise TypeError("an TaskSpec is of one task")

    def load(self, path: str, elmo: ELMo) -> TaskModel:
        raise TypeError("an TaskSpec is of one task")

    def train(self, model: Any, train: Examples, valid: Examples, progress: Progress,
              vectors: tuple[EmbeddingCache, EmbeddingCache] | None = None) -> None:
        model.train(*train, *valid, vectors=vectors, progress=progress)

    def check(self, model: Any, examples: Examples) -> None:
        """Raise UserError for a label that the model does not know, before anything long begins."""
        model.label_ids([label for own in examples.labels for label in ([own] if isinstance(own, str) else own)])

    def store(self, elmo: ELMo, examples: Examples, layers: Sequence[int], progress: Progress) -> EmbeddingCache:
        return EmbeddingCache(elmo, examples.sentences, layers, progress=progress)

    def predict(self, model: Any, examples: Examples, store: EmbeddingCache | None = None) -> list[Any]:
        found: list[Any] = model.predict(examples.sentences, store)
        return found

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        """{name: predictions} of what looks at no vector."""
        raise TypeError("an TaskSpec is of one task")

    def score(self, examples: Examples, predicted: Sequence[Any]) -> float:
        raise TypeError("an TaskSpec is of one task")

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        """Lines of a table, by label or type."""
        raise TypeError("an TaskSpec is of one task")

    def picture(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        raise TypeError("an TaskSpec is of one task")

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        """What `predict` prints."""
        raise TypeError("an TaskSpec is of one task")
