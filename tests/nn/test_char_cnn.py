"""char_cnn: a word's vector equals the equations one value at a time, whatever work is saved."""

import math
from copy import deepcopy

import numpy as np
import pytest

from elmo_np.nn.char_cnn import CharCNN, Filters, word_types
from elmo_np.nn.characters import N_CHARACTERS, marks, to_char_ids
from elmo_np.nn.parameter import parameters, shared_copy, zero_grad

pytestmark = pytest.mark.usefixtures("each_backend")

K, C, D = 12, 3, 4
FILTERS = ((1, 3), (2, 5), (3, 2), (12, 2))     # the widest is as wide as a word
WORDS = ["the", "cat", "a", "the", "antidisestablishmentarianism", "Ångström", "tenletters", "nine-byte", ""]
KINDS = {
    "relu": {"activation": "relu", "highways": 0},
    "tanh, two highway layers": {"activation": "tanh", "highways": 2},
    "relu, a highway layer, not projected": {"activation": "relu", "highways": 1, "project": False},
}
# Sums of up to 36 products around 1 and then of 12, bounded functions of them: some 100 roundings of 1.1e-16.
ROUNDING = 2e-14


def cnn(rng, dtype=np.float64, filters=FILTERS, activation="relu", highways=1, project=True):
    layer = CharCNN(filters, C, D if project else sum(n for _, n in filters), K, activation=activation,
                    highways=highways, project=project, rng=rng, dtype=dtype)
    for name, p in parameters(layer).items():
        p.value[...] = rng.normal(size=p.value.shape) * (1 if name == "E" else 0.5)
    return layer


@pytest.fixture(params=KINDS)
def layer(request, rng):
    return cnn(rng, **KINDS[request.param])


@pytest.fixture
def k():
    """Words of every kind, special tokens, and a position without a word: (3, 4, K)."""
    return np.concatenate([to_char_ids(WORDS, K), marks(K), np.zeros((1, K), np.uint16)]).reshape(3, 4, K)


def gradients(layer):
    return {name: p.grad.copy() for name, p in parameters(layer).items()}


def close(one, other, atol=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def affine(x, W, b):
    return [sum(x[i] * W[i][j] for i in range(len(x))) + b[j] for j in range(len(b))]


def oracle(layer, word):
    """(C1)-(C8) for one word, one value at a time, at every position of all K characters."""
    e = [layer.E.value[k].tolist() for k in word]                                     # (C1)
    x = []
    for f in layer.filters:
        W, b = f.W.value.tolist(), f.b.value.tolist()
        for n in range(len(b)):
            y = []
            for p in range(len(word) - f.w + 1):
                seen = [number for character in e[p:p + f.w] for number in character]
                y.append(sum(seen[i] * W[i][n] for i in range(len(seen))))       # (C2)
            m = max(y) + b[n]                                                         # (C3)
            x.append(max(m, 0) if layer.activation == "relu" else math.tanh(m))       # (C4)
    for h in layer.highways:
        Wr, br, Wt, bt = (p.value.tolist() for p in (h.Wr, h.br, h.Wt, h.bt))
        r = [sigmoid(a) for a in affine(x, Wr, br)]                                   # (C5)
        t = [max(a, 0) for a in affine(x, Wt, bt)]                                    # (C6)
        x = [r[i] * t[i] + (1 - r[i]) * x[i] for i in range(len(x))]                  # (C7)
    return x if layer.Wp is None else affine(x, layer.Wp.value.tolist(), layer.bp.value.tolist())    # (C8)


def test_forward_equals_the_equations_one_value_at_a_time(layer, k):
    v, _ = layer.forward(k)
    assert v.shape[:-1] == k.shape[:-1]
    for place in np.ndindex(*k.shape[:-1]):
        close(v[place], oracle(layer, k[place]))


@pytest.mark.parametrize("chunk", [1, 40, 200])
def test_the_size_of_a_part_changes_nothing(layer, k, chunk):
    dv = np.random.default_rng(1).normal(size=layer.forward(k)[0].shape)
    expected, cache = layer.forward(k)
    layer.backward(dv, cache)
    grads = gradients(layer)
    zero_grad(layer)
    layer.CHUNK = chunk
    v, cache = layer.forward(k)
    assert len(cache.types.parts) > 1
    close(v, expected)
    layer.backward(dv, cache)
    for name, grad in gradients(layer).items():
        close(grad, grads[name], 20 * ROUNDING)        # sums over words and positions of values around 10


def test_looking_up_gives_the_same_in_blocks_of_any_size(layer, k):
    expected, _ = layer.forward(k)
    for layer.BLOCK in 1, 3, 512:
        close(layer.lookup(k), expected)


def test_the_gradient_goes_only_to_the_first_position_of_the_maximum(rng):
    f = Filters(2, 1, 1, "relu", rng, np.dtype(np.float64))
    f.W.value[...], f.b.value[...] = [[1], [1]], [5]
    e = np.array([[0, 1, 3, 0, 3, 1]], np.float64)[:, :, None]       # windows 1 4 3 3 4: the maximum at 1 and at 4
    m, argmax = f.forward(e, np.array([6]), keep=True)
    assert (m.item(), argmax.item()) == (9, 1)
    de = f.backward(np.array([[7.0]]), e, argmax)
    assert de.ravel().tolist() == [0, 7, 7, 0, 0, 0]
    assert f.W.grad.ravel().tolist() == [7 * 1, 7 * 3]
    assert f.b.grad.item() == 7


def test_a_window_after_the_word_is_computed_once_and_is_part_of_the_maximum(rng):
    layer = cnn(rng, filters=((2, 1),), highways=0, project=False)
    layer.E.value[...] = 0
    layer.E.value[261] = 3                  # the padding after a word is larger than all else
    layer.filters[0].W.value[...], layer.filters[0].b.value[...] = 1, 0
    k = to_char_ids(["ab", "tenletters"], K)    # the second leaves no position after it
    v, cache = layer.forward(k)
    assert v.ravel().tolist() == [2 * C * 3, 0]
    assert [part.longest for part in cache.types.parts] == [11]
    short = layer.forward(k[:1])[1].types.parts[0]
    assert short.longest == 4
    assert short.k.tolist() == [[259, 98, 99, 260, 261, 261]]
    assert cache.types.argmax[cache.type_ids[0], 0] == 4


def test_a_word_that_occurs_often_is_computed_once(rng, monkeypatch):
    layer, seen = cnn(rng), []
    encode = CharCNN.encode
    monkeypatch.setattr(CharCNN, "encode", lambda self, k, keep=True: seen.append(len(k)) or encode(self, k, keep))
    k = to_char_ids(["the", "cat", "the", "the", "cat"], K)
    v = layer.forward(k)[0]
    layer.lookup(k)
    assert seen == [2, 2]
    for one, other in (0, 2), (0, 3), (1, 4):
        np.testing.assert_array_equal(v[one], v[other])


def test_word_types_are_the_different_words_and_their_positions(k):
    types, type_ids = word_types(k)
    assert len(types) == len({tuple(word) for word in k.reshape(-1, K).tolist()}) == 11
    np.testing.assert_array_equal(types[type_ids], k)


def test_the_vector_of_a_word_does_not_depend_on_the_other_words(layer, k):
    v, _ = layer.forward(k)
    for place in np.ndindex(*k.shape[:-1]):
        close(layer.forward(k[place])[0], v[place])
    turned, _ = layer.forward(k[::-1, ::-1])
    close(turned[::-1, ::-1], v)


def test_the_gradient_of_a_repeated_word_is_the_sum_over_its_occurrences(layer, k):
    rng = np.random.default_rng(1)
    v, cache = layer.forward(k)
    dv = rng.normal(size=v.shape)
    layer.backward(dv, cache)
    whole = gradients(layer)
    zero_grad(layer)
    for place in np.ndindex(*k.shape[:-1]):
        layer.backward(dv[place][None], layer.forward(k[place][None])[1])
    for name, grad in gradients(layer).items():
        close(grad, whole[name], 20 * ROUNDING)


def test_backward_twice_on_one_cache_doubles_the_gradient(layer, k):
    v, cache = layer.forward(k)
    layer.backward(np.ones_like(v), cache)
    once = gradients(layer)
    layer.backward(np.ones_like(v), cache)
    for name, grad in gradients(layer).items():
        close(grad, 2 * once[name], 20 * ROUNDING)      # E's is added up word for word


def test_a_layer_used_twice_before_backward_adds_both_gradients(layer, k):
    alone = []
    for words in k:
        zero_grad(layer)
        v, cache = layer.forward(words)
        layer.backward(np.ones_like(v), cache)
        alone.append(gradients(layer))
    zero_grad(layer)
    caches = [layer.forward(words)[1] for words in k]
    for cache in reversed(caches):
        layer.backward(np.ones_like(v), cache)
    for name, grad in gradients(layer).items():
        close(grad, sum(one[name] for one in alone), 20 * ROUNDING)


def test_a_character_of_no_word_has_no_gradient(layer):
    v, cache = layer.forward(to_char_ids(["ab", "ba"], K))
    layer.backward(np.ones_like(v), cache)
    touched = np.flatnonzero(layer.E.grad.any(axis=1)).tolist()
    assert set(touched) <= {98, 99, 259, 260, 261}


def test_inputs_and_caches_are_not_changed(layer, k):
    before = deepcopy(k)
    v, cache = layer.forward(k)
    kept, dv = deepcopy(cache), np.ones_like(v)
    layer.backward(dv, cache)
    np.testing.assert_array_equal(k, before)
    assert (dv == 1).all()
    for one, other in zip(leaves(cache), leaves(kept), strict=True):
        np.testing.assert_array_equal(one, other)


def leaves(value):
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, (tuple, list)) else [value]


def test_characters_may_have_any_integer_dtype_and_need_not_be_contiguous(layer, k):
    expected, _ = layer.forward(k)
    for kind in np.int64, np.int32, np.uint16:
        np.testing.assert_array_equal(layer.forward(np.asfortranarray(k.astype(kind)))[0], expected)


def test_float32_agrees_with_float64(rng, k):
    """Some hundred roundings of 6e-8 follow one another, in values around 10."""
    wide, narrow = cnn(rng), cnn(rng, np.float32)
    for name, p in parameters(narrow).items():
        p.value[...] = parameters(wide)[name].value
    v, cache = wide.forward(k)
    v32, cache32 = narrow.forward(k)
    wide.backward(np.ones_like(v), cache)
    narrow.backward(np.ones_like(v32), cache32)
    assert v32.dtype == narrow.lookup(k).dtype == np.float32
    close(v32, v, 1e-4)
    for name, grad in gradients(narrow).items():
        assert grad.dtype == np.float32
        np.testing.assert_allclose(grad, gradients(wide)[name], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_no_word_is_not_an_error(layer, shape):
    v, cache = layer.forward(np.zeros((*shape, K), np.uint16))
    layer.backward(v, cache)
    assert v.shape == layer.lookup(np.zeros((*shape, K), np.uint16)).shape == (*shape, v.shape[-1])
    assert not any(grad.any() for grad in gradients(layer).values())


def test_a_new_cnn_has_the_initial_values_of_the_original(rng):
    layer = CharCNN(((1, 50), (3, 90)), 16, 40, highways=2, rng=rng)
    F = 140
    assert not layer.E.value[0].any()
    assert 0.9 < np.abs(layer.E.value).max() <= 1
    for f in layer.filters:
        assert 0.045 < np.abs(f.W.value).max() <= 0.05
        assert not f.b.value.any()
    for h in layer.highways:
        assert (h.br.value == -2).all()
        assert not h.bt.value.any()
        for W in h.Wr.value, h.Wt.value:
            assert W.std() == pytest.approx(F**-0.5, rel=0.05)
    assert layer.Wp.value.std() == pytest.approx(F**-0.5, rel=0.05)
    assert {p.value.dtype for p in parameters(layer).values()} == {np.dtype(np.float32)}
    narrow = CharCNN(((3, 400),), 16, 40, activation="tanh", rng=rng)
    assert narrow.filters[0].W.value.std() == pytest.approx((3 * 16)**-0.5, rel=0.05)


def test_the_names_of_the_parameters(rng):
    names = parameters(cnn(rng, filters=((1, 2), (2, 3)), highways=1)).keys()
    assert list(names) == ["E", "filters.0.W", "filters.0.b", "filters.1.W", "filters.1.b", "highways.0.Wr",
                           "highways.0.Wt", "highways.0.br", "highways.0.bt", "Wp", "bp"]
    assert "Wp" not in parameters(cnn(rng, project=False))


def test_a_shared_copy_has_the_same_values_and_its_own_gradients(layer, k):
    uses = {}
    other = shared_copy(layer, uses)
    assert len(uses) == len(parameters(layer))
    assert parameters(other).keys() == parameters(layer).keys()
    for name, p in parameters(other).items():
        assert p.value is parameters(layer)[name].value
        assert not np.shares_memory(p.grad, parameters(layer)[name].grad)
    v, cache = other.forward(k)
    np.testing.assert_array_equal(v, layer.forward(k)[0])
    other.backward(np.ones_like(v), cache)
    assert not any(grad.any() for grad in gradients(layer).values())


@pytest.mark.parametrize(("k", "message"), [
    (np.zeros((2, 3, 11), int), r"characters are int64(2, 3, 11), expected whole numbers (.., 12)"),
    (np.zeros((2, K)), r"characters are float64(2, 12), expected whole numbers (.., 12)"),
    (np.full((2, K), N_CHARACTERS), r"characters range from 262 to 262, expected 0 to 261"),
    (np.full((2, K), -1), r"characters range from -1 to -1, expected 0 to 261"),
])
def test_wrong_characters_name_what_was_given_and_expected(rng, k, message):
    layer = cnn(rng)
    for call in layer.forward, layer.lookup:
        with pytest.raises(ValueError) as caught:
            call(k)
        assert str(caught.value) == message


def test_a_wrong_gradient_names_what_was_given_and_expected(rng, k):
    layer = cnn(rng)
    v, cache = layer.forward(k)
    with pytest.raises(ValueError, match=r"gradient of word vectors is float32\(.*, 4\), expected float64\(.*, 4\)"):
        layer.backward(v.astype(np.float32), cache)
