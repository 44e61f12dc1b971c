"""characters: words as bilm-tf spells them, counted from 1."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.nn.characters import N_CHARACTERS, marks, to_char_ids

# Of bilm-tf's own tests, at five characters a word and counted from 0, as bilm-tf trains.
ORIGINAL = {"th": [258, 116, 104, 259, 260], "thhhhh": [258, 116, 104, 104, 259], "Āt": [258, 196, 128, 116, 259]}


@pytest.mark.parametrize("word", ORIGINAL)
def test_a_word_is_spelled_as_the_original_spells_it(word):
    np.testing.assert_array_equal(to_char_ids([word], 5)[0], np.array(ORIGINAL[word]) + 1)


def test_the_word_of_the_documentation():
    assert to_char_ids(["The"], 50)[0].tolist() == [259, 85, 105, 102, 260, *[261] * 45]


def test_special_tokens_are_words_of_one_character():
    assert marks(6).tolist() == [[259, 257, 260, 261, 261, 261], [259, 258, 260, 261, 261, 261]]


def test_a_literal_special_token_is_spelled_like_any_word():
    assert not (to_char_ids(["<S>", "</S>"], 50) == marks(50)).all(axis=1).any()


@pytest.mark.parametrize("K", [3, 4, 50])
@pytest.mark.parametrize("length", [1, 2, 46, 47, 48, 49, 50, 100])
def test_a_word_keeps_its_first_bytes_and_both_markers(K, length):
    word = ("abcdefghij" * 10)[:length]
    k = to_char_ids([word], K)[0].tolist()
    kept = word[:K - 2]
    assert k == [259, *(ord(c) + 1 for c in kept), 260, *[261] * (K - 2 - len(kept))]


def test_a_long_word_is_cut_in_the_middle_of_a_letter_as_the_original_cuts_it():
    assert to_char_ids(["ÅÅ"], 5)[0].tolist() == [259, 0xC3 + 1, 0x85 + 1, 0xC3 + 1, 260]


def test_every_byte_has_its_own_row():
    everything = bytes(range(256)).decode("latin-1")
    k = to_char_ids(list(everything), 6)
    assert len({tuple(row) for row in k.tolist()}) == 256
    assert k.max() < N_CHARACTERS
    assert to_char_ids(["\U0010ffff"], 6)[0].tolist() == [259, 0xF4 + 1, 0x8F + 1, 0xBF + 1, 0xBF + 1, 260]


def test_characters_without_utf8_are_left_out_and_the_empty_word_has_no_bytes():
    k = to_char_ids(["a\ud800b", "ab", "", "\ud800"], 6)
    np.testing.assert_array_equal(k[0], k[1])
    np.testing.assert_array_equal(k[2], [259, 260, 261, 261, 261, 261])
    np.testing.assert_array_equal(k[3], k[2])
    assert to_char_ids([], 6).shape == (0, 6)


def test_a_word_that_is_not_a_string_is_refused():
    with pytest.raises(UserError, match="the word 7 is not a string: expected words as text"):
        to_char_ids(["a", 7], 6)
