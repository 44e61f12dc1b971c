"""Linear layer and cross-entropy (K): scores of C labels, and the loss of the correct one.

    (K1) z_n = x_n W + b
    (K2) log p(c | x_n) = z_n[c] - log sum_k exp(z_n[k])
    (K3) loss = - (1 / N) sum_n log p(y_n | x_n),  in nats per target, over the N targets that are not padding
    (K4) penalty = mu * sum W^2,  added to the loss where a task asks for it
    (K5) x_n = [u_n ; v_n ; |u_n - v_n| ; u_n * v_n],  where a label is for two vectors u and v

Source of (K5): Conneau et al. 2017.
Dimensions: D width of the input, C labels, N targets.
The softmax over words (`elmo_np/nn/softmax.py`) computes the same for a vocabulary, in chunks and in a kernel. Here the
labels are few, and their scores can also feed something other than a cross-entropy: a CRF, for instance.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ...nn.checks import check_array, check_sizes
from ...nn.initializers import glorot_uniform
from ...nn.parameter import Parameter
from ...nn.softmax import IGNORE_INDEX, checked_targets
from ...types import Array


class Linear:
    """x W + b.

    D, C    widths of input and output
    rng     numpy.random.Generator that draws W: Glorot uniform; b starts at zero
    """

    def __init__(self, D: int, C: int,
                 *, rng: Generator, dtype: DTypeLike = np.float32):
        check_sizes("linear layer", D=D, C=C)
        self.W = Parameter(glorot_uniform(rng, (D, C), dtype))
        self.b = Parameter(np.zeros(C, dtype))

    def forward(self, x: Array) -> tuple[Array, Array]:
        """x (.., D) -> z (.., C), cache: x itself. Raises ValueError for another width."""
        D = len(self.W.value)
        if x.shape[-1:] != (D,):
            raise ValueError(f"linear layer input has shape {x.shape}, "
                             f"expected (.., {D})")
        z = x @ self.W.value + self.b.value  # (K1)
        return z, x

    def backward(self, dz: Array, cache: Array) -> Array:
        """dz (.., C) -> dx (.., D); accumulates into W.grad and b.grad."""
        check_array("linear layer gradient", dz,
                    (*cache.shape[:-1], len(self.b.value)), self.b.value.dtype)
        dz_rows = dz.reshape(-1, dz.shape[-1])  # (N, C)
        x_rows = cache.reshape(-1, cache.shape[-1])  # (N, D)
        self.W.grad += x_rows.T @ dz_rows   # (K1)
        self.b.grad += dz_rows.sum(axis=0)  # (K1)
        dx: Array = dz @ self.W.value.T     # (K1)
        return dx

    def penalty(self, mu: float) -> float:
        """The term that is added to a batch's loss to keep W small."""
        squares = np.square(self.W.value, dtype=np.float64)  # (K4)
        return mu * float(squares.sum())  # (K4)

    def penalty_backward(self, dloss: float, mu: float) -> None:
        """dloss: gradient of the minimised quantity by the penalty; accumulates into W.grad."""
        self.W.grad += dloss * 2 * mu * self.W.value  # (K4)


def log_softmax(z: Array) -> Array:
    """Scores (.., C) -> log p (.., C)."""
    # The same p, and no exp can overflow
    z = z - z.max(axis=-1, keepdims=True)
    total = np.exp(z).sum(axis=-1, keepdims=True)  # (K2)
    log_p: Array = z - np.log(total)  # (K2)
    return log_p


def pair_features(u: Array, v: Array) -> Array:
    """u, v (.., D) -> x (.., 4D)."""
    return np.concatenate([u, v, np.abs(u - v), u * v], axis=-1)  # (K5)


def pair_features_backward(dx: Array, u: Array,
                           v: Array) -> tuple[Array, Array]:
    """dx (.., 4D) -> du, dv (.., D)."""
    du, dv, ddistance, dproduct = np.split(dx, 4, axis=-1)  # (K5)
    ddistance = ddistance * np.sign(u - v)  # (K5)
    du = du + ddistance + dproduct * v      # (K5)
    dv = dv - ddistance + dproduct * u      # (K5)
    return du, dv


class CrossEntropyCache(NamedTuple):
    p: Array            # (.., C)
    y: Array            # (..)
    N: int              # targets


def cross_entropy(z: Array,
                  y: Array) -> tuple[float, CrossEntropyCache]:
    """Scores z (.., C), labels y (..) in [0, C) or IGNORE_INDEX -> loss in nats per target (0 without any), cache."""
    if z.shape[:-1] != y.shape:
        raise ValueError(f"scores have shape {z.shape}, labels {y.shape}: "
                         "expected scores (.., C) and labels (..)")
    y = checked_targets(y, z.shape[-1])
    live = y != IGNORE_INDEX
    N = max(1, int(live.sum()))
    log_p = log_softmax(z)  # (K2)
    index = np.where(live, y, 0)[..., None]
    own = np.take_along_axis(log_p, index, axis=-1)[..., 0]
    loss = -float(own[live].sum(dtype=np.float64)) / N  # (K3)
    return loss, CrossEntropyCache(np.exp(log_p), y, N)


def cross_entropy_backward(dloss: float,
                           cache: CrossEntropyCache) -> Array:
    """dloss: gradient of the minimised quantity by this loss -> dz (.., C)."""
    p, y, N = cache
    own = y[..., None] == np.arange(p.shape[-1])  # (K2), (K3)
    live = (y != IGNORE_INDEX)[..., None]
    dz: Array = (p - own) * live * (dloss / N)  # (K2), (K3)
    return dz
