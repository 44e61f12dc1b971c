"""encoder_decoder: which words the decoder reads, and which of embedding, biLM and BiLSTM a setting builds."""

import numpy as np
import pytest

from elmo_np.nn.parameter import parameters
from elmo_np.nn.softmax import IGNORE_INDEX
from elmo_np.tasks.models.config import TaskConfig
from elmo_np.tasks.models.encoder_decoder import END, START, EncoderDecoder, decoder_words
from elmo_np.tasks.models.sentence_encoder import SourceBatch


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
    u, keys, _ = network.encode_source(source, np.array([4, 1, 2]))
    assert (u.shape, keys.shape) == ((3, 6), (4, 3, 6))
