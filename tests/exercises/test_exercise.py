"""exercises.exercise: every exercise has a stub, a solution that is right, and mistakes that change its answers."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from elmo_np.exercises import EXERCISES, in_order
from elmo_np.exercises.exercise import KINDS, normal, replaced_once, slopes, values
from elmo_np.exercises.grader import judge

ROOT = Path(__file__).parents[2]
ALL = pytest.mark.parametrize("exercise", in_order(), ids=lambda one: one.number)


def test_there_are_at_least_thirty_over_the_tutorials_from_02_to_16():
    assert len(EXERCISES) >= 30
    pages = {one.page for one in in_order()}
    assert {"02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16"} == pages
    assert [one.number for one in in_order()] == sorted(EXERCISES)


def test_numbers_count_from_1_within_a_tutorial_and_names_are_unique():
    by_page = {}
    for one in in_order():
        by_page.setdefault(one.page, []).append(one.number)
        assert re.fullmatch(r"\d\d\.\d", one.number)
    for page, numbers in by_page.items():
        assert numbers == [f"{page}.{k}" for k in range(1, len(numbers) + 1)]
    names = [one.name for one in in_order()]
    assert len(names) == len(set(names))


@ALL
def test_a_solution_is_right(exercise):
    assert judge(exercise, exercise.solution).lines == []


@ALL
def test_a_stub_is_the_solutions_head_and_raises(exercise):
    stub = exercise.stub
    definition, = ast.parse(stub).body
    assert exercise.source.startswith(stub[:stub.index("    raise")])
    assert len(definition.body) == 2, "a docstring and the line that raises"
    with pytest.raises(NotImplementedError, match=exercise.number):
        judge(exercise, exercise.compiled(stub))


@ALL
def test_the_docstring_names_every_argument_and_shows_what_to_return(exercise):
    text = ast.get_docstring(ast.parse(exercise.source).body[0])
    assert "->" in text
    for argument in ast.parse(exercise.source).body[0].args.args:
        assert re.search(rf"\b{argument.arg}\b", text), argument.arg


@ALL
def test_a_docstring_does_not_send_the_reader_to_another_exercise(exercise):
    """`elmo-np exercise start 08.8` writes nothing but that exercise."""
    assert not re.findall(r"exercises? \d\d\.\d", exercise.stub.rpartition("raise")[0])


@ALL
def test_each_mistake_is_found_at_the_exercises_point_and_named(exercise):
    assert len(exercise.mistakes()) >= 2
    for mistake in exercise.mistakes():
        assert mistake.kind in KINDS
        verdict = judge(exercise, exercise.compiled(mistake.source))
        assert not verdict.right, mistake.hint
        assert verdict.kind == mistake.kind, mistake.hint
        assert verdict.lines[-1] == f"looks like: {mistake.kind}: {mistake.hint}"


def test_every_kind_of_mistake_occurs():
    assert {mistake.kind for one in in_order() for mistake in one.wrong} == set(KINDS)


def test_a_tutorial_names_its_first_and_last_exercise_at_its_end():
    for page in dict.fromkeys(one.page for one in in_order()):
        path, = (ROOT / "tutorials").glob(f"{page}-*.md")
        numbers = [one.number for one in in_order() if one.page == page]
        end = path.read_text(encoding="utf-8").rpartition("</details>")[2]
        assert f"`elmo-np exercise start {page}`" in end
        assert re.findall(r"`(\d\d\.\d)`", end) == list(dict.fromkeys([numbers[0], numbers[-1]]))


def test_the_plan_of_the_course_uses_every_exercise():
    text = (ROOT / "tutorials/teaching.md").read_text(encoding="utf-8").partition("## Six sessions")[2]
    used = set(re.findall(r"\d\d\.\d", text))
    for first, last in re.findall(r"(\d\d\.\d) to (\d\d\.\d)", text):
        used |= {number for number in EXERCISES if first <= number <= last}
    assert used == set(EXERCISES)


def test_values_are_those_of_the_function_by_name():
    oracle = values(lambda b, a: (a + b, a - b))
    found = oracle({"a": 3, "b": np.array([1, 2]), "unused": None}, ["sum", "difference"])
    assert {name: x.tolist() for name, x in found.items()} == {"sum": [4, 5], "difference": [2, 1]}


def test_slopes_are_central_differences_and_leave_the_inputs_as_they_are():
    inputs = {"x": np.array([[1.0, 2.0]]), "k": np.array(3.0)}
    found = slopes(lambda x, k: k * (x**2).sum())(inputs, ["dx", "dk"])
    assert np.allclose(found["dx"], [[6, 12]], rtol=0, atol=1e-8)
    assert np.allclose(found["dk"], 5, rtol=0, atol=1e-8)
    assert inputs["x"].tolist() == [[1, 2]]


def test_normal_draws_one_array_after_another():
    drawn = normal(np.random.default_rng(0), a=(2,), b=(1, 3))
    rng = np.random.default_rng(0)
    assert np.array_equal(drawn["a"], rng.normal(size=2))
    assert np.array_equal(drawn["b"], rng.normal(size=(1, 3)))


def test_what_is_replaced_must_occur_once():
    assert replaced_once("a + b", "+ b", "- b") == "a - b"
    with pytest.raises(ValueError, match=r"'a' occurs 2 times, expected once"):
        replaced_once("a + a", "a", "b")
    with pytest.raises(ValueError, match=r"'c' occurs 0 times"):
        replaced_once("a + a", "c", "b")
