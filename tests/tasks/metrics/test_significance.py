"""significance: the p-value is that of all swaps."""

import itertools

import numpy as np
import pytest

from elmo_np.tasks.metrics.scores import f1_of, ratio
from elmo_np.tasks.metrics.significance import approximate_randomisation


def exact(first, second, score):
    """p by enumeration of all swaps, for one model on one test set: counts (N, K)."""
    actual = abs(score(second.sum(axis=0)) - score(first.sum(axis=0)))
    found = []
    for coins in itertools.product([False, True], repeat=len(first)):
        swapped = np.array(coins)[:, None]
        a, b = np.where(swapped, second, first), np.where(swapped, first, second)
        found.append(abs(score(b.sum(axis=0)) - score(a.sum(axis=0))) >= actual - 1e-12)
    return np.mean(found)


def drawn(seed, N):
    rng = np.random.default_rng(seed)
    there = rng.integers(1, 4, N)
    methods = []
    for p in 0.35, 0.75:
        correct = rng.binomial(there, p)
        methods.append(np.stack([correct, correct + rng.integers(0, 3, N), there], axis=1))
    return methods


@pytest.mark.parametrize("seed", range(3))
def test_p_is_that_of_all_swaps(seed):
    first, second = drawn(seed, 10)
    expected = exact(first, second, f1_of)
    assert approximate_randomisation([first[None]], [second[None]], f1_of) == pytest.approx(expected, abs=0.015)
    assert approximate_randomisation([second[None]], [first[None]], f1_of) == pytest.approx(expected, abs=0.015)


def test_models_of_a_sentence_are_swapped_together():
    """Two seeds with the same predictions say no more than one."""
    first, second = drawn(0, 10)
    once = approximate_randomisation([first[None]], [second[None]], f1_of)
    assert approximate_randomisation([np.stack([first] * 2)], [np.stack([second] * 2)], f1_of) == once


def test_folds_are_test_sets_of_their_own():
    """The score is the mean over folds, and each fold's sentences are swapped by themselves."""
    N = 4
    wrong, right = np.array([[0, 1]] * N), np.array([[1, 1]] * N)
    found = approximate_randomisation([wrong[None], wrong[None]], [right[None], right[None]], ratio)
    assert found == pytest.approx(2 / 2 ** (2 * N), abs=0.003)      # only no swap and all swaps give so much
    alone = approximate_randomisation([wrong[None]], [right[None]], ratio)
    assert alone == pytest.approx(2 / 2**N, abs=0.015)


def test_equal_methods_do_not_differ_and_p_is_never_0():
    same = np.array([[[1, 1], [0, 1]]])
    assert approximate_randomisation([same], [same], ratio) == 1
    far = np.array([[[0, 1]] * 60]), np.array([[[1, 1]] * 60])
    assert approximate_randomisation([far[0]], [far[1]], ratio, trials=99) == 0.01


def test_a_true_difference_of_nothing_is_found_as_often_as_chance_says():
    rng = np.random.default_rng(0)
    small = 0
    for seed in range(200):
        first, second = (np.stack([rng.integers(0, 2, 60), np.ones(60, int)], axis=1)[None] for _ in range(2))
        small += approximate_randomisation([first], [second], ratio, trials=199, seed=seed) <= 0.05
    assert small <= 20      # 10 are expected
