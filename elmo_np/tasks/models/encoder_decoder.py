"""Encoder and decoder: the network of the translator.

The encoder: the input (N), dropout (D), a bidirectional LSTM (U) unless hidden_dim is none, dropout; of its output the
two ends (G4) are where the decoder (Y) starts, and all of it is what the decoder's attention (Z) looks at. In training
the decoder reads the right word before each.

With the input "learnt" the words of the source have vectors of their own, an embedding (E) that is learnt with the
task: the same network without a biLM, to compare with. With "learnt+mix", or another input after the "+", both stand
side by side (N2).
Source: Bahdanau et al. 2015; Luong et al. 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...nn import embedding
from ...nn.dropout import dropout_backward, dropout_forward
from ...nn.embedding import Embedding
from ...nn.softmax import IGNORE_INDEX
from ...types import Array
from ..nn import bilstm, decoder, inputs, pooling
from ..nn.bilstm import BiLSTM
from ..nn.decoder import Decoder, Sizes
from ..nn.inputs import WordInput, beside, beside_backward
from ..nn.pooling import pool, pool_backward
from .config import TaskConfig

LEARNT = "learnt"               # the input that reads no biLM
JOINED = "learnt+"              # and how those begin that read one beside it
START, END, UNKNOWN = range(3)  # the first words of the target


class Words(NamedTuple):
    """What is read of the source: layers (J, S, B, D) and ids (S, B), each where the input needs it."""

    layers: Array | None
    ids: Array | None


class EncodeCache(NamedTuple):
    embedding: embedding.Cache | None
    input: inputs.Cache | None
    learnt: Array | None        # dropout of the embedding, (S, B, D)
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
        self.dropout, self.input_dropout, kind = config.dropout, config.input_dropout, bilm_input(config.input)
        self.embedding = Embedding(N, D, rng=rng, dtype=dtype) if config.input.startswith(LEARNT) else None
        self.input = WordInput(kind, J, D, dropout=config.input_dropout, penalty=config.penalty, rng=rng,
                               dtype=dtype) if kind else None
        D = 2 * D if self.embedding and self.input else D
        self.lstm = BiLSTM(D, config.hidden_dim, rng=rng, dtype=dtype) if config.hidden_dim else None
        width = 2 * config.hidden_dim if config.hidden_dim else D
        sizes = Sizes(V=V, W=config.word_dim, H=config.decoder_dim, U=width, D=width)
        self.decoder = Decoder(sizes, kind=config.attention, dropout=config.dropout, rng=rng, dtype=dtype)

    def encode(self, source: Words, lengths: Array,
               rng: np.random.Generator | None = None) -> tuple[Array, Array, EncodeCache]:
        """lengths (B,); rng: draws dropout, None for none -> u (B, U), keys (S, B, U), cache."""
        embedding_cache = input_cache = learnt = None
        if self.embedding:
            assert source.ids is not None
            e, embedding_cache = self.embedding.forward(source.ids)
            x, learnt = dropout_forward(e, self.input_dropout, rng)
        if self.input:
            assert source.layers is not None
            m, input_cache = self.input.forward(source.layers, rng)
            x = beside(x, m) if self.embedding else m
        x, lstm_cache = self.lstm.forward(x, lengths) if self.lstm else (x, None)
        x, mask = dropout_forward(x, self.dropout, rng)
        u, pool_cache = pool(x, lengths, "ends")
        return u, x, EncodeCache(embedding_cache, input_cache, learnt, lstm_cache, mask, pool_cache)

    def forward(self, source: Words, lengths: Array, y: Array,
                rng: np.random.Generator | None = None) -> tuple[float, Cache]:
        """As `encode`, and targets y (T, B) with an end mark, IGNORE_INDEX behind it
        -> loss in nats a target with the input's penalty, cache."""
        u, keys, source_cache = self.encode(source, lengths, rng)
        loss, decoder_cache = self.decoder.forward(u, keys, lengths, read(y), y, rng)
        return loss + (self.input.penalty() if self.input else 0.0), Cache(source_cache, decoder_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of whatever is minimised by this loss; adds to every Parameter.grad."""
        embedding_cache, input_cache, learnt, lstm_cache, mask, pool_cache = cache.source
        du, dkeys = self.decoder.backward(dloss, cache.decoder)
        dx = dropout_backward(dkeys + pool_backward(du, pool_cache), mask)
        if self.lstm and lstm_cache:
            dx = self.lstm.backward(dx, lstm_cache)
        de, dm = beside_backward(dx) if self.embedding and self.input else (dx, dx)
        if self.input and input_cache:
            self.input.backward(dm, input_cache)
            self.input.penalty_backward(dloss)
        if self.embedding and embedding_cache:
            self.embedding.backward(dropout_backward(de, learnt), embedding_cache)


def bilm_input(kind: str) -> str:
    """What of an input is the biLM's, "" for nothing. Raises UserError for a "+" with nothing behind it."""
    if kind == JOINED:
        raise UserError(f"input = {kind!r}: expected {LEARNT}, or {JOINED}mix, or another input of the biLM behind "
                        "the +")
    return "" if kind == LEARNT else kind.removeprefix(JOINED)


def read(y: Array) -> Array:
    """Targets y (T, B) -> the word that the decoder reads before each: the start mark, then the right ones (T, B)."""
    return np.concatenate([np.full((1, y.shape[1]), START), np.where(y[:-1] == IGNORE_INDEX, END, y[:-1])])


def padded(sentences: Sequence[Sequence[int]], padding: int) -> Array:
    """Ids of sentences -> (T, B) as long as the longest."""
    ids = np.full((max(map(len, sentences)), len(sentences)), padding)
    for b, own in enumerate(sentences):
        ids[:len(own), b] = own
    return ids
