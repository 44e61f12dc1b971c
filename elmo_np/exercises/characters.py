"""Exercises of tutorial 09: a word from its characters."""

from typing import Any

import numpy as np
from numpy.random import Generator

from ..nn.char_cnn import Highway, convolve, windows
from ..nn.lstm import sigmoid
from ..types import Array
from .exercise import exercise, normal, slopes, values, wrong


@exercise(
    "09.1", "A filter at every position", returns="y",
    inputs=lambda rng: {**normal(rng, e=(6, 2), W=(6, 4)), "w": 3},
    expected=values(lambda e, W, w: windows(e[None], w)[0] @ W),
    mistakes=[
        wrong("off by one", "the last window ends with the last character", "len(e) - w + 1", "len(e) - w"),
        wrong("transpose", "a window holds one character after another", "e[p:p+w].reshape(-1)",
              "e[p:p+w].T.reshape(-1)"),
    ])
def convolution(e, W, w):
    """(C2): y_p = [e_p ; .. ; e_{p+w-1}] W, for every window of w characters.

    e (L, C): the vectors of a word's characters; W (w C, n): n filters -> y (L - w + 1, n)
    """
    return np.stack([e[p:p+w].reshape(-1) @ W for p in range(len(e) - w + 1)])


def _pooling_point(rng: Generator) -> dict[str, Any]:
    y = rng.normal(size=(3, 4, 2))
    return {"y": y, "dm": rng.normal(size=(3, 2)), "argmax": y.argmax(axis=1), "Q": 4}


@exercise(
    "09.2", "Back through a maximum", returns="dy",
    inputs=_pooling_point,
    expected=slopes(lambda y, dm: (y.max(axis=1) * dm).sum()),
    mistakes=[
        wrong("mean for sum", "a maximum depends on one position, not on all alike", "positions == argmax[:, None]",
              "np.full((len(dm), Q, dm.shape[1]), 1 / Q)"),
        wrong("mask", "only the position of the maximum gets a gradient", "positions == argmax[:, None]",
              "np.ones((len(dm), Q, dm.shape[1]))"),
        wrong("off by one", "positions are counted from 0", "np.arange(Q)", "np.arange(1, Q + 1)"),
    ])
def max_backward(dm, argmax, Q):
    """(C3) backward: m[g] = max_p y[g, p], for each filter separately.

    dm (G, n): gradient of the maxima of G words; argmax (G, n): the position of each; Q: how many positions there are
    -> dy (G, Q, n)
    """
    positions = np.arange(Q)[:, None]
    return (positions == argmax[:, None]) * dm[:, None]


@exercise(
    "09.3", "Windows overlap", returns="de dW",
    inputs=lambda rng: {**normal(rng, dy=(4, 5), e=(6, 2), W=(6, 5)), "w": 3},
    expected=slopes(lambda dy, e, W: (convolve_all(e, W) * dy).sum()),
    mistakes=[
        wrong("accumulation", "a character is in several windows: its gradients add", "de[p:p+w] +=", "de[p:p+w] ="),
        wrong("accumulation", "a filter is used at every position: its gradients add", "dW +=", "dW ="),
        wrong("off by one", "there are L - w + 1 windows", "range(len(dy))", "range(len(dy) - 1)"),
        wrong("sign", "every window adds its gradient", "de[p:p+w] +=", "de[p:p+w] -="),
    ])
def convolution_backward(dy, e, W, w):
    """(C2) backward: y_p = [e_p ; .. ; e_{p+w-1}] W.

    dy (Q, n), e (L, C), W (w C, n), Q = L - w + 1 -> de (L, C), dW (w C, n)
    """
    de = np.zeros_like(e)
    dW = np.zeros_like(W)
    for p in range(len(dy)):
        de[p:p+w] += (W @ dy[p]).reshape(w, -1)
        dW += np.outer(e[p:p+w].reshape(-1), dy[p])
    return de, dW


def convolve_all(e: Array, W: Array) -> Array:
    """(C2) of one word by the package, a window at a time: the maximum over one window is its value."""
    w = len(W) // e.shape[1]
    one = np.array([1])
    return np.concatenate([convolve(e[None, p:p+w], W, one, False)[0] for p in range(len(e) - w + 1)])


def _highway(x: Array, Wr: Array, br: Array, Wt: Array, bt: Array) -> Array:
    layer = Highway(x.shape[1], np.random.default_rng(0), np.dtype(np.float64))
    for name, value in ("Wr", Wr), ("br", br), ("Wt", Wt), ("bt", bt):
        getattr(layer, name).value[...] = value
    return layer.forward(x)[0]


def _highway_point(rng: Generator) -> dict[str, Array]:
    point = normal(rng, dnext=(4, 3), x=(4, 3), Wr=(3, 3), br=(3,), Wt=(3, 3), bt=(3,))
    r = sigmoid(point["x"] @ point["Wr"] + point["br"])
    return {**point, "r": r, "t": np.maximum(point["x"] @ point["Wt"] + point["bt"], 0)}


@exercise(
    "09.4", "A highway layer", returns="next",
    inputs=_highway_point,
    expected=values(_highway),
    mistakes=[
        wrong("transpose", "r is the share of the new, 1 - r that of the old", "r * t + (1 - r) * x",
              "(1 - r) * t + r * x"),
        wrong("missing path", "the rest of x passes unchanged", "r * t + (1 - r) * x", "r * t"),
        wrong("mask", "the new is a relu", "np.maximum(x @ Wt + bt, 0)", "(x @ Wt + bt)"),
        wrong("transpose", "x is multiplied from the left; a square matrix fits both ways", "x @ Wr", "x @ Wr.T"),
    ])
def highway(x, Wr, br, Wt, bt):
    """(C5)-(C7): r = sigma(x Wr + br),  t = relu(x Wt + bt),  the next x = r t + (1 - r) x.

    x (N, F), Wr, Wt (F, F), br, bt (F,) -> (N, F)
    """
    r = sigmoid(x @ Wr + br)
    t = np.maximum(x @ Wt + bt, 0)
    return r * t + (1 - r) * x


@exercise(
    "09.5", "A highway layer, backward", returns="dx dWr dbr dWt dbt",
    inputs=_highway_point,
    expected=slopes(lambda dnext, x, Wr, br, Wt, bt: (_highway(x, Wr, br, Wt, bt) * dnext).sum()),
    mistakes=[
        wrong("mask", "where the relu is zero, nothing passes", "dnext * r * (t > 0)", "dnext * r"),
        wrong("missing path", "x reaches the result by three paths: the one past the layer is missing",
              "dnext * (1 - r) + ", ""),
        wrong("missing path", "x reaches the result by three paths: the one through the gate is missing",
              " + dr @ Wr.T", ""),
        wrong("missing path", "r is used twice: as it is, and in 1 - r", "dnext * (t - x)", "dnext * t"),
        wrong("transpose", "a square matrix fits both ways", "dt @ Wt.T", "dt @ Wt"),
        wrong("factor", "the gate's slope is missing", "(t - x) * r * (1 - r)", "(t - x)"),
        wrong("sign", "1 - r has a minus", "(t - x)", "(t + x)"),
    ])
def highway_backward(dnext, x, r, t, Wr, Wt):
    """(C7)-(C5) backward: r = sigma(x Wr + br),  t = relu(x Wt + bt),  the next x = r t + (1 - r) x.

    dnext, x, r, t (N, F), Wr, Wt (F, F) -> dx (N, F), dWr (F, F), dbr (F,), dWt (F, F), dbt (F,)
    """
    dr = dnext * (t - x) * r * (1 - r)
    dt = dnext * r * (t > 0)
    dx = dnext * (1 - r) + dt @ Wt.T + dr @ Wr.T
    return dx, x.T @ dr, dr.sum(axis=0), x.T @ dt, dt.sum(axis=0)
