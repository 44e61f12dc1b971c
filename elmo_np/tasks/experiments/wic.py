"""`elmo-np task wic`: its data, its measure, its figure."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...inference.elmo import ELMo
from ...runtime.progress import Progress
from ...types import Array
from ..data import builtin
from ..data.examples import Data, Examples, WordPair
from ..data.tables import ANY, Columns
from ..data.wic import ROLES, read_wic
from ..metrics import figures
from ..metrics.scores import confusion, correct_counts, label_scores, ratio
from ..models.config import TaskConfig
from ..models.embedding_cache import EmbeddingCache
from ..models.wic import ANSWERS, Answer, WordInContext, embed_pairs
from . import baselines
from .task_base import TaskSpec, score_table, score_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Wic(TaskSpec):
    name, about = "wic", "whether a word has the same sense in two sentences, as in the data set WiC"
    measure = "accuracy"
    built_in = ("grammar",)
    columns = "WiC's NAME.data.txt next to NAME.gold.txt, or SuperGLUE's NAME.jsonl"
    roles = asked = ROLES
    input = "a file like WiC's NAME.data.txt, or SuperGLUE's NAME.jsonl"
    unit = items = "pairs"
    defaults = TaskConfig(learning_rate=0.01, epochs=50, patience=10)
    methods = MappingProxyType({f", {comparison}": {"comparison": comparison} for comparison in ("cosine", "logistic")})
    has_probabilities = False

    def read(self, name: str, tokenize: bool, columns: Columns = ANY) -> Examples:
        self._refuse(tokenize)
        return read_wic(name, columns=columns)

    def unlabelled(self, path: str, tokenize: bool, columns: Columns = ANY) -> Examples:
        return read_wic(path, labelled=False, columns=columns)

    def labels(self, train: Examples) -> list[str]:
        return sorted({own.answer for own in train.labels})

    def _built_in(self, name: str, seed: int) -> Data | None:
        return builtin.word_pairs() if name == "grammar" else None

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> WordInContext:
        return WordInContext(elmo, ANSWERS, config)

    def load(self, path: str, elmo: ELMo) -> WordInContext:
        return WordInContext.load(path, elmo)

    def embed(self, elmo: ELMo, examples: Examples, layers: Sequence[int], progress: Progress) -> EmbeddingCache:
        return embed_pairs(elmo, *examples, layers, progress)

    def predict(self, model: Any, examples: Examples, vectors: EmbeddingCache | None = None) -> list[Answer]:
        found: list[Answer] = model.predict(*examples, vectors)
        return found

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        answers = Examples(train.sentences, [own.answer for own in train.labels])
        return {"most frequent answer": [Answer(own, 0.0) for own in baselines.majority(answers, test.sentences)]}

    def counts(self, examples: Examples, predicted: Sequence[Answer]) -> Array:
        return correct_counts(*_answers(examples, predicted))

    def score_of(self, sums: Array) -> Array:
        return ratio(sums)

    def details(self, examples: Examples, predicted: Sequence[Answer]) -> list[str]:
        return score_table(label_scores(*_answers(examples, predicted)), "answer")

    def values(self, examples: Examples, predicted: Sequence[Answer]) -> dict[str, Any]:
        return score_values(label_scores(*_answers(examples, predicted)))

    def figure(self, examples: Examples, predicted: Sequence[Answer]) -> Figure:
        return figures.confusion_matrix(confusion(*_answers(examples, predicted), ANSWERS), list(ANSWERS))

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Answer]) -> list[str]:
        """The answers alone, as in NAME.gold.txt."""
        return [own.answer for own in predicted]

    def record(self, sentence: Sequence[str], asked: WordPair | None, predicted: Answer | None) -> dict[str, Any]:
        pair = asked or WordPair("", (0, 0), [], "")
        return {"word": pair.word, "first": " ".join(sentence), "second": " ".join(pair.second),
                "positions": pair.positions if asked else None, "answer": predicted and predicted.answer,
                "cosine": predicted and predicted.cosine}


def _answers(examples: Examples, predicted: Sequence[Answer]) -> tuple[list[str], list[str]]:
    return [own.answer for own in examples.labels], [own.answer for own in predicted]
