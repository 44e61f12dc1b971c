"""language_model: the residual connection is added to a layer's output and fed back nowhere."""

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.errors import UserError
from elmo_np.nn.dropout import dropout_forward
from elmo_np.nn.embedding import Embedding
from elmo_np.nn.language_model import LanguageModel
from elmo_np.nn.softmax import Softmax

pytestmark = pytest.mark.usefixtures("each_backend")

IDS = np.array([[0, 3, 5], [2, 2, 1], [4, 0, 1], [5, 1, 2]])
LENGTHS = np.array([4, 0, 3])


def model(rng, **changes):
    config = BiLMConfig(**{"embedding_dim": 4, "hidden_dim": 7, "projection_dim": 4, "layers": 3, "residual": True,
                           **changes})
    return LanguageModel(config, Embedding(6, config.embedding_dim, rng=rng, dtype=np.float64),
                         Softmax(4, 6, rng=rng, dtype=np.float64), rng=rng, dtype=np.float64)


def by_hand(lm, rng=None):
    """Outputs of all layers and the states, one layer after another, from (R1)."""
    y, _ = lm.embedding.forward(IDS)
    outputs, states = [y], []
    for number, layer in enumerate(lm.layers, 1):
        x, _ = dropout_forward(y, lm.dropout[number - 1], rng)
        h, state, _ = layer.forward(x, None, LENGTHS)
        y = h + x if number >= 2 else h
        outputs.append(y)
        states.append(state)
    return outputs, states


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_from_the_second_layer_on_the_dropped_input_is_added(rng, dropout):
    lm = model(rng, dropout=dropout)
    outputs, states, _ = lm.encode(IDS, None, LENGTHS, np.random.default_rng(1))
    expected, expected_states = by_hand(lm, np.random.default_rng(1))
    for one, other in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(states, expected_states, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_the_state_is_without_the_residual(rng):
    lm = model(rng)
    outputs, states, _ = lm.encode(IDS, None, LENGTHS)
    last = outputs[2][3, 0] - outputs[1][3, 0]
    np.testing.assert_allclose(states[1][0][0], last, rtol=0, atol=1e-15)      # one rounding of a sum
    assert (states[1][0][0] != outputs[2][3, 0]).all()


def test_outputs_past_the_end_are_zero_with_residual_connections_too(rng):
    outputs, _, _ = model(rng).encode(IDS, None, LENGTHS)
    past = np.arange(4)[:, None] >= LENGTHS
    for y in outputs[1:]:
        assert not y[past].any()


def test_one_layer_has_no_residual_connection(rng):
    plain, residual = (model(np.random.default_rng(0), layers=1, residual=r, embedding_dim=9) for r in (False, True))
    np.testing.assert_array_equal(plain.encode(IDS)[0][1], residual.encode(IDS)[0][1])


def test_words_may_be_given_as_vectors_and_their_gradient_is_returned(rng):
    lm, targets = model(rng), np.roll(IDS, -1, axis=0)
    loss, state, cache = lm.forward(IDS, targets, None, LENGTHS)
    assert lm.backward(1.0, cache) is None
    x, lookup = lm.embedding.forward(IDS)
    other, other_state, other_cache = lm.forward(x, targets, None, LENGTHS)
    assert loss == other
    expected = lm.embedding.E.grad.copy()
    lm.embedding.E.zero_grad()
    dx = lm.backward(1.0, other_cache)
    assert not lm.embedding.E.grad.any()
    lm.embedding.backward(dx, lookup)
    np.testing.assert_array_equal(lm.embedding.E.grad, expected)
    for one, two in zip(state, other_state, strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])


def test_label_smoothing_changes_what_is_minimised_and_no_loss(rng):
    lm = model(rng)
    loss, _, cache = lm.forward(IDS, IDS)
    before = lm.regularisation(cache)
    lm.label_smoothing = 0.3
    assert lm.forward(IDS, IDS)[0] == loss
    assert lm.regularisation(cache) == pytest.approx(before + 0.3 * lm.softmax.smoothing(cache.softmax))


def test_a_model_without_a_softmax_encodes_and_refuses_to_predict(rng):
    lm = model(rng)
    lm.softmax = None
    assert len(lm.encode(IDS)[0]) == 4
    for call in lm.forward, lm.nll:
        with pytest.raises(UserError, match="this model has no softmax: it embeds, but it cannot predict words"):
            call(IDS, IDS)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_inference_gives_what_encode_gives(rng, lengths):
    lm = model(rng)
    state = [(rng.normal(size=(3, 4)), rng.normal(size=(3, 7))) for _ in lm.layers]
    expected, after, _ = lm.encode(IDS, state, lengths)
    outputs, states = lm.encode_inference(IDS, state, lengths)
    for one, other in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-15)     # a BLAS may add a smaller product differently
    for one, other in zip(states, after, strict=True):
        np.testing.assert_allclose(one[0], other[0], rtol=0, atol=1e-15)
        np.testing.assert_allclose(one[1], other[1], rtol=0, atol=1e-15)


def test_inference_on_no_words_gives_no_outputs_and_the_state_unchanged(rng):
    lm = model(rng)
    outputs, states = lm.encode_inference(IDS[:0])
    assert [y.shape for y in outputs] == [(0, 3, 4)] * 4
    assert not any(array.any() for state in states for array in state)
