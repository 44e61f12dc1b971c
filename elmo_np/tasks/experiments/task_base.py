"""The definition of a task for `elmo-np task`: how its data are read, how it is measured, what it should beat."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...errors import UserError
from ...inference.elmo import ELMo
from ...runtime.progress import Progress
from ...runtime.terminal import columns_of, filled
from ...types import Array
from ..data.examples import Data, Examples
from ..data.files import SENTENCES, read_sentences
from ..data.splits import fold_indices, split_indices
from ..data.tables import ANY, Columns
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
    roles: Iterable[str]            # its columns, as --columns names them
    input = "a file with one sentence per line"    # of predict
    asked: Iterable[str] = SENTENCES                # its columns
    has_probabilities = True
    by_word = False                 # whether each word has a label
    unit = "examples"               # what is drawn where some are held out
    items = "sentences"             # what is counted
    named = "labels"                # what `names` are
    defaults = TaskConfig()
    # Inputs that are compared with the biLM's: {name in the report: kind}.
    more_inputs: Mapping[str, str] = MappingProxyType({})
    joined_inputs: Mapping[str, str] = MappingProxyType({})     # those that contain the biLM's too
    on_request: Mapping[str, str] = MappingProxyType({})        # others, compared only if they are asked for
    # Variants of the model that are compared: {name in the report: settings}.
    methods: Mapping[str, dict[str, Any]] = MappingProxyType({"": {}})

    @property
    @abstractmethod
    def measure(self) -> str:
        """The name of `score`."""

    @abstractmethod
    def read(self, name: str, tokenize: bool, columns: Columns = ANY) -> Examples:
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
    def counts(self, examples: Examples, predicted: Sequence[Any]) -> Array:
        """(N, K): K counts for each of the N items, such as sentences, that are right or wrong by themselves."""

    @abstractmethod
    def score_of(self, sums: Array) -> Array:
        """Scores (..) from sums (.., K) of `counts` over the items."""

    @abstractmethod
    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        """Lines of a table, by label or type."""

    @abstractmethod
    def values(self, examples: Examples, predicted: Sequence[Any]) -> dict[str, Any]:
        """What the table holds, for JSON."""

    @abstractmethod
    def figure(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        """The predictions as a figure."""

    @abstractmethod
    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        """The lines that `predict` prints."""

    @abstractmethod
    def labels(self, train: Examples) -> list[str]:
        """The labels of a model for these training examples; none where unknown ones may occur in training."""

    @abstractmethod
    def record(self, sentence: Sequence[str], asked: Any, predicted: Any) -> dict[str, Any]:
        """A prediction for JSON; asked: its label in the examples; predicted: None for a blank line."""

    def score(self, examples: Examples, predicted: Sequence[Any]) -> float:
        """How good predictions are, from 0 to 1."""
        return float(self.score_of(self.counts(examples, predicted).sum(axis=0)))

    def measured(self, examples: Examples) -> str:
        """The name of `score` for these examples."""
        return self.measure

    def data(self, name: str, test: str | None, tokenize: bool, seed: int, columns: Columns = ANY) -> Data:
        """The data that a name on the command line stands for: built-in data, nltk:NAME or a file.

        test    a file to test on; None: the test part of the data, or a share that the seed draws
        """
        built_in = self._built_in(name, seed)
        if built_in and test:
            return built_in._replace(test=self.read(test, built_in.raw, columns), split=f"the file {test}")
        if built_in:
            return built_in
        examples = self.read(name, tokenize, columns)
        if test:
            return Data(examples, self.read(test, tokenize, columns), f"the file {test}", self.text(examples), tokenize)
        rest, held_out = self.hold_out(examples, TEST_SHARE, seed)
        train = examples.some(rest)
        return Data(train, examples.some(held_out), f"one of every {TEST_SHARE} {self.unit}, drawn by seed {seed}",
                    self.text(train), tokenize)

    def folds(self, name: str, count: int, tokenize: bool, seed: int, columns: Columns = ANY) -> list[Data]:
        """The data in `count` folds, each of which is the test once.

        Raises UserError for too few sentences, and for data with a test part.
        """
        if self._built_in(name, seed):
            raise UserError(f"--folds {count} does not go with {name}, which has a test part: leave it out")
        examples = self.read(name, tokenize, columns)
        found = []
        for rest, held_out in fold_indices(examples.sentences, count, seed):
            train, test = examples.some(rest), examples.some(held_out)
            found.append(Data(train, test, f"{count} folds, drawn by seed {seed}: each sentence is tested once, by a "
                              "model trained on the other folds", self.text(train), tokenize))
        return found

    def names(self, examples: Examples) -> set[str]:
        """What a model should have seen in training to be tested on these examples."""
        return set(self.labels(examples))

    def learnable(self, train: Examples, valid: Examples) -> Examples:
        """The validation examples whose labels are in the training examples too. Raises UserError if there are none."""
        known = set(self.labels(train))
        kept = [k for k in range(len(valid.labels)) if known.issuperset(self.labels(valid.some([k])))]
        if not kept:
            raise UserError(f"no validation example has a label of the training data, {', '.join(sorted(known)):.200}: "
                            "check that both files are of the same data, and their columns")
        return valid.some(kept)

    def check_data(self, data: Data, folds: bool = False) -> None:
        """Raises UserError for data that no model can learn from or be tested on, before any long computation.

        folds   the test is part of the same data, and may be a fold with nothing but rare labels
        """
        labels = self.labels(data.train)
        if len(labels) == 1:
            raise UserError(f"labels {labels[0]:.80}: expected two or more in the training data")
        if not folds:
            self.check(self.names(data.train), data.test)

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

    def labelled(self, name: str, tokenize: bool, seed: int, columns: Columns = ANY) -> Examples:
        """What `evaluate` reads: the part of built-in data that `train` tested on with that seed, or a file."""
        if name in self.built_in:
            return self.data(name, None, tokenize, seed).test
        return self.read(name, tokenize, columns)

    def unlabelled(self, path: str, tokenize: bool, columns: Columns = ANY) -> Examples:
        """What `predict` reads; a blank line is an empty sentence."""
        sentences = read_sentences(path, tokenize, columns)
        return Examples(sentences, [None] * len(sentences))

    def train(self, model: Any, train: Examples, valid: Examples, progress: Progress,
              vectors: tuple[EmbeddingCache, EmbeddingCache] | None = None, checkpoint: Path | None = None) -> None:
        model.train(*train, *valid, vectors=vectors, progress=progress, checkpoint=checkpoint)

    def known(self, model: Any) -> set[str]:
        """The `names` that a model has seen in training."""
        return set(model.labels)

    def check(self, known: set[str], examples: Examples) -> None:
        """Raises UserError if no label is known; where only some are unknown, they count as errors of the model."""
        unknown = sorted(self.names(examples) - known)
        if unknown and self.names(examples) & known <= {"O"}:       # O is in all data with entities
            raise UserError(f"unknown label {unknown[0]!r:.60}: this model has {', '.join(sorted(known)):.200}; none "
                            "of the labels to test on is among them")

    def unknown(self, *parts: tuple[set[str], Examples]) -> list[str]:
        """A line that names the labels that count as errors; parts: what a model knows, and what it is tested on."""
        names = sorted(set[str]().union(*(self.names(examples) - known for known, examples in parts)))
        return [f"  note: {len(names):,} of the {self.named} to test on are not in the training data, and count as "
                f"errors: {', '.join(names):.200}"] if names else []

    def repeated(self, *parts: Data) -> list[str]:
        """A line with the number of test examples that are in the training data too, label and all."""
        found: list[bool] = []
        for data in parts:
            known = set(_rows(data.train))
            found += [row in known for row in _rows(data.test)]
        return [f"  note: the training data have {sum(found):,} of the {len(found):,} test {self.items} too, with the "
                "same answer"] if any(found) else []

    def probabilities(self, model: Any, examples: Examples) -> list[list[dict[str, float]]]:
        """{label: its probability} for each row that `lines` prints, one row unless `by_word`. Raises UserError if the
        model has none."""
        raise NotImplementedError

    def embed(self, elmo: ELMo, examples: Examples, layers: Sequence[int], progress: Progress) -> EmbeddingCache:
        """The vectors of examples, computed once for all models that are compared."""
        return EmbeddingCache(elmo, examples.sentences, layers, progress=progress)

    def predict(self, model: Any, examples: Examples, vectors: EmbeddingCache | None = None) -> list[Any]:
        found: list[Any] = model.predict(examples.sentences, vectors)
        return found


def _rows(examples: Examples) -> list[tuple[tuple[str, ...], str]]:
    return [(tuple(sentence), repr(label)) for sentence, label in zip(*examples, strict=True)]


def score_values(found: Mapping[str, Score]) -> dict[str, dict[str, float]]:
    """A `score_table` for JSON."""
    return {name: {"precision": score.precision, "recall": score.recall, "f1": score.f1, "support": score.support}
            for name, score in found.items()}


def by_label(labels: Sequence[str], p: Iterable[Iterable[float]]) -> list[dict[str, float]]:
    """p (N, C) as one dictionary per row."""
    return [{label: round(float(own), 6) for label, own in zip(labels, row, strict=True)} for row in p]


def score_table(found: Mapping[str, Score], what: str) -> list[str]:
    """One line per row of `found`; what: the heading of their names."""
    width = max(len(what), *map(columns_of, found))
    return [f"  {what:{width}}  precision  recall      F1  support",
            *(f"  {filled(name, width)}  {one.precision:9.1%}  {one.recall:6.1%}  {one.f1:6.1%}  {one.support:7,}"
              for name, one in found.items())]
