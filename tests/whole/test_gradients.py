"""Every backward pass equals the central differences of its own forward pass, and the checker can tell."""

import numpy as np
import pytest

from elmo_np import gradient_checks as gradient_cases
from elmo_np.gradient_checks import CASES
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.gradcheck import central_difference, check, gradcheck
from elmo_np.nn.parameter import Parameter

# Central differences at a step of 1e-5 are off by about (1e-5)^2 in truncation and by the loss's rounding, 1e-16 times
# its size, over 1e-5: both some 1e-10 of a loss around 1, and some 1e-8 of an array whose largest gradient is 0.01.
TOLERANCE = 1e-7


@pytest.mark.parametrize("name", CASES)
def test_every_gradient_equals_its_central_difference(name, each_backend):
    for row in gradient_cases.run(name):
        assert row.ok(TOLERANCE), f"{name}: {row}"


@pytest.mark.parametrize("name", CASES)
def test_every_number_of_every_array_is_compared(name):
    arrays = CASES[name](np.random.default_rng(0)).arrays
    assert {row.array: row.checked for row in gradient_cases.run(name)} == {n: x.size for n, x in arrays.items()}


@pytest.mark.parametrize("name", CASES)
def test_every_gradient_of_a_case_has_something_to_compare(name):
    assert all(np.abs(grad).max() > 1e-3 for grad in CASES[name](np.random.default_rng(0)).grads.values())


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("biLM")])
def test_every_parameter_of_a_bilm_appears_in_the_table(name, monkeypatch):
    models = []

    class Seen(BiLM):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            models.append(self)
    monkeypatch.setattr(gradient_cases.models, "BiLM", Seen)
    made = CASES[name](np.random.default_rng(0))
    model, = models
    held = {id(p.value) for p in reachable(model)}
    assert len(held) >= 8
    assert held == {id(array) for array in made.arrays.values()}
    assert {row.array for row in gradient_cases.run(name)} == set(made.arrays)


def reachable(thing, depth=8):
    """Every Parameter that can be reached from `thing`, however it is held: not by the package's own walk."""
    if isinstance(thing, Parameter):
        return [thing]
    children = thing if isinstance(thing, (list, tuple)) else vars(thing).values() if hasattr(thing, "__dict__") else ()
    return [p for child in children for p in reachable(child, depth - 1)] if depth else []


@pytest.fixture
def point(rng):
    """x, and the gradient 3 x^2 of the loss sum x^3."""
    x = rng.normal(size=(3, 4))
    return x, 3 * x**2, lambda: float((x**3).sum())


def test_the_checker_accepts_a_right_gradient(point):
    x, grad, loss = point
    row, = gradcheck(loss, {"x": x}, {"x": grad})
    assert row.ok()
    assert row.checked == 12
    check(loss, {"x": x}, {"x": grad})


@pytest.mark.parametrize("wrong", [lambda grad: -grad, lambda grad: 0 * grad, lambda grad: 1.00001 * grad,
                                   lambda grad: np.roll(grad, 1), lambda grad: grad + 1e-5])
def test_the_checker_rejects_a_wrong_gradient(point, wrong):
    x, grad, loss = point
    row, = gradcheck(loss, {"x": x}, {"x": wrong(grad)})
    assert not row.ok()
    with pytest.raises(AssertionError, match="1 of 1 gradients disagree"):
        check(loss, {"x": x}, {"x": wrong(grad)})


def test_the_checker_names_the_one_number_that_is_wrong(point):
    x, grad, loss = point
    grad[2, 1] += 1e-3
    row, = gradcheck(loss, {"x": x}, {"x": grad})
    assert row.entry == (2, 1)
    assert row.analytic - row.numeric == pytest.approx(1e-3, rel=1e-4)
    assert "d loss / d x[2, 1]" in str(row)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_checker_rejects_a_gradient_that_is_not_finite_at_its_place(point, bad):
    x, grad, loss = point
    grad[1, 3] = bad
    row, = gradcheck(loss, {"x": x}, {"x": grad})
    assert not row.ok()
    assert row.entry == (1, 3)


def test_the_checker_rejects_a_loss_that_is_nan(point):
    x, grad, _ = point
    row, = gradcheck(lambda: float("nan"), {"x": x}, {"x": grad})
    assert not row.ok()


def test_the_checker_rejects_a_wrong_shape(point):
    x, grad, loss = point
    with pytest.raises(ValueError, match=r"gradient of x has shape \(4, 3\), expected \(3, 4\)"):
        gradcheck(loss, {"x": x}, {"x": grad.T})


def test_the_checker_rejects_float32(point):
    x, grad, loss = point
    with pytest.raises(TypeError, match="x is float32; central differences need float64"):
        gradcheck(loss, {"x": x.astype(np.float32)}, {"x": grad})


def test_the_checker_rejects_arrays_that_are_not_contiguous(point):
    x, grad, loss = point
    for part, its in (x.T, grad.T), (x[:, ::2], grad[:, ::2]):
        with pytest.raises(ValueError, match="x is not contiguous"):
            gradcheck(loss, {"x": part}, {"x": its})


def test_the_checker_rejects_an_empty_array(point):
    *_, loss = point
    with pytest.raises(ValueError, match="x is empty"):
        gradcheck(loss, {"x": np.zeros((0, 3))}, {"x": np.zeros((0, 3))})


def test_the_checker_rejects_a_gradient_of_another_name(point):
    x, grad, loss = point
    with pytest.raises(ValueError, match=r"name different things: \['x', 'y'\]"):
        gradcheck(loss, {"x": x}, {"y": grad})


def test_the_checker_restores_arrays_to_the_bit(point):
    x, grad, loss = point
    before = x.tobytes()
    gradcheck(loss, {"x": x}, {"x": grad})
    assert x.tobytes() == before


def test_the_checker_restores_a_number_when_the_loss_raises(point):
    x, before = point[0], point[0].tobytes()

    def loss():
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        central_difference(loss, x.reshape(-1), 5, 1e-5)
    assert x.tobytes() == before


def test_samples_are_that_many_numbers_drawn_by_the_seed(point):
    x, grad, loss = point
    rows = [gradcheck(loss, {"x": x}, {"x": grad}, samples=5, seed=seed)[0] for seed in (1, 1, 2)]
    assert [row.checked for row in rows] == [5, 5, 5]
    assert rows[0] == rows[1]
    assert gradcheck(loss, {"x": x}, {"x": grad}, samples=100)[0].checked == x.size


def test_a_point_on_one_side_of_a_branch_is_refused():
    for values in np.ones(3), np.zeros(3):
        with pytest.raises(AssertionError, match="not on both sides of: clip"):
            gradient_cases.registry.acts(values, "clip")
