"""exercises.characters: solutions in other words are right, and mistakes in them are named."""

import pytest

from tests.exercise_helpers import verdict_on, wrong_arrays

HIGHWAY = """
    into_r = np.einsum('nf,nf,nf,nf->nf', dnext, t - x, r, 1 - r)
    into_t = np.where(t > 0, dnext * r, 0)
    dx = dnext - r * dnext
    dx += into_r @ Wr.T
    dx += into_t @ Wt.T
    return dx, np.dot(x.T, into_r), into_r.sum(0), np.dot(x.T, into_t), into_t.sum(0)
"""


@pytest.mark.parametrize(("number", "body"), [
    ("09.2", """
        dy = np.zeros((len(dm), Q, dm.shape[1]))
        for g in range(len(dm)):
            for n in range(dm.shape[1]):
                dy[g, argmax[g, n], n] = dm[g, n]
        return dy
    """),
    ("09.5", HIGHWAY),
])
def test_other_words_are_right(number, body):
    assert verdict_on(number, body).lines == []


@pytest.mark.parametrize(("old", "new", "kind", "wrong"), [
    ("np.where(t > 0, dnext * r, 0)", "dnext * r", "mask", ["dx", "dWt", "dbt"]),
    ("into_t @ Wt.T", "into_t @ Wt", "transpose", ["dx"]),
    ("dx = dnext - r * dnext", "dx = 0 * dnext", "missing path", ["dx"]),
    ("dx = dnext - r * dnext", "dx = dnext + r * dnext", "sign", ["dx"]),
    ("t - x, r", "t, r", "missing path", ["dx", "dWr", "dbr"]),
])
def test_a_mistake_in_a_highway_layer_is_named(old, new, kind, wrong):
    assert HIGHWAY.count(old) == 1
    found = verdict_on("09.5", HIGHWAY.replace(old, new))
    assert wrong_arrays(found) == wrong
    assert found.kind == kind


def test_windows_that_overwrite_each_other_are_an_accumulation():
    found = verdict_on("09.3", """
        de, dW = np.zeros_like(e), np.zeros_like(W)
        for p, row in enumerate(dy):
            de[p:p + w] = (row @ W.T).reshape(w, -1)
            dW += e[p:p + w].reshape(-1, 1) * row
        return de, dW
    """)
    assert wrong_arrays(found) == ["de"]
    assert found.kind == "accumulation"
