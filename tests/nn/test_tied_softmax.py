"""tied_softmax: the weights are the rows of E of all words, a head or a cluster; a slow loop gives the same."""

import math

import numpy as np
import pytest

from elmo_np import evaluate
from elmo_np.config.schema import BiLMConfig
from elmo_np.nn.adaptive_softmax import AdaptiveSoftmax, ProjectedSoftmax
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.embedding import Embedding
from elmo_np.nn.parameter import Parameter, parameters, zero_grad
from elmo_np.nn.sampled_softmax import SampledSoftmax, unsampled
from elmo_np.nn.softmax import IGNORE_INDEX, Softmax
from elmo_np.nn.tied_softmax import TiedSoftmax
from tests.training_helpers import CORPUS, run

pytestmark = pytest.mark.usefixtures("each_backend")

V, D = 12, 5
CUTOFFS = (4, 7)
# losses around 3 after sums of some ten terms
ROUNDING = 1e-14


@pytest.fixture
def E(rng):
    return Parameter(rng.normal(size=(V, D)))


def drawn(layer, rng):
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape) * 0.7
    return layer


def results(layer, h, y):
    """Loss and gradients."""
    zero_grad(layer)
    loss, cache = layer.forward(h, y)
    dh = layer.backward(1.0, cache)
    return loss, {"h": dh, **{name: p.grad.copy() for name, p in parameters(layer).items()}}


def test_over_all_words_it_is_the_softmax_with_the_word_vectors_as_weights(rng, E):
    tied = drawn(TiedSoftmax(E, range(V)), rng)
    own = Softmax(D, V, rng=rng, dtype=np.float64, W=E, b=tied.b)
    h = rng.normal(size=(4, 3, D))
    y = rng.integers(IGNORE_INDEX, V, (4, 3))
    loss, grads = results(tied, h, y)
    expected, expected_grads = results(own, h, y)
    assert loss == expected
    np.testing.assert_array_equal(grads["E"], expected_grads["W"])
    np.testing.assert_array_equal(grads["h"], expected_grads["h"])
    np.testing.assert_array_equal(tied.nll(h, y), own.nll(h, y))
    np.testing.assert_array_equal(tied.log_probabilities(h), own.log_probabilities(h))


def test_a_part_reaches_its_own_rows_alone_and_adds_to_what_they_hold(rng, E):
    layer = drawn(TiedSoftmax(E, range(4, 7)), rng)
    _, cache = layer.forward(rng.normal(size=(6, D)), np.array([0, 1, 2, 2, 1, IGNORE_INDEX]))
    zero_grad(layer)
    E.grad[:] += 1
    layer.backward(1.0, cache)
    assert (E.grad[:4] == 1).all()
    assert (E.grad[7:] == 1).all()
    np.testing.assert_allclose(E.grad[4:7].sum(axis=0), 3, rtol=0, atol=ROUNDING)      # each dz sums to zero


def log_p(layer, E, h, w):
    """(W1), (W2), (A1), (A2) for one row and one word, one value at a time."""
    def choice(rows, b, x, entry):
        z = [sum(a * c for a, c in zip(row, x, strict=True)) + b_v for row, b_v in zip(rows, b, strict=True)]
        return math.log(math.exp(z[entry]) / sum(map(math.exp, z)))
    E, bounds = E.value.tolist(), [*CUTOFFS, V]
    head = [*E[:bounds[0]], *layer.head.G.value.tolist()], layer.head.b.value.tolist(), h
    if w < bounds[0]:
        return choice(*head, w)
    i = max(k for k in range(len(CUTOFFS)) if bounds[k] <= w)
    tail = layer.tails[i]
    Q = tail.projection.value.tolist()
    r = [sum(h[p] * Q[p][q] for p in range(D)) for q in range(D)]
    inside = choice(E[bounds[i]:bounds[i + 1]], tail.softmax.b.value.tolist(), r, w - bounds[i])
    return choice(*head, bounds[0] + i) + inside


def test_head_and_clusters_of_an_adaptive_softmax_take_the_rows_of_their_words(rng, E):
    layer = drawn(AdaptiveSoftmax(D, V, cutoffs=CUTOFFS, rng=rng, dtype=np.float64, E=E), rng)
    h = rng.normal(size=(V, D))
    y = rng.permutation(V)
    expected = [[log_p(layer, E, row, w) for w in range(V)] for row in h.tolist()]
    found = layer.log_probabilities(h)
    np.testing.assert_allclose(found, expected, rtol=0, atol=10 * ROUNDING)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, rtol=0, atol=10 * ROUNDING)
    own = -found[np.arange(V), y]
    np.testing.assert_allclose(layer.nll(h, y), own, rtol=0, atol=10 * ROUNDING)
    assert layer.forward(h, y)[0] == pytest.approx(own.mean(), abs=10 * ROUNDING)


def test_an_adaptive_softmax_adds_to_the_gradient_of_every_row_beside_that_of_the_look_up(rng):
    embedding = Embedding(V, D, rng=rng, dtype=np.float64)
    embedding.E.rows = None
    layer = drawn(AdaptiveSoftmax(D, V, cutoffs=CUTOFFS, rng=rng, dtype=np.float64, E=embedding.E), rng)
    h = rng.normal(size=(V, D))
    _, grads = results(layer, h, np.arange(V))
    alone = grads["head.E"]
    assert (np.abs(alone).max(axis=1) > 0).all()
    zero_grad(layer)
    _, cache = layer.forward(h, np.arange(V))
    layer.backward(1.0, cache)
    x, looked_up = embedding.forward(np.array([[0], [5], [11], [5]]))
    embedding.backward(np.ones_like(x), looked_up)
    difference = embedding.E.grad - alone
    expected = np.zeros(V)
    expected[[0, 5, 11]] = 1, 2, 1
    np.testing.assert_allclose(difference, np.repeat(expected[:, None], D, axis=1), rtol=0, atol=ROUNDING)


def test_word_vectors_of_another_shape_or_that_list_their_rows_are_refused(rng, E):
    with pytest.raises(ValueError, match=r"vectors of a tied softmax is float64\(12, 5\), expected float64\(12, 6\)"):
        AdaptiveSoftmax(6, V, rng=rng, dtype=np.float64, E=E)
    with pytest.raises(ValueError, match="tied softmax: words = 0, expected a whole number of at least 1"):
        TiedSoftmax(E, range(3, 3))
    by_rows = Embedding(V, D, rng=rng).E
    with pytest.raises(ValueError, match="part of a Parameter that lists its rows: expected rows = None"):
        TiedSoftmax(by_rows, range(3)).nll(np.zeros((1, D), np.float32), np.array([0]))


def test_label_smoothing_is_that_of_the_head_and_of_each_cluster_by_its_share(rng, E):
    layer = drawn(AdaptiveSoftmax(D, V, cutoffs=CUTOFFS, rng=rng, dtype=np.float64, E=E), rng)
    h = rng.normal(size=(9, D))
    y = np.array([0, 3, 4, 6, 6, 11, 1, 2, IGNORE_INDEX])
    _, cache = layer.forward(h, y)
    W = np.vstack([E.value[:4], layer.head.G.value])
    z = h @ W.T + layer.head.b.value
    entries = np.array([0, 3, 4, 4, 4, 5, 1, 2])
    expected = (z[np.arange(8), entries] - z[:8].mean(axis=1)).sum()
    for tail, rows, own in (layer.tails[0], [2, 3, 4], [0, 2, 2]), (layer.tails[1], [5], [4]):
        z = h[rows] @ tail.projection.value @ E.value[tail.words].T + tail.softmax.b.value
        expected += (z[np.arange(len(rows)), own] - z.mean(axis=1)).sum()
    assert layer.smoothing(cache) == pytest.approx(expected / 8, abs=10 * ROUNDING)


# at another width

@pytest.mark.parametrize("P", [3, 8])
def test_a_projected_softmax_is_the_product_and_the_softmax_in_turn(rng, E, P):
    inner = Softmax(D, V, rng=rng, dtype=np.float64, W=E)
    layer = drawn(ProjectedSoftmax(Parameter(np.zeros((P, D))), inner), rng)
    h = rng.normal(size=(4, 3, P))
    y = rng.integers(IGNORE_INDEX, V, (4, 3))
    r = h @ layer.projection.value
    loss, grads = results(layer, h, y)
    expected, dr = results(inner, r, y)
    dr = dr["h"]
    assert loss == pytest.approx(expected, abs=ROUNDING)
    np.testing.assert_allclose(grads["h"], dr @ layer.projection.value.T, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(grads["projection"], np.einsum("tbp,tbd->pd", h, dr), rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(layer.nll(h, y), inner.nll(r, y), rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(layer.log_probabilities(h), inner.log_probabilities(r), rtol=0, atol=ROUNDING)
    assert layer.log_probabilities(h[:0]).shape == (0, 3, V)


def test_a_projected_sampled_softmax_without_its_sample_has_the_same_parameters(rng, E):
    sampled = SampledSoftmax(D, V, samples=4, rng=rng, dtype=np.float64, W=E)
    layer = ProjectedSoftmax(Parameter(np.zeros((3, D))), sampled)
    whole = unsampled(layer)
    assert isinstance(whole.softmax, Softmax)
    assert [id(p) for p in parameters(whole).values()] == [id(p) for p in parameters(layer).values()]
    assert unsampled(whole.softmax) is whole.softmax


# in a biLM and in a run

@pytest.mark.parametrize(("settings", "kind", "inner"), [
    ({}, Softmax, None), ({"softmax": "adaptive"}, AdaptiveSoftmax, None),
    ({"embedding_dim": 4}, ProjectedSoftmax, Softmax),
    ({"embedding_dim": 9, "softmax": "adaptive"}, ProjectedSoftmax, AdaptiveSoftmax),
    ({"embedding_dim": 4, "softmax": "sampled", "samples": 3}, ProjectedSoftmax, SampledSoftmax)])
def test_the_sizes_decide_whether_there_is_a_projection(rng, settings, kind, inner):
    model = BiLM(BiLMConfig(**{"embedding_dim": 6, "hidden_dim": 6, "tie": True, **settings}), V, rng=rng)
    for lm in model.lms.values():
        assert isinstance(lm.softmax, kind)
        assert inner is None or isinstance(lm.softmax.softmax, inner)
        assert (lm.embedding.E.rows is None) == (settings.get("softmax") != "sampled")
        own = parameters(lm)
        assert [name for name, p in own.items() if len(p.value) == V and p.value.ndim == 2] == ["embedding.E"]
        assert inner is None or own["softmax.projection"].value.shape == (6, settings["embedding_dim"])


def test_the_rows_of_a_cluster_are_the_words_whose_ids_are_in_it(tmp_path):
    """A word vector that fits every h makes its word likely: each word of the vocabulary, wherever its row is used."""
    elmo = run(tmp_path, "softmax=adaptive", "cutoffs=[8, 20]", "tie=true", "epochs=1")
    lm = elmo.model.forward_lm
    h = np.ones((1, 8), np.float32)
    for tail in lm.softmax.tails:
        tail.projection.value[...] = np.eye(8)
    before = lm.softmax.log_probabilities(h)[0]
    for w in range(len(elmo.vocabulary)):
        lm.embedding.E.value[w] += 1
        change = lm.softmax.log_probabilities(h)[0] - before
        lm.embedding.E.value[w] -= 1
        assert np.argmax(change) == w


@pytest.mark.parametrize("settings", [("softmax=adaptive", "cutoffs=[8, 20]"), ("embedding_dim=6",)])
def test_training_halves_the_perplexity(tmp_path, settings):
    elmo = run(tmp_path, "learning_rate=0.03", "direction=forward", "tie=true", *settings)
    assert evaluate(elmo.model, elmo.vocabulary, CORPUS[:30]).forward < len(elmo.vocabulary) / 2
