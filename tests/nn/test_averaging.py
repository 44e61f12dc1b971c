"""averaging: the mean of the weights, or an exponential average, computed with and kept bit for bit."""

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.errors import UserError
from elmo_np.nn.averaging import Average, stopped_improving
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import parameters

pytestmark = pytest.mark.usefixtures("each_backend")


def model(**settings):
    return BiLM(BiLMConfig(embedding_dim=4, hidden_dim=4, **settings), 9, rng=np.random.default_rng(0),
                dtype=np.float64)


def moved(module, average, rng, steps):
    """Random steps of the weights, added to the average -> the values of each."""
    found = []
    for _ in range(steps):
        for p in parameters(module).values():
            p.value += rng.normal(size=p.value.shape)
        average.update()
        found.append({name: p.value.copy() for name, p in parameters(module).items()})
    return found


def test_with_decay_1_it_is_the_mean_of_the_steps(rng):
    module = model()
    average = Average(module, 1.0)
    steps = moved(module, average, rng, 6)
    for name, value in average.values.items():
        np.testing.assert_allclose(value, np.mean([step[name] for step in steps], axis=0), rtol=0, atol=1e-14)


def test_below_1_it_is_a_mean_until_a_step_has_the_share_1_minus_decay(rng):
    module = model()
    average = Average(module, 0.75)
    steps = moved(module, average, rng, 6)
    for name, value in average.values.items():
        expected = np.mean([step[name] for step in steps[:4]], axis=0)
        for step in steps[4:]:
            expected = 0.75 * expected + 0.25 * step[name]
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("settings", [{}, {"tie": True, "share_embedding": True, "share_softmax": True}])
def test_the_body_computes_with_the_average_in_both_directions_and_the_weights_come_back(rng, settings):
    module = model(**settings)
    average = Average(module, 1.0)
    weights = module.forward_lm.embedding.E.value
    with average.in_use():                          # no step yet: the weights themselves
        np.testing.assert_array_equal(module.forward_lm.embedding.E.value, weights)
    steps = moved(module, average, rng, 3)
    before = {name: p.value for name, p in parameters(module).items()}
    with average.in_use():
        for name, p in parameters(module).items():
            np.testing.assert_allclose(p.value, np.mean([step[name] for step in steps], axis=0), rtol=0, atol=1e-14)
        if settings:
            assert module.backward_lm.embedding.E.value is module.forward_lm.embedding.E.value
            assert module.backward_lm.softmax.W.value is module.forward_lm.embedding.E.value
    assert all(p.value is before[name] for name, p in parameters(module).items())


def test_a_saved_average_continues_bit_for_bit(rng):
    module = model()
    average, other = Average(module, 0.9), Average(module, 0.9)
    other.load_state(average.state())               # of a run that was saved before its first step
    moved(module, average, rng, 3)
    other.load_state({name: array.copy() for name, array in average.state().items()})
    for one in average, other:
        one.update()
    assert average.steps == other.steps == 4
    for name, array in average.state().items():
        np.testing.assert_array_equal(array, other.state()[name])


@pytest.mark.parametrize(("change", "message"), [
    ({"steps": np.array(-1)}, "found -1 steps, expected at least 0"),
    ({"steps": np.array(1.5)}, r"steps: found float64\(\), expected finite int64\(\)"),
    ({"forward_lm.embedding.E": np.zeros((9, 3))}, r"E: found float64\(9, 3\), expected finite float64\(9, 4\)"),
    ({"forward_lm.embedding.E": np.full((9, 4), np.nan)}, "expected finite"),
    ({"forward_lm.embedding.E": None}, "E: found nothing"),
])
def test_a_wrong_state_is_refused_and_changes_nothing(change, message):
    average = Average(model(), 0.9)
    before = {name: array.copy() for name, array in average.state().items()}
    with pytest.raises(UserError, match=message):
        average.load_state({**before, **change})
    for name, array in average.state().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(("losses", "n", "expected"), [
    ([], 0, False), ([3.0], 0, False), ([3.0, 2.0], 0, False), ([3.0, 3.5], 0, True), ([3.0, 3.0], 0, False),
    ([3.0, 3.5], 1, False), ([3.0, 2.0, 2.5], 1, False), ([2.0, 3.0, 2.5], 1, True), ([2.0, 3, 3, 3, 3, 3], 5, False),
    ([2.0, 3, 3, 3, 3, 3, 2.1], 5, True),
])
def test_the_trigger_compares_with_the_best_of_those_more_than_n_before(losses, n, expected):
    assert stopped_improving(losses, n) is expected
