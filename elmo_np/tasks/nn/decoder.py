"""Decoder (Y): words one after another, each with attention to the vectors of a source sentence.

    (Y1) h_0 = tanh(u W_0 + b_0),  u one vector for the source sentence; the cells start at zero
    (Y2) a_t = tanh([h_t ; c_t] W_a + b_a)

h_t is the state of an LSTM (L) that reads the word before, an embedding (E); c_t is what attention (Z) with the query
h_t finds in the source; a softmax (S) over a_t predicts the word. Dropout (D) acts on the words' vectors and on a_t.
Dimensions: T steps, B sentences, S source words, H cells, D width of the source's vectors, V words.
Source: Luong et al. 2015, global attention, section 3.1, without input feeding: all steps of a known sentence are one
call of the LSTM, and one of the attention.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...nn import embedding, lstm, softmax
from ...nn.dropout import dropout_backward, dropout_forward
from ...nn.embedding import Embedding
from ...nn.lstm import LSTM
from ...nn.softmax import Softmax
from ...types import Array
from . import attention
from .attention import AdditiveAttention, DotAttention
from .linear import Linear, log_softmax


class Cache(NamedTuple):
    u: Array                            # (B, U)
    h0: Array                           # (B, H)
    embedding: embedding.Cache
    word_mask: Array | None             # (T, B, W)
    lstm: lstm.Cache
    attention: attention.Cache
    both: Array                         # (T, B, H + D): [h_t ; c_t]
    a: Array                            # (T, B, H)
    a_mask: Array | None                # (T, B, H)
    softmax: softmax.Cache


class Decoder:
    """One layer of LSTM with attention and a softmax over V words.

    V, W, H     words, width of their vectors, cells
    U, D        widths of the source's summary and of its words' vectors
    kind        of attention: "additive" or "dot"
    dropout     share dropped, in training
    """

    def __init__(self, V: int, W: int, H: int, U: int, D: int, *, kind: str = "dot", dropout: float = 0.0,
                 rng: np.random.Generator, dtype: npt.DTypeLike = np.float32):
        if kind not in attention.KINDS:
            raise UserError(f"attention = {kind!r}: expected one of {', '.join(attention.KINDS)}")
        self.dropout = dropout
        self.embedding, self.lstm = Embedding(V, W, rng=rng, dtype=dtype), LSTM(W, H, rng=rng, dtype=dtype)
        self.start, self.combine = Linear(U, H, rng=rng, dtype=dtype), Linear(H + D, H, rng=rng, dtype=dtype)
        self.attention = DotAttention(H, D, rng=rng, dtype=dtype) if kind == "dot" else \
            AdditiveAttention(H, D, H, rng=rng, dtype=dtype)
        self.softmax = Softmax(H, V, rng=rng, dtype=dtype)

    def forward(self, u: Array, keys: Array, lengths: Array, words: Array, targets: Array,
                rng: np.random.Generator | None = None) -> tuple[float, Cache]:
        """u (B, U), keys (S, B, D), lengths (B,) of the source; words, targets (T, B): a start mark and the sentence,
        the sentence and an end mark, IGNORE_INDEX behind it; rng draws dropout, None for none
        -> mean loss in nats a target, cache. What `words` holds where `targets` are IGNORE_INDEX does not count."""
        h0 = self._start(u)                                                      # (Y1)
        x, embedding_cache = self.embedding.forward(words)
        x, word_mask = dropout_forward(x, self.dropout, rng)
        h, _, lstm_cache = self.lstm.forward(x, (h0, np.zeros_like(h0)))
        c, attention_cache = self.attention.forward(h, keys, lengths)
        both = np.concatenate([h, c], axis=2)                                    # (Y2)
        a = np.tanh(self.combine.forward(both)[0])                               # (Y2)
        top, a_mask = dropout_forward(a, self.dropout, rng)
        loss, softmax_cache = self.softmax.forward(top, targets)
        return loss, Cache(u, h0, embedding_cache, word_mask, lstm_cache, attention_cache, both, a, a_mask,
                           softmax_cache)

    def backward(self, dloss: float, cache: Cache) -> tuple[Array, Array]:
        """dloss: gradient of whatever is minimised by this loss -> du (B, U), dkeys (S, B, D); adds to every
        Parameter.grad."""
        da = dropout_backward(self.softmax.backward(dloss, cache.softmax), cache.a_mask)
        dboth = self.combine.backward(da * (1 - cache.a**2), cache.both)         # (Y2)
        dh, dc = np.split(dboth, [cache.h0.shape[1]], axis=2)                    # (Y2)
        dq, dkeys = self.attention.backward(dc, cache.attention)
        dx, dstate = self.lstm.backward(dh + dq, cache.lstm)
        self.embedding.backward(dropout_backward(dx, cache.word_mask), cache.embedding)
        return self.start.backward(dstate[0] * (1 - cache.h0**2), cache.u), dkeys    # (Y1)

    def begin(self, u: Array) -> list[Array]:
        """u (B, U) -> the state before the first word, h and c, for `step`."""
        h0 = self._start(u)
        return [h0, np.zeros_like(h0)]

    def step(self, words: Array, state: list[Array], keys: Array, lengths: Array) -> tuple[Array, list[Array], Array]:
        """One word on: words (B,), state as `begin` or `step` gave it
        -> log p of the next word (B, V), state after, probabilities of attention (B, S)."""
        h, (h_after, c_after), _ = self.lstm.forward(self.embedding.lookup(words[None]), (state[0], state[1]))
        c, cache = self.attention.forward(h, keys, lengths)
        a = np.tanh(self.combine.forward(np.concatenate([h, c], axis=2))[0][0])  # (Y2)
        log_p = log_softmax(a @ self.softmax.W.value.T + self.softmax.b.value)
        return log_p, [h_after, c_after], cache.p[:, 0]

    def _start(self, u: Array) -> Array:
        h0: Array = np.tanh(self.start.forward(u)[0])                            # (Y1)
        return h0
