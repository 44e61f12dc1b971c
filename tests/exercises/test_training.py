"""exercises.training: solutions in other words are right, and mistakes in them are named."""

import pytest

from tests.exercise_helpers import verdict_on, wrong_arrays


@pytest.mark.parametrize(("number", "body"), [
    ("07.1", """
        norm = np.linalg.norm(np.concatenate([dW.ravel(), db.ravel()]))
        return (dW, db) if norm <= bound else (dW / norm * bound, db / norm * bound)
    """),
    ("07.2", """
        v *= momentum
        v -= rate * g
        w += v
        return w, v
    """),
    ("07.5", """
        m += (1 - beta1) * (g - m)
        u += (1 - beta2) * (g * g - u)
        return w - rate * m / (1 - beta1**k) / (np.sqrt(u / (1 - beta2**k)) + epsilon), m, u
    """),
])
def test_other_words_are_right(number, body):
    assert verdict_on(number, body).lines == []


@pytest.mark.parametrize(("number", "body", "kind", "wrong"), [
    ("07.1", "s = bound / max(np.linalg.norm(dW), bound)\nreturn dW * s, db * s", "missing path", ["dW", "db"]),
    ("07.2", "return w + v, momentum * v - rate * g", "stale state", ["w"]),
    ("07.2", "v = rate * g + momentum * v\nreturn w + v, v", "sign", ["w", "v"]),
    ("07.3", "v = momentum * v - rate * g\nreturn w + v, v", "stale state", ["w"]),
    ("07.4", "w = w - rate * g / np.sqrt(a)\na = a + g * g\nreturn w, a", "stale state", ["w"]),
])
def test_a_mistake_in_other_words_is_named(number, body, kind, wrong):
    found = verdict_on(number, body)
    assert wrong_arrays(found) == wrong
    assert found.kind == kind
