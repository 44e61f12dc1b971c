"""exercises.recurrence: solutions in other words are right, and mistakes in them are named."""

import pytest

from tests.exercise_helpers import verdict_on, wrong_arrays

LSTM = """
    T, B, H = dy.shape
    da = np.zeros(ifog.shape)
    dh, dc = np.zeros((B, H)), np.zeros((B, H))
    for t in range(T - 1, -1, -1):
        i, f, o, g = (ifog[t, :, k*H:(k+1)*H] for k in range(4))
        total = dh + dy[t]
        squashed = np.tanh(c[t + 1])
        dc += total * o * (1 - squashed * squashed)
        da[t, :, :H] = dc * g * (i - i * i)
        da[t, :, H:2*H] = dc * c[t] * (f - f * f)
        da[t, :, 2*H:3*H] = total * squashed * (o - o * o)
        da[t, :, 3*H:] = dc * i * (1 - g * g)
        dh = da[t] @ Wh.T
        dc = dc * f
    return (np.einsum('tba,da->tbd', da, Wx), np.einsum('tbd,tba->da', x, da), np.einsum('tbh,tba->ha', h[:-1], da),
            da.sum((0, 1)))
"""
PLAIN = """
    dx, dWx, dWh, da = 0 * x, 0 * Wx, 0 * Wh, 0 * dy[0]
    for t in range(len(x) - 1, -1, -1):
        da = (dy[t] + da @ Wh.T) * (1 - h[t + 1] * h[t + 1])
        dx[t], dWx, dWh = da @ Wx.T, dWx + x[t].T @ da, dWh + h[t].T @ da
    return dx, dWx, dWh
"""


@pytest.mark.parametrize(("number", "body"), [
    ("03.1", "return np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x)))"),
    ("04.7", PLAIN),
    ("04.8", LSTM),
    ("04.9", """
        inside = (h > -clip) & (h < clip)
        return np.where(inside, dh, 0) @ Wp.T, np.einsum('bh,bp->hp', m, inside * dh)
    """),
    ("05.1", """
        found = []
        for k in range(x.size):
            e = np.zeros(x.size)
            e[k] = epsilon
            e = e.reshape(x.shape)
            found.append((f(x + e) - f(x - e)) / epsilon / 2)
        return np.reshape(found, x.shape)
    """),
])
def test_other_words_are_right(number, body):
    assert verdict_on(number, body).lines == []


@pytest.mark.parametrize(("number", "body", "old", "new", "kind", "wrong"), [
    ("04.7", PLAIN, "da @ Wh.T", "da @ Wh", "transpose", ["dx", "dWx", "dWh"]),
    ("04.7", PLAIN, "dy[t] + da @ Wh.T", "dy[t]", "missing path", ["dx", "dWx", "dWh"]),
    ("04.7", PLAIN, "dWh + h[t].T", "dWh + h[t + 1].T", "stale state", ["dWh"]),
    ("04.7", PLAIN, "dWx + x[t].T", "x[t].T", "accumulation", ["dWx"]),
    ("04.8", LSTM, "dc * c[t] *", "dc * c[t + 1] *", "stale state", ["dx", "dWx", "dWh", "db"]),
    ("04.8", LSTM, "h[:-1]", "h[1:]", "stale state", ["dWh"]),
    ("04.8", LSTM, "dc += total", "dc = total", "missing path", ["dx", "dWx", "dWh", "db"]),
    ("04.8", LSTM, "squashed * squashed)", "squashed)", "factor", ["dx", "dWx", "dWh", "db"]),
    ("04.8", LSTM, "total = dh + dy[t]", "total = dy[t]", "missing path", ["dx", "dWx", "dWh", "db"]),
    ("04.8", LSTM, "da.sum((0, 1))", "da.sum(0).mean(0)", "mean for sum", ["db"]),
    ("04.8", LSTM, "(o - o * o)", "(1 - o * o)", "", ["dx", "dWx", "dWh", "db"]),
])
def test_a_mistake_in_other_words_is_named_with_the_arrays_that_it_reaches(number, body, old, new, kind, wrong):
    assert body.count(old) == 1
    found = verdict_on(number, body.replace(old, new))
    assert wrong_arrays(found) == wrong
    assert found.kind == kind


def test_a_quotient_over_epsilon_is_twice_the_slope():
    found = verdict_on("05.1", """
        slope = np.zeros_like(x)
        for k in np.ndindex(x.shape):
            moved = x.copy()
            moved[k] += epsilon
            below = x.copy()
            below[k] -= epsilon
            slope[k] = (f(moved) - f(below)) / epsilon
        return slope
    """)
    assert found.kind == "factor"
