"""The tasks of `elmo-np task`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...inference.elmo import ELMo
from ...runtime.progress import Progress
from ..data import builtin, nltk_data
from ..data.files import Data, Examples, read_conll, read_labelled, read_senses
from ..metrics import figures as pictures
from ..metrics.scores import accuracy, accuracy_by_word, confusion, entity_scores, scores
from ..models.classifier import SentenceClassifier
from ..models.config import TaskConfig
from ..models.embedding_cache import EmbeddingCache
from ..models.senses import WordSenses, senses_of
from ..models.tagger import Tagger, bio_labels
from . import baselines
from .task_base import TaskSpec
from .translate import Translate

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
        there, found = enumerate(examples.labels), enumerate(predicted)
        return _table({name: score for name, score in scores(there, found).items() if name != "all"}, "label")

    def picture(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        labels = sorted({*examples.labels, *predicted})
        return pictures.confusion_matrix(confusion(examples.labels, predicted, labels), labels)

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [f"{' '.join(words)}\t{label}" for words, label in zip(examples.sentences, predicted, strict=True)]


class Tag(TaskSpec):
    name, about = "tag", "a label for every word: names of persons, places .."
    measure = "entity F1"
    built_in = ("grammar",)
    columns = "word and label in columns, a word a line, a blank line between sentences"

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
        return _table(entity_scores(examples.labels, predicted), "type")

    def picture(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        return pictures.type_scores(entity_scores(examples.labels, predicted))

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [line for words, labels in zip(examples.sentences, predicted, strict=True)
                for line in [*(f"{word}\t{label}" for word, label in zip(words, labels, strict=True)), ""]]


class Senses(TaskSpec):
    name, about = "senses", "the sense of an ambiguous word in its sentence"
    measure = "accuracy, mean over words"
    built_in = ("grammar", "nltk:senseval")
    columns = "sentence<TAB>position<TAB>word<TAB>sense"
    input = "a file: sentence<TAB>position<TAB>word"
    defaults = TaskConfig(learning_rate=0.02, input_dropout=0.0, epochs=100, patience=20)
    methods = MappingProxyType({f", {method}": {"method": method} for method in ("nearest", "logistic")})

    def read(self, name: str, tokenize: bool) -> Examples:
        self._refuse(tokenize)
        return nltk_data.senseval() if name == "nltk:senseval" else read_senses(name)

    def unlabelled(self, path: str, tokenize: bool) -> Examples:
        return read_senses(path, labelled=False)

    def check(self, model: Any, examples: Examples) -> None:
        """A sense that training has not shown counts as not found; a word must be known."""
        model.check_words(examples.labels)

    def _built_in(self, name: str, seed: int) -> Data | None:
        return builtin.senses() if name == "grammar" else None

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> WordSenses:
        return WordSenses(elmo, senses_of(train.labels), config)

    def names(self, examples: Examples) -> set[str]:
        """Words alone: a sense that training has not shown counts as not found."""
        return {own.word for own in examples.labels}

    def load(self, path: str, elmo: ELMo) -> WordSenses:
        return WordSenses.load(path, elmo)

    def store(self, elmo: ELMo, examples: Examples, layers: Sequence[int], progress: Progress) -> EmbeddingCache:
        positions = [own.position for own in examples.labels]
        return EmbeddingCache(elmo, examples.sentences, layers, positions=positions, progress=progress)

    def predict(self, model: Any, examples: Examples, store: EmbeddingCache | None = None) -> list[Any]:
        found: list[Any] = model.predict(*examples, store)
        return found

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        return {"most frequent sense": baselines.most_frequent_senses(train, test.labels)}

    def score(self, examples: Examples, predicted: Sequence[Any]) -> float:
        by_word = self._by_word(examples, predicted)
        return sum(share for share, _ in by_word.values()) / len(by_word)

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        found = self._by_word(examples, predicted)
        width = max(len("word"), *map(len, found))
        return [f"  {'word':{width}}  accuracy   there",
                *(f"  {word:{width}}  {share:8.1%}  {count:6,}" for word, (share, count) in found.items())]

    def picture(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        return pictures.word_accuracies(self._by_word(examples, predicted))

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [f"{' '.join(words)}\t{own.position}\t{own.word}\t{sense}"
                for words, own, sense in zip(*examples, predicted, strict=True)]

    def _by_word(self, examples: Examples, predicted: Sequence[Any]) -> dict[str, tuple[float, int]]:
        words, senses = [own.word for own in examples.labels], [own.sense for own in examples.labels]
        return accuracy_by_word(words, senses, predicted)


def _table(found: Mapping[str, Any], what: str) -> list[str]:
    width = max(len(what), *map(len, found))
    return [f"  {what:{width}}  precision  recall      F1   there",
            *(f"  {name:{width}}  {score.precision:9.1%}  {score.recall:6.1%}  {score.f1:6.1%}  {score.there:6,}"
              for name, score in found.items())]


APPLICATIONS: dict[str, TaskSpec] = {task.name: task for task in (Classify(), Tag(), Senses(), Translate())}
