"""Encoder and decoder: the network of the translator.

The encoder: the input (N), dropout (D), a bidirectional LSTM (U) unless hidden_dim is none, dropout; of its output the
two ends (G4) are where the decoder (Y) starts, and all of it is what the decoder's attention (Z) looks at. In training
the decoder reads the right word before each.

With the input "learnt" the words of the source have vectors of their own, an embedding (E) that is learnt with the
task: the same network without a biLM, to compare with.
Source: Bahdanau et al. 2015; Luong et al. 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .. import embedding
from ..dropout import dropout_backward, dropout_forward
from ..embedding import Embedding
from ..parameter import Array
from ..softmax import PADDING
from . import bilstm, decoder, inputs, pooling
from .bilstm import BiLSTM
from .config import TaskConfig
from .decoder import Decoder
from .inputs import WordInput
from .pooling import pool, pool_backward

LEARNT = "learnt"               # the input that reads no biLM
START, END, UNKNOWN = range(3)  # the first words of the target


class EncodeCache(NamedTuple):
    embedding: embedding.Cache | None
    input: inputs.Cache
    lstm: bilstm.Cache | None
    mask: Array | None          # (S, B, D)
    pool: pooling.Cache


class Cache(NamedTuple):
    source: EncodeCache
    decoder: decoder.Cache


class EncoderDecoder:
    """J, D: layers and their width; N, V: words of the source (with the input "learnt") and of the target."""

    def __init__(self, J: int, D: int, N: int, V: int, config: TaskConfig, *, rng: np.random.Generator,
                 dtype: npt.DTypeLike = np.float32):
        self.dropout, learnt = config.dropout, config.input == LEARNT
        self.embedding = Embedding(N, D, rng=rng, dtype=dtype) if learnt else None
        self.input = WordInput("0" if learnt else config.input, J, D, dropout=config.input_dropout,
                               penalty=config.penalty, rng=rng, dtype=dtype)
        self.lstm = BiLSTM(D, config.hidden_dim, rng=rng, dtype=dtype) if config.hidden_dim else None
        width = 2 * config.hidden_dim if config.hidden_dim else D
        self.decoder = Decoder(V, config.word_dim, config.decoder_dim, width, width, kind=config.attention,
                               dropout=config.dropout, rng=rng, dtype=dtype)

    def encode(self, source: Array, lengths: Array,
               rng: np.random.Generator | None = None) -> tuple[Array, Array, EncodeCache]:
        """source: layers (J, S, B, D), or ids (S, B) with the input "learnt"; lengths (B,); rng: draws dropout, None
        for none -> u (B, U), keys (S, B, U), cache."""
        embedding_cache = None
        if self.embedding:
            x, embedding_cache = self.embedding.forward(source)
            source = x[None]
        x, input_cache = self.input.forward(source, rng)
        x, lstm_cache = self.lstm.forward(x, lengths) if self.lstm else (x, None)
        x, mask = dropout_forward(x, self.dropout, rng)
        u, pool_cache = pool(x, lengths, "ends")
        return u, x, EncodeCache(embedding_cache, input_cache, lstm_cache, mask, pool_cache)

    def forward(self, source: Array, lengths: Array, y: Array,
                rng: np.random.Generator | None = None) -> tuple[float, Cache]:
        """As `encode`, and targets y (T, B) with an end mark, PADDING behind it
        -> loss in nats a target with the input's penalty, cache."""
        u, keys, source_cache = self.encode(source, lengths, rng)
        loss, decoder_cache = self.decoder.forward(u, keys, lengths, read(y), y, rng)
        return loss + self.input.penalty(), Cache(source_cache, decoder_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of whatever is minimised by this loss; adds to every Parameter.grad."""
        embedding_cache, input_cache, lstm_cache, mask, pool_cache = cache.source
        du, dkeys = self.decoder.backward(dloss, cache.decoder)
        dx = dropout_backward(dkeys + pool_backward(du, pool_cache), mask)
        if self.lstm and lstm_cache:
            dx = self.lstm.backward(dx, lstm_cache)
        dlayers = self.input.backward(dx, input_cache)
        self.input.penalty_backward(dloss)
        if self.embedding and embedding_cache:
            self.embedding.backward(dlayers[0], embedding_cache)


def read(y: Array) -> Array:
    """Targets y (T, B) -> the word that the decoder reads before each: the start mark, then the right ones (T, B)."""
    return np.concatenate([np.full((1, y.shape[1]), START), np.where(y[:-1] == PADDING, END, y[:-1])])


def padded(sentences: Sequence[Sequence[int]], padding: int) -> Array:
    """Ids of sentences -> (T, B) as long as the longest."""
    ids = np.full((max(map(len, sentences)), len(sentences)), padding)
    for b, own in enumerate(sentences):
        ids[:len(own), b] = own
    return ids
