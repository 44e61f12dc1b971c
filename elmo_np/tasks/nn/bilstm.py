"""Bidirectional LSTM over given vectors (U): the vector of a word from its neighbours on both sides.

    (U1) x'_t = x_{n-1-t} for t < n,  x'_t = x_t at padding:  each sentence reversed within its own length n
    (U2) y_t = [LSTM_forward(x)_t ; LSTM_backward(x')'_t]

Dimensions: T steps, B sentences, D width of the input, H cells per direction. Arrays are time-major. The LSTMs are
those of `elmo_np/nn/lstm.py`; y is zero at padding.
Source: Schuster and Paliwal 1997; Graves and Schmidhuber 2005.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...nn import lstm
from ...nn.checks import check_array
from ...nn.lstm import LSTM
from ...nn.sequences import reverse_sequences
from ...runtime.threads import both
from ...types import Array


class Cache(NamedTuple):
    fwd: lstm.Cache
    bwd: lstm.Cache             # of the reversed sentences
    lengths: Array              # (B,)


class BiLSTM:
    """One layer of two LSTMs. D: width of the input; H: width of each direction's output."""

    def __init__(self, D: int, H: int,
                 *, rng: Generator, dtype: DTypeLike = np.float32):
        self.forward_lstm = LSTM(D, H, rng=rng, dtype=dtype)
        self.backward_lstm = LSTM(D, H, rng=rng, dtype=dtype)

    def forward(self, x: Array,
                lengths: Array) -> tuple[Array, Cache]:
        """x (T, B, D), lengths (B,) -> y (T, B, 2H), cache."""
        x_reversed = reverse_sequences(x, lengths)  # (U1)
        fwd, bwd = both(
            lambda: self.forward_lstm.forward(x, None, lengths),
            lambda: self.backward_lstm.forward(x_reversed, None, lengths))
        h_fwd, _, fwd_cache = fwd  # (T, B, H)
        h_bwd, _, bwd_cache = bwd
        h_bwd = reverse_sequences(h_bwd, lengths)  # (U2)
        y = np.concatenate([h_fwd, h_bwd], axis=2)  # (U2)
        return y, Cache(fwd_cache, bwd_cache, lengths)

    def backward(self, dy: Array, cache: Cache) -> Array:
        """dy (T, B, 2H) -> dx (T, B, D); accumulates into every Parameter.grad."""
        T, B, H = cache.fwd.h[1:].shape
        check_array("BiLSTM output gradient", dy, (T, B, 2*H), cache.fwd.h.dtype)
        dh_fwd, dh_bwd = np.split(dy, 2, axis=2)  # (U2)
        dh_bwd = reverse_sequences(dh_bwd, cache.lengths)  # (U2)
        fwd, bwd = both(
            lambda: self.forward_lstm.backward(dh_fwd, cache.fwd),
            lambda: self.backward_lstm.backward(dh_bwd, cache.bwd))
        dx_fwd, _ = fwd         # (T, B, D)
        dx_bwd, _ = bwd
        dx_bwd = reverse_sequences(dx_bwd, cache.lengths)  # (U1)
        return dx_fwd + dx_bwd  # (U1), (U2)
