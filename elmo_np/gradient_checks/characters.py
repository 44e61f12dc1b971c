"""The character CNN, with words at which every branch is active and no maximum is a tie.

A maximum has a kink where two positions are equal, and a relu where it is zero: `avoid_kinks` rejects a point that is
nearer to one than MARGIN, which is far more than central differences move anything.
"""

import numpy as np
from numpy.random import Generator

from ..config.fields import Pairs
from ..nn import shared_char_cnn
from ..nn.bilm import Batch
from ..nn.char_cnn import CharCNN, windows
from ..nn.characters import N_CHARACTERS, marks, to_char_ids
from ..nn.parameter import Parameter, parameters, shared_copy
from ..types import Array
from .registry import CASES, Case, acts, case, case_of, case_of_output

MARGIN = 1e-3
WORDS = ["a", "bab", "cabbages", "bab", "å"]        # one twice, one that is cut off, one of two bytes
SPELLING = np.concatenate([np.zeros((1, 10), np.uint16), marks(10), to_char_ids(WORDS, 10)])
ALPHABET = np.unique(SPELLING)                      # the rows of E that they need


def _of_one_cnn(rng: Generator, activation: str, highways: int, project: bool) -> Case:
    layer, k = _cnn(rng, activation, highways, project)
    r = rng.normal(size=layer.forward(k)[0].shape)
    return case_of_output(layer, lambda: layer.forward(k), r)


CASES["characters, relu, two highway layers, projected"] = lambda rng: _of_one_cnn(rng, "relu", 2, True)
CASES["characters, tanh, no highway layer, not projected"] = lambda rng: _of_one_cnn(rng, "tanh", 0, False)


def _large(rng: Generator, filters: int, D: int) -> Case:
    """Filters over one character, which is one value, and a projection: no maximum of so many is near a kink."""
    layer = CharCNN(((1, filters),), 1, D, 7, activation="tanh", highways=0, project=True, rng=rng, dtype=np.float64)
    with_few_characters(layer)
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape)
    layer.filters[0].W.value += np.sign(layer.filters[0].W.value)
    layer.E.value.sort(axis=0)          # the end of a word is larger than its letters: a maximum in the last positions
    k = _renumbered(to_char_ids(WORDS, layer.K))
    avoid_kinks(layer, k)
    r = rng.normal(size=(len(k), D))
    return case_of_output(layer, lambda: layer.forward(k), r)


CASES["characters, more filters than the kernel takes at a time"] = lambda rng: _large(rng, 260, 1)
CASES["characters, more values than the kernel takes at a time"] = lambda rng: _large(rng, 20, 33)


@case("characters of both directions")
def _charcnn_shared(rng: Generator) -> Case:
    """Two directions have words in common, and the CNN and its shared copy compute half of all words each."""
    layer, k = _cnn(rng, "tanh", 0, False)
    uses: dict[int, tuple[Parameter, Parameter]] = {}
    pair = layer, shared_copy(layer, uses)
    words = k[:, 1:], k[:1]
    (v_f, v_b), _ = shared_char_cnn.forward(pair, words)
    r_f = rng.normal(size=v_f.shape)
    r_b = rng.normal(size=v_b.shape)

    def loss() -> float:
        (v_f, v_b), _ = shared_char_cnn.forward(pair, words)
        return float((v_f * r_f).sum() + (v_b * r_b).sum())

    def backward() -> dict[str, Array]:
        _, cache = shared_char_cnn.forward(pair, words)
        shared_char_cnn.backward(pair, (r_f, r_b), cache)
        for home, use in uses.values():
            home.reduce_grad(use)
        return {}
    return case_of(layer, loss, backward, {})


def _cnn(rng: Generator, activation: str, highways: int, project: bool) -> tuple[CharCNN, Array]:
    """A CNN with random values everywhere, and words (2, 3, K) for it: those above, and one position without a word."""
    filters: Pairs = ((1, 3), (2, 2), (4, 3))
    layer = CharCNN(filters, 2, 4 if project else 8, 7, activation=activation, highways=highways, project=project,
                    rng=rng, dtype=np.float64)
    layer.CHUNK = 40                                    # two parts: the sums run over parts
    with_few_characters(layer)
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape)
    k = _renumbered(np.concatenate([to_char_ids(WORDS, layer.K), np.zeros((1, layer.K), np.uint16)]))
    avoid_kinks(layer, k)
    return layer, k.reshape(2, 3, layer.K)


def spelled_batch(batch: Batch, K: int) -> Batch:
    """A batch of ids below 7 as a batch of characters: the special tokens are 0 and 1."""
    return Batch(*(side._replace(x=spelled(side.x, K)) for side in batch))


def spelled(ids: Array, K: int) -> Array:
    """Ids below 7 (..) as characters (.., K): the special tokens are 0 and 1."""
    return _renumbered(np.concatenate([marks(K), to_char_ids(WORDS, K)]))[ids]


def with_few_characters(*layers: CharCNN) -> None:
    """Keep only the rows of E that the words above need: checking all 262 would take long and show nothing more."""
    few: dict[int, Array] = {}
    old = [layer.E.value for layer in layers]           # alive, so that each keeps its id
    for layer, E in zip(layers, old, strict=True):
        layer.E.value = few.setdefault(id(E), E[:len(ALPHABET)].copy())     # shared tables stay shared
        layer.E._grad = np.zeros_like(layer.E.value)


def _renumbered(k: Array) -> Array:
    small = np.zeros(N_CHARACTERS, np.uint16)
    small[ALPHABET] = np.arange(len(ALPHABET))
    return small[k]


def avoid_kinks(layer: CharCNN, k: Array) -> None:
    """Raise AssertionError for a maximum or a relu near a kink, or a branch that does not act, with the words k."""
    words = k.reshape(-1, k.shape[-1])
    gaps, past = [], []
    for f in layer.filters:
        for word in words:
            # Positions with the same characters stay equal wherever they move: no kink.
            seen = np.unique(np.lib.stride_tricks.sliding_window_view(word, f.w), axis=0)
            y = np.sort(windows(layer.E.value[seen], f.w)[:, 0] @ f.W.value, axis=0)
            last = windows(layer.E.value[word[None, -f.w:]], f.w)[0, 0] @ f.W.value
            gaps += [*np.diff(y[-2:], axis=0).ravel()]
            past += [*np.isclose(last, y[-1], rtol=0, atol=MARGIN / 2)]      # a BLAS rounds by shape
    _, cache = layer.encode(words)
    relus = [x @ f.Wt.value + f.bt.value for f, (x, _, _) in zip(layer.highways, cache.highways, strict=True)]
    relus += [layer._convolve(words, keep=False)[0]] if layer.activation == "relu" else []
    nearest = min(np.min(gaps), *(np.abs(x).min() for x in relus), np.inf)
    if nearest < MARGIN:
        raise AssertionError(f"the point of this gradient check is {nearest:.0e} from a kink, expected {MARGIN:.0e}")
    acts(np.array(past), "the maximum is past the end of the word")
    for x in relus:
        acts(x > 0, "relu")
