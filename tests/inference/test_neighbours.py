"""Nearest occurrences by cosine, and how often they have the same label."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.inference.neighbours import Index, in_context, nearest_neighbour_accuracy, unit


def test_the_words_in_brackets_are_below_one_another_whatever_their_script():
    sentences = (["at", "bank", "."], ["銀行銀行", "行", "銀行銀行"], ["銀", "行", "銀"])
    assert [in_context(sentence, 1, 6) for sentence in sentences] == [
        "    at [bank] .", " …銀行 [行] 銀行…", "    銀 [行] 銀"]


def test_a_cut_leaves_no_mark_without_its_letter():
    word = "के" * 9
    assert [in_context([word, "x"], 1, width).split()[0][1] for width in (4, 5, 6)] == ["क"] * 3


def base_rate(labels):
    """How often two different occurrences, drawn at random, have the same label."""
    N = len(labels)
    return sum(labels[a] == labels[b] for a in range(N) for b in range(N) if a != b) / (N * (N - 1))


@pytest.mark.parametrize("labels", ["ab", "aab", "aaabb", "aaaa", "abcabca", "abcdefg"])
def test_vectors_that_all_have_in_common_score_exactly_the_base_rate(labels, rng):
    static = np.tile(rng.normal(size=5).astype(np.float32), (len(labels), 1))
    assert nearest_neighbour_accuracy(static, list(labels)) == pytest.approx(base_rate(labels), rel=1e-12)
    longer = static * np.arange(1, len(labels) + 1)[:, None]        # the length of a vector does not count
    assert nearest_neighbour_accuracy(longer, list(labels)) == pytest.approx(base_rate(labels), rel=1e-12)


def test_clusters_that_are_the_labels_score_1(rng):
    labels = list("abc" * 10)
    centres = {"a": [1, 0, 0], "b": [0, 1, 0], "c": [0, 0, 1]}
    vectors = np.array([centres[label] for label in labels]) + rng.normal(size=(30, 3)) * 0.05
    assert nearest_neighbour_accuracy(vectors, labels) == 1.0


def test_pairs_of_unlike_labels_score_0():
    vectors = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]])
    assert nearest_neighbour_accuracy(vectors, ["a", "b", "b", "a"]) == 0.0


def test_only_those_that_tie_share():
    # The first two have each other: 1, 1. Each of the last three has two at the same cosine, one like it, or none.
    vectors = np.array([[1, 0], [2, 0], [0, 1], [0, 2], [0, 3]], np.float32)
    assert nearest_neighbour_accuracy(vectors, list("aaxxy")) == pytest.approx((1 + 1 + 1 / 2 + 1 / 2 + 0) / 5)


def test_an_occurrence_is_not_its_own_neighbour():
    assert nearest_neighbour_accuracy(np.array([[1.0, 0.0], [0.0, 1.0]]), ["a", "b"]) == 0.0
    assert nearest_neighbour_accuracy(np.array([[1.0, 0.0], [0.0, 1.0]]), ["a", "a"]) == 1.0


def test_it_equals_a_search_by_hand(rng):
    vectors, labels = rng.normal(size=(40, 6)), [str(k) for k in rng.integers(3, size=40)]
    same = 0
    for a in range(40):
        others = [b for b in range(40) if b != a]
        nearest = max(others, key=lambda b: vectors[a] @ vectors[b] / np.linalg.norm(vectors[b]))
        same += labels[a] == labels[nearest]
    assert nearest_neighbour_accuracy(vectors, labels) == pytest.approx(same / 40, rel=1e-12)


@pytest.mark.parametrize("N", [0, 1])
def test_fewer_than_two_occurrences_have_no_neighbour(N):
    with pytest.raises(UserError, match=f"^{N} occurrences: expected at least 2, to have a neighbour$"):
        nearest_neighbour_accuracy(np.ones((N, 3)), ["a"] * N)


def test_a_unit_vector_keeps_its_direction_and_a_zero_one_stays_zero(rng):
    vectors = rng.normal(size=(6, 4)).astype(np.float32)
    vectors[2] = 0
    found = unit(vectors)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[2], 0)
    live = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(np.linalg.norm(found[live], axis=1), 1, rtol=1e-6)
    lengths = np.linalg.norm(vectors[live], axis=1, keepdims=True)
    np.testing.assert_allclose(found[live] * lengths, vectors[live], rtol=1e-5)


def index(vectors, words="abcdefgh"):
    made = Index()
    for word, vector in zip(words, vectors, strict=False):
        made.add([word, "x"], [0], np.array([vector], np.float32))
    return made


def test_neighbours_come_nearest_first_and_ties_in_the_corpus_order():
    found = index([[0, 1], [1, 1], [3, 0], [-1, 0], [7, 7]]).nearest(np.array([2, 0], np.float32), 10)
    assert [n.word for n in found] == ["c", "b", "e", "a", "d"]
    np.testing.assert_allclose([n.similarity for n in found], [1, 0.5 ** 0.5, 0.5 ** 0.5, 0, -1], atol=1e-6)
    assert all(type(n.similarity) is float and n.position == 0 and n.sentence == [n.word, "x"] for n in found)


def test_an_index_may_grow_between_searches():
    made = index([[0, 1], [1, 1]])
    assert made.nearest(np.array([1, 0], np.float32), 1)[0].word == "b"
    made.add(["late", "later"], [0, 1], np.array([[1, 0], [0, -1]], np.float32))
    assert len(made) == 4
    assert [n.word for n in made.nearest(np.array([1, 0], np.float32), 4)] == ["late", "b", "a", "later"]


def test_a_sentence_that_is_left_out_makes_room_for_the_next_ones():
    made = index([[3, 0], [1, 1], [0, 1]])
    found = made.nearest(np.array([1, 0], np.float32), 2, exclude=["a", "x"])
    assert [n.word for n in found] == ["b", "c"]


def test_an_empty_index_finds_nothing_and_a_top_below_one_is_refused():
    assert Index().nearest(np.ones(3, np.float32), 5) == []
    assert index([[1, 0]]).nearest(np.array([1, 0], np.float32), 5, exclude=["a", "x"]) == []
    for made in Index(), index([[1, 0]]):
        with pytest.raises(UserError, match=r"^top = 0: expected a whole number of at least 1$"):
            made.nearest(np.ones(2, np.float32), 0)
