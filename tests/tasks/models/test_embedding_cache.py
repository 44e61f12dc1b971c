"""embedding_cache: the vectors of a frozen biLM are those of embed, in memory and in a file."""

import tempfile

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference import encoder
from elmo_np.inference.elmo import ELMo
from elmo_np.nn.bilm import BiLM
from elmo_np.tasks.models.embedding_cache import EmbeddingCache

SENTENCES = [["a", "b"], ["b"], ["c", "a", "b", "c"], ["a", "a", "c"]]


def an_elmo(embedding_dim=4):
    vocabulary = Vocabulary.build(SENTENCES)
    config = BiLMConfig(embedding_dim=embedding_dim, hidden_dim=4, layers=2)
    return ELMo(BiLM(config, len(vocabulary), rng=np.random.default_rng(0)), vocabulary)


@pytest.mark.parametrize("memory", [1 << 20, 0], ids=["in memory", "in a file"])
def test_a_batch_holds_the_vectors_of_its_sentences(memory):
    elmo = an_elmo()
    cache, vectors = EmbeddingCache(elmo, SENTENCES, memory=memory), elmo.embed(SENTENCES)
    assert isinstance(cache._kept, np.memmap) == (memory == 0)
    layers, lengths = cache.batch([2, 1, 0])
    assert layers.shape == (3, 4, 3, 8)
    assert lengths.tolist() == [4, 1, 2]
    for b, k in enumerate([2, 1, 0]):
        np.testing.assert_array_equal(layers[:, :lengths[b], b], vectors[k])
        assert not layers[:, lengths[b]:, b].any()
    some, _ = cache.batch([2, 1, 0], [2, 0])
    np.testing.assert_array_equal(some, layers[[0, 2]])
    assert len(cache) == 4
    assert cache.lengths.tolist() == [2, 1, 4, 3]


def test_successive_sentences_can_be_read_as_one():
    elmo = an_elmo()
    cache = EmbeddingCache(elmo, SENTENCES, positions=[1, 0, 3, 2]).grouped(2)
    vectors = elmo.embed(SENTENCES)
    layers, lengths = cache.part([1, 0]).batch([0, 1])
    assert lengths.tolist() == [2, 2]
    for t, b, k, position in (0, 0, 2, 3), (1, 0, 3, 2), (0, 1, 0, 1), (1, 1, 1, 0):
        np.testing.assert_array_equal(layers[:, t, b], vectors[k][:, position])


@pytest.mark.parametrize("layers", [None, [0]], ids=["all layers", "layer 0"])
def test_sentences_that_are_read_in_parts_have_the_same_vectors(layers, monkeypatch):
    elmo = an_elmo(embedding_dim=3 if layers else 4)
    cache = EmbeddingCache(elmo, SENTENCES, layers)
    word = EmbeddingCache(elmo, SENTENCES, layers, positions=[1, 0, 3, 2])
    monkeypatch.setattr(encoder, "WINDOW", 2 * 8 * 3)           # two steps at a time
    np.testing.assert_allclose(EmbeddingCache(elmo, SENTENCES, layers)._kept, cache._kept, atol=1e-6)
    np.testing.assert_allclose(EmbeddingCache(elmo, SENTENCES, layers, positions=[1, 0, 3, 2])._kept, word._kept,
                               atol=1e-6)


def test_word_vectors_of_another_width_are_kept_alone():
    elmo = an_elmo(embedding_dim=3)
    assert EmbeddingCache(elmo, SENTENCES).layers == [1, 2]
    layers, _ = EmbeddingCache(elmo, SENTENCES, [0]).batch([3])
    np.testing.assert_array_equal(layers[0, :, 0], elmo.vectors([SENTENCES[3]], 0)[0])


def test_a_part_and_single_words_are_those_of_the_whole():
    elmo = an_elmo()
    cache = EmbeddingCache(elmo, SENTENCES)
    some, whole = cache.part([3, 1]), cache.batch([1, 3])
    assert len(some) == 2
    for one, other in zip(some.batch([1, 0]), whole, strict=True):
        np.testing.assert_array_equal(one, other)
    words, lengths = EmbeddingCache(elmo, SENTENCES, positions=[1, 0, 3, 2]).batch([2, 3])
    assert lengths.tolist() == [1, 1]
    np.testing.assert_array_equal(words[:, 0], np.stack([cache.batch([k])[0][:, t, 0] for k, t in ((2, 3), (3, 2))], 1))


def test_one_word_has_one_static_vector():
    layers, _ = EmbeddingCache(an_elmo(), SENTENCES).batch([0, 2, 3])
    np.testing.assert_array_equal(layers[0, 0, 0], layers[0, 1, 1])
    assert (layers[2, 0, 0] != layers[2, 1, 1]).any()


def test_a_mistake_is_reported_in_one_line(monkeypatch):
    for layers in [], [3], [0, 1]:
        with pytest.raises(UserError, match=r"expected layers from 0 to 2, all of one width"):
            EmbeddingCache(an_elmo(embedding_dim=3), SENTENCES, layers)
    with pytest.raises(UserError, match="sentence 1 is empty"):
        EmbeddingCache(an_elmo(), [["a"], []])

    for t in -1, 2:
        with pytest.raises(UserError, match=f"sentence 0 has 2 words, but position {t} was requested: expected 0"):
            EmbeddingCache(an_elmo(), [["a", "b"]], positions=[t])

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(UserError, match="No space left on device; expected room for 960 bytes"):
        EmbeddingCache(an_elmo(), SENTENCES, memory=0)
