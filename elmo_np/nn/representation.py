"""From hidden states to a word's vector (V): the article's v_t, and the layer mix that generalises it.

    (V1) h_t_bi = [h_t_forward ; h_t_backward]
    (V2) v_t = W h_t_bi + b
    (V3) s = softmax(w)
    (V4) ELMo_t = gamma * sum_j s_j h_{t,j}
    (V5) mu_j, var_j = mean and variance of all elements of layer j, without padding
    (V6) n_{t,j} = (h_{t,j} - mu_j) / sqrt(var_j + 1e-12), which replaces h_{t,j} in a mix with layer_norm
    (V7) penalty = l2 * sum_j w_j^2, which a task adds to its loss

Dimensions: P output width of a direction, J layers: 0 (the word vectors) to L, or 1 to L where 0 has another width.
Source: the article's ELMo(x_t, S) for (V1), (V2); Peters et al. 2018, equation (1), for (V3), (V4), its sections 3.2
and 3.3 for (V5)-(V7), whose details are those of the original's code: one mean and one variance per layer, for all
positions of a batch together, and the penalty on w itself.
W, b, w and gamma are learnt with the task that uses the vectors, through `backward`.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..types import Array
from .checks import check_array, check_sizes
from .initializers import identity_or_orthonormal
from .parameter import Parameter

EPSILON = 1e-12         # the original's; makes a constant layer zero, not infinite


def h_bi(*directions: Array) -> Array:
    """(.., P) of each direction, forward first -> (.., 2P); of a model of one direction (.., P)."""
    return np.concatenate(directions, axis=-1)  # (V1)


def h_bi_backward(dh_bi: Array) -> tuple[Array, Array]:
    """(.., 2P) -> the gradients of the forward and of the backward direction's states."""
    dforward, dbackward = np.split(dh_bi, 2, axis=-1)  # (V1)
    return dforward, dbackward


class WordVector:
    """v_t = W h_t_bi + b.

    width_in, width_out   2P and the vector's width
    rng                   draws W with orthonormal rows or columns; where both widths are equal, W starts as the
                          identity, so that v_t is h_t_bi until something is learnt
    """

    def __init__(self, width_in: int, width_out: int, *, rng: Generator, dtype: DTypeLike = np.float32):
        check_sizes("word vector", width_in=width_in, width_out=width_out)
        self.W = Parameter(identity_or_orthonormal(rng, width_out, width_in, dtype))
        self.b = Parameter(np.zeros(width_out, dtype))

    def forward(self, h: Array) -> tuple[Array, Array]:
        """h_bi (.., 2P) -> v (.., width_out), cache."""
        width = self.W.value.shape[1]
        if h.shape[-1:] != (width,):
            raise ValueError(f"h_bi has shape {h.shape}, expected (.., {width})")
        v = h @ self.W.value.T + self.b.value  # (V2)
        return v, h

    def backward(self, dv: Array, cache: Array) -> Array:
        """dv (.., width_out) -> dh_bi (.., 2P); accumulates into W.grad and b.grad."""
        W = self.W.value
        check_array("gradient of word vectors", dv, (*cache.shape[:-1], len(W)), W.dtype)
        dv_rows = dv.reshape(-1, dv.shape[-1])
        h_rows = cache.reshape(-1, cache.shape[-1])
        self.W.grad += dv_rows.T @ h_rows   # (V2)
        self.b.grad += dv_rows.sum(axis=0)  # (V2)
        dh: Array = dv @ W                  # (V2)
        return dh


class NormCache(NamedTuple):
    n: Array            # (J, .., 2P), zero at padding
    r: Array            # (J, 1, ..): 1 / sqrt(var + EPSILON)
    N: int              # elements of a layer, without padding


def norm_forward(h: Array, live: Array) -> tuple[Array, NormCache]:
    """h (J, .., 2P), zero at padding; live (.., 1): 0 at padding, 1 elsewhere
    -> n, shaped as h and zero at padding; cache."""
    axes = tuple(range(1, h.ndim))
    N = max(1, int(live.sum()) * h.shape[-1])
    mu = h.sum(axes, keepdims=True) / N                     # (V5)
    centred = (h - mu) * live
    var = (centred * centred).sum(axes, keepdims=True) / N  # (V5)
    r = 1 / np.sqrt(var + EPSILON)                          # (V6)
    n = centred * r                                         # (V6)
    return n, NormCache(n, r, N)


def norm_backward(dn: Array, cache: NormCache) -> Array:
    """dn (J, .., 2P), zero at padding -> dh, valid outside padding."""
    n, r, N = cache
    axes = tuple(range(1, dn.ndim))
    mean_dn = dn.sum(axes, keepdims=True) / N          # (V5)
    mean_dn_n = (dn * n).sum(axes, keepdims=True) / N  # (V5)
    dh: Array = r * (dn - mean_dn - n * mean_dn_n)     # (V6), (V5)
    return dh


class MixCache(NamedTuple):
    layers: Array               # (J, .., 2P) as mixed: normalised, zero at padding
    s: Array                    # (J,)
    live: Array | None          # (.., 1): 0 at padding, 1 elsewhere; None: no padding
    norm: NormCache | None


class ScalarMix:
    """gamma * sum_j s_j h_{t,j} over J layers; starts as their plain average (w = 0, gamma = 1).

    layer_norm  give all layers the same mean and variance first
    l2          weight of the penalty on w: 1 holds the mix near the average, 0.001 lets the layers differ
    A task that reads only the top layer mixes that one, J = 1: it is scaled by gamma.
    """

    def __init__(self, J: int, *, layer_norm: bool = False, l2: float = 0.0, dtype: DTypeLike = np.float32):
        check_sizes("layer mix", J=J)
        self.layer_norm = layer_norm
        self.l2 = l2
        self.w = Parameter(np.zeros(J, dtype))
        self.gamma = Parameter(np.ones((), dtype))

    def forward(self, layers: Array, mask: Array | None = None) -> tuple[Array, MixCache]:
        """layers (J, .., 2P) -> e (.., 2P), cache.

        mask    (..): false at padding, whose values are ignored: e is zero there, and no mean counts it; None: no
                padding
        """
        self._check(layers, mask)
        live = None
        norm = None
        if mask is not None:
            live = mask[..., None].astype(layers.dtype)
            layers = np.where(mask[..., None], layers, 0)
        if self.layer_norm:
            everywhere = np.ones_like(layers[0, ..., :1])
            layers, norm = norm_forward(layers, everywhere if live is None else live)
        s = np.exp(self.w.value - self.w.value.max())  # (V3)
        s /= s.sum()                                   # (V3)
        mixed = np.tensordot(s, layers, 1)             # (V4)
        e = self.gamma.value * mixed                   # (V4)
        return e, MixCache(layers, s, live, norm)

    def backward(self, de: Array, cache: MixCache) -> Array:
        """de (.., 2P) -> gradient of the layers (J, .., 2P), zero at padding; accumulates into w.grad, gamma.grad."""
        layers, s, live, norm = cache
        check_array("layer mix gradient", de, layers.shape[1:], layers.dtype)
        gamma = self.gamma.value
        if live is not None:
            de = de * live
        q = np.tensordot(layers, de, de.ndim)               # (J,): each h_j . de
        self.gamma.grad += s @ q                           # (V4)
        ds = gamma * q                                     # (V4)
        self.w.grad += s * (ds - s @ ds)                   # (V3)
        dlayers: Array = np.multiply.outer(gamma * s, de)  # (V4)
        if norm is not None:
            dlayers = norm_backward(dlayers, norm)
            if live is not None:
                dlayers = dlayers * live
        return dlayers

    def penalty(self) -> float:
        """The task adds this to its loss."""
        squares = np.square(self.w.value, dtype=np.float64)  # (V7)
        return self.l2 * float(squares.sum())                # (V7)

    def penalty_backward(self, dloss: float = 1.0) -> None:
        """dloss: gradient of the sum that the penalty is part of; accumulates into w.grad."""
        self.w.grad += dloss * 2 * self.l2 * self.w.value  # (V7)

    def _check(self, layers: Array, mask: Array | None) -> None:
        J = len(self.w.value)
        if len(layers) != J:
            raise ValueError(f"layer mix was given {len(layers)} layers, expected {J}")
        if mask is not None and mask.shape != layers.shape[1:-1]:
            raise ValueError(f"mask has shape {mask.shape}, expected {layers.shape[1:-1]}")
