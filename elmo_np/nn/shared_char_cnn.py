"""One character CNN for both directions: each word type of a batch is computed once, half of them on each thread.

The backward direction holds a shared copy of the forward one's CNN: the same values, but gradients of its own. So each
of the two can take half of the words of both directions and accumulate into its own gradients; `BiLM.reduce_grad` adds
them up.
"""

from typing import NamedTuple

import numpy as np

from ..runtime.threads import both
from ..types import Array
from .char_cnn import CharCNN, TypesCache, add_by_type, word_types

Pair = tuple[CharCNN, CharCNN]


class Cache(NamedTuple):
    type_ids: tuple[Array, Array]           # which of the types each word of a direction is
    halves: tuple[TypesCache, TypesCache]   # the types with an even and with an odd id


def forward(pair: Pair, k: tuple[Array, Array]) -> tuple[tuple[Array, Array], Cache]:
    """k (.., K) of each direction -> their vectors (.., D), cache."""
    K = k[0].shape[-1]
    types, type_ids = word_types(np.concatenate([k[0].reshape(-1, K), k[1].reshape(-1, K)]))
    (even, first), (odd, second) = both(lambda: pair[0].encode(types[0::2]),
                                        lambda: pair[1].encode(types[1::2]))
    v = _interleaved(even, odd)
    words = k[0][..., 0].size               # of the forward direction
    forward_ids = type_ids[:words].reshape(k[0].shape[:-1])
    backward_ids = type_ids[words:].reshape(k[1].shape[:-1])
    cache = Cache((forward_ids, backward_ids), (first, second))
    return (v[forward_ids], v[backward_ids]), cache


def backward(pair: Pair, dv: tuple[Array, Array], cache: Cache) -> None:
    """dv (.., D) of each direction: accumulates into the gradients of both copies."""
    for ids, gradient in zip(cache.type_ids, dv, strict=True):
        pair[0].check_gradient(gradient, ids.shape, cache.halves[0].x)
    N = sum(len(half.x) for half in cache.halves)
    dtypes = np.zeros((N, dv[0].shape[-1]), dv[0].dtype)
    add_by_type(dtypes, cache.type_ids[0], dv[0])
    add_by_type(dtypes, cache.type_ids[1], dv[1])
    both(lambda: pair[0].encode_backward(dtypes[0::2], cache.halves[0]),
         lambda: pair[1].encode_backward(dtypes[1::2], cache.halves[1]))


def lookup(pair: Pair, k: Array) -> Array:
    """k (.., K) -> vectors (.., D), the same for both directions; without a cache."""
    types, type_ids = word_types(k)
    even, odd = both(lambda: pair[0].lookup(types[0::2]),
                     lambda: pair[1].lookup(types[1::2]))
    return _interleaved(even, odd)[type_ids]


def _interleaved(even: Array, odd: Array) -> Array:
    v = np.empty((len(even) + len(odd), even.shape[1]), even.dtype)
    v[0::2] = even
    v[1::2] = odd
    return v
