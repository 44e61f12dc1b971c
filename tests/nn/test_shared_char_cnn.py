"""shared_char_cnn: one character CNN for both directions equals one in each, but computes each word type once."""

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.data.batches import stream_batches
from elmo_np.nn import shared_char_cnn as shared_words
from elmo_np.nn.bilm import Batch, BiLM
from elmo_np.nn.char_cnn import CharCNN
from elmo_np.nn.characters import marks, to_char_ids
from elmo_np.nn.parameter import parameters, zero_grad
from elmo_np.runtime import threads as parallel

pytestmark = pytest.mark.usefixtures("each_backend")

K = 8
VOCABULARY = ["the", "cat", "mat", "on", "elephants", "å", "o"]
SPELLING = np.concatenate([marks(K), to_char_ids(VOCABULARY, K)])
SENTENCES = [[0, 2, 3, 5, 2, 4, 1], [0, 7, 1], [0, 6, 5, 6, 3, 8, 1]]
ROUNDING = 1e-13        # as in test_bilm.py


def bilm(seed=0, **changes):
    sizes = {"embedding_dim": 4, "hidden_dim": 6, "projection_dim": 4, "layers": 2, "char_filters": ((1, 4), (3, 3)),
             "char_dim": 3, "char_highways": 1, "max_characters": K, "share_embedding": True, "init_scale": 0.5}
    return BiLM(BiLMConfig(**{**sizes, **changes}), 9, rng=np.random.default_rng(seed), dtype=np.float64)


@pytest.fixture
def batch():
    ids = next(stream_batches(SENTENCES, 2, 6))
    return Batch(*(side._replace(x=SPELLING[side.x]) for side in ids))


def run(model, batch):
    zero_grad(model)
    loss, _, cache = model.forward(batch)
    model.backward(1.0, cache)
    return loss, {name: p.grad.copy() for name, p in parameters(model).items()}


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING)


def test_the_shared_cnn_is_listed_once_with_the_forward_model():
    names = parameters(bilm()).keys()
    assert "forward_lm.embedding.highways.0.Wr" in names
    assert not any(name.startswith("backward_lm.embedding") for name in names)
    apart = parameters(bilm(share_embedding=False)).keys()
    assert "backward_lm.embedding.highways.0.Wr" in apart


def test_its_loss_is_that_of_two_cnns_with_equal_values_and_its_gradient_is_their_sum(batch):
    model, apart = bilm(), bilm(seed=1, share_embedding=False)
    theirs = parameters(apart)
    for name, p in parameters(model).items():
        for other in {name, name.replace("forward_lm.embedding", "backward_lm.embedding")}:
            theirs[other].value[...] = p.value
    loss, grads = run(model, batch)
    expected, found = run(apart, batch)
    close(loss, expected)
    for name, grad in grads.items():
        second = name.replace("forward_lm.embedding", "backward_lm.embedding")
        close(grad, found[name] + (found[second] if second != name else 0))


def test_the_layers_of_a_sentence_are_those_of_two_cnns_with_equal_values():
    model, apart = bilm(), bilm(seed=1, share_embedding=False)
    theirs = parameters(apart)
    for name, p in parameters(model).items():
        for other in {name, name.replace("forward_lm.embedding", "backward_lm.embedding")}:
            theirs[other].value[...] = p.value
    ids = np.zeros((7, 2), int)
    ids[:, 0], ids[:3, 1] = SENTENCES[0], SENTENCES[1]
    lengths = np.array([7, 3])
    for one, other in zip(model.encode(SPELLING[ids], lengths)[0], apart.encode(SPELLING[ids], lengths)[0],
                          strict=True):
        for layer, expected in zip(one, other, strict=True):
            close(layer, expected)
            assert not layer[3:, 1].any()


def test_layer_0_is_the_word_twice():
    model = bilm()
    (forward, backward), _ = model.encode(SPELLING[np.array(SENTENCES[0])[:, None]], np.array([7]))
    np.testing.assert_array_equal(forward[0], backward[0])
    close(forward[0][:, 0], model.forward_lm.embedding.lookup(SPELLING[SENTENCES[0]]))


def test_each_type_of_a_batch_is_computed_once_in_two_halves(batch, monkeypatch):
    model, seen = bilm(), []
    encode = CharCNN.encode
    monkeypatch.setattr(CharCNN, "encode", lambda self, k, keep=True: seen.append(len(k)) or encode(self, k, keep))
    model.forward(batch)
    words = np.concatenate([side.x.reshape(-1, K) for side in batch])
    types = len(np.unique(words, axis=0))
    assert sorted(seen) == [types // 2, (types + 1) // 2]


def test_the_number_of_threads_changes_nothing(batch):
    model = bilm()
    with parallel.threads(2):
        expected = run(model, batch)
    with parallel.threads(1):
        loss, grads = run(model, batch)
    assert loss == expected[0]
    for name, grad in grads.items():
        np.testing.assert_array_equal(grad, expected[1][name])


def test_directions_may_differ_in_shape_and_one_may_be_empty(rng):
    pair = (CharCNN(((2, 3),), 2, 4, K, rng=rng, dtype=np.float64),) * 2
    k = SPELLING[[[2, 3], [3, 4]]], SPELLING[[5]]
    (one, two), cache = shared_words.forward(pair, k)
    assert (one.shape, two.shape) == ((2, 2, 4), (1, 4))
    for v, words in zip((one, two), k, strict=True):
        close(v, pair[0].lookup(words))
    shared_words.backward(pair, (one, two), cache)
    (one, two), _ = shared_words.forward(pair, (k[0], k[1][:0]))
    assert (one.shape, two.shape) == ((2, 2, 4), (0, 4))
