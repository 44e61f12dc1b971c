"""How far back gradients reach: how much the loss of one word depends on the vectors of the words before it.

A trained model, its own back-propagation through time, and one target after K words. The gradient of the target's loss
with respect to the vector of the word k positions back tells how much the prediction would change if that vector did.
Where it is close to zero, the model has forgotten the word, or never learnt to remember it.
Source: Bengio et al. 1994, who show why gradients through time vanish.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ..config.directions import from_directions
from ..data.batches import Ids, pack, reversed_sentences
from ..errors import UserError
from ..nn.bilm import BiLM, DirectionBatch
from ..nn.language_model import LanguageModel
from ..nn.parameter import parameters, shared_copy
from ..nn.sampled_softmax import unsampled
from ..runtime.threads import one_blas_thread, parallel
from ..types import Array
from .token_indexer import TokenIndexer

TARGETS = 200               # the gradient of a single target is noise, the mean of so many is a curve
FEWEST = 8                  # targets of a model so large that TARGETS would take long
PRODUCTS = 5_000_000_000    # multiplications in one direction's layers, forward: a second or two with everything else


class Reach(NamedTuple):
    """Mean length of d(loss of one target, in nats) / d(vector of the word k positions back); k = 0: the last word.

    None for a direction that the model lacks.
    """

    forward: Array | None       # (K,) float64; back is to the left
    backward: Array | None      # (K,) float64; back is to the right
    targets: int            # over how many the means are taken


def reach(model: BiLM, words: TokenIndexer, sentences: Sequence[Sequence[str]], K: int, *,
          joined: bool = False) -> Reach:
    """Gradients through K words, always from a zero state, without dropout, of the loss over all words.

    words       turns words into what the model reads: `token_indexer`
    sentences   tokens; of each sentence the first K are used, counting the <S> before them; shorter ones are skipped
    joined      the sentences are one stream, as a stateful model reads them: any K successive words are used
    The gradients of the model's Parameters do not change.
    Raises UserError if no sentence has K words, or if the model has no softmax.
    """
    if any(lm.softmax is None for lm in model.lms.values()):
        raise UserError("this model has no softmax and cannot predict words: expected one that was trained with it")
    ids = [words.encode(sentence) for sentence in sentences]
    calls: dict[str, Callable[[], Array]] = {}
    for k, (direction, lm) in enumerate(model.lms.items()):
        read = list(reversed_sentences(ids)) if direction == "backward" else ids
        batch = _batch(read, K, _affordable(lm, K), joined)
        targets = len(batch.lengths)
        if not targets:
            raise UserError(f"no sentence is {K} words long, counting its <S>: expected longer ones, or a smaller K")
        # Looked up before the threads start: the cache of words is not thread-safe.
        x = words.lookup(batch.x)[k]
        calls[direction] = partial(gradient_lengths, shared_copy(lm, {}), x, words.targets(batch.y[-1]))
    with one_blas_thread():
        found = dict(zip(calls, parallel(list(calls.values())), strict=True))
    return Reach(**from_directions(found), targets=targets)


def gradient_lengths(lm: LanguageModel, x: Array, y: Array) -> Array:
    """x: vectors (K, N, D) of K words, y (N,) the word after them -> (K,), for the last word first."""
    outputs, _, cache = lm.encode(x)
    dtop = np.zeros_like(outputs[-1])
    dtop[-1] = _dh(lm.softmax, outputs[-1][-1], y)          # one target, at the end
    dx: Any = lm.encode_backward([*[None] * len(lm.layers), dtop], cache)
    lengths: Array = np.linalg.norm(np.float64(dx[::-1]), axis=2).mean(axis=1)
    return lengths


def longest(sentences: Sequence[Sequence[str]], joined: bool, most: int = 21, enough: int = 20) -> int:
    """The largest K up to `most` for which `enough` sentences are long enough, or all if there are fewer; or 0."""
    lengths = sorted((len(sentence) + 1 for sentence in sentences), reverse=True)     # with <S>
    if not lengths:
        return 0
    return min(most, sum(lengths) if joined else lengths[min(enough, len(lengths)) - 1])


def _dh(softmax: Any, h: Array, y: Array) -> Array:
    """Gradient of the loss of each target y (N,) with respect to its row of h (N, P): over all words, even where
    training samples them."""
    full = unsampled(softmax)
    _, cache = full.forward(h, y)
    dh: Array = full.backward(float(len(y)), cache)         # the layer's loss is their mean
    return dh


def _batch(ids: Sequence[Ids], K: int, most: int, joined: bool) -> DirectionBatch:
    """The first pieces of K words, at most `most`, and the words that follow: x and y (K, N)."""
    pieces = pack([iter(ids)], K) if joined else (next(pack([iter([one])], K)) for one in ids)
    found = list(islice((piece for piece in pieces if piece.lengths[0] == K), most))
    none = np.empty((K, 0), np.int64)
    x = np.concatenate([none, *(piece.x for piece in found)], axis=1)
    y = np.concatenate([none, *(piece.y for piece in found)], axis=1)
    return DirectionBatch(x, y, np.full(len(found), K))


def _affordable(lm: LanguageModel, K: int) -> int:
    """The number of targets."""
    size = sum(p.value.size for layer in lm.layers for p in parameters(layer).values())
    return max(FEWEST, min(TARGETS, PRODUCTS // (K * size)))
