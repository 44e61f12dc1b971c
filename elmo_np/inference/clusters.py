"""Groups of similar vectors: k-means by cosine, with the number of clusters that separates them best.

scikit-learn's k-means is not by cosine, and an extra; this is all that is needed.
Source: k-means++, Arthur and Vassilvitskii 2007; silhouette with respect to centres, Rousseeuw 1987 and Hruschka 2004.
"""

from __future__ import annotations

import numpy as np

from ..types import Array
from .neighbours import unit

FEWEST = 20         # vectors: fewer are not grouped
MOST = 6            # clusters
ROUNDS = 20         # steps of k-means


def clusters(directions: Array) -> Array:
    """k-means by cosine over vectors (N, dim) of length 1, with the k that separates best: (N,), 0 the largest cluster.

    Separation is the mean silhouette with respect to centres: how much nearer the own centre is than the next one.
    """
    best, found = -np.inf, np.zeros(len(directions), int)
    for k in range(2, MOST + 1):
        cosine = directions @ _centres(directions, k).T
        away = np.sort(1 - cosine, axis=1)
        separation = float((1 - away[:, 0] / np.maximum(away[:, 1], 1e-12)).mean())
        if separation > best:
            best, found = separation, cosine.argmax(axis=1)
    order = np.argsort(-np.bincount(found), kind="stable")
    return np.argsort(order)[found]


def _centres(directions: Array, k: int) -> Array:
    """The centres of k clusters, of length 1: (k, dim). Start: greedy k-means++, the best of eight drawn."""
    rng = np.random.default_rng(0)
    centres = directions[:1]
    while len(centres) < k:
        away = np.clip(1 - (directions @ centres.T).max(axis=1), 1e-12, None)
        drawn = rng.choice(len(away), 8, p=away / away.sum())
        left = np.minimum(away[:, None], 1 - directions @ directions[drawn].T).sum(axis=0)
        centres = np.concatenate([centres, directions[[drawn[left.argmin()]]]])
    for _ in range(ROUNDS):
        own = (directions @ centres.T).argmax(axis=1)
        sums = np.stack([directions[own == j].sum(axis=0) for j in range(k)])
        centres = unit(np.where(np.abs(sums).sum(axis=1, keepdims=True) > 0, sums, centres))
    return centres
