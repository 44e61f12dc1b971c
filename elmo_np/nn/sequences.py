"""Sequences of unequal length in one array: each is reversed within its own length."""

import numpy as np

from ..types import Array


def reverse_sequences(x: Array, lengths: Array) -> Array:
    """x (T, B, ..), lengths (B,) -> x with each sequence reversed; what is past its end stays where it is.

    Its own inverse, and so its own backward pass.
    """
    t = np.arange(len(x))[:, None]
    source = np.where(t < lengths, lengths - 1 - t, t)      # (T, B)
    return x[source, np.arange(x.shape[1])]
