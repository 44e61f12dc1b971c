"""characters: the words of the gradient checks keep their distance from every kink, and a point that does not is
refused."""

import numpy as np
import pytest

from elmo_np.gradient_checks import characters
from elmo_np.nn.char_cnn import CharCNN
from elmo_np.nn.characters import to_char_ids


@pytest.fixture
def layer(rng):
    return CharCNN(((1, 3), (2, 2)), 2, 4, 7, activation="relu", highways=1, rng=rng, dtype=np.float64)


def test_e_keeps_the_rows_that_the_words_need_and_shared_tables_stay_shared(layer, rng):
    other = CharCNN(((1, 3),), 2, 4, 7, rng=rng, dtype=np.float64)
    other.E.value = layer.E.value
    characters.with_few_characters(layer, other)
    assert layer.E.value is other.E.value
    assert layer.E.value.shape == layer.E.grad.shape == (len(characters.ALPHABET), 2)


def test_a_tie_of_two_positions_is_refused(layer):
    for f in layer.filters:
        f.W.value[...] = 0
    with pytest.raises(AssertionError, match="from a kink, expected 1e-03"):
        characters.avoid_kinks(layer, to_char_ids(["ab"], 7).astype(np.int64))


def test_special_tokens_and_words_become_characters_that_the_small_table_holds():
    from elmo_np.data.batches import whole_sentences

    batch = whole_sentences([[0, 3, 5, 1]])
    spelled = characters.spelled_batch(batch, 7)
    assert spelled.forward.x.shape == (3, 1, 7)
    assert spelled.forward.x.max() < len(characters.ALPHABET)
    np.testing.assert_array_equal(spelled.forward.y, batch.forward.y)
