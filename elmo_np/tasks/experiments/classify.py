"""`elmo-np task classify`: its data, its measure, its figure."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...inference.elmo import ELMo
from ...types import Array
from ..data import builtin, nltk_data
from ..data.examples import Data, Examples
from ..data.files import LABELLED, read_labelled
from ..data.tables import ANY, Columns
from ..metrics import figures
from ..metrics.scores import confusion, correct_counts, label_scores, ratio
from ..models.classifier import SentenceClassifier, frequent_phrases
from ..models.config import TaskConfig
from ..models.word_model import source_words
from ..nn.inputs import BAG, LEARNT, input_parts
from . import baselines
from .task_base import TaskSpec, by_label, score_table, score_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Classify(TaskSpec):
    name, about = "classify", "a label for a sentence: topic, sentiment"
    measure = "accuracy"
    built_in = ("docstrings", "nltk:sentence_polarity", "nltk:subjectivity")
    columns = "sentence<TAB>label"
    roles = LABELLED
    on_request = MappingProxyType({"learnt embeddings, no biLM": LEARNT,
                                   "learnt embeddings beside the layer mix": f"{LEARNT}+mix",
                                   "bag of words, trained": BAG, "bag of words + static vectors": f"{BAG}+static",
                                   "bag of words + layer mix": f"{BAG}+mix"})

    def read(self, name: str, tokenize: bool, columns: Columns = ANY) -> Examples:
        if name.startswith("nltk:"):
            return nltk_data.categories(name.removeprefix("nltk:"))
        return read_labelled(name, tokenize, columns)

    def _built_in(self, name: str, seed: int) -> Data | None:
        return builtin.docstrings() if name == "docstrings" else None

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> SentenceClassifier:
        parts = input_parts(config.input)
        return SentenceClassifier(elmo, self.labels(train), config, tokenize=tokenize,
                                  source_words=source_words(train.sentences, config) if parts.learnt else (),
                                  phrases=frequent_phrases(train.sentences, config) if parts.bag else ())

    def labels(self, train: Examples) -> list[str]:
        return sorted(set(train.labels))

    def load(self, path: str, elmo: ELMo) -> SentenceClassifier:
        return SentenceClassifier.load(path, elmo)

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        return {"most frequent label": baselines.majority(train, test.sentences),
                "bag of words (naive Bayes)": baselines.naive_bayes(train, test.sentences)}

    def counts(self, examples: Examples, predicted: Sequence[Any]) -> Array:
        return correct_counts(examples.labels, predicted)

    def score_of(self, sums: Array) -> Array:
        return ratio(sums)

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return score_table(label_scores(examples.labels, predicted), "label")

    def values(self, examples: Examples, predicted: Sequence[Any]) -> dict[str, Any]:
        return score_values(label_scores(examples.labels, predicted))

    def figure(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        labels = sorted({*examples.labels, *predicted})
        return figures.confusion_matrix(confusion(examples.labels, predicted, labels), labels)

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [f"{' '.join(words)}\t{label}" for words, label in zip(examples.sentences, predicted, strict=True)]

    def record(self, sentence: Sequence[str], asked: Any, predicted: Any) -> dict[str, Any]:
        return {"sentence": " ".join(sentence), "label": predicted}

    def probabilities(self, model: Any, examples: Examples) -> list[list[dict[str, float]]]:
        return [[own] for own in by_label(model.labels, model.probabilities(examples.sentences))]
