"""exercises.language_models: solutions in other words are right, and mistakes in them are named."""

import pytest

from tests.exercise_helpers import verdict_on, wrong_arrays


@pytest.mark.parametrize(("number", "body"), [
    ("02.1", "return (1 / p).prod() ** (1 / len(p))"),
    ("02.4", """
        e = np.exp(z - z.max())
        p = e / e.sum(axis=1)[:, None]
        return (p - (y[:, None] == np.arange(z.shape[1]))) / z.shape[0]
    """),
    ("02.6", "return np.einsum('tbv,tbd->vd', ids[..., None] == np.arange(V), dx)"),
    ("10.1", """
        top = z.max(axis=1, keepdims=True)
        return (top + np.log(np.sum(np.exp(z - top), axis=1, keepdims=True)))[:, 0]
    """),
    ("10.2", "return (ids[:, None] == np.arange(dz.shape[1])).T @ dx + np.einsum('nv,np->vp', dz, h)"),
])
def test_other_words_are_right(number, body):
    assert verdict_on(number, body).lines == []


@pytest.mark.parametrize(("number", "body", "kind"), [
    ("02.1", "return 2 ** -np.log2(p).sum()", "mean for sum"),
    ("02.4", """
        e = np.exp(z)
        return e / e.sum(axis=1)[:, None] - (y[:, None] == np.arange(z.shape[1]))
    """, "mean for sum"),
    ("02.4", """
        e = np.exp(z)
        return ((y[:, None] == np.arange(z.shape[1])) - e / e.sum(axis=1)[:, None]) / len(y)
    """, "sign"),
    ("02.5", "return dz.dot(W), np.einsum('np,nv->pv', h, dz), np.add.reduce(dz)", "transpose"),
    ("02.6", """
        dE = np.zeros((V, dx.shape[-1]))
        for t in range(len(ids)):
            for b in range(ids.shape[1]):
                dE[ids[t, b]] = dx[t, b]
        return dE
    """, "accumulation"),
    ("10.2", "return np.einsum('nv,np->vp', dz, h)", "missing path"),
    ("10.3", "return np.log(tries * np.log((ids + 2) / (ids + 1)) / np.log(V + 1))", "factor"),
])
def test_a_mistake_in_other_words_is_named(number, body, kind):
    found = verdict_on(number, body)
    assert (found.right, found.kind) == (False, kind)


def test_scores_in_the_thousands_overflow_where_nothing_is_subtracted():
    found = verdict_on("02.3", "return z - np.log(np.exp(z).sum(axis=1))[:, None]")
    assert wrong_arrays(found) == ["log_p"]
    assert found.kind == "mask"
    assert "overflows" in found.lines[-1]
