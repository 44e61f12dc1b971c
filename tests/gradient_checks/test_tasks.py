"""tasks: every network of a task and every building block of one has a check."""

import numpy as np
import pytest

from elmo_np.gradient_checks import CASES
from elmo_np.tasks.nn.pooling import SENTENCE_POOLING


def test_every_kind_of_pooling_has_a_case():
    assert {f"pooling, {kind}" for kind in SENTENCE_POOLING} <= set(CASES)


@pytest.mark.parametrize(("name", "part"), [
    ("tagger", "crf.transition"), ("sentence classifier", "input.mix.w"), ("word senses", "input.mix.gamma"),
    ("translator", "decoder.attention.W"), ("input of a task, layer mix with its penalty", "mix.w"),
])
def test_a_network_is_checked_down_to_its_parts(name, part):
    assert part in CASES[name](np.random.default_rng(0)).arrays


def test_padding_of_a_bidirectional_lstm_has_no_gradient():
    dx = CASES["bidirectional LSTM over vectors"](np.random.default_rng(0)).grads["x"]
    assert not dx[1:, 1].any()
    assert dx[0].all()
