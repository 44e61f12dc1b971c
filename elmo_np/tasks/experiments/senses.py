"""`elmo-np task senses`: its data, its measure, its figure."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...inference.elmo import ELMo
from ...runtime.progress import Progress
from ...runtime.terminal import columns_of, filled
from ...types import Array
from ..data import builtin, nltk_data
from ..data.examples import Data, Examples
from ..data.files import ASKED, SENSES, read_senses
from ..data.tables import ANY, Columns
from ..metrics import figures
from ..metrics.scores import accuracy_by_word, ratio, word_counts
from ..models.config import TaskConfig
from ..models.embedding_cache import EmbeddingCache
from ..models.senses import WordSenses, check_words, senses_of
from . import baselines
from .task_base import TaskSpec, by_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Senses(TaskSpec):
    name, about = "senses", "the sense of an ambiguous word in its sentence"
    measure = "accuracy, mean over words"
    built_in = ("grammar", "nltk:senseval")
    named = "words"
    columns = "sentence<TAB>position<TAB>word<TAB>sense"
    roles = SENSES
    input = "a file: sentence<TAB>position<TAB>word"
    asked = ASKED
    defaults = TaskConfig(learning_rate=0.02, input_dropout=0.0, epochs=100, patience=20)
    methods = MappingProxyType({f", {method}": {"method": method} for method in ("nearest", "logistic")})

    def read(self, name: str, tokenize: bool, columns: Columns = ANY) -> Examples:
        self._refuse(tokenize)
        return nltk_data.senseval() if name == "nltk:senseval" else read_senses(name, columns=columns)

    def unlabelled(self, path: str, tokenize: bool, columns: Columns = ANY) -> Examples:
        return read_senses(path, labelled=False, columns=columns)

    def known(self, model: Any) -> set[str]:
        return set(model.words)

    def check(self, known: set[str], examples: Examples) -> None:
        """Raises UserError if no word is known; unknown words and senses count as errors of the model."""
        if not known & self.names(examples):
            check_words(known, examples.labels)

    def labels(self, train: Examples) -> list[str]:
        return [f"{word}/{sense}" for word, own in senses_of(train.labels).items() for sense in own]

    def _built_in(self, name: str, seed: int) -> Data | None:
        return builtin.senses() if name == "grammar" else None

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> WordSenses:
        return WordSenses(elmo, senses_of(train.labels), config)

    def names(self, examples: Examples) -> set[str]:
        """Words alone: an unknown sense counts as an error of the model."""
        return {own.word for own in examples.labels}

    def load(self, path: str, elmo: ELMo) -> WordSenses:
        return WordSenses.load(path, elmo)

    def embed(self, elmo: ELMo, examples: Examples, layers: Sequence[int], progress: Progress) -> EmbeddingCache:
        positions = [own.position for own in examples.labels]
        return EmbeddingCache(elmo, examples.sentences, layers, positions=positions, progress=progress)

    def predict(self, model: Any, examples: Examples, vectors: EmbeddingCache | None = None) -> list[Any]:
        """"" for an unknown word with a sense, which counts as an error; raises UserError for one to be predicted."""
        tried = [k for k, own in enumerate(examples.labels) if own.word in model.words or not own.sense]
        predicted = model.predict(*examples.some(tried), vectors and vectors.part(tried))
        found = dict(zip(tried, predicted, strict=True))
        return [found.get(k, "") for k in range(len(examples.labels))]

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        return {"most frequent sense": baselines.most_frequent_senses(train, test.labels)}

    def counts(self, examples: Examples, predicted: Sequence[Any]) -> Array:
        """(N, 2W) for W words."""
        words, senses = [own.word for own in examples.labels], [own.sense for own in examples.labels]
        return word_counts(words, senses, predicted).reshape(len(words), -1)

    def score_of(self, sums: Array) -> Array:
        return np.asarray(ratio(sums.reshape(*sums.shape[:-1], -1, 2)).mean(axis=-1))

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        found = self._by_word(examples, predicted)
        width = max(len("word"), *map(columns_of, found))
        return [f"  {'word':{width}}  accuracy  support",
                *(f"  {filled(word, width)}  {share:8.1%}  {count:7,}" for word, (share, count) in found.items())]

    def values(self, examples: Examples, predicted: Sequence[Any]) -> dict[str, Any]:
        return {word: {"accuracy": share, "support": count}
                for word, (share, count) in self._by_word(examples, predicted).items()}

    def figure(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        return figures.word_accuracies(self._by_word(examples, predicted))

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [f"{' '.join(words)}\t{own.position}\t{own.word}\t{sense}"
                for words, own, sense in zip(*examples, predicted, strict=True)]

    def record(self, sentence: Sequence[str], asked: Any, predicted: Any) -> dict[str, Any]:
        return {"sentence": " ".join(sentence), "position": asked and asked.position, "word": asked and asked.word,
                "sense": predicted}

    def probabilities(self, model: Any, examples: Examples) -> list[list[dict[str, float]]]:
        return [by_label(model.senses[own.word], [p])
                for own, p in zip(examples.labels, model.probabilities(*examples), strict=True)]

    def _by_word(self, examples: Examples, predicted: Sequence[Any]) -> dict[str, tuple[float, int]]:
        words, senses = [own.word for own in examples.labels], [own.sense for own in examples.labels]
        return accuracy_by_word(words, senses, predicted)
