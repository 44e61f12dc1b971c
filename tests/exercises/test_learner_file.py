"""exercises.learner_file: stubs are written once, and a mistake in a reader's file is reported with its own line."""

import ast
from pathlib import Path

import pytest

from elmo_np.errors import UserError
from elmo_np.exercises import EXERCISES, in_order, learner_file
from elmo_np.exercises.learner_file import complaint, judge_file, select, start, write_new
from tests.posix import needs_devices


@pytest.fixture
def judged(tmp_path):
    """Write a file, judge an exercise in it -> the verdict."""
    def judge(text, what="04.1"):
        path = tmp_path / "my.py"
        path.write_text(text, encoding="utf-8")
        verdict, = judge_file(select(what), path)
        return verdict
    return judge


def test_a_tutorial_or_an_exercise_is_selected_with_or_without_the_zero():
    assert [one.number for one in select("04")] == [one.number for one in in_order() if one.page == "04"]
    assert select("4") == select("04")
    assert [one.number for one in select("4.2")] == ["04.2"]
    with pytest.raises(UserError, match=r"no exercise 17: expected a tutorial's number, one of 02, 03, .*, 16"):
        select("17")


def test_a_file_of_stubs_runs_and_nothing_in_it_is_written_yet(tmp_path):
    path = tmp_path / "my.py"
    start("04", path)
    functions = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    assert functions == [one.name for one in select("04")]
    assert "elmo-np exercise check 04" in path.read_text()
    for one, verdict in zip(select("04"), judge_file(select("04"), path), strict=True):
        assert verdict == (one.number, one.name, False, [], "")


def test_all_solutions_in_one_file_are_right(tmp_path):
    path = tmp_path / "my.py"
    path.write_text("import numpy as np\nfrom elmo_np.nn.lstm import sigmoid\n" + "".join(
        one.source for one in in_order()), encoding="utf-8")
    assert [verdict.lines for verdict in judge_file(in_order(), path)] == [[]] * len(in_order())


def test_a_file_that_exists_is_left_as_it_is(tmp_path):
    path = tmp_path / "my.py"
    path.write_text("mine")
    with pytest.raises(UserError, match="exists already, and is left as it is: give another name with --out"):
        start("04", path)
    assert path.read_text() == "mine"
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write_new(tmp_path / "none" / "my.py", "")


@pytest.mark.parametrize(("text", "message"), [
    ("def f(:\n    pass\n", r"my.py, line 1: SyntaxError: .*: def f\(:"),
    ("if True:\nx = 1\n", r"my.py, line 2: IndentationError: .*: x = 1"),
    ("x = 1\0", "my.py.* null bytes"),
])
def test_what_is_not_python_is_said_with_its_line(judged, text, message):
    with pytest.raises(UserError, match=message):
        judged(text)


@needs_devices
def test_a_file_that_is_not_there_or_not_text_is_said(tmp_path):
    with pytest.raises(UserError, match="cannot be read: No such file"):
        list(judge_file(select("04.1"), tmp_path / "none.py"))
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        list(judge_file(select("04.1"), tmp_path))
    with pytest.raises(UserError, match="/dev/zero is not a file: expected the file that `start` or `bug` wrote"):
        list(judge_file(select("04.1"), Path("/dev/zero")))
    (tmp_path / "my.py").write_bytes(b'x = "\xff"\n')
    with pytest.raises(UserError, match=r"my\.py.*: SyntaxError: .*utf-8"):
        list(judge_file(select("04.1"), tmp_path / "my.py"))


def test_a_file_that_stops_while_it_is_read_is_one_verdict(judged):
    assert judged("x = 1\ny = x / 0\n") == (
        "04", "my.py", False, ["line 2: ZeroDivisionError: division by zero: y = x / 0"], "")
    assert judged("import sys\nsys.exit(3)\n").lines == ["line 2: SystemExit: 3: sys.exit(3)"]


def test_a_missing_function_is_said_with_its_first_line(judged):
    assert judged("").lines == ["it is not in my.py: expected def output_gate_backward(dh, o, c)"]
    assert judged("output_gate_backward = 3").lines == [
        "it is not in my.py: expected def output_gate_backward(dh, o, c)"]


def test_an_exception_is_said_with_the_readers_line_even_if_numpy_raised_it(judged):
    verdict = judged("def helper(a, b):\n    return a @ b\n\ndef output_gate_backward(dh, o, c):\n"
                     "    return helper(dh, o)\n")
    line, = verdict.lines
    assert line.startswith("line 2, in helper: ValueError: matmul: ")
    assert line.endswith(": return a @ b")
    line, = judged("def output_gate_backward(dh, o, c):\n    return output_gate_backward(dh, o, c)\n").lines
    assert line.startswith("line 2, in output_gate_backward: RecursionError: ")
    assert judged("def output_gate_backward(dh, o, c):\n    raise SystemExit\n").lines == [
        "line 2, in output_gate_backward: SystemExit: raise SystemExit"]


@pytest.mark.parametrize(("text", "message"), [
    ("def output_gate_backward(dh, o, c, /):\n    return dh\n", "positional-only"),
    ("from functools import cache\n@cache\ndef output_gate_backward(dh, o, c):\n    return dh\n", "unhashable"),
])
def test_an_exception_that_no_line_of_a_function_raised_is_said_too(judged, text, message):
    line, = judged(text).lines
    assert line.startswith("TypeError: ")
    assert message in line


def test_a_notebook_is_refused_with_what_makes_a_file_of_it(tmp_path):
    path = tmp_path / "my.ipynb"
    path.write_text('{"cells": [], "metadata": {}}')
    with pytest.raises(UserError, match=r"my\.ipynb is a notebook: expected a file of Python; .* nbconvert"):
        list(judge_file(select("04.1"), path))


def test_an_error_of_the_judge_itself_is_not_blamed_on_the_reader(judged, monkeypatch):
    def fails(exercise, function):
        raise KeyError("ours")
    monkeypatch.setattr(learner_file, "judge", fails)
    with pytest.raises(KeyError, match="ours"):
        judged(EXERCISES["04.1"].source)


def test_an_error_that_no_line_of_the_file_led_to_is_shown_alone(tmp_path):
    assert complaint(KeyError("k"), tmp_path / "my.py") == "KeyError: 'k'"
