"""workflow: training writes a model, a report and a figure, and evaluation finds the same score."""

import re

import pytest

from elmo_np.tasks.experiments.registry import TASKS


@pytest.mark.parametrize(("task", "end", "baseline", "measure"), [
    ("classify", "tsv", "bag of words (naive Bayes)", "accuracy"),
    ("tag", "conll", "each word's most frequent label", "entity F1"),
    ("senses", "senses", "most frequent sense", "accuracy, mean over words"),
    ("translate", "pairs", "word by word (Dice)", TASKS["translate"].measure)])
def test_training_writes_a_model_a_report_and_a_figure(task, end, baseline, measure, task_home, run):
    report = (task_home / task / "report.txt").read_text()
    assert f"{measure} on 80 test sentences" in report
    assert baseline in report
    found = re.match(r"(\d+) training sentences, (\d+) to validate; test: the file", report)
    assert sum(map(int, found.groups())) == 80
    assert int(found[2]) >= 8
    assert (task_home / task / f"{task}.png").stat().st_size > 5000
    code, out, err = run(task, "evaluate", task, f"test.{end}")
    assert (code, err) == (0, "")
    own, = (line for line in report.splitlines() if "this model, input mix" in line)
    assert own.split()[-1] == next(line for line in out.splitlines() if "this model" in line).split()[-1]
    assert float(own.split()[-1].rstrip("%")) > 80
