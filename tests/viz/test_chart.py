"""The chart inside a page: its scale, its ticks, and the names at the ends of its lines."""

import re

import numpy as np
import pytest

from elmo_np.viz import chart


def test_a_chart_draws_values_by_their_logarithm():
    text = chart.log_chart([chart.Line("a", [(0, 1), (50, 10), (100, 100)], "forward", dots=True)], "x", "y", "says")
    dots = re.findall(r'<circle class="forward" cx="([\d.]+)" cy="([\d.]+)"', text)
    x, y = np.array(dots, float).T
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.11)      # a tenth is what the page keeps
    assert y[1] - y[0] == pytest.approx(y[2] - y[1], abs=0.11)
    assert y[0] > y[1]
    assert chart.log_chart([chart.Line("a", [], "forward")], "x", "y", "says") == "<p>There is nothing to show.</p>"


@pytest.mark.parametrize(("low", "high"), [(9.0, 11.0), (7.4, 170.0), (1.01, 1.02), (1.5, 5e5), (300.0, 320.0),
                                         (1e-5, 1.0), (1e-8, 1.0), (1e-38, 1.0)])
def test_a_chart_has_round_numbers_in_its_range(low, high):
    ticks = chart._log_ticks(low, high)
    assert all(low <= tick <= high for tick in ticks)
    assert ticks == sorted(set(ticks))
    assert 2 <= len(ticks) <= chart.MOST


@pytest.mark.parametrize("high", [1.0, 7.0, 690320.0, 5.4e6, 2e9])
def test_the_tokens_axis_has_a_few_round_steps(high):
    ticks = chart._ticks(0, high)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 6
    assert ticks[-1] <= high


def test_names_at_one_height_stand_apart():
    found = chart._spread([100.0, 101.0, 300.0, 100.5])
    ordered = sorted(found)
    assert np.diff(ordered).min() >= chart.APART
    assert found[2] == 300
