"""translator: it learns order and words, a translation does not depend on the batch, its file restores it."""

import json

import numpy as np
import pytest

from elmo_np.data.vocabulary import SPECIAL_TOKENS
from elmo_np.errors import UserError
from elmo_np.io import safetensors_file as checkpoint
from elmo_np.nn.parameter import parameters
from elmo_np.tasks.metrics.scores import token_accuracy
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.embedding_cache import EmbeddingCache
from elmo_np.tasks.models.encoder_decoder import END, START, UNKNOWN
from elmo_np.tasks.models.translator import Translator
from elmo_np.tasks.models.word_model import frequent_words
from elmo_np.tasks.nn.search import beam_search
from tests.task_helpers import WORDS, tiny_elmo

FAST = TaskConfig(hidden_dim=24, word_dim=8, decoder_dim=24, learning_rate=0.02, epochs=14, batch_size=10,
                  input_dropout=0, dropout=0.05, beam=3)


def pairs(N, seed=0):
    """Two to four words in their order, and their translation: reversed, in capitals."""
    rng = np.random.default_rng(seed)
    sentences = [[str(word) for word in rng.choice(WORDS[:5], rng.integers(2, 5))] for _ in range(N)]
    return sentences, [[word.upper() for word in reversed(own)] for own in sentences]


def translator(config=FAST, elmo=None):
    return Translator(elmo or tiny_elmo(embedding_dim=16), [*SPECIAL_TOKENS, *frequent_words(pairs(50)[1], 1)],
                      [SPECIAL_TOKENS[UNKNOWN], *frequent_words(pairs(50)[0], 1)], config)


@pytest.fixture(scope="module")
def trained():
    """One that reads the mix, and one with an embedding; no test changes them."""
    models = [translator(), translator(TaskConfig(**{**vars(FAST), "input": "learnt", "attention": "additive"}))]
    for model in models:
        model.train(*pairs(250), *pairs(30, 1))
    return models


def words(found):
    return [own.words for own in found]


def test_it_learns_to_reverse_a_sentence(trained):
    sentences, targets = pairs(60, 2)
    for model in trained:
        assert token_accuracy(targets, words(model.predict(sentences))) > 0.9


def test_a_translation_has_attention_for_each_of_its_words_and_the_end(trained):
    found, = trained[0].predict([["anna", "tom", "saw", "met"]])
    assert found.attention.shape == (5, 4)
    np.testing.assert_allclose(found.attention.sum(axis=1), 1, rtol=1e-5)       # float32


def test_a_translation_does_not_depend_on_the_batch_or_on_a_cache(trained):
    sentences = pairs(70, 3)[0]
    for model in trained:
        alone = [model.predict([sentence])[0].words for sentence in sentences[:20]]
        assert words(model.predict(sentences))[:20] == alone
        assert words(model.predict(sentences, EmbeddingCache(model.elmo, sentences))) == words(model.predict(sentences))
        assert model.predict([]) == []


def test_greedy_for_many_at_once_is_a_beam_of_one(trained):
    sentences = pairs(40, 4)[0]
    for model in trained:
        at_once = words(model.predict(sentences, beam=1))
        u, keys, _ = model.network.encode_source(*model._read(sentences, None, np.arange(40)))
        lengths = np.array([len(own) for own in sentences])
        one_by_one = [searched(model, u, keys, lengths, b) for b in range(40)]
        assert [[model.labels[k] for k in ids if k != END] for ids in one_by_one] == at_once


def searched(model, u, keys, lengths, b):
    """What beam_search finds with a beam of 1 for one of many."""
    def step(own, state):
        log_p, next_state, _ = model.network.decoder.step(own, list(state), keys[:lengths[b], b:b+1], lengths[b:b+1])
        return log_p, next_state
    return beam_search(step, model.network.decoder.begin(u[b:b+1]), start=START, end=END, beam=1,
                      longest=int(2 * lengths[b] + 10))[0].words


def test_a_translation_that_never_ends_is_cut():
    model = translator()
    model.network.decoder.softmax.b.value[END] = -1e9
    for beam in 1, 3:
        found, = model.predict([["anna", "tom"]], beam=beam)
        assert len(found.words) == len(found.attention) == 14


def test_without_a_bilm_nothing_of_it_is_read(trained, monkeypatch):
    monkeypatch.setattr("elmo_np.tasks.models.task_model.EmbeddingCache", None)
    assert trained[1].predict([["anna", "nobody"]])[0].words
    learnt = {name for name in parameters(trained[1].network) if name.startswith(("embedding", "input"))}
    assert learnt == {"embedding.E"}


def test_a_translator_comes_back_from_its_file(trained, tmp_path):
    for model in trained:
        model.save(tmp_path / "model")
        again = Translator.load(tmp_path / "model", tiny_elmo(embedding_dim=16))
        some = pairs(20, 5)[0]
        assert words(again.predict(some)) == words(model.predict(some))
        assert (again.labels, again.source_words, again.config) == (model.labels, model.source_words, model.config)


@pytest.mark.parametrize(("changes", "message"), [
    ({"source_words": "[]"}, "expected <S>, </S>, <UNK> and words of the target, <UNK> and words of the source"),
    ({"source_words": "7"}, "is not a complete task model"),
    ({"source_words": '["<UNK>", 7]'}, "is not a complete task model"),
    ({"source_words": "[" * 100_000}, "is not a complete task model"),
    ({"config": json.dumps({"decoder_dim": 90_000})}, "decoder_dim = 90000: expected an array of this size"),
    ({"config": json.dumps({"word_dim": 100_000, "decoder_dim": 1, "hidden_dim": None})},
     "word_dim = 100000 with labels = "),
    ({"labels": json.dumps(["a", "b"])}, "expected <S>, </S>, <UNK> and words of the target"),
    ({"task": "tag"}, "holds a model of the task tag, expected a model of the task translate"),
])
def test_a_file_that_does_not_fit_is_refused(changes, message, trained, tmp_path):
    trained[0].save(tmp_path / "model")
    tensors, texts = checkpoint.load(tmp_path / "model")
    checkpoint.save(tmp_path / "model", tensors, {**texts, **changes})
    with pytest.raises(UserError) as error:
        Translator.load(tmp_path / "model", tiny_elmo(embedding_dim=16))
    assert message in str(error.value)


def test_words_are_those_that_occur_often_enough_without_special_tokens():
    assert frequent_words([["b", "a", "</S>"], ["a", "c", "</S>"]], 2) == ["a"]
    assert frequent_words([["b", "a"], ["a"]], 1) == ["a", "b"]
    assert translator().label_ids(["ANNA", "NOBODY", "</S>"]) == [3, UNKNOWN, UNKNOWN]


def test_mistakes_are_reported():
    with pytest.raises(UserError, match="2 sentences to train on and 0 to validate on"):
        translator().train(*pairs(2), [], [])
    with pytest.raises(UserError, match="for the tasks classify, tag and translate also learnt"):
        translator(TaskConfig(input="7"))
