"""Exercises of tutorials 13 to 16: dropout, pooling, CRF, attention, a penalty."""

from typing import Any

import numpy as np
from numpy.random import Generator

from ..nn.dropout import dropout_forward
from ..tasks.nn import crf, linear
from ..tasks.nn.attention import DotAttention
from ..tasks.nn.pooling import pool
from ..tasks.nn.search import viterbi
from ..types import Array
from .exercise import exercise, normal, slopes, values, wrong


def _dropout_point(rng: Generator) -> dict[str, Any]:
    """u: what the package's dropout draws from the seed 1."""
    u = np.random.default_rng(1).random((4, 5), dtype=np.float32)
    return {**normal(rng, x=(4, 5), dy=(4, 5)), "u": u, "kept": u >= 0.4, "rate": 0.4}


def _dropped(x: Array, rate: float) -> Array:
    return dropout_forward(x, rate, np.random.default_rng(1))[0]


@exercise(
    "13.1", "Dropout", returns="y",
    inputs=_dropout_point,
    expected=values(_dropped),
    mistakes=[
        wrong("factor", "what is kept is scaled up, so that the mean does not change", " / (1 - rate)", ""),
        wrong("factor", "a share of 1 - rate is kept, and it is scaled by that", "(1 - rate)", "rate"),
        wrong("mask", "an element is dropped with probability rate: where u is below it", "u >= rate", "u < rate"),
    ])
def dropout(x, u, rate):
    """(D1): y = x * mask / (1 - rate), where an element's mask is 0 if its u is below rate, else 1.

    x (N, D), u (N, D): uniform random numbers in [0, 1); rate: one number -> y (N, D)
    """
    return x * (u >= rate) / (1 - rate)


@exercise(
    "13.2", "Dropout, backward", returns="dx",
    inputs=_dropout_point,
    expected=slopes(lambda dy, x, rate: (_dropped(x, rate) * dy).sum()),
    mistakes=[
        wrong("mask", "what was dropped has no gradient", "dy * kept", "dy"),
        wrong("factor", "what was kept was scaled, and so is its gradient", " / (1 - rate)", ""),
        wrong("factor", "the slope is 1 / (1 - rate), not its inverse", "/ (1 - rate)", "* (1 - rate)"),
    ])
def dropout_backward(dy, kept, rate):
    """(D1) backward: y = x * kept / (1 - rate).

    dy (N, D), kept (N, D): true where x was kept; rate: one number -> dx (N, D)
    """
    return dy * kept / (1 - rate)


def _pool_point(rng: Generator) -> dict[str, Any]:
    return {**normal(rng, x=(4, 3, 2), dy=(3, 2)), "lengths": np.array([4, 2, 3]), "T": 4}


@exercise(
    "13.3", "A mean without the padding", returns="y",
    inputs=_pool_point,
    expected=values(lambda x, lengths: pool(x, lengths, "mean")[0]),
    mistakes=[
        wrong("mask", "padding is not part of the sentence", "x * live", "x"),
        wrong("mean for sum", "the mean divides by the sentence's own length", "/ lengths[:, None]", "/ 1"),
        wrong("mean for sum", "it is the sentence's own length, not T", "/ lengths[:, None]", "/ len(x)"),
        wrong("off by one", "a sentence of n words has steps 0 to n - 1", "< lengths", "<= lengths"),
    ])
def mean_pooling(x, lengths):
    """(G1): the mean of the n words of each sentence; what is past its end is padding.

    x (T, B, D), lengths (B,) -> y (B, D)
    """
    live = (np.arange(len(x))[:, None] < lengths)[:, :, None]
    return (x * live).sum(axis=0) / lengths[:, None]


@exercise(
    "13.4", "A mean without the padding, backward", returns="dx",
    inputs=_pool_point,
    expected=slopes(lambda dy, x, lengths: (pool(x, lengths, "mean")[0] * dy).sum()),
    mistakes=[
        wrong("mask", "padding has no gradient", "live * dy", "np.ones_like(live) * dy"),
        wrong("mean for sum", "each word has a share of 1 / n", " / lengths[:, None]", ""),
        wrong("mean for sum", "the share is that of the sentence's own length", "lengths[:, None]\n", "T\n"),
        wrong("off by one", "a sentence of n words has steps 0 to n - 1", "< lengths", "<= lengths"),
    ])
def mean_pooling_backward(dy, lengths, T):
    """(G1) backward.

    dy (B, D), lengths (B,), T: the number of steps -> dx (T, B, D), zero at padding
    """
    live = (np.arange(T)[:, None] < lengths)[:, :, None]
    return live * dy / lengths[:, None]


def _crf_point(rng: Generator) -> dict[str, Any]:
    """One sentence of 4 words, 3 labels."""
    point = {**normal(rng, z=(4, 3), a=(3,), A=(3, 3), e=(3,)), "y": np.array([1, 0, 0, 2])}
    alpha, log_Z = crf.forward_scores(point["z"][:, None], np.array([4]), _scores(point["a"], point["A"], point["e"]))
    return {**point, "alpha": alpha[:, 0], "log_Z": log_Z[0]}


def _scores(a: Array, A: Array, e: Array) -> crf.Scores:
    return crf.Scores(a, A, e)


def _score(z: Array, y: Array, a: Array, A: Array, e: Array) -> float:
    return float(crf.sequence_score(z[:, None], y[:, None], np.array([len(z)]), _scores(a, A, e))[0])


def _log_Z(z: Array, a: Array, A: Array, e: Array) -> float:
    return float(crf.forward_scores(z[:, None], np.array([len(z)]), _scores(a, A, e))[1][0])


@exercise(
    "14.1", "The score of a sequence", returns="score",
    inputs=_crf_point,
    expected=values(_score),
    mistakes=[
        wrong("missing path", "the first label has a score of its own", "a[y[0]] + ", ""),
        wrong("missing path", "the last label has a score of its own", "score + e[y[-1]]", "score"),
        wrong("transpose", "A[i, j] is for label j after label i", "A[y[t-1], y[t]]", "A[y[t], y[t-1]]"),
        wrong("off by one", "n labels have n - 1 transitions", "range(1, len(y))", "range(2, len(y))"),
    ])
def sequence_score(z, y, a, A, e):
    """(F1): score(y) = a[y_1] + sum_t z_t[y_t] + sum_t A[y_{t-1}, y_t] + e[y_n].

    z (n, C), y (n,): labels; a, e (C,), A (C, C) -> one number
    """
    score = a[y[0]] + z[np.arange(len(y)), y].sum()
    for t in range(1, len(y)):
        score += A[y[t-1], y[t]]
    return score + e[y[-1]]


@exercise(
    "14.2", "All sequences at once", returns="log_Z",
    inputs=_crf_point,
    expected=values(_log_Z),
    mistakes=[
        wrong("missing path", "how a sequence ends counts, too", "alpha + e", "alpha"),
        wrong("missing path", "how a sequence begins counts, too", "a + z[0]", "z[0]"),
        wrong("transpose", "A[i, j] is for label j after label i", "None] + A)", "None] + A.T)"),
        wrong("transpose", "the sum is over the label before", "sum(axis=0)", "sum(axis=1)"),
        wrong("mean for sum", "all sequences add; the maximum is Viterbi's", "np.exp(alpha + e).sum()",
              "np.exp(alpha + e).max()"),
        wrong("off by one", "every step has its scores", "range(1, len(z))", "range(1, len(z) - 1)"),
    ])
def log_partition(z, a, A, e):
    """(F2), (F3): alpha_1 = a + z_1,  alpha_t[j] = z_t[j] + log sum_i exp(alpha_{t-1}[i] + A[i, j]),
    log Z = log sum_j exp(alpha_n[j] + e[j]).

    z (n, C), a, e (C,), A (C, C), all small enough for exp -> log Z, one number
    """
    alpha = a + z[0]
    for t in range(1, len(z)):
        alpha = z[t] + np.log(np.exp(alpha[:, None] + A).sum(axis=0))
    return np.log(np.exp(alpha + e).sum())


@exercise(
    "14.3", "The best sequence", returns="y",
    # With this seed every score, of words, transitions and both ends, decides about some label.
    inputs=lambda rng: normal(np.random.default_rng(188), z=(6, 3), a=(3,), A=(3, 3), e=(3,)),
    expected=values(lambda z, a, A, e: np.array(viterbi(z[:, None], np.array([len(z)]), a, A, e)[0])),
    mistakes=[
        wrong("missing path", "how a sequence ends counts, too", "(v + e).argmax()", "v.argmax()"),
        wrong("missing path", "a transition has a score", "v[:, None] + A", "v[:, None] + 0 * A"),
        wrong("off by one", "the path has one label for each word", "y.append(int(before[t, y[-1]]))",
              "y.append(int(before[t - 1, y[-1]]))"),
        wrong("transpose", "the path is found from its end: turn it round", "y[::-1]", "y"),
    ])
def best_sequence(z, a, A, e):
    """(X1), (X2), Viterbi: v_1 = a + z_1,  v_t[j] = z_t[j] + max_i (v_{t-1}[i] + A[i, j]);
    y_n = argmax_j (v_n[j] + e[j]),  y_{t-1} = argmax_i (v_{t-1}[i] + A[i, y_t]).

    z (n, C), a, e (C,), A (C, C) -> the labels with the highest score (n,)
    """
    before = np.zeros(z.shape, int)
    v = a + z[0]
    for t in range(1, len(z)):
        paths = v[:, None] + A
        before[t] = paths.argmax(axis=0)
        v = z[t] + paths.max(axis=0)
    y = [int((v + e).argmax())]
    for t in reversed(range(1, len(z))):
        y.append(int(before[t, y[-1]]))
    return np.array(y[::-1])


@exercise(
    "14.4", "Expected minus observed", returns="dz dA",
    inputs=_crf_point,
    expected=slopes(lambda z, y, a, A, e: _log_Z(z, a, A, e) - _score(z, y, a, A, e)),
    mistakes=[
        wrong("missing path", "what was observed is subtracted", "dz[t, y[t]] -= 1", "pass"),
        wrong("sign", "what was observed is subtracted", "dz[t, y[t]] -= 1", "dz[t, y[t]] += 1"),
        wrong("missing path", "the transitions that were observed are subtracted", "dA[y[t-1], y[t]] -= 1", "pass"),
        wrong("accumulation", "a transition's probabilities add over the steps", "dA += np.exp", "dA = np.exp"),
        wrong("missing path", "what comes after a label counts, too: alpha alone is not enough",
              "alpha[t] + beta - log_Z", "alpha[t] - log_Z"),
        wrong("stale state", "beta is of the step that is summed over, with that step's scores", "np.exp(into).sum",
              "np.exp(A + beta).sum"),
        wrong("transpose", "A[i, j] is for label j after label i", "dA[y[t-1], y[t]]", "dA[y[t], y[t-1]]"),
    ])
def crf_backward(z, y, alpha, log_Z, A, e):
    """(F5)-(F7), and the gradient of the loss log Z - score(y): what is expected minus what was observed.

        beta_n = e,  beta_t[i] = log sum_j exp(A[i, j] + z_{t+1}[j] + beta_{t+1}[j])
        p(y_t = j) = exp(alpha_t[j] + beta_t[j] - log Z)
        p(y_{t-1} = i, y_t = j) = exp(alpha_{t-1}[i] + A[i, j] + z_t[j] + beta_t[j] - log Z)
    z, alpha (n, C), y (n,): the right labels; log_Z: one number; A (C, C), e (C,) -> dz (n, C), dA (C, C)
    """
    dz = np.zeros_like(z)
    dA = np.zeros_like(A)
    beta = e
    for t in reversed(range(len(z))):
        dz[t] = np.exp(alpha[t] + beta - log_Z)
        dz[t, y[t]] -= 1
        if t > 0:
            into = A + z[t] + beta
            dA += np.exp(alpha[t-1][:, None] + into - log_Z)
            dA[y[t-1], y[t]] -= 1
            beta = np.log(np.exp(into).sum(axis=1))
    return dz, dA


def _attention(q: Array, k: Array, W: Array) -> Array:
    layer = DotAttention(*W.shape, rng=np.random.default_rng(0), dtype=np.float64)
    layer.W.value[...] = W
    return layer.forward(q[:, None], k[:, None], np.array([len(k)]))[0][:, 0]


def _attention_point(rng: Generator) -> dict[str, Array]:
    point = normal(rng, dc=(3, 5), q=(3, 4), k=(6, 5), W=(4, 5))
    p = np.exp(point["q"] @ point["W"] @ point["k"].T / np.sqrt(5))
    return {**point, "p": p / p.sum(axis=1, keepdims=True)}


@exercise(
    "15.1", "Attention", returns="c",
    inputs=_attention_point,
    expected=values(_attention),
    mistakes=[
        wrong("factor", "scores are divided by the root of the width of the keys", " / np.sqrt(k.shape[1])", ""),
        wrong("factor", "it is the root of the width", "np.sqrt(k.shape[1])", "k.shape[1]"),
        wrong("off by one", "D is the width of the keys, not of the queries", "np.sqrt(k.shape[1])",
              "np.sqrt(q.shape[1])"),
        wrong("transpose", "the weights of one query add up to 1, over the keys", "p.sum(axis=1, keepdims=True)",
              "p.sum(axis=0, keepdims=True)"),
        wrong("mean for sum", "weights that add up to 1 need no further mean", "p @ k", "p @ k / len(k)"),
    ])
def attention(q, k, W):
    """(Z2)-(Z4): g_{t,s} = (q_t W) . k_s / sqrt(D),  p_t = softmax over s of g_t,  c_t = sum_s p_{t,s} k_s.

    q (T, P): queries; k (S, D): keys of one sentence; W (P, D) -> c (T, D)
    """
    p = np.exp(q @ W @ k.T / np.sqrt(k.shape[1]))
    p /= p.sum(axis=1, keepdims=True)
    return p @ k


@exercise(
    "15.2", "Back through the weights", returns="dg",
    inputs=lambda rng: {**_softmax_rows(rng), **normal(rng, dp=(3, 6))},
    expected=slopes(lambda g, dp: (np.exp(linear.log_softmax(g)) * dp).sum()),
    mistakes=[
        wrong("missing path", "a score changes every weight of its row, through the sum", "dp - mean", "dp"),
        wrong("sign", "what one weight gains, the others lose", "dp - mean", "dp + mean"),
        wrong("factor", "a weight near zero hardly moves", "p * (dp - mean)", "(dp - mean)"),
        wrong("transpose", "weights of one query depend on each other: rows, not columns", "axis=1", "axis=0"),
        wrong("mean for sum", "it is the mean with the weights p, which is a sum", "(p * dp).sum", "(p * dp).mean"),
    ])
def weights_backward(dp, p):
    """(Z3) backward: p_t = softmax of g_t, for each row.

    dp, p (T, S) -> dg (T, S)
    """
    mean = (p * dp).sum(axis=1, keepdims=True)
    return p * (dp - mean)


def _softmax_rows(rng: Generator) -> dict[str, Array]:
    g = rng.normal(size=(3, 6))
    return {"g": g, "p": np.exp(linear.log_softmax(g))}


@exercise(
    "15.3", "Attention, backward", returns="dq dk dW",
    inputs=_attention_point,
    expected=slopes(lambda dc, q, k, W: (_attention(q, k, W) * dc).sum()),
    mistakes=[
        wrong("missing path", "the keys are used twice: in the sum, and in the scores", "p.T @ dc + dg.T @ (q @ W)",
              "p.T @ dc"),
        wrong("missing path", "the keys are used twice: in the scores, and in the sum", "p.T @ dc + dg.T @ (q @ W)",
              "dg.T @ (q @ W)"),
        wrong("factor", "the scores were divided by the root of D", " / np.sqrt(k.shape[1])", ""),
        wrong("missing path", "a score changes every weight of its row",
              "dp - (p * dp).sum(axis=1, keepdims=True)", "dp"),
    ])
def attention_backward(dc, q, k, W, p):
    """(Z4)-(Z2) backward: g = q W k^T / sqrt(D),  p = softmax of each row of g,  c = p k.

    dc (T, D), q (T, P), k (S, D), W (P, D), p (T, S): the weights -> dq (T, P), dk (S, D), dW (P, D)
    """
    dp = dc @ k.T
    dg = p * (dp - (p * dp).sum(axis=1, keepdims=True)) / np.sqrt(k.shape[1])
    dr = dg @ k
    return dr @ W.T, p.T @ dc + dg.T @ (q @ W), q.T @ dr


def _regression_loss(x: Array, y: Array, W: Array, mu: float) -> float:
    layer = linear.Linear(*W.shape, rng=np.random.default_rng(0), dtype=np.float64)
    layer.W.value[...] = W
    return linear.cross_entropy(layer.forward(x)[0], y)[0] + layer.penalty(mu)


@exercise(
    "16.1", "Logistic regression with a penalty", returns="dW",
    inputs=lambda rng: {**normal(rng, x=(5, 4), W=(4, 3)), "y": np.array([0, 2, 1, 1, 0]), "mu": 0.3},
    expected=slopes(_regression_loss),
    mistakes=[
        wrong("missing path", "the penalty has a gradient, too", " + 2 * mu * W", ""),
        wrong("factor", "the slope of a square has a factor 2", "2 * mu * W", "mu * W"),
        wrong("sign", "the penalty is added to the loss", "+ 2 * mu", "- 2 * mu"),
        wrong("mean for sum", "the loss is a mean, the penalty is not", "dz / len(y)", "dz"),
        wrong("missing path", "it is the prediction minus the truth", "-= 1", "-= 0"),
    ])
def regression_backward(x, y, W, mu):
    """(K1)-(K4) backward: loss = -(1/N) sum_n log p[n, y_n] + mu sum W^2,  p the softmax of x W.

    x (N, D), y (N,): labels; W (D, C), mu: one number -> dW (D, C)
    """
    z = x @ W
    dz = np.exp(z - z.max(axis=1, keepdims=True))
    dz /= dz.sum(axis=1, keepdims=True)
    dz[np.arange(len(y)), y] -= 1
    return x.T @ (dz / len(y)) + 2 * mu * W
