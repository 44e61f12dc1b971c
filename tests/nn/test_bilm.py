"""bilm: two directions share what the settings say and nothing else, and neither sees its target words."""

import math
from collections import Counter
from copy import deepcopy

import numpy as np
import pytest

from elmo_np.config.directions import DIRECTIONS, by_direction
from elmo_np.config.schema import BiLMConfig
from elmo_np.data.batches import sentence_batches, stream_batches
from elmo_np.errors import UserError
from elmo_np.nn.bilm import Batch, BiLM
from elmo_np.nn.optim import SGD, Adam
from elmo_np.nn.parameter import load_state_dict, parameters, zero_grad
from elmo_np.runtime.threads import threads

pytestmark = pytest.mark.usefixtures("each_backend")

V = 11
# losses around 2.4 and states below 1 after some hundred roundings of 1.1e-16
ROUNDING = 1e-13
SHARING = {
    "nothing shared": {},
    "embedding shared": {"share_embedding": True},
    "softmax shared": {"share_softmax": True},
    "both shared": {"share_embedding": True, "share_softmax": True},
    "tied": {"tie": True},
    "tied and shared": {"tie": True, "share_embedding": True, "share_softmax": True},
}
sharing = pytest.mark.parametrize("shared", SHARING.values(), ids=SHARING)


def config(**changes):
    return BiLMConfig(**{"embedding_dim": 4, "hidden_dim": 6, "projection_dim": 4, "layers": 2, **changes})


def bilm(seed=0, **changes):
    return BiLM(config(**changes), V, rng=np.random.default_rng(seed), dtype=np.float64)


@pytest.fixture
def sentences(rng):
    return [[0, *map(int, rng.integers(2, V, n)), 1] for n in (5, 2, 7, 1, 4, 6, 3)]


@pytest.fixture
def batch(sentences):
    return next(stream_batches(sentences, 3, 6))


def run(model, batch, state=None, dloss=1.0):
    """Loss and a copy of every gradient."""
    zero_grad(model)
    loss, _, cache = model.forward(batch, state)
    model.backward(dloss, cache)
    return loss, {name: p.grad.copy() for name, p in parameters(model).items()}


def with_values_of(model, **changes):
    """A model that shares nothing and in which both directions hold the values that `model` has."""
    other = bilm(seed=1, **changes)
    for side in "forward_lm", "backward_lm":
        theirs, own = parameters(getattr(model, side)), parameters(getattr(other, side))
        for name, p in own.items():
            source = theirs.get(name) or model_part(getattr(model, side), name)
            p.value[...] = source.value
    return other


def model_part(lm, name):
    """A Parameter by its dotted name, also where `parameters` lists it under another."""
    for part in name.split("."):
        lm = lm[int(part)] if part.isdigit() else getattr(lm, part)
    return lm


def close(one, other, atol=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def test_independent_models_share_no_array():
    model = bilm()
    forward, backward = (parameters(side) for side in (model.forward_lm, model.backward_lm))
    assert forward.keys() == backward.keys()
    for one in forward.values():
        for other in backward.values():
            assert not np.shares_memory(one.value, other.value)
            assert not np.shares_memory(one.grad, other.grad)
    assert len(parameters(model)) == 2 * len(forward)


def test_the_backward_models_input_leaves_the_forward_model_alone(batch):
    model = bilm()
    loss, grads = run(model, batch)
    def other_words(ids):
        return np.where(ids > 1, V + 1 - ids, ids)
    changed = Batch(batch.forward, batch.backward._replace(x=other_words(batch.backward.x),
                                                           y=other_words(batch.backward.y)))
    other_loss, other_grads = run(model, changed)
    assert other_loss.forward == loss.forward
    assert other_loss.backward != loss.backward
    for name, grad in grads.items():
        assert np.array_equal(grad, other_grads[name]) == name.startswith("forward_lm"), name


def test_the_two_models_start_from_different_values():
    model = bilm()
    for name, p in parameters(model.forward_lm).items():
        if not name.endswith("b"):
            assert (p.value != parameters(model.backward_lm)[name].value).any()


@pytest.mark.parametrize(("shared", "missing"), [
    ({"share_embedding": True}, {"embedding.E"}),
    ({"share_softmax": True}, {"softmax.W", "softmax.b"}),
    ({"share_embedding": True, "share_softmax": True}, {"embedding.E", "softmax.W", "softmax.b"}),
    ({"tie": True, "share_embedding": True, "share_softmax": True}, {"embedding.E", "softmax.b"}),
    ({"tie": True}, set()),
    ({"tie": True, "share_embedding": True, "share_softmax": True, "embedding_dim": 5},
     {"embedding.E", "softmax.projection", "softmax.softmax.b"}),
    ({"tie": True, "share_embedding": True, "share_softmax": True, "softmax": "adaptive", "cutoffs": (4,)},
     {"embedding.E", "softmax.head.G", "softmax.head.b", "softmax.tails.0.projection", "softmax.tails.0.softmax.b"}),
])
def test_a_shared_parameter_is_listed_once_with_the_forward_model(shared, missing):
    names = parameters(bilm(**shared)).keys()
    forward = {name.removeprefix("forward_lm.") for name in names if name.startswith("forward_lm.")}
    backward = {name.removeprefix("backward_lm.") for name in names if name.startswith("backward_lm.")}
    assert forward - backward == missing
    assert backward - forward == set()
    assert ("softmax.W" in forward) != shared.get("tie", False)


@sharing
def test_the_gradient_of_a_shared_parameter_is_the_sum_over_its_places(shared, batch):
    model = bilm(**shared)
    alone = with_values_of(model)
    loss, grads = run(model, batch)
    expected_loss, apart = run(alone, batch)
    assert (loss.forward, loss.backward) == (expected_loss.forward, expected_loss.backward)
    places = {id(p.value): name for name, p in parameters(model).items()}
    expected = dict.fromkeys(grads, 0)
    for name, grad in apart.items():
        expected[places[id(model_part(model, name).value)]] += grad
    for name, grad in grads.items():
        close(grad, expected[name], 1e-15)      # up to four values below 1, added in another order


@sharing
def test_backward_twice_on_one_cache_doubles_the_gradient(shared, batch):
    model = bilm(**shared)
    _, once = run(model, batch)
    zero_grad(model)
    _, _, cache = model.forward(batch)
    for _ in range(2):
        model.backward(1.0, cache)
    for name, p in parameters(model).items():
        close(p.grad, 2 * once[name], 1e-15)


@sharing
@pytest.mark.parametrize("make", [lambda named: SGD(named, 0.5), lambda named: SGD(named, 0.5, 0.9),
                                  lambda named: Adam(named, 0.01)], ids=["sgd", "momentum", "adam"])
def test_the_second_of_two_updates_sees_the_first_and_nothing_else(make, shared, sentences):
    first, second, *_ = stream_batches(sentences, 2, 4)
    model = bilm(**shared)
    optimizer = make(parameters(model))
    run(model, first)
    optimizer.step()
    fresh = bilm(seed=1, **shared)
    for name, p in parameters(fresh).items():
        p.value[...] = parameters(model)[name].value
    loss, grads = run(model, second)
    expected_loss, expected = run(fresh, second)
    assert loss == expected_loss
    for name, grad in grads.items():
        np.testing.assert_array_equal(grad, expected[name])


@sharing
def test_an_update_lowers_the_loss_by_rate_times_the_squared_norm(shared, batch):
    """To first order; the second is some 1e-4 of it at this rate."""
    model, rate = bilm(**shared), 1e-4
    loss, grads = run(model, batch)
    SGD(parameters(model), rate).step()
    fall = loss.total - model.forward(batch)[0].total
    assert fall == pytest.approx(rate * sum((grad**2).sum() for grad in grads.values()), rel=1e-2)


@sharing
def test_the_loss_starts_near_two_log_V(shared, sentences):
    """Words have vectors below 0.05, or 1 / sqrt(P) with outputs below 0.05 where they are tied: logits below 0.1."""
    model = bilm(**shared)
    whole, = sentence_batches(sentences, len(sentences))
    loss, *_ = model.forward(whole)
    assert loss.forward == pytest.approx(math.log(V), abs=0.1)
    assert loss.backward == pytest.approx(math.log(V), abs=0.1)
    assert loss.total == loss.forward + loss.backward


def halves(side, T):
    return (side._replace(x=side.x[:T], y=side.y[:T], lengths=np.minimum(side.lengths, T)),
            side._replace(x=side.x[T:], y=side.y[T:], lengths=np.maximum(side.lengths - T, 0)))


def test_one_batch_equals_two_half_batches_with_the_state_carried(sentences):
    whole = next(stream_batches(sentences, 3, 14))
    assert (whole.forward.lengths < 14).any()       # rows that run out are in it
    forward, backward = halves(whole.forward, 6), halves(whole.backward, 6)
    model = bilm()
    loss, end, _ = model.forward(whole)
    state, forward_sum, backward_sum = None, 0.0, 0.0
    for part in (Batch(*sides) for sides in zip(forward, backward, strict=True)):
        part_loss, state, _ = model.forward(part, state)
        forward_sum += part_loss.forward * part.tokens
        backward_sum += part_loss.backward * part.tokens
    assert forward_sum == pytest.approx(loss.forward * whole.tokens, rel=ROUNDING)
    assert backward_sum == pytest.approx(loss.backward * whole.tokens, rel=ROUNDING)
    for side, expected in zip(state, end, strict=True):
        for layer, layer_expected in zip(side, expected, strict=True):
            for one, other in zip(layer, layer_expected, strict=True):
                close(one, other)


def test_a_state_is_not_changed_by_the_call_that_uses_it(batch):
    model = bilm()
    _, state, _ = model.forward(batch)
    before = deepcopy(state)
    run(model, batch, state)
    for side, expected in zip(state, before, strict=True):
        for layer, layer_expected in zip(side, expected, strict=True):
            for one, other in zip(layer, layer_expected, strict=True):
                np.testing.assert_array_equal(one, other)


def test_the_loss_is_the_mean_of_nll_over_the_targets(batch):
    model = bilm()
    loss, *_ = model.forward(batch)
    for lm, side, expected in (model.forward_lm, batch.forward, loss.forward), (model.backward_lm, batch.backward,
                                                                             loss.backward):
        nll, _ = lm.nll(side.x, side.y, None, side.lengths)
        assert nll.sum() / batch.tokens == pytest.approx(expected, rel=ROUNDING)


def test_dropout_acts_only_with_generators(batch):
    model, plain = bilm(dropout=0.5), bilm()
    def rngs():
        return np.random.default_rng(1), np.random.default_rng(2)
    assert model.forward(batch)[0] == plain.forward(batch)[0]
    assert model.forward(batch, None, rngs())[0] == model.forward(batch, None, rngs())[0] != plain.forward(batch)[0]


# encode: hidden states, every word at its own position

def padded(sentences, filling=0):
    ids = np.full((max(map(len, sentences)), len(sentences)), filling)
    for b, sentence in enumerate(sentences):
        ids[:len(sentence), b] = sentence
    return ids, np.array([len(sentence) for sentence in sentences])


def states(model, sentence):
    """Outputs of layers 1 to L for one sentence, (T, width) each: forward, backward."""
    (forward, backward), _ = model.encode(*padded([sentence]))
    return [y[:, 0] for y in forward[1:]], [y[:, 0] for y in backward[1:]]


@pytest.mark.parametrize("filling", [0, 9])
def test_a_sentence_alone_equals_itself_in_a_padded_batch(sentences, filling):
    model = bilm()
    (forward, backward), (f_state, b_state) = model.encode(*padded(sentences, filling))
    for b, sentence in enumerate(sentences):
        (f, r), (f_alone, b_alone) = model.encode(*padded([sentence]))
        for many, one in zip(forward + backward, f + r, strict=True):
            close(many[:len(sentence), b], one[:, 0])
        for many, one in zip(f_state + b_state, f_alone + b_alone, strict=True):
            for part, part_alone in zip(many, one, strict=True):
                close(part[b], part_alone[0])


def test_encode_is_zero_past_a_sentences_end_in_every_layer(sentences):
    (forward, backward), _ = bilm().encode(*padded(sentences, 9))
    past = np.arange(len(forward[0]))[:, None] >= [len(sentence) for sentence in sentences]
    for layer, y in enumerate(forward + backward):
        assert not y[past].any(), f"layer {layer % len(forward)}"


def test_layer_zero_is_the_word_vectors_in_both_directions(sentences):
    model = bilm()
    (forward, backward), _ = model.encode(*padded(sentences))
    for lm, y in (model.forward_lm, forward[0]), (model.backward_lm, backward[0]):
        for b, sentence in enumerate(sentences):
            np.testing.assert_array_equal(y[:len(sentence), b], lm.embedding.E.value[sentence])


def test_the_backward_state_of_a_word_is_that_of_reading_its_suffix_from_the_end(sentences):
    model, sentence = bilm(), sentences[2]
    _, backward = states(model, sentence)
    for t in range(len(sentence)):
        outputs, *_ = model.backward_lm.encode(np.array(sentence[t:][::-1])[:, None])
        for layer, y in zip(backward, outputs[1:], strict=True):
            close(layer[t], y[-1, 0])


def test_the_forward_state_of_a_word_is_that_of_reading_its_prefix(sentences):
    model, sentence = bilm(), sentences[2]
    forward, _ = states(model, sentence)
    for t in range(len(sentence)):
        outputs, *_ = model.forward_lm.encode(np.array(sentence[:t+1])[:, None])
        for layer, y in zip(forward, outputs[1:], strict=True):
            close(layer[t], y[-1, 0])


def test_a_word_changes_forward_states_from_itself_on_and_backward_states_up_to_itself(sentences):
    model, sentence = bilm(), sentences[2]
    before = states(model, sentence)
    for place in range(1, len(sentence) - 1):
        changed = list(sentence)
        changed[place] = 2 + (changed[place] - 1) % (V - 2)
        after = states(model, changed)
        t = np.arange(len(sentence))
        for one, other, reached in zip(before, after, (t >= place, t <= place), strict=True):
            for layer, layer_changed in zip(one, other, strict=True):
                np.testing.assert_array_equal((layer != layer_changed).any(axis=1), reached)    # to the bit


def test_encode_continues_from_a_state(sentences):
    model = bilm()
    one, other = padded([sentences[0]]), padded([sentences[2]])
    _, state = model.encode(*one)
    (forward, _), _ = model.encode(*other, state)
    both, *_ = model.forward_lm.encode(np.concatenate([one[0], other[0]]))
    close(forward[-1], both[-1][len(one[0]):])


# ten sentences by heart

TEN = ["a b c", "b a d", "c c e f", "d", "e f", "a b d", "a c", "f e d c b a", "b b", "c c a"]


def floor(sentences):
    """The least mean loss that a model can reach which sees the words before: the entropy of the next word after each
    beginning of a sentence, in nats per target."""
    seen, chosen = Counter(), Counter()
    for sentence in sentences:
        for n in range(1, len(sentence)):
            seen[tuple(sentence[:n])] += 1
            chosen[tuple(sentence[:n+1])] += 1
    nats = sum(count * math.log(seen[beginning[:-1]] / count) for beginning, count in chosen.items())
    return nats / sum(seen.values())


@pytest.mark.parametrize("shared", [{}, {"tie": True, "share_embedding": True, "share_softmax": True}],
                         ids=["nothing shared", "tied and shared"])
def test_ten_sentences_can_be_learnt_by_heart_and_no_better_than_that(shared):
    """A loss below the floor would mean that a model sees the word that it has to predict."""
    ids = {word: 2 + k for k, word in enumerate("abcdef")}
    ten = [[0, *(ids[word] for word in sentence.split()), 1] for sentence in TEN]
    model = bilm(embedding_dim=16, hidden_dim=24, projection_dim=16, **shared)
    whole, = sentence_batches(ten, 10)
    optimizer = Adam(parameters(model), 0.02)
    floors = floor(ten), floor([sentence[::-1] for sentence in ten])
    for _ in range(150):
        loss, _ = run(model, whole)
        assert loss.forward > floors[0]
        assert loss.backward > floors[1]
        optimizer.step()
    assert loss.forward < floors[0] + 0.1
    assert loss.backward < floors[1] + 0.1


one_direction = pytest.mark.parametrize("direction", DIRECTIONS)
OF_ONE = {"words": {}, "tied": {"tie": True}, "gru": {"cell": "gru", "projection_dim": None, "embedding_dim": 6},
          "adaptive": {"softmax": "adaptive", "cutoffs": (4, 8)},
          "tied, adaptive": {"tie": True, "softmax": "adaptive", "cutoffs": (4, 8)},
          "tied, projected": {"tie": True, "embedding_dim": 5},
          "characters": {"char_filters": ((1, 4), (3, 5)), "char_dim": 3, "max_characters": 7}}


def of_one(direction, dtype=np.float64, **changes):
    return BiLM(config(direction=direction, **changes), V, rng=np.random.default_rng(5), dtype=dtype)


def spelled(batch):
    """The batch of words as characters."""
    spelling = np.random.default_rng(2).integers(0, 200, (V, 7))
    return Batch(*(side._replace(x=spelling[side.x]) for side in batch))


@one_direction
@pytest.mark.parametrize("kind", OF_ONE)
def test_one_direction_is_what_it_is_beside_the_other(direction, kind, batch):
    """Loss, state and gradients, although two halves of the rows make them."""
    changes = OF_ONE[kind]
    if kind == "characters":
        batch = spelled(batch)
    one, whole = of_one(direction, **changes), bilm(**changes)
    for name, p in parameters(whole.lm(direction)).items():
        p.value[...] = parameters(one.lm(direction))[name].value
    k = DIRECTIONS.index(direction)
    _, state, _ = whole.forward(batch)
    expected, grads = run(whole, batch, state)
    loss, found = run(one, batch, (state[k],))
    assert by_direction(loss) == pytest.approx({direction: getattr(expected, direction)}, rel=ROUNDING)
    assert loss.total == loss.each[direction]
    assert set(found) == {name for name in grads if name.startswith(direction)}
    for name, grad in found.items():
        np.testing.assert_allclose(grad, grads[name], rtol=1e-9, atol=1e-14)
    after, expected_after = (model.forward(batch)[1] for model in (one, whole))
    for layer, other in zip(after[0], expected_after[k], strict=True):
        for array, same in zip(layer, other, strict=True):
            np.testing.assert_allclose(array, same, rtol=1e-12, atol=1e-14)


@one_direction
@pytest.mark.parametrize("kind", ["words", "tied", "tied, adaptive", "characters"])
def test_one_direction_gives_the_same_bits_on_one_thread_and_on_two(direction, kind, batch):
    if kind == "characters":
        batch = spelled(batch)

    def trained(number):
        model = of_one(direction, np.float32, dropout=0.4, **OF_ONE[kind])
        rngs = np.random.default_rng(1), np.random.default_rng(2)
        with threads(number):
            for _ in range(3):
                zero_grad(model)
                _, _, cache = model.forward(batch, None, rngs)
                model.backward(1.0, cache)
                Adam(parameters(model), 0.01).step(1.0)
        return parameters(model)
    one, two = trained(1), trained(2)
    for name, p in one.items():
        assert np.array_equal(p.value, two[name].value), name


@one_direction
def test_a_half_without_a_target_and_a_batch_of_one_row_count_nothing_twice(direction, sentences):
    model = of_one(direction)
    alone_loss, alone_grads = run(model, next(stream_batches(sentences[:1], 1, 6)))
    loss, grads = run(model, next(stream_batches(sentences[:1], 2, 6)))      # its second row has run out
    assert loss.total == pytest.approx(alone_loss.total, rel=ROUNDING)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, alone_grads[name], rtol=1e-10, atol=1e-14)


@one_direction
def test_the_states_of_one_direction_are_those_of_both(direction, sentences):
    one, whole = of_one(direction), bilm()
    for name, p in parameters(whole.lm(direction)).items():
        p.value[...] = parameters(one.lm(direction))[name].value
    (found,), _ = one.encode(*padded(sentences))
    expected, _ = whole.encode(*padded(sentences))
    for y, other in zip(found, expected[DIRECTIONS.index(direction)], strict=True):
        np.testing.assert_allclose(y, other, rtol=1e-12, atol=1e-15)


@one_direction
def test_a_direction_that_is_not_there_is_refused_in_one_line(direction):
    other, = {*DIRECTIONS} - {direction}
    with pytest.raises(UserError, match=f"^this model has direction = {direction}, and this needs the {other} one: "):
        of_one(direction).lm(other)


def test_arrays_from_elsewhere_make_a_model_of_one_direction():
    arrays = {name: p.value.copy() for name, p in parameters(of_one("forward")).items()}
    model = BiLM(config(direction="forward"), V, rng=None, dtype=np.float64)
    load_state_dict(model, arrays)
    assert model.forward_lm.softmax.W.value is arrays["forward_lm.softmax.W"]
    assert model.second_half.softmax.W.value is arrays["forward_lm.softmax.W"]
