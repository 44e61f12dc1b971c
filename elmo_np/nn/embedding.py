"""Word lookup (E): the vector of a word is a row of a matrix.

    (E1) x_t = E[w_t]

Dimensions: T steps, B sequences, V words, D width of a word's vector.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..backend import twin
from ..types import Array
from .checks import check_array, check_ids, check_sizes
from .initializers import uniform
from .parameter import Parameter


@twin
def scatter_add(dE: Array, ids: Array, dx: Array) -> None:
    """Reverse of (E1): dE[ids[n]] += dx[n] in the order of n, in place. dE (V, D), ids (N,), dx (N, D)."""
    np.add.at(dE, ids, dx)  # (E1)


class Cache(NamedTuple):
    ids: Array          # (T, B) int64

    @property
    def type_ids(self) -> Array:
        """A number for the word type of each vector: its id."""
        return self.ids


class Embedding:
    """A table E of V word vectors of width D.

    V     number of words
    D     width of a vector
    rng   numpy.random.Generator that draws the start values, uniform in +-0.1 (Zaremba et al. 2014); None: allocate
          without drawing
    table a Parameter (V, D) to share, instead of a new one
    """

    def __init__(
        self,
        V: int,
        D: int,
        *,
        rng: Generator | None,
        dtype: DTypeLike = np.float32,
        table: Parameter | None = None,
    ):
        check_sizes("embedding", V=V, D=D)
        if table:
            check_array("shared embedding", table.value, (V, D), table.value.dtype)
        self.E = table or Parameter(uniform(rng, (V, D), 0.1, dtype), by_rows=True)

    def forward(self, ids: Array) -> tuple[Array, Cache]:
        """ids (T, B) whole numbers in [0, V) -> x (T, B, D), cache. Raises ValueError for another kind or range."""
        check_ids("word ids", ids, len(self.E.value))
        return self.E.value[ids], Cache(ids)  # (E1)

    def lookup(self, ids: Array) -> Array:
        """`forward` without a cache."""
        return self.forward(ids)[0]

    def backward(self, dx: Array, cache: Cache) -> None:
        """dx (T, B, D): accumulates into E.grad. A word id has no gradient."""
        D = self.E.value.shape[1]
        check_array("embedding gradient", dx, (*cache.ids.shape, D), self.E.value.dtype)
        ids = np.ascontiguousarray(cache.ids, np.int64).reshape(-1)
        dx_rows = np.ascontiguousarray(dx).reshape(len(ids), D)
        scatter_add(self.E.grad, ids, dx_rows)  # (E1)
        if self.E.rows is not None:
            self.E.rows.append(ids)
