"""The bidirectional language model (B): two directions and their loss.

    (B1) L_forward  = - (1 / N) sum_t log p(w_t | w_0 .. w_{t-1}; theta_forward),    t = 1 .. T+1
    (B2) L_backward = - (1 / N) sum_t log p(w_t | w_{t+1} .. w_{T+1}; theta_backward),    t = 0 .. T
    (B3) L = L_forward + L_backward,  in nats

A sentence is w_1 .. w_T between its marks w_0 = <S> and w_{T+1} = </S>; N is the number of targets.
As the name of a field, forward and backward are the directions; as the name of a method, the passes.
The article's two models have parameters of their own; the original ELMo shares the word vectors and the softmax. Both
are settings. Source: Peters et al. 2018, section 3.1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import language_model
from .batches import Batch
from .config import BiLMConfig
from .embedding import Embedding
from .language_model import LanguageModel
from .lstm import State
from .parallel import both
from .parameter import Array, Parameter, parameters
from .softmax import Softmax

BiState = tuple[list[State], list[State]]       # of the forward and of the backward direction, a State a layer


class Loss(NamedTuple):
    """Mean loss of each direction in nats a token; exp of it is the direction's perplexity."""

    forward: float
    backward: float

    @property
    def total(self) -> float:
        return self.forward + self.backward                                      # (B3)


class Cache(NamedTuple):
    forward: language_model.Cache
    backward: language_model.Cache


class BiLM:
    """Two language models over the same V words.

    config  sizes, and what is shared: config.share_embedding, config.share_softmax, config.tie
    V       number of words
    rng     numpy.random.Generator that draws the start values
    dtype   float32 to train, float64 to check gradients
    """

    def __init__(self, config: BiLMConfig, V: int, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32):
        self.config, self.V = config, V
        self._second_uses: list[tuple[Parameter, Parameter]] = []       # (home, where the backward model adds)
        self.forward_lm = self._direction(None, rng, dtype)
        self.backward_lm = self._direction(self.forward_lm, rng, dtype)
        if config.init_scale is not None:
            for parameter in parameters(self).values():
                shape = parameter.value.shape
                parameter.value[...] = rng.uniform(-config.init_scale, config.init_scale, shape)

    def _direction(self, other: LanguageModel | None, rng: np.random.Generator, dtype: npt.DTypeLike) -> LanguageModel:
        """A model of one direction; parts that the settings share are second uses of those of `other`."""
        config, E, W, b = self.config, None, None, None
        if other is not None and config.share_embedding:
            E = self._share(other.embedding.E)
        if other is not None and config.share_softmax:
            W = None if config.tie else self._share(other.softmax.W)
            b = self._share(other.softmax.b)
        embedding = Embedding(self.V, config.embedding_dim, rng=rng, dtype=dtype, table=E)
        if config.tie:
            W = embedding.E
            W.rows = None           # the softmax reaches every row
        softmax = Softmax(config.output_dim, self.V, rng=rng, dtype=dtype, W=W, b=b)
        return LanguageModel(config, embedding, softmax, rng=rng, dtype=dtype)

    def _share(self, home: Parameter) -> Parameter:
        use = home.second_use()
        self._second_uses.append((home, use))
        return use

    def forward(self, batch: Batch, state: BiState | None = None,
                rngs: tuple[np.random.Generator, np.random.Generator] | None = None) -> tuple[Loss, BiState, Cache]:
        """One batch through both directions, side by side.

        state   of the streams before the batch, None for zeros; rngs: dropout, one a direction, None for none
        -> Loss, the state after the batch, cache
        """
        forward, backward = batch
        state_f, state_b = state or (None, None)
        rng_f, rng_b = rngs or (None, None)
        (loss_f, after_f, cache_f), (loss_b, after_b, cache_b) = both(
            lambda: self.forward_lm.forward(forward.x, forward.y, state_f, forward.lengths, rng_f),        # (B1)
            lambda: self.backward_lm.forward(backward.x, backward.y, state_b, backward.lengths, rng_b))    # (B2)
        return Loss(loss_f, loss_b), (after_f, after_b), Cache(cache_f, cache_b)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of what is minimised by the total loss (B3); adds to every Parameter.grad."""
        both(lambda: self.forward_lm.backward(dloss, cache.forward),             # (B1), (B3)
             lambda: self.backward_lm.backward(dloss, cache.backward))           # (B2), (B3)
        self.collect()

    def collect(self) -> None:
        """Bring the gradients that the backward direction has of shared parts home to the one that is listed."""
        for home, use in self._second_uses:
            home.collect(use)

    def encode(self, ids: Array, lengths: Array,
               state: BiState | None = None) -> tuple[list[Array], list[Array], BiState]:
        """Hidden states of sentences, each word at its own place in both directions.

        ids (T, B) sentences with their marks, lengths (B,)
        -> outputs of the layers 0 to L of the forward direction, each (T, B, width), zero past a sentence's end; the
           same of the backward direction, turned round again so that [t] is the word t; the state after
        """
        T = len(ids)
        reverse = np.arange(T)[:, None]
        reverse = np.where(reverse < lengths, lengths - 1 - reverse, reverse)    # (T, B): within each sentence's length
        state_f, state_b = state or (None, None)
        (forward, after_f, _), (backward, after_b, _) = both(
            lambda: self.forward_lm.encode(ids, state_f, lengths),
            lambda: self.backward_lm.encode(np.take_along_axis(ids, reverse, 0), state_b, lengths))
        backward = [np.take_along_axis(y, reverse[:, :, None], 0) for y in backward]
        # The layers are zero past a sentence's end by themselves; the word vectors are those of the padding.
        live = (np.arange(T)[:, None] < lengths)[:, :, None]
        forward[0], backward[0] = np.where(live, forward[0], 0), np.where(live, backward[0], 0)
        return forward, backward, (after_f, after_b)
