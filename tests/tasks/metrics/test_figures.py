"""figures: what is drawn are the values that were counted."""

import numpy as np
import pytest

from elmo_np.tasks.metrics import figures
from elmo_np.tasks.metrics.scores import Score


def test_a_confusion_matrix_has_the_counts_and_the_share_of_its_diagonal():
    ax = figures.confusion_matrix(np.array([[1, 0], [1, 1]]), ["a", "b"]).axes[0]
    assert ax.get_title() == "66.7% correct, on the diagonal"
    assert [text.get_text() for text in ax.texts] == ["1", "0", "1", "1"]


def test_bars_are_precision_recall_and_f1():
    ax = figures.type_scores({"per": Score(1, 2, 4), "all": Score(1, 2, 4)}).axes[0]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.5, 0.5, 0.25, 0.25, 1 / 3, 1 / 3])


def test_each_word_has_a_bar():
    ax = figures.word_accuracies({"bank": (0.5, 4), "bat": (1.0, 2)}).axes[0]
    assert [bar.get_width() for bar in ax.patches] == [0.5, 1.0]


def test_attention_has_one_panel_per_sentence():
    pairs = [(["a", "b"], ["x", "y", "</S>"], np.eye(3, 2)), (["c"], ["z"], np.ones((1, 1)))]
    axes = figures.attention(pairs).axes
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["x", "y", "</S>"]
    np.testing.assert_array_equal(axes[0].collections[0].get_array(), np.eye(3, 2))
    assert [label.get_text() for label in axes[1].get_xticklabels()] == ["c"]


def test_a_comparison_shows_every_score_and_the_means():
    ax = figures.comparison({"static": [0.5, 0.7], "mix": [0.8, 0.9]}, "accuracy").axes[0]
    assert [list(line.get_xdata()) for line in ax.lines[:2]] == [[0.5, 0.7], [0.8, 0.9]]
    assert ax.lines[2].get_xdata() == pytest.approx([0.6, 0.85])


def test_of_many_labels_the_most_confused_are_drawn_without_numbers(tmp_path):
    counts = np.diag(np.full(360, 9))
    counts[350, 7] = 5
    figure = figures.confusion_matrix(counts, [f"label {k}" for k in range(360)])
    ax = figure.axes[0]
    assert ax.get_title() == "99.8% correct, on the diagonal; the 40 most confused of 360 labels"
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert (len(names), len(ax.texts)) == (40, 0)
    i, j = names.index("label 350"), names.index("label 7")
    assert np.asarray(ax.images[0].get_array())[i, j] == 5 / 14
    assert max(figure.get_size_inches()) < 12


def test_other_figures_of_many_show_the_most_frequent():
    found = {f"type {k}": Score(1, 1, k) for k in range(100)}
    figure = figures.type_scores({**found, "all": Score(100, 100, 4950)})
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert (names[0], names[-2:]) == ("type 61 (61)", ["type 99 (99)", "all (4950)"])
    figure = figures.word_accuracies({f"word {k}": (0.5, k) for k in range(100)})
    assert len(figure.axes[0].patches) == 40
