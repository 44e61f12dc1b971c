"""exercises.mistakes: each rule changes one place of a source, and nothing else."""

import textwrap

import pytest

from elmo_np.exercises.exercise import KINDS
from elmo_np.exercises.mistakes import mistakes


def changed(body):
    """{(kind, the function's line with the mistake)}, of a function with this one line."""
    text = f"def f(x):\n    {body}\n"
    return {(one.kind, one.source.splitlines()[1].strip()) for one in mistakes(text, "f")}


@pytest.mark.parametrize(("body", "expected"), [
    ("y = a + b", {("sign", "y = a - b"), ("missing path", "y = a"), ("missing path", "y = b")}),
    ("y = 1 - b", {("sign", "y = 1 + b")}),
    ("y = a * b", {("factor", "y = a"), ("factor", "y = b")}),
    ("y = d * (h < clip)", {("mask", "y = d"), ("factor", "y = (h < clip)"), ("mask", "y = d * (h <= clip)")}),
    ("y = a / N", {("mean for sum", "y = a")}),
    ("y = a / s", {("factor", "y = a")}),
    ("y = a**2", {("factor", "y = a")}),
    ("y = x.T @ d[0]", {("transpose", "y = x @ d[0]")}),
    ("y = x @ W", {("transpose", "y = x.T @ W"), ("transpose", "y = x @ W.T")}),
    ("y = -f(x)", {("sign", "y = f(x)")}),
    ("dW += g", {("sign", "dW -= g"), ("accumulation", "dW = g")}),
    ("y = c[t]", {("stale state", "y = c[t+1]"), ("stale state", "y = c[t-1]")}),
    ("y = c[t+1]", {("stale state", "y = c[t]")}),
    ("y = h[:-1]", {("stale state", "y = h[1:]")}),
    ("y = range(T)", {("off by one", "y = range(1, T)"), ("off by one", "y = range(T - 1)")}),
    ("y = t < lengths", {("off by one", "y = t <= lengths")}),
    ("y = x.sum(axis=0)", {("mean for sum", "y = x.mean(axis=0)")}),
    ("y = np.where(live, a, b)", {("mask", "y = a")}),
])
def test_a_rule_makes_these_mistakes(body, expected):
    assert changed(body) == expected


def test_brackets_stay_balanced():
    assert ("factor", "y = dx * (1 - g)") in changed("y = dx * (1 - g) * (a + b)")
    assert ("sign", "y = (a + b) - (c + d)") in changed("y = (a + b) + (c + d)")
    assert ("missing path", "y = (c + d)") in changed("y = (a + b) + (c + d)")


def test_only_the_function_is_changed_and_comments_and_layout_stay():
    text = textwrap.dedent('''\
        A = 1 + 2       # é


        class Layer:
            def backward(self, x: "a + b") -> "c + d":
                """1 + 2"""
                check_array(x + 1)
                return  x+x     # (L1)
        ''')
    found = mistakes(text, "Layer.backward")
    assert [(one.kind, one.source.splitlines()[7]) for one in found] == [
        ("sign", "        return  x-x     # (L1)"), ("missing path", "        return  x     # (L1)"),
        ("missing path", "        return  x     # (L1)")]
    for one in found:
        assert one.source.splitlines()[:7] == text.splitlines()[:7]
        assert one.hint == KINDS[one.kind]


def test_a_function_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="not enough values"):
        mistakes("x = 1\n", "f")
