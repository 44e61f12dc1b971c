"""task_base: how data are split for a task, and which calls a task must define."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.data.examples import Data, Examples
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


def test_a_label_that_only_one_fold_has_stays_in_its_test(tmp_path):
    (tmp_path / "file").write_text("".join(f"word{k} .\t{'ab'[k % 2]}\n" for k in range(10)) + "last .\tc\n")
    task = TASKS["classify"]
    folds = task.folds(str(tmp_path / "file"), 2, False, 0)
    assert sorted("c" in data.test.labels for data in folds) == [False, True]
    assert not any("c" in data.train.labels for data in folds if "c" in data.test.labels)
    assert task.unknown(*((task.names(data.train), data.test) for data in folds)) == [
        "  note: 1 of the labels to test on are not in the training data, and count as errors: c"]


def test_a_fold_with_nothing_but_rare_labels_is_no_mistake():
    data = Data(Examples([["a"], ["b"]], ["x", "y"]), Examples([["c"]], ["z"]), "", None)
    TASKS["classify"].check_data(data, folds=True)
    with pytest.raises(UserError, match="unknown label 'z'"):
        TASKS["classify"].check_data(data)


def test_test_examples_that_training_has_too_are_counted():
    train, test = Examples([["a"], ["b"]], ["x", "y"]), Examples([["a"], ["b"], ["c"]], ["x", "x", "y"])
    assert TASKS["classify"].repeated(Data(train, test, "", None), Data(train, test.some([1]), "", None)) == [
        "  note: the training data have 1 of the 4 test sentences too, with the same answer"]
    assert TASKS["classify"].repeated(Data(train, test.some([1, 2]), "", None)) == []


def test_a_table_has_one_line_per_label():
    assert score_table({"person": Score(1, 2, 4)}, "type") == [
        "  type    precision  recall      F1  support",
        "  person      50.0%   25.0%   33.3%        4"]
    assert score_table({"地名": Score(1, 2, 4)}, "type")[1] == "  地名      50.0%   25.0%   33.3%        4"


def test_validation_examples_with_a_label_that_training_lacks_are_left_out():
    train, valid = Examples([["a"], ["b"]], ["x", "y"]), Examples([["c"], ["d"], ["e"]], ["x", "z", "y"])
    assert TASKS["classify"].learnable(train, valid) == ([["c"], ["e"]], ["x", "y"])
    tags = Examples([["a"]], [["O"]]), Examples([["b", "c"], ["d"]], [["B-x", "I-x"], ["O"]])
    assert TASKS["tag"].learnable(*tags).sentences == [["d"]]
    with pytest.raises(UserError, match="no validation example has a label of the training data, x, y"):
        TASKS["classify"].learnable(train, Examples([["c"]], ["z"]))


def test_only_labels_that_are_all_unknown_are_a_mistake():
    task, examples = TASKS["classify"], Examples([["a"], ["b"]], ["x", "z"])
    task.check({"x", "y"}, examples)
    assert task.unknown(({"x", "y"}, examples)) == [
        "  note: 1 of the labels to test on are not in the training data, and count as errors: z"]
    with pytest.raises(UserError, match="unknown label 'x': this model has v, w; none of the labels"):
        task.check({"v", "w"}, examples)
    with pytest.raises(UserError, match="unknown label 'B-per'"):
        TASKS["tag"].check({"O", "B-a", "I-a"}, Examples([["a", "b"]], [["O", "B-per"]]))
