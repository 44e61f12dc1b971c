"""`elmo-np task translate`: its data, its measures, its figure."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.vocabulary import EOS, SPECIAL_TOKENS
from ...errors import UserError
from ...inference.elmo import ELMo
from ...types import Array
from ..data import builtin
from ..data.examples import Data, Examples
from ..data.files import PAIRS, read_pairs
from ..data.splits import split_by_sentence
from ..data.tables import ANY, Columns
from ..metrics import figures
from ..metrics.bleu import available, bleu_counts, bleu_of
from ..metrics.scores import ratio, token_accuracy, token_counts
from ..models.config import TaskConfig
from ..models.translator import Translation, Translator
from ..models.word_model import frequent_words, source_words
from ..nn.inputs import LEARNT
from . import baselines
from .task_base import TaskSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = 3       # number of sentences whose attention is drawn


class Translate(TaskSpec):
    name, about = "translate", "a sentence in another language"
    built_in = ("grammar",)
    columns, unit = "source<TAB>target", "different sources"
    roles, has_probabilities = PAIRS, False
    defaults = TaskConfig(input_dropout=0.1, dropout=0.2, learning_rate=0.003)
    more_inputs = MappingProxyType({"learnt embeddings, no biLM": LEARNT})
    joined_inputs = MappingProxyType({"learnt embeddings beside the layer mix": f"{LEARNT}+mix"})

    @property
    def measure(self) -> str:
        return "BLEU" if available() else "token accuracy"

    def read(self, name: str, tokenize: bool, columns: Columns = ANY) -> Examples:
        return read_pairs(name, tokenize, columns)

    def _built_in(self, name: str, seed: int) -> Data | None:
        return builtin.pairs() if name == "grammar" else None

    def labels(self, train: Examples) -> list[str]:
        """None: an unknown word becomes <UNK>, and counts as an error of the model."""
        return []

    def text(self, train: Examples) -> list[tuple[str, ...]]:
        """Each source once, those longer than max_source included."""
        return list(dict.fromkeys(map(tuple, train.sentences)))

    def hold_out(self, examples: Examples, every: int, seed: int) -> tuple[list[int], list[int]]:
        """All translations of a source are in the same part."""
        return split_by_sentence(examples.sentences, every, seed)

    def fitting(self, examples: Examples, config: TaskConfig) -> Examples:
        found = examples.some(k for k, own in enumerate(examples.sentences) if len(own) <= config.max_source)
        if not found.sentences:
            raise UserError(f"none of {len(examples.sentences):,} sources has at most max_source = {config.max_source} "
                            "words: raise it with --set max_source=N")
        return found

    def model(self, elmo: ELMo, train: Examples, config: TaskConfig, tokenize: bool) -> Translator:
        labels = [*SPECIAL_TOKENS, *frequent_words(train.labels, config.min_count)]
        return Translator(elmo, labels, source_words(train.sentences, config), config, tokenize=tokenize)

    def load(self, path: str, elmo: ELMo) -> Translator:
        return Translator.load(path, elmo)

    def baselines(self, train: Examples, test: Examples) -> dict[str, list[Any]]:
        no_attention = np.zeros((0, 0))
        return {"word by word (Dice)": [Translation(words, no_attention)
                                        for words in baselines.word_by_word(train, test.sentences)]}

    def counts(self, examples: Examples, predicted: Sequence[Any]) -> Array:
        """For each different source."""
        if not available():
            return token_counts(examples.labels, [own.words for own in predicted])
        return bleu_counts(*self._by_source(examples, predicted))

    def score_of(self, sums: Array) -> Array:
        return bleu_of(sums) if available() else ratio(sums)

    def details(self, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        values, sources = self.values(examples, predicted), set(map(tuple, examples.sentences))
        return [f"  {values['exact']:6.1%}  of {len(sources):,} different sources are translated exactly",
                f"  {values['token_accuracy']:6.1%}  of the words are correct at their position (token accuracy)",
                "  BLEU is computed by sacrebleu, on words as they are split here (tokenize none)" if available() else
                "  for BLEU: pip install 'elmo_np[bleu]'"]

    def values(self, examples: Examples, predicted: Sequence[Any]) -> dict[str, Any]:
        references, found = self._by_source(examples, predicted)
        return {"exact": float(np.mean([words in own for own, words in zip(references, found, strict=True)])),
                "token_accuracy": token_accuracy(examples.labels, [own.words for own in predicted])}

    def figure(self, examples: Examples, predicted: Sequence[Any]) -> Figure:
        ended = [[*own.words, EOS][:len(own.attention)] for own in predicted[:DRAWN]]
        return figures.attention([(source, words, own.attention) for source, words, own
                                   in zip(examples.sentences, ended, predicted, strict=False)])

    def lines(self, model: Any, examples: Examples, predicted: Sequence[Any]) -> list[str]:
        return [f"{' '.join(words)}\t{' '.join(own.words)}"
                for words, own in zip(examples.sentences, predicted, strict=True)]

    def record(self, sentence: Sequence[str], asked: Any, predicted: Any) -> dict[str, Any]:
        return {"source": " ".join(sentence), "target": " ".join(predicted.words) if predicted else ""}

    def _by_source(self, examples: Examples, predicted: Sequence[Any]) -> tuple[list[list[list[str]]], list[list[str]]]:
        """The references of each different source, and its translation."""
        references: dict[tuple[str, ...], list[list[str]]] = {}
        found = {}
        for source, target, own in zip(*examples, predicted, strict=True):
            references.setdefault(tuple(source), []).append(target)
            found[tuple(source)] = own.words
        return list(references.values()), list(found.values())
