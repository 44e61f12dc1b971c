"""`elmo-np task tag`: its data, its measure, its figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...inference.elmo import ELMo
from ..data import builtin
from ..data.files import Data, Examples, read_conll
from ..metrics import figures
from ..metrics.scores import entity_scores
from ..models.config import TaskConfig
from ..models.tagger import Tagger, bio_labels
from . import baselines
from .task_base import TaskSpec, score_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Tag(TaskSpec):
    name, about = "tag", "a label for every word: names of persons, places and so on"
    measure = "entity F1"
    built_in = ("grammar",)
    columns = "word and label in columns, one word per line, a blank line between sentences"

    def read(self, name: str, tokenize: bool) -> Examples:
        self._refuse(tokenize)
        return read_conll(name)

    def _built_in(self, name: str, seed: int) -> Data | None:
        return builtin.phrases() if name == "grammar" else None

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> Tagger:
        return Tagger(elmo, bio_labels(train.labels), config, tokenize=tokenize)

    def names(self, examples: Examples) -> set[str]:
        return set(bio_labels(examples.labels))

    def load(self, path: str, elmo: ELMo) -> Tagger:
        return Tagger.load(path, elmo)

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        return {"each word's most frequent label": baselines.most_frequent_tags(train, test.sentences)}

    def score(self, examples: Examples, predicted: Sequence[Any]) -> float:
        return entity_scores(examples.labels, predicted)["all"].f1

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return score_table(entity_scores(examples.labels, predicted), "type")

    def figure(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        return figures.type_scores(entity_scores(examples.labels, predicted))

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [line for words, labels in zip(examples.sentences, predicted, strict=True)
                for line in [*(f"{word}\t{label}" for word, label in zip(words, labels, strict=True)), ""]]
