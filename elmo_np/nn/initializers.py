"""Start values of parameters: plain functions that draw an array.

rng None draws nothing: the array is allocated and zero. That is for a model whose values come from a file; the
operating system hands out no memory for zeros before something is written to them.

Sources: Glorot and Bengio 2010; LeCun et al. 1998; Saxe et al. 2014.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..types import Array

Shape = tuple[int, ...]


def uniform(rng: Generator | None, shape: Shape, bound: float, dtype: DTypeLike) -> Array:
    """Uniform within +-bound."""
    if rng is None:
        return np.zeros(shape, dtype)
    return rng.uniform(-bound, bound, shape).astype(dtype)


def glorot_uniform(rng: Generator | None, shape: Shape, dtype: DTypeLike) -> Array:
    """Uniform within +-sqrt(6 / (inputs + outputs)); shape is (inputs, outputs), or (inputs,) for one output vector."""
    return uniform(rng, shape, np.sqrt(6 / sum(shape)), dtype)


def lecun_normal(rng: Generator | None, shape: Shape, inputs: int, dtype: DTypeLike) -> Array:
    """Normal with variance 1 / inputs."""
    if rng is None:
        return np.zeros(shape, dtype)
    values: Array = rng.standard_normal(shape) / np.sqrt(inputs)
    return values.astype(dtype)


def identity_or_orthonormal(rng: Generator, outputs: int, inputs: int, dtype: DTypeLike) -> Array:
    """(outputs, inputs): the identity where both are equal, else orthonormal rows or columns, whichever are shorter."""
    if inputs == outputs:
        return np.eye(inputs, dtype=dtype)
    wide = max(inputs, outputs)
    narrow = min(inputs, outputs)
    Q, _ = np.linalg.qr(rng.standard_normal((wide, narrow)))
    return np.ascontiguousarray(Q if outputs == wide else Q.T, dtype)
