"""Clusters: their number, their order, and vectors without any."""

import numpy as np
import pytest

from elmo_np.inference.clusters import clusters
from elmo_np.inference.neighbours import unit


@pytest.mark.parametrize("k", [2, 3, 6])
def test_clusters_are_found_with_their_number_and_in_the_order_of_their_sizes(rng, k):
    centres = np.linalg.qr(rng.normal(size=(16, 16)))[0][:k]
    own = np.repeat(np.arange(k), np.arange(10 * k, 0, -10))
    shuffled = rng.permutation(len(own))
    vectors = unit(centres[own] + 0.05 * rng.normal(size=(len(own), 16)))[shuffled]
    np.testing.assert_array_equal(clusters(vectors), own[shuffled])
