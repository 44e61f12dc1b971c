"""<UNK> is learnt from words that occur once where no word of the corpus is unknown."""

import numpy as np
import pytest

from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.token_indexer import batch_of, token_indexer
from elmo_np.nn.bilm import Batch, DirectionBatch
from elmo_np.training.initial_model import new_elmo
from elmo_np.training.singletons import WithUnknown, singletons

RARE = [f"rare{k}" for k in range(400)]
CORPUS = [["often", word, "often"] for word in RARE]
CHARACTERS = ["char_filters=[[1, 4], [2, 4]]", "char_dim=4"]


def test_words_that_occur_once_are_found_where_no_word_is_unknown():
    assert singletons(Vocabulary.build(CORPUS)) == frozenset(RARE)
    assert singletons(Vocabulary.build([*CORPUS, ["<unk>"]], unknown="auto")) == frozenset()
    assert singletons(Vocabulary.build(CORPUS, min_count=2)) == frozenset()
    assert singletons(Vocabulary.build([["once"]])) == frozenset({"once"})      # <S> and </S> occur once too


def test_about_half_of_them_are_unknown_others_each_epoch_and_each_pass_is_the_same():
    vocabulary = Vocabulary.build(CORPUS)
    corpus = WithUnknown(CORPUS, singletons(vocabulary), 0, 1)
    one = [vocabulary.ids(sentence) for sentence in corpus]
    assert one == [vocabulary.ids(sentence) for sentence in corpus]
    hidden = [ids[1] == vocabulary.unk for ids in one]
    assert 160 < sum(hidden) < 240
    assert all(ids[0] == ids[2] == vocabulary.id("often") for ids in one)
    assert all(ids[1] == vocabulary.id(word) for ids, word, gone in zip(one, RARE, hidden, strict=True) if not gone)
    assert one != [vocabulary.ids(s) for s in WithUnknown(CORPUS, singletons(vocabulary), 0, 2)]


@pytest.mark.parametrize("characters", [False, True])
def test_a_model_of_characters_reads_the_word_and_predicts_unk_a_model_of_words_does_both_with_unk(characters):
    vocabulary = Vocabulary.build(CORPUS[:2])
    settings = override(Settings(), ["embedding_dim=4", "hidden_dim=4", *(CHARACTERS if characters else [])])
    words = token_indexer(new_elmo(settings, vocabulary).model, vocabulary)
    passes = [list(WithUnknown(CORPUS[:1], frozenset({"rare0"}), 0, epoch)) for epoch in range(20)]
    hidden = next(text[0] for text in passes if text != CORPUS[:1])

    def batch(sentence):
        numbers = np.array(words.encode(sentence))[:, None]
        side = DirectionBatch(numbers[:-1], numbers[1:], np.array([4]))
        return batch_of(words, Batch(side, side)).forward
    known, unknown = batch(CORPUS[0]), batch(hidden)
    assert unknown.y[:, 0].tolist() == [vocabulary.id("often"), vocabulary.unk, vocabulary.id("often"), vocabulary.eos]
    assert (known.x == unknown.x).all() == characters
    if not characters:
        assert unknown.x[2, 0] == vocabulary.unk
