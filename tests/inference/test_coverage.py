"""How much of a text a model knows."""

import pytest

from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.coverage import Coverage, coverage
from elmo_np.training.initial_model import new_elmo

SIZES = ["embedding_dim=4", "hidden_dim=4"]


def elmo(*settings):
    return new_elmo(override(Settings(), [*SIZES, *settings]), Vocabulary.build([["the", "cat", "sat"]]))


@pytest.mark.parametrize(("text", "line"), [
    ("the cat sat", None),
    ("the cat sat there", "note: 1 of 4 words (25.0%) are unknown to the model, which reads <UNK> in their place"),
    ("THE CAT sat there", "warning: 3 of 4 words (75.0%) are unknown to the model, which reads <UNK> in their place: "
                          "it knows 2 of them in lower case; give the text in lower case"),
    ("eins zwei", "warning: 2 of 2 words (100.0%) are unknown to the model, which reads <UNK> in their place: give "
                  "text like that of its training, split in the same way; if the text has no spaces between words, "
                  "like Chinese or Japanese, split it into words first"),
])
def test_unknown_words_are_counted(text, line):
    assert coverage(elmo(), [text.split()]) == ([line] if line else [])


def test_a_model_of_characters_knows_every_word_and_counts_those_it_cuts():
    own = elmo("char_filters=[[1, 4]]", "max_characters=10")
    assert coverage(own, [["eins", "12345678"]]) == []
    line, = coverage(own, [["eins", "zwei", "drei", "日本語"]])
    assert line.startswith("note: 1 of 4 words (25.0%) are cut to their first 8 bytes, so words that begin alike have ")


def test_the_sentences_pass_unchanged():
    found = Coverage(elmo())
    sentences = [["the", "dog"], ["cat"]]
    assert list(found.watch(sentences)) == sentences
    assert (found.words, found.lost, found.poor) == (3, 1, False)
