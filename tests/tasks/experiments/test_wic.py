"""wic: what is read from and written for a word in two sentences."""

import json

import pytest

from elmo_np.tasks.data.examples import Examples, WordPair
from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.experiments.task_bilm import _lines
from elmo_np.tasks.models.wic import Answer

pytestmark = pytest.mark.usefixtures("undrawn")

EXAMPLES = Examples([["a", "b"], ["c"], ["d"]], [WordPair("b", (1, 0), ["b"], "T"), WordPair("c", (0, 0), ["c"], "F"),
                                                WordPair("d", (0, 1), ["e", "d"], "F")])
PREDICTED = [Answer("T", 0.75), Answer("T", 0.5), Answer("F", 0.25)]


def test_answers_are_measured_by_accuracy_and_printed_as_in_the_file_of_answers():
    task = TASKS["wic"]
    assert task.score(EXAMPLES, PREDICTED) == pytest.approx(2 / 3)
    assert task.lines(None, EXAMPLES, PREDICTED) == ["T", "T", "F"]
    assert task.values(EXAMPLES, PREDICTED)["F"] == {"precision": 1, "recall": 0.5, "f1": pytest.approx(2 / 3),
                                                     "support": 2}
    assert [own.answer for own in task.baselines(EXAMPLES, EXAMPLES)["most frequent answer"]] == ["F"] * 3


def test_the_bilm_reads_neither_sentence_of_a_test_pair(tmp_path):
    file = tmp_path / "train.data.txt"
    file.write_text("".join(f"w\tN\t0-0\tw{k} first .\tw{k} second .\n" for k in range(20)))
    (tmp_path / "train.gold.txt").write_text("T\nF\n" * 10)
    data = TASKS["wic"].data(str(file), None, False, 0)
    lines = _lines(data)
    assert len(lines) == 2 * 18
    tested = {" ".join(own) + "\n" for own in data.test.texts()}
    assert len(tested) == 4
    assert not tested & set(lines)


def test_pairs_are_answered_on_the_command_line(task_home, run, tmp_path):
    good, bad = "paris good .", "paris bad ."
    rows = [(good, good, "T"), (good, bad, "F"), (bad, bad, "T"), (bad, good, "F")] * 10
    for name in "train", "test":
        (tmp_path / f"{name}.data.txt").write_text("".join(f"paris\tN\t0-0\t{a}\t{b}\n" for a, b, _ in rows))
        (tmp_path / f"{name}.gold.txt").write_text("".join(f"{own}\n" for _, _, own in rows))
    code, out, err = run("wic", "train", tmp_path / "train.data.txt", "--test", tmp_path / "test.data.txt", "--bilm",
                         "bilm", "--out", tmp_path / "out", "--quiet", "--input", "top")
    assert (code, err) == (0, "")
    assert "36 training pairs, 4 to validate; test: the file" in out
    assert "accuracy on 40 test pairs:" in out
    assert "this model, input top  100.0%" in out
    answers = tmp_path / "answers"
    assert run("wic", "predict", tmp_path / "out", tmp_path / "test.data.txt", "--out", answers)[0] == 0
    assert answers.read_bytes() == (tmp_path / "test.gold.txt").read_bytes()
    (tmp_path / "new.txt").write_text(f"paris\tN\t0-0\t{good}\t{bad}\n\n")
    out = run("wic", "predict", tmp_path / "out", tmp_path / "new.txt", "--json")[1]
    first, blank = map(json.loads, out.splitlines())
    assert (first["answer"], first["word"], first["second"], first["positions"]) == ("F", "paris", bad, [0, 0])
    assert 0.5 < first["cosine"] < 0.999
    assert (blank["answer"], blank["cosine"], blank["first"]) == (None, None, "")
    code, out, err = run("wic", "evaluate", tmp_path / "out", tmp_path / "new.txt")
    assert (code, out) == (2, "")
    assert "new.txt has no answers" in err
    code, out, err = run("wic", "compare", tmp_path / "train.data.txt", "--bilm", "bilm", "--folds", 2, "--inputs",
                         "static", "mix", "--out", tmp_path / "compared", "--quiet")
    assert code == 0, err
    assert "accuracy on 40 test pairs" in out
    for method in "layer mix, cosine", "layer mix, logistic":
        assert f"  {method} " in out
