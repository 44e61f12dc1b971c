"""The bidirectional language model (B): two directions and their loss, or one of them alone.

    (B1) L_forward  = - (1 / N) sum_t log p(w_t | w_0 .. w_{t-1}; theta_forward),    t = 1 .. T+1
    (B2) L_backward = - (1 / N) sum_t log p(w_t | w_{t+1} .. w_{T+1}; theta_backward),    t = 0 .. T
    (B3) L = L_forward + L_backward,  in nats; of one direction its own
    (B4) L_d = sum_i (N_i / N) L_i,  of one direction d, over parts of a batch's rows with N_i of its N targets

A sentence is w_1 .. w_T between the special tokens w_0 = <S> and w_{T+1} = </S>; N is the number of targets.
As the name of a field, forward and backward are the directions, _f and _b for short; as the name of a method, the
passes. The article's two models have their own parameters; the original ELMo shares the words' vectors, computed from
their characters, and the softmax. Both are settings. Source: Peters et al. 2018, section 3.1.

Two threads share the work: each has a direction or, where there is only one, half of a batch's rows. The model then
holds a shared copy of its language model, which reads the second half and accumulates into gradients of its own (B4).
Each half draws its own dropout and its own sample. The halves are the same on one thread, so the results are too.
Training may cut the rows of a batch into groups, which several processes share (B4): each is read as a batch by itself,
but for its share of the loss.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..config.directions import by_direction, from_directions
from ..config.schema import BiLMConfig
from ..errors import UserError
from ..runtime.threads import parallel
from ..types import Array
from . import language_model, shared_char_cnn
from .adaptive_softmax import AdaptiveSoftmax, ProjectedSoftmax
from .cell import State
from .char_cnn import CharCNN
from .embedding import Embedding
from .initializers import lecun_normal
from .language_model import LanguageModel, OutputLayer
from .parameter import Parameter, parameters, shared_copy
from .sampled_softmax import SampledSoftmax
from .sequences import reverse_sequences
from .softmax import IGNORE_INDEX, Softmax

BiState = tuple[list[State], ...]       # of each direction that the model has, one State per layer


class DirectionBatch(NamedTuple):
    """What one direction reads: it predicts y[t, b] after x[t, b]."""

    x: Array            # (T, B) int64
    y: Array            # (T, B) int64, IGNORE_INDEX where a row has run out
    lengths: Array      # (B,) int64: the steps before that
    fresh: bool = False     # whether every row begins a sentence, read from a zero state

    def of_rows(self, rows: slice) -> "DirectionBatch":
        """The same of some of the rows."""
        return self._replace(x=self.x[:, rows], y=self.y[:, rows], lengths=self.lengths[rows])

    @property
    def targets(self) -> int:
        """Those that are not padding."""
        return int((self.y != IGNORE_INDEX).sum())


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

    def rows(self, rows: slice) -> "Batch":
        """Some of the rows, as a batch."""
        return Batch(*(side.of_rows(rows) for side in self))


class Loss(NamedTuple):
    """Mean loss of each direction in nats per token, None for one that the model lacks; exp of it is the direction's
    perplexity."""

    forward: float | None
    backward: float | None

    @property
    def each(self) -> dict[str, float]:
        """That of each direction which the model has."""
        return by_direction(self)

    @property
    def total(self) -> float:
        return sum(self.each.values())  # (B3)


class Part(NamedTuple):
    """What one thread reads of a batch: all rows of a direction, or half of those of the only one."""

    direction: str
    lm: LanguageModel
    rows: slice

    def of(self, batch: Batch) -> DirectionBatch:
        side: DirectionBatch = getattr(batch, self.direction)
        return side.of_rows(self.rows)


class Cache(NamedTuple):
    parts: list[tuple[Part, float, language_model.Cache]]   # with each part's share of its direction's targets
    words: shared_char_cnn.Cache | None     # if the parts share a CNN


class BiLM:
    """Two language models over the same V words: forward_lm and backward_lm, or one of them.

    config  config.direction, sizes, whether a word is an id or characters (config.char_filters), and what is shared:
            config.share_embedding, config.share_softmax, config.tie
    V       number of words; characters without a softmax (config.predict) need none
    rng     numpy.random.Generator that draws the start values; None: allocate without drawing, for values from a file
    dtype   float32 to train, float64 to check gradients
    """

    forward_lm: LanguageModel
    backward_lm: LanguageModel

    def __init__(self, config: BiLMConfig, V: int, *, rng: Generator | None, dtype: DTypeLike = np.float32):
        self.config = config
        self.V = V
        # {id: (what is listed, where the second thread accumulates)}
        self._shared_copies: dict[int, tuple[Parameter, Parameter]] = {}
        lm = None
        for direction in config.directions:
            lm = self._direction(lm, rng, dtype)
            setattr(self, f"{direction}_lm", lm)
        self.second_half = None if len(config.directions) > 1 else shared_copy(lm, self._shared_copies)
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
        P = self.config.output_dim
        D = self.config.embedding_dim
        E = embedding.E if self.config.tie else None
        if E is None or D == P:
            return self._softmax_of_width(P, E, rng, dtype)
        projection = Parameter(lecun_normal(rng, (P, D), P, dtype))
        return ProjectedSoftmax(projection, self._softmax_of_width(D, E, rng, dtype))

    def _softmax_of_width(
        self,
        width: int,
        E: Parameter | None,
        rng: Generator | None,
        dtype: DTypeLike,
    ) -> OutputLayer:
        """The output layer that reads this width, tied to the word vectors E if there are any."""
        config = self.config
        if config.softmax == "sampled":
            return SampledSoftmax(width, self.V, samples=config.samples, rng=rng, dtype=dtype, W=E)
        if E is not None:
            E.rows = None               # the softmax reaches every row
        if config.softmax == "adaptive":
            return AdaptiveSoftmax(width, self.V, cutoffs=config.cutoffs,
                                   div_value=config.div_value, rng=rng, dtype=dtype, E=E)
        return Softmax(width, self.V, rng=rng, dtype=dtype, W=E)

    @property
    def lms(self) -> dict[str, LanguageModel]:
        """The model of each direction that this one has, forward first."""
        return {direction: getattr(self, f"{direction}_lm") for direction in self.config.directions}

    def lm(self, direction: str) -> LanguageModel:
        """The model of a direction. Raises UserError if this one lacks it."""
        if direction not in self.lms:
            raise UserError(f"this model has direction = {self.config.direction}, and this needs the {direction} one: "
                            "expected a model trained with direction = both")
        return self.lms[direction]

    def zero_state(self, B: int) -> BiState:
        """The state before the first word of B sequences."""
        return tuple([layer.zero_state(B) for layer in lm.layers] for lm in self.lms.values())

    def parts(self, B: int) -> list[Part]:
        """What each of two threads reads of a batch of B rows: all of a direction, or half of the rows of the only one;
        a single part for a single row."""
        parts = [Part(direction, lm, slice(B)) for direction, lm in self.lms.items()]
        if self.second_half is None or B < 2:
            return parts
        direction, lm, _ = parts[0]
        return [Part(direction, lm, slice(B // 2)), Part(direction, self.second_half, slice(B // 2, B))]

    def states_of(self, parts: Sequence[Part], state: BiState | None) -> list[list[State] | None]:
        """The rows of a state that each part reads."""
        if state is None:
            return [None] * len(parts)
        whole = dict(zip(self.lms, state, strict=True))
        return [[tuple(array[part.rows] for array in layer) for layer in whole[part.direction]] for part in parts]

    def joined_state(self, parts: Sequence[Part], states: Sequence[list[State]]) -> BiState:
        """The inverse of `states_of`."""
        if len(parts) == len(self.lms):
            return tuple(states)
        return ([tuple(np.concatenate(halves) for halves in zip(*layers, strict=True))
                 for layers in zip(*states, strict=True)],)

    def joined(self, parts: Sequence[Part], found: Sequence[list[Array]]) -> list[list[Array]]:
        """Arrays (T, rows, ..) of each part -> (T, B, ..) of each direction."""
        if len(parts) == len(self.lms):
            return list(found)
        return [[np.concatenate(halves, axis=1) for halves in zip(*found, strict=True)]]

    def forward(
        self,
        batch: Batch,
        state: BiState | None = None,
        rngs: tuple[Generator, Generator] | None = None,
        whole: Batch | None = None,
    ) -> tuple[Loss, BiState, Cache]:
        """One batch through the directions that the model has, on two threads.

        state   of the streams before the batch, None for zeros
        rngs    one per part, for dropout and a sampled softmax; None for neither
        whole   the batch of which this one is some rows: its loss is then what these rows add to that of `whole`
        -> Loss, the state after the batch, cache
        """
        parts = self.parts(len(batch.forward.lengths))
        sides = [part.of(batch) for part in parts]
        x, words = self._words([side.x for side in sides])
        states = self.states_of(parts, state)
        types = words.type_ids if words else [None] * len(parts)
        found = parallel([
            partial(part.lm.forward, x[k], side.y, states[k], side.lengths, rngs and rngs[k], types[k])  # (B1), (B2)
            for k, (part, side) in enumerate(zip(parts, sides, strict=True))])
        means, after, caches = zip(*found, strict=True)
        shares = self._shares(parts, sides, whole)
        loss = dict.fromkeys(self.lms, 0.0)
        for part, share, mean in zip(parts, shares, means, strict=True):
            loss[part.direction] += share * mean  # (B4)
        cache = Cache(list(zip(parts, shares, caches, strict=True)), words)
        return Loss(**from_directions(loss)), self.joined_state(parts, after), cache

    def _shares(self, parts: Sequence[Part], sides: Sequence[DirectionBatch], whole: Batch | None) -> list[float]:
        """N_i / N of each part; 1 for a whole direction."""
        if whole is None and self.second_half is None:
            return [1.0] * len(sides)
        targets = [side.targets for side in sides]
        if whole is None:
            totals = [sum(targets)] * len(sides)
        else:
            totals = [getattr(whole, part.direction).targets for part in parts]
        return [n / max(1, N) for n, N in zip(targets, totals, strict=True)]  # (B4)

    def backward(self, dloss: float, cache: Cache) -> None:
        """dloss: gradient of what is minimised by the total loss (B3); accumulates into every Parameter.grad."""
        dx_one, *dx_other = parallel([
            partial(part.lm.backward, dloss * share, own)  # (B1), (B2), (B3), (B4)
            for part, share, own in cache.parts])
        cnn = self._shared_cnn()
        if cnn is not None and cache.words is not None and dx_one is not None and dx_other[0] is not None:
            shared_char_cnn.backward(cnn, (dx_one, dx_other[0]), cache.words)
        self.reduce_grad()

    def regularisation(self, cache: Cache) -> float:
        """The penalties that are minimised together with the loss, each part's by its share."""
        return sum(share * part.lm.regularisation(own) for part, share, own in cache.parts)

    def _words(self, x: list[Array]) -> tuple[Sequence[Array], shared_char_cnn.Cache | None]:
        """What the language model of each part reads: the vectors of its words if the parts share a CNN."""
        cnn = self._shared_cnn()
        if cnn is None or len(x) < 2:
            return x, None
        return shared_char_cnn.forward(cnn, (x[0], x[1]))

    def _shared_cnn(self) -> tuple[CharCNN, CharCNN] | None:
        """The character CNN and its shared copy, if both threads use one."""
        one, other = (part.lm.embedding for part in self.parts(2))
        shared = self.config.share_embedding or self.second_half is not None
        return (one, other) if shared and isinstance(one, CharCNN) and isinstance(other, CharCNN) else None

    def reduce_grad(self) -> None:
        """Add the gradients of shared copies, which the second thread wrote, to those of the listed Parameters."""
        for home, use in self._shared_copies.values():
            home.reduce_grad(use)

    def lookup(self, words: Array) -> tuple[Array, ...]:
        """Words, ids (..) or characters (.., K) -> their vectors (.., D) in the model of each direction."""
        if (cnn := self._shared_cnn()) is not None:
            return (shared_char_cnn.lookup(cnn, words),) * len(self.lms)
        return tuple(parallel([partial(lm.embedding.lookup, words) for lm in self.lms.values()]))

    def encode(
        self,
        words: Array,
        lengths: Array,
        state: BiState | None = None,
    ) -> tuple[list[list[Array]], BiState]:
        """Hidden states of sentences, each word at its own position in every direction.

        words   of sentences with their special tokens, ids (T, B) or characters (T, B, K); lengths (B,)
        -> for each direction outputs of the layers 0 to L, each (T, B, width), zero past a sentence's end; those of the
           backward direction reversed back so that [t] is word t; the state after
        """
        return self.encode_vectors(self.lookup(words), lengths, state)

    def encode_vectors(
        self,
        x: Sequence[Array],
        lengths: Array,
        state: BiState | None = None,
    ) -> tuple[list[list[Array]], BiState]:
        """`encode` of words that `lookup` has looked up: (T, B, D) each, all in the order of reading forward."""
        live = np.arange(len(x[0]))[:, None, None] < lengths[:, None]    # (T, B, 1)
        # Layers are zero past a sentence's end; the word vectors there are those of the padding.
        read = {direction: np.where(live, in_order(direction, own, lengths), 0)
                for direction, own in zip(self.lms, x, strict=True)}
        parts = self.parts(len(lengths))
        states = self.states_of(parts, state)
        outputs, after = zip(*parallel([
            partial(part.lm.encode_inference, read[part.direction][:, part.rows], states[k], lengths[part.rows])
            for k, part in enumerate(parts)]), strict=True)
        aligned = [[in_order(direction, y, lengths) for y in own]
                   for direction, own in zip(self.lms, self.joined(parts, outputs), strict=True)]
        return aligned, self.joined_state(parts, after)


def in_order(direction: str, x: Array, lengths: Array) -> Array:
    """x (T, B, ..) of sentences of these lengths, in the order in which a direction reads them; its own inverse."""
    return reverse_sequences(x, lengths) if direction == "backward" else x
