"""senses: what is read from and written for the sense of a word."""

from typing import ClassVar

import pytest

from elmo_np.errors import UserError
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


def test_a_word_that_training_lacks_counts_as_an_error_but_is_not_predicted():
    class Model:
        words: ClassVar = {"bank": 0}

        def predict(self, sentences, occurrences, vectors):
            return ["river"] * len(sentences)
    task = TASKS["senses"]
    assert task.predict(Model(), EXAMPLES) == ["river", "river", ""]
    task.check({"bank"}, EXAMPLES)
    asked = Examples([["bats"]], [Occurrence(0, "bat", "")])
    assert task.predict(Model(), asked) == ["river"]        # the model itself refuses it
    with pytest.raises(UserError, match="unknown word 'bank'"):
        task.check({"play"}, EXAMPLES)
