"""gradcheck: the checker accepts right gradients, rejects wrong ones, and leaves every array as it found it."""

import numpy as np
import pytest

from elmo_np.nn.gradcheck import central_difference, check, gradcheck


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


def test_the_checker_names_the_one_element_that_is_wrong(point):
    x, grad, loss = point
    grad[2, 1] += 1e-3
    row, = gradcheck(loss, {"x": x}, {"x": grad})
    assert row.entry == (2, 1)
    assert row.analytic - row.numeric == pytest.approx(1e-3, rel=1e-4)
    assert "d loss / d x[2, 1]" in str(row)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_checker_rejects_a_gradient_that_is_not_finite_at_its_position(point, bad):
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


def test_the_checker_restores_an_element_when_the_loss_raises(point):
    x, before = point[0], point[0].tobytes()

    def loss():
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        central_difference(loss, x.reshape(-1), 5, 1e-5)
    assert x.tobytes() == before


def test_samples_are_that_many_elements_drawn_by_the_seed(point):
    x, grad, loss = point
    rows = [gradcheck(loss, {"x": x}, {"x": grad}, samples=5, seed=seed)[0] for seed in (1, 1, 2)]
    assert [row.checked for row in rows] == [5, 5, 5]
    assert rows[0] == rows[1]
    assert gradcheck(loss, {"x": x}, {"x": grad}, samples=100)[0].checked == x.size


def test_a_loss_that_ignores_an_array_is_rejected():
    row, = gradcheck(lambda: 1.0, {"w": np.ones(3)}, {"w": np.zeros(3)})
    assert not row.ok()
    assert row.error == np.inf
