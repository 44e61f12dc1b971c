"""The size of an epoch, from the counts of the vocabulary."""

import pytest

from elmo_np.config.schema import TrainConfig
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.training.epoch_size import EpochSize, epoch_size

SENTENCES = [["a", "b"], ["a"], ["a", "c", "d"]]


def test_sentences_targets_and_steps_are_counted():
    vocabulary = Vocabulary.build(SENTENCES, min_count=2)       # a alone
    assert epoch_size(vocabulary, TrainConfig(batch_size=2, steps=2)) == \
        EpochSize(sentences=3, targets=9, steps=3)   # 9 targets in batches of 4


def test_a_step_over_whole_sentences_has_a_sentence_per_row():
    assert epoch_size(Vocabulary.build(SENTENCES), TrainConfig(batch_size=2, state="reset")).steps == 2


def test_long_sentences_take_more_steps_than_rows_tell():
    vocabulary = Vocabulary.build([["a"] * 99_999, ["a"]])
    assert epoch_size(vocabulary, TrainConfig(batch_size=2, state="reset")).steps == 7      # 100,002 targets / 2^14


def test_fewer_sentences_than_rows_are_refused():
    vocabulary = Vocabulary.build(SENTENCES)
    assert epoch_size(vocabulary, TrainConfig(batch_size=3)).sentences == 3
    with pytest.raises(UserError, match=r"^batch_size = 4, but there are 3 sentences .*; set batch_size=3$"):
        epoch_size(vocabulary, TrainConfig(batch_size=4))
