"""New text, drawn word by word from what a model predicts (M3), (M4); substitutes.py has the equations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from ..nn.cell import State
from ..runtime.threads import one_blas_thread
from ..types import Array
from .elmo import ELMo
from .token_indexer import token_indexer

# So many samples are always drawn together, wanted or not: a product of another shape may round differently, and then a
# sample would depend on how many others there are.
ROWS = 8


class Sample(NamedTuple):
    """A text that a model has drawn."""

    words: list[str]        # in the order of the text, including the prompt
    drawn: int              # how many of them were drawn
    log_p: float            # of what was drawn, </S> or <S> included, in nats: the model's own, at any temperature
    ended: bool             # whether </S> or <S> ended it, rather than its length


Drawn = tuple[list[str], float, bool]       # words in the order of drawing, their log p, whether </S> or <S> ended them


def sample(elmo: ELMo, prompt: str | Sequence[str] = "", *, direction: str | None = None, count: int = 1,
           length: int = 50, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None,
           seed: int = 0) -> Iterator[Sample]:
    """Draw sentences, one word after another.

    prompt      tokens, or text, which is split as the model's corpus was: how the sentence begins, or, with direction
                "backward", how it ends
    direction   "forward": what follows the prompt; "backward": what leads up to it, its last word drawn first; None:
                forward, or the only direction of the model
    count       how many; sample k is the same however many there are
    length      maximum number of words to draw; </S>, or <S> backward, may end the sentence earlier
    temperature, top_k, top_p   as in `distribution`
    seed        of all random numbers; each sample has its own generator
    Raises UserError, at once, for values out of range and for a model without a softmax.
    """
    if direction is None:
        direction = next(iter(elmo.model.lms))
    _check(direction, count=count, length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    words = elmo.words(prompt)
    reader = Reader(elmo, direction)
    choose = partial(distribution, temperature=temperature, top_k=top_k, top_p=top_p)
    start = reader.begin(words)

    def samples() -> Iterator[Sample]:
        for first in range(0, count, ROWS):
            rngs = [np.random.default_rng([seed, first + row]) for row in range(ROWS)]
            for drawn, log_p, ended in _rows(reader, start, choose, rngs, min(ROWS, count - first), length):
                text = [*words, *drawn] if reader.forward else [*drawn[::-1], *words]
                yield Sample(text, len(drawn), log_p, ended)
    return samples()


class Next(NamedTuple):
    """The prediction of a reader for B rows."""

    log_p: Array            # (B, V) of every word as the next one, in nats
    state: list[State]      # after the words read so far
    last: Array             # (B,) number of the last word read


class Reader:
    """One direction of a model, which keeps its state from word to word, so that no word is read twice."""

    def __init__(self, elmo: ELMo, direction: str):
        vocabulary, model = elmo.vocabulary, elmo.model
        self.forward = direction == "forward"
        self.lm = model.lm(direction)
        self.index = list(model.lms).index(direction)       # of its vectors among those of all directions
        self.vocabulary, self.words = vocabulary, token_indexer(model, vocabulary)
        start, self.end = (vocabulary.bos, vocabulary.eos) if self.forward else (vocabulary.eos, vocabulary.bos)
        self.never = [start, vocabulary.unk]        # neither is text

    def begin(self, words: Sequence[str]) -> Next:
        """Read <S>, or </S> backward, and the words of a prompt: one row."""
        numbers = self.words.encode(words)
        return self.read(np.array((numbers if self.forward else numbers[::-1])[:-1])[:, None])

    def read(self, numbers: Array, state: list[State] | None = None) -> Next:
        """numbers (T, B) of words, as `words.encode` gives them."""
        with one_blas_thread():
            x = self.words.lookup(numbers)[self.index]
            return Next(*self.lm.next_word(x, state), numbers[-1])

    def number(self, id: int) -> int:
        """The number of a word of the vocabulary for `read`."""
        return self.words.encode([self.vocabulary.word(id)])[1]


def _rows(reader: Reader, start: Next, choose: Callable[[Array], Array], rngs: list[np.random.Generator], wanted: int,
          length: int) -> list[Drawn]:
    """One sample per generator, side by side, one word per step, until the first `wanted` have ended."""
    B = len(rngs)
    log_p, last = start.log_p.repeat(B, axis=0), start.last.repeat(B)
    state = [tuple(array.repeat(B, axis=0) for array in layer) for layer in start.state]
    drawn: list[list[str]] = [[] for _ in rngs]
    nats, ended = [0.0] * B, [False] * B
    for step in range(length):
        if step:
            log_p, state, last = reader.read(last[None], state)
        log_p[:, reader.never] = -np.inf
        for row in range(B):
            if ended[row]:
                continue
            w = draw(choose(log_p[row]), rngs[row].random())
            nats[row] += float(log_p[row, w])
            ended[row] = w == reader.end
            if not ended[row]:
                drawn[row].append(reader.vocabulary.word(w))
                last[row] = reader.number(w)
        if all(ended[:wanted]):
            break
    return list(zip(drawn, nats, ended, strict=True))[:wanted]


def distribution(log_p: Array, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None) -> Array:
    """q (V,) of (M3) in float64, from log p (V,) in nats; -inf for words that may not be drawn.

    temperature     1: the model's own probabilities; lower prefers the probable; 0: the most probable word, the first
                    if several are equal
    top_k           only the k most probable words, of equals those with the lower id; None: all
    top_p           only the most probable words that together reach this share of the rest; None: all
    """
    log_p = log_p.astype(np.float64)
    if temperature == 0:
        top_k, temperature = 1, 1.0
    with np.errstate(over="ignore"):        # a quotient that overflows is -inf, and its exp 0, as it should be
        q: Array = np.exp((log_p - log_p.max()) / temperature)                   # (M3)
    if top_k is not None or top_p is not None:
        order = np.argsort(-log_p, kind="stable")
        q[order[len(order) if top_k is None else top_k:]] = 0
        if top_p is not None:
            reached = q[order].cumsum()
            q[order[np.searchsorted(reached, top_p * reached[-1]) + 1:]] = 0
    q /= q.sum()                                                                 # (M3)
    return q


def draw(q: Array, u: float) -> int:
    """The word at u in [0, 1), with the words laid side by side, each as wide as its probability."""
    reached = q.cumsum()
    u = min(u * float(reached[-1]), float(np.nextafter(reached[-1], 0)))         # rounding must not reach the end
    return int(np.searchsorted(reached, u, side="right"))                        # (M4)


def _check(direction: str, *, count: int, length: int, temperature: float, top_k: int | None, top_p: float | None,
           seed: int) -> None:
    if direction not in ("forward", "backward"):
        raise UserError(f"direction {direction!r}: expected 'forward' or 'backward'")
    for name, value, least in ("count", count, 1), ("length", length, 1), ("top_k", top_k, 1), ("seed", seed, 0):
        if value is not None and value < least:
            raise UserError(f"{name} = {value}: expected a whole number of at least {least}")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise UserError(f"temperature = {temperature}: expected a number of at least 0")
    if top_p is not None and not 0 < top_p <= 1:
        raise UserError(f"top_p = {top_p}: expected a number above 0 and at most 1")
