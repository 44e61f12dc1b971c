"""exercises.grader: what is wrong, where, by how much, and which mistake it looks like."""

import numpy as np
import pytest

from elmo_np.exercises import EXERCISES, in_order
from elmo_np.exercises.exercise import KINDS, Mistake
from elmo_np.exercises.grader import difference, judge, looks_like, same, verdict
from elmo_np.exercises.mistakes import mistakes
from tests.exercise_helpers import verdict_on

# Slips that lead to the right answers at the point.
HARMLESS = {
    "02.4": 2, "16.1": 2,       # how much is subtracted before exp does not matter, as long as nothing overflows
    "08.4": 4, "10.4": 1,       # a vector is its own transpose
    "11.1": 1,                  # n may be anything near enough: what it leaves is then larger, and 15 terms still do
    "13.1": 1,                  # a uniform number equals the rate with probability 0
}


def slips(exercise):
    """Verdicts on every small slip in a solution that Python does not stop: [(its kind, verdict)]."""
    found = []
    for mistake in mistakes(exercise.source, exercise.name):
        with np.errstate(all="ignore"):
            try:
                found.append((mistake.kind, judge(exercise, exercise.compiled(mistake.source))))
            except (ValueError, IndexError, TypeError, ZeroDivisionError):
                continue
    return found


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_at_least_nine_in_ten_mistakes_are_named_rightly():
    """Those that the exercises name, and every small slip in their solutions."""
    found = [(kind, verdict, one.number) for one in in_order() for kind, verdict in slips(one)]
    found += [(mistake.kind, judge(one, one.compiled(mistake.source)), one.number)
              for one in in_order() for mistake in one.mistakes()]
    harmless = [number for _, verdict, number in found if verdict.right]
    assert {number: harmless.count(number) for number in harmless} == HARMLESS
    wrong = [(kind, verdict) for kind, verdict, _ in found if not verdict.right]
    named = sum(verdict.kind == kind for kind, verdict in wrong)
    print(f"{named} of {len(wrong)} mistakes named rightly: {named / len(wrong):.1%}")
    assert len(wrong) > 700
    assert named / len(wrong) >= 0.9


def test_a_wrong_array_is_reported_with_its_worst_element_and_the_right_ones_with_their_names():
    found = verdict_on("04.6", """
        dWx = x.T @ da
        dWx[1, 2] += 0.5
        dWx[0, 0] += 0.25
        return da @ Wx.T, da @ Wh.T, dWx, h.T @ da, da.sum(axis=0)
    """)
    right = judge(EXERCISES["04.6"], EXERCISES["04.6"].solution)
    assert right.right
    assert not found.right
    assert found.lines[0].startswith("dWx[1, 2] is ")
    assert found.lines[0].endswith("2 of 24 elements are wrong, this one most")
    assert found.lines[1] == "right: dx, dh, dWh, db"
    assert found.kind == ""


def test_two_mistakes_in_two_arrays_are_both_named():
    found = verdict_on("04.6", """
        return da @ Wx.T, da @ Wh.T, -x.T @ da, h.T @ da, da.mean(axis=0)
    """)
    assert [line.split(":")[1].strip() for line in found.lines if line.startswith("looks like")] == [
        "sign", "mean for sum"]


@pytest.mark.parametrize(("body", "message"), [
    ("pass", "it returned None: expected return dx, dh, dWx, dWh, db"),
    ("return 1, 2", "it returned 2 values, expected 5: return dx, dh, dWx, dWh, db"),
    ("return da", "it returned one ndarray, expected 5: return dx, dh, dWx, dWh, db"),
    ("return 'a', da, da, da, da", "dx is 'a', expected an array of real numbers"),
    ("return da, da, [[1], [1, 2]], da, da", "dWx is [[1], [1, 2]], expected an array of real numbers"),
    ("return 1j, da, da, da, da", "dx is 1j, expected an array of real numbers"),
])
def test_what_cannot_be_compared_is_said(body, message):
    found = verdict_on("04.6", body)
    assert not found.right
    assert found.lines[0].startswith(message)


def test_a_comma_too_many_is_said():
    found = verdict_on("04.1", "return dh * np.tanh(c) * o * (1 - o),")
    assert found.lines == ["it returned a tuple of one value: expected return da_o, without a comma after it"]


def test_other_arguments_are_said():
    found = judge(EXERCISES["04.1"], lambda dh, gate: dh)
    assert found.lines == ["it takes (dh, gate), expected def output_gate_backward(dh, o, c)"]
    found = judge(EXERCISES["04.1"], np.array)
    assert found.lines[0].endswith("), expected def output_gate_backward(dh, o, c)")


def test_a_wrong_shape_is_said_and_whether_it_is_the_transpose():
    assert difference("dW", np.zeros((2, 3)), np.zeros((3, 2))) == (
        "dW has the shape (2, 3), expected (3, 2): it is transposed")
    assert difference("dW", np.zeros(3), np.zeros((3, 2))) == "dW has the shape (3,), expected (3, 2)"
    assert difference("db", np.eye(2, 3), np.array([1.0, 1, 0])) == (
        "db has the shape (2, 3), expected (3,): its sum over axis 0 would be right")


def test_differences_within_the_tolerance_of_the_largest_element_are_none():
    x = np.array([1.0, 1e-9])
    assert difference("x", x + 1e-8, x) == ""
    assert difference("x", x + np.array([0, 1e-6]), x) == (
        "x[1] is +1.001e-06, expected +1e-09; 1 of 2 elements are wrong, this one most; nearly right: is it "
        "float32, or an approximation?")
    assert difference("x", np.array(2.0), np.array(1.0)) == "x is +2, expected +1"


def test_a_small_difference_is_shown_with_as_many_digits_as_it_takes():
    found = verdict("1", "f", {"x": np.array(1.0000008)}, {"x": np.array(1.0)}, list)
    assert found.lines == ["x is +1.000001, expected +1; nearly right: is it float32, or an approximation?"]


def test_a_gradient_that_is_shorter_than_the_bound_is_judged_too():
    found = verdict_on("07.1", """
        scale = bound / np.sqrt((dW**2).sum() + (db**2).sum())
        return scale * dW, scale * db
    """)
    assert found.lines[-1] == "looks like: mask: a vector that is shorter than the bound stays as it is"


def test_nan_is_wrong():
    assert difference("x", np.array([np.nan, 1]), np.ones(2)) == (
        "x[0] is +nan, expected +1; 1 of 2 elements are wrong, this one most")
    assert not same(np.array([np.nan]), np.array([1.0]))


def test_an_answer_may_change_the_inputs_which_are_copies():
    exercise = EXERCISES["04.1"]

    def careless(dh, o, c):
        dh *= np.tanh(c) * o * (1 - o)
        return dh
    assert judge(exercise, careless).right
    assert judge(exercise, exercise.solution).right


@pytest.mark.parametrize(("answer", "kind"), [
    (lambda x: -x, "sign"), (lambda x: 3 * x, "factor"), (lambda x: x.T, "transpose"),
    (lambda x: np.roll(x, 1, axis=0), "off by one"), (lambda x: x + 1, "")])
def test_an_array_may_be_told_from_its_values_alone(answer, kind):
    expected = {"x": np.random.default_rng(0).normal(size=(3, 3))}
    found = verdict("1", "f", {"x": answer(expected["x"])}, expected, list)
    assert found.kind == kind
    assert found.lines[1:] == ([f"looks like: {kind}: in x, {KINDS[kind]}"] if kind else [])


def test_a_mistake_that_explains_all_arrays_is_named_before_one_that_explains_some():
    expected = {"a": np.ones(2), "b": np.ones(2)}
    answers = {"a": np.zeros(2), "b": np.full(2, 5.0)}
    some = Mistake("sign", "some", ""), {"a": np.zeros(2), "b": np.ones(2)}
    every = Mistake("mask", "all", ""), answers
    assert looks_like(["a", "b"], answers, expected, [some, every]) == [("mask", "all")]
    assert looks_like(["a", "b"], answers, expected, [some])[0] == ("sign", "in a, some")


def test_a_long_list_of_arrays_is_shortened():
    expected = {f"x{k}": np.ones(1) for k in range(9)}
    found = verdict("1", "f", {name: np.array([7.0 + k]) for k, name in enumerate(expected)}, expected, list)
    assert found.lines[6] == "and 3 more arrays"
