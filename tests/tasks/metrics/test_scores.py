"""scores: entities are those of conlleval, and as many as seqeval counts."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from elmo_np.tasks.metrics.scores import (
    Score,
    accuracy,
    accuracy_by_word,
    confusion,
    correct_counts,
    entity_scores,
    f1_of,
    label_scores,
    ratio,
    scores,
    spans,
    tag_counts,
    tag_scores,
    token_accuracy,
    word_counts,
)

LABELS = ["O", "B-a", "I-a", "B-b", "I-b"]


@pytest.mark.parametrize(("labels", "expected"), [
    ("O O", []),
    ("B-a I-a O", [(0, 2, "a")]),
    ("B-a B-a", [(0, 1, "a"), (1, 2, "a")]),
    ("O I-a I-a", [(1, 3, "a")]),
    ("B-a I-b I-b", [(0, 1, "a"), (1, 3, "b")]),
    ("I-a B-a I-a", [(0, 1, "a"), (1, 3, "a")]),
    ("O B-b", [(1, 2, "b")]),
    ("", []),
])
def test_an_entity_begins_where_conlleval_begins_it(labels, expected):
    assert spans(labels.split()) == expected


def test_seqeval_finds_as_many_entities():
    """Stored: what seqeval 1.2.2 finds in all sequences of four labels, by begin and end; of each type half."""
    stored = {(0, 1): 400, (0, 2): 80, (0, 3): 16, (0, 4): 4, (1, 2): 320, (1, 3): 64, (1, 4): 16, (2, 3): 320,
              (2, 4): 80, (3, 4): 400}
    found = Counter(entity for labels in product(LABELS, repeat=4) for entity in spans(labels))
    assert found == {(begin, end, kind): n // 2 for (begin, end), n in stored.items() for kind in "ab"}


def test_seqeval_has_the_same_figures():
    """Stored: precision, recall, F1 and support of classification_report in seqeval 1.2.2."""
    actual = ["B-a I-a O B-b I-b I-b O O B-a", "O I-a I-b B-b", "B-b", "I-a B-a I-b O B-a I-a O",
              "O O B-a I-a I-b B-b O I-a"]
    predicted = ["B-a I-a O B-b I-b O O B-a B-a", "O B-a I-b B-b", "B-a", "I-a B-a I-b O B-a O O",
                 "O B-b B-a I-a I-b B-b I-b I-a"]
    found = entity_scores([labels.split() for labels in actual], [labels.split() for labels in predicted])
    figures = {kind: [score.precision, score.recall, score.f1, score.support] for kind, score in found.items()}
    assert figures == {"a": pytest.approx([0.7, 0.875, 0.7777777777777777, 8]),
                       "b": pytest.approx([0.5714285714285714, 0.5714285714285714, 0.5714285714285714, 7]),
                       "all": pytest.approx([0.6470588235294118, 0.7333333333333333, 0.6875, 15])}


def test_a_share_of_nothing_is_zero():
    assert Score(0, 0, 0)[:] == (0, 0, 0)
    assert (Score(0, 0, 3).precision, Score(0, 3, 0).recall, Score(0, 0, 0).f1) == (0, 0, 0)
    assert Score(1, 2, 4).f1 == pytest.approx(2 * 0.5 * 0.25 / 0.75)


def test_labels_are_counted_one_by_one():
    there, predicted = ["x", "y", "y", "z"], ["x", "y", "z", "y"]
    assert accuracy(there, predicted) == 0.5
    assert accuracy(there, ["x", "y", "y", "y"]) == 0.75
    np.testing.assert_array_equal(confusion(there, predicted, ["x", "y", "z"]), [[1, 0, 0], [0, 1, 1], [0, 1, 0]])
    found = scores(enumerate(there), enumerate(predicted))
    assert found == {"x": Score(1, 1, 1), "y": Score(1, 2, 2), "z": Score(0, 1, 1), "all": Score(2, 4, 4)}


def test_occurrences_are_counted_by_word():
    assert accuracy_by_word(["b", "a", "b"], ["x", "y", "x"], ["x", "x", "y"]) == {"a": (0.0, 1), "b": (0.5, 2)}


def test_a_word_is_right_at_its_position_and_one_too_many_counts_as_wrong():
    assert token_accuracy([["a", "b"], ["c"]], [["a", "b"], ["c"]]) == 1
    assert token_accuracy([["a", "b"]], [["b", "a"]]) == 0
    assert token_accuracy([["a", "b"], ["c"]], [["a", "b", "c", "d"], []]) == 2 / 5
    assert token_accuracy([[]], [[]]) == 1


def test_the_f1_of_all_plain_tags_is_their_accuracy():
    found = tag_scores([["DT", "NN"], ["O"]], [["DT", "VB"], ["O"]])
    assert found["all"].f1 == pytest.approx(2 / 3)
    assert found["NN"] == Score(0, 0, 1)
    assert tag_scores([["O", "B-a"]], [["O", "O"]]) == {"a": Score(0, 0, 1), "all": Score(0, 0, 1)}


def test_labels_are_scored_one_by_one():
    assert label_scores(["x", "y", "y", "all"], ["x", "x", "y", "z"]) == {
        "all": Score(0, 0, 1), "x": Score(1, 2, 1), "y": Score(1, 1, 2), "z": Score(0, 1, 0)}


def test_counts_of_sentences_add_up_to_the_score():
    actual = [["B-a", "I-a", "O", "B-b"], ["O"], ["B-a"]]
    predicted = [["B-a", "I-a", "B-b", "O"], ["B-a"], ["B-a"]]
    assert tag_counts(actual, predicted).tolist() == [[1, 2, 2], [0, 1, 0], [1, 1, 1]]
    assert f1_of(tag_counts(actual, predicted).sum(axis=0)) == tag_scores(actual, predicted)["all"].f1
    plain = [["DET", "NOUN"], ["VERB"]], [["DET", "VERB"], ["VERB"]]
    assert f1_of(tag_counts(*plain).sum(axis=0)) == tag_scores(*plain)["all"].f1 == 2 / 3
    assert f1_of(np.zeros((2, 3))).tolist() == [0, 0]
    assert correct_counts(["x", "y"], ["x", "x"]).tolist() == [[1, 1], [0, 1]]
    assert ratio(np.array([[1, 2], [0, 0]])).tolist() == [0.5, 1]
    words, senses, predicted = ["b", "a", "b"], ["1", "1", "2"], ["1", "2", "1"]
    assert word_counts(words, senses, predicted).tolist() == [[[0, 0], [1, 1]], [[0, 1], [0, 0]], [[0, 0], [0, 1]]]
    shares = ratio(word_counts(words, senses, predicted).sum(axis=0)).tolist()
    assert shares == [share for share, _ in accuracy_by_word(words, senses, predicted).values()]
