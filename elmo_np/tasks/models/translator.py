"""A sentence in another language: what a decoder writes that looks at the vectors of the source.

The network is `encoder_decoder.py`; a beam (X) writes, or the likeliest word at each step.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ...data.vocabulary import BOS, EOS, UNK
from ...errors import UserError
from ...inference.elmo import ELMo
from ...nn.softmax import IGNORE_INDEX
from ...runtime.progress import Progress
from ...types import Array
from ..metrics.scores import token_accuracy
from ..nn.inputs import layers_of
from ..nn.search import BeamState, beam_search
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .encoder_decoder import END, LEARNT, START, UNKNOWN, EncoderDecoder, Words, bilm_input, padded, read
from .fit import Batch, Dataset, Epoch, fit
from .task_model import TaskModel

MARKS = (BOS, EOS, UNK)         # the first labels of a translator, at START, END and UNKNOWN


class Translation(NamedTuple):
    """Words, and at which words of the source the decoder looked for them."""

    words: list[str]
    attention: Array            # (T, S): a row a word and one for the end mark, where that was written


class Translator(TaskModel):
    """Sentences of a target language for those of a source language.

    labels          the words of the target: MARKS, then words
    source_words    UNK, then the words of the source that the inputs "learnt" and "learnt+.." know; other inputs read
                    nothing of it
    """

    TASK = "translate"

    def __init__(self, elmo: ELMo, labels: Sequence[str], source_words: Sequence[str],
                 config: TaskConfig | None = None, *, tokenize: bool = False):
        if tuple(labels[:len(MARKS)]) != MARKS or len(labels) == len(MARKS) or source_words[:1] != [UNK]:
            raise UserError(f"words of a translator begin with {', '.join(labels[:3]):.60} and "
                            f"{', '.join(source_words[:1]):.20}, expected {', '.join(MARKS)} and words of the target, "
                            f"{UNK} and words of the source")
        self.source_words = list(source_words)
        self.source_number = {word: k for k, word in enumerate(self.source_words)}
        super().__init__(elmo, labels, config, tokenize=tokenize)

    def _layers(self) -> list[int]:
        """With the input "learnt", for their width alone: that of the static vectors."""
        return layers_of(self.elmo, bilm_input(self.config.input) or "static")

    def _network(self, rng: np.random.Generator) -> EncoderDecoder:
        return EncoderDecoder(len(self.layers), self.width, len(self.source_words), len(self.labels), self.config,
                                  rng=rng)

    def numbers(self, labels: Sequence[str]) -> list[int]:
        """The numbers of target words; UNKNOWN for others, and for a mark that stands in a text."""
        return [max(UNKNOWN, self.number.get(word, UNKNOWN)) for word in labels]

    def train(self, sentences: Sequence[Sequence[str]], targets: Sequence[Sequence[str]],
              valid_sentences: Sequence[Sequence[str]], valid_targets: Sequence[Sequence[str]], *,
              stores: tuple[EmbeddingCache, EmbeddingCache] | None = None,
              progress: Progress | None = None) -> list[Epoch]:
        """Learn from pairs of sentences; the epoch stays whose likeliest words for the validation sentences, one at a
        time, have the best token accuracy.

        stores  vectors of both, if they are there already
        """
        if not len(sentences) or not len(valid_sentences):
            raise UserError(f"{len(sentences)} sentences to train on and {len(valid_sentences)} to validate on: "
                            "expected at least one of each")
        progress = progress or Progress(quiet=True)
        store, valid_store = stores or (self._store(sentences, progress), self._store(valid_sentences, progress))
        learning, validating = (
            Dataset(np.array([len(sentence) for sentence in some]),
                   partial(self._batch, some, held, [[*self.numbers(words), END] for words in own]))
            for some, held, own in ((sentences, store, targets), (valid_sentences, valid_store, valid_targets)))

        def score() -> float:
            found = self.predict(valid_sentences, valid_store, beam=1)
            return token_accuracy(valid_targets, [own.words for own in found])
        return fit(self.network, self.config, learning, validating, score, progress)

    def _store(self, sentences: Sequence[Sequence[str]], progress: Progress) -> EmbeddingCache | None:
        if not bilm_input(self.config.input):
            return None
        return EmbeddingCache(self.elmo, sentences, self.layers, progress=progress)

    def _batch(self, sentences: Sequence[Sequence[str]], store: EmbeddingCache | None, y: Sequence[Sequence[int]],
               group: Array) -> Batch:
        source, lengths = self._read(sentences, store, group)
        return source, lengths, padded([y[k] for k in group], IGNORE_INDEX)

    def _read(self, sentences: Sequence[Sequence[str]], store: EmbeddingCache | None,
              group: Sequence[int] | Array) -> tuple[Words, Array]:
        """What the network reads for sentences by their numbers, and their lengths."""
        layers = ids = None
        if self.config.input.startswith(LEARNT):
            ids = padded([[self.source_number.get(word, 0) for word in sentences[k]] for k in group], 0)
        if bilm_input(self.config.input):
            own = store or EmbeddingCache(self.elmo, [sentences[k] for k in group], self.layers)
            layers, _ = own.batch(group if store else np.arange(len(group)), self.layers)
        return Words(layers, ids), np.array([len(sentences[k]) for k in group])

    def predict(self, sentences: Sequence[Sequence[str]], store: EmbeddingCache | None = None, *,
                beam: int | None = None) -> list[Translation]:
        """The best translation of every sentence that a beam finds; beam None: the setting's, 1: the likeliest word at
        each step."""
        found: dict[int, Translation] = {}
        for numbers in self.groups(sentences):
            source, lengths = self._read(sentences, store, numbers)
            u, keys, _ = self.network.encode(source, lengths)
            ids = self._search(u, keys, lengths, beam or self.config.beam)
            found.update(zip(numbers, self._translations(ids, u, keys, lengths), strict=True))
        return [found[k] for k in range(len(sentences))]

    def _search(self, u: Array, keys: Array, lengths: Array, beam: int) -> list[list[int]]:
        """Ids of the best translation of each sentence, the end mark among them where there was room for it."""
        if beam == 1:
            return self._greedy(u, keys, lengths)
        found = []
        for b, n in enumerate(map(int, lengths)):
            def step(words: Array, state: BeamState, own: Array = keys[:n, b:b+1]) -> tuple[Array, BeamState]:
                rows = len(words)
                log_p, after, _ = self.network.decoder.step(words, list(state), np.repeat(own, rows, axis=1),
                                                            np.full(rows, len(own)))
                return log_p, after
            best = beam_search(step, self.network.decoder.begin(u[b:b+1]), start=START, end=END, beam=beam,
                               longest=_longest(n))
            found.append(best[0].words)
        return found

    def _greedy(self, u: Array, keys: Array, lengths: Array) -> list[list[int]]:
        """The same with a beam of 1, for all sentences at once."""
        state, words = self.network.decoder.begin(u), np.full(len(lengths), START)
        limits = _longest(lengths)
        written: list[Array] = []
        ended = np.zeros(len(lengths), bool)
        while not ended.all():
            log_p, state, _ = self.network.decoder.step(words, state, keys, lengths)
            words = np.where(ended, IGNORE_INDEX, log_p.argmax(axis=1))
            written.append(words)
            ended = ended | (words == END) | (len(written) >= limits)
            words = np.maximum(words, 0)
        return [[int(word) for word in own if word != IGNORE_INDEX] for own in np.array(written).T]

    def _translations(self, ids: list[list[int]], u: Array, keys: Array, lengths: Array) -> list[Translation]:
        """Words of ids, and the attention that they were written with."""
        y = padded(ids, IGNORE_INDEX)
        p = self.network.decoder.forward(u, keys, lengths, read(y), y)[1].attention.p
        return [Translation([self.labels[k] for k in own if k != END], p[b, :len(own), :lengths[b]].copy())
                for b, own in enumerate(ids)]

    def _texts(self) -> dict[str, str]:
        return {"source_words": json.dumps(self.source_words)}

    @classmethod
    def _made(cls, elmo: ELMo, labels: list[str], config: TaskConfig, tokenize: bool,
              texts: dict[str, str]) -> Translator:
        return cls(elmo, labels, json.loads(texts["source_words"]), config, tokenize=tokenize)


def _longest(n: Any) -> Any:
    """Words of a translation at the most, its end mark with them, for n words of the source."""
    return 2 * n + 10


def frequent_words(sentences: Sequence[Sequence[str]], min_count: int) -> list[str]:
    """The words that occur so often, in order; the marks are none."""
    counts = Counter(word for sentence in sentences for word in sentence)
    return sorted(word for word, count in counts.items() if count >= min_count and word not in MARKS)
