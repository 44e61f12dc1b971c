"""Exercises of tutorials 03 to 05, 11 and 12: an LSTM's step, its derivatives, back-propagation through time."""

from typing import Any

import numpy as np
from numpy.random import Generator

from ..gradient_checks.registry import acts
from ..io.bilm_tf_reader import _our_gates
from ..nn.gradcheck import central_difference
from ..nn.lstm import Clips, Weights, lstm_forward, sigmoid, step
from ..types import Array
from .exercise import exercise, normal, slopes, values, wrong


@exercise(
    "03.1", "A sigmoid for every number", returns="y",
    inputs=lambda rng: {"x": np.array([-2000.0, -3.0, -0.5, 0.0, 0.7, 4.0, 2000.0])},
    expected=values(sigmoid),
    mistakes=[
        wrong("factor", "the tanh is steeper than the sigmoid: it takes half of x", "0.5 * x", "x"),
        wrong("missing path", "a gate lies between 0 and 1, a tanh between -1 and 1", "1 + np.tanh", "np.tanh"),
    ])
def gate(x):
    """sigma(x) = 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2, of which the second form never overflows.

    x (N,), some of it in the thousands -> (N,)
    """
    return 0.5 * (1 + np.tanh(0.5 * x))


def _step(a: Array, c: Array) -> tuple[Array, Array]:
    B, H = c.shape
    zero = Weights(np.zeros((1, 4 * H)), np.zeros((H, 4 * H)), np.zeros(4 * H))
    _, h, c, _ = step(a, (np.zeros((B, H)), c), zero, Clips())
    return h, c


@exercise(
    "03.2", "From the sums to the output", returns="h c",
    inputs=lambda rng: normal(rng, a=(2, 12), c=(2, 3)),
    expected=values(_step),
    mistakes=[
        wrong("stale state", "the output shows the new cell, not the old one", "return o * np.tanh(c_new)",
              "return o * np.tanh(c)"),
        wrong("factor", "the input gate decides how much is written", "i * np.tanh(g)", "np.tanh(g)"),
        wrong("transpose", "the order of the blocks is i f o g", "i, f, o, g =", "i, f, g, o ="),
        wrong("factor", "the candidate is a tanh: it may be negative", "np.tanh(g)", "sigmoid(g)"),
        wrong("factor", "the output gate shows the tanh of the cell", "np.tanh(c_new)", "c_new"),
    ])
def lstm_step(a, c):
    """(L2), (L3), (L5): i, f, o = sigma(a^i, a^f, a^o), g = tanh(a^g);  c_new = f c + i g,  h = o tanh(c_new).

    a (B, 4H): the sums, in the order i f o g; c (B, H): the cell before the step -> h (B, H), c_new (B, H)
    """
    i, f, o, g = np.split(a, 4, axis=1)
    i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
    c_new = f * c + i * np.tanh(g)
    return o * np.tanh(c_new), c_new


def _outputs(x: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    T, B, _ = x.shape
    zero = np.zeros((B, len(Wh)))
    _, h, _, _ = lstm_forward(x, (zero, zero), Weights(Wx, Wh, b), np.full(B, T), Clips())
    return h[1:]


@exercise(
    "03.3", "A whole sentence", returns="y",
    inputs=lambda rng: normal(rng, x=(4, 2, 3), Wx=(3, 20), Wh=(5, 20), b=(20,)),
    expected=values(_outputs),
    mistakes=[
        wrong("stale state", "the output goes on to the gates of the next step",
              "h = sigmoid(o) * np.tanh(c)\n        y[t] = h", "y[t] = sigmoid(o) * np.tanh(c)"),
        wrong("factor", "the candidate is a tanh", "np.tanh(g)", "g"),
        wrong("missing path", "the sums have a bias", "h @ Wh + b", "h @ Wh"),
        wrong("off by one", "every step has an output", "range(T)", "range(1, T)"),
    ])
def lstm_outputs(x, Wx, Wh, b):
    """(L1)-(L5) for a sequence, from a state of zeros. At each step:

        a = x_t Wx + h Wh + b;  i, f, o = sigma(a^i, a^f, a^o),  g = tanh(a^g);  c = f c + i g,  h = o tanh(c)
    x (T, B, D), Wx (D, 4H), Wh (H, 4H), b (4H,), in the order i f o g -> the outputs h_1 .. h_T (T, B, H)
    """
    T, B = x.shape[:2]
    H = len(Wh)
    h = np.zeros((B, H))
    c = np.zeros((B, H))
    y = np.zeros((T, B, H))
    for t in range(T):
        i, f, o, g = np.split(x[t] @ Wx + h @ Wh + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        y[t] = h
    return y


def _cell_point(rng: Generator) -> dict[str, Array]:
    """The sums of one step, and everything that follows from them."""
    point = normal(rng, a_i=(2, 3), a_f=(2, 3), a_o=(2, 3), a_g=(2, 3), c_old=(2, 3), dc=(2, 3), dh=(2, 3))
    gates = {k: sigmoid(point[f"a_{k}"]) for k in "ifo"} | {"g": np.tanh(point["a_g"])}
    return {**point, **gates, "c": gates["f"] * point["c_old"] + gates["i"] * gates["g"]}


def _cell_loss(a_i: Array, a_f: Array, a_g: Array, c_old: Array, dc: Array) -> float:
    """(L2), (L3), and a loss with the slope dc."""
    return float(((sigmoid(a_f) * c_old + sigmoid(a_i) * np.tanh(a_g)) * dc).sum())


@exercise(
    "04.1", "Back through the output gate", returns="da_o",
    inputs=_cell_point,
    expected=slopes(lambda a_o, c, dh: (sigmoid(a_o) * np.tanh(c) * dh).sum()),
    mistakes=[
        wrong("factor", "the gate shows the tanh of the cell", "np.tanh(c)", "c"),
        wrong("factor", "from the gate to its sum there is the sigmoid's slope", "do * o * (1 - o)", "do"),
        wrong("factor", "the sigmoid's slope has two factors", "o * (1 - o)", "o"),
    ])
def output_gate_backward(dh, o, c):
    """(L5), (L2) backward, for the output gate: o = sigma(a_o),  h = o tanh(c).

    dh, o, c (B, H) -> da_o (B, H)
    """
    do = dh * np.tanh(c)
    return do * o * (1 - o)


@exercise(
    "04.2", "Back through the input gate", returns="da_i",
    inputs=_cell_point,
    expected=slopes(_cell_loss),
    mistakes=[
        wrong("factor", "the derivative with respect to one factor is the other one", "di = dc * g", "di = dc * i"),
        wrong("factor", "a gate's slope is that of a sigmoid, not of a tanh", "i * (1 - i)", "(1 - i**2)"),
    ])
def input_gate_backward(dc, i, g):
    """(L3), (L2) backward, for the input gate: i = sigma(a_i),  c = f c_old + i g.

    dc, i, g (B, H) -> da_i (B, H)
    """
    di = dc * g
    return di * i * (1 - i)


@exercise(
    "04.3", "Back through the forget gate", returns="da_f",
    inputs=_cell_point,
    expected=slopes(_cell_loss),
    mistakes=[
        wrong("stale state", "the gate multiplies the cell before the step, not the one after", "dc * c_old", "dc * c"),
        wrong("factor", "the sigmoid's slope has two factors", "f * (1 - f)", "f"),
    ])
def forget_gate_backward(dc, f, c_old, c):
    """(L3), (L2) backward, for the forget gate: f = sigma(a_f),  c = f c_old + i g.

    dc, f, c_old, c (B, H) -> da_f (B, H). You may not need all of them.
    """
    df = dc * c_old
    return df * f * (1 - f)


@exercise(
    "04.4", "Back through the candidate", returns="da_g",
    inputs=_cell_point,
    expected=slopes(_cell_loss),
    mistakes=[
        wrong("factor", "the candidate is a tanh: its slope is 1 - g^2", "(1 - g**2)", "g * (1 - g)"),
        wrong("factor", "the candidate is multiplied by the input gate", "dc * i", "dc"),
    ])
def candidate_backward(dc, i, g):
    """(L3), (L2) backward, for the candidate: g = tanh(a_g),  c = f c_old + i g.

    dc, i, g (B, H) -> da_g (B, H)
    """
    dg = dc * i
    return dg * (1 - g**2)


@exercise(
    "04.5", "Two paths into the cell", returns="dc_old",
    inputs=_cell_point,
    expected=slopes(lambda c_old, f, i, g, o, dh, dc: (
        o * np.tanh(f * c_old + i * g) * dh + (f * c_old + i * g) * dc).sum()),
    mistakes=[
        wrong("missing path", "the cell also reaches the loss through its own output",
              "dc + dh * o * (1 - np.tanh(c)**2)", "dc"),
        wrong("missing path", "what comes back from the next step is a path, too", "dc + dh", "dh"),
        wrong("stale state", "the output shows the new cell: its slope is taken there", "np.tanh(c)**2",
              "np.tanh(c_old)**2"),
        wrong("factor", "the slope of the tanh is 1 - tanh squared", "np.tanh(c)**2", "np.tanh(c)"),
        wrong("factor", "on its way to the old cell the gradient is multiplied by the forget gate", "* f", "* 1"),
    ])
def cell_backward(dh, dc, f, o, c_old, c):
    """(L5), (L3) backward: h = o tanh(c),  c = f c_old + i g.

    dh: gradient of this step's output; dc: gradient of c that comes from the next step; f, o, c_old, c: all (B, H)
    -> dc_old (B, H)
    """
    dc = dc + dh * o * (1 - np.tanh(c)**2)
    return dc * f


@exercise(
    "04.6", "A matrix product", returns="dx dh dWx dWh db",
    inputs=lambda rng: normal(rng, da=(2, 8), x=(2, 3), h=(2, 4), Wx=(3, 8), Wh=(4, 8), b=(8,)),
    expected=slopes(lambda da, x, h, Wx, Wh, b: ((x @ Wx + h @ Wh + b) * da).sum()),
    mistakes=[
        wrong("transpose", "dWx has the shape of Wx", "x.T @ da", "(x.T @ da).T"),
        wrong("transpose", "dx has the shape of x", "da @ Wx.T", "(da @ Wx.T).T"),
        wrong("mean for sum", "the bias is used in every row", "da.sum(axis=0)", "da.mean(axis=0)"),
        wrong("missing path", "the bias is used in every row", "da.sum(axis=0)", "da[0]"),
    ])
def sums_backward(da, x, h, Wx, Wh):
    """(L1) backward: a = x Wx + h Wh + b.

    da (B, 4H), x (B, D), h (B, H), Wx (D, 4H), Wh (H, 4H) -> dx, dh, dWx, dWh, db, each shaped as what it is of
    """
    return da @ Wx.T, da @ Wh.T, x.T @ da, h.T @ da, da.sum(axis=0)


def _plain(x: Array, Wx: Array, Wh: Array) -> Array:
    """The plain network's states, the initial zeros first."""
    h = np.zeros((len(x) + 1, x.shape[1], len(Wh)))
    for t in range(len(x)):
        h[t+1] = np.tanh(x[t] @ Wx + h[t] @ Wh)
    return h


def _plain_point(rng: Generator) -> dict[str, Array]:
    point = normal(rng, dy=(4, 2, 5), x=(4, 2, 3), Wx=(3, 5), Wh=(5, 5))
    point["Wh"] *= 0.5
    return {**point, "h": _plain(point["x"], point["Wx"], point["Wh"])}


@exercise(
    "04.7", "A plain recurrent network, backward", returns="dx dWx dWh",
    inputs=_plain_point,
    expected=slopes(lambda dy, x, Wx, Wh: (_plain(x, Wx, Wh)[1:] * dy).sum()),
    mistakes=[
        wrong("missing path", "a state also reaches the loss through the next step", "dy[t] + dh", "dy[t]"),
        wrong("transpose", "h W backward is dh W transposed; a square W fits both ways", "da @ Wh.T", "da @ Wh"),
        wrong("stale state", "Wh multiplies the state before the step: h[t], since h[0] is the initial one",
              "h[t].T @ da", "h[t+1].T @ da"),
        wrong("stale state", "the tanh of step t is h[t+1], since h[0] is the initial state", "h[t+1]**2", "h[t]**2"),
        wrong("accumulation", "the weights are used at every step: their gradients add", "dWh +=", "dWh ="),
        wrong("factor", "the slope of the tanh is missing", "* (1 - h[t+1]**2)", "* 1"),
        wrong("off by one", "the last step is the first one on the way back", "range(len(x))", "range(len(x) - 1)"),
    ])
def plain_backward(dy, x, h, Wx, Wh):
    """A recurrent network without gates, backward through time: h[t+1] = tanh(x[t] Wx + h[t] Wh).

    dy (T, B, H): gradient of the outputs, which are h[1:]; x (T, B, D); h (T+1, B, H), the initial state first;
    Wx (D, H), Wh (H, H) -> dx (T, B, D), dWx (D, H), dWh (H, H)
    """
    dx = np.zeros_like(x)
    dWx = np.zeros_like(Wx)
    dWh = np.zeros_like(Wh)
    dh = 0
    for t in reversed(range(len(x))):
        da = (dy[t] + dh) * (1 - h[t+1]**2)
        dWx += x[t].T @ da
        dWh += h[t].T @ da
        dx[t] = da @ Wx.T
        dh = da @ Wh.T
    return dx, dWx, dWh


def _lstm_point(rng: Generator) -> dict[str, Any]:
    point = normal(rng, dy=(4, 2, 5), x=(4, 2, 3), Wx=(3, 20), Wh=(5, 20), b=(20,))
    zero = np.zeros((2, 5))
    weights = Weights(point["Wx"], point["Wh"], point["b"])
    ifog, h, c, _ = lstm_forward(point["x"], (zero, zero), weights, np.full(2, 4), Clips())
    return {**point, "ifog": ifog, "h": h, "c": c}


@exercise(
    "04.8", "Back-propagation through time", returns="dx dWx dWh db",
    inputs=_lstm_point,
    expected=slopes(lambda dy, x, Wx, Wh, b: (_outputs(x, Wx, Wh, b) * dy).sum()),
    mistakes=[
        wrong("missing path", "the output also reaches the loss through the gates of the next step", "dy[t] + dh",
              "dy[t]"),
        wrong("missing path", "the cell also reaches the loss through the next step's cell",
              "dc + dh * o * (1 - np.tanh(c[t+1])**2)", "dh * o * (1 - np.tanh(c[t+1])**2)"),
        wrong("stale state", "f multiplies the cell before the step, which is c[t]", "dc * c[t] *", "dc * c[t+1] *"),
        wrong("stale state", "Wh multiplies the state before the step, which is h[t]", "h[t].T @", "h[t+1].T @"),
        wrong("factor", "on to the step before, the cell's gradient is multiplied by the forget gate", "dc = dc * f",
              "dc = dc * 1"),
        wrong("factor", "the slope of the tanh is 1 - tanh squared", "np.tanh(c[t+1])**2", "np.tanh(c[t+1])"),
        wrong("accumulation", "the weights are used at every step: their gradients add", "dWx +=", "dWx ="),
        wrong("mean for sum", "b is used at every step of every sequence", "da.sum(axis=0)", "da.mean(axis=0)"),
    ])
def lstm_backward(dy, x, ifog, h, c, Wx, Wh):
    """(L5)-(L1) backward, for a sequence, from the last step to the first. Step t was, from x[t], h[t] and c[t]:

        a = x Wx + h Wh + b;  i, f, o = sigma(a^i, a^f, a^o),  g = tanh(a^g);  c_new = f c + i g,  h_new = o tanh(c_new)
    dy (T, B, H): gradient of the outputs, which are h[1:]; x (T, B, D); ifog (T, B, 4H): i, f, o, g of each step;
    h, c (T+1, B, H): the initial state first; Wx (D, 4H), Wh (H, 4H) -> dx (T, B, D), dWx, dWh, db (4H,)
    """
    dx = np.zeros_like(x)
    dWx = np.zeros_like(Wx)
    dWh = np.zeros_like(Wh)
    db = np.zeros(Wx.shape[1])
    dh = 0
    dc = 0
    for t in reversed(range(len(x))):
        i, f, o, g = np.split(ifog[t], 4, axis=1)
        dh = dy[t] + dh
        da_o = dh * np.tanh(c[t+1]) * o * (1 - o)
        dc = dc + dh * o * (1 - np.tanh(c[t+1])**2)
        da_i = dc * g * i * (1 - i)
        da_f = dc * c[t] * f * (1 - f)
        da_g = dc * i * (1 - g**2)
        da = np.hstack([da_i, da_f, da_o, da_g])
        dWx += x[t].T @ da
        dWh += h[t].T @ da
        db += da.sum(axis=0)
        dx[t] = da @ Wx.T
        dh = da @ Wh.T
        dc = dc * f
    return dx, dWx, dWh, db


def _clipped(m: Array, Wp: Array, clip: float) -> Array:
    h: Array = np.clip(m @ Wp, -clip, clip)
    return h


def _projection_point(rng: Generator) -> dict[str, Any]:
    point = normal(rng, dh=(4, 3), m=(4, 5), Wp=(5, 3))
    h = _clipped(point["m"], point["Wp"], 1.0)
    acts(h == 1, "the upper bound")
    acts(h == -1, "the lower bound")
    return {**point, "clip": 1.0, "h": h}


@exercise(
    "04.9", "A projection with a bound", returns="dm dWp",
    inputs=_projection_point,
    expected=slopes(lambda dh, m, Wp, clip: (_clipped(m, Wp, clip) * dh).sum()),
    mistakes=[
        wrong("mask", "where the bound acts, moving m or Wp changes nothing", "dh * (np.abs(h) < clip)", "dh"),
        wrong("mask", "the gradient passes where the bound does not act", "np.abs(h) < clip", "np.abs(h) >= clip"),
        wrong("mask", "there are two bounds", "np.abs(h) < clip", "h < clip"),
        wrong("transpose", "dWp has the shape of Wp", "m.T @ dp", "dp.T @ m"),
    ])
def projection_backward(dh, h, m, Wp, clip):
    """(L6) backward: h = clip(m Wp, +-clip).

    dh, h (B, P), m (B, H), Wp (H, P), clip: one number -> dm (B, H), dWp (H, P)
    """
    dp = dh * (np.abs(h) < clip)
    return dp @ Wp.T, m.T @ dp


@exercise(
    "05.1", "A slope without algebra", returns="slope",
    inputs=lambda rng: {**normal(rng, x=(3, 2)), "f": lambda x: float((np.sin(3 * x) * x.T.reshape(3, 2)).sum()),
                        "epsilon": 1e-5},
    expected=values(lambda f, x, epsilon: np.reshape(
        [central_difference(lambda: f(x), x.reshape(-1), k, epsilon) for k in range(x.size)], x.shape)),
    mistakes=[
        wrong("factor", "from one point to the other it is twice epsilon", "(2 * epsilon)", "epsilon"),
        wrong("sign", "the loss above minus the loss below", "(up - down)", "(down - up)"),
        wrong("stale state", "an element has to be put back before the next one is moved", "x[k] = kept\n", "pass\n"),
    ])
def numeric_slope(f, x, epsilon):
    """Central differences: (f(x + epsilon) - f(x - epsilon)) / (2 epsilon), one element moved at a time.

    f: takes an array shaped as x, returns one number; x (..), float64; epsilon: one number -> the slopes, shaped as x
    """
    slope = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        kept = x[k]
        x[k] = kept + epsilon
        up = f(x)
        x[k] = kept - epsilon
        down = f(x)
        x[k] = kept
        slope[k] = (up - down) / (2 * epsilon)
    return slope


@exercise(
    "05.2", "A coupled input and forget gate", returns="da_f da_o da_g dc_old",
    inputs=lambda rng: {**_cell_point(rng), "c": None},
    expected=slopes(lambda a_f, a_o, a_g, c_old, dh, dc: sum(
        float((one * d).sum()) for one, d in zip(_coupled(a_f, a_o, a_g, c_old), (dh, dc), strict=True))),
    mistakes=[
        wrong("missing path", "f is used twice: as it is, and in 1 - f", "dc * (c_old - g)", "dc * c_old"),
        wrong("sign", "through 1 - f, the path has a minus", "c_old - g", "c_old + g"),
        wrong("factor", "the candidate is multiplied by 1 - f", "dc * (1 - f) * (1 - g**2)", "dc * f * (1 - g**2)"),
        wrong("missing path", "the cell also reaches the loss through the output",
              "dc + dh * o * (1 - np.tanh(c)**2)", "dc"),
    ])
def coupled_backward(dh, dc, f, o, g, c_old):
    """An LSTM's step in which what is written is what was forgotten (i = 1 - f), backward.

        f, o = sigma(a_f, a_o),  g = tanh(a_g),  c = f c_old + (1 - f) g,  h = o tanh(c)
    dh; dc: gradient of c from the next step; f, o, g, c_old: all (B, H) -> da_f, da_o, da_g, dc_old (B, H)
    """
    c = f * c_old + (1 - f) * g
    dc = dc + dh * o * (1 - np.tanh(c)**2)
    da_f = dc * (c_old - g) * f * (1 - f)
    da_o = dh * np.tanh(c) * o * (1 - o)
    da_g = dc * (1 - f) * (1 - g**2)
    return da_f, da_o, da_g, dc * f


def _coupled(a_f: Array, a_o: Array, a_g: Array, c_old: Array) -> tuple[Array, Array]:
    f = sigmoid(a_f)
    c = f * c_old + (1 - f) * np.tanh(a_g)
    return sigmoid(a_o) * np.tanh(c), c


@exercise(
    "11.1", "An exponential from multiplications", returns="y",
    inputs=lambda rng: {"x": rng.uniform(-4, 4, (8, 3))},
    expected=values(lambda x: np.exp(x)),
    mistakes=[
        wrong("sign", "r is what n times ln 2 leaves of x", "r = x - n", "r = x + n"),
        wrong("factor", "2^n has to be multiplied back", "y * 2.0**n", "y"),
        wrong("factor", "the terms have factorials: each is the one before, times r, divided by k", "term * r / k",
              "term * r"),
        wrong("off by one", "term k is divided by k, the first by 1", "term * r / k", "term * r / (k + 1)"),
        wrong("missing path", "the series begins with 1", "y = 1 + term", "y = term"),
    ])
def exponential(x):
    """e^x = 2^n e^r, where n is x / ln 2, rounded, and r = x - n ln 2 is small: e^r = 1 + r + r^2 / 2! + r^3 / 3! + ...

    x (N, D) -> (N, D), right to 12 digits, from sums and products, np.log(2), np.round and powers of 2
    """
    n = np.round(x / np.log(2))
    r = x - n * np.log(2)
    term = r
    y = 1 + term
    for k in range(2, 16):
        term = term * r / k
        y += term
    return y * 2.0**n


@exercise(
    "12.1", "Gates in another order", returns="W b",
    inputs=lambda rng: normal(rng, W=(5, 12), b=(12,)),
    expected=values(lambda W, b: (_our_gates(W), _our_gates(b) + np.repeat([0.0, 1.0, 0.0, 0.0], 3))),
    mistakes=[
        wrong("transpose", "TensorFlow's order is i j f o", "i, g, f, o = np.split(W", "i, f, g, o = np.split(W"),
        wrong("transpose", "the order here is i f o g", "np.hstack([b_i, b_f + 1, b_o, b_g])",
              "np.hstack([b_i, b_g, b_f + 1, b_o])"),
        wrong("missing path", "the file's bias does not include the 1 that TensorFlow adds", "b_f + 1", "b_f"),
        wrong("sign", "TensorFlow adds the 1 when it runs: here it has to be in b", "b_f + 1", "b_f - 1"),
    ])
def from_tensorflow(W, b):
    """An LSTM's arrays as TensorFlow stores them -> the same in our order.

    W (D, 4H) and b (4H,), in the order i j f o, where j is the candidate g; TensorFlow adds 1 to the forget gate's sum
    when it runs -> W (D, 4H), b (4H,) in the order i f o g, the 1 included in b
    """
    i, g, f, o = np.split(W, 4, axis=1)
    b_i, b_g, b_f, b_o = np.split(b, 4)
    return np.hstack([i, f, o, g]), np.hstack([b_i, b_f + 1, b_o, b_g])
