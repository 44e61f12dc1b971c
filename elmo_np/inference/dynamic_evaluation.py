"""Dynamic evaluation: while a text is read, the model goes on learning from what it has predicted.

    (P9) w <- w - rate * dL/dw + decay * (w_0 - w),  after each segment of some words, for every parameter w

L is the loss of the segment's targets, summed; w_0 is the value that was trained. All words of a segment are predicted
before any of them is learnt from, so the figures are those of honest predictions. The text is one stream, whose states
are carried from segment to segment. The two directions read, and learn, apart: each has a copy of its model, because
what one has read is what the other is still to predict. The model itself stays as it is.
Source: Krause, Kahembwe, Murray and Renals 2018, "Dynamic evaluation of neural sequence models" (arXiv 1709.07432),
their stochastic gradient descent with decay. They also scale both terms by the size of each parameter's gradients on
the training text, which is not at hand where a model is evaluated.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from ..data.batches import pack, reversed_sentences
from ..data.corpus import require_reiterable
from ..data.sentences import checked_sentences
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..nn.activation_penalty import Penalty
from ..nn.bilm import BiLM, DirectionBatch
from ..nn.language_model import LanguageModel
from ..nn.parameter import parameters
from ..nn.sampled_softmax import unsampled
from ..runtime.threads import one_blas_thread, parallel
from .token_indexer import TokenIndexer, token_indexer

SEGMENT = 20                            # words, as in a step of training
RATES = (0.003, 0.01, 0.03, 0.1)        # that `tune_dynamic` tries
DECAYS = (0.0, 0.001, 0.01)             # likewise


class DynamicSettings(NamedTuple):
    """rate how fast the model learns while it reads, decay how fast it returns to what it was trained to be."""

    rate: float
    decay: float

    def checked(self) -> DynamicSettings:
        """These settings. Raises UserError if one is out of range."""
        if not 0 < self.rate < math.inf or not 0 <= self.decay < 1:
            raise UserError(f"dynamic evaluation with rate = {self.rate} and decay = {self.decay}: expected a rate "
                            "above 0 and a decay from 0 to below 1")
        return self


def evaluate_dynamically(model: BiLM, vocabulary: Vocabulary, corpus: Iterable[Sequence[str]],
                         settings: DynamicSettings) -> dict[str, float]:
    """{direction: the sum of - log p of all its targets in nats}, by (P9).

    The targets are those of `evaluate` with state "carry". Infinity where the rate is so high that learning diverges.
    Raises UserError for settings out of range, an empty corpus, or a model without a softmax.
    """
    settings.checked()
    corpus = require_reiterable(corpus)

    def read(direction: str) -> float:
        words = token_indexer(model, vocabulary)            # one per direction: each has a thread
        return _read(model.lms[direction], _segments(words, corpus, direction), settings)

    with one_blas_thread():
        return dict(zip(model.lms, parallel([partial(read, direction) for direction in model.lms]), strict=True))


def _segments(words: TokenIndexer, corpus: Iterable[Sequence[str]], direction: str) -> Iterator[DirectionBatch]:
    """What a direction reads and predicts, SEGMENT words at a time."""
    sentences: Iterator[list[int]] = map(words.encode, checked_sentences(corpus))
    for x, y, lengths, _ in pack([reversed_sentences(sentences) if direction == "backward" else sentences], SEGMENT):
        n = int(lengths[0])
        yield DirectionBatch(words.inputs(x[:n]), words.targets(y[:n]), lengths)


def _read(lm: LanguageModel, segments: Iterable[DirectionBatch], settings: DynamicSettings) -> float:
    """The sum of - log p of one direction; a copy of `lm` learns."""
    rate, decay = settings
    lm = _learner(lm)
    learnt = [(p, p.value.copy()) for p in parameters(lm).values()]
    nats, state = [], None
    with np.errstate(over="ignore", invalid="ignore"):
        for x, y, lengths, _ in segments:
            loss, state, cache = lm.forward(x, y, state, lengths)
            if not math.isfinite(loss):
                return math.inf
            n = len(y)
            nats.append(n * loss)
            lm.backward(n, cache)
            for p, start in learnt:
                p.value += decay * (start - p.value) - rate * p.grad        # (P9)
                p.zero_grad()
    if not nats:
        raise UserError("the corpus to evaluate has no sentence: expected at least one")
    return math.fsum(nats)


def _learner(lm: LanguageModel) -> LanguageModel:
    """A copy of a model that learns from - log p over all words alone: nothing is sampled or penalised."""
    lm = copy.deepcopy(lm)
    lm.penalty = Penalty(0, 0)
    lm.label_smoothing = 0.0
    lm.softmax = unsampled(lm.output_layer())
    for p in parameters(lm.softmax).values():
        p.rows = None       # it reaches every row
    return lm


def tune_dynamic(model: BiLM, vocabulary: Vocabulary, corpus: Iterable[Sequence[str]],
                 tried: Callable[[DynamicSettings], None] | None = None) -> DynamicSettings:
    """The rate, and then the decay, of those tried that predict a validation text best, all directions together.

    tried   called with each settings, before the text is read with them
    """
    def nats(settings: DynamicSettings) -> float:
        if tried is not None:
            tried(settings)
        return sum(evaluate_dynamically(model, vocabulary, corpus, settings).values())

    found = {one: nats(one) for one in (DynamicSettings(rate, DECAYS[0]) for rate in RATES)}
    rate = min(found, key=lambda one: found[one]).rate
    found |= {one: nats(one) for one in (DynamicSettings(rate, decay) for decay in DECAYS[1:])}
    return min(found, key=lambda one: found[one])
