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
