"""classify: what is read from and written for a sentence with a label."""

from elmo_np.tasks.data.examples import Examples
from elmo_np.tasks.experiments.registry import TASKS


def test_predictions_are_scored_tabulated_and_printed():
    task, examples = TASKS["classify"], Examples([["a", "b"], ["c"], ["d"]], ["x", "y", "y"])
    predicted = ["x", "y", "x"]
    assert task.score(examples, predicted) == 2 / 3
    assert [line.split() for line in task.details(examples, predicted)[1:]] == [
        ["x", "50.0%", "100.0%", "66.7%", "1"], ["y", "100.0%", "50.0%", "66.7%", "2"]]
    assert task.lines(None, examples, predicted) == ["a b\tx", "c\ty", "d\tx"]
    assert task.figure(examples, predicted).axes[0].get_title() == "66.7% correct, on the diagonal"


def test_baselines_are_the_most_frequent_label_and_the_bag_of_words():
    train, test = Examples([["good"], ["good"], ["bad"]], ["+", "+", "-"]), Examples([["bad"]], ["-"])
    assert TASKS["classify"].baselines(train, test) == {
        "most frequent label": ["+"], "bag of words (naive Bayes)": ["-"]}
