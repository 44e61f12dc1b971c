"""One character CNN for both directions: each word type of a batch is computed once, half of them on each thread.

The backward direction holds a second use of the forward one's CNN: the same numbers, gradients of its own. So each of
the two can take half of the words of both directions, and adds to its own gradients;
`BiLM.reduce_grad` merges them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..runtime.threads import both
from ..types import Array
from .char_cnn import CharCNN, TypesCache, add_by_type, word_types


class Cache(NamedTuple):
    places: tuple[Array, Array]             # of the words of each direction among the types
    halves: tuple[TypesCache, TypesCache]   # the types of even and of odd place


def forward(pair: tuple[CharCNN, CharCNN], k: tuple[Array, Array]) -> tuple[tuple[Array, Array], Cache]:
    """k (.., K) of each direction -> their vectors (.., D), cache."""
    types, place = word_types(np.concatenate([one.reshape(-1, one.shape[-1]) for one in k]))
    (even, first), (odd, second) = both(lambda: pair[0].encode(types[0::2]), lambda: pair[1].encode(types[1::2]))
    v, cut = _zipped(even, odd), k[0][..., 0].size
    places = place[:cut].reshape(k[0].shape[:-1]), place[cut:].reshape(k[1].shape[:-1])
    return (v[places[0]], v[places[1]]), Cache(places, (first, second))


def backward(pair: tuple[CharCNN, CharCNN], dv: tuple[Array, Array], cache: Cache) -> None:
    """dv (.., D) of each direction: adds to the gradients of both uses."""
    N = sum(len(half.x) for half in cache.halves)
    dtypes = np.zeros((N, dv[0].shape[-1]), dv[0].dtype)
    add_by_type(dtypes, cache.places[0], dv[0])
    add_by_type(dtypes, cache.places[1], dv[1])
    both(lambda: pair[0].encode_backward(dtypes[0::2], cache.halves[0]),
         lambda: pair[1].encode_backward(dtypes[1::2], cache.halves[1]))


def lookup(pair: tuple[CharCNN, CharCNN], k: Array) -> Array:
    """k (.., K) -> vectors (.., D), the same for both directions; without a cache."""
    types, place = word_types(k)
    even, odd = both(lambda: pair[0].lookup(types[0::2]), lambda: pair[1].lookup(types[1::2]))
    return _zipped(even, odd)[place]


def _zipped(even: Array, odd: Array) -> Array:
    v = np.empty((len(even) + len(odd), even.shape[1]), even.dtype)
    v[0::2], v[1::2] = even, odd
    return v
