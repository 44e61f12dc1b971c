"""The neural cache against its equations, a position at a time."""

import numpy as np
import pytest

from elmo_np import ELMo, evaluate
from elmo_np.config.directions import DIRECTIONS
from elmo_np.errors import UserError
from elmo_np.inference import neural_cache
from elmo_np.inference.neural_cache import CacheSettings, NeuralCache, evaluate_with_cache, tune
from tests.embedding_helpers import alone
from tests.inference.test_evaluate import UNSEEN, VOCABULARY, bilm


def inputs_and_targets(corpus, backward=False):
    """What a direction reads and predicts in one stream: <S> words -> words </S> of one sentence after another."""
    read = [VOCABULARY.encode(sentence) for sentence in corpus]
    if backward:
        read = [numbers[::-1] for numbers in read]
    return [n for numbers in read for n in numbers[:-1]], [n for numbers in read for n in numbers[1:]]


def stream_by_hand(lm, ids, targets, settings):
    """The sum of - log p by (P7) and (P8), a position after another."""
    size, theta, weight = settings
    x = np.array(ids)[:, None]
    outputs, _ = lm.encode_inference(x)
    h = outputs[-1][:, 0].astype(np.float64)
    nats = lm.nll(x, np.array(targets)[:, None])[0][:, 0]
    total = 0.0
    for t, y in enumerate(targets):
        p = np.exp(-float(nats[t]))
        places = range(max(0, t - size), t)
        if places:
            e = [np.exp(theta * (h[t] @ h[i])) for i in places]
            share = sum(value for value, i in zip(e, places, strict=True) if targets[i] == y) / sum(e)
            p = (1 - weight) * p + weight * share
        total -= np.log(p)
    return total


@pytest.mark.parametrize("settings", [CacheSettings(7, 0.4, 0.2), CacheSettings(1000, 1.5, 0.05),
                                      CacheSettings(1, 0.1, 0.9)])
def test_every_word_has_the_probability_of_the_equations(settings, monkeypatch):
    monkeypatch.setattr("elmo_np.inference.evaluate.CHUNK", 11)         # the cache outlives a chunk
    monkeypatch.setattr(neural_cache, "VALUES", 4 * (settings.size + 11))   # and a chunk is divided
    model, corpus = bilm(), UNSEEN[:6]
    plain, found = evaluate_with_cache(model, VOCABULARY, corpus, settings)
    assert plain == evaluate(model, VOCABULARY, corpus)
    ids, targets = inputs_and_targets(corpus)
    assert found.targets == len(targets)
    assert found.forward_nats == pytest.approx(stream_by_hand(model.forward_lm, ids, targets, settings), rel=1e-5)
    ids, targets = inputs_and_targets(corpus, backward=True)
    assert found.backward_nats == pytest.approx(stream_by_hand(model.backward_lm, ids, targets, settings), rel=1e-5)


def test_the_probabilities_of_all_words_add_up_to_one(rng):
    V, P, n = 5, 3, 4
    h, seen = rng.standard_normal((n, P)), np.array([1, 3, 1, 2])
    p_model = rng.dirichlet(np.ones(V))
    total = 0.0
    for word in range(V):
        cache = NeuralCache(10, [0.7], [0.3])
        cache.mix(h, seen, np.zeros(n))
        total += np.exp(-cache.mix(h[:1], np.array([word]), -np.log(p_model[[word]])))[0, 0, 0]
    assert total == pytest.approx(1)


def test_a_text_that_repeats_itself_is_predicted_better():
    model, corpus = bilm(), [UNSEEN[0]] * 12
    plain, found = evaluate_with_cache(model, VOCABULARY, corpus, CacheSettings(100, 0.5, 0.3))
    assert found.forward < 0.8 * plain.forward
    assert found.backward < 0.8 * plain.backward
    assert (found.targets, found.sentences, found.unknown) == (plain.targets, plain.sentences, plain.unknown)


def test_a_weight_of_zero_is_the_plain_model():
    model = bilm()
    plain, found = evaluate_with_cache(model, VOCABULARY, UNSEEN, CacheSettings(10, 0.5, 0.0))
    assert found.forward_nats == pytest.approx(plain.forward_nats, rel=1e-6)


def test_tuning_finds_the_best_of_what_it_tries(monkeypatch):
    monkeypatch.setattr(neural_cache, "THETAS", (0.1, 2.0))
    monkeypatch.setattr(neural_cache, "WEIGHTS", (0.05, 0.5))
    model, corpus = bilm(), [*UNSEEN[:3]] * 3
    tried = [CacheSettings(50, theta, weight) for theta in (0.1, 2.0) for weight in (0.05, 0.5)]
    nats = [sum(evaluate_with_cache(model, VOCABULARY, corpus, one)[1][:2]) for one in tried]
    assert tune(model, VOCABULARY, corpus, 50) == tried[int(np.argmin(nats))]


@pytest.mark.parametrize("settings", [
    CacheSettings(0, 0.5, 0.1), CacheSettings(10, 0.0, 0.1), CacheSettings(10, 0.5, 1.0),
    CacheSettings(10, float("nan"), 0.1), CacheSettings(10, 0.5, -0.1), CacheSettings(10, 1e300, 0.1),
    CacheSettings(10, 1e-300, 0.1)])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(UserError, match=r"expected 1 to 100,000|expected a theta from 1e-06 to 1,000,000 and a weight"):
        evaluate_with_cache(bilm(), VOCABULARY, UNSEEN, settings)


@pytest.mark.parametrize("size", [0, 100_001])
def test_a_size_out_of_range_is_not_tuned(size):
    with pytest.raises(UserError, match=f"a cache of {size} positions: expected 1 to 100,000"):
        tune(bilm(), VOCABULARY, UNSEEN, size)


@pytest.mark.parametrize("theta", [1e-6, 1e6])
def test_the_extremes_of_theta_give_finite_figures(theta):
    """An even share of all positions, and the most similar one alone: at worst the weight is lost."""
    plain, found = evaluate_with_cache(bilm(), VOCABULARY, UNSEEN[:20], CacheSettings(50, theta, 0.1))
    assert found.forward_nats <= plain.forward_nats - plain.targets * np.log(0.9) + 1e-3


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_one_direction_has_a_cache_of_its_own_and_is_tuned_alone(direction):
    whole = bilm()
    one = alone(ELMo(whole, VOCABULARY), direction).model
    settings = CacheSettings(50, 0.3, 0.1)
    found, expected = (evaluate_with_cache(model, VOCABULARY, UNSEEN[:20], settings)[1] for model in (one, whole))
    assert found.perplexities == pytest.approx({direction: expected.perplexities[direction]}, rel=1e-5)
    best = tune(one, VOCABULARY, UNSEEN[:10], 50)
    assert best.theta in neural_cache.THETAS
    edge = CacheSettings(50, neural_cache.THETAS[0], neural_cache.WEIGHTS[0])
    found, other = (evaluate_with_cache(one, VOCABULARY, UNSEEN[:10], settings)[1] for settings in (best, edge))
    assert found.geometric_mean <= other.geometric_mean
