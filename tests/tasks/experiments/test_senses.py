"""senses: what is read from and written for the sense of a word."""

from elmo_np.tasks.data.examples import Examples, Occurrence
from elmo_np.tasks.experiments.registry import TASKS

EXAMPLES = Examples([["the", "bank"], ["a", "bank"], ["bats"]],
                    [Occurrence(1, "bank", "river"), Occurrence(1, "bank", "money"), Occurrence(0, "bat", "animal")])


def test_the_score_is_the_mean_over_words():
    task, predicted = TASKS["senses"], ["river", "river", "animal"]
    assert task.score(EXAMPLES, predicted) == 0.75
    assert [line.split() for line in task.details(EXAMPLES, predicted)] == [
        ["word", "accuracy", "support"], ["bank", "50.0%", "2"], ["bat", "100.0%", "1"]]
    assert task.lines(None, EXAMPLES, predicted)[1] == "a bank\t1\tbank\triver"


def test_a_model_must_have_seen_every_word_but_not_every_sense():
    assert TASKS["senses"].names(EXAMPLES) == {"bank", "bat"}
