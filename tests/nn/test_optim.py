"""optim: every update is its source's formula, one element at a time, and a saved state continues bit for bit."""

import math
from copy import deepcopy

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.nn.optim import SGD, Adagrad, Adam, Optimizer, clip_scale, global_norm
from elmo_np.nn.parameter import Parameter, parameters
from tests import optimizer_reference

pytestmark = pytest.mark.usefixtures("each_backend")

STEPS = 6
# six steps of less than ten operations each on values around 1: 60 roundings of 1.1e-16
ROUNDING = 7e-15
KINDS = {
    "sgd": lambda named: SGD(named, 0.1),
    "momentum": lambda named: SGD(named, 0.1, 0.9),
    "nesterov": lambda named: SGD(named, 0.1, 0.9, nesterov=True),
    "adagrad": lambda named: Adagrad(named, 0.2),
    "adam": lambda named: Adam(named, 0.01),
}


def trained(make, rng, steps=STEPS, shape=(4, 3)):
    """A Parameter after some steps, its start, and the gradients it was given."""
    p = Parameter(rng.normal(size=shape))
    start, grads = p.value.copy(), rng.normal(size=(steps, *shape))
    optimizer = make({"p": p})
    for grad in grads:
        p.grad[...] = grad
        optimizer.step()
    return p.value, start, grads


def by_hand(rule, start, grads):
    """`rule(w, gradients of one element, in time)` for every element."""
    return np.array([rule(w, gs) for w, gs in zip(start.reshape(-1).tolist(), grads.reshape(len(grads), -1).T.tolist(),
                                                  strict=True)]).reshape(start.shape)


def test_sgd_steps_against_the_gradient(rng):
    def rule(w, gs):
        for g in gs:
            w = w - 0.1 * g
        return w
    value, *rest = trained(KINDS["sgd"], rng)
    np.testing.assert_allclose(value, by_hand(rule, *rest), rtol=0, atol=ROUNDING)


def test_momentum_is_keras_documented_update(rng):
    """velocity = momentum * velocity - learning_rate * g; w = w + velocity."""
    def rule(w, gs):
        velocity = 0.0
        for g in gs:
            velocity = 0.9 * velocity - 0.1 * g
            w = w + velocity
        return w
    value, *rest = trained(KINDS["momentum"], rng)
    np.testing.assert_allclose(value, by_hand(rule, *rest), rtol=0, atol=ROUNDING)


def test_nesterov_is_keras_documented_update(rng):
    """velocity = momentum * velocity - learning_rate * g; w = w + momentum * velocity - learning_rate * g."""
    def rule(w, gs):
        velocity = 0.0
        for g in gs:
            velocity = 0.9 * velocity - 0.1 * g
            w = w + 0.9 * velocity - 0.1 * g
        return w
    value, *rest = trained(KINDS["nesterov"], rng)
    np.testing.assert_allclose(value, by_hand(rule, *rest), rtol=0, atol=ROUNDING)


def test_adagrad_starts_at_one_and_has_no_epsilon(rng):
    def rule(w, gs):
        a = 1.0
        for g in gs:
            a = a + g * g
            w = w - 0.2 * g / math.sqrt(a)
        return w
    value, *rest = trained(KINDS["adagrad"], rng)
    np.testing.assert_allclose(value, by_hand(rule, *rest), rtol=0, atol=ROUNDING)


def test_adam_is_algorithm_1_of_its_paper(rng):
    def rule(theta, gs):
        m = v = 0.0
        for t, g in enumerate(gs, 1):
            m = 0.9 * m + (1 - 0.9) * g
            v = 0.999 * v + (1 - 0.999) * g * g
            m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
            theta = theta - 0.01 * m_hat / (math.sqrt(v_hat) + 1e-8)
        return theta
    value, *rest = trained(KINDS["adam"], rng)
    # 1 - 0.999 is 0.001 but for 1e-16, a relative 1e-13; a step is 0.01
    np.testing.assert_allclose(value, by_hand(rule, *rest), rtol=0, atol=STEPS * 0.01 * 2e-13)


@pytest.mark.parametrize("kind", optimizer_reference.KINDS)
def test_clipped_steps_by_rows_and_dense_equal_a_reference_written_out_plainly(kind):
    assert optimizer_reference.agrees(kind)


@pytest.mark.parametrize("kind", ["momentum", "nesterov"])
def test_the_reference_tells_the_order_of_momentum(kind, monkeypatch):
    """With the velocity of the step before, both would be another optimiser."""
    def late(w, g, state, k):
        before = state.get("v", 0)
        state["v"] = 0.9 * before - 0.1 * g
        return w + (before if kind == "momentum" else 0.9 * before - 0.1 * g)
    monkeypatch.setitem(optimizer_reference.KINDS, kind, (late, optimizer_reference.KINDS[kind][1]))
    assert not optimizer_reference.agrees(kind)


def test_the_global_norm_clips_all_arrays_by_one_factor(rng):
    """Not each array by its own norm."""
    named = {"large": Parameter(np.zeros(3)), "small": Parameter(np.zeros(3))}
    named["large"].grad[...] = 2.0
    named["small"].grad[...] = 0.5
    SGD(named, 1.0).step(clip_scale(global_norm(named), 1.0))
    norm = math.sqrt(3 * (2.0**2 + 0.5**2))
    np.testing.assert_allclose(named["large"].value, -2.0 / norm, rtol=1e-15)
    np.testing.assert_allclose(named["small"].value, -0.5 / norm, rtol=1e-15)


def test_adams_epsilon_is_outside_the_root():
    """After one step the update is rate * g / (|g| + epsilon)."""
    p = Parameter(np.zeros(1))
    p.grad[...] = 3.0
    Adam({"p": p}, 0.5, epsilon=1.0).step()
    assert p.value[0] == pytest.approx(-0.5 * 3 / 4, rel=1e-12)      # 1 / (1 - 0.999) carries 1e-13


def test_adagrad_sums_the_occurrences_of_a_word_before_it_squares(rng):
    p = Parameter(np.zeros((3, 1)), by_rows=True)
    p.grad[1] = 1.0 + 2.0                       # what an embedding's backward adds for two occurrences
    p.rows = [np.array([1, 1])]
    Adagrad({"p": p}, 0.2).step()
    assert p.value[1, 0] == pytest.approx(-0.2 * 3 / math.sqrt(1 + 9), rel=1e-15 * 4)


def rows_and_dense(rng, dtype, steps=4):
    """The same value and gradients in a Parameter that knows its rows and in one that does not."""
    value = rng.normal(size=(50, 7)).astype(dtype)
    by_rows, dense = Parameter(value.copy(), by_rows=True), Parameter(value.copy())
    ids = [rng.integers(0, 40, 9) for _ in range(steps)]        # words repeat, and ten never occur
    grads = [np.zeros_like(value) for _ in range(steps)]
    for grad, words in zip(grads, ids, strict=True):
        grad[words] = rng.normal(size=(9, 7))
    return by_rows, dense, ids, grads


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_an_update_by_rows_equals_the_dense_one_bit_for_bit(kind, dtype, rng):
    by_rows, dense, ids, grads = rows_and_dense(rng, dtype)
    optimizers = [KINDS[kind]({"E": p}) for p in (by_rows, dense)]
    for words, grad in zip(ids, grads, strict=True):
        for p, optimizer in zip((by_rows, dense), optimizers, strict=True):
            p.zero_grad()
            p.grad += grad
            if p is by_rows:
                p.rows.append(words)
            optimizer.step(0.7)
        assert by_rows.value.tobytes() == dense.value.tobytes()


@pytest.mark.parametrize("kind", ["sgd", "adagrad"])
def test_other_rows_stay_and_the_gradient_is_left_alone(kind, rng):
    by_rows, _, ids, grads = rows_and_dense(rng, np.float32)
    before, untouched = by_rows.value.copy(), np.setdiff1d(np.arange(50), ids[0])
    by_rows.grad += grads[0]
    by_rows.rows.append(ids[0])
    KINDS[kind]({"E": by_rows}).step()
    assert by_rows.value[untouched].tobytes() == before[untouched].tobytes()
    assert (by_rows.value[ids[0]] != before[ids[0]]).all()
    np.testing.assert_array_equal(by_rows.grad, grads[0])


@pytest.mark.parametrize("kind", ["momentum", "nesterov", "adam"])
def test_a_row_keeps_moving_where_the_optimiser_has_a_memory(kind, rng):
    p = Parameter(np.zeros((3, 2)), by_rows=True)
    optimizer = KINDS[kind]({"E": p})
    p.grad[1], p.rows = 1.0, [np.array([1])]
    optimizer.step()
    before = p.value.copy()
    p.zero_grad()
    optimizer.step()
    assert (p.value[1] < before[1]).all()
    assert not p.value[[0, 2]].any()


def test_no_rows_at_all_are_no_error(rng):
    for kind in KINDS.values():
        p = Parameter(np.ones((3, 2)), by_rows=True)
        optimizer = kind({"E": p})
        optimizer.step()
        np.testing.assert_array_equal(p.value, np.ones((3, 2)))
        assert global_norm({"E": p}) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_state_continues_bit_for_bit(kind, rng):
    p, grads = Parameter(rng.normal(size=(4, 3)).astype(np.float32)), rng.normal(size=(6, 4, 3))
    optimizer = KINDS[kind]({"p": p})
    def run(p, optimizer, grads):
        for grad in grads:
            p.grad[...] = grad
            optimizer.step()
    run(p, optimizer, grads[:3])
    other = deepcopy(p)
    saved = deepcopy(optimizer.state())
    run(p, optimizer, grads[3:])
    resumed = KINDS[kind]({"p": other})
    resumed.load_state(saved)
    run(other, resumed, grads[3:])
    assert other.value.tobytes() == p.value.tobytes()
    for key, array in optimizer.state().items():
        assert resumed.state()[key].tobytes() == array.tobytes()


def test_the_state_names_every_array_and_the_steps(rng):
    p = Parameter(np.ones((2, 3), np.float32))
    optimizer = Adam({"a.b": p})
    optimizer.step()
    assert {key: (array.shape, array.dtype) for key, array in optimizer.state().items()} == {
        "m.a.b": ((2, 3), np.float32), "u.a.b": ((2, 3), np.float32), "steps": ((), np.int64)}
    assert optimizer.state()["steps"] == 1


@pytest.mark.parametrize(("change", "message"), [
    ({"m.p": None}, "optimiser state m.p: found nothing, expected float64(3,)"),
    ({"u.p": np.zeros(4)}, "optimiser state u.p: found float64(4,), expected float64(3,)"),
    ({"u.p": np.zeros(3, np.float32)}, "optimiser state u.p: found float32(3,), expected float64(3,)"),
    ({"steps": None}, "optimiser state steps: found nothing, expected int64()"),
    ({"steps": np.array(-1)}, "optimiser state steps: found -1 to -1, expected 0 to 4.61e+18"),
    ({"steps": np.array(2**63 - 1)}, "optimiser state steps: found 9.22e+18 to 9.22e+18, expected 0 to 4.61e+18"),
    ({"m.p": np.array([0, np.nan, 0])}, "optimiser state m.p: found nan to nan, expected -1.8e+308 to 1.8e+308"),
    ({"m.p": np.array([0, 1, np.inf])}, "optimiser state m.p: found 0 to inf, expected -1.8e+308 to 1.8e+308"),
    ({"u.p": np.array([0, 1, -1.])}, "optimiser state u.p: found -1 to 1, expected 0 to 1.8e+308"),
])
def test_a_wrong_state_is_refused_and_changes_nothing(change, message):
    optimizer = Adam({"p": Parameter(np.zeros(3))})
    state = {**optimizer.state(), "m.p": np.ones(3), **change}
    state = {key: array for key, array in state.items() if array is not None}
    with pytest.raises(UserError) as caught:
        optimizer.load_state(state)
    assert str(caught.value) == message
    assert not optimizer.slots["m"]["p"].any()


def test_adagrads_sum_of_squares_is_never_less_than_at_its_start():
    optimizer = Adagrad({"p": Parameter(np.zeros(2))}, accumulator=0.5)
    state = optimizer.state()
    optimizer.load_state(state)
    with pytest.raises(UserError, match=r"accumulator\.p: found 0\.4 to 1, expected 0\.5 to 1\.8e\+308"):
        optimizer.load_state({**state, "accumulator.p": np.array([1, 0.4])})


def test_a_norm_below_the_bound_leaves_the_gradient_alone():
    for norm in 0.0, 4.9, 5.0:
        assert clip_scale(norm, 5.0) == 1
    assert clip_scale(1e9, None) == 1


def test_a_norm_above_the_bound_is_scaled_to_it(rng):
    named = {"a": Parameter(np.zeros((3, 4))), "b": Parameter(np.zeros(5))}
    for p in named.values():
        p.grad[...] = rng.normal(size=p.grad.shape)
    scale = clip_scale(global_norm(named), 0.5)
    for p in named.values():
        p.grad *= scale
    assert global_norm(named) == pytest.approx(0.5, rel=1e-15 * 10)     # 17 squares


@pytest.mark.parametrize("kind", KINDS)
def test_a_scale_is_applied_to_the_gradient(kind, rng):
    one, other = Parameter(np.ones(9)), Parameter(np.ones(9))
    grad = rng.normal(size=9)
    one.grad[...], other.grad[...] = grad, 0.25 * grad      # a power of two: exact
    KINDS[kind]({"p": one}).step(0.25)
    KINDS[kind]({"p": other}).step()
    np.testing.assert_allclose(one.value, other.value, rtol=0, atol=2.3e-16)        # rate * scale is rounded once


def test_the_global_norm_is_that_of_all_gradients_as_one_vector(rng):
    grads = [rng.normal(size=shape) for shape in ((3, 4), (5,), ())]
    named = {}
    for k, grad in enumerate(grads):
        named[str(k)] = p = Parameter(np.zeros_like(grad))
        p.grad[...] = grad
    expected = math.sqrt(math.fsum(g * g for grad in grads for g in np.ravel(grad).tolist()))
    assert global_norm(named) == pytest.approx(expected, rel=18 * 1.1e-16)


def test_the_global_norm_counts_a_shared_parameter_once():
    class Layer:
        def __init__(self, p):
            self.p = p

        def backward(self):
            pass
    shared = Parameter(np.zeros(4))
    shared.grad[...] = 3.0
    class Two(Layer):
        def __init__(self):
            self.first, self.second = Layer(shared), Layer(shared)
    assert global_norm(parameters(Two())) == 6


def test_the_global_norm_reads_only_the_rows_that_may_differ_from_zero(rng):
    p = Parameter(np.zeros((5, 2)), by_rows=True)
    p.grad[[1, 3]], p.rows = 2.0, [np.array([3, 1]), np.array([1])]
    assert global_norm({"E": p}) == 4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_global_norm_shows_a_gradient_that_is_not_finite(bad):
    p = Parameter(np.zeros(5, np.float32))
    p.grad[2] = bad
    assert not np.isfinite(global_norm({"p": p}))


def test_the_squares_of_a_float32_gradient_do_not_overflow():
    p = Parameter(np.zeros(4, np.float32))
    p.grad[...] = 1e30          # its square is beyond float32
    assert global_norm({"p": p}) == pytest.approx(2e30, rel=6e-8)


@pytest.mark.parametrize(("make", "message"), [
    (lambda named: SGD(named, 0), "learning_rate = 0: expected a number greater than 0"),
    (lambda named: SGD(named, -1.0), "learning_rate = -1.0: expected a number greater than 0"),
    (lambda named: Adam(named, np.nan), "learning_rate = nan: expected a number greater than 0"),
    (lambda named: Adagrad(named, np.inf), "learning_rate = inf: expected a number greater than 0"),
    (lambda named: SGD(named, 1, 1.0), "momentum = 1.0: expected a number of at least 0 and less than 1"),
    (lambda named: SGD(named, 1, -0.1), "momentum = -0.1: expected a number of at least 0 and less than 1"),
    (lambda named: SGD(named, 1, np.nan), "momentum = nan: expected a number of at least 0 and less than 1"),
    (lambda named: Adagrad(named, 1, 0), "accumulator = 0: expected a number greater than 0"),
    (lambda named: Adagrad(named, 1, np.nan),
     "accumulator = nan: expected a number greater than 0"),
])
def test_a_bad_setting_is_refused_with_its_range(make, message):
    with pytest.raises(UserError) as caught:
        make({"p": Parameter(np.zeros(3))})
    assert str(caught.value) == message


@pytest.mark.parametrize(("name", "value"), [("beta1", 1.0), ("beta1", -0.1), ("beta2", 1.0), ("epsilon", -1e-8)])
def test_a_bad_setting_of_adam_is_refused(name, value):
    with pytest.raises(UserError, match=f"{name} = {value}: expected a number"):
        Adam({"p": Parameter(np.zeros(3))}, **{name: value})


def test_an_optimiser_without_a_rule_is_refused():
    with pytest.raises(TypeError, match="abstract"):
        Optimizer({"p": Parameter(np.zeros(3))}, 0.1, {}, by_rows=False)
