"""registry: a case runs as training does, cases are found by name, and a point on one side of a branch is refused."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.gradient_checks import CASES, run
from elmo_np.gradient_checks.registry import Case, acts, case, case_of, select
from elmo_np.nn.gradcheck import gradcheck
from elmo_np.nn.parameter import Parameter


class Scale:
    """x -> w x, whose backward can be broken in the ways that one call cannot show."""

    def __init__(self, bug=None):
        self.w = Parameter(np.array([[2.0, 3.0], [5.0, 7.0]]), by_rows=True)
        self.bug = bug

    def backward(self, x):
        if self.bug == "overwrites":
            self.w.grad = np.array([x, x])
        else:
            self.w.grad += x
        if self.bug != "rows forgotten":
            self.w.rows.append(np.arange(2))


def rows_of(bug):
    layer, x = Scale(bug), np.array([0.5, -1.5])

    def backward():
        layer.backward(x)
        return {"x": layer.w.value.sum(axis=0)}
    return gradcheck(*case_of(layer, lambda: float((layer.w.value * x).sum()), backward, {"x": x}))


def test_a_case_has_the_inputs_and_then_the_parameters():
    assert [(row.array, row.ok()) for row in rows_of(None)] == [("x", True), ("w", True)]


@pytest.mark.parametrize("bug", ["overwrites", "rows forgotten"])
def test_a_backward_that_does_not_accumulate_or_leaves_the_last_step_is_caught(bug):
    assert [row.ok() for row in rows_of(bug)] == [True, False]


def test_a_case_is_listed_under_its_name_and_run_by_it(monkeypatch):
    monkeypatch.setattr("elmo_np.gradient_checks.registry.CASES", listed := {})

    @case("a square")
    def square(rng):
        x = rng.normal(size=3)
        return Case(lambda: float((x**2).sum()), {"x": x}, {"x": 2 * x})
    assert listed == {"a square": square}
    row, = run("a square")
    assert row.ok()
    assert row.checked == 3


def test_names_and_patterns_select_cases_in_the_order_of_the_table():
    assert select([]) == list(CASES)
    assert select(["lstm"]) == ["lstm"]
    assert select(["softmax", "embedding"]) == ["embedding", "softmax"]
    assert select(["lstm*"]) == [name for name in CASES if name.startswith("lstm")]
    assert select(["CRF", "CRF*"]) == ["CRF", "CRF, BIO constraints"]


@pytest.mark.parametrize(("wanted", "nearest"), [
    ("crf", "'CRF', 'CRF, BIO constraints'"), ("lstn", "'lstm'"), ("ADAPTIVE*", "'adaptive softmax', "),
])
def test_an_unknown_name_is_refused_with_the_nearest(wanted, nearest):
    with pytest.raises(UserError) as caught:
        select(["embedding", wanted])
    assert str(caught.value).startswith(f"no gradient check is named {wanted!r}: expected one such as {nearest}")
    assert str(caught.value).endswith("elmo-np gradcheck --list names them all")


def test_a_point_on_one_side_of_a_branch_is_refused():
    acts(np.array([True, False]), "clip")
    for values in np.ones(3), np.zeros(3):
        with pytest.raises(AssertionError, match="not on both sides of: clip"):
            acts(values, "clip")
