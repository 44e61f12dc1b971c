"""sentence_encoder: the input, and a BiLSTM on it where the settings ask for one."""

import numpy as np
import pytest

from elmo_np.nn.parameter import parameters
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.sentence_encoder import SentenceEncoder

LENGTHS = np.array([4, 2])


def encoder(rng, hidden_dim):
    config = TaskConfig(hidden_dim=hidden_dim, penalty=0.5, input_dropout=0)
    return SentenceEncoder(3, 6, config, rng=rng, dtype=np.float64)


@pytest.mark.parametrize(("hidden_dim", "width"), [(5, 10), (None, 6)])
def test_the_width_is_that_of_the_last_layer(hidden_dim, width, rng):
    network = encoder(rng, hidden_dim)
    x, _ = network.encode(rng.normal(size=(3, 4, 2, 6)), LENGTHS)
    assert x.shape == (4, 2, network.width) == (4, 2, width)


def test_without_a_bilstm_the_input_is_returned(rng):
    network, layers = encoder(rng, None), rng.normal(size=(3, 4, 2, 6))
    assert {name.split(".")[0] for name in parameters(network)} == {"input"}
    np.testing.assert_array_equal(network.encode(layers, LENGTHS)[0], network.input.forward(layers)[0])


def test_the_penalty_of_the_mix_is_part_of_the_gradient(rng):
    network, layers = encoder(rng, 5), rng.normal(size=(3, 4, 2, 6))
    network.input.mix.w.value[...] = [1.0, -2.0, 0.5]
    x, cache = network.encode(layers, LENGTHS)
    network.encode_backward(np.zeros_like(x), 2.0, cache)
    np.testing.assert_allclose(network.input.mix.w.grad, 2 * 2 * 0.5 * network.input.mix.w.value, rtol=1e-15)
