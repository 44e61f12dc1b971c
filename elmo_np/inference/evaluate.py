"""How well a biLM predicts text (P): perplexities of its directions, over all words; surprisal.py has the rest.

    (P1) perplexity = exp(- (1 / N) sum log p(target)),  over all N targets of a direction
    (P2) p(w) = (count(w) + 1) / (N + V),  the unigram model: the best prediction without any context
    (P3) entropy = - sum_w p(w) log p(w),  how uncertain a prediction is

Every token of the corpus is counted once in each direction, so the figures do not depend on the batch size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from ..config.directions import by_direction, from_directions
from ..data.batches import length_buckets, most_steps, pack, reversed_sentences, sentence_parts, sentence_windows
from ..data.corpus import require_reiterable
from ..data.sentences import checked_sentences
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..nn.bilm import Batch, BiLM, BiState, Loss
from ..nn.cell import State
from ..nn.language_model import LanguageModel, OutputLayer
from ..nn.softmax import IGNORE_INDEX
from ..runtime.threads import one_blas_thread, parallel
from ..types import Array
from .elmo import ELMo
from .token_indexer import TokenIndexer, token_indexer

CHUNK = 128         # steps at a time in the single stream of state "carry"; the figures do not depend on it
ROWS = 64           # predictions at a time, of all words each, for entropies


class SentenceScore(NamedTuple):
    """log p of each target of one sentence in nats, in the order of the sentence: n + 1 per direction for n words.

    None in place of what belongs to a direction that the model lacks.
    """

    forward_tokens: Array | None        # (n + 1,) float64: of the words, each given those before it, and of </S>
    backward_tokens: Array | None       # (n + 1,) float64: of <S>, and of the words, each given those after it
    entropies: Array | None = None      # (n + 1,) float64: of the predictions of forward_tokens; None: not asked for

    @property
    def forward(self) -> float | None:
        """log p of the sentence in the forward direction."""
        return None if self.forward_tokens is None else float(self.forward_tokens.sum())

    @property
    def backward(self) -> float | None:
        """log p of the sentence in the backward direction."""
        return None if self.backward_tokens is None else float(self.backward_tokens.sum())

    @property
    def targets(self) -> int:
        """Number of targets in each direction."""
        (tokens, *_) = by_direction(self, "{}_tokens").values()
        return len(tokens)


class Evaluation(NamedTuple):
    """Sums over a corpus; nats are sums of - log p. None in place of those of a direction that the model lacks."""

    forward_nats: float | None
    backward_nats: float | None
    targets: int                # in each direction: the tokens, and one </S> or <S> per sentence
    sentences: int
    unknown: int                # tokens outside the vocabulary, predicted as <UNK>

    @property
    def perplexities(self) -> dict[str, float]:
        """That of each direction."""
        return {direction: perplexity(nats, self.targets)                        # (P1)
                for direction, nats in by_direction(self, "{}_nats").items()}

    def with_nats(self, nats: dict[str, float]) -> Evaluation:
        """The same targets predicted in another way; nats: of each direction."""
        return self._replace(**from_directions(nats, "{}_nats"))

    @property
    def forward(self) -> float | None:
        """Perplexity of the forward direction."""
        return self.perplexities.get("forward")

    @property
    def backward(self) -> float | None:
        """Perplexity of the backward direction."""
        return self.perplexities.get("backward")

    @property
    def loss(self) -> Loss:
        """Mean nats per target."""
        nats = by_direction(self, "{}_nats")
        return Loss(**from_directions({direction: sums / self.targets for direction, sums in nats.items()}))

    @property
    def arithmetic_mean(self) -> float:
        """The average of both perplexities, as reported by Peters et al. 2018; of one direction, its perplexity."""
        return sum(self.perplexities.values()) / len(self.perplexities)

    @property
    def geometric_mean(self) -> float:
        """exp of the average loss of both directions, as printed by bilm-tf; of one direction, its perplexity."""
        nats = by_direction(self, "{}_nats").values()
        return perplexity(sum(nats), len(nats) * self.targets)


def perplexity(nats: float, targets: int) -> float:
    """exp(nats / targets); infinity if that overflows."""
    mean = nats / targets
    return math.exp(mean) if mean < 700 else math.inf                            # (P1)


def perplexity_text(value: float, digits: int = 2) -> str:
    """A perplexity as people read it: with so many decimals, or in few digits where it is beyond any use."""
    if value < 1e7:
        return f"{value:.{digits}f}"
    return "infinite" if math.isinf(value) else f"{value:.2e}"


def evaluate(model: BiLM, vocabulary: Vocabulary, corpus: Iterable[Sequence[str]], *, state: str = "carry",
             batch_size: int = 32, each: Callable[[SentenceScore], None] | None = None,
             entropy: bool = False) -> Evaluation:
    """Perplexity of a corpus in the directions that the model has.

    state       "carry": the corpus is one long stream in its order, as in training with carried states;
                "reset": every sentence starts from a zero state, on its own
    batch_size  sentences at once with "reset"; a single stream has one row
    each        called with the score of every sentence, in the order of the corpus
    entropy     whether scores have the entropies of the forward predictions too, which takes longer
    Raises UserError for an empty corpus, another state, or a model without a softmax.
    """
    if state not in ("carry", "reset"):
        raise UserError(f"state {state!r}: expected 'carry' or 'reset'")
    if batch_size < 1:
        raise UserError(f"batch_size = {batch_size}: expected a whole number of at least 1")
    corpus, words = require_reiterable(corpus), token_indexer(model, vocabulary)
    readers = {"forward": with_entropies if entropy else plainly, "backward": plainly}
    return summed(one_stream(words, corpus, readers) if state == "carry" else
                  _alone(words, corpus, batch_size, readers), each)


# What one direction makes of a batch: x, y, the state before, lengths -> - log p of the targets (T, B) and, after it in
# the list, what else is known of each; the state after.
Reader = Callable[[LanguageModel, Array, Array, list[State] | None, Array | None], tuple[list[Array], list[State]]]
Readers = Mapping[str, Reader]                      # of each direction
Scored = Iterator[tuple[SentenceScore, int]]        # a sentence's score, and how many of its tokens are unknown


def summed(scores: Scored, each: Callable[[SentenceScore], None] | None = None) -> Evaluation:
    """The sums of all scores; each: called with every one. Raises UserError if there is none."""
    log_p: dict[str, list[float]] = {}
    targets = sentences = unknown = 0
    with one_blas_thread():
        for score, missing in scores:
            for direction, value in by_direction(score).items():
                log_p.setdefault(direction, []).append(value)
            targets, sentences, unknown = targets + score.targets, sentences + 1, unknown + missing
            if each is not None:
                each(score)
    if not sentences:
        raise UserError("the corpus to evaluate has no sentence: expected at least one")
    nats = {direction: -math.fsum(values) for direction, values in log_p.items()}
    return Evaluation(**from_directions(nats, "{}_nats"), targets=targets, sentences=sentences, unknown=unknown)


def plainly(lm: LanguageModel, x: Array, y: Array, before: list[State] | None,
            lengths: Array | None) -> tuple[list[Array], list[State]]:
    """A reader: - log p alone."""
    nats, after = lm.nll(x, y, before, lengths)
    return [nats], after


def with_entropies(lm: LanguageModel, x: Array, y: Array, before: list[State] | None,
                   lengths: Array | None) -> tuple[list[Array], list[State]]:
    """A reader: - log p, and the entropy of each prediction."""
    outputs, after = lm.encode_inference(x, before, lengths)
    layer = lm.output_layer()
    return [layer.nll(outputs[-1], y), _entropies(layer, outputs[-1], y)], after


def _alone(words: TokenIndexer, corpus: Iterable[Sequence[str]], batch_size: int, readers: Readers) -> Scored:
    most = most_steps(batch_size)
    for window in sentence_windows(map(words.encode, checked_sentences(corpus)), batch_size, 32 * most):
        scores: dict[int, SentenceScore] = {}
        for group in length_buckets(window, batch_size, most):
            found = _nats_in_parts(words, [window[k] for k in group], most, readers)
            for column, k in enumerate(group):
                targets = len(window[k]) - 1
                scores[k] = _score(words.model, found[:, :targets, column])
        yield from ((scores[k], _unknown(words, window[k])) for k in range(len(window)))


def _nats_in_parts(words: TokenIndexer, group: Sequence[list[int]], steps: int, readers: Readers) -> Array:
    """`_nats` of a group's targets. A long sentence is read in parts: the same figures."""
    state, parts = None, []
    for batch in sentence_parts(group, steps):
        nats, state = _nats(words, batch, state, readers)
        parts.append(nats)
    return np.concatenate(parts, axis=1)


def one_stream(words: TokenIndexer, corpus: Iterable[Sequence[str]], readers: Readers) -> Scored:
    """The scores of a corpus that is read as one stream, sentence after sentence."""
    unscored: list[tuple[int, int]] = []            # targets and unknown tokens of the sentences in the stream

    def sentences() -> Iterator[list[int]]:
        for numbers in map(words.encode, checked_sentences(corpus)):
            unscored.append((len(numbers) - 1, _unknown(words, numbers)))
            yield numbers

    state = nats = None
    forward, backward = pack([sentences()], CHUNK), pack([reversed_sentences(map(words.encode, corpus))], CHUNK)
    for batch in map(Batch, forward, backward):
        found, state = _nats(words, batch, state, readers)
        found = found[:, batch.forward.y[:, 0] != IGNORE_INDEX, 0]
        nats = found if nats is None else np.concatenate([nats, found], axis=1)
        while unscored and unscored[0][0] <= nats.shape[1]:
            targets, missing = unscored.pop(0)
            yield _score(words.model, nats[:, :targets]), missing
            nats = nats[:, targets:]


def _nats(words: TokenIndexer, batch: Batch, state: BiState | None, readers: Readers) -> tuple[Array, BiState]:
    """- log p of the targets of each direction, and what else a reader finds, (1 or more, T, B); the state after."""
    model = words.model
    parts = model.parts(len(batch.forward.lengths))
    states = model.states_of(parts, state)
    calls = []
    for part, before in zip(parts, states, strict=True):
        side = part.of(batch)
        x = words.lookup(side.x)[list(model.lms).index(part.direction)]
        calls.append(partial(readers[part.direction], part.lm, x, words.targets(side.y), before, side.lengths))
    found, after = zip(*parallel(calls), strict=True)
    directions = model.joined(parts, found)
    rows = [own[0] for own in directions] + [more for own in directions for more in own[1:]]
    return np.stack(rows), model.joined_state(parts, after)


def _entropies(layer: OutputLayer, h: Array, y: Array) -> Array:
    """In nats, of the prediction of each target of y, 0 at padding."""
    live = y != IGNORE_INDEX
    rows, found = h[live], np.zeros(y.shape)
    parts = [prediction_entropy(layer.log_probabilities(rows[n:n+ROWS])) for n in range(0, len(rows), ROWS)]
    found[live] = np.concatenate(parts) if parts else 0
    return found


def prediction_entropy(log_p: Array) -> Array:
    """The entropy in nats of predictions, log p of every word in nats (.., V) -> (..) float64."""
    H: Array = -(np.exp(log_p) * log_p).sum(axis=-1, dtype=np.float64)           # (P3)
    return H


def _unknown(words: TokenIndexer, numbers: list[int]) -> int:
    """How many words of a sentence are predicted as <UNK>."""
    return int((words.targets(np.array(numbers)) == words.vocabulary.unk).sum())


def _score(model: BiLM, found: Array) -> SentenceScore:
    """From `_nats` of a sentence's targets, (.., T): each direction's in its own order of reading."""
    log_p = {direction: -(nats[::-1] if direction == "backward" else nats).astype(np.float64)
             for direction, nats in zip(model.lms, found, strict=False)}
    extra = found[len(log_p):]
    return SentenceScore(**from_directions(log_p, "{}_tokens"), entropies=extra[0] if len(extra) else None)


def unigram_log_p(vocabulary: Vocabulary) -> Array:
    """log p of every word and special token for a model that knows only how often it was a target: (V,) float64.

    Raises UserError for a vocabulary without counts.
    """
    if vocabulary.counts is None:
        raise UserError("the vocabulary has no counts: expected those of its training corpus")
    counts = np.array(vocabulary.counts, np.float64)
    counts[vocabulary.bos] = 0                      # <S> is not a target of the forward direction
    log_p: Array = np.log((counts + 1) / (counts.sum() + len(counts)))           # (P2)
    return log_p


def unigram_perplexity(vocabulary: Vocabulary, corpus: Iterable[Sequence[str]]) -> float:
    """Perplexity of the model that knows only how often words occurred in training.

    The targets are those of one direction: the words, and one </S> per sentence; both directions give the same figure.
    Raises UserError for a vocabulary without counts or an empty corpus.
    """
    log_p = unigram_log_p(vocabulary)
    nats, targets = 0.0, 0
    for ids in map(vocabulary.encode, corpus):
        nats -= float(log_p[ids[1:]].sum())
        targets += len(ids) - 1
    if not targets:
        raise UserError("the corpus to evaluate has no sentence: expected at least one")
    return perplexity(nats, targets)                                             # (P1)


def score(elmo: ELMo, sentences: Iterable[str | Sequence[str]], state: str = "reset", *,
          entropy: bool = False) -> list[SentenceScore]:
    """log p of every token of every sentence in each direction, in nats: the terms that `evaluate` adds up.

    sentences   lists of tokens, or texts, which are split as the model's corpus was
    state       "reset": every sentence on its own; "carry": each goes on from the one before
    entropy     whether to compute the entropies of the forward predictions too
    """
    scores: list[SentenceScore] = []
    evaluate(elmo.model, elmo.vocabulary, in_words(elmo, sentences), state=state, each=scores.append, entropy=entropy)
    return scores


def in_words(elmo: ELMo, sentences: Iterable[str | Sequence[str]]) -> list[Sequence[str]]:
    """Texts and lists of words as lists of words. Raises UserError for a single text in place of a list."""
    if isinstance(sentences, str) or not isinstance(sentences, Iterable):
        raise UserError(f"the sentences are {sentences!r:.60}, of type {type(sentences).__name__}, expected a list of "
                        "sentences")
    return [elmo.words(s) if isinstance(s, str) else s for s in sentences]
