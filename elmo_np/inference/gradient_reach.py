"""How far back gradients reach: how much one word's loss asks of the vectors of the words before it.

A trained model, its own back-propagation through time, and one target at the end of K words. The gradient of the
target's loss with respect to the vector of the word k places back says how much the prediction would change if that
vector changed: where it is next to nothing, the model has forgotten the word, or never learnt to remember it.
Source: Bengio et al. 1994, who show why gradients through time vanish.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ..data.batches import Ids, pack, reversed_sentences
from ..errors import UserError
from ..nn.bilm import BiLM, DirectionBatch
from ..nn.language_model import LanguageModel
from ..nn.parameter import parameters, shared_copy
from ..nn.sampled_softmax import SampledSoftmax
from ..runtime.threads import both, one_blas_thread
from ..types import Array
from .token_indexer import TokenIndexer

TARGETS = 200               # one word's gradient is chance, the mean of so many is a curve
FEWEST = 8                  # of a model that is so large that TARGETS would take long
PRODUCTS = 5_000_000_000    # of two numbers, in the layers of a direction, forward: a second or two with all the rest


class Reach(NamedTuple):
    """Mean length of d(loss of one target, in nats) / d(vector of the word k places back); k = 0: the last one read."""

    forward: Array          # (K,) float64, where back is to the left
    backward: Array         # (K,) float64, where back is to the right
    targets: int            # how many each mean is of


def reach(model: BiLM, words: TokenIndexer, sentences: Sequence[Sequence[str]], K: int, *,
          joined: bool = False) -> Reach:
    """Gradients through K words, each time from a zero state, without dropout, of the loss over all words.

    words       what the model reads for a word: `token_indexer`; of a model of characters, the vectors they give
    sentences   tokens; of each, the first K, the mark before them counted; shorter ones are left out
    joined      the sentences are one stream, as a model reads them that carries its state: any K in a row will do
    The gradients of the model's Parameters stay as they are.
    Raises UserError where nothing is K words long, or for a model without a softmax.
    """
    if model.forward_lm.softmax is None or model.backward_lm.softmax is None:
        raise UserError("this model has no softmax and predicts no words: expected one that was trained with it")
    numbers = [words.encode(sentence) for sentence in sentences]
    number = _affordable(model.forward_lm, K)
    sides = _sides(numbers, K, number, joined), _sides(list(reversed_sentences(numbers)), K, number, joined)
    if not sides[0].y.size:
        raise UserError(f"no sentence is {K} words long, its mark counted: expected longer ones, or a smaller K")
    # Looked up first: what words are held is not for two threads.
    x_f, x_b = (words.lookup(side.x)[direction] for direction, side in enumerate(sides))
    y_f, y_b = (words.targets(side.y[-1]) for side in sides)
    with one_blas_thread():
        forward, backward = both(lambda: gradient_lengths(shared_copy(model.forward_lm, {}), x_f, y_f),
                                 lambda: gradient_lengths(shared_copy(model.backward_lm, {}), x_b, y_b))
    return Reach(forward, backward, len(y_f))


def gradient_lengths(lm: LanguageModel, x: Array, y: Array) -> Array:
    """x: vectors (K, N, D) of K words, y (N,) the word after them -> (K,), the last word's first."""
    outputs, _, cache = lm.encode(x)
    dtop = np.zeros_like(outputs[-1])
    dtop[-1] = _dh(lm.softmax, outputs[-1][-1], y)          # one target, at the end
    dx: Any = lm.encode_backward([*[None] * len(lm.layers), dtop], cache)
    lengths: Array = np.linalg.norm(np.float64(dx[::-1]), axis=2).mean(axis=1)
    return lengths


def longest(sentences: Sequence[Sequence[str]], joined: bool, most: int = 21, enough: int = 20) -> int:
    """The largest K up to `most` for which `enough` sentences are long enough, or all if they are fewer; 0: none is."""
    lengths = sorted((len(sentence) + 1 for sentence in sentences), reverse=True)     # with the mark before
    if not lengths:
        return 0
    return min(most, sum(lengths) if joined else lengths[min(enough, len(lengths)) - 1])


def _dh(softmax: Any, h: Array, y: Array) -> Array:
    """Gradient of the loss of each target y (N,) with respect to its row of h (N, P): over all words, even where
    training samples them."""
    full = softmax.full if isinstance(softmax, SampledSoftmax) else softmax
    _, cache = full.forward(h, y)
    dh: Array = full.backward(float(len(y)), cache)         # the layer's loss is their mean
    return dh


def _sides(numbers: Sequence[Ids], K: int, number: int, joined: bool) -> DirectionBatch:
    """The first `number` pieces of K words and what follows each: x and y (K, N)."""
    pieces = pack([iter(numbers)], K) if joined else (next(pack([iter([one])], K)) for one in numbers)
    found = list(islice((piece for piece in pieces if piece.lengths[0] == K), number))
    none = np.empty((K, 0), np.int64)
    return DirectionBatch(np.concatenate([none, *(piece.x for piece in found)], axis=1),
                np.concatenate([none, *(piece.y for piece in found)], axis=1), np.full(len(found), K))


def _affordable(lm: LanguageModel, K: int) -> int:
    """How many targets."""
    size = sum(p.value.size for layer in lm.layers for p in parameters(layer).values())
    return max(FEWEST, min(TARGETS, PRODUCTS // (K * size)))
