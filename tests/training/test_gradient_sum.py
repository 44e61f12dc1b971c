"""The sum of gradients: its order, and rows that only some of the terms have."""

import numpy as np
import pytest

from elmo_np.nn.parameter import Parameter
from elmo_np.training.gradient_sum import Gradient, Term, add, put_gradients, take_gradients, tree_sum
from elmo_np.training.processes import OneProcess


def term(k):
    """A term of one number, with which the order of additions shows."""
    value = np.array([[1, 1e8, -1e8, 3, 1e-3, -7, 2**25, 1][k]], np.float32)
    return Term(value.astype(np.float64), {"w": Gradient(None, value)})


def values(found):
    return found.gradients["w"].values.item()


def test_the_order_is_that_of_a_binary_tree():
    f = [np.float32(values(term(k))) for k in range(8)]
    tree = ((f[0] + f[1]) + (f[2] + f[3])) + ((f[4] + f[5]) + (f[6] + f[7]))
    assert values(tree_sum(term, range(8))) == tree
    in_turn = f[0]
    for k in range(1, 8):
        in_turn = in_turn + f[k]
    assert tree != in_turn


@pytest.mark.parametrize("number", [1, 2, 4, 8])
def test_the_groups_of_a_process_are_a_subtree(number):
    process = OneProcess()
    process.number = number
    parts = []
    for process.rank in range(number):
        parts.append(tree_sum(term, process.own(range(8))))
    found = tree_sum(parts.__getitem__, range(number))
    assert values(found) == values(tree_sum(term, range(8)))
    assert found.losses == pytest.approx([sum(term(k).losses[0] for k in range(8))])


def test_rows_are_those_of_either_term(rng):
    one, other = rng.normal(size=(2, 6, 3))
    rows = np.array([0, 2, 5]), np.array([2, 3])
    terms = [Term(np.zeros(1), {"E": Gradient(own, table[own])}) for own, table in zip(rows, (one, other), strict=True)]
    found = add(*terms).gradients["E"]
    np.testing.assert_array_equal(found.rows, [0, 2, 3, 5])
    np.testing.assert_array_equal(found.values, [one[0], one[2] + other[2], other[3], one[5]])


def test_what_is_taken_is_cleared_and_what_is_put_is_there(rng):
    named = {"W": Parameter(rng.normal(size=(3, 2))), "E": Parameter(rng.normal(size=(5, 2)), by_rows=True)}
    named["W"].grad += 2.0
    named["E"].grad[[4, 1]] += 3.0
    named["E"].rows += [np.array([4, 1]), np.array([4])]
    taken = take_gradients(named)
    assert taken["W"].rows is None
    np.testing.assert_array_equal(taken["E"].rows, [1, 4])
    assert not named["W"].grad.any()
    assert not named["E"].grad.any()
    nothing = take_gradients(named)
    assert len(nothing["E"].rows) == 0
    put_gradients(named, taken)
    assert (named["W"].grad == 2).all()
    assert named["E"].grad[[4, 1]].sum() == named["E"].grad.sum() == 12
    np.testing.assert_array_equal(named["E"].nonzero_rows(), [1, 4])
