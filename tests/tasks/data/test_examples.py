"""examples: some sentences with their labels."""

from elmo_np.tasks.data.examples import Examples, WordPair


def test_some_examples_are_chosen_by_index_in_the_order_given():
    assert Examples([["a"], ["b"], ["c"]], [1, 2, 3]).some([2, 0]) == ([["c"], ["a"]], [3, 1])


def test_the_texts_of_pairs_are_both_sentences():
    pair = WordPair("a", (0, 0), ["a", "c"], "T")
    assert Examples([["a"], ["b"]], [pair, None]).texts() == [["a"], ["b"], ["a", "c"]]
    assert Examples([["a"]], ["label"]).texts() == [["a"]]
