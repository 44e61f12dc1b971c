"""lengths: exactly one whole number from 1 to T for each sentence is accepted."""

import numpy as np
import pytest

from elmo_np.tasks.nn.lengths import check_lengths


@pytest.mark.parametrize("lengths", [[0, 1, 4], [1, 2, 5], [1, 2], [[1, 2, 3]]])
def test_wrong_lengths_are_reported_with_the_layer(lengths):
    with pytest.raises(ValueError, match=r"pooling lengths are \[.*\], expected 3 whole numbers from 1 to 4"):
        check_lengths("pooling", np.array(lengths), 3, 4)


def test_lengths_from_1_to_t_are_accepted():
    check_lengths("pooling", np.array([1, 4, 3]), 3, 4)
