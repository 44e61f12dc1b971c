"""Predictions: scores of every token, substitutes from both sides, and samples that are what the model expects."""

import math

import numpy as np
import pytest

from elmo_np import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.evaluate import score
from elmo_np.inference.sampling import Reader, distribution, draw, sample
from elmo_np.inference.substitutes import substitutes
from elmo_np.nn.adaptive_softmax import AdaptiveSoftmax
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.language_model import LanguageModel
from tests.embedding_helpers import alone
from tests.prediction_helpers import KINDS, LONG, ROUNDING, VOCABULARY, close, some


@pytest.fixture(scope="module", params=KINDS)
def elmo(request):
    return some(**KINDS[request.param])


@pytest.fixture(scope="module")
def words():
    """A model of words."""
    return some()


MARKS = {"<S>", "</S>", "<UNK>"}


# The next word


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_probabilities_of_all_words_sum_to_one(elmo, direction, each_backend):
    found = Reader(elmo, direction).begin(LONG)
    assert found.log_p.shape == (1, len(VOCABULARY))
    close(np.exp(found.log_p.astype(np.float64)).sum(axis=1), [1], 1e-5)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_reading_on_from_the_state_is_reading_the_whole(elmo, direction, each_backend):
    reader = Reader(elmo, direction)
    whole = reader.begin(LONG)
    numbers = [reader.words.encode([word])[1] for word in (LONG if direction == "forward" else LONG[::-1])]
    after = reader.begin([])
    for number in numbers:
        after = reader.read(np.array([[number]]), after.state)
    close(after.log_p, whole.log_p)
    for one, other in zip(after.state, whole.state, strict=True):
        for part, expected in zip(one, other, strict=True):
            close(part, expected)


# Distribution and draw


LOG_P = np.log(np.array([0.05, 0.3, 0.2, 0.3, 0.1, 0.05]))


@pytest.mark.parametrize("options", [{}, {"temperature": 0.3}, {"temperature": 7}, {"top_k": 3}, {"top_p": 0.7},
                                     {"temperature": 0.5, "top_k": 4, "top_p": 0.5}, {"temperature": 0}])
def test_what_is_drawn_from_sums_to_one(options):
    q = distribution(LOG_P.astype(np.float32), **options)
    assert q.dtype == np.float64
    assert q.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("temperature", [0.25, 1.0, 3.0])
def test_a_temperature_raises_the_probabilities_to_its_inverse(temperature):
    powers = [math.exp(x) ** (1 / temperature) for x in LOG_P]
    np.testing.assert_allclose(distribution(LOG_P, temperature), [x / sum(powers) for x in powers], rtol=1e-14)


@pytest.mark.parametrize("temperature", [0, 1e-300, 5e-324, 1e-3])
def test_a_temperature_near_zero_leaves_the_most_probable_word(temperature):
    log_p = np.log(np.array([0.1, 0.2, 0.6, 0.1]))
    np.testing.assert_array_equal(distribution(log_p, temperature), [0, 0, 1, 0])


def test_of_equals_the_first_is_taken_at_temperature_zero_and_at_the_edge_of_top_k():
    np.testing.assert_array_equal(distribution(LOG_P, 0), [0, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(distribution(LOG_P, top_k=1), [0, 1, 0, 0, 0, 0])
    assert np.flatnonzero(distribution(LOG_P, top_k=5)).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("top_p", "left"), [(0.01, [1]), (0.29, [1]), (0.31, [1, 3]), (0.59, [1, 3]),
                                             (0.61, [1, 2, 3]), (0.85, [1, 2, 3, 4]), (1, range(6))])
def test_top_p_leaves_the_fewest_words_that_reach_it(top_p, left):
    q = distribution(LOG_P, top_p=top_p)
    assert np.flatnonzero(q).tolist() == list(left)
    np.testing.assert_allclose(q[list(left)], np.exp(LOG_P[list(left)]) / np.exp(LOG_P[list(left)]).sum(), rtol=1e-14)


@pytest.mark.parametrize("options", [{}, {"temperature": 1e-320}, {"temperature": 50}, {"top_k": 6}, {"top_p": 1}])
def test_what_may_not_be_drawn_has_no_share(options):
    log_p = LOG_P.copy()
    log_p[[0, 4]] = -np.inf
    assert (distribution(log_p, **options)[[0, 4]] == 0).all()


def test_inputs_are_left_alone():
    before = LOG_P.copy()
    distribution(LOG_P, 0.5, 2, 0.5)
    np.testing.assert_array_equal(LOG_P, before)


def test_numbers_spread_evenly_draw_every_word_as_often_as_it_is_probable():
    """A width of q holds 1000 q numbers that are 1/1000 apart, give or take one."""
    q = distribution(LOG_P)
    drawn = [draw(q, (n + 0.5) / 1000) for n in range(1000)]
    assert (np.abs(np.bincount(drawn, minlength=6) - 1000 * q) <= 1).all()


def test_neither_end_of_the_numbers_draws_a_word_without_a_share():
    q = np.array([0, 0.25, 0, 0.75, 0])
    assert [draw(q, u) for u in (0, np.nextafter(0.25, 0), 0.25, np.nextafter(1, 0))] == [1, 1, 3, 3]
    for seed in range(50):              # sums that round to more or less than 1
        q = np.append(np.random.default_rng(seed).dirichlet(np.ones(30)), 0)
        assert draw(q, np.nextafter(1, 0)) == 29


# Samples


def chi_square(counts, q):
    """How far counts are from what probabilities make expect, in standard deviations of Pearson's statistic."""
    N, k = counts.sum(), len(q)
    statistic = ((counts - N * q) ** 2 / (N * q)).sum()
    variance = 2 * (k - 1) + ((1 / q).sum() - k**2 - 2 * k + 2) / N
    return (statistic - (k - 1)) / math.sqrt(variance)


def lumped(x, q, N):
    """Words that are expected 5 times and more, and all others as one."""
    often = N * q >= 5
    return np.append(x[often], x[~often].sum())


@pytest.mark.parametrize(("direction", "prompt"), [("forward", ""), ("forward", "the bank"), ("backward", "river .")])
def test_words_are_drawn_as_often_as_the_model_expects(direction, prompt):
    """Within 5 standard deviations, and the same counts are far off for a temperature of 1.5."""
    elmo, N = some(), 3000
    reader = Reader(elmo, direction)
    reader.lm.softmax.W.value[...] *= 8         # some words far more probable than others
    log_p = reader.begin(elmo.words(prompt)).log_p[0]
    log_p[reader.never] = -np.inf
    own = len(elmo.words(prompt))
    drawn = [reader.end if found.ended else VOCABULARY.id(found.words[own if direction == "forward" else 0])
             for found in sample(elmo, prompt, direction=direction, count=N, length=1, seed=3)]
    counts = np.bincount(drawn, minlength=len(VOCABULARY))
    for temperature, near in (1.0, True), (1.5, False):
        q = distribution(log_p, temperature)
        assert (abs(chi_square(lumped(counts, q, N), lumped(q, q, N))) < 5) == near


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_sample_is_the_same_whatever_the_number_of_samples(elmo, direction, each_backend):
    options = {"direction": direction, "length": 12, "seed": 5}
    many = list(sample(elmo, "the bank", count=19, **options))
    for count in 1, 3, 8, 9:
        assert list(sample(elmo, "the bank", count=count, **options)) == many[:count]
    assert len({tuple(found.words) for found in many}) > 10


def test_another_seed_draws_other_text_and_the_same_seed_the_same(elmo):
    one, again, other = (list(sample(elmo, count=4, length=8, seed=seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_a_shorter_length_cuts_the_same_text_off(words):
    for short, full in zip(sample(words, count=9, length=4), sample(words, count=9, length=12), strict=True):
        assert short.words == full.words[:4]
        assert short.ended == (full.ended and full.drawn < 4)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_log_p_of_a_sample_is_its_score(kind, direction):
    elmo = some(**KINDS[kind])
    bias_towards(elmo, direction, "mark", 3)        # else these models hardly ever end
    samples = [found for found in sample(elmo, direction=direction, count=20, temperature=1.2) if found.ended]
    assert len(samples) > 5
    for found, expected in zip(samples, score(elmo, [found.words for found in samples]), strict=True):
        assert found.drawn == len(found.words)
        assert found.log_p == pytest.approx(getattr(expected, direction), abs=ROUNDING)


def bias_towards(elmo, direction, what, much):
    """Make a mark, <UNK> or the mark that a direction begins with more probable."""
    reader = Reader(elmo, direction)
    ids = {"mark": [reader.end], "never": reader.never}[what]
    softmax = getattr(reader.lm.softmax, "softmax", reader.lm.softmax)     # below a projection
    (softmax.head if isinstance(softmax, AdaptiveSoftmax) else softmax).b.value[ids] += much


def test_a_prompt_begins_the_text_or_ends_it(elmo):
    for found in sample(elmo, "the bank", count=3, length=5):
        assert found.words[:2] == ["the", "bank"]
        assert len(found.words) == 2 + found.drawn
    for found in sample(elmo, "the bank", count=3, length=5, direction="backward"):
        assert found.words[-2:] == ["the", "bank"]


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_at_temperature_zero_each_word_is_the_most_probable_after_all_before_it(elmo, direction):
    found, = sample(elmo, "the bank", direction=direction, length=6, temperature=0)
    reader = Reader(elmo, direction)
    text = ["the", "bank"]
    for _ in range(found.drawn):
        log_p = reader.begin(text).log_p[0]         # read anew from the mark
        log_p[reader.never] = -np.inf
        word = VOCABULARY.word(int(log_p.argmax()))
        text = [*text, word] if direction == "forward" else [word, *text]
    assert found.words == text
    tiny, = sample(elmo, "the bank", direction=direction, length=6, temperature=1e-6)
    assert tiny == found


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_unknown_words_and_the_mark_of_the_beginning_are_never_written(direction):
    elmo = some()
    bias_towards(elmo, direction, "never", 30)
    for found in sample(elmo, direction=direction, count=8, length=10):
        assert MARKS.isdisjoint(found.words)


def test_the_prompt_is_read_once_and_then_a_word_a_step(words, monkeypatch):
    steps, read = [], LanguageModel.encode_inference
    monkeypatch.setattr(LanguageModel, "encode_inference",
                        lambda self, x, state: steps.append(len(x)) or read(self, x, state))
    longest = max(found.drawn + found.ended for found in sample(words, "the old bank", count=8, length=7))
    assert steps == [4] + [1] * (longest - 1)


def test_text_ends_with_its_mark(words):
    elmo = some()
    bias_towards(elmo, "forward", "mark", 30)
    for found in sample(elmo, "the", count=2):
        assert (found.words, found.drawn, found.ended) == (["the"], 0, True)


# Mistakes


@pytest.mark.parametrize(("options", "message"), [
    ({"direction": "both"}, "^direction 'both': expected 'forward' or 'backward'$"),
    ({"count": 0}, "^count = 0: expected a whole number of at least 1$"),
    ({"length": 0}, "^length = 0: expected"), ({"top_k": 0}, "^top_k = 0: expected"),
    ({"seed": -1}, "^seed = -1: expected a whole number of at least 0$"),
    ({"temperature": -0.1}, "^temperature = -0.1: expected a number of at least 0$"),
    ({"temperature": math.nan}, "^temperature = nan: expected"), ({"temperature": math.inf}, "^temperature = inf: exp"),
    ({"top_p": 0}, "^top_p = 0: expected a number above 0 and at most 1$"), ({"top_p": 1.1}, "^top_p = 1.1: expected"),
    ({"top_p": math.nan}, "^top_p = nan: expected"),
])
def test_a_sample_that_cannot_be_is_refused_at_once(words, options, message):
    with pytest.raises(UserError, match=message):
        sample(words, **options)


def test_a_model_without_softmax_says_so_in_one_line():
    elmo = some(Vocabulary(VOCABULARY.words), predict=False)       # as published weights are: without counts too
    for attempt, *args in (score, [["the"]]), (substitutes, "bank", "the bank"), (sample,):
        with pytest.raises(UserError, match=r"^this model has no softmax: it embeds, but it cannot predict words"):
            attempt(elmo, *args)


def test_predicting_leaves_the_model_alone(elmo):
    from elmo_np.nn.parameter import parameters
    before = {name: p.value.copy() for name, p in parameters(elmo).items()}
    substitutes(elmo, "bank", "the bank of the river")
    list(sample(elmo, length=5))
    assert isinstance(elmo.model, BiLM)
    for name, p in parameters(elmo).items():
        np.testing.assert_array_equal(p.value, before[name])


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_model_of_one_direction_draws_in_it_and_refuses_the_other(direction):
    whole = some()
    one = alone(whole, direction)
    expected = list(sample(whole, "the", direction=direction, count=3, seed=5))
    for chosen in direction, None:
        found = list(sample(one, "the", direction=chosen, count=3, seed=5))
        assert [each.words for each in found] == [each.words for each in expected]
    other, = {"forward", "backward"} - {direction}
    with pytest.raises(UserError, match=f"and this needs the {other} one: expected a model trained with"):
        sample(one, direction=other)
    assert next(sample(whole, count=1)).words == next(sample(whole, direction="forward", count=1)).words
