"""scores: entities are those of conlleval, and seqeval counts them alike."""

from itertools import product

import numpy as np
import pytest

from elmo_np.tasks.metrics.scores import (
    Score,
    accuracy,
    accuracy_by_word,
    confusion,
    entity_scores,
    label_scores,
    scores,
    spans,
    tag_scores,
    token_accuracy,
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


def test_seqeval_finds_the_same_entities_and_figures(rng):
    metrics = pytest.importorskip("seqeval.metrics", reason="needs seqeval: pip install seqeval")
    from seqeval.metrics.sequence_labeling import get_entities

    for labels in product(LABELS, repeat=4):
        assert [(kind, begin, end - 1) for begin, end, kind in spans(labels)] == get_entities(list(labels))
    there, predicted = ([list(rng.choice(LABELS, n)) for n in (3, 9, 1, 6, 12)] for _ in range(2))
    ours, theirs = entity_scores(there, predicted), metrics.classification_report(there, predicted, output_dict=True)
    for kind, name in ("a", "a"), ("b", "b"), ("all", "micro avg"):
        found = ours[kind].precision, ours[kind].recall, ours[kind].f1, ours[kind].support
        assert found == pytest.approx([theirs[name][key] for key in ("precision", "recall", "f1-score", "support")])


def test_a_share_of_nothing_is_zero():
    assert Score(0, 0, 0)[:] == (0, 0, 0)
    assert (Score(0, 0, 3).precision, Score(0, 3, 0).recall, Score(0, 0, 0).f1) == (0, 0, 0)
    assert Score(1, 2, 4).f1 == pytest.approx(2 * 0.5 * 0.25 / 0.75)


def test_labels_are_counted_one_by_one():
    there, predicted = ["x", "y", "y", "z"], ["x", "y", "z", "y"]
    assert accuracy(there, predicted) == 0.5
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
