"""The bidirectional language model (B): two directions and their loss.

    (B1) L_forward  = - (1 / N) sum_t log p(w_t | w_0 .. w_{t-1}; theta_forward),    t = 1 .. T+1
    (B2) L_backward = - (1 / N) sum_t log p(w_t | w_{t+1} .. w_{T+1}; theta_backward),    t = 0 .. T
    (B3) L = L_forward + L_backward,  in nats

A sentence is w_1 .. w_T between the special tokens w_0 = <S> and w_{T+1} = </S>; N is the number of targets.
As the name of a field, forward and backward are the directions, _f and _b for short; as the name of a method, the
passes. The article's two models have their own parameters; the original ELMo shares the words' vectors, computed from
their characters, and the softmax. Both are settings. Source: Peters et al. 2018, section 3.1.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..config.schema import BiLMConfig
from ..runtime.threads import both
from ..types import Array
from . import language_model, shared_char_cnn
from .adaptive_softmax import AdaptiveSoftmax
from .cell import State
from .char_cnn import CharCNN
from .embedding import Embedding
from .language_model import LanguageModel, OutputLayer
from .parameter import Parameter, parameters, shared_copy
from .sampled_softmax import SampledSoftmax
from .sequences import reverse_sequences
from .softmax import Softmax

BiState = tuple[list[State], list[State]]   # of both directions, one State per layer


class DirectionBatch(NamedTuple):
    """What one direction reads: it predicts y[t, b] after x[t, b]."""

    x: Array            # (T, B) int64
    y: Array            # (T, B) int64, IGNORE_INDEX where a row has run out
    lengths: Array      # (B,) int64: the steps before that
    fresh: bool = False     # whether every row begins a sentence, read from a zero state


class Batch(NamedTuple):
    forward: DirectionBatch
    backward: DirectionBatch

    @property
    def fresh(self) -> bool:
        """Whether every row begins a sentence, read from a zero state; else rows go on from the batch before."""
        return self.forward.fresh

    @property
    def tokens(self) -> int:
        """Targets in each direction."""
        return int(self.forward.lengths.sum())


class Loss(NamedTuple):
    """Mean loss of each direction in nats per token; exp of it is the direction's perplexity."""

    forward: float
    backward: float

    @property
    def total(self) -> float:
        return self.forward + self.backward  # (B3)


class Cache(NamedTuple):
    forward: language_model.Cache
    backward: language_model.Cache
    words: shared_char_cnn.Cache | None     # if both directions share a CNN


class BiLM:
    """Two language models over the same V words.

    config  sizes, whether a word is an id or characters (config.char_filters), and what is shared:
            config.share_embedding, config.share_softmax, config.tie
    V       number of words; characters without a softmax (config.predict) need none
    rng     numpy.random.Generator that draws the start values; None: allocate without drawing, for values from a file
    dtype   float32 to train, float64 to check gradients
    """

    def __init__(self, config: BiLMConfig, V: int, *, rng: Generator | None, dtype: DTypeLike = np.float32):
        self.config = config
        self.V = V
        # {id: (what is listed, where the backward direction accumulates)}
        self._shared_copies: dict[int, tuple[Parameter, Parameter]] = {}
        self.forward_lm = self._direction(None, rng, dtype)
        self.backward_lm = self._direction(self.forward_lm, rng, dtype)
        bound = config.init_scale
        if bound is not None and rng is not None:
            for p in parameters(self).values():
                p.value[...] = rng.uniform(-bound, bound, p.value.shape)

    def _direction(
        self,
        other: LanguageModel | None,
        rng: Generator | None,
        dtype: DTypeLike,
    ) -> LanguageModel:
        """A model of one direction; parts that the settings share are shared copies of those of `other`."""
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

    def _embedding(self, rng: Generator | None, dtype: DTypeLike) -> Embedding | CharCNN:
        config = self.config
        if config.char_filters is None:
            return Embedding(self.V, config.embedding_dim, rng=rng, dtype=dtype)
        return CharCNN(
            config.char_filters, config.char_dim, config.embedding_dim, config.max_characters,
            activation=config.char_activation, highways=config.char_highways,
            project=config.char_projection, rng=rng, dtype=dtype)

    def _softmax(
        self,
        embedding: Embedding | CharCNN,
        rng: Generator | None,
        dtype: DTypeLike,
    ) -> OutputLayer:
        config = self.config
        P = config.output_dim
        W = embedding.E if config.tie else None
        if config.softmax == "adaptive":
            return AdaptiveSoftmax(P, self.V, cutoffs=config.cutoffs,
                                   div_value=config.div_value, rng=rng, dtype=dtype)
        if config.softmax == "sampled":
            return SampledSoftmax(P, self.V, samples=config.samples, rng=rng, dtype=dtype, W=W)
        if W is not None:
            W.rows = None               # the softmax reaches every row
        return Softmax(P, self.V, rng=rng, dtype=dtype, W=W)

    def forward(
        self,
        batch: Batch,
        state: BiState | None = None,
        rngs: tuple[Generator, Generator] | None = None,
    ) -> tuple[Loss, BiState, Cache]:
        """One batch through both directions, in parallel.

        state   of the streams before the batch, None for zeros
        rngs    one per direction, for dropout and a sampled softmax; None for neither
        -> Loss, the state after the batch, cache
        """
        f, b = batch
        state_f, state_b = state or (None, None)
        rng_f, rng_b = rngs or (None, None)
        x_f = f.x
        x_b = b.x
        words = None
        if (cnn := self._shared_cnn()) is not None:
            (x_f, x_b), words = shared_char_cnn.forward(cnn, (x_f, x_b))
        (loss_f, after_f, cache_f), (loss_b, after_b, cache_b) = both(
            lambda: self.forward_lm.forward(x_f, f.y, state_f, f.lengths, rng_f),  # (B1)
            lambda: self.backward_lm.forward(x_b, b.y, state_b, b.lengths, rng_b))  # (B2)
        loss = Loss(loss_f, loss_b)
        return loss, (after_f, after_b), Cache(cache_f, cache_b, words)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of what is minimised by the total loss (B3); accumulates into every Parameter.grad."""
        dx_f, dx_b = both(
            lambda: self.forward_lm.backward(dloss, cache.forward),  # (B1), (B3)
            lambda: self.backward_lm.backward(dloss, cache.backward))  # (B2), (B3)
        cnn = self._shared_cnn()
        if cnn is not None and cache.words is not None and dx_f is not None and dx_b is not None:
            shared_char_cnn.backward(cnn, (dx_f, dx_b), cache.words)
        self.reduce_grad()

    def _shared_cnn(self) -> tuple[CharCNN, CharCNN] | None:
        """The character CNN and its shared copy, if both directions share one."""
        one = self.forward_lm.embedding
        other = self.backward_lm.embedding
        if self.config.share_embedding and isinstance(one, CharCNN) and isinstance(other, CharCNN):
            return one, other
        return None

    def reduce_grad(self) -> None:
        """Add the gradients of shared copies, which the backward direction wrote, to those of the listed Parameters."""
        for home, use in self._shared_copies.values():
            home.reduce_grad(use)

    def lookup(self, words: Array) -> tuple[Array, Array]:
        """Words, ids (..) or characters (.., K) -> their vectors (.., D) in the forward and in the backward model."""
        if (cnn := self._shared_cnn()) is not None:
            found = shared_char_cnn.lookup(cnn, words)
            return found, found
        return both(lambda: self.forward_lm.embedding.lookup(words),
                    lambda: self.backward_lm.embedding.lookup(words))

    def encode(
        self,
        words: Array,
        lengths: Array,
        state: BiState | None = None,
    ) -> tuple[list[Array], list[Array], BiState]:
        """Hidden states of sentences, each word at its own position in both directions.

        words   of sentences with their special tokens, ids (T, B) or characters (T, B, K); lengths (B,)
        -> outputs of the layers 0 to L of the forward direction, each (T, B, width), zero past a sentence's end; the
           same of the backward direction, reversed back so that [t] is word t; the state after
        """
        return self.encode_vectors(*self.lookup(words), lengths, state)

    def encode_vectors(
        self,
        x_f: Array,
        x_b: Array,
        lengths: Array,
        state: BiState | None = None,
    ) -> tuple[list[Array], list[Array], BiState]:
        """`encode` of words that `lookup` has looked up: (T, B, D) each, both in the order of reading forward."""
        live = np.arange(len(x_f))[:, None, None] < lengths[:, None]    # (T, B, 1)
        # Layers are zero past a sentence's end; the word vectors there are those of the padding.
        x_f = np.where(live, x_f, 0)
        x_b = np.where(live, reverse_sequences(x_b, lengths), 0)
        state_f, state_b = state or (None, None)
        (forward, after_f), (backward, after_b) = both(
            lambda: self.forward_lm.encode_inference(x_f, state_f, lengths),
            lambda: self.backward_lm.encode_inference(x_b, state_b, lengths))
        aligned = [reverse_sequences(y, lengths) for y in backward]
        return forward, aligned, (after_f, after_b)
