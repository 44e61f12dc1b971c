"""Dynamic evaluation against a slow computation: predictions a word at a time, gradients by finite differences."""

import math
from itertools import pairwise

import numpy as np
import pytest

from elmo_np import BiLM, BiLMConfig, Vocabulary, evaluate
from elmo_np.errors import UserError
from elmo_np.inference import dynamic_evaluation
from elmo_np.inference.dynamic_evaluation import DynamicSettings, evaluate_dynamically, tune_dynamic
from elmo_np.nn.parameter import parameters, sha256
from tests.inference.test_evaluate import UNSEEN, VOCABULARY, bilm, log_p

TEXT = [["a", "b", "a"], ["c"], ["b", "a", "c", "b"], ["a", "b"]]
WORDS = Vocabulary.build(TEXT)


def tiny(**settings):
    config = BiLMConfig(embedding_dim=2, hidden_dim=2, layers=2, init_scale=0.7, **settings)
    return BiLM(config, len(WORDS), rng=np.random.default_rng(3), dtype=np.float64)


def by_hand(lm, sentences, settings, steps):
    """The sum of - log p of a stream; `lm` learns after every `steps` words, by the slopes of their loss."""
    rate, decay = settings
    pairs = [pair for ids in sentences for pair in pairwise(ids)]
    values = [p.value for p in parameters(lm).values()]
    first = [value.copy() for value in values]

    def read(segment, state):
        total = 0.0
        for word, target in segment:
            found, state = log_p(lm, [word, target], state)
            total -= found[0]
        return total, state
    total, state = 0.0, None
    for k in range(0, len(pairs), steps):
        segment = pairs[k:k + steps]
        nats, after = read(segment, state)
        total += nats
        slopes = []
        for value in values:
            slope = np.empty_like(value)
            for place in np.ndindex(value.shape):
                old, found = value[place], []
                for new in old + 1e-5, old - 1e-5:
                    value[place] = new
                    found.append(read(segment, state)[0])
                value[place] = old
                slope[place] = (found[0] - found[1]) / 2e-5
            slopes.append(slope)
        for value, slope, start in zip(values, slopes, first, strict=True):
            value[...] = value - rate * slope + decay * (start - value)
        state = after
    return total


@pytest.mark.parametrize(("settings", "steps"), [(DynamicSettings(0.1, 0.2), 4), (DynamicSettings(0.3, 0.0), 1),
                                                 (DynamicSettings(0.05, 0.5), 100)])
def test_it_predicts_before_it_learns_by_the_slopes_of_the_loss(settings, steps, monkeypatch):
    monkeypatch.setattr(dynamic_evaluation, "SEGMENT", steps)
    found = evaluate_dynamically(tiny(), WORDS, TEXT, settings)
    ids = [WORDS.encode(sentence) for sentence in TEXT]
    expected = {"forward": by_hand(tiny().forward_lm, ids, settings, steps),
                "backward": by_hand(tiny().backward_lm, [one[::-1] for one in ids], settings, steps)}
    assert found == pytest.approx(expected, rel=1e-7)


def test_what_is_learnt_is_not_smoothed():
    models = bilm(), bilm(label_smoothing=0.5, ar=3.0)
    found = [evaluate_dynamically(model, VOCABULARY, UNSEEN[:5], DynamicSettings(0.1, 0.01)) for model in models]
    assert found[0] == found[1]


def test_a_text_of_one_segment_is_predicted_as_by_the_plain_model(monkeypatch):
    monkeypatch.setattr(dynamic_evaluation, "SEGMENT", 10_000)
    plain = evaluate(bilm(), VOCABULARY, UNSEEN)
    found = evaluate_dynamically(bilm(), VOCABULARY, UNSEEN, DynamicSettings(0.5, 0.1))
    assert [*found.values()] == pytest.approx(plain[:2])


SHARED = {"embedding_dim": 8, "share_embedding": True, "share_softmax": True, "tie": True}
CHARACTERS = {"char_filters": ((1, 4), (2, 4)), "char_dim": 3, "share_embedding": True, "share_softmax": True}


@pytest.mark.parametrize("changes", [{}, SHARED, CHARACTERS, {"softmax": "adaptive"},
                                     {**SHARED, "softmax": "adaptive"}, {**SHARED, "embedding_dim": 9},
                                     {"softmax": "sampled", "samples": 9}, {"cell": "gru", "dropout": 0.5}])
def test_a_text_that_repeats_itself_is_learnt_and_the_model_stays_as_it_is(changes):
    model, corpus = bilm(**changes), [UNSEEN[0], UNSEEN[1]] * 15
    before, plain = sha256(model), evaluate(model, VOCABULARY, corpus)
    found = evaluate_dynamically(model, VOCABULARY, corpus, DynamicSettings(0.03, 0.001))
    assert found["forward"] < 0.9 * plain.forward_nats
    assert found["backward"] < 0.9 * plain.backward_nats
    assert sha256(model) == before


@pytest.mark.parametrize("changes", [{}, {"tie": True, "embedding_dim": 9}])
def test_a_model_trained_with_a_sampled_softmax_learns_from_all_words(changes):
    models = bilm(**changes), bilm(softmax="sampled", samples=9, **changes)
    found = [evaluate_dynamically(model, VOCABULARY, UNSEEN[:5], DynamicSettings(0.1, 0.01)) for model in models]
    assert found[0] == found[1]


def test_the_directions_learn_apart_though_they_share_their_values():
    """What one direction learns would tell the other what it is about to predict."""
    model = bilm(**SHARED)
    corpus, settings = UNSEEN[:5], DynamicSettings(0.1, 0.0)
    both = evaluate_dynamically(model, VOCABULARY, corpus, settings)
    alone = bilm(**SHARED)
    for p in parameters(alone.backward_lm.layers[0]).values():
        p.value *= 0
    assert evaluate_dynamically(alone, VOCABULARY, corpus, settings)["forward"] == both["forward"]


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_model_of_one_direction_has_the_figure_of_that_one(direction):
    one = bilm(direction=direction)
    found = evaluate_dynamically(one, VOCABULARY, UNSEEN[:5], DynamicSettings(0.1, 0.0))
    assert list(found) == [direction]
    assert found[direction] != getattr(evaluate(one, VOCABULARY, UNSEEN[:5]), f"{direction}_nats")


def test_tuning_finds_the_best_rate_and_then_the_best_decay(monkeypatch):
    monkeypatch.setattr(dynamic_evaluation, "RATES", (0.001, 0.05, 100.0))
    monkeypatch.setattr(dynamic_evaluation, "DECAYS", (0.0, 0.01, 0.9))
    model, corpus, tried = bilm(), [*UNSEEN[:3]] * 5, []
    found = tune_dynamic(model, VOCABULARY, corpus, tried.append)
    nats = {one: sum(evaluate_dynamically(model, VOCABULARY, corpus, one).values()) for one in tried}
    assert tried[:3] == [(0.001, 0.0), (0.05, 0.0), (100.0, 0.0)]
    assert found == min(nats, key=nats.get)
    assert found.rate == 0.05
    assert [one.decay for one in tried[3:]] == [0.01, 0.9]


def test_a_rate_that_is_far_too_high_gives_infinity_without_a_warning():
    found = evaluate_dynamically(bilm(), VOCABULARY, UNSEEN, DynamicSettings(1e300, 0.0))
    assert set(found.values()) == {math.inf}


@pytest.mark.parametrize("settings", [(0.0, 0.0), (-1.0, 0.0), (math.inf, 0.0), (math.nan, 0.0), (0.1, 1.0),
                                      (0.1, -0.1), (0.1, math.nan)])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(UserError, match="expected a rate above 0 and a decay from 0 to below 1"):
        evaluate_dynamically(bilm(), VOCABULARY, UNSEEN, DynamicSettings(*settings))


@pytest.mark.parametrize(("corpus", "message"), [([], "has no sentence"), (iter([["a"]]), "can be read only once")])
def test_a_corpus_that_cannot_be_read_is_refused(corpus, message):
    with pytest.raises(UserError, match=message):
        evaluate_dynamically(bilm(), VOCABULARY, corpus, DynamicSettings(0.1, 0.0))


def test_what_regularised_the_training_does_not_change_what_is_learnt(monkeypatch):
    monkeypatch.setattr(dynamic_evaluation, "SEGMENT", 3)
    settings = DynamicSettings(0.1, 0.2)
    regularised = tiny(ar=2.0, tar=3.0, dropout=0.5, embedding_dropout=0.5, weight_drop=0.5)
    expected = evaluate_dynamically(tiny(), WORDS, TEXT, settings)
    assert evaluate_dynamically(regularised, WORDS, TEXT, settings) == expected
