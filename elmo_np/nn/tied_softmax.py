"""Tied softmax (W): the weights of some words of a softmax are their word vectors.

    (W1) W_i = E[C_i : C_{i+1}],  for cluster i of an adaptive softmax
    (W2) W_head = [E[0 : C_0]; G],  whose entries for clusters are not words: each has a row of G

W is that of softmax.py, whose equations follow. One array has two uses, and the gradients of both add: a word learns
from being read and from being predicted. Of all V words, W = E: `Softmax` and `SampledSoftmax` take E itself.
Where h does not have the width of a word vector, (A1) of adaptive_softmax.py maps it to that width.

Dimensions: V words, D width of a word's vector, C_i the first word of cluster i.
Source: Press and Wolf 2017; Inan et al. 2017; with clusters, Baevski and Auli 2019 (arXiv 1809.10853).
"""

import numpy as np
from numpy.random import Generator

from ..types import Array
from .checks import check_sizes
from .initializers import lecun_normal
from .parameter import Parameter
from .softmax import Cache, Softmax


class TiedSoftmax:
    """Softmax over some words, tied to their vectors.

    E         the word vectors, a Parameter (V, D) that an Embedding has too; its `rows` must be None
    words     ids of the words, which are the first entries
    entries   number of entries after them that are not words
    rng       draws their weights: normal with variance 1 / D; the biases of all entries start at zero
    """

    def __init__(self, E: Parameter, words: range, *, entries: int = 0, rng: Generator | None = None):
        D = E.value.shape[1]
        dtype = E.value.dtype
        check_sizes("tied softmax", words=len(words))
        self.E = E
        self.rows = slice(words.start, words.stop)
        self.words = len(words)
        self.G = Parameter(lecun_normal(rng, (entries, D), D, dtype)) if entries else None
        self.b = Parameter(np.zeros(len(words) + entries, dtype))

    def forward(self, h: Array, y: Array, rng: Generator | None = None) -> tuple[float, Cache]:
        """h (.., D), y (..) entries or IGNORE_INDEX; rng is not used -> loss in nats per target, cache"""
        return self._softmax().forward(h, y)

    def smoothing(self, cache: Cache) -> float:
        """R of label smoothing, over all entries."""
        return self._softmax().smoothing(cache)

    def backward(self, dloss: float, cache: Cache, smoothing: float = 0.0) -> Array:
        """dloss: gradient of what is minimised with respect to this loss, smoothing: the factor of R
        -> dh (.., D); accumulates into E.grad, G.grad and b.grad."""
        softmax = self._softmax()
        dh = softmax.backward(dloss, cache, smoothing)  # (W1) into the rows of E.grad, unless there are other entries
        if self.G is not None:
            dW = softmax.W.grad
            self.E.grad[self.rows] += dW[:self.words]  # (W2)
            self.G.grad += dW[self.words:]             # (W2)
        return dh

    def nll(self, h: Array, y: Array) -> Array:
        """-log p(y | h) in nats, the shape of y, 0 at padding."""
        return self._softmax().nll(h, y)

    def log_probabilities(self, h: Array) -> Array:
        """log p in nats of every entry: h (.., D) -> (.., entries)."""
        return self._softmax().log_probabilities(h)

    def _softmax(self) -> Softmax:
        """The softmax with the present weights."""
        W = self.E.part(self.rows)  # (W1)
        if self.G is not None:
            W = Parameter(np.concatenate([W.value, self.G.value]))  # (W2)
        return Softmax(W.value.shape[1], len(W.value), rng=None, W=W, b=self.b)
