"""tuned_bilm: the same vectors as the embedder's, and gradients only where layers are trained."""

import numpy as np
import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import parameters, zero_grad
from elmo_np.tasks.models.embedding_cache import EmbeddingCache
from elmo_np.tasks.nn.tuned_bilm import TunedBilm, group_rate, groups, trained_groups
from tests.task_helpers import reviews, tiny_elmo

SENTENCES = reviews(5)[0]


@pytest.fixture
def elmo():
    return tiny_elmo(layers=2)


def read(elmo):
    """Words (T+2, B) and lengths (B,) of SENTENCES."""
    numbers = [elmo.vocabulary.encode(sentence) for sentence in SENTENCES]
    words = np.zeros((max(map(len, numbers)), len(numbers)), int)
    for b, own in enumerate(numbers):
        words[:len(own), b] = own
    return words, np.array(list(map(len, SENTENCES)))


@pytest.mark.parametrize("direction", ["both", "forward", "backward"])
def test_its_layers_are_those_that_a_task_reads_of_a_frozen_bilm(direction):
    elmo = tiny_elmo(layers=2)
    config = BiLMConfig(embedding_dim=8, hidden_dim=8, layers=2, init_scale=0.5, direction=direction)
    elmo.model = BiLM(config, len(elmo.vocabulary), rng=np.random.default_rng(0))
    layers, _ = TunedBilm(elmo.model, [0, 1, 2]).forward(*read(elmo))
    expected, _ = EmbeddingCache(elmo, SENTENCES).batch(range(len(SENTENCES)))
    np.testing.assert_allclose(layers, expected, atol=1e-5)     # float32


def test_layers_below_the_lowest_get_no_gradient(elmo):
    bilm = TunedBilm(elmo.model, [0, 1, 2])
    words, lengths = read(elmo)
    moved = {}
    for lowest in 3, 2, 1, 0:
        zero_grad(bilm)
        bilm.lowest = lowest
        layers, cache = bilm.forward(words, lengths)
        bilm.backward(np.ones_like(layers), cache)
        moved[lowest] = {name.partition("_lm.")[2].rpartition(".")[0] for name, p in parameters(bilm).items()
                         if p.grad.any()}
    assert moved == {3: set(), 2: {"layers.1"}, 1: {"layers.1", "layers.0"}, 0: {"layers.1", "layers.0", "embedding"}}


def test_the_model_is_copied_without_its_softmax(elmo):
    bilm = TunedBilm(elmo.model, [1])
    assert not any("softmax" in name for name in parameters(bilm))
    next(iter(parameters(bilm).values())).value[...] = 7
    assert not any((p.value == 7).all() for p in parameters(elmo.model).values())


def test_the_dropout_of_the_bilm_is_drawn_only_in_training(elmo):
    elmo.model.forward_lm.dropout = elmo.model.backward_lm.dropout = (0.5, 0.5, 0.5)
    bilm = TunedBilm(elmo.model, [2])
    plain, again, dropped, same = (bilm.forward(*read(elmo), rng)[0] for rng in (
        None, None, np.random.default_rng(1), np.random.default_rng(1)))
    np.testing.assert_array_equal(plain, again)
    np.testing.assert_array_equal(dropped, same)
    assert (dropped != plain).any()


def test_groups_go_from_the_task_down_to_the_word_vectors(elmo):
    class Network:
        def __init__(self):
            self.bilm = TunedBilm(elmo.model, [0, 1, 2])
            self.linear = TunedBilm(tiny_elmo().model, [0])      # anything with parameters

    found = groups(Network())
    assert [{name.split("_lm.")[1].rpartition(".")[0] for name in group if name.startswith("bilm")} for group in found
            ] == [set(), {"layers.1"}, {"layers.0"}, {"embedding"}]
    assert all(name.startswith("linear.") for name in found[0])


def test_rates_fall_and_groups_wait():
    assert [group_rate(0.1, 2.0, k) for k in range(3)] == [0.1, 0.05, 0.025]
    assert [trained_groups(epoch, 3) for epoch in (1, 2, 3, 4, 9)] == [1, 2, 3, 3, 3]
