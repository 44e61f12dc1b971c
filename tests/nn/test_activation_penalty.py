"""activation_penalty: the mean squares of the output and of its change, over what sequences have."""

import numpy as np
import pytest

from elmo_np.nn.activation_penalty import Penalty

T, B, P = 5, 4, 3
LENGTHS = np.array([5, 0, 3, 1])


@pytest.fixture
def outputs(rng):
    """y and h, zero past the ends."""
    live = (np.arange(T)[:, None] < LENGTHS)[:, :, None]
    return [rng.normal(size=(T, B, P)) * live for _ in range(2)]


def by_hand(y, h, lengths, ar, tar):
    squares = [y[t, b] ** 2 for b, n in enumerate(lengths) for t in range(n)]
    changes = [(h[t+1, b] - h[t, b]) ** 2 for b, n in enumerate(lengths) for t in range(n - 1)]
    return ar * np.mean(squares) + tar * np.mean(changes)


@pytest.mark.parametrize("lengths", [LENGTHS, np.full(B, T)], ids=["lengths", "whole"])
@pytest.mark.parametrize(("ar", "tar"), [(2.0, 0.0), (0.0, 1.5), (2.0, 1.5)])
def test_it_is_the_mean_over_steps_and_pairs_of_steps(outputs, lengths, ar, tar):
    assert Penalty(ar, tar).forward(*outputs, lengths) == pytest.approx(by_hand(*outputs, lengths, ar, tar), rel=1e-14)


def test_its_gradient_is_the_difference_quotient_and_zero_past_the_ends(outputs):
    penalty = Penalty(2.0, 1.5)
    found = penalty.backward(1.7, *outputs, LENGTHS)
    for array, gradient in zip(outputs, found, strict=True):
        for index in np.ndindex(array.shape):
            past = index[0] >= LENGTHS[index[1]]
            kept, values = array[index], []
            for step in 1e-4, -1e-4:
                array[index] = kept + step
                values.append(1.7 * by_hand(*outputs, LENGTHS, 2.0, 1.5))
            array[index] = kept
            expected = 0 if past else (values[0] - values[1]) / 2e-4
            assert gradient[index] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("lengths", [np.zeros(B, int), np.ones(B, int)], ids=["no step", "one step"])
def test_without_a_step_or_a_pair_of_steps_there_is_no_division_by_zero(lengths):
    h = np.zeros((T, B, P))
    assert Penalty(1.0, 1.0).forward(h, h, lengths) == 0
    for gradient in Penalty(1.0, 1.0).backward(1.0, h, h, lengths):
        assert not gradient.any()


def test_float32_stays_float32(outputs):
    y, h = (array.astype(np.float32) for array in outputs)
    for gradient in Penalty(2.0, 1.0).backward(1.7, y, h, LENGTHS):
        assert gradient.dtype == np.float32
