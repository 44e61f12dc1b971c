"""sentence_encoder: the input, and a BiLSTM on it where the settings ask for one."""

import numpy as np
import pytest

from elmo_np.nn.char_cnn import CharCNN
from elmo_np.nn.parameter import parameters
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.sentence_encoder import SentenceEncoder, SourceBatch
from elmo_np.tasks.models.word_model import spelled

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


def test_the_vector_of_a_word_s_characters_is_between_the_embedding_and_the_biLM(rng):
    config = TaskConfig(input="learnt+characters+static", char_dim=5, hidden_dim=None, input_dropout=0)
    network = SentenceEncoder(1, 6, config, N=3, rng=rng, dtype=np.float64)
    assert (network.widths, network.width) == ([6, 5, 6], 17)
    assert isinstance(network.characters, CharCNN)
    layers, ids = rng.normal(size=(1, 4, 2, 6)), rng.integers(0, 3, (4, 2))
    spelling = spelled([["a", "cat", "sat", "."], ["a", "dog"]])
    x, _ = network.encode(SourceBatch(layers, ids, spelling=spelling), LENGTHS)
    np.testing.assert_array_equal(x[..., :6], network.embedding.E.value[ids])
    np.testing.assert_array_equal(x[..., 6:11], network.characters.forward(spelling)[0])
    np.testing.assert_array_equal(x[..., 11:], layers[0])
    np.testing.assert_allclose(x[0, 0, 6:11], x[0, 1, 6:11], rtol=1e-12)    # "a" wherever it is


def test_the_penalty_of_the_mix_is_part_of_the_gradient(rng):
    network, layers = encoder(rng, 5), rng.normal(size=(3, 4, 2, 6))
    network.input.mix.w.value[...] = [1.0, -2.0, 0.5]
    x, cache = network.encode(layers, LENGTHS)
    network.encode_backward(np.zeros_like(x), 2.0, cache)
    np.testing.assert_allclose(network.input.mix.w.grad, 2 * 2 * 0.5 * network.input.mix.w.value, rtol=1e-15)
