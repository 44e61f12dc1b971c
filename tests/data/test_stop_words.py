"""The function words that the article's preparation drops."""

from elmo_np.data.stop_words import STOP_WORDS


def test_the_stop_words_are_over_a_hundred_single_lower_case_words():
    assert len(STOP_WORDS) > 200
    assert all(word.isascii() and word.isalpha() and word.islower() for word in STOP_WORDS)
    assert {"the", "and", "of", "not", "s", "t", "d", "ll", "re", "ve", "m"} <= STOP_WORDS


def test_the_stop_words_hold_no_ambiguous_word_of_the_article():
    assert STOP_WORDS.isdisjoint({"bank", "bat", "bark", "spring", "light", "right", "match", "like", "well", "kind"})
