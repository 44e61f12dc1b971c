"""confidence: the interval of a mean is Student's, and that of a share Wilson's."""

import pytest

from elmo_np.inference.confidence import mean_interval, share_interval, student


def test_the_interval_is_students():
    low, high = mean_interval([0.6, 0.7, 0.8])
    assert (low + high) / 2 == pytest.approx(0.7)
    assert high - low == pytest.approx(2 * 4.303 * 0.1 / 3**0.5)
    assert mean_interval([0.6]) is None


@pytest.mark.parametrize(("free", "expected"), [(1, 12.706), (9, 2.262), (10, 2.228), (30, 2.042), (10**6, 1.960)])
def test_students_bound_is_that_of_the_tables(free, expected):
    assert student(free) == pytest.approx(expected, abs=0.003)


def test_intervals_are_those_of_wilson():
    assert share_interval(50, 100) == (pytest.approx(0.4038, abs=1e-4), pytest.approx(0.5962, abs=1e-4))
    assert share_interval(0, 10) == (pytest.approx(0, abs=1e-9), pytest.approx(0.2775, abs=1e-4))
    assert share_interval(10, 10)[1] == pytest.approx(1, abs=1e-9)


def test_an_interval_never_leaves_zero_to_one():
    for items in range(1, 2000):
        assert f"{share_interval(0, items)[0]:.1%}" == "0.0%"
        assert share_interval(items, items)[1] <= 1
