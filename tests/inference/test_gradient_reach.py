"""How far back gradients reach: against central differences of the loss, and which words are looked at."""

import dataclasses

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference import gradient_reach as module
from elmo_np.inference.gradient_reach import longest, reach
from elmo_np.inference.token_indexer import token_indexer
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.gradcheck import EPSILON, TOLERANCE, central_difference
from elmo_np.nn.parameter import parameters

SENTENCES = [["the", "bank", "was", "muddy"], ["the", "bank", "raised", "its", "fees", "."], ["the", "fees", "rose"],
             ["muddy", "was", "the", "bank", ".", "the", "fees", "rose"]]
KINDS = {"full": {}, "gru": {"cell": "gru"}, "dropout": {"dropout": 0.5},
         "two layers": {"layers": 2, "hidden_dim": 6, "projection_dim": 4, "residual": True},
         "adaptive": {"softmax": "adaptive", "cutoffs": (4, 7)}, "sampled": {"softmax": "sampled", "samples": 3},
         "tied": {"tie": True}, "tied, adaptive": {"tie": True, "softmax": "adaptive", "cutoffs": (4, 7)},
         "tied, sampled, projected": {"tie": True, "embedding_dim": 3, "softmax": "sampled", "samples": 3},
         "shared": {"share_embedding": True, "share_softmax": True},
         "characters": {"char_filters": ((1, 4), (2, 4)), "char_dim": 4, "share_embedding": True}}


def drawn(**options):
    vocabulary = Vocabulary.build(SENTENCES)
    config = BiLMConfig(**{"embedding_dim": 4, "hidden_dim": 4, "init_scale": 0.8, **options})
    model = BiLM(config, len(vocabulary), rng=np.random.default_rng(0), dtype=np.float64)
    return model, token_indexer(model, vocabulary)


def loss_of(lm, x, y):
    """-log p of y after the words whose vectors are x (K, 1, D), over all words."""
    outputs, _ = lm.encode_inference(x)
    return float(lm.softmax.nll(outputs[-1][-1], y)[0])


def by_differences(lm, x, y):
    """Length of the gradient at each of K words, the last word's first."""
    flat = x.reshape(-1)
    gradient = np.array([central_difference(lambda: loss_of(lm, x, y), flat, k, EPSILON) for k in range(x.size)])
    return np.linalg.norm(gradient.reshape(x.shape)[::-1, 0], axis=1)


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_the_lengths_are_those_of_central_differences(options):
    model, words = drawn(**options)
    found = reach(model, words, SENTENCES, 5)
    assert found.targets == 3
    numbers = [words.encode(s) for s in SENTENCES if len(s) > 3]      # the third is too short
    for direction, lm in enumerate((model.forward_lm, model.backward_lm)):
        read = [one[::-1] if direction else one for one in numbers]
        expected = [by_differences(lm, words.lookup(np.array(one[:5])[:, None])[direction].copy(),
                                   words.targets(np.array(one[5:6]))) for one in read]
        np.testing.assert_allclose(found[direction], np.mean(expected, axis=0), rtol=TOLERANCE)


def test_of_a_stream_any_words_in_a_row_will_do():
    model, words = drawn()
    found = reach(model, words, SENTENCES, 7, joined=True)
    assert found.targets == 3          # 5 + 7 + 4 + 9 pairs
    stream = [number for s in SENTENCES for number in words.encode(s)[:-1]]         # an end mark is never read
    after = [number for s in SENTENCES for number in words.encode(s)[1:]]
    expected = [by_differences(model.forward_lm, words.lookup(np.array(stream[k:k + 7])[:, None])[0].copy(),
                               np.array(after[k + 6:k + 7])) for k in (0, 7, 14)]
    np.testing.assert_allclose(found.forward, np.mean(expected, axis=0), rtol=TOLERANCE)
    assert reach(model, words, SENTENCES, 25, joined=True).targets == 1


def test_the_gradients_of_the_model_stay_as_they_are():
    model, words = drawn(softmax="sampled", samples=3, share_softmax=True)
    for k, parameter in enumerate(parameters(model).values()):
        parameter.grad += k + 1
    reach(model, words, SENTENCES, 4)
    assert all((parameter.grad == k + 1).all() for k, parameter in enumerate(parameters(model).values()))
    assert all(not (use.grad != 0).any() for _, use in model._shared_copies.values())


def test_a_large_model_is_asked_about_fewer_words(monkeypatch):
    model, words = drawn()
    many = SENTENCES * 100
    assert reach(model, words, many, 4).targets == 200
    size = sum(p.value.size for p in parameters(model.forward_lm.layers[0]).values())
    monkeypatch.setattr(module, "PRODUCTS", 4 * size * 20)
    assert reach(model, words, many, 4).targets == 20
    monkeypatch.setattr(module, "PRODUCTS", 1)
    assert reach(model, words, many, 4).targets == 8


def test_the_longest_is_what_enough_sentences_have():
    sentences = [["w"] * n for n in (30, 12, 9, 7, 3)]
    assert longest(sentences, False, most=21, enough=3) == 10       # with the mark before it
    assert longest(sentences, False, most=8, enough=3) == 8
    assert longest(sentences, False, most=21, enough=20) == 4
    assert longest(sentences, True, most=100) == 66
    assert longest(sentences, True) == 21
    assert longest([], True) == longest([], False) == 0


def test_what_cannot_be_measured_is_said():
    model, words = drawn()
    with pytest.raises(UserError, match="no sentence is 10 words long"):
        reach(model, words, SENTENCES, 10)
    with pytest.raises(UserError, match="no sentence is 4 words long"):
        reach(model, words, [], 4)
    silent, words = drawn(predict=False)
    with pytest.raises(UserError, match="has no softmax"):
        reach(silent, words, SENTENCES, 4)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_one_direction_reaches_as_far_as_beside_the_other(direction):
    model, words = drawn()
    one = BiLM(dataclasses.replace(model.config, direction=direction), model.V, rng=None, dtype=np.float64)
    for name, p in parameters(one).items():
        p.value[...] = parameters(model)[name].value
    found, expected = (reach(each, token_indexer(each, words.vocabulary), SENTENCES, 4) for each in (one, model))
    np.testing.assert_allclose(getattr(found, direction), getattr(expected, direction), rtol=1e-5)
    other, = {"forward", "backward"} - {direction}
    assert (getattr(found, other), found.targets) == (None, expected.targets)
