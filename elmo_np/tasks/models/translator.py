"""A sentence in another language, written by a decoder with attention to the vectors of the source.

The network is `encoder_decoder.py`; the words are chosen by a beam search (X), or the likeliest one at each step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from ...data.sentences import checked_sentences
from ...data.vocabulary import SPECIAL_TOKENS, UNK
from ...errors import UserError
from ...inference.elmo import ELMo
from ...nn.softmax import IGNORE_INDEX
from ...types import Array, Sentences
from ..metrics.scores import token_accuracy
from ..nn.search import BeamState, beam_search
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .encoder_decoder import END, START, UNKNOWN, EncoderDecoder, decoder_words
from .fit import padded
from .word_model import WordModel, texts_of


class Translation(NamedTuple):
    words: list[str]
    attention: Array            # (T, S): one row per word, and one for the end token if it was written


class Translator(WordModel):
    """Sentences of a target language for those of a source language.

    Trained for the best token accuracy of the likeliest word at each step.
    labels          the words of the target: SPECIAL_TOKENS at START, END and UNKNOWN, then words
    source_words    UNK, then the words of the source that the inputs "learnt" and "learnt+.." know; other inputs
                    ignore it
    """

    TASK = "translate"
    PRODUCTS = (("hidden_dim", "hidden_dim"), ("char_dim", "char_dim"), ("decoder_dim", "decoder_dim"),
                ("word_dim", "labels"))

    def __init__(self, elmo: ELMo, labels: Sequence[str], source_words: Sequence[str],
                 config: TaskConfig | None = None, *, tokenize: bool = False):
        special = len(SPECIAL_TOKENS)
        if tuple(labels[:special]) != SPECIAL_TOKENS or len(labels) == special or source_words[:1] != [UNK]:
            raise UserError(f"words of a translator begin with {', '.join(labels[:3]):.60} and "
                            f"{', '.join(source_words[:1]):.20}, expected {', '.join(SPECIAL_TOKENS)} and words of the "
                            f"target, {UNK} and words of the source")
        super().__init__(elmo, labels, source_words, config, tokenize=tokenize)

    def _network(self, rng: Generator) -> EncoderDecoder:
        return EncoderDecoder(len(self.layers), self.width, len(self.source_words), len(self.labels), self.config,
                                  rng=rng)

    def label_ids(self, labels: Sequence[str]) -> list[int]:
        """UNKNOWN for other words, and for a special token that occurs in a text."""
        return [max(UNKNOWN, self._ids.get(word, UNKNOWN)) for word in labels]

    def _targets(self, labels: Sentences) -> list[list[int]]:
        return [[*self.label_ids(words), END] for words in checked_sentences(labels)]

    def _stacked(self, targets: Sequence[Any]) -> Array:
        return padded(targets, IGNORE_INDEX)

    def _score(self, sentences: Sentences, labels: Sequence[Any], vectors: EmbeddingCache | None) -> float:
        found = self.predict(sentences, vectors, beam=1)
        return token_accuracy(labels, [own.words for own in found])

    def predict(self, sentences: Sentences, vectors: EmbeddingCache | None = None, *,
                beam: int | None = None) -> list[Translation]:
        """The best translation of every sentence that a beam finds.

        beam    its width; None: that of the settings, 1: the likeliest word at each step
        """
        sentences = list(checked_sentences(sentences))
        found: dict[int, Translation] = {}
        for indices, source, lengths in self.batches(sentences, vectors):
            u, keys, _ = self.network.encode_source(source, lengths)
            ids = self._search(u, keys, lengths, beam or self.config.beam)
            found.update(zip(indices, self._translations(ids, u, keys, lengths), strict=True))
        return [found[k] for k in range(len(sentences))]

    def _search(self, u: Array, keys: Array, lengths: Array, beam: int) -> list[list[int]]:
        """Ids of the best translation of each sentence, with the end token if it was reached."""
        if beam == 1:
            return self._greedy(u, keys, lengths)
        found = []
        for b, n in enumerate(map(int, lengths)):
            def step(words: Array, state: BeamState, own: Array = keys[:n, b:b+1]) -> tuple[Array, BeamState]:
                rows = len(words)
                log_p, next_state, _ = self.network.decoder.step(words, list(state), np.repeat(own, rows, axis=1),
                                                                 np.full(rows, len(own)))
                return log_p, next_state
            best = beam_search(step, self.network.decoder.begin(u[b:b+1]), start=START, end=END, beam=beam,
                               longest=_longest(n))
            found.append(best[0].words)
        return found

    def _greedy(self, u: Array, keys: Array, lengths: Array) -> list[list[int]]:
        """The same with a beam of 1, for all sentences at once."""
        state = self.network.decoder.begin(u)
        words = np.full(len(lengths), START)
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
        """The words of ids, and the attention with which they were written."""
        y = padded(ids, IGNORE_INDEX)
        p = self.network.decoder.forward(u, keys, lengths, decoder_words(y), y)[1].attention.p
        return [Translation([self.labels[k] for k in own if k != END], p[b, :len(own), :lengths[b]].copy())
                for b, own in enumerate(ids)]

    def _texts(self) -> dict[str, str]:
        return {"source_words": json.dumps(self.source_words)}

    @classmethod
    def _from_texts(cls, elmo: ELMo, labels: list[str], config: TaskConfig, tokenize: bool,
                    texts: dict[str, str]) -> Translator:
        return cls(elmo, labels, texts_of(texts, "source_words"), config, tokenize=tokenize)


def _longest(n: Any) -> Any:
    """Maximum number of words of a translation, its end token included, for n words of the source."""
    return 2 * n + 10
