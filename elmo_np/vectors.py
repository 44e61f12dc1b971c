"""From hidden states to a word's vector (V): the article's v_t, and the layer mix that generalises it.

    (V1) h_t_bi = [h_t_forward ; h_t_backward]
    (V2) v_t = W h_t_bi + b
    (V3) s = softmax(w)
    (V4) ELMo_t = gamma * sum_j s_j h_{t,j}

Dimensions: P output width of a direction, J layers: 0 (the word vectors) to L, or 1 to L where 0 has another width.
Source: the article's ELMo(x_t, S) for (V1), (V2); Peters et al. 2018, equation (1), for (V3), (V4).
W, b, w and gamma are learnt with the task that uses the vectors, through `backward`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .parameter import Array, Parameter


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


class MixCache(NamedTuple):
    layers: Array       # (J, .., 2P)
    s: Array            # (J,)


class LayerMix:
    """gamma * sum_j s_j h_{t,j} over J layers; starts as their plain average (w = 0, gamma = 1)."""

    def __init__(self, J: int, *, dtype: npt.DTypeLike = np.float32):
        self.w, self.gamma = Parameter(np.zeros(J, dtype)), Parameter(np.ones((), dtype))

    def forward(self, layers: Array) -> tuple[Array, MixCache]:
        """layers (J, .., 2P) -> e (.., 2P), cache."""
        if len(layers) != len(self.w.value):
            raise ValueError(f"layer mix was given {len(layers)} layers, expected {len(self.w.value)}")
        s = np.exp(self.w.value - self.w.value.max())                            # (V3)
        s /= s.sum()                                                             # (V3)
        return self.gamma.value * np.tensordot(s, layers, 1), MixCache(layers, s)    # (V4)

    def backward(self, de: Array, cache: MixCache) -> Array:
        """de (.., 2P) -> gradient of the layers (J, .., 2P); adds to w.grad and gamma.grad."""
        layers, s = cache
        q = np.tensordot(layers, de, de.ndim)           # (J,): each layer's product with the gradient
        self.gamma.grad += s @ q                                                 # (V4)
        ds = self.gamma.value * q                                                # (V4)
        self.w.grad += s * (ds - s @ ds)                                         # (V3)
        dlayers: Array = np.multiply.outer(self.gamma.value * s, de)             # (V4)
        return dlayers
