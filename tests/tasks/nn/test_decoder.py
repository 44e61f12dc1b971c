"""decoder: word by word it says what it says of a whole sentence, and it learns to copy."""

import numpy as np
import pytest

from elmo_np.nn.optim import Adam
from elmo_np.nn.parameter import parameters, zero_grad
from elmo_np.nn.softmax import IGNORE_INDEX
from elmo_np.tasks.nn.decoder import Decoder, Sizes
from elmo_np.tasks.nn.search import beam_search

LENGTHS = np.array([4, 1, 3])


def decoder(rng, kind, dtype=np.float64):
    return Decoder(Sizes(V=7, W=3, H=8, U=2, D=5), kind=kind, rng=rng, dtype=dtype)


@pytest.mark.parametrize("kind", ["additive", "dot"])
def test_word_by_word_has_the_probabilities_of_the_whole_sentence(kind, rng, each_backend):
    layer, u, keys = decoder(rng, kind), rng.normal(size=(3, 2)), rng.normal(size=(4, 3, 5))
    words, targets = rng.integers(0, 7, (4, 3)), rng.integers(0, 7, (4, 3))
    loss, cache = layer.forward(u, keys, LENGTHS, words, targets)
    state, nats = layer.begin(u), 0.0
    for t in range(4):
        log_p, state, shares = layer.step(words[t], state, keys, LENGTHS)
        nats -= log_p[np.arange(3), targets[t]].sum()
        np.testing.assert_allclose(shares, cache.attention.p[:, t], atol=1e-13)
    assert loss == pytest.approx(nats / 12, rel=1e-12)      # some thousand roundings of 1.1e-16


def test_padding_of_targets_and_of_the_source_changes_nothing(rng):
    layer, u, keys = decoder(rng, "dot"), rng.normal(size=(3, 2)), rng.normal(size=(4, 3, 5))
    words, targets = rng.integers(0, 7, (4, 3)), rng.integers(0, 7, (4, 3))
    targets[2:, 1] = IGNORE_INDEX
    before = layer.forward(u, keys, LENGTHS, words, targets)[0]
    words[3, 1] = 6 - words[3, 1]
    keys[3, 2], keys[1:, 1] = 9.0, 9.0
    assert layer.forward(u, keys, LENGTHS, words, targets)[0] == pytest.approx(before, rel=1e-14)


def test_another_kind_of_attention_is_refused(rng):
    with pytest.raises(ValueError, match="attention = 'cosine': expected one of additive, dot"):
        decoder(rng, "cosine")


@pytest.mark.parametrize("kind", ["additive", "dot"])
def test_a_decoder_learns_to_write_what_the_source_says(kind, rng):
    """Sequences of three words, each given as a vector of its own: the beam writes them again, in their order."""
    V, n, start, end = 7, 3, 5, 6
    vectors = rng.normal(size=(n, 5, 5)).astype(np.float32)         # of each word at each place
    layer = Decoder(Sizes(V, W=8, H=24, U=2, D=5), kind=kind, rng=rng)
    optimizer = Adam(parameters(layer), 0.02)
    sources = rng.integers(0, 5, (n, 40))
    keys = np.stack([vectors[s][sources[s]] for s in range(n)])
    words = np.concatenate([np.full((1, 40), start), sources])
    targets = np.concatenate([sources, np.full((1, 40), end)])
    u, lengths = np.zeros((40, 2), np.float32), np.full(40, n)
    for _ in range(150):
        zero_grad(layer)
        loss, cache = layer.forward(u, keys, lengths, words, targets)
        layer.backward(1.0, cache)
        optimizer.step()
    assert loss < 0.1
    for b in range(10):
        def step(words, state, b=b):
            rows = len(words)
            log_p, after, _ = layer.step(words, state, np.repeat(keys[:, b:b+1], rows, axis=1), np.full(rows, n))
            return log_p, after
        best = beam_search(step, layer.begin(u[:1]), start=start, end=end, beam=3, longest=8)[0]
        assert best.words == [*sources[:, b], end]
