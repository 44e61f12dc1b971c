"""Decoder (Y): one word after another, each with attention to the vectors of a source sentence.

    (Y1) h_0 = tanh(u W_0 + b_0),  u one vector for the source sentence; the cells start at zero
    (Y2) a_t = tanh([h_t ; c_t] W_a + b_a)

h_t is the state of an LSTM (L) that reads the embedding (E) of the previous word; c_t is the mean of the source's
vectors that attention (Z) gives for the query h_t; a softmax (S) over a_t predicts the word. Dropout (D) acts on the
words' vectors and on a_t.
Dimensions: T steps, B sentences, S source words, H cells, D width of the source's vectors, V words.
Source: Luong et al. 2015, global attention, section 3.1, without input feeding: all steps of a known sentence take one
call of the LSTM and one of the attention.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...errors import UserError
from ...nn import embedding, lstm, softmax
from ...nn.dropout import dropout_backward, dropout_forward
from ...nn.embedding import Embedding
from ...nn.lstm import LSTM
from ...nn.softmax import Softmax
from ...types import Array
from . import attention
from .attention import ATTENTION_KINDS, AdditiveAttention, DotAttention
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


class Sizes(NamedTuple):
    V: int              # words
    W: int              # width of the words' vectors
    H: int              # cells
    U: int              # width of the source's summary
    D: int              # width of the source words' vectors


class Decoder:
    """One layer of LSTM with attention and a softmax over V words.

    kind        of attention: "additive" or "dot"
    dropout     share dropped, in training
    """

    def __init__(self, sizes: Sizes, *,
                 kind: str = "dot", dropout: float = 0.0,
                 rng: Generator, dtype: DTypeLike = np.float32):
        if kind not in ATTENTION_KINDS:
            raise UserError(f"attention = {kind!r}: "
                            f"expected one of {', '.join(ATTENTION_KINDS)}")
        V, W, H, U, D = sizes
        self.dropout = dropout
        self.embedding = Embedding(V, W, rng=rng, dtype=dtype)
        self.lstm = LSTM(W, H, rng=rng, dtype=dtype)
        self.start = Linear(U, H, rng=rng, dtype=dtype)
        self.combine = Linear(H + D, H, rng=rng, dtype=dtype)
        self.attention: DotAttention | AdditiveAttention
        if kind == "dot":
            self.attention = DotAttention(H, D, rng=rng, dtype=dtype)
        else:
            self.attention = AdditiveAttention(H, D, H, rng=rng, dtype=dtype)
        self.softmax = Softmax(H, V, rng=rng, dtype=dtype)

    def forward(self, u: Array, keys: Array, lengths: Array,
                words: Array, targets: Array,
                rng: Generator | None = None) -> tuple[float, Cache]:
        """Mean loss in nats per target, and the cache.

        u (B, U), keys (S, B, D), lengths (B,)      of the source
        words (T, B)        a start token and the sentence; ignored where `targets` are IGNORE_INDEX
        targets (T, B)      the sentence and an end token, then IGNORE_INDEX
        rng                 draws dropout, None for none
        """
        h0 = self._start(u)  # (Y1)
        x, embedding_cache = self.embedding.forward(words)
        x, word_mask = dropout_forward(x, self.dropout, rng)
        h, _, lstm_cache = self.lstm.forward(x, (h0, np.zeros_like(h0)))
        c, attention_cache = self.attention.forward(h, keys, lengths)
        both = np.concatenate([h, c], axis=2)  # (Y2)
        a = np.tanh(self.combine.forward(both)[0])  # (Y2)
        a_dropped, a_mask = dropout_forward(a, self.dropout, rng)
        loss, softmax_cache = self.softmax.forward(a_dropped, targets)
        return loss, Cache(
            u, h0, embedding_cache, word_mask, lstm_cache,
            attention_cache, both, a, a_mask, softmax_cache)

    def backward(self, dloss: float,
                 cache: Cache) -> tuple[Array, Array]:
        """dloss: gradient of the minimised quantity by this loss -> du (B, U), dkeys (S, B, D).

        Accumulates into every Parameter.grad.
        """
        H = cache.h0.shape[1]
        da = self.softmax.backward(dloss, cache.softmax)
        da = dropout_backward(da, cache.a_mask)
        dz = da * (1 - cache.a**2)     # (Y2)
        dboth = self.combine.backward(dz, cache.both)  # (Y2)
        dh, dc = np.split(dboth, [H], axis=2)  # (Y2)
        dq, dkeys = self.attention.backward(dc, cache.attention)
        dx, (dh0, _) = self.lstm.backward(dh + dq, cache.lstm)
        dx = dropout_backward(dx, cache.word_mask)
        self.embedding.backward(dx, cache.embedding)
        dz0 = dh0 * (1 - cache.h0**2)  # (Y1)
        du = self.start.backward(dz0, cache.u)  # (Y1)
        return du, dkeys

    def begin(self, u: Array) -> list[Array]:
        """u (B, U) -> the state before the first word, h and c, for `step`."""
        h0 = self._start(u)
        return [h0, np.zeros_like(h0)]

    def step(self, words: Array, state: list[Array],
             keys: Array, lengths: Array) -> tuple[Array, list[Array], Array]:
        """One step: words (B,), state as `begin` or `step` returned it
        -> log p of the next word (B, V), next state, attention probabilities (B, S)."""
        x = self.embedding.lookup(words[None])  # (1, B, W)
        h, state_after, _ = self.lstm.forward(x, (state[0], state[1]))
        c, cache = self.attention.forward(h, keys, lengths)
        both = np.concatenate([h, c], axis=2)  # (Y2)
        a = np.tanh(self.combine.forward(both)[0][0])  # (Y2)
        z = a @ self.softmax.W.value.T + self.softmax.b.value
        return log_softmax(z), list(state_after), cache.p[:, 0]

    def _start(self, u: Array) -> Array:
        z0, _ = self.start.forward(u)  # (Y1)
        h0: Array = np.tanh(z0)        # (Y1)
        return h0
