"""workflow: training writes a model, a report and a figure, and evaluation finds the same score."""

import re

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.experiments import workflow
from elmo_np.tasks.experiments.registry import TASKS
from tests.task_helpers import FAST_OPTIONS

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.mark.parametrize(("task", "end", "baseline", "measure"), [
    ("classify", "tsv", "bag of words (naive Bayes)", "accuracy"),
    ("tag", "conll", "each word's most frequent label", "span F1"),
    ("senses", "senses", "most frequent sense", "accuracy, mean over words"),
    ("translate", "pairs", "word by word (Dice)", TASKS["translate"].measure)])
def test_training_writes_a_model_a_report_and_a_figure(task, end, baseline, measure, task_home, run):
    report = (task_home / task / "report.txt").read_text()
    assert f"{measure} on 80 test sentences" in report
    assert baseline in report
    found = re.match(r"(\d+) training sentences, (\d+) to validate; test: the file", report)
    assert sum(map(int, found.groups())) == 80
    assert int(found[2]) >= 8
    assert re.search(r"  note: the training data have \d+ of the 80 test sentences too", report)
    assert (task_home / task / f"{task}.png").stat().st_size > 5000
    code, out, err = run(task, "evaluate", task, f"test.{end}")
    assert (code, err) == (0, "")
    own, = (line for line in report.splitlines() if "this model, input mix" in line)
    assert own.split()[-1] == next(line for line in out.splitlines() if "this model" in line).split()[-1]
    assert float(own.split()[-1].rstrip("%")) > 80


@pytest.mark.parametrize(("task", "end"), [("classify", "tsv"), ("tag", "conll"), ("translate", "pairs")])
def test_a_bilm_may_be_trained_with_its_task(task, end, task_home, run, tmp_path):
    code, out, err = run(task, "train", f"train.{end}", "--test", f"test.{end}", "--bilm", "bilm", "--out",
                         tmp_path / "out", "--quiet", *FAST_OPTIONS, "--set", "epochs=3", "--set", "finetune=true",
                         "--set", "word_dim=4", "--set", "decoder_dim=4")
    assert code == 0, err
    found = run(task, "evaluate", tmp_path / "out", f"test.{end}")
    assert found[0] == 0
    assert out.split("this model, input mix")[1].split()[0] == found[1].split("this model, input mix")[1].split()[0]


@pytest.mark.parametrize(("task", "end"), [("senses", "senses"), ("wic", "data.txt")])
def test_other_tasks_say_that_they_cannot_train_it(task, end, task_home, run, tmp_path):
    code, out, err = run(task, "train", f"train.{end}", "--bilm", "bilm", "--out", tmp_path / "out", "--quiet",
                         "--set", "finetune=true")
    assert (code, out) == (2, "")
    assert f"finetune = true does not go with the task {task}" in err


@pytest.mark.parametrize(("task", "text"), [
    ("classify", "ANNA SAW good TOM\tgood\n"), ("tag", "ANNA O\nSAW O\ngood O\nTOM O\n")])
def test_words_that_the_bilm_does_not_know_are_counted(task, text, task_home, run, tmp_path):
    line = "warning: 3 of 4 words (75.0%) are unknown to the model, which reads <UNK> in their place: it knows 3 of "
    (tmp_path / "data").write_text(text)
    (tmp_path / "new").write_text("ANNA SAW good TOM\n")
    assert f"  {line}" in run(task, "evaluate", task, tmp_path / "data")[1]
    _, out, err = run(task, "predict", task, tmp_path / "new")
    assert line in err
    assert "warning" not in out


def test_the_report_is_written_before_the_picture(run, task_home, tmp_path, monkeypatch):
    def save(figure, path):
        raise MemoryError("too large")
    monkeypatch.setattr(workflow.plots, "save", save)
    assert run("classify", "train", "train.tsv", "--bilm", "bilm", "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS,
               "--set", "epochs=1")[0] == 2
    assert "accuracy on 8 test sentences" in (tmp_path / "out/report.txt").read_text()


def test_a_model_without_the_name_of_its_bilm_is_not_left(run, task_home, tmp_path, monkeypatch):
    """A disk that fails between the two: the command succeeds afterwards, from where it was."""
    words = ["classify", "train", "train.tsv", "--bilm", "bilm", "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS,
             "--set", "epochs=1"]

    def full(path, chunks):
        raise UserError(f"cannot write {path}: No space left on device")
    with monkeypatch.context() as patch:
        patch.setattr(workflow, "atomic_write", full)
        assert run(*words)[0] == 2
    assert not (tmp_path / "out/model.safetensors").exists()
    assert run(*words, "--resume")[0] == 0
    assert run("classify", "evaluate", tmp_path / "out", "test.tsv")[0] == 0
