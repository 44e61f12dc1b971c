"""Encoder and decoder: the network of the translator.

The encoder: the input (N), dropout (D), a bidirectional LSTM (U) unless hidden_dim is none, dropout. The decoder (Y)
starts from the two ends (G4) of its output, and the decoder's attention (Z) is over all of it. In training the decoder
reads the correct previous word at each step.

With the input "learnt" the words of the source have an embedding (E) that is learnt with the task: the same network
without a biLM, to compare with. With "learnt+mix", or another input after the "+", the two are concatenated (N1).
Source: Bahdanau et al. 2015; Luong et al. 2015.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

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

LEARNT = "learnt"               # the input without a biLM
JOINED = "learnt+"              # how the inputs with an embedding and a biLM begin
START, END, UNKNOWN = range(3)  # the first words of the target


class SourceBatch(NamedTuple):
    """The source sentences of a batch, in the forms that the input needs."""

    layers: Array | None        # (J, S, B, D)
    ids: Array | None           # (S, B)


class SourceCache(NamedTuple):
    embedding: embedding.Cache | None
    input: inputs.Cache | None
    learnt: Array | None        # dropout of the embedding, (S, B, D)
    lstm: bilstm.Cache | None
    mask: Array | None          # (S, B, D)
    pool: pooling.Cache


class Cache(NamedTuple):
    source: SourceCache
    decoder: decoder.Cache


class EncoderDecoder:
    """J, D: number and width of the layers; N, V: words of the source (with the input "learnt") and of the target."""

    def __init__(self, J: int, D: int, N: int, V: int, config: TaskConfig, *, rng: Generator,
                 dtype: DTypeLike = np.float32):
        self.dropout = config.dropout
        self.input_dropout = config.input_dropout
        self.embedding = Embedding(N, D, rng=rng, dtype=dtype) if config.input.startswith(LEARNT) else None
        kind = bilm_input(config.input)
        self.input = WordInput(kind, J, D, dropout=config.input_dropout, penalty=config.penalty, rng=rng,
                               dtype=dtype) if kind else None
        width = 2 * D if self.embedding and self.input else D
        self.lstm = BiLSTM(width, config.hidden_dim, rng=rng, dtype=dtype) if config.hidden_dim else None
        width = 2 * config.hidden_dim if config.hidden_dim else width
        sizes = Sizes(V=V, W=config.word_dim, H=config.decoder_dim, U=width, D=width)
        self.decoder = Decoder(sizes, kind=config.attention, dropout=config.dropout, rng=rng, dtype=dtype)

    def encode(self, source: SourceBatch, lengths: Array,
               rng: Generator | None = None) -> tuple[Array, Array, SourceCache]:
        """lengths (B,); rng draws dropout, None for none -> u (B, U), keys (S, B, U), cache."""
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
        return u, x, SourceCache(embedding_cache, input_cache, learnt, lstm_cache, mask, pool_cache)

    def forward(self, source: SourceBatch, lengths: Array, y: Array,
                rng: Generator | None = None) -> tuple[float, Cache]:
        """As `encode`, with targets y (T, B): words and an end token, then IGNORE_INDEX
        -> loss in nats per target, the input's penalty included, and cache."""
        u, keys, source_cache = self.encode(source, lengths, rng)
        loss, decoder_cache = self.decoder.forward(u, keys, lengths, decoder_words(y), y, rng)
        penalty = self.input.penalty() if self.input else 0.0
        return loss + penalty, Cache(source_cache, decoder_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of the minimised quantity by this loss; accumulates into every Parameter.grad."""
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
    """The biLM's part of an input, "" without one. Raises UserError for nothing, also after a "+"."""
    if kind in ("", JOINED):
        raise UserError(f"input = {kind!r}: expected {LEARNT}, or {JOINED}mix, or another input of the biLM after "
                        "the +")
    return "" if kind == LEARNT else kind.removeprefix(JOINED)


def decoder_words(y: Array) -> Array:
    """Targets y (T, B) -> the words that the decoder reads before them: the start token, then the correct ones."""
    before = np.where(y[:-1] == IGNORE_INDEX, END, y[:-1])
    return np.concatenate([np.full((1, y.shape[1]), START), before])
