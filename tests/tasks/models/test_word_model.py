"""word_model: the words of a learnt embedding, and which models read a bag."""

import numpy as np
import pytest

from elmo_np.data.vocabulary import UNK
from elmo_np.errors import UserError
from elmo_np.nn.characters import to_char_ids
from elmo_np.tasks.models.classifier import SentenceClassifier
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.translator import Translator
from elmo_np.tasks.models.word_model import frequent_words, source_words, spelled, texts_of
from elmo_np.tasks.nn.inputs import MOST_CHARACTERS
from tests.task_helpers import tiny_elmo

SENTENCES = [["tom", "saw", "</S>"], ["tom", "met"]]


def test_words_that_are_frequent_enough_are_listed_in_order():
    assert frequent_words(SENTENCES, 1) == ["met", "saw", "tom"]
    assert source_words(SENTENCES, TaskConfig(min_count=2)) == [UNK, "tom"]


def test_words_are_spelled_and_after_a_sentence_there_is_no_character():
    found = spelled(SENTENCES)
    assert found.shape == (3, 2, MOST_CHARACTERS)
    for b, sentence in enumerate(SENTENCES):
        np.testing.assert_array_equal(found[:len(sentence), b], to_char_ids(sentence, MOST_CHARACTERS))
    assert not found[2, 1].any()


@pytest.mark.parametrize("settings", [{"input": "bag"}, {"input": "learnt"}, {"finetune": True}, {}])
def test_a_sentence_without_words_is_refused(settings):
    model = SentenceClassifier(tiny_elmo(), ["a", "b"], TaskConfig(hidden_dim=None, **settings), phrases=["tom"],
                               source_words=[UNK, "tom"])
    with pytest.raises(UserError, match="sentence 70 is empty: expected at least one token"):
        model.predict([["tom"]] * 70 + [[]])


def test_a_translator_has_no_bag():
    with pytest.raises(UserError, match=r"input = 'bag\+mix': expected mix"):
        Translator(tiny_elmo(), ["<S>", "</S>", "<UNK>", "va"], [UNK, "go"], TaskConfig(input="bag+mix"))


def test_a_list_of_another_kind_is_no_list_of_words():
    assert texts_of({}, "phrases") == []
    with pytest.raises(TypeError, match="phrases"):
        texts_of({"phrases": "[7]"}, "phrases")
