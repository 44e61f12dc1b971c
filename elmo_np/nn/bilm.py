"""The bidirectional language model (B): two directions and their loss.

    (B1) L_forward  = - (1 / N) sum_t log p(w_t | w_0 .. w_{t-1}; theta_forward),    t = 1 .. T+1
    (B2) L_backward = - (1 / N) sum_t log p(w_t | w_{t+1} .. w_{T+1}; theta_backward),    t = 0 .. T
    (B3) L = L_forward + L_backward,  in nats

A sentence is w_1 .. w_T between its marks w_0 = <S> and w_{T+1} = </S>; N is the number of targets.
As the name of a field, forward and backward are the directions; as the name of a method, the passes.
The article's two models have parameters of their own; the original ELMo shares the words' vectors, which it makes of
their characters, and the softmax. Both are settings. Source: Peters et al. 2018, section 3.1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..config.schema import BiLMConfig
from ..runtime.threads import both
from ..types import Array
from . import language_model
from . import shared_char_cnn as shared_words
from .adaptive_softmax import AdaptiveSoftmax
from .char_cnn import CharCNN
from .embedding import Embedding
from .language_model import LanguageModel, OutputLayer
from .lstm import State
from .parameter import SKIP_INIT, Parameter, parameters, shared_copy
from .sampled_softmax import SampledSoftmax
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
    words: shared_words.Cache | None        # where both directions share a character CNN


class BiLM:
    """Two language models over the same V words.

    config  sizes, whether a word is an id or characters (config.char_filters), and what is shared:
            config.share_embedding, config.share_softmax, config.tie
    V       number of words; characters without a softmax (config.predict) need none
    rng     numpy.random.Generator that draws the start values, or SKIP_INIT for numbers that come from a file
    dtype   float32 to train, float64 to check gradients
    """

    def __init__(self, config: BiLMConfig, V: int, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32):
        self.config, self.V = config, V
        self._shared_copies: dict[int, tuple[Parameter, Parameter]] = {}  # id: home, and where the backward model adds
        self.forward_lm = self._direction(None, rng, dtype)
        self.backward_lm = self._direction(self.forward_lm, rng, dtype)
        if config.init_scale is not None and rng is not SKIP_INIT:
            for parameter in parameters(self).values():
                shape = parameter.value.shape
                parameter.value[...] = rng.uniform(-config.init_scale, config.init_scale, shape)

    def _direction(self, other: LanguageModel | None, rng: np.random.Generator, dtype: npt.DTypeLike) -> LanguageModel:
        """A model of one direction; parts that the settings share are second uses of those of `other`."""
        config = self.config
        if other is not None and config.share_embedding:
            embedding = shared_copy(other.embedding, self._shared_copies)
        else:
            embedding = self._embedding(rng, dtype)
        softmax: OutputLayer | None
        if not config.predict:
            softmax = None
        elif other is not None and config.share_softmax:
            softmax = shared_copy(other.softmax, self._shared_copies)
        else:
            softmax = self._softmax(embedding, rng, dtype)
        return LanguageModel(config, embedding, softmax, rng=rng, dtype=dtype)

    def _embedding(self, rng: np.random.Generator, dtype: npt.DTypeLike) -> Embedding | CharCNN:
        config = self.config
        if config.char_filters is None:
            return Embedding(self.V, config.embedding_dim, rng=rng, dtype=dtype)
        return CharCNN(config.char_filters, config.char_dim, config.embedding_dim, config.max_characters, rng=rng,
                       activation=config.char_activation, highways=config.char_highways,
                       project=config.char_projection, dtype=dtype)

    def _softmax(self, embedding: Embedding | CharCNN, rng: np.random.Generator, dtype: npt.DTypeLike) -> OutputLayer:
        config = self.config
        if config.softmax == "adaptive":
            return AdaptiveSoftmax(config.output_dim, self.V, cutoffs=config.cutoffs, div_value=config.div_value,
                                   rng=rng, dtype=dtype)
        W = embedding.E if config.tie else None
        if config.softmax == "sampled":
            return SampledSoftmax(config.output_dim, self.V, samples=config.samples, rng=rng, dtype=dtype, W=W)
        if W is not None:
            W.rows = None                   # the softmax reaches every row
        return Softmax(config.output_dim, self.V, rng=rng, dtype=dtype, W=W)

    def forward(self, batch: Batch, state: BiState | None = None,
                rngs: tuple[np.random.Generator, np.random.Generator] | None = None) -> tuple[Loss, BiState, Cache]:
        """One batch through both directions, side by side.

        state   of the streams before the batch, None for zeros
        rngs    one a direction, of dropout and of a sampled softmax; None for neither
        -> Loss, the state after the batch, cache
        """
        forward, backward = batch
        state_f, state_b = state or (None, None)
        rng_f, rng_b = rngs or (None, None)
        (x_f, x_b), words, cnn = (forward.x, backward.x), None, self._shared_cnn()
        if cnn is not None:
            (x_f, x_b), words = shared_words.forward(cnn, (x_f, x_b))
        (loss_f, after_f, cache_f), (loss_b, after_b, cache_b) = both(
            lambda: self.forward_lm.forward(x_f, forward.y, state_f, forward.lengths, rng_f),        # (B1)
            lambda: self.backward_lm.forward(x_b, backward.y, state_b, backward.lengths, rng_b))     # (B2)
        return Loss(loss_f, loss_b), (after_f, after_b), Cache(cache_f, cache_b, words)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of what is minimised by the total loss (B3); adds to every Parameter.grad."""
        dx_f, dx_b = both(lambda: self.forward_lm.backward(dloss, cache.forward),        # (B1), (B3)
                          lambda: self.backward_lm.backward(dloss, cache.backward))      # (B2), (B3)
        cnn = self._shared_cnn()
        if cnn is not None and cache.words is not None and dx_f is not None and dx_b is not None:
            shared_words.backward(cnn, (dx_f, dx_b), cache.words)
        self.reduce_grad()

    def _shared_cnn(self) -> tuple[CharCNN, CharCNN] | None:
        """Both uses of the character CNN, where there is one for both directions."""
        one, other = self.forward_lm.embedding, self.backward_lm.embedding
        if self.config.share_embedding and isinstance(one, CharCNN) and isinstance(other, CharCNN):
            return one, other
        return None

    def reduce_grad(self) -> None:
        """Bring the gradients that the backward direction has of shared parts home to the one that is listed."""
        for home, use in self._shared_copies.values():
            home.reduce_grad(use)

    def lookup(self, words: Array) -> tuple[Array, Array]:
        """Words, ids (..) or characters (.., K) -> their vectors (.., D) in the forward and in the backward model."""
        if (cnn := self._shared_cnn()) is not None:
            found = shared_words.lookup(cnn, words)
            return found, found
        return both(lambda: self.forward_lm.embedding.lookup(words), lambda: self.backward_lm.embedding.lookup(words))

    def encode(self, words: Array, lengths: Array,
               state: BiState | None = None) -> tuple[list[Array], list[Array], BiState]:
        """Hidden states of sentences, each word at its own place in both directions.

        words   of sentences with their marks, ids (T, B) or characters (T, B, K); lengths (B,)
        -> outputs of the layers 0 to L of the forward direction, each (T, B, width), zero past a sentence's end; the
           same of the backward direction, turned round again so that [t] is the word t; the state after
        """
        return self.encode_vectors(*self.lookup(words), lengths, state)

    def encode_vectors(self, x_f: Array, x_b: Array, lengths: Array,
                       state: BiState | None = None) -> tuple[list[Array], list[Array], BiState]:
        """`encode` of words that `lookup` has looked up: (T, B, D) each, both in the order of reading forward."""
        T, B = x_f.shape[:2]
        t, b = np.arange(T)[:, None], np.arange(B)
        live = (t < lengths)[:, :, None]
        reverse = np.where(t < lengths, lengths - 1 - t, t)         # (T, B): within each sentence's length
        # The layers are zero past a sentence's end by themselves; the word vectors are those of the padding.
        x_f, x_b = np.where(live, x_f, 0), np.where(live, x_b[reverse, b], 0)
        state_f, state_b = state or (None, None)
        (forward, after_f), (backward, after_b) = both(
            lambda: self.forward_lm.encode_inference(x_f, state_f, lengths),
            lambda: self.backward_lm.encode_inference(x_b, state_b, lengths))
        return forward, [y[reverse, b] for y in backward], (after_f, after_b)


class DirectionBatch(NamedTuple):
    """What one direction reads: the pair (x[t, b], y[t, b]) is a word and the word to predict from it."""

    x: Array            # (T, B) int64
    y: Array            # (T, B) int64, IGNORE_INDEX where a row has run out
    lengths: Array      # (B,) int64: steps that a row really has


class Batch(NamedTuple):
    forward: DirectionBatch
    backward: DirectionBatch

    @property
    def tokens(self) -> int:
        """Targets in each direction."""
        return int(self.forward.lengths.sum())
