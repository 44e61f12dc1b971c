"""cli.exercise: listing, stubs, verdicts, solutions and planted bugs, with their exit codes."""

import csv
import re

import pytest

from elmo_np.cli.main import main
from elmo_np.exercises import EXERCISES, in_order
from elmo_np.exercises.bugs import bug, source_of
from elmo_np.exercises.learner_file import judge_file, select


@pytest.fixture
def do(capsys, tmp_path, monkeypatch):
    """Run `elmo-np exercise` in an empty folder -> what it prints on stdout and on stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words, code=0):
        assert main(["exercise", *words]) == code
        return capsys.readouterr()
    return run


def test_without_an_action_it_lists_all_exercises_and_what_to_do_next(do):
    out, _ = do()
    assert re.findall(r"^  (\d\d\.\d) ", out, re.M) == sorted(EXERCISES)
    assert re.findall(r"^Tutorial (\d\d)$", out, re.M) == sorted({one.page for one in in_order()})
    assert "elmo-np exercise start 04" in out


def test_a_file_is_started_judged_and_never_overwritten(do, tmp_path):
    out, _ = do("start", "4")
    assert out == "exercises-04.py: 9 exercises; write the functions, then: elmo-np exercise check 04 exercises-04.py\n"
    out, _ = do("check", "04", "exercises-04.py", code=1)
    assert out.count(": not written yet\n") == 9
    assert out.endswith("\n0 of 9 right\n")
    before = (tmp_path / "exercises-04.py").read_text()
    _, err = do("start", "04", code=2)
    assert err.startswith("elmo-np: error: exercises-04.py exists already")
    assert (tmp_path / "exercises-04.py").read_text() == before
    out, _ = do("start", "04.7", "--out", "rnn.py")
    assert out.startswith("rnn.py: 1 exercise; ")


def test_a_solution_is_printed_and_is_right(do, tmp_path):
    out, _ = do("solution", "04.1")
    assert out == "# 04.1  Back through the output gate\n" + EXERCISES["04.1"].source
    (tmp_path / "my.py").write_text("import numpy as np\n" + out)
    out, _ = do("check", "4.1", "my.py")
    assert out == "04.1   output_gate_backward: right\n1 of 1 right\n"


def test_a_wrong_answer_is_explained_and_the_exit_code_is_1(do, tmp_path):
    (tmp_path / "my.py").write_text("import numpy as np\n" + EXERCISES["04.1"].source.replace("(1 - o)", "(1 + o)"))
    out, _ = do("check", "04.1", "my.py", code=1)
    assert out.startswith("04.1   output_gate_backward: WRONG\n       da_o[")
    assert "       looks like: sign: a term has the wrong sign\n" in out
    assert out.endswith("0 of 1 right\n")


def test_the_files_of_a_class_are_a_table(do, tmp_path, monkeypatch):
    monkeypatch.setattr("elmo_np.cli.exercise.judged", lambda what, path, quiet: list(judge_file(select(what), path)))
    solution = "import numpy as np\n" + EXERCISES["04.1"].source
    files = {"ada": solution, "ben": "def f(:\n", "cyd": solution.replace("(1 - o)", "(1 + o)"),
             "dan": EXERCISES["04.1"].stub, "eve": "x = y\n", "fay": "helper = 1\n"}
    (tmp_path / "class").mkdir()
    for name, text in files.items():
        (tmp_path / "class" / f"{name}.py").write_text(text)
    out, _ = do("check", "04.1", "class", code=1)
    rows = {row["file"]: row for row in csv.DictReader(out.splitlines())}
    assert [row["04.1"] for row in rows.values()] == ["right", "", "wrong: sign", "not written", "", "missing"]
    assert [row["right"] for row in rows.values()] == ["1", "0", "0", "0", "0", "0"]
    ada, ben, *_, eve, _ = rows.values()
    assert (ada["of"], ada["problem"]) == ("1", "")
    assert "ben.py, line 1: SyntaxError" in ben["problem"]
    assert eve["problem"].startswith("line 1: NameError")
    out, _ = do("check", "04.1", "class/ada.py", "class/ada.py")
    assert out.count(",1,1,right,\n") == 2
    (tmp_path / "empty").mkdir()
    _, err = do("check", "04", "empty", code=2)
    assert "there is no file in empty that ends in .py: expected a directory" in err


def test_a_bug_is_planted_judged_and_found(do, tmp_path):
    out, _ = do("bug", "5")
    assert out.startswith("bug-5.py: a copy of elmo_np/nn/lstm.py with a bug in one line of a backward pass")
    assert (tmp_path / "bug-5.py").read_text() == bug(5).text
    _, err = do("bug", "5", code=2)
    assert "bug-5.py exists already" in err
    out, _ = do("bug", "--check", "bug-5.py", code=1)
    assert f"looks like: {bug(5).mistake.kind}: " in out
    (tmp_path / "bug-5.py").write_text(bug(5).text.splitlines()[0] + "\n" + source_of(bug(5).module))
    out, _ = do("bug", "--check", "bug-5.py")
    assert out.startswith("bug 5  bug-5.py: right\n       found: line ")


def test_any_bug_is_planted_into_a_folder_or_a_file(do, tmp_path):
    (tmp_path / "folder").mkdir()
    out, _ = do("bug", "--out", "folder")
    assert re.match(r"folder/bug-\d+\.py: ", out)
    do("bug", "2", "--out", "here.py")
    assert (tmp_path / "here.py").read_text() == bug(2).text


@pytest.mark.parametrize(("words", "message"), [
    (["check", "17", "my.py"], "there is no exercise 17"),
    (["start", "x"], "there is no exercise x"),
    (["solution", "04.99"], "there is no exercise 04.99"),
    (["check", "04", "none.py"], "none.py cannot be read: No such file or directory"),
    (["bug", "0"], "there is no bug 0: expected a number from 1 to "),
    (["bug", "3", "--check", "x.py"], "--check judges a file that has been written: give no number"),
    (["bug", "--check", "none.py"], "none.py cannot be read"),
    (["check", "04"], "the following arguments are required: FILE.py"),
])
def test_a_mistake_in_the_command_is_one_line(do, words, message):
    _, err = do(*words, code=2)
    assert message in err
    assert err.count("\n") == 1
