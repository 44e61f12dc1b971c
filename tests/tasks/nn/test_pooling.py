"""pooling: each kind is what its equation says of each sentence alone, whatever the padding holds."""

import numpy as np
import pytest

from elmo_np.nn.parameter import parameters
from elmo_np.tasks.nn.pooling import POOLING_KINDS, SENTENCE_POOLING, AttentivePooling, Pooling, pool, pool_backward

LENGTHS = np.array([4, 1, 3])
ALONE = {"mean": lambda x: x.mean(axis=0), "max": lambda x: x.max(axis=0), "last": lambda x: x[-1],
         "ends": lambda x: np.concatenate([x[-1, :3], x[0, 3:]])}


@pytest.mark.parametrize("kind", POOLING_KINDS)
def test_a_sentence_is_pooled_as_if_it_were_alone(kind, rng):
    x = rng.normal(size=(5, 3, 6))
    for b, n in enumerate(LENGTHS):
        np.testing.assert_allclose(pool(x, LENGTHS, kind)[0][b], ALONE[kind](x[:n, b]), rtol=1e-14)


@pytest.mark.parametrize("kind", POOLING_KINDS)
@pytest.mark.parametrize("padding", [1e6, -1e6, np.inf, np.nan])
def test_padding_changes_nothing(kind, padding, rng):
    x = rng.normal(size=(5, 3, 6))
    before = pool(x, LENGTHS, kind)[0]
    for b, n in enumerate(LENGTHS):
        x[n:, b] = padding
    with np.errstate(invalid="ignore"):             # infinity times a share of zero
        y, cache = pool(x, LENGTHS, kind)
    np.testing.assert_array_equal(y, before)
    dx = pool_backward(np.ones((3, 6)), cache)
    assert all(not dx[n:, b].any() for b, n in enumerate(LENGTHS))


def test_of_equal_numbers_the_first_has_the_gradient():
    x = np.array([1.0, 2.0, 2.0])[:, None, None]
    np.testing.assert_array_equal(pool_backward(np.ones((1, 1)), pool(x, np.array([3]), "max")[1])[:, 0, 0], [0, 1, 0])


@pytest.mark.parametrize("kind", POOLING_KINDS)
def test_float32_stays_float32(kind, rng):
    y, cache = pool(rng.normal(size=(4, 3, 2)).astype(np.float32), LENGTHS, kind)
    assert {y.dtype, pool_backward(y, cache).dtype} == {np.dtype(np.float32)}


def test_a_mistake_is_named(rng):
    x = rng.normal(size=(4, 3, 2))
    with pytest.raises(ValueError, match="pooling 'sum': expected one of mean, max, last, ends"):
        pool(x, LENGTHS, "sum")
    for lengths in [0, 1, 2], [5, 1, 2], [1, 2]:
        with pytest.raises(ValueError, match="expected 3 whole numbers from 1 to 4"):
            pool(x, np.array(lengths), "mean")


def attended(x, layer):
    """Attentive pooling of one sentence, word by word."""
    scores = [float(np.tanh(word @ layer.W.value + layer.b.value) @ layer.u.value[:, 0]) for word in x]
    weights = [np.exp(score) / sum(map(np.exp, scores)) for score in scores]
    return sum(weight * word for weight, word in zip(weights, x, strict=True))


def drawn(layer, rng):
    """The layer with random values: its bias, too."""
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape)
    return layer


def test_attention_weighs_the_words_of_each_sentence_alone(rng):
    layer = drawn(AttentivePooling(6, 4, rng=rng, dtype=np.float64), rng)
    x = rng.normal(size=(5, 3, 6))
    y, cache = layer.forward(x, LENGTHS)
    for b, n in enumerate(LENGTHS):
        np.testing.assert_allclose(y[b], attended(x[:n, b], layer), rtol=1e-12)
    np.testing.assert_allclose(cache.p.sum(axis=0), 1, rtol=1e-12)


def test_large_scores_do_not_overflow(rng):
    layer = AttentivePooling(2, 3, rng=rng)
    layer.u.value[:] = 1e4
    with np.errstate(all="raise", under="ignore"):
        y, _ = layer.forward(rng.normal(size=(4, 3, 2)).astype(np.float32), LENGTHS)
    assert np.isfinite(y).all()


def test_joined_kinds_are_side_by_side(rng):
    layer = drawn(Pooling("mean+max+attention", 6, rng=rng, dtype=np.float64), rng)
    x = rng.normal(size=(5, 3, 6))
    y, _ = layer.forward(x, LENGTHS)
    for b, n in enumerate(LENGTHS):
        own = x[:n, b]
        expected = [own.mean(axis=0), own.max(axis=0), attended(own, layer.attention)]
        np.testing.assert_allclose(y[b], np.concatenate(expected), rtol=1e-12)


@pytest.mark.parametrize("kind", SENTENCE_POOLING)
@pytest.mark.parametrize("padding", [1e6, np.inf, np.nan])
def test_a_layer_ignores_padding(kind, padding, rng):
    layer = drawn(Pooling(kind, 6, rng=rng), rng)
    x = rng.normal(size=(5, 3, 6)).astype(np.float32)
    before, _ = layer.forward(x, LENGTHS)
    for b, n in enumerate(LENGTHS):
        x[n:, b] = padding
    with np.errstate(invalid="ignore"):
        y, cache = layer.forward(x, LENGTHS)
    np.testing.assert_array_equal(y, before)
    dx = layer.backward(np.ones_like(y), cache)
    assert all(not dx[n:, b].any() for b, n in enumerate(LENGTHS))
    assert {y.dtype, dx.dtype, *(p.grad.dtype for p in parameters(layer).values())} == {np.dtype(np.float32)}
