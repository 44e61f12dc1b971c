"""examples: some sentences with their labels."""

from elmo_np.tasks.data.examples import Examples


def test_some_examples_are_chosen_by_index_in_the_order_given():
    assert Examples([["a"], ["b"], ["c"]], [1, 2, 3]).some([2, 0]) == ([["c"], ["a"]], [3, 1])
