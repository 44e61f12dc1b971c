"""sequences: each sequence is reversed within its own length, and nothing else moves."""

import numpy as np

from elmo_np.nn.sequences import reverse_sequences

LENGTHS = np.array([4, 1, 3, 0])
X = np.arange(4 * 4).reshape(4, 4)


def test_each_sequence_is_reversed_and_what_follows_its_end_stays():
    columns = reverse_sequences(X, LENGTHS).T.tolist()
    assert columns == [[12, 8, 4, 0], [1, 5, 9, 13], [10, 6, 2, 14], [3, 7, 11, 15]]


def test_it_is_its_own_inverse_for_vectors_too(rng):
    x = rng.normal(size=(4, 4, 3))
    np.testing.assert_array_equal(reverse_sequences(reverse_sequences(x, LENGTHS), LENGTHS), x)


def test_its_transpose_is_itself(rng):
    """So the gradient of a reversed array is reversed by the same function."""
    x, dy = rng.normal(size=(2, 4, 4, 3))
    forward = (reverse_sequences(x, LENGTHS) * dy).sum()
    backward = (x * reverse_sequences(dy, LENGTHS)).sum()
    np.testing.assert_allclose(forward, backward, rtol=0, atol=1e-14)       # 48 products around 1


def test_no_steps_are_no_error():
    assert reverse_sequences(np.zeros((0, 2, 3)), np.zeros(2, int)).shape == (0, 2, 3)
