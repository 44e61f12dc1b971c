"""crf: sums over all sequences, found step by step, equal the sums that write every sequence out."""

from itertools import pairwise, product

import numpy as np
import pytest

from elmo_np.nn.parameter import parameters, zero_grad
from elmo_np.nn.softmax import IGNORE_INDEX
from elmo_np.tasks.nn.crf import CRF, Allowed, bio, everything, forward_scores, log_sum_exp, marginals

C, LENGTHS = 3, np.array([4, 1, 3])
LABELS = ["O", "B-a", "I-a", "B-b", "I-b"]
ROUNDING = 1e-13        # sums of up to 81 terms of about 20 roundings of 1.1e-16


def random_crf(rng, allowed=None, C=C):
    layer = CRF(C, allowed, dtype=np.float64)
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape)
    return layer


def score(layer, z, y):
    """(F1) of one sentence, z (n, C)."""
    a, A, e = layer.scores()
    return a[y[0]] + sum(z[t, k] for t, k in enumerate(y)) + sum(A[i, j] for i, j in pairwise(y)) + e[y[-1]]


def all_sequences(layer, z):
    """{labels: probability} of one sentence."""
    weights = {y: np.exp(score(layer, z, y)) for y in product(range(z.shape[1]), repeat=len(z))}
    total = sum(weights.values())
    return {y: weight / total for y, weight in weights.items()}, total


SOME = [1, 1, 0], [[1, 1, 0], [1, 0, 1], [1, 1, 1]], [1, 0, 1]
ALLOWED = {"everything": None, "some": Allowed(*(np.array(may, bool) for may in SOME))}


@pytest.fixture(params=ALLOWED)
def layer(request, rng):
    return random_crf(rng, ALLOWED[request.param])


def test_log_z_is_the_sum_over_every_sequence(layer, rng):
    z = rng.normal(size=(4, 3, C))
    _, log_Z = forward_scores(z, LENGTHS, layer.scores())
    for b, n in enumerate(LENGTHS):
        assert log_Z[b] == pytest.approx(np.log(all_sequences(layer, z[:n, b])[1]), rel=ROUNDING)


def test_the_loss_is_that_of_the_sequence_among_all(layer, rng):
    z = rng.normal(size=(4, 3, C))
    y = np.array([[0, 0, 1], [1, IGNORE_INDEX, 2], [2, IGNORE_INDEX, 0], [0, IGNORE_INDEX, IGNORE_INDEX]])
    p = [all_sequences(layer, z[:n, b])[0][tuple(y[:n, b])] for b, n in enumerate(LENGTHS)]
    assert layer.forward(z, y, LENGTHS)[0] == pytest.approx(-np.mean(np.log(p)), rel=ROUNDING)


def test_marginals_are_those_of_every_sequence(layer, rng):
    z = rng.normal(size=(4, 3, C))
    p, pairs = marginals(z, LENGTHS, *forward_scores(z, LENGTHS, layer.scores()), layer.scores())
    one, two = np.zeros_like(p), np.zeros_like(pairs)
    for b, n in enumerate(LENGTHS):
        for y, share in all_sequences(layer, z[:n, b])[0].items():
            one[np.arange(n), b, y] += share
            np.add.at(two, (y[:-1], y[1:]), share)
    np.testing.assert_allclose(p, one, atol=ROUNDING)
    np.testing.assert_allclose(pairs, two, atol=ROUNDING)


def test_viterbi_finds_the_best_of_all_sequences(layer, rng):
    z = rng.normal(size=(4, 3, C))
    found = layer.best(z, LENGTHS)
    for b, n in enumerate(LENGTHS):
        shares = all_sequences(layer, z[:n, b])[0]
        assert tuple(found[b]) == max(shares, key=shares.get)


def test_what_is_behind_the_end_of_a_sentence_changes_nothing(layer, rng):
    z, y = rng.normal(size=(4, 3, C)), np.array([[0, 0, 1], [1, 2, 2], [2, 2, 0], [0, 1, 2]])
    before, best = layer.forward(z, y, LENGTHS)[0], layer.best(z, LENGTHS)
    for b, n in enumerate(LENGTHS):
        z[n:, b], y[n:, b] = 1e3, 1
    loss, cache = layer.forward(z, y, LENGTHS)
    assert (loss, layer.best(z, LENGTHS)) == (before, best)
    dz = layer.backward(1.0, cache)
    assert all(not dz[n:, b].any() for b, n in enumerate(LENGTHS))


def test_a_forbidden_transition_has_no_gradient_and_no_probability(rng):
    allowed = bio(LABELS)
    layer, z = random_crf(rng, allowed, 5), rng.normal(size=(4, 3, 5))
    y = np.array([[1, 0, 3], [2, IGNORE_INDEX, 4], [2, IGNORE_INDEX, 1], [0, IGNORE_INDEX, IGNORE_INDEX]])
    layer.backward(1.0, layer.forward(z, y, LENGTHS)[1])
    assert not layer.transition.grad[~allowed.pair].any()
    assert not layer.start.grad[~allowed.start].any()
    assert layer.transition.grad[allowed.pair].all()
    for n, labels in zip(LENGTHS, layer.best(1e3 * rng.normal(size=(4, 3, 5)), LENGTHS), strict=True):
        assert len(labels) == n
        assert well_formed([LABELS[k] for k in labels])


def well_formed(labels):
    return all(not own.startswith("I-") or before[2:] == own[2:] for before, own in pairwise(["O", *labels]))


def test_bio_allows_just_the_well_formed_sequences():
    allowed = bio(LABELS)
    for y in product(range(5), repeat=3):
        pairs = all(allowed.pair[i, j] for i, j in pairwise(y))
        assert (allowed.start[y[0]] and pairs and allowed.end[y[-1]]) == well_formed([LABELS[k] for k in y])


def test_without_transitions_the_words_are_independent(rng):
    layer, z = CRF(C, dtype=np.float64), rng.normal(size=(4, 1, C))
    p, _ = marginals(z, np.array([4]), *forward_scores(z, np.array([4]), layer.scores()), layer.scores())
    np.testing.assert_allclose(p, np.exp(z) / np.exp(z).sum(axis=2, keepdims=True), rtol=1e-13)


def test_scores_of_any_size_do_not_overflow(rng):
    layer, z = random_crf(rng), 1e4 * rng.normal(size=(4, 3, C))
    y = np.array(layer.best(z, np.full(3, 4))).T
    loss, cache = layer.forward(z, y, np.full(3, 4))
    assert loss == pytest.approx(0, abs=1e-8)       # the best sequence has all the probability; scores are some 1e5
    assert np.isfinite(layer.backward(1.0, cache)).all()


def test_log_sum_exp_of_nothing_is_minus_infinity():
    np.testing.assert_array_equal(log_sum_exp(np.array([[-np.inf, -np.inf], [0.0, -np.inf]]), 1), [-np.inf, 0])


def test_gradients_of_two_calls_add_up(layer, rng):
    z, y = rng.normal(size=(4, 3, C)), np.array([[0, 0, 1], [1, 2, 2], [2, 2, 0], [0, 1, 2]])
    _, cache = layer.forward(z, y, LENGTHS)
    layer.backward(1.0, cache)
    once = {name: p.grad.copy() for name, p in parameters(layer).items()}
    zero_grad(layer)
    layer.backward(0.25, cache)
    layer.backward(0.75, cache)
    for name, p in parameters(layer).items():
        np.testing.assert_allclose(p.grad, once[name], rtol=1e-12, atol=1e-15)


def test_mistakes_are_named(rng):
    layer, z = random_crf(rng, ALLOWED["some"]), rng.normal(size=(4, 3, C))
    y = np.zeros((4, 3), int)
    with pytest.raises(ValueError, match="sentence 1 of the batch has labels that are not allowed"):
        layer.forward(z, np.where(np.arange(3) == 1, 2, y), np.full(3, 4))
    with pytest.raises(ValueError, match=r"CRF scores are float32\(4, 3, 3\), expected float64\(T, B, 3\)"):
        layer.best(z.astype(np.float32), LENGTHS)
    with pytest.raises(ValueError, match=r"CRF labels have shape \(3, 3\), expected \(4, 3\)"):
        layer.forward(z, y[:3], LENGTHS)
    with pytest.raises(ValueError, match="targets range from -1 to 3, expected -1"):
        layer.forward(z, y + 3 * (np.arange(4) == 0)[:, None], LENGTHS)
    with pytest.raises(ValueError, match="a word of a sentence has no label"):
        layer.forward(z, np.where(np.arange(4)[:, None] == 1, IGNORE_INDEX, y), LENGTHS)
    with pytest.raises(ValueError, match="expected 3 whole numbers from 1 to 4"):
        layer.best(z, np.array([4, 0, 1]))
    assert everything(2).pair.all()
