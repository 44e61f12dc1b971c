"""A label for every word: names in a text, as BIO labels in sequences that a CRF keeps well-formed; parts of speech.

The network: the input (N), dropout (D), a bidirectional LSTM (U) unless hidden_dim is none, dropout, a linear layer
(K1), a linear-chain CRF (F) on its scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...data.sentences import checked_sentences
from ...errors import UserError
from ...inference.elmo import ELMo
from ...nn.dropout import dropout_backward, dropout_forward
from ...nn.softmax import IGNORE_INDEX
from ...types import Array, Sentences
from ..data.conll import well_formed
from ..metrics.scores import are_entities, tag_scores
from ..nn import crf
from ..nn.crf import CRF, bio
from ..nn.linear import Linear
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .fit import Dataset, padded
from .sentence_encoder import EncoderCache, SentenceEncoder, SourceBatch
from .word_model import WordModel, texts_of


class TagScoresCache(NamedTuple):
    encoder: EncoderCache
    mask: Array | None          # (T, B, 2H)
    linear: Array               # (T, B, 2H)


class Cache(NamedTuple):
    scores: TagScoresCache
    crf: crf.Cache


class TagNetwork(SentenceEncoder):
    """J, D, N: as of the encoder; labels: BIO, or plain tags, which may follow one another in any order."""

    def __init__(self, J: int, D: int, labels: Sequence[str], config: TaskConfig, *, N: int = 0,
                 rng: Generator, dtype: DTypeLike = np.float32):
        super().__init__(J, D, config, N=N, rng=rng, dtype=dtype)
        self.linear = Linear(self.width, len(labels), rng=rng, dtype=dtype)
        self.crf = CRF(len(labels), bio(labels) if are_entities(labels) else None, dtype=dtype)

    def scores(self, source: Array | SourceBatch, lengths: Array,
               rng: Generator | None = None) -> tuple[Array, TagScoresCache]:
        """source: the layers (J, T, B, D), or all that the input reads; lengths (B,); rng draws dropout, None for none
        -> z (T, B, C), cache."""
        x, encoder_cache = self.encode(source, lengths, rng)
        x, mask = dropout_forward(x, self.dropout, rng)
        z, linear_cache = self.linear.forward(x)
        return z, TagScoresCache(encoder_cache, mask, linear_cache)

    def forward(self, source: Array | SourceBatch, lengths: Array, y: Array,
                rng: Generator | None = None) -> tuple[float, Cache]:
        """As `scores`, with y (T, B) -> loss in nats per sentence, the input's penalty included, and cache."""
        z, scores_cache = self.scores(source, lengths, rng)
        loss, crf_cache = self.crf.forward(z, y, lengths)
        return loss + self.penalty(), Cache(scores_cache, crf_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of the minimised quantity by this loss; accumulates into every Parameter.grad."""
        encoder_cache, mask, linear_cache = cache.scores
        dz = self.crf.backward(dloss, cache.crf)
        dx = self.linear.backward(dz, linear_cache)
        self.encode_backward(dropout_backward(dx, mask), dloss, encoder_cache)


class Tagger(WordModel):
    """One of `labels` for every word: O, B-type and I-type, for the best span F1, or plain tags, for accuracy."""

    TASK = "tag"
    PRODUCTS = (("hidden_dim", "hidden_dim"), ("char_dim", "char_dim"), ("labels", "labels"))

    def __init__(self, elmo: ELMo, labels: Sequence[str], config: TaskConfig | None = None, *,
                 source_words: Sequence[str] = (), tokenize: bool = False):
        super().__init__(elmo, labels, source_words, config, tokenize=tokenize)

    def _network(self, rng: Generator) -> TagNetwork:
        return TagNetwork(len(self.layers), self.width, self.labels, self.config, N=len(self.source_words), rng=rng)

    def _targets(self, labels: Sentences) -> list[list[int]]:
        return [self.label_ids(own) for own in labels]

    def _stacked(self, targets: Sequence[Any]) -> Array:
        return padded(targets, IGNORE_INDEX)

    def _dataset(self, sentences: Sentences, labels: Sequence[Any], vectors: EmbeddingCache | None) -> Dataset:
        found = super()._dataset(sentences, labels, vectors)
        for k, (sentence, own) in enumerate(zip(sentences, labels, strict=True)):
            if len(sentence) != len(own):
                raise UserError(f"sentence {k} has words and labels in different numbers ({len(sentence)}, "
                                f"{len(own)}): expected one label per word")
            if are_entities(self.labels) and well_formed(own) != list(own):
                raise UserError(f"sentence {k} has the labels {' '.join(own)!r:.60}, expected B-type where an entity "
                                "begins: elmo_np.tasks.data.conll.well_formed returns them so")
        return found

    def _score(self, sentences: Sentences, labels: Sequence[Any], vectors: EmbeddingCache | None) -> float:
        return tag_scores(labels, self.predict(sentences, vectors))["all"].f1

    def probabilities(self, sentences: Sentences) -> list[Array]:
        """p of every label of each word, (T, C) per sentence: the marginals of the CRF (F6)."""
        sentences = list(checked_sentences(sentences))
        found: dict[int, Array] = {}
        for indices, layers, lengths in self.batches(sentences):
            z, _ = self.network.scores(layers, lengths)
            p = self.network.crf.marginals(z, lengths)
            found.update((k, p[:n, b]) for b, (k, n) in enumerate(zip(indices, lengths, strict=True)))
        return [found[k] for k in range(len(sentences))]

    def predict(self, sentences: Sentences, vectors: EmbeddingCache | None = None) -> list[list[str]]:
        """The best labels of every sentence's words."""
        sentences = list(checked_sentences(sentences))
        found: dict[int, list[str]] = {}
        for indices, layers, lengths in self.batches(sentences, vectors):
            z, _ = self.network.scores(layers, lengths)
            best = self.network.crf.best(z, lengths)
            found.update(zip(indices, ([self.labels[k] for k in own] for own in best), strict=True))
        return [found[k] for k in range(len(sentences))]

    @classmethod
    def _from_texts(cls, elmo: ELMo, labels: list[str], config: TaskConfig, tokenize: bool,
                    texts: dict[str, str]) -> Tagger:
        return cls(elmo, labels, config, source_words=texts_of(texts, "source_words"), tokenize=tokenize)


def tag_labels(sentences: Sentences) -> list[str]:
    """All labels that a tagger needs for these sentences, in order: `bio_labels`, or the tags."""
    labels = {label for own in sentences for label in own}
    return bio_labels(sentences) if are_entities(labels) else sorted(labels)


def bio_labels(sentences: Sentences) -> list[str]:
    """All labels that these sentences need: O, and B and I of every type, in order."""
    kinds = sorted({label[2:] for labels in sentences for label in labels if label != "O"})
    return ["O", *(f"{prefix}-{kind}" for kind in kinds for prefix in "BI")]
