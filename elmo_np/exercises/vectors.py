"""Exercises of tutorials 06 and 08: both directions, ELMo's vector, the layer mix; and two other cells."""

from typing import Any

import numpy as np
from numpy.random import Generator

from ..nn.lstm import sigmoid
from ..nn.representation import ScalarMix, WordVector, h_bi, norm_forward
from ..nn.sequences import reverse_sequences
from ..types import Array
from .exercise import exercise, normal, slopes, values, wrong


@exercise(
    "06.1", "Reverse each sentence", returns="reversed",
    inputs=lambda rng: {**normal(rng, x=(4, 3, 2)), "lengths": np.array([4, 2, 3])},
    expected=values(reverse_sequences),
    mistakes=[
        wrong("mask", "a sentence is reversed within its own length; the padding stays where it is",
              "y[:n, b] = x[:n, b][::-1]", "y[:, b] = x[:, b][::-1]"),
        wrong("off by one", "n words are 0 to n - 1, and none is left out", "y[:n, b] = x[:n, b][::-1]",
              "y[:n-1, b] = x[:n-1, b][::-1]"),
        wrong("transpose", "the steps are reversed, not the values of a vector", "x[:n, b][::-1]", "x[:n, b][:, ::-1]"),
    ])
def reverse(x, lengths):
    """What the backward direction reads: each sentence from its last word to its first.

    x (T, B, D), lengths (B,): the words of each sentence, the rest is padding -> (T, B, D), the padding unchanged
    """
    y = x.copy()
    for b, n in enumerate(lengths):
        y[:n, b] = x[:n, b][::-1]
    return y


@exercise(
    "06.2", "Both directions at a word", returns="h_bi",
    inputs=lambda rng: normal(rng, forward=(5, 3), backward=(5, 3)),
    expected=values(lambda forward, backward: h_bi(forward, backward[::-1])),
    mistakes=[
        wrong("stale state", "the backward states come in the order of reading, the last word first", "backward[::-1]",
              "backward"),
        wrong("transpose", "the forward half comes first", "[forward, backward[::-1]]", "[backward[::-1], forward]"),
        wrong("off by one", "both halves have read the word itself", "backward[::-1]",
              "np.roll(backward[::-1], -1, axis=0)"),
    ])
def both_directions(forward, backward):
    """(V1): the states of both directions at each word, side by side: [forward ; backward].

    forward (T, P): after each word, from the first on; backward (T, P): after each word, from the last word on, as the
    backward direction reads them -> (T, 2P), one row for each word from the first on
    """
    return np.concatenate([forward, backward[::-1]], axis=1)


def _vector(h_forward: Array, h_backward: Array, W: Array, b: Array) -> Array:
    layer = WordVector(W.shape[1], len(W), rng=np.random.default_rng(0), dtype=np.float64)
    layer.W.value[...] = W
    layer.b.value[...] = b
    return layer.forward(h_bi(h_forward, h_backward))[0]


@exercise(
    "08.1", "ELMo's vector", returns="v",
    inputs=lambda rng: normal(rng, h_forward=(5, 3), h_backward=(5, 3), W=(6, 6), b=(6,)),
    expected=values(_vector),
    mistakes=[
        wrong("transpose", "a row of W makes one value of v; a square W fits both ways", "h @ W.T", "h @ W"),
        wrong("missing path", "the vector has a bias", " + b", ""),
        wrong("transpose", "the forward half comes first", "[h_forward, h_backward]", "[h_backward, h_forward]"),
    ])
def word_vector(h_forward, h_backward, W, b):
    """(V1), (V2): v_t = W [h_t_forward ; h_t_backward] + b, for every word of a sentence.

    h_forward, h_backward (T, P), W (D, 2P), b (D,) -> v (T, D)
    """
    h = np.concatenate([h_forward, h_backward], axis=1)
    return h @ W.T + b


@exercise(
    "08.2", "What a task teaches W and b", returns="dh dW db",
    inputs=lambda rng: normal(rng, dv=(4, 2, 5), h=(4, 2, 6), W=(5, 6), b=(5,)),
    expected=slopes(lambda dv, h, W, b: ((h @ W.T + b) * dv).sum()),
    mistakes=[
        wrong("mean for sum", "b is used at every word: its paths add", "dv.sum(axis=(0, 1))", "dv.mean(axis=(0, 1))"),
        wrong("missing path", "b is used at every step", "dv.sum(axis=(0, 1))", "dv[0].sum(axis=0)"),
        wrong("accumulation", "W is used at every step: its gradients add",
              "sum(dv[t].T @ h[t] for t in range(len(h)))", "dv[-1].T @ h[-1]"),
    ])
def word_vector_backward(dv, h, W):
    """(V2) backward, for T steps of B sentences: v = h W^T + b.

    dv (T, B, D), h (T, B, 2P), W (D, 2P) -> dh (T, B, 2P), dW (D, 2P), db (D,)
    """
    dW = sum(dv[t].T @ h[t] for t in range(len(h)))
    return dv @ W, dW, dv.sum(axis=(0, 1))


def _mix(layers: Array, w: Array, gamma: Array) -> Array:
    mix = ScalarMix(len(w), dtype=np.float64)
    mix.w.value[...] = w
    mix.gamma.value[...] = gamma
    return mix.forward(layers)[0]


def _mix_point(rng: Generator) -> dict[str, Any]:
    return {**normal(rng, de=(4, 5), layers=(3, 4, 5), w=(3,)), "gamma": np.array(1.7)}


@exercise(
    "08.3", "The layer mix", returns="e",
    inputs=_mix_point,
    expected=values(_mix),
    mistakes=[
        wrong("factor", "gamma scales the mix", "gamma * sum", "sum"),
        wrong("factor", "the weights are those of a softmax", "s[j] * layers", "w[j] * layers"),
        wrong("mean for sum", "weights that add up to 1 need no further mean", "for j in range(len(w)))",
              "for j in range(len(w))) / len(w)"),
        wrong("factor", "the weights add up to 1", "s = np.exp(w) / np.exp(w).sum()", "s = np.exp(w)"),
    ])
def mix(layers, w, gamma):
    """(V3), (V4): s = softmax(w),  ELMo_t = gamma sum_j s_j h_{t,j}.

    layers (J, T, D), w (J,), gamma: one number -> (T, D)
    """
    s = np.exp(w) / np.exp(w).sum()
    return gamma * sum(s[j] * layers[j] for j in range(len(w)))


@exercise(
    "08.4", "What a task teaches the mix", returns="dlayers dw dgamma",
    inputs=_mix_point,
    expected=slopes(lambda de, layers, w, gamma: (_mix(layers, w, gamma) * de).sum()),
    mistakes=[
        wrong("missing path", "a weight w_k changes every share: through the sum of the softmax, too",
              "s * (ds - s @ ds)", "s * ds"),
        wrong("factor", "the shares are multiplied by gamma", "ds = gamma * q", "ds = q"),
        wrong("factor", "the layers are multiplied by gamma", "gamma * s[:, None, None] * de", "s[:, None, None] * de"),
        wrong("mean for sum", "gamma is used for every layer: its paths add", "s @ q", "(s * q).mean()"),
        wrong("sign", "the softmax's second path has a minus", "ds - s @ ds", "ds + s @ ds"),
    ])
def mix_backward(de, layers, w, gamma):
    """(V4), (V3) backward: s = softmax(w),  e_t = gamma sum_j s_j h_{t,j}.

    de (T, D), layers (J, T, D), w (J,), gamma: one number -> dlayers (J, T, D), dw (J,), dgamma: one number
    """
    s = np.exp(w) / np.exp(w).sum()
    q = (layers * de).sum(axis=(1, 2))
    ds = gamma * q
    return gamma * s[:, None, None] * de, s * (ds - s @ ds), s @ q


def _normalised(h: Array) -> Any:
    return norm_forward(h[None], np.ones((*h.shape[:-1], 1)))


def _norm_point(rng: Generator) -> dict[str, Array]:
    h = rng.normal(1, 2, size=(4, 5))
    n, cache = _normalised(h)
    return {"dn": rng.normal(size=(4, 5)), "h": h, "n": n[0], "r": cache.r.reshape(())}


@exercise(
    "08.5", "A layer with mean 0 and variance 1, backward", returns="dh",
    inputs=_norm_point,
    expected=slopes(lambda dn, h: (_normalised(h)[0][0] * dn).sum()),
    mistakes=[
        wrong("missing path", "every element also moves the mean", "dn - dn.mean() - ", "dn - "),
        wrong("missing path", "every element also moves the variance", " - n * (dn * n).mean()", ""),
        wrong("sign", "larger deviations make a larger variance, and a smaller n", "- n * (dn * n)", "+ n * (dn * n)"),
        wrong("mean for sum", "the mean divides by the number of elements", "dn - dn.mean()", "dn - dn.sum()"),
        wrong("factor", "everything is divided by the standard deviation", "r * (dn", "(dn"),
    ])
def norm_backward(dn, n, r):
    """(V5), (V6) backward: n = (h - mean(h)) r,  r = 1 / sqrt(var(h)), mean and variance of all elements of h.

    dn, n (T, D), r: one number -> dh (T, D)
    """
    return r * (dn - dn.mean() - n * (dn * n).mean())


def _peephole(a: Array, c_old: Array, p: Array) -> tuple[Array, ...]:
    """-> i, f, o, g, c, h of one step."""
    a_i, a_f, a_o, a_g = np.split(a, 4, axis=1)
    i = sigmoid(a_i + p[0] * c_old)
    f = sigmoid(a_f + p[1] * c_old)
    g = np.tanh(a_g)
    c = f * c_old + i * g
    o = sigmoid(a_o + p[2] * c)
    return i, f, o, g, c, o * np.tanh(c)


def _peephole_point(rng: Generator) -> dict[str, Array]:
    point = normal(rng, dh=(2, 3), dc=(2, 3), a=(2, 12), c_old=(2, 3), p=(3, 3))
    *gates, c, _ = _peephole(point["a"], point["c_old"], point["p"])
    return {**point, **dict(zip("ifog", gates, strict=True)), "c": c}


def _peephole_loss(dh: Array, dc: Array, a: Array, c_old: Array, p: Array) -> float:
    *_, c, h = _peephole(a, c_old, p)
    return float((h * dh).sum() + (c * dc).sum())


@exercise(
    "08.6", "Peepholes", returns="da dc_old dp",
    inputs=_peephole_point,
    expected=slopes(_peephole_loss),
    mistakes=[
        wrong("missing path", "the output gate sees the new cell: a path into c that is easy to forget",
              " + da_o * p[2]", ""),
        wrong("missing path", "the input gate sees the old cell", "dc * f + da_i * p[0]", "dc * f"),
        wrong("missing path", "the forget gate sees the old cell", " + da_f * p[1]", ""),
        wrong("stale state", "the output gate's peephole multiplies the new cell", "(da_o * c).sum",
              "(da_o * c_old).sum"),
        wrong("stale state", "the input gate's peephole multiplies the old cell", "(da_i * c_old).sum",
              "(da_i * c).sum"),
        wrong("mean for sum", "p is used in every sequence: its paths add", "(da_f * c_old).sum",
              "(da_f * c_old).mean"),
    ])
def peephole_backward(dh, dc, i, f, o, g, c_old, c, p):
    """One step of an LSTM whose gates see the cell, backward. All products are element by element:

        i = sigma(a_i + p[0] c_old),  f = sigma(a_f + p[1] c_old),  g = tanh(a_g)
        c = f c_old + i g,  o = sigma(a_o + p[2] c),  h = o tanh(c)
    dh; dc: gradient of c from the next step; the gates and cells: all (B, H); p (3, H)
    -> da (B, 4H) in the order i f o g, dc_old (B, H), dp (3, H)
    """
    da_o = dh * np.tanh(c) * o * (1 - o)
    dc = dc + dh * o * (1 - np.tanh(c)**2) + da_o * p[2]
    da_i = dc * g * i * (1 - i)
    da_f = dc * c_old * f * (1 - f)
    da_g = dc * i * (1 - g**2)
    dc_old = dc * f + da_i * p[0] + da_f * p[1]
    dp = np.stack([(da_i * c_old).sum(axis=0), (da_f * c_old).sum(axis=0), (da_o * c).sum(axis=0)])
    return np.hstack([da_i, da_f, da_o, da_g]), dc_old, dp


def _gru(a: Array, u: Array, h_old: Array) -> tuple[Array, ...]:
    """-> r, z, n, h of one step."""
    a_r, a_z, a_n = np.split(a, 3, axis=1)
    u_r, u_z, u_n = np.split(u, 3, axis=1)
    r = sigmoid(a_r + u_r)
    z = sigmoid(a_z + u_z)
    n = np.tanh(a_n + r * u_n)
    return r, z, n, (1 - z) * n + z * h_old


@exercise(
    "08.7", "The GRU's step", returns="h",
    inputs=lambda rng: normal(rng, x=(2, 4), h_old=(2, 3), Wx=(4, 9), Wh=(3, 9), bx=(9,), bh=(9,)),
    expected=values(lambda x, h_old, Wx, Wh, bx, bh: _gru(x @ Wx + bx, h_old @ Wh + bh, h_old)[-1]),
    mistakes=[
        wrong("factor", "the reset gate decides how much of the old state the candidate sees", "r * u_n", "u_n"),
        wrong("factor", "the reset gate acts on the product of the state, not on the input's part", "a_n + r * u_n",
              "r * (a_n + u_n)"),
        wrong("transpose", "z keeps the old state, 1 - z takes the new one", "(1 - z) * n + z * h_old",
              "z * n + (1 - z) * h_old"),
        wrong("transpose", "the order of the blocks is r z n", "u_r, u_z, u_n =", "u_z, u_r, u_n ="),
        wrong("factor", "the reset comes after the product: r multiplies h_old Wh + bh, not h_old",
              "a_n + r * u_n", "a_n + (r * h_old) @ Wh[:, -len(Wh):] + bh[-len(Wh):]"),
        wrong("factor", "the reset comes after the product and its bias: r multiplies h_old Wh + bh as a whole",
              "a_n + r * u_n", "a_n + r * (u_n - bh[-len(Wh):]) + bh[-len(Wh):]"),
    ])
def gru_step(x, h_old, Wx, Wh, bx, bh):
    """A cell without a memory of its own, the gated recurrent unit (Cho et al. 2014), reset after the product:

        a = x Wx + bx,  u = h_old Wh + bh,  each in three blocks, r z n
        r = sigma(a_r + u_r),  z = sigma(a_z + u_z),  n = tanh(a_n + r u_n),  h = (1 - z) n + z h_old
    x (B, D), h_old (B, H), Wx (D, 3H), Wh (H, 3H), bx, bh (3H,) -> h (B, H)
    """
    a_r, a_z, a_n = np.split(x @ Wx + bx, 3, axis=1)
    u_r, u_z, u_n = np.split(h_old @ Wh + bh, 3, axis=1)
    r = sigmoid(a_r + u_r)
    z = sigmoid(a_z + u_z)
    n = np.tanh(a_n + r * u_n)
    return (1 - z) * n + z * h_old


def _gru_point(rng: Generator) -> dict[str, Array]:
    point = normal(rng, dh=(2, 3), x=(2, 4), h_old=(2, 3), Wx=(4, 9), Wh=(3, 9), bx=(9,), bh=(9,))
    u = point["h_old"] @ point["Wh"] + point["bh"]
    r, z, n, _ = _gru(point["x"] @ point["Wx"] + point["bx"], u, point["h_old"])
    return {**point, "r": r, "z": z, "n": n, "u_n": u[:, 6:]}


@exercise(
    "08.8", "The GRU, backward", returns="dh_old dWh dbh dWx",
    inputs=_gru_point,
    expected=slopes(lambda dh, x, h_old, Wx, Wh, bx, bh: (
        _gru(x @ Wx + bx, h_old @ Wh + bh, h_old)[-1] * dh).sum()),
    mistakes=[
        wrong("missing path", "the old state also reaches h directly, through z", "du @ Wh.T + dh * z", "du @ Wh.T"),
        wrong("missing path", "the old state also reaches h through the gates and the candidate", "du @ Wh.T + dh * z",
              "dh * z"),
        wrong("sign", "1 - z has a minus", "(h_old - n)", "(n - h_old)"),
        wrong("factor", "the state's part of the candidate is multiplied by the reset gate", "da_n * r]", "da_n]"),
        wrong("factor", "the reset gate multiplies u_n", "da_n * u_n", "da_n"),
        wrong("missing path", "z is used twice: as it is, and in 1 - z", "dh * (h_old - n)", "dh * h_old"),
    ])
def gru_backward(dh, x, h_old, r, z, n, u_n, Wh):
    """A GRU's step, backward. With u = h_old Wh + bh, in three blocks, r z n, and a = x Wx + bx likewise, it was

        r = sigma(a_r + u_r),  z = sigma(a_z + u_z),  n = tanh(a_n + r u_n),  h = (1 - z) n + z h_old
    dh, h_old, r, z, n, u_n (B, H), x (B, D), Wh (H, 3H) -> dh_old (B, H), dWh (H, 3H), dbh (3H,), dWx (D, 3H)
    """
    da_n = dh * (1 - z) * (1 - n**2)
    da_z = dh * (h_old - n) * z * (1 - z)
    da_r = da_n * u_n * r * (1 - r)
    da = np.hstack([da_r, da_z, da_n])
    du = np.hstack([da_r, da_z, da_n * r])
    return du @ Wh.T + dh * z, h_old.T @ du, du.sum(axis=0), x.T @ da
