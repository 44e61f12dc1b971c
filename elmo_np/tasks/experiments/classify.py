"""`elmo-np task classify`: its data, its measure, its figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...inference.elmo import ELMo
from ..data import builtin, nltk_data
from ..data.files import Data, Examples, read_labelled
from ..metrics import figures
from ..metrics.scores import accuracy, confusion, scores
from ..models.classifier import SentenceClassifier
from ..models.config import TaskConfig
from . import baselines
from .task_base import TaskSpec, score_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Classify(TaskSpec):
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
        actual, found = enumerate(examples.labels), enumerate(predicted)
        return score_table({name: score for name, score in scores(actual, found).items() if name != "all"}, "label")

    def figure(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        labels = sorted({*examples.labels, *predicted})
        return figures.confusion_matrix(confusion(examples.labels, predicted, labels), labels)

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [f"{' '.join(words)}\t{label}" for words, label in zip(examples.sentences, predicted, strict=True)]
