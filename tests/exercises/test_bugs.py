"""exercises.bugs: every planted bug is silent, found by its gradients, named, and gone when its line is right again."""

import ast
import re
from importlib import import_module

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.exercises.bugs import PLACES, bug, bugs, judge_bug, running, source_of
from elmo_np.nn import lstm


@pytest.fixture
def planted(tmp_path):
    """Write a text to a file -> the verdict on it."""
    def judge(text):
        path = tmp_path / "bug.py"
        path.write_text(text, encoding="utf-8")
        return judge_bug(path)
    return judge


def test_there_are_at_least_forty_in_every_place_and_of_every_kind():
    assert len(bugs()) >= 40
    assert [one.number for one in bugs()] == list(range(1, len(bugs()) + 1))
    assert {one.place for one in bugs()} == set(PLACES)
    assert len({one.mistake.kind for one in bugs()}) == 9


def test_at_least_nine_in_ten_bugs_are_named_rightly_and_all_are_found(planted):
    verdicts = [(one, planted(one.text)) for one in bugs()]
    assert [one.number for one, verdict in verdicts if verdict.right] == []
    named = sum(verdict.kind == one.mistake.kind for one, verdict in verdicts)
    print(f"{named} of {len(verdicts)} planted bugs named rightly: {named / len(verdicts):.1%}")
    assert named / len(verdicts) >= 0.9


def test_a_bug_that_is_fixed_is_right_and_its_line_is_shown(planted):
    for one in bugs()[::20]:
        number, bad, good = one.line()
        lines = one.text.splitlines()
        assert re.sub(r" +", " ", lines[number - 1].strip()) == re.sub(r" +", " ", bad)
        lines[number - 1] = source_of(one.module).splitlines()[number - 2]
        verdict = planted("\n".join(lines) + "\n")
        assert verdict.right
        assert verdict.lines == [f"found: line {number} was    {bad}", f"       it should be  {good}",
                                 f"a bug of the kind: {one.mistake.kind}"]


def test_a_copy_differs_from_its_module_in_one_line_whose_comment_stays_in_its_column():
    for one in bugs():
        ours = source_of(one.module).splitlines()
        head, *theirs = one.text.splitlines()
        file = one.place.module.replace(".", "/")
        assert head.startswith(f"# Planted bug {one.number}, in a copy of elmo_np/{file}.py")
        (mine, other), = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
        assert other.find("  #") in (mine.find("  #"), len(other.rpartition("  #")[0]))
        ast.parse(one.text)


def test_another_way_to_write_the_right_line_is_right(planted):
    one = next(one for one in bugs() if "dy[t]" in one.line()[2] and one.mistake.kind == "missing path")
    number, _, good = one.line()
    lines = one.text.splitlines()
    lines[number - 1] = "        dm = live * (dh + dy[t])"
    assert "np.where(live, dy[t] + dh, 0)" in good
    assert planted("\n".join(lines)).right


def test_a_line_that_python_stops_is_shown(planted):
    one = bugs()[0]
    lines = one.text.splitlines()
    number = one.line()[0]
    indent = re.match(" *", lines[number - 1])[0]
    lines[number - 1] = indent + "raise KeyError(7)"
    assert planted("\n".join(lines)).lines == [f"line {number}, in lstm_backward: KeyError: 7: raise KeyError(7)"]


def test_a_copy_without_the_function_is_not_right(planted):
    one = bugs()[0]
    assert planted(one.text.splitlines()[0] + "\nx = 1\n").lines == [
        "lstm_backward is gone: expected the whole copy, with one line changed"]


def test_a_result_that_the_checks_cannot_use_is_said(planted):
    one = next(one for one in bugs() if one.place.function == "WordVector.backward")
    lines = one.text.splitlines()
    found = planted("\n".join(lines).replace("        dh: Array = dv @ W                  # (V2)\n        return dh",
                                             "        return None"))
    assert not found.right
    line, = found.lines
    assert "'NoneType' object" in line


@pytest.mark.parametrize("number", [0, -1, 10_000])
def test_a_number_without_a_bug_is_refused(number):
    with pytest.raises(UserError, match=f"there is no bug {number}: expected a number from 1 to {len(bugs())}"):
        bug(number)


def test_a_file_that_is_not_a_copy_is_refused(planted):
    with pytest.raises(UserError, match="does not begin with '# Planted bug'"):
        planted("x = 1\n")
    with pytest.raises(UserError, match=r"bug.py, line 2: SyntaxError: .*: def f\(:"):
        planted("# Planted bug 1, in\ndef f(:\n")


def test_inside_the_block_a_module_runs_the_copy_and_afterwards_its_own_code():
    x = np.array([0.5])
    copy = source_of(lstm).replace("return 0.5 * (1.0 + np.tanh(0.5 * x))", "return x * 0 + 7")
    before = lstm.sigmoid(x)
    with running(lstm, compile(copy, "copy", "exec")):
        assert lstm.sigmoid(x) == 7
    assert lstm.sigmoid(x) == before
    with pytest.raises(ZeroDivisionError), running(lstm, compile(copy, "copy", "exec")):
        raise ZeroDivisionError
    assert lstm.sigmoid(x) == before


def test_every_place_is_a_function_of_the_package():
    for place in PLACES:
        module = import_module(f"elmo_np.{place.module}")
        name, _, method = place.function.partition(".")
        assert hasattr(getattr(module, name), method or "__call__")
