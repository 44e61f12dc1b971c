"""task_base: how data are split for a task, and which calls a task must define."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.data.files import Examples
from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.experiments.task_base import TaskSpec, score_table
from elmo_np.tasks.metrics.scores import Score


def test_evaluation_on_nltk_data_takes_the_part_that_was_held_out(monkeypatch):
    task = TASKS["classify"]
    everything = Examples([[str(k)] for k in range(100)], ["a", "b"] * 50)
    monkeypatch.setattr("elmo_np.tasks.data.nltk_data.categories", lambda name: everything)
    for seed in 0, 1:
        data = task.data("nltk:subjectivity", None, False, seed)
        assert task.labelled("nltk:subjectivity", False, seed) == data.test
        assert not {words[0] for words in data.test.sentences} & {words[0] for words in data.train.sentences}
    assert len(data.test.sentences) == 10


def test_a_task_without_its_parts_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        TaskSpec()


def test_a_label_that_only_one_fold_has_is_reported(tmp_path):
    (tmp_path / "file").write_text("".join(f"word{k} .\t{'ab'[k % 2]}\n" for k in range(10)) + "last .\tc\n")
    with pytest.raises(UserError, match="--folds 2: the sentences with c are all in one fold"):
        TASKS["classify"].folds(str(tmp_path / "file"), 2, False, 0)


def test_a_table_has_one_line_per_label():
    assert score_table({"person": Score(1, 2, 4)}, "type") == [
        "  type    precision  recall      F1  support",
        "  person      50.0%   25.0%   33.3%        4"]
