"""A language model of one direction: word vectors, L layers of LSTM, softmax.

It reads from left to right whatever it is given; the backward model is given sentences that are turned round.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import embedding, lstm, softmax
from .config import BiLMConfig
from .dropout import dropout_backward, dropout_forward
from .embedding import Embedding
from .lstm import LSTM, State
from .parameter import Array
from .softmax import Softmax


class EncodeCache(NamedTuple):
    embedding: embedding.Cache
    layers: list[lstm.Cache]
    masks: list[Array | None]           # one a layer: dropout of its input


class Cache(NamedTuple):
    encode: EncodeCache
    top_mask: Array | None
    softmax: softmax.Cache


class LanguageModel:
    """embedding (V, D), config.layers LSTM layers, softmax (V, P); the parts may be shared with another model."""

    def __init__(self, config: BiLMConfig, embedding: Embedding, softmax: Softmax, *, rng: np.random.Generator,
                 dtype: npt.DTypeLike = np.float32):
        self.dropout = config.dropout
        self.embedding = embedding
        widths = [config.embedding_dim] + [config.output_dim] * (config.layers - 1)
        self.layers = [LSTM(D, config.hidden_dim, config.projection_dim, cell_clip=config.cell_clip,
                            proj_clip=config.proj_clip, rng=rng, dtype=dtype) for D in widths]
        self.softmax = softmax

    def encode(self, ids: Array, state: list[State] | None = None, lengths: Array | None = None,
               rng: np.random.Generator | None = None) -> tuple[list[Array], list[State], EncodeCache]:
        """ids (T, B), state of each layer or None for zeros, lengths (B,) or None, rng: draws dropout, None for none
        -> outputs of the layers 0 (the word vectors) to L, each (T, B, its width); the state after the last step; cache
        """
        x, cache = self.embedding.forward(ids)
        outputs, states, caches, masks = [x], [], [], []
        for k, layer in enumerate(self.layers):
            x, mask = dropout_forward(x, self.dropout, rng)
            x, after, layer_cache = layer.forward(x, state[k] if state else None, lengths)
            outputs.append(x)
            states.append(after)
            caches.append(layer_cache)
            masks.append(mask)
        return outputs, states, EncodeCache(cache, caches, masks)

    def encode_backward(self, doutputs: list[Array | None], cache: EncodeCache) -> None:
        """Gradients of the outputs 0 to L, None for zero: adds to every Parameter.grad below the softmax.

        The gradient stops at the initial state: that is what truncates back-propagation through time.
        """
        dx: Array | None = None
        for layer, layer_cache, mask, dy in zip(reversed(self.layers), reversed(cache.layers), reversed(cache.masks),
                                                reversed(doutputs[1:]), strict=True):
            total = _add(dx, dy)
            if total is not None:
                dx, _ = layer.backward(total, layer_cache)
                dx = dropout_backward(dx, mask)
        total = _add(dx, doutputs[0])
        if total is not None:
            self.embedding.backward(total, cache.embedding)

    def forward(self, ids: Array, targets: Array, state: list[State] | None = None, lengths: Array | None = None,
                rng: np.random.Generator | None = None) -> tuple[float, list[State], Cache]:
        """ids, targets (T, B) -> mean loss in nats a target that is not padding, the state after, cache."""
        outputs, after, encode_cache = self.encode(ids, state, lengths, rng)
        top, mask = dropout_forward(outputs[-1], self.dropout, rng)
        loss, softmax_cache = self.softmax.forward(top, targets)
        return loss, after, Cache(encode_cache, mask, softmax_cache)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of what is minimised by this model's loss; adds to every Parameter.grad."""
        dtop = self.softmax.backward(dloss, cache.softmax)
        doutputs: list[Array | None] = [None] * len(self.layers)
        self.encode_backward([*doutputs, dropout_backward(dtop, cache.top_mask)], cache.encode)

    def nll(self, ids: Array, targets: Array, state: list[State] | None = None,
            lengths: Array | None = None) -> tuple[Array, list[State]]:
        """-log p of each target in nats (T, B), 0 at padding, and the state after: evaluation, without gradients."""
        outputs, after, _ = self.encode(ids, state, lengths)
        return self.softmax.nll(outputs[-1], targets), after


def _add(a: Array | None, b: Array | None) -> Array | None:
    """The sum of two gradients, None standing for zero."""
    if a is None or b is None:
        return b if a is None else a
    return a + b
