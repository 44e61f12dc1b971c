"""Bidirectional LSTM over given vectors (U): what each word's neighbours on both sides make of it.

    (U1) x'_t = x_{n-1-t} for t < n,  x'_t = x_t at padding:  each sentence turned round by its own length n
    (U2) y_t = [LSTM_forward(x)_t ; LSTM_backward(x')'_t]

Dimensions: T steps, B sentences, D width of the input, H cells of a direction. Arrays are time-major. The LSTMs are
those of `elmo_np/nn/lstm.py`; y is zero at padding.
Source: Schuster and Paliwal 1997; Graves and Schmidhuber 2005.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...nn import lstm
from ...nn.lstm import LSTM
from ...runtime.threads import both
from ...types import Array


class Cache(NamedTuple):
    forward: lstm.Cache
    backward: lstm.Cache        # of the turned sentences
    lengths: Array              # (B,)


def reversed_sequences(x: Array, lengths: Array) -> Array:
    """x (T, B, ..), lengths (B,) -> the same with each sentence turned round, and its own reverse: twice is x."""
    t = np.arange(len(x))[:, None]
    return x[np.where(t < lengths, lengths - 1 - t, t), np.arange(x.shape[1])]    # (U1)


class BiLSTM:
    """One layer of two LSTMs; D, H: widths of the input and of a direction's output."""

    def __init__(self, D: int, H: int, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32):
        self.forward_lstm = LSTM(D, H, rng=rng, dtype=dtype)
        self.backward_lstm = LSTM(D, H, rng=rng, dtype=dtype)

    def forward(self, x: Array, lengths: Array) -> tuple[Array, Cache]:
        """x (T, B, D), lengths (B,) -> y (T, B, 2H), cache."""
        one, other = both(lambda: self.forward_lstm.forward(x, None, lengths),
                          lambda: self.backward_lstm.forward(reversed_sequences(x, lengths), None, lengths))     # (U1)
        y = np.concatenate([one[0], reversed_sequences(other[0], lengths)], axis=2)          # (U2)
        return y, Cache(one[2], other[2], lengths)

    def backward(self, dy: Array, cache: Cache) -> Array:
        """dy (T, B, 2H) -> dx (T, B, D); adds to every Parameter.grad."""
        dforward, dbackward = np.split(dy, 2, axis=2)                            # (U2)
        dbackward = reversed_sequences(dbackward, cache.lengths)                             # (U2)
        one, other = both(lambda: self.forward_lstm.backward(dforward, cache.forward),
                          lambda: self.backward_lstm.backward(dbackward, cache.backward))
        return one[0] + reversed_sequences(other[0], cache.lengths)                          # (U1), (U2)
