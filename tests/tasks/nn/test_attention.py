"""attention: shares equal their equations one number at a time, a padded key has none."""

import numpy as np
import pytest

from elmo_np.tasks.nn.attention import AdditiveAttention, DotAttention, _Attention

T, S, B, P, D = 2, 4, 3, 3, 5
LENGTHS = np.array([4, 1, 3])


@pytest.fixture(params=["additive", "dot"])
def layer(request, rng):
    if request.param == "dot":
        return DotAttention(P, D, rng=rng, dtype=np.float64)
    layer = AdditiveAttention(P, D, 2, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=2)
    return layer


def score(layer, q, k):
    if isinstance(layer, DotAttention):
        return sum(q[i] * layer.W.value[i, j] * k[j] for i in range(P) for j in range(D)) / D**0.5
    u = [np.tanh(sum(q[i] * layer.Wq.value[i, a] for i in range(P)) + sum(k[j] * layer.Wk.value[j, a] for j in range(D))
                 + layer.b.value[a]) for a in range(2)]
    return sum(u[a] * layer.v.value[a] for a in range(2))


def test_what_a_query_finds_equals_the_equations(layer, rng):
    q, k = rng.normal(size=(T, B, P)), rng.normal(size=(S, B, D))
    c, cache = layer.forward(q, k, LENGTHS)
    for t in range(T):
        for b, n in enumerate(LENGTHS):
            weights = np.exp([score(layer, q[t, b], k[s, b]) for s in range(n)])
            shares = weights / weights.sum()
            np.testing.assert_allclose(cache.p[b, t], [*shares, *[0] * (S - n)], rtol=1e-13)
            np.testing.assert_allclose(c[t, b], shares @ k[:n, b], rtol=1e-12, atol=1e-14)


def test_a_padded_key_changes_nothing_and_has_no_gradient(layer, rng):
    q, k = rng.normal(size=(T, B, P)), rng.normal(size=(S, B, D))
    before = layer.forward(q, k, LENGTHS)[0]
    for b, n in enumerate(LENGTHS):
        k[n:, b] = 1e3
    c, cache = layer.forward(q, k, LENGTHS)
    np.testing.assert_array_equal(c, before)
    _, dk = layer.backward(rng.normal(size=c.shape), cache)
    assert all(not dk[n:, b].any() for b, n in enumerate(LENGTHS))


def test_float32_stays_float32(rng):
    for layer in DotAttention(P, D, rng=rng), AdditiveAttention(P, D, 2, rng=rng):
        c, cache = layer.forward(np.ones((T, B, P), np.float32), np.ones((S, B, D), np.float32), LENGTHS)
        assert {a.dtype for a in (c, cache.p, *layer.backward(c, cache))} == {np.dtype(np.float32)}


def test_a_mistake_is_named(layer, rng):
    q, k = rng.normal(size=(T, B, P)), rng.normal(size=(S, B, D))
    with pytest.raises(ValueError, match=r"expected \(T, B, 3\) and \(S, B, 5\)"):
        layer.forward(q[..., 1:], k, LENGTHS)
    with pytest.raises(ValueError, match="expected 3 whole numbers from 1 to 4"):
        layer.forward(q, k, np.array([4, 0, 2]))


def test_attention_without_a_kind_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        _Attention()
