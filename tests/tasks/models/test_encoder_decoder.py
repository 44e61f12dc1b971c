"""encoder_decoder: which words the decoder reads, and which of embedding, biLM and BiLSTM a setting builds."""

import re

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.nn.parameter import parameters
from elmo_np.nn.softmax import IGNORE_INDEX
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.encoder_decoder import END, START, EncoderDecoder, SourceBatch, bilm_input, decoder_words


def test_the_decoder_reads_the_word_before():
    y = np.array([[5, 7], [6, END], [END, IGNORE_INDEX]])
    np.testing.assert_array_equal(decoder_words(y), [[START, START], [5, 7], [6, END]])


@pytest.mark.parametrize(("kind", "parts", "width"), [
    ("mix", {"input", "lstm", "decoder"}, 8),
    ("learnt", {"embedding", "lstm", "decoder"}, 8),
    ("learnt+mix", {"embedding", "input", "lstm", "decoder"}, 16),
])
def test_an_input_decides_what_the_encoder_consists_of(kind, parts, width, rng):
    config = TaskConfig(input=kind, hidden_dim=3, word_dim=4, decoder_dim=5)
    network = EncoderDecoder(2, 8, 6, 7, config, rng=rng)
    assert {name.split(".")[0] for name in parameters(network)} == parts
    assert network.lstm.forward_lstm.Wx.value.size == 4 * 3 * width
    source = SourceBatch(rng.normal(size=(2, 4, 3, 8)).astype(np.float32), rng.integers(0, 6, (4, 3)))
    u, keys, _ = network.encode(source, np.array([4, 1, 2]))
    assert (u.shape, keys.shape) == ((3, 6), (4, 3, 6))


def test_the_part_of_an_input_that_is_the_bilms():
    assert [bilm_input(kind) for kind in ("mix", "learnt", "learnt+mix", "learnt+1")] == ["mix", "", "mix", "1"]
    with pytest.raises(UserError, match=r"input = 'learnt\+': expected learnt, or learnt\+mix"):
        bilm_input("learnt+")


@pytest.mark.parametrize("kind", ["", "learnt+"])
def test_an_input_of_nothing_is_refused(kind):
    with pytest.raises(UserError, match=f"input = '{re.escape(kind)}': expected learnt, or learnt"):
        bilm_input(kind)
