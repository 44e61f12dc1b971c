"""baselines: each predicts from the counts of its training examples."""

from elmo_np.tasks.data.examples import Examples, Occurrence
from elmo_np.tasks.experiments.baselines import (
    majority,
    most_frequent_senses,
    most_frequent_tags,
    naive_bayes,
    word_by_word,
)


def test_baselines_predict_the_most_frequent_label():
    train = Examples([["good", "film"], ["good", "day"], ["bad", "film"]], ["+", "+", "-"])
    assert majority(train, [["x"], ["bad"]]) == ["+", "+"]
    assert naive_bayes(train, [["bad"], ["good"], ["unheard"]]) == ["-", "+", "+"]
    tags = Examples([["anna", "saw", "rome"], ["rome", "anna"]], [["B-p", "O", "B-l"], ["B-l", "B-p"]])
    assert most_frequent_tags(tags, [["rome", "met", "anna"]]) == [["B-l", "O", "B-p"]]
    parts = Examples([["the", "dog", "cat"]], [["DT", "NN", "NN"]])
    assert most_frequent_tags(parts, [["the", "bird"]]) == [["DT", "NN"]]
    uses = [Occurrence(0, "a", "x"), Occurrence(0, "a", "y"), Occurrence(0, "a", "y"), Occurrence(0, "b", "z")]
    asked = [Occurrence(3, word, "") for word in "bac"]
    assert most_frequent_senses(Examples([["a"]] * 4, uses), asked) == ["z", "y", ""]


def test_a_word_is_translated_by_the_one_that_it_shares_most_pairs_with():
    train = Examples([["the", "dog"], ["the", "cat"], ["a", "dog"]], [["le", "chien"], ["le", "chat"], ["un", "chien"]])
    assert word_by_word(train, [["a", "cat", "barks"], []]) == [["un", "chat"], []]


def test_naive_bayes_follows_its_formula():
    """p(+ | a a b): counts + {a: 2, b: 1}, - {b: 2, c: 1}, each plus one; both labels are equally frequent."""
    train = Examples([["a", "a", "b"], ["b", "b", "c"]], ["+", "-"])
    plus, minus = (3/6) ** 2 * (2/6), (1/6) ** 2 * (3/6)
    assert naive_bayes(train, [["a", "a", "b"]]) == ["+" if plus > minus else "-"]
    plus, minus = (3/6) * (2/6) ** 4, (1/6) * (3/6) ** 4
    assert naive_bayes(train, [["a", "b", "b", "b", "b"]]) == ["+" if plus > minus else "-"] == ["-"]
