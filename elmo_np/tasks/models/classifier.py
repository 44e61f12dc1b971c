"""A label for a whole sentence: its topic, its sentiment.

The network: the input (N), dropout (D), a bidirectional LSTM (U) unless hidden_dim is none, pooling (G), dropout, a
linear layer with cross-entropy (K). A bag of words (N3) adds to its scores, or is all that there is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...data.sentences import checked_sentences
from ...errors import UserError
from ...inference.elmo import ELMo
from ...nn.dropout import dropout_backward, dropout_forward
from ...types import Array, Sentences
from ..metrics.scores import accuracy
from ..nn.inputs import BagCache, BagOfWords, input_parts
from ..nn.linear import CrossEntropyCache, Linear, cross_entropy, cross_entropy_backward, log_softmax
from ..nn.pooling import Pooling
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .fit import padded
from .sentence_encoder import EncoderCache, SentenceEncoder, SourceBatch, as_batch
from .word_model import WordModel, frequent_words, texts_of


class SentenceScoresCache(NamedTuple):
    words: WordScoresCache | None       # None for a bag of words alone
    bag: BagCache | None


class WordScoresCache(NamedTuple):
    encoder: EncoderCache
    pool: list[Any]
    mask: Array | None          # (B, width of the pooling)
    linear: Array               # the same


class Cache(NamedTuple):
    scores: SentenceScoresCache
    loss: CrossEntropyCache


class SentenceNetwork(SentenceEncoder):
    """J, D: number and width of the layers; C: labels; N: words of a learnt embedding; V: words and phrases."""

    def __init__(self, J: int, D: int, C: int, config: TaskConfig, *, N: int = 0, V: int = 0, rng: Generator,
                 dtype: DTypeLike = np.float32):
        super().__init__(J, D, config, N=N, rng=rng, dtype=dtype)
        parts = input_parts(config.input)
        if parts.words:
            self.pooling = Pooling(config.pooling, self.width, rng=rng, dtype=dtype)
            self.linear = Linear(self.pooling.width, C, rng=rng, dtype=dtype)
        self.bag = BagOfWords(V, C, dropout=config.input_dropout, dtype=dtype) if parts.bag else None

    def scores(self, source: Array | SourceBatch, lengths: Array,
               rng: Generator | None = None) -> tuple[Array, SentenceScoresCache]:
        """source: the layers (J, T, B, D), or all that the input reads; lengths (B,); rng draws dropout, None for none
        -> z (B, C), cache."""
        words_cache = bag_cache = None
        z: Any = 0
        if self.width:
            z, words_cache = self._word_scores(source, lengths, rng)
        if self.bag:
            bag = as_batch(source).bag
            assert bag is not None
            z_bag, bag_cache = self.bag.forward(bag, rng)
            z = z + z_bag
        return z, SentenceScoresCache(words_cache, bag_cache)

    def _word_scores(self, source: Array | SourceBatch, lengths: Array,
                     rng: Generator | None) -> tuple[Array, WordScoresCache]:
        """The scores from the vectors of the words."""
        x, encoder_cache = self.encode(source, lengths, rng)
        pooled, pool_cache = self.pooling.forward(x, lengths)
        pooled, mask = dropout_forward(pooled, self.dropout, rng)
        z, linear_cache = self.linear.forward(pooled)
        return z, WordScoresCache(encoder_cache, pool_cache, mask, linear_cache)

    def forward(self, source: Array | SourceBatch, lengths: Array, y: Array,
                rng: Generator | None = None) -> tuple[float, Cache]:
        """As `scores`, with y (B,) -> loss in nats per sentence, the input's penalty included, and cache."""
        z, scores_cache = self.scores(source, lengths, rng)
        loss, loss_cache = cross_entropy(z, y)
        return loss + self.penalty(), Cache(scores_cache, loss_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of the minimised quantity by this loss; accumulates into every Parameter.grad."""
        dz = cross_entropy_backward(dloss, cache.loss)
        if cache.scores.words:
            encoder_cache, pool_cache, mask, linear_cache = cache.scores.words
            dpooled = self.linear.backward(dz, linear_cache)
            dpooled = dropout_backward(dpooled, mask)
            dx = self.pooling.backward(dpooled, pool_cache)
            self.encode_backward(dx, dloss, encoder_cache)
        if self.bag and cache.scores.bag:
            self.bag.backward(dz, cache.scores.bag)


class SentenceClassifier(WordModel):
    """One of `labels` for a sentence; trained for the best accuracy.

    source_words    UNK, then the words that an input with a learnt embedding knows
    phrases         the words and phrases that an input with a bag of words knows
    """

    TASK = "classify"
    PRODUCTS = (("hidden_dim", "hidden_dim"), ("char_dim", "char_dim"), ("phrases", "labels"))
    BAG = True

    def __init__(self, elmo: ELMo, labels: Sequence[str], config: TaskConfig | None = None, *,
                 source_words: Sequence[str] = (), phrases: Sequence[str] = (), tokenize: bool = False):
        self.phrases = list(phrases)
        self._phrase_ids = {phrase: k for k, phrase in enumerate(self.phrases)}
        super().__init__(elmo, labels, source_words, config, tokenize=tokenize)

    def _network(self, rng: Generator) -> SentenceNetwork:
        if self.parts.bag and not self.phrases:
            raise UserError(f"input = {self.config.input}: this model has no words for a bag; expected phrases, those "
                            f"that the training sentences have at least min_count = {self.config.min_count} times")
        return SentenceNetwork(len(self.layers), self.width, len(self.labels), self.config, N=len(self.source_words),
                               V=len(self.phrases), rng=rng)

    def _start(self, sentences: Sentences, labels: Sequence[str]) -> None:
        """Naive Bayes, where the input has a bag of words."""
        if self.network.bag:
            found = [self._bag_of(sentence) for sentence in sentences]
            y = np.repeat(self._targets(labels), [len(own) for own in found])
            self.network.bag.start(np.array([k for own in found for k in own], int), y)

    def _bag_of(self, sentence: Sequence[str]) -> list[int]:
        """Ids of the known words and phrases of a sentence, each once."""
        found = phrases_of(sentence, self.config.ngrams)
        return [self._phrase_ids[own] for own in found if own in self._phrase_ids]

    def _read(self, sentences: Sentences, vectors: EmbeddingCache | None,
              group: Sequence[int] | Array) -> tuple[SourceBatch, Array]:
        source, lengths = super()._read(sentences, vectors, group)
        if self.parts.bag:
            source = source._replace(bag=padded([self._bag_of(sentences[k]) for k in group], -1))
        return source, lengths

    def _targets(self, labels: Sequence[str]) -> list[int]:
        return self.label_ids(labels)

    def _score(self, sentences: Sentences, labels: Sequence[Any], vectors: EmbeddingCache | None) -> float:
        return accuracy(labels, self.predict(sentences, vectors))

    def probabilities(self, sentences: Sentences, vectors: EmbeddingCache | None = None) -> Array:
        """p of every label of every sentence, (N, C)."""
        sentences = list(checked_sentences(sentences))
        p = np.zeros((len(sentences), len(self.labels)), np.float32)
        for indices, layers, lengths in self.batches(sentences, vectors):
            z, _ = self.network.scores(layers, lengths)
            p[indices] = np.exp(log_softmax(z))
        return p

    def predict(self, sentences: Sentences, vectors: EmbeddingCache | None = None) -> list[str]:
        """The likeliest label of every sentence."""
        return [self.labels[k] for k in self.probabilities(sentences, vectors).argmax(axis=1)]

    def _texts(self) -> dict[str, str]:
        return {**super()._texts(), **({"phrases": json.dumps(self.phrases)} if self.parts.bag else {})}

    @classmethod
    def _from_texts(cls, elmo: ELMo, labels: list[str], config: TaskConfig, tokenize: bool,
                    texts: dict[str, str]) -> SentenceClassifier:
        return cls(elmo, labels, config, source_words=texts_of(texts, "source_words"),
                   phrases=texts_of(texts, "phrases"), tokenize=tokenize)


def phrases_of(sentence: Sequence[str], most: int) -> list[str]:
    """Its runs of 1 to `most` words, each once, in order."""
    runs = (" ".join(sentence[t:t + n]) for n in range(1, most + 1) for t in range(len(sentence) - n + 1))
    return list(dict.fromkeys(runs))


def frequent_phrases(sentences: Sentences, config: TaskConfig) -> list[str]:
    """The words and phrases for the bag of these training sentences."""
    return frequent_words((phrases_of(sentence, config.ngrams) for sentence in sentences), config.min_count)
