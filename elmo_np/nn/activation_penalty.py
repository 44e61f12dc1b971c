"""Penalties on the top layer's output (T): activation regularisation (AR) and temporal activation regularisation (TAR).

    (T1) R_AR = ar / (N P) sum_t |y_t|^2
    (T2) R_TAR = tar / (M P) sum_t |h_{t+1} - h_t|^2

h_t is the output of the top layer, y_t the same after dropout, which the softmax reads; the sums run over all sequences
of a batch. Dimensions: T steps, B sequences, P outputs; N steps in all sequences, M pairs of one step and the next.
Source: Merity et al. 2017, "Revisiting Activation Regularization for Language RNNs", in the form of their code, which
has the mean of the squares in place of the norm.
"""

from typing import NamedTuple

import numpy as np

from ..types import Array
from .cell import masked


class Penalty(NamedTuple):
    """The factors of (T1) and (T2). 0: no penalty."""

    ar: float
    tar: float

    def forward(self, y: Array, h: Array, lengths: Array) -> float:
        """y, h (T, B, P), zero past a sequence's end, lengths (B,) -> R_AR + R_TAR."""
        N, M = sizes(h, lengths)
        r_ar = self.ar / N * np.square(y).sum()                      # (T1)
        r_tar = self.tar / M * np.square(changes(h, lengths)).sum()  # (T2)
        return float(r_ar + r_tar)

    def backward(self, dloss: float, y: Array, h: Array, lengths: Array) -> tuple[Array, Array]:
        """dloss: gradient of what is minimised by R_AR + R_TAR -> dy, dh (T, B, P)."""
        N, M = sizes(h, lengths)
        dy = 2 * dloss * self.ar / N * y                           # (T1)
        dchange = 2 * dloss * self.tar / M * changes(h, lengths)   # (T2)
        dh = np.zeros_like(h)
        dh[1:] = dchange                                           # (T2)
        dh[:-1] -= dchange                                         # (T2)
        return dy, dh


def changes(h: Array, lengths: Array) -> Array:
    """h_{t+1} - h_t (T-1, B, P), zero where step t+1 is past a sequence's end."""
    return masked(h[1:] - h[:-1], lengths - 1)  # (T2)


def sizes(h: Array, lengths: Array) -> tuple[int, int]:
    """The elements over which (T1) and (T2) are means, at least 1."""
    P = h.shape[2]
    N = int(lengths.sum())
    M = int(np.maximum(lengths - 1, 0).sum())
    return max(1, N * P), max(1, M * P)
