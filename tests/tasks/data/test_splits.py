"""splits: parts and folds are drawn by the seed, and equal sentences are never separated."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.data.splits import fold_indices, split_by_sentence, split_indices


def test_a_split_holds_out_a_share_that_the_seed_draws():
    rest, held_out = split_indices(50, 10, 0)
    assert (len(rest), len(held_out)) == (45, 5)
    assert (rest, held_out) == (sorted(rest), sorted(held_out))
    assert sorted(rest + held_out) == list(range(50))
    assert split_indices(50, 10, 0) == (rest, held_out)
    assert split_indices(50, 10, 1)[1] != held_out
    with pytest.raises(UserError, match="50 sentences are too few to hold out one of every 60"):
        split_indices(50, 60, 0)


def test_equal_sentences_stay_in_one_part():
    sentences = [[str(k % 20)] for k in range(50)]
    rest, held_out = split_by_sentence(sentences, 10, 0)
    assert sorted(rest + held_out) == list(range(50))
    words = [{sentences[k][0] for k in part} for part in (rest, held_out)]
    assert (len(words[1]), words[0] & words[1]) == (2, set())


def test_folds_divide_the_sentences_and_keep_equal_ones_together():
    sentences = [["a"], ["b"], ["a"], ["c"], ["d"], ["e"]] * 3
    folds = fold_indices(sentences, 3, seed=0)
    assert sorted(k for _, own in folds for k in own) == list(range(18))
    for rest, own in folds:
        assert sorted(rest + own) == list(range(18))
        assert not {sentences[k][0] for k in rest} & {sentences[k][0] for k in own}
    assert folds != fold_indices(sentences, 3, seed=1)
    assert sorted(len({sentences[k][0] for k in own}) for _, own in folds) == [1, 2, 2]
    assert folds == fold_indices(sentences, 3, seed=0)


def test_there_are_two_folds_or_more_and_none_is_empty():
    sentences = [["a"], ["b"], ["a"], ["c"]]
    assert [len(fold_indices(sentences, count, 0)) for count in (2, 3)] == [2, 3]
    for count in 1, 4:
        with pytest.raises(UserError, match=f"--folds {count}: expected a whole number from 2 to 3, the number of"):
            fold_indices(sentences, count, 0)
