"""inputs: what is learnt is learnt by a task's loss alone, and the penalty holds the mix near the average."""

import re

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.inference.elmo import ELMo
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.optim import SGD
from elmo_np.nn.parameter import parameters, zero_grad
from elmo_np.tasks.nn.inputs import START_SHARE, BagOfWords, WordInput, beside, beside_backward, input_parts, layers_of


def test_a_mix_starts_as_the_average_and_one_layer_is_left_as_it_is(rng):
    layers = rng.normal(size=(3, 4, 2, 6))
    mixed, _ = WordInput("mix", 3, 6, rng=rng, dtype=np.float64).forward(layers)
    np.testing.assert_allclose(mixed, layers.mean(axis=0), rtol=1e-13)
    for kind in "static", "top", "1", "vector":         # W starts as the identity
        x, _ = WordInput(kind, 1, 6, rng=rng, dtype=np.float64).forward(layers[1:2])
        np.testing.assert_array_equal(x, layers[1])


def test_without_rng_nothing_is_dropped_and_with_it_the_set_share(rng):
    layers = np.ones((1, 50, 20, 6))
    layer = WordInput("top", 1, 6, dropout=0.5, rng=rng, dtype=np.float64)
    assert (layer.forward(layers)[0] == 1).all()
    dropped = layer.forward(layers, np.random.default_rng(1))[0] == 0
    assert abs(dropped.mean() - 0.5) < 6 * 0.5 / np.sqrt(6000)         # six standard deviations


@pytest.mark.parametrize(("penalty", "near"), [(0.0, False), (1.0, True)])
def test_a_mix_learns_which_layer_matters_unless_the_penalty_holds_it(penalty, near, rng):
    """The loss asks for layer 1 alone."""
    layer = WordInput("mix", 3, 4, penalty=penalty, rng=rng, dtype=np.float64)
    layers = rng.normal(size=(3, 10, 5, 4))
    optimizer = SGD(parameters(layer), 0.1)
    for _ in range(300):
        zero_grad(layer)
        x, cache = layer.forward(layers)
        layer.backward(2 * (x - layers[1]) / x.size, cache)
        layer.penalty_backward(1.0)
        optimizer.step()
    s = np.exp(layer.mix.w.value) / np.exp(layer.mix.w.value).sum()
    assert (s[1] < 0.5) if near else (s[1] > 0.9)


def test_only_the_mix_has_a_penalty(rng):
    layer = WordInput("vector", 1, 4, penalty=1.0, rng=rng)
    layer.penalty_backward(1.0)
    assert layer.penalty() == 0
    assert not layer.word_vector.W.grad.any()


def test_each_kind_names_its_layers():
    vocabulary = Vocabulary.build([["a", "b"]])
    for width, all_layers in (4, [0, 1, 2]), (3, [1, 2]):
        config = BiLMConfig(embedding_dim=width, hidden_dim=4, layers=2)
        elmo = ELMo(BiLM(config, len(vocabulary), rng=np.random.default_rng(0)), vocabulary)
        found = {kind: layers_of(elmo, kind) for kind in ("mix", "vector", "top", "static", "1")}
        assert found == {"mix": all_layers, "vector": [2], "top": [2], "static": [0], "1": [1]}
        for kind in "3", "-1", "sum":
            with pytest.raises(UserError, match=rf"input = '{kind}': expected mix, .* from 0 to 2"):
                layers_of(elmo, kind)


def test_several_layers_are_refused_where_one_is_read(rng):
    with pytest.raises(ValueError, match="input 'top' was given 3 layers, expected 1"):
        WordInput("top", 3, 4, rng=rng)


def test_an_input_has_up_to_four_parts():
    expected = {"mix": (False, False, False, "mix"), "learnt": (False, True, False, ""),
                "learnt+1": (False, True, False, "1"), "bag": (True, False, False, ""),
                "bag+learnt+mix": (True, True, False, "mix"), "characters": (False, False, True, ""),
                "bag+learnt+characters+mix": (True, True, True, "mix")}
    assert {kind: tuple(input_parts(kind)) for kind in expected} == expected
    assert [input_parts(kind).words for kind in ("bag", "bag+mix", "learnt", "characters")] == [False, True, True, True]


def test_parts_are_put_side_by_side_and_their_gradient_is_divided(rng):
    parts = [rng.normal(size=(3, 2, width)) for width in (4, 1, 3)]
    x = beside(parts)
    assert x.shape == (3, 2, 8)
    divided = beside_backward(x, [4, 1, 3])
    for part, again in zip(parts, divided, strict=True):
        np.testing.assert_array_equal(again, part)
        assert again.flags.c_contiguous


@pytest.mark.parametrize("kind", ["mix+bag", "bag+bag+mix", "characters+learnt", "characters+learnt+mix", "mix+top"])
def test_parts_in_another_order_are_refused(kind):
    with pytest.raises(UserError, match=rf"input = '{re.escape(kind)}': expected each part once, and in the order bag"):
        input_parts(kind)


@pytest.mark.parametrize("kind", ["", "learnt+", "bag+", "+mix", "bag++mix", "characters+"])
def test_a_part_of_nothing_is_refused(kind):
    with pytest.raises(UserError, match=r"expected learnt, or learnt\+mix"):
        input_parts(kind)


def test_a_bag_adds_the_rows_of_its_words(rng):
    layer = BagOfWords(5, 3, dtype=np.float64)
    layer.W.value[...] = rng.normal(size=(5, 3))
    layer.b.value[...] = rng.normal(size=3)
    z, cache = layer.forward(np.array([[4, 0, -1], [1, -1, -1]]))
    W, b = layer.W.value, layer.b.value
    np.testing.assert_allclose(z, [W[4] + W[1] + b, W[0] + b, b], rtol=1e-12)
    dz = rng.normal(size=(3, 3))
    layer.backward(dz, cache)
    np.testing.assert_allclose(layer.W.grad, [dz[1], dz[0], [0] * 3, [0] * 3, dz[0]], rtol=1e-12)
    np.testing.assert_allclose(layer.b.grad, dz.sum(axis=0), rtol=1e-12)


def test_a_sentence_without_a_known_word_has_the_scores_of_b():
    layer = BagOfWords(5, 3)
    assert layer.forward(np.zeros((0, 2), int))[0].shape == (2, 3)


def test_a_bag_starts_with_a_share_of_naive_bayes():
    """Words 0 and 1; in the sentences of label 0 word 0 three times, in those of label 1 each once."""
    layer = BagOfWords(2, 2, dtype=np.float64)
    layer.start(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1]))
    log_p = np.log([[4 / 5, 2 / 4], [1 / 5, 2 / 4]])        # each count one higher
    np.testing.assert_allclose(layer.W.value, START_SHARE * (log_p - log_p.mean(axis=1, keepdims=True)), rtol=1e-12)
