"""wic: the answer is that of the cosine of two vectors and the best threshold, or of a trained layer over both."""

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.inference.neighbours import unit
from elmo_np.nn.parameter import parameters
from elmo_np.tasks.data.examples import WordPair
from elmo_np.tasks.metrics.scores import accuracy
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.wic import WordInContext, best_threshold
from tests.task_helpers import same_vectors, tiny_elmo, uses


def word_pairs(N, seed=0):
    """Pairs of occurrences of one word; the word after each decides its sense."""
    by_word = {}
    for sentence, own in zip(*uses(4 * N, seed), strict=True):
        by_word.setdefault(own.word, []).append((sentence, own))
    found = [(first, WordPair(one.word, (one.position, other.position), second, "FT"[one.sense == other.sense]))
             for own in by_word.values() for (first, one), (second, other) in zip(own[::2], own[1::2], strict=False)]
    return [list(own) for own in zip(*found[::2], strict=True)]


def trained(**settings):
    model = WordInContext(tiny_elmo(), config=TaskConfig(**settings))
    model.train(*word_pairs(100), *word_pairs(30, 1))
    return model


def test_the_answer_is_found_from_the_contexts():
    sentences, pairs = word_pairs(100, 2)
    found = [own.answer for own in trained(input="top").predict(sentences, pairs)]
    actual = [own.answer for own in pairs]
    static = [own.answer for own in trained(input="static").predict(sentences, pairs)]
    assert len(set(static)) == 1            # one word form has one static vector: the more frequent answer
    assert accuracy(actual, found) > accuracy(actual, static) + 0.1


LOGISTIC = {"input": "top", "comparison": "logistic", "learning_rate": 0.02, "epochs": 60, "patience": 60,
            "input_dropout": 0.0}


def test_a_trained_layer_finds_more_than_the_cosine():
    sentences, pairs = word_pairs(100, 2)
    actual = [own.answer for own in pairs]
    trained_layer, cosine = (accuracy(actual, [own.answer for own in model.predict(sentences, pairs)])
                             for model in (trained(**LOGISTIC), trained(input="top")))
    assert trained_layer > 0.9
    assert trained_layer > cosine


def test_a_trained_layer_comes_back_from_its_file_with_the_same_answers_and_the_cosines_of_its_vectors(tmp_path):
    model, (sentences, pairs) = trained(**{**LOGISTIC, "epochs": 2}), word_pairs(20, 3)
    model.save(tmp_path / "model")
    again = WordInContext.load(tmp_path / "model", tiny_elmo())
    found = again.predict(sentences, pairs)
    assert found == model.predict(sentences, pairs)
    cosines = [own.cosine for own in trained(input="top").predict(sentences, pairs)]
    np.testing.assert_allclose([own.cosine for own in found], cosines, atol=1e-6)


def test_a_stopped_training_of_the_layer_goes_on_to_the_same_bits(tmp_path):
    whole, stopped, resumed = (
        WordInContext(tiny_elmo(), config=TaskConfig(**{**LOGISTIC, "epochs": epochs, "input_dropout": 0.2}))
        for epochs in (3, 1, 3))
    data = *word_pairs(40), *word_pairs(20, 1)
    whole.train(*data)
    stopped.train(*data, checkpoint=tmp_path / "last")
    resumed.train(*data, checkpoint=tmp_path / "last")
    for name, p in parameters(whole.network).items():
        np.testing.assert_array_equal(parameters(resumed.network)[name].value, p.value)


def test_other_answers_are_refused():
    with pytest.raises(UserError, match="labels T, F: expected F, T"):
        WordInContext(tiny_elmo(), ["T", "F"])


def test_sentences_are_read_once_and_each_has_a_pair():
    model, (sentences, pairs) = WordInContext(tiny_elmo()), word_pairs(5)
    assert model.predict(iter(sentences), pairs) == model.predict(sentences, pairs)
    assert len(model.embed(iter(sentences), pairs)) == 5
    with pytest.raises(UserError, match="pairs: expected one sentence per pair"):
        model.predict(sentences[1:], pairs)


def test_the_cosine_is_that_of_the_vectors_of_both_words():
    model, (sentences, pairs) = trained(input="top"), word_pairs(20, 3)
    def directions(some, positions):
        return unit(np.array([v[k] for v, k in zip(model.elmo.vectors(some, "top"), positions, strict=True)]))
    first = directions(sentences, [own.positions[0] for own in pairs])
    second = directions([own.second for own in pairs], [own.positions[1] for own in pairs])
    found = model.predict(sentences, pairs)
    np.testing.assert_allclose([own.cosine for own in found], (first * second).sum(axis=1), atol=1e-6)
    threshold = model.network.threshold.value[0]
    assert [own.answer for own in found] == ["T" if own.cosine > threshold else "F" for own in found]


def test_the_mix_is_the_average_of_the_layers():
    model, (sentences, pairs) = trained(), word_pairs(20, 3)
    layers, _ = model.embed(sentences, pairs).batch(np.arange(len(pairs)))
    first, second = unit(layers.mean(axis=0))
    same_vectors(model.network.cosines(layers).round(6), (first * second).sum(axis=1).round(6))


@pytest.mark.parametrize(("cosines", "same", "expected"), [
    ([0.1, 0.4, 0.6, 0.9], [0, 0, 1, 1], 0.5),              # both sides correct
    ([0.9, 0.1, 0.6, 0.4], [1, 0, 1, 0], 0.5),              # in any order
    ([0.1, 0.2, 0.4, 0.8], [0, 1, 0, 1], 0.15),             # 3 correct below 0.2 and above 0.4: the lower one
    ([0.2, 0.4], [1, 1], -0.9),                             # below all
    ([0.2, 0.4], [0, 0], 1.2),                              # above all
    ([0.5, 0.500001, 0.5, 0.9], [0, 1, 0, 1], 0.7000005),   # rounding does not separate
])
def test_the_threshold_has_the_most_correct_answers(cosines, same, expected):
    assert best_threshold(np.array(cosines), np.array(same, bool)) == pytest.approx(expected, abs=1e-9)


def test_no_other_threshold_is_better_on_random_pairs():
    rng = np.random.default_rng(0)
    for _ in range(20):
        cosines, same = rng.uniform(-1, 1, 30), rng.random(30) < 0.5
        found = ((cosines > best_threshold(cosines, same)) == same).sum()
        assert found == max(((cosines > own) == same).sum() for own in [-2, *cosines])


def test_validation_pairs_help_to_choose_the_threshold():
    model = WordInContext(tiny_elmo(), config=TaskConfig(input="top"))
    sentences, pairs = word_pairs(50)
    model.train(sentences[:1], pairs[:1], sentences[1:], pairs[1:])
    other = WordInContext(tiny_elmo(), config=TaskConfig(input="top"))
    other.train(sentences[1:], pairs[1:], sentences[:1], pairs[:1])
    np.testing.assert_allclose(model.network.threshold.value, other.network.threshold.value, atol=1e-6)


def test_a_model_comes_back_from_its_file(tmp_path):
    model = trained(input="1")
    model.save(tmp_path / "model")
    again = WordInContext.load(tmp_path / "model", tiny_elmo())
    assert again.config == model.config
    assert again.predict(*word_pairs(20, 2)) == model.predict(*word_pairs(20, 2))
