"""exercises.vectors: solutions in other words are right, and mistakes in them are named."""

import pytest

from tests.exercise_helpers import verdict_on, wrong_arrays

GRU = """
    H = dh.shape[1]
    dn = dh * (1 - z) * (1 - n * n)
    dz = (h_old * dh - n * dh) * (z - z * z)
    dr = u_n * dn * (r - r * r)
    into_h = np.concatenate([dr, dz, r * dn], axis=1)
    return z * dh + np.einsum('bk,hk->bh', into_h, Wh), np.einsum('bh,bk->hk', h_old, into_h), into_h.sum(0), \
        np.einsum('bd,bk->dk', x, np.concatenate([dr, dz, dn], axis=1))
"""


@pytest.mark.parametrize(("number", "body"), [
    ("06.1", """
        n = np.arange(len(x))[:, None]
        return np.take_along_axis(x, np.where(n < lengths, lengths - 1 - n, n)[:, :, None], axis=0)
    """),
    ("08.3", "e = np.exp(w - w.max())\nreturn np.tensordot(gamma * e / e.sum(), layers, 1)"),
    ("08.8", GRU),
])
def test_other_words_are_right(number, body):
    assert verdict_on(number, body).lines == []


@pytest.mark.parametrize(("old", "new", "kind", "wrong"), [
    ("z * dh + np", "np", "missing path", ["dh_old"]),
    ("(h_old * dh - n * dh)", "(n * dh - h_old * dh)", "sign", ["dh_old", "dWh", "dbh", "dWx"]),
    ("r * dn]", "dn]", "factor", ["dh_old", "dWh", "dbh"]),
    ("(h_old * dh - n * dh)", "(h_old * dh)", "missing path", ["dh_old", "dWh", "dbh", "dWx"]),
    ("into_h.sum(0)", "into_h.mean(0)", "mean for sum", ["dbh"]),
])
def test_a_mistake_in_a_gru_is_named_with_the_arrays_that_it_reaches(old, new, kind, wrong):
    assert GRU.count(old) == 1
    found = verdict_on("08.8", GRU.replace(old, new))
    assert wrong_arrays(found) == wrong
    assert found.kind == kind


def test_backward_states_in_the_order_of_reading_are_stale():
    assert verdict_on("06.2", "return np.hstack([forward, backward])").kind == "stale state"


def test_a_square_matrix_that_is_turned_is_noticed():
    assert verdict_on("08.1", "return np.c_[h_forward, h_backward] @ W + b").kind == "transpose"


def test_the_softmaxs_second_path_is_missed():
    found = verdict_on("08.4", """
        s = np.exp(w) / np.exp(w).sum()
        q = np.tensordot(layers, de, 2)
        return gamma * np.multiply.outer(s, de), gamma * s * q, q.dot(s)
    """)
    assert wrong_arrays(found) == ["dw"]
    assert found.kind == "missing path"
