"""Exercises of tutorial 07: what an update does with a gradient."""

from typing import Any

import numpy as np
from numpy.random import Generator

from ..nn.optim import AdamRates, adagrad_update, adam_update, clip_scale, global_norm, sgd_update
from ..nn.parameter import Parameter
from ..types import Array
from .exercise import exercise, normal, values, wrong


def _clipped(dW: Array, db: Array, bound: float) -> tuple[Array, Array]:
    both = {"W": Parameter(np.zeros_like(dW)), "b": Parameter(np.zeros_like(db))}
    both["W"].grad[...] = dW
    both["b"].grad[...] = db
    scale = clip_scale(global_norm(both), bound)
    return scale * dW, scale * db


@exercise(
    "07.1", "Clipping by the global norm", returns="dW db",
    inputs=lambda rng: {**normal(rng, dW=(3, 2), db=(4,)), "bound": 0.5},
    also=lambda rng: {**normal(rng, dW=(3, 2), db=(4,)), "bound": 50.0},
    expected=values(_clipped),
    mistakes=[
        wrong("missing path", "the norm is that of all gradients as one vector", " + (db**2).sum()", ""),
        wrong("factor", "the norm is the root of the sum of squares", "np.sqrt(squares)", "squares"),
        wrong("mean for sum", "the norm is a sum, not a mean", "np.sqrt(squares)",
              "np.sqrt(squares / (dW.size + db.size))"),
        wrong("mask", "clipping shortens the vector; it does not cut off elements", "return scale * dW, scale * db",
              "return np.clip(dW, -bound, bound), np.clip(db, -bound, bound)"),
        wrong("factor", "the result has the length of the bound, not of 1", "bound / norm", "1 / norm"),
        wrong("mask", "a vector that is shorter than the bound stays as it is", "min(1, bound / norm)", "bound / norm"),
    ])
def clip_by_norm(dW, db, bound):
    """(O1): n = sqrt(sum of all dW^2 and db^2); both are multiplied by min(1, bound / n).

    dW (D, H), db (H,): all gradients there are; bound: one number -> dW, db
    """
    squares = (dW**2).sum() + (db**2).sum()
    norm = np.sqrt(squares)
    scale = min(1, bound / norm)
    return scale * dW, scale * db


def _sgd(nesterov: bool) -> Any:
    def oracle(w: Array, v: Array, g: Array, rate: float, momentum: float) -> tuple[Array, Array]:
        w = w.copy()
        v = v.copy()
        sgd_update(w, g, v, 1.0, rate, momentum, nesterov)
        return w, v
    return oracle


def _update_point(rng: Generator) -> dict[str, Any]:
    return {**normal(rng, w=(5,), v=(5,), g=(5,)), "rate": 0.3, "momentum": 0.8}


@exercise(
    "07.2", "Momentum", returns="w v",
    inputs=_update_point,
    expected=values(_sgd(False)),
    mistakes=[
        wrong("sign", "training goes downhill", "- rate * g", "+ rate * g"),
        wrong("stale state", "the step is the new velocity, not the old one", "return w + v_new", "return w + v"),
        wrong("missing path", "a share of the last step is kept", "momentum * v - rate * g", "-rate * g"),
        wrong("factor", "in this form the rate is not multiplied by 1 - momentum", "rate * g",
              "rate * (1 - momentum) * g"),
    ])
def momentum_step(w, v, g, rate, momentum):
    """(O2), (O3): v <- momentum v - rate g,  w <- w + v.

    w, v, g (N,); rate, momentum: one number each -> the new w, the new v
    """
    v_new = momentum * v - rate * g
    return w + v_new, v_new


@exercise(
    "07.3", "Nesterov's step", returns="w v",
    inputs=_update_point,
    expected=values(_sgd(True)),
    mistakes=[
        wrong("stale state", "(O4) uses the new velocity; with the old one it is plain momentum",
              "w + momentum * v_new", "w + momentum * v"),
        wrong("missing path", "the step along the gradient is missing", "v_new - rate * g, v_new", "v_new, v_new"),
        wrong("factor", "the look ahead is shortened by the momentum", "w + momentum * v_new", "w + v_new"),
    ])
def nesterov_step(w, v, g, rate, momentum):
    """(O2), (O4): v <- momentum v - rate g,  w <- w + momentum v - rate g.

    w, v, g (N,); rate, momentum: one number each -> the new w, the new v
    """
    v_new = momentum * v - rate * g
    return w + momentum * v_new - rate * g, v_new


def _adagrad(w: Array, a: Array, g: Array, rate: float) -> tuple[Array, Array]:
    w = w.copy()
    a = a.copy()
    adagrad_update(w, g, a, 1.0, rate)
    return w, a


@exercise(
    "07.4", "A rate for each parameter", returns="w a",
    inputs=lambda rng: {**normal(rng, w=(5,), g=(5,)), "a": rng.uniform(1, 2, 5), "rate": 0.3},
    expected=values(_adagrad),
    mistakes=[
        wrong("stale state", "the square of this gradient counts already in this step", "np.sqrt(a_new)", "np.sqrt(a)"),
        wrong("factor", "it is divided by the root of the sum", "np.sqrt(a_new)", "a_new"),
        wrong("accumulation", "squares add up over all steps", "a + g**2", "g**2"),
        wrong("factor", "squares are added, not gradients", "g**2", "g"),
    ])
def adagrad_step(w, a, g, rate):
    """(O5): a <- a + g^2,  w <- w - rate g / sqrt(a).

    w, a, g (N,); rate: one number -> the new w, the new a
    """
    a_new = a + g**2
    return w - rate * g / np.sqrt(a_new), a_new


def _adam(w: Array, m: Array, u: Array, g: Array, k: int) -> tuple[Array, ...]:
    w, m, u = w.copy(), m.copy(), u.copy()
    adam_update(w, g, m, u, 1.0, AdamRates(0.1, 0.9, 0.99, 0.01), k)
    return w, m, u


@exercise(
    "07.5", "Adam", returns="w m u",
    inputs=lambda rng: {**normal(rng, w=(5,), m=(5,), g=(5,)), "u": rng.uniform(0.1, 1, 5), "k": 3, "rate": 0.1,
                        "beta1": 0.9, "beta2": 0.99, "epsilon": 0.01},
    expected=values(_adam),
    mistakes=[
        wrong("missing path", "m starts at zero, and is corrected for that", "m / (1 - beta1**k)", "m"),
        wrong("missing path", "u starts at zero, and is corrected for that", "u / (1 - beta2**k)", "u"),
        wrong("off by one", "steps are counted from 1", "beta1**k", "beta1**(k - 1)"),
        wrong("factor", "it is divided by the root of the mean of squares", "np.sqrt(u / (1 - beta2**k))",
              "(u / (1 - beta2**k))"),
        wrong("factor", "u is the mean of squares", "(1 - beta2) * g**2", "(1 - beta2) * g"),
        wrong("transpose", "beta1 is of the mean, beta2 of the mean of squares", "beta1 * m + (1 - beta1) * g",
              "beta2 * m + (1 - beta2) * g"),
    ])
def adam_step(w, m, u, g, k, rate, beta1, beta2, epsilon):
    """(O6), (O7): m <- beta1 m + (1 - beta1) g,  u <- beta2 u + (1 - beta2) g^2,
    w <- w - rate (m / (1 - beta1^k)) / (sqrt(u / (1 - beta2^k)) + epsilon).

    w, m, u, g (N,); k: the number of the step, from 1; the others: one number each -> the new w, m, u
    """
    m = beta1 * m + (1 - beta1) * g
    u = beta2 * u + (1 - beta2) * g**2
    step = (m / (1 - beta1**k)) / (np.sqrt(u / (1 - beta2**k)) + epsilon)
    return w - rate * step, m, u
