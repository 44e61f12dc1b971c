"""exercises.child: a file is judged in another process, which may stop, hang or end without harm."""

import pytest

from elmo_np.errors import UserError
from elmo_np.exercises import EXERCISES
from elmo_np.exercises.bugs import bug
from elmo_np.exercises.child import BUG, judged

HEAD = "import numpy as np\n\n\n"


def write(path, text):
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_verdicts_come_back_and_what_the_file_prints_appears(tmp_path, capfd):
    path = write(tmp_path / "my.py", "print('mine')\n" + EXERCISES["04.1"].source
                 + EXERCISES["04.2"].source.replace("dc * g", "dc * i"))
    right, wrong, *rest = judged("04", path)
    assert (right.number, right.right, right.lines) == ("04.1", True, [])
    assert (wrong.number, wrong.right, wrong.kind) == ("04.2", False, "factor")
    assert all("it is not in my.py" in one.lines[0] for one in rest)
    assert capfd.readouterr().out == "mine\n"


def test_a_file_may_import_one_beside_it_and_print_without_being_heard(tmp_path, capfd):
    (tmp_path / "beside.py").write_text("import numpy as np\n\nshown = np.tanh\n")
    path = write(tmp_path / "my.py", "from beside import shown\nprint('mine')\n"
                 + EXERCISES["04.1"].source.replace("np.tanh", "shown"))
    verdict, = judged("04.1", path, quiet=True)
    assert verdict.right
    assert capfd.readouterr().out == ""


def test_an_endless_loop_is_ended_and_shown_with_its_line(tmp_path):
    path = write(tmp_path / "my.py", EXERCISES["04.1"].source + "import time\n\ndef input_gate_backward(dc, i, g):\n"
                 "    while True:\n        try:\n            time.sleep(9)\n        except:\n            pass\n")
    first, verdict = judged("04", path, seconds=2)
    assert first.right
    assert verdict.name == "input_gate_backward"
    assert verdict.lines == ["line 16: still running after 2 seconds, an endless loop? time.sleep(9)",
                             "what follows it was not judged"]


def test_nobody_waits_for_a_thread_that_the_file_has_started(tmp_path, capfd):
    path = write(tmp_path / "my.py", "import threading\nimport time\n\ndef late():\n    time.sleep(60)\n"
                 "    print('late')\n\nthreading.Thread(target=late).start()\nprint('early')\n\n"
                 + EXERCISES["04.1"].source)
    verdict, = judged("04.1", path)
    assert verdict.right
    assert capfd.readouterr().out == "early\n"


def test_a_file_that_closes_what_it_prints_to_is_judged_and_not_waited_for(tmp_path):
    path = write(tmp_path / "my.py", "import sys\nimport threading\nimport time\n\nsys.stdout = None\n"
                 "threading.Thread(target=time.sleep, args=[60]).start()\n\n" + EXERCISES["04.1"].source)
    verdict, = judged("04.1", path)
    assert verdict.right


def test_the_line_of_an_endless_loop_is_found_below_any_name(tmp_path):
    (tmp_path / ("п" * 100)).mkdir()
    path = write(tmp_path / ("п" * 100) / "lösung.py", "while True:\n    pass\n")
    verdict, = judged("04.1", path, seconds=1)
    assert "still running after 1 seconds, an endless loop?" in verdict.lines[0]


@pytest.mark.parametrize(("text", "lines"), [
    ("import os\nos._exit(0)\n", ["it ended Python (exit code 0): what follows was not judged"]),
    ("input()\n", ["line 4: EOFError: EOF when reading a line: input()"]),
])
def test_a_file_that_ends_python_or_asks_is_said(tmp_path, text, lines):
    verdict, = judged("04.1", write(tmp_path / "my.py", text))
    assert (verdict.right, verdict.lines) == (False, lines)


def test_a_file_that_is_not_python_is_refused_before_it_runs(tmp_path):
    with pytest.raises(UserError, match=r"my.py, line 4: SyntaxError"):
        judged("04", write(tmp_path / "my.py", "def f(:\n"))


def test_a_planted_bug_is_judged_too(tmp_path):
    path = tmp_path / "bug.py"
    path.write_text(bug(1).text, encoding="utf-8-sig")       # as some editors save it
    verdict, = judged(BUG, path)
    assert (verdict.number, verdict.right, verdict.kind) == ("bug 1", False, bug(1).mistake.kind)
