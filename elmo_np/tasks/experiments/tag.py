"""`elmo-np task tag`: its data, its measure, its figure."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...inference.elmo import ELMo
from ...types import Array
from ..data import builtin, nltk_data
from ..data.conll import ROLES, read_conll, read_conll_words
from ..data.examples import Data, Examples
from ..data.tables import ANY, Columns
from ..metrics import figures
from ..metrics.scores import are_entities, confusion, f1_of, tag_counts, tag_scores
from ..models.config import TaskConfig
from ..models.tagger import Tagger, tag_labels
from ..models.word_model import source_words
from ..nn.inputs import CHARACTERS, LEARNT, input_parts
from . import baselines
from .task_base import TaskSpec, by_label, score_table, score_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Tag(TaskSpec):
    name, about = "tag", "a label for every word: names of persons, places and so on, parts of speech"
    measure = "span F1"
    built_in = ("grammar", *(f"nltk:{name}" for name in (*nltk_data.LABELLED, nltk_data.PARTS_OF_SPEECH)))
    columns = "word and label in columns, one word per line, a blank line between sentences"
    roles, asked, by_word = ROLES, ROLES[:1], True
    on_request = MappingProxyType({"learnt embeddings, no biLM": LEARNT,
                                   "learnt embeddings beside the layer mix": f"{LEARNT}+mix",
                                   "learnt embeddings and characters, no biLM": f"{LEARNT}+{CHARACTERS}",
                                   "characters beside the layer mix": f"{CHARACTERS}+mix"})

    def read(self, name: str, tokenize: bool, columns: Columns = ANY) -> Examples:
        self._refuse(tokenize)
        if name.startswith("nltk:"):
            return nltk_data.parts_of_speech(name.removeprefix("nltk:"))
        return read_conll(name, columns)

    def unlabelled(self, path: str, tokenize: bool, columns: Columns = ANY) -> Examples:
        """Sentences, or the words of a file with columns if one is chosen."""
        if not columns:
            return super().unlabelled(path, tokenize)
        sentences = read_conll_words(path, columns)
        return Examples(sentences, [None] * len(sentences))

    def measured(self, examples: Examples) -> str:
        return self.measure if are_entities(self.labels(examples)) else "accuracy"

    def _built_in(self, name: str, seed: int) -> Data | None:
        if name.removeprefix("nltk:") in nltk_data.LABELLED and name.startswith("nltk:"):
            train, test = nltk_data.labelled(name.removeprefix("nltk:"))
            return Data(train, test, "the test file of the corpus", None)
        return builtin.phrases() if name == "grammar" else None

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> Tagger:
        words = source_words(train.sentences, config) if input_parts(config.input).learnt else ()
        return Tagger(elmo, self.labels(train), config, source_words=words, tokenize=tokenize)

    def labels(self, train: Examples) -> list[str]:
        return tag_labels(train.labels)

    def load(self, path: str, elmo: ELMo) -> Tagger:
        return Tagger.load(path, elmo)

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        return {"each word's most frequent label": baselines.most_frequent_tags(train, test.sentences)}

    def counts(self, examples: Examples, predicted: Sequence[Any]) -> Array:
        return tag_counts(examples.labels, predicted)

    def score_of(self, sums: Array) -> Array:
        return f1_of(sums)

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return score_table(tag_scores(examples.labels, predicted), self._kind(examples))

    def values(self, examples: Examples, predicted: Sequence[Any]) -> dict[str, Any]:
        return score_values(tag_scores(examples.labels, predicted))

    def _kind(self, examples: Examples) -> str:
        return "type" if are_entities(self.labels(examples)) else "tag"

    def figure(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        if self._kind(examples) == "type":
            return figures.type_scores(tag_scores(examples.labels, predicted))
        actual, found = ([tag for own in labels for tag in own] for labels in (examples.labels, predicted))
        tags = sorted({*actual, *found})
        return figures.confusion_matrix(confusion(actual, found, tags), tags)

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [line for words, labels in zip(examples.sentences, predicted, strict=True)
                for line in [*(f"{word}\t{label}" for word, label in zip(words, labels, strict=True)), ""]]

    def record(self, sentence: Sequence[str], asked: Any, predicted: Any) -> dict[str, Any]:
        return {"words": list(sentence), "labels": predicted or []}

    def probabilities(self, model: Any, examples: Examples) -> list[list[dict[str, float]]]:
        return [by_label(model.labels, p) for p in model.probabilities(examples.sentences)]
