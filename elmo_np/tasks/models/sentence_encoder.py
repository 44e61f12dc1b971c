"""The lower half of classifier and tagger: the input (N) and, unless hidden_dim is none, a bidirectional LSTM (U)."""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...types import Array
from ..nn import bilstm, inputs
from ..nn.bilstm import BiLSTM
from ..nn.inputs import WordInput
from .config import TaskConfig


class EncoderCache(NamedTuple):
    input: inputs.Cache
    lstm: bilstm.Cache | None


class SentenceEncoder:
    """The base class of their networks. J, D: number and width of the layers; width: that of what `encode` returns."""

    def __init__(self, J: int, D: int, config: TaskConfig, *, rng: Generator, dtype: DTypeLike = np.float32):
        self.dropout = config.dropout
        self.input = WordInput(config.input, J, D, dropout=config.input_dropout, penalty=config.penalty, rng=rng,
                               dtype=dtype)
        self.lstm = BiLSTM(D, config.hidden_dim, rng=rng, dtype=dtype) if config.hidden_dim else None
        self.width = 2 * config.hidden_dim if config.hidden_dim else D

    def encode(self, layers: Array, lengths: Array, rng: Generator | None = None) -> tuple[Array, EncoderCache]:
        """layers (J, T, B, D), lengths (B,); rng draws dropout, None for none -> x (T, B, width), cache."""
        x, input_cache = self.input.forward(layers, rng)
        x, lstm_cache = self.lstm.forward(x, lengths) if self.lstm else (x, None)
        return x, EncoderCache(input_cache, lstm_cache)

    def encode_backward(self, dx: Array, dloss: float, cache: EncoderCache) -> None:
        """dx (T, B, width); dloss: gradient of the minimised quantity by the loss that the input's penalty is part of;
        accumulates into every Parameter.grad."""
        if self.lstm and cache.lstm:
            dx = self.lstm.backward(dx, cache.lstm)
        self.input.backward(dx, cache.input)
        self.input.penalty_backward(dloss)
