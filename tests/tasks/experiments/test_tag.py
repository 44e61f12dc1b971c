"""tag: what is read from and written for a sentence with a label for every word."""

from elmo_np.tasks.data.examples import Examples
from elmo_np.tasks.experiments.registry import TASKS


def test_predictions_are_scored_tabulated_and_printed():
    task, examples = TASKS["tag"], Examples([["anna", "saw", "rome"]], [["B-per", "O", "B-loc"]])
    predicted = [["B-per", "O", "O"]]
    assert task.score(examples, predicted) == 2 / 3
    assert [line.split()[0] for line in task.details(examples, predicted)] == ["type", "loc", "per", "all"]
    assert task.lines(None, examples, predicted) == ["anna\tB-per", "saw\tO", "rome\tO", ""]


def test_a_model_must_have_seen_begin_and_inside_of_every_type():
    assert TASKS["tag"].names(Examples([["x"]], [["B-a"]])) == {"O", "B-a", "I-a"}


def test_plain_tags_are_scored_by_accuracy():
    task, examples = TASKS["tag"], Examples([["the", "dog"], ["it"]], [["DT", "NN"], ["PRP"]])
    predicted = [["DT", "NN"], ["NN"]]
    assert (task.measured(examples), task.score(examples, predicted)) == ("accuracy", 2 / 3)
    assert [line.split()[0] for line in task.details(examples, predicted)] == ["tag", "DT", "NN", "PRP", "all"]
    assert task.values(examples, predicted)["NN"]["precision"] == 0.5
    assert task.figure(examples, predicted).axes[0].get_title() == "66.7% correct, on the diagonal"
    assert task.measured(Examples([["x"]], [["B-a"]])) == "span F1"
    assert task.labels(examples) == ["DT", "NN", "PRP"]
