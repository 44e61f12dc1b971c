"""exercises.tasks: solutions in other words are right, and mistakes in them are named."""

import pytest

from tests.exercise_helpers import verdict_on, wrong_arrays


@pytest.mark.parametrize(("number", "body"), [
    ("13.3", "return np.stack([x[:n, b].mean(axis=0) for b, n in enumerate(lengths)])"),
    ("14.2", """
        import itertools
        n, C = z.shape
        total = 0
        for y in itertools.product(range(C), repeat=n):
            pairs = sum(A[i, j] for i, j in zip(y, y[1:]))
            total += np.exp(a[y[0]] + sum(z[t, y[t]] for t in range(n)) + pairs + e[y[-1]])
        return np.log(total)
    """),
    ("15.2", "return np.stack([(np.diag(row) - np.outer(row, row)) @ d for row, d in zip(p, dp)])"),
])
def test_other_words_are_right(number, body):
    assert verdict_on(number, body).lines == []


@pytest.mark.parametrize(("number", "body", "kind"), [
    ("13.1", "return np.where(u > rate, x, 0)", "factor"),
    ("13.2", "return dy / (1 - rate)", "mask"),
    ("13.3", "return x.mean(axis=0)", ""),
    ("14.1", "return a[y[0]] + sum(z[t, k] for t, k in enumerate(y)) + A[y[1:], y[:-1]].sum() + e[y[-1]]",
     "transpose"),
    ("15.1", """
        g = q.dot(W).dot(k.T)
        g = np.exp(g - g.max(axis=1, keepdims=True))
        return g / g.sum(axis=1, keepdims=True) @ k
    """, "factor"),
    ("15.2", "return p * dp", "missing path"),
])
def test_a_mistake_in_other_words_is_named(number, body, kind):
    found = verdict_on(number, body)
    assert (found.right, found.kind) == (False, kind)


def test_only_the_part_of_the_keys_that_a_missing_path_reaches_is_wrong():
    found = verdict_on("15.3", """
        root = len(k[0]) ** 0.5
        dp = np.einsum('td,sd->ts', dc, k)
        dg = (dp * p - p * (p * dp).sum(1)[:, None]) / root
        return np.einsum('ts,sd,pd->tp', dg, k, W), p.T @ dc, np.einsum('tp,ts,sd->pd', q, dg, k)
    """)
    assert wrong_arrays(found) == ["dk"]
    assert found.kind == "missing path"
