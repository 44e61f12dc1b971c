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

from ...nn.dropout import dropout_backward, dropout_forward
from ...nn.softmax import IGNORE_INDEX
from ...types import Array
from ..nn import decoder, pooling
from ..nn.decoder import Decoder, Sizes
from ..nn.pooling import pool, pool_backward
from .config import TaskConfig
from .sentence_encoder import EncoderCache, SentenceEncoder, SourceBatch

START, END, UNKNOWN = range(3)  # the first words of the target


class SourceCache(NamedTuple):
    encoder: EncoderCache
    mask: Array | None          # (S, B, U)
    pool: pooling.Cache


class Cache(NamedTuple):
    source: SourceCache
    decoder: decoder.Cache


class EncoderDecoder(SentenceEncoder):
    """J, D: number and width of the layers; N, V: words of the source (with the input "learnt") and of the target."""

    def __init__(self, J: int, D: int, N: int, V: int, config: TaskConfig, *, rng: Generator,
                 dtype: DTypeLike = np.float32):
        super().__init__(J, D, config, N=N, rng=rng, dtype=dtype)
        sizes = Sizes(V=V, W=config.word_dim, H=config.decoder_dim, U=self.width, D=self.width)
        self.decoder = Decoder(sizes, kind=config.attention, dropout=config.dropout, rng=rng, dtype=dtype)

    def encode_source(self, source: SourceBatch, lengths: Array,
                      rng: Generator | None = None) -> tuple[Array, Array, SourceCache]:
        """lengths (B,); rng draws dropout, None for none -> u (B, U), keys (S, B, U), cache."""
        x, encoder_cache = self.encode(source, lengths, rng)
        keys, mask = dropout_forward(x, self.dropout, rng)
        u, pool_cache = pool(keys, lengths, "ends")
        return u, keys, SourceCache(encoder_cache, mask, pool_cache)

    def forward(self, source: SourceBatch, lengths: Array, y: Array,
                rng: Generator | None = None) -> tuple[float, Cache]:
        """As `encode_source`, with targets y (T, B): words and an end token, then IGNORE_INDEX
        -> loss in nats per target, the input's penalty included, and cache."""
        u, keys, source_cache = self.encode_source(source, lengths, rng)
        loss, decoder_cache = self.decoder.forward(u, keys, lengths, decoder_words(y), y, rng)
        return loss + self.penalty(), Cache(source_cache, decoder_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of the minimised quantity by this loss; accumulates into every Parameter.grad."""
        encoder_cache, mask, pool_cache = cache.source
        du, dkeys = self.decoder.backward(dloss, cache.decoder)
        dx = dropout_backward(dkeys + pool_backward(du, pool_cache), mask)
        self.encode_backward(dx, dloss, encoder_cache)


def decoder_words(y: Array) -> Array:
    """Targets y (T, B) -> the words that the decoder reads before them: the start token, then the correct ones."""
    before = np.where(y[:-1] == IGNORE_INDEX, END, y[:-1])
    return np.concatenate([np.full((1, y.shape[1]), START), before])
