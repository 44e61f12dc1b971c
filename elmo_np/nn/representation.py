"""From hidden states to a word's vector (V): the article's v_t, and the layer mix that generalises it.

    (V1) h_t_bi = [h_t_forward ; h_t_backward]
    (V2) v_t = W h_t_bi + b
    (V3) s = softmax(w)
    (V4) ELMo_t = gamma * sum_j s_j h_{t,j}
    (V5) mu_j, var_j = mean and variance of all numbers of layer j, padding left out
    (V6) n_{t,j} = (h_{t,j} - mu_j) / sqrt(var_j + 1e-12), which a mix with layer_norm reads in place of h_{t,j}
    (V7) penalty = l2 * sum_j w_j^2, which a task adds to its loss

Dimensions: P output width of a direction, J layers: 0 (the word vectors) to L, or 1 to L where 0 has another width.
Source: the article's ELMo(x_t, S) for (V1), (V2); Peters et al. 2018, equation (1), for (V3), (V4), its sections 3.2
and 3.3 for (V5)-(V7), whose details are those of the original's code: one mean and one variance a layer, for all
positions of a batch together, and the penalty on w itself.
W, b, w and gamma are learnt with the task that uses the vectors, through `backward`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..types import Array
from .parameter import Parameter

EPSILON = 1e-12     # the original's: a layer that does not vary at all is zero, not infinite


def h_bi(forward: Array, backward: Array) -> Array:
    """(.., P) of each direction -> (.., 2P)."""
    return np.concatenate([forward, backward], axis=-1)                          # (V1)


def h_bi_backward(dh_bi: Array) -> tuple[Array, Array]:
    """(.., 2P) -> the gradients of the forward and of the backward direction's states."""
    dforward, dbackward = np.split(dh_bi, 2, axis=-1)                            # (V1)
    return dforward, dbackward


class WordVector:
    """v_t = W h_t_bi + b.

    width_in, width_out   2P and the vector's width; W starts as the identity where they are equal, so that v_t is
                          h_t_bi until something is learnt, and with orthonormal rows or columns from rng elsewhere
    """

    def __init__(self, width_in: int, width_out: int, *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32):
        if width_in == width_out:
            W = np.eye(width_in)
        else:
            wide, narrow = max(width_in, width_out), min(width_in, width_out)
            Q, _ = np.linalg.qr(rng.standard_normal((wide, narrow)))
            W = Q if width_out == wide else Q.T
        self.W, self.b = Parameter(np.ascontiguousarray(W, dtype)), Parameter(np.zeros(width_out, dtype))

    def forward(self, h: Array) -> tuple[Array, Array]:
        """h_bi (.., 2P) -> v (.., width_out), cache."""
        width = self.W.value.shape[1]
        if h.shape[-1:] != (width,):
            raise ValueError(f"h_bi has shape {h.shape}, expected (.., {width})")
        return h @ self.W.value.T + self.b.value, h                              # (V2)

    def backward(self, dv: Array, cache: Array) -> Array:
        """dv (.., width_out) -> dh_bi (.., 2P); adds to W.grad and b.grad."""
        dv_rows, h_rows = dv.reshape(-1, dv.shape[-1]), cache.reshape(-1, cache.shape[-1])
        self.W.grad += dv_rows.T @ h_rows                                        # (V2)
        self.b.grad += dv_rows.sum(axis=0)                                       # (V2)
        dh: Array = dv @ self.W.value                                            # (V2)
        return dh


class NormCache(NamedTuple):
    n: Array            # (J, .., 2P), zero at padding
    r: Array            # (J, 1, ..): 1 / sqrt(var + EPSILON)
    N: int              # numbers of a layer that are no padding


def norm_forward(h: Array, live: Array) -> tuple[Array, NormCache]:
    """h (J, .., 2P), zero where live (.., 1) is 0 and not 1 -> n, of the same shape and zero there too; cache."""
    axes, N = tuple(range(1, h.ndim)), max(1, int(live.sum()) * h.shape[-1])
    mu = h.sum(axes, keepdims=True) / N                                          # (V5)
    centred = (h - mu) * live
    var = (centred * centred).sum(axes, keepdims=True) / N                       # (V5)
    r = 1 / np.sqrt(var + EPSILON)                                               # (V6)
    n = centred * r                                                              # (V6)
    return n, NormCache(n, r, N)


def norm_backward(dn: Array, cache: NormCache) -> Array:
    """dn (J, .., 2P), zero at padding -> dh, what stands outside padding."""
    n, r, N = cache
    axes = tuple(range(1, dn.ndim))
    mean, along = (x.sum(axes, keepdims=True) / N for x in (dn, dn * n))         # (V5)
    dh: Array = r * (dn - mean - n * along)                                      # (V6), (V5)
    return dh


class MixCache(NamedTuple):
    layers: Array               # (J, .., 2P) as they are mixed: normalised, and zero at padding
    s: Array                    # (J,)
    live: Array | None          # (.., 1): 0 at padding, 1 elsewhere; None without padding
    norm: NormCache | None


class ScalarMix:
    """gamma * sum_j s_j h_{t,j} over J layers; starts as their plain average (w = 0, gamma = 1).

    layer_norm  give all layers the same mean and variance first
    l2          weight of the penalty on w: 1 holds the mix near the average, 0.001 lets the layers differ
    A task that reads the top layer alone mixes that one, J = 1: it is scaled by gamma.
    """

    def __init__(self, J: int, *, layer_norm: bool = False, l2: float = 0.0, dtype: npt.DTypeLike = np.float32):
        self.layer_norm, self.l2 = layer_norm, l2
        self.w, self.gamma = Parameter(np.zeros(J, dtype)), Parameter(np.ones((), dtype))

    def forward(self, layers: Array, mask: Array | None = None) -> tuple[Array, MixCache]:
        """layers (J, .., 2P) -> e (.., 2P), cache.

        mask    (..): false at padding, whatever stands there: e is zero there, and no mean counts it; None: no padding
        """
        if len(layers) != len(self.w.value):
            raise ValueError(f"layer mix was given {len(layers)} layers, expected {len(self.w.value)}")
        if mask is not None and mask.shape != layers.shape[1:-1]:
            raise ValueError(f"mask has shape {mask.shape}, expected {layers.shape[1:-1]}")
        live, norm = None if mask is None else mask[..., None].astype(layers.dtype), None
        if mask is not None:
            layers = np.where(mask[..., None], layers, 0)
        if self.layer_norm:
            layers, norm = norm_forward(layers, np.ones_like(layers[0, ..., :1]) if live is None else live)
        s = np.exp(self.w.value - self.w.value.max())                            # (V3)
        s /= s.sum()                                                             # (V3)
        e = self.gamma.value * np.tensordot(s, layers, 1)                        # (V4)
        return e, MixCache(layers, s, live, norm)

    def backward(self, de: Array, cache: MixCache) -> Array:
        """de (.., 2P) -> gradient of the layers (J, .., 2P), zero at padding; adds to w.grad and gamma.grad."""
        layers, s, live, norm = cache
        if live is not None:
            de = de * live
        q = np.tensordot(layers, de, de.ndim)           # (J,): each layer's product with the gradient
        self.gamma.grad += s @ q                                                 # (V4)
        ds = self.gamma.value * q                                                # (V4)
        self.w.grad += s * (ds - s @ ds)                                         # (V3)
        dlayers: Array = np.multiply.outer(self.gamma.value * s, de)             # (V4)
        if norm is not None:
            dlayers = norm_backward(dlayers, norm)
            dlayers = dlayers if live is None else dlayers * live
        return dlayers

    def penalty(self) -> float:
        """What the task adds to its loss."""
        return self.l2 * float(self.w.value @ self.w.value)                      # (V7)

    def penalty_backward(self, dloss: float = 1.0) -> None:
        """dloss: gradient of the sum that the penalty is part of; adds to w.grad."""
        self.w.grad += dloss * 2 * self.l2 * self.w.value                        # (V7)


class ScalarMixes:
    """Several mixes of the same layers, each with its own w and gamma: one for every place at which a task reads.

    number      how many; the other settings are those of `ScalarMix`
    """

    def __init__(self, number: int, J: int, *, layer_norm: bool = False, l2: float = 0.0,
                 dtype: npt.DTypeLike = np.float32):
        self.mixes = [ScalarMix(J, layer_norm=layer_norm, l2=l2, dtype=dtype) for _ in range(number)]

    def forward(self, layers: Array, mask: Array | None = None) -> tuple[list[Array], list[MixCache]]:
        """layers (J, .., 2P), mask (..) or None -> e (.., 2P) of each mix, cache."""
        found = [mix.forward(layers, mask) for mix in self.mixes]
        return [e for e, _ in found], [cache for _, cache in found]

    def backward(self, de: Sequence[Array], cache: Sequence[MixCache]) -> Array:
        """de (.., 2P) of each mix -> gradient of the layers (J, .., 2P); adds to every w.grad and gamma.grad."""
        found = [mix.backward(one, its) for mix, one, its in zip(self.mixes, de, cache, strict=True)]
        dlayers: Array = np.sum(found, axis=0)
        return dlayers

    def penalty(self) -> float:
        """The penalties of all mixes."""
        return sum(mix.penalty() for mix in self.mixes)

    def penalty_backward(self, dloss: float = 1.0) -> None:
        """As that of `ScalarMix`, for each."""
        for mix in self.mixes:
            mix.penalty_backward(dloss)
