"""A language model of one direction: word vectors, L recurrent layers (R), softmax.

    (R1) y_l = h_l + x_l,  with residual connections, for the layers l = 2 .. L; elsewhere y_l = h_l

h_l is the output of the cell of layer l for its input x_l, which is y_{l-1} after dropout; y_0 are the word vectors,
after dropout by word type. A step passes h_l to the next step, without x_l.
The model reads its input from left to right; the backward model is given reversed sentences.
Source: the original ELMo; residual connections, He et al. 2016.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..config.schema import BiLMConfig
from ..errors import UserError
from ..types import Array
from .activation_penalty import Penalty
from .cell import Cell, State, cell_class
from .char_cnn import CharCNN
from .dropout import (
    dropout_backward,
    dropout_forward,
    type_dropout_forward,
    weight_drop_backward,
    weight_drop_forward,
)
from .embedding import Embedding


class OutputLayer(Protocol):
    """Predicts the next word: `Softmax`, `AdaptiveSoftmax`, `SampledSoftmax`, or one of them at another width."""

    def forward(self, h: Array, y: Array, rng: Generator | None = None) -> tuple[float, Any]: ...

    def backward(self, dloss: float, cache: Any, smoothing: float = 0.0) -> Array: ...

    def smoothing(self, cache: Any) -> float: ...

    def nll(self, h: Array, y: Array) -> Array: ...

    def log_probabilities(self, h: Array) -> Array: ...


class EncodeCache(NamedTuple):
    embedding: Any              # of the token layer; None for words given as vectors
    type_mask: Array | None     # dropout by word type
    layers: list[Any]           # of each cell
    masks: list[Array | None]   # one per layer: dropout of its input
    dropped: list[tuple[Cell, Array | None]]    # one per layer: itself with its Wh dropped, and the mask


class Cache(NamedTuple):
    encode: EncodeCache
    h: Array                    # (T, B, P) the top output
    top_mask: Array | None
    y: Array                    # (T, B, P) the top output after dropout
    lengths: Array              # (B,)
    softmax: Any                # of the output layer


class LanguageModel:
    """embedding, config.layers cells, softmax over V words or None; the parts may be shared with another model.

    It reads words as ids (T, B) with an Embedding, as characters (T, B, K) with a CharCNN, and with either as their
    vectors (T, B, D), looked up before.
    """

    def __init__(
        self,
        config: BiLMConfig,
        embedding: Embedding | CharCNN,
        softmax: OutputLayer | None,
        *,
        rng: Generator | None,
        dtype: DTypeLike = np.float32,
    ):
        self.dropout = config.dropout_rates     # of every layer's input, and of the top output
        self.locked_dropout = config.locked_dropout
        self.embedding_dropout = config.embedding_dropout
        self.weight_drop = config.weight_drop
        self.penalty = Penalty(config.ar, config.tar)
        self.label_smoothing = config.label_smoothing
        self.residual = config.residual
        self.embedding = embedding
        widths = [config.embedding_dim] + [config.output_dim] * (config.layers - 1)
        kind = cell_class(config.cell)
        self.layers: list[Cell] = [kind.of_config(config, D, rng=rng, dtype=dtype) for D in widths]
        self.softmax = softmax

    def encode(
        self,
        words: Array,
        state: list[State] | None = None,
        lengths: Array | None = None,
        rng: Generator | None = None,
        type_ids: Array | None = None,
    ) -> tuple[list[Array], list[State], EncodeCache]:
        """words, state of each layer or None for zeros, lengths (B,) or None, rng: draws dropout, None for none,
        type_ids (T, B): of words that are vectors, a number for the word type of each, or None: no dropout by type
        -> outputs of the layers 0 (the word vectors) to L, each (T, B, its width); the state after the last step; cache
        """
        x = words
        embedding_cache: Any = None
        if words.dtype.kind != "f":
            x, embedding_cache = self.embedding.forward(words)
            type_ids = embedding_cache.type_ids
        type_mask = None
        if type_ids is not None:
            x, type_mask = type_dropout_forward(x, type_ids, self.embedding_dropout, rng)
        outputs = [x]
        states = []
        caches = []
        masks = []
        dropped = []
        for k, layer in enumerate(self.layers):
            before = state[k] if state else None
            x, mask = dropout_forward(x, self.dropout[k], rng, self.locked_dropout)
            dropped.append(weight_drop_forward(layer, self.weight_drop, rng))
            h, after, cache = dropped[k][0].forward(x, before, lengths)
            x = h + x if self.residual and k > 0 else h  # (R1)
            outputs.append(x)
            states.append(after)
            caches.append(cache)
            masks.append(mask)
        return outputs, states, EncodeCache(embedding_cache, type_mask, caches, masks, dropped)

    def encode_inference(
        self,
        words: Array,
        state: list[State] | None = None,
        lengths: Array | None = None,
    ) -> tuple[list[Array], list[State]]:
        """Outputs and states of `encode`, without a cache."""
        x = words if words.dtype.kind == "f" else self.embedding.lookup(words)
        outputs = [x]
        states = []
        for k, layer in enumerate(self.layers):
            before = state[k] if state else None
            h, after = layer.forward_inference(x, before, lengths)
            x = h + x if self.residual and k > 0 else h  # (R1)
            outputs.append(x)
            states.append(after)
        return outputs, states

    def encode_backward(self, doutputs: list[Array | None], cache: EncodeCache, lowest: int = 0) -> Array | None:
        """Gradients of the outputs 0 to L, None for zero: accumulates into every Parameter.grad below the softmax.

        The gradient stops at the initial state: that is what truncates back-propagation through time.
        lowest  the layers below this one get no gradient; 0: the word vectors
        -> the gradient of the words if they were given as vectors, else None
        """
        dx: Array | None = None
        for k in reversed(range(max(0, lowest - 1), len(self.layers))):
            dy = _add(dx, doutputs[k+1])
            if dy is None:
                continue
            dropped, weight_mask = cache.dropped[k]
            dx, _ = dropped.backward(dy, cache.layers[k])
            weight_drop_backward(self.layers[k], dropped, weight_mask)
            if self.residual and k > 0:
                dx = dx + dy  # (R1)
            dx = dropout_backward(dx, cache.masks[k])
        dwords = _add(dx, doutputs[0]) if lowest == 0 else None
        if dwords is not None:
            dwords = dropout_backward(dwords, cache.type_mask)
        if cache.embedding is not None and dwords is not None:
            self.embedding.backward(dwords, cache.embedding)
            return None
        return dwords

    def forward(
        self,
        words: Array,
        targets: Array,
        state: list[State] | None = None,
        lengths: Array | None = None,
        rng: Generator | None = None,
        type_ids: Array | None = None,
    ) -> tuple[float, list[State], Cache]:
        """words, targets (T, B), rng: draws dropout and a sampled softmax's words or None, type_ids: see `encode`
        -> mean loss in nats per target that is not padding, without `regularisation`; the state after; cache
        """
        outputs, after, encode_cache = self.encode(words, state, lengths, rng, type_ids)
        h = outputs[-1]
        y, mask = dropout_forward(h, self.dropout[-1], rng, self.locked_dropout)
        loss, softmax_cache = self.output_layer().forward(y, targets, rng)
        if lengths is None:
            lengths = np.full(h.shape[1], len(h))
        return loss, after, Cache(encode_cache, h, mask, y, lengths, softmax_cache)

    def regularisation(self, cache: Cache) -> float:
        """The penalties on the activations and on sure predictions that are minimised together with the loss."""
        R = self.penalty.forward(cache.y, cache.h, cache.lengths)
        if self.label_smoothing:
            R += self.label_smoothing * self.output_layer().smoothing(cache.softmax)
        return R

    def backward(self, dloss: float, cache: Cache) -> Array | None:
        """dloss: gradient of what is minimised by this model's loss, `regularisation` included; accumulates into every
        Parameter.grad.

        -> as `encode_backward`
        """
        dy = self.output_layer().backward(dloss, cache.softmax, self.label_smoothing)
        if any(self.penalty):
            penalty_dy, penalty_dh = self.penalty.backward(dloss, cache.y, cache.h, cache.lengths)
            dh = dropout_backward(dy + penalty_dy, cache.top_mask) + penalty_dh
        else:
            dh = dropout_backward(dy, cache.top_mask)
        below: list[Array | None] = [None] * len(self.layers)
        return self.encode_backward([*below, dh], cache.encode)

    def nll(
        self,
        words: Array,
        targets: Array,
        state: list[State] | None = None,
        lengths: Array | None = None,
    ) -> tuple[Array, list[State]]:
        """-log p of each target in nats (T, B), 0 at padding, and the state after: evaluation, without gradients."""
        outputs, after = self.encode_inference(words, state, lengths)
        return self.output_layer().nll(outputs[-1], targets), after

    def next_word(self, words: Array, state: list[State] | None = None) -> tuple[Array, list[State]]:
        """log p in nats of every word as the one after `words` (T, B), T at least 1 -> (B, V); the state after them."""
        softmax = self.output_layer()
        outputs, after = self.encode_inference(words, state)
        return softmax.log_probabilities(outputs[-1][-1]), after

    def output_layer(self) -> OutputLayer:
        """The softmax. Raises UserError if this model has none."""
        if self.softmax is None:
            raise UserError("this model has no softmax: it embeds, but it cannot predict words; expected one that was "
                            "read or trained with its softmax")
        return self.softmax


def _add(a: Array | None, b: Array | None) -> Array | None:
    """The sum of two gradients; None counts as zero."""
    if a is None:
        return b
    if b is None:
        return a
    return a + b
