"""bilstm: a word's vector is of both LSTMs at its own place, and padding changes nothing."""

import numpy as np
import pytest

from elmo_np.tasks.nn.bilstm import BiLSTM

pytestmark = pytest.mark.usefixtures("each_backend")

LENGTHS = np.array([5, 1, 3])


def test_each_half_is_an_lstm_over_the_sentence_alone(rng):
    layer, x = BiLSTM(4, 3, rng=rng, dtype=np.float64), rng.normal(size=(5, 3, 4))
    y, _ = layer.forward(x, LENGTHS)
    for b, n in enumerate(LENGTHS):
        own = x[:n, b:b+1]
        forward, *_ = layer.forward_lstm.forward(own)
        backward, *_ = layer.backward_lstm.forward(own[::-1].copy())
        # 5 steps of some 10 roundings of 1.1e-16 each: a product of other rows may round otherwise.
        np.testing.assert_allclose(y[:n, b], np.concatenate([forward, backward[::-1]], axis=2)[:, 0], atol=2e-14)
        assert not y[n:, b].any()


def test_padding_has_no_gradient(rng):
    layer, x = BiLSTM(4, 3, rng=rng, dtype=np.float64), rng.normal(size=(5, 3, 4))
    dx = layer.backward(rng.normal(size=(5, 3, 6)), layer.forward(x, LENGTHS)[1])
    for b, n in enumerate(LENGTHS):
        assert not dx[n:, b].any()
        assert dx[:n, b].all()
