"""Exercises of tutorials 02 and 10: perplexity, softmax and its gradient, tied and sampled softmaxes."""

from typing import Any

import numpy as np
from numpy.random import Generator

from ..data.vocabulary import SPECIAL_TOKENS, Vocabulary
from ..inference import evaluate
from ..nn.sampled_softmax import SampledSoftmax, draw, log_expected
from ..tasks.nn import crf, linear
from .exercise import exercise, normal, slopes, values, wrong

TARGETS = np.array([2, 0, 4, 2])


@exercise(
    "02.1", "Perplexity", returns="perplexity",
    inputs=lambda rng: {"p": rng.uniform(0.01, 0.9, 6)},
    expected=values(lambda p: evaluate.perplexity(-np.log(p).sum(), len(p))),
    mistakes=[
        wrong("mean for sum", "the perplexity is that of a word, not of the text", ".mean()", ".sum()"),
        wrong("sign", "a cost is minus the logarithm", "-np.log", "np.log"),
        wrong("factor", "nats are natural logarithms, and the exponential must fit", "np.exp(nats", "2 ** (nats"),
    ])
def perplexity(p):
    """(P1): exp of the mean cost.

    p (N,): the probability that a model gave to each word that came -> the perplexity, one number
    """
    nats = -np.log(p)
    return np.exp(nats.mean())


@exercise(
    "02.2", "Counting words", returns="p",
    inputs=lambda rng: {"counts": np.array([0, 7, 3, 12, 0, 1])},
    expected=values(lambda counts: np.exp(evaluate.unigram_log_p(
        Vocabulary([*SPECIAL_TOKENS, "a", "b", "c"], counts.tolist())))),
    mistakes=[
        wrong("missing path", "no word has probability zero", "(counts + 1)", "counts"),
        wrong("missing path", "the probabilities add up to 1: V times 1 was added", "N + V", "N"),
        wrong("off by one", "V is the number of words, those that never came too", "len(counts)", "(counts > 0).sum()"),
    ])
def unigram(counts):
    """(P2): p(w) = (count(w) + 1) / (N + V), for N words counted and V words in the vocabulary.

    counts (V,): how often each word came -> p (V,)
    """
    N = counts.sum()
    V = len(counts)
    return (counts + 1) / (N + V)


@exercise(
    "02.3", "Softmax", returns="log_p",
    inputs=lambda rng: {"z": rng.normal(size=(4, 5)) + np.array([[0], [1000], [-1000], [5]])},
    expected=values(linear.log_softmax),
    mistakes=[
        wrong("mask", "exp overflows: move the scores so that the largest of each row is 0",
              "z - z.max(axis=1, keepdims=True)", "z"),
        wrong("transpose", "each row is a distribution, and its exponentials are added along the row",
              "exp(z).sum(axis=1, keepdims=True)", "exp(z).sum(axis=0, keepdims=True)"),
        wrong("missing path", "the largest score of all rows is not that of a row", "z.max(axis=1, keepdims=True)",
              "z.max()"),
    ])
def log_softmax(z):
    """(S2): log p[n, v] = z[n, v] - log sum_u exp(z[n, u]).

    z (N, V): scores, some of them in the thousands -> log p (N, V), without overflow
    """
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


@exercise(
    "02.4", "The slope of the surprise", returns="dz",
    inputs=lambda rng: {**normal(rng, z=(4, 5)), "y": TARGETS},
    expected=slopes(lambda z, y: linear.cross_entropy(z, y)[0]),
    mistakes=[
        wrong("sign", "it is the prediction minus the truth", "-= 1", "+= 1"),
        wrong("mean for sum", "the loss is the mean of N costs", "p / len(y)", "p"),
        wrong("missing path", "the score of the word that came has a second path, with slope -1", "-= 1", "-= 0"),
        wrong("off by one", "the 1 belongs in the column of the word that came", "p[np.arange(len(y)), y]",
              "p[np.arange(len(y)), y - 1]"),
    ])
def cross_entropy_backward(z, y):
    """Softmax and cross-entropy, backward. (S2), (S3): loss = -(1/N) sum_n log p[n, y[n]], p the softmax of z.

    z (N, V), y (N,): the word that came -> dz (N, V)
    """
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / len(y)


@exercise(
    "02.5", "From the scores to the weights", returns="dh dW db",
    inputs=lambda rng: normal(rng, dz=(4, 5), h=(4, 3), W=(5, 3), b=(5,)),
    expected=slopes(lambda dz, h, W, b: ((h @ W.T + b) * dz).sum()),
    mistakes=[
        wrong("transpose", "dW has the shape of W", "dz.T @ h", "h.T @ dz"),
        wrong("mean for sum", "b is used in every row: N paths, and they add", "sum(axis=0)", "mean(axis=0)"),
        wrong("missing path", "b is used in every row, not only in the first", "dz.sum(axis=0)", "dz[0]"),
    ])
def scores_backward(dz, h, W):
    """(S1) backward: z = h W^T + b.

    dz (N, V), h (N, P), W (V, P) -> dh (N, P), dW (V, P), db (V,)
    """
    return dz @ W, dz.T @ h, dz.sum(axis=0)


@exercise(
    "02.6", "A row for each word", returns="dE",
    inputs=lambda rng: {**normal(rng, dx=(2, 3, 4), E=(6, 4)), "ids": np.array([[1, 4, 1], [0, 1, 5]]), "V": 6},
    expected=slopes(lambda dx, E, ids: (E[ids] * dx).sum()),
    mistakes=[
        wrong("accumulation", "a word that occurs twice is used twice, and its gradients add",
              "np.add.at(dE, ids, dx)", "dE[ids] = dx"),
        wrong("sign", "each use adds its gradient", "np.add.at", "np.subtract.at"),
    ])
def embedding_backward(dx, ids, V):
    """(E1) backward: x[t, b] = E[ids[t, b]].

    dx (T, B, D), ids (T, B): rows of E, a table of V rows -> dE (V, D)
    """
    dE = np.zeros((V, dx.shape[2]))
    np.add.at(dE, ids, dx)
    return dE


@exercise(
    "10.1", "A logarithm that does not overflow", returns="log_sum",
    inputs=lambda rng: {"z": rng.normal(size=(4, 5)) + np.array([[0], [1000], [-1000], [5]])},
    expected=values(lambda z: crf.log_sum_exp(z, axis=1)),
    mistakes=[
        wrong("mask", "exp overflows, or rounds to zero: subtract the largest of each row first",
              "z.max(axis=1)", "0 * z.max(axis=1)"),
        wrong("missing path", "what was subtracted has to be added again, outside the logarithm", "top + np.log",
              "np.log"),
        wrong("sign", "what was subtracted has to be added again", "top + np.log", "-top + np.log"),
        wrong("mean for sum", "it is the sum of the exponentials", ".sum(axis=1)", ".mean(axis=1)"),
    ])
def log_sum_exp(z):
    """log sum_v exp(z[n, v]) = top + log sum_v exp(z[n, v] - top), for any z.

    z (N, V) -> (N,)
    """
    top = z.max(axis=1)
    return top + np.log(np.exp(z - top[:, None]).sum(axis=1))


@exercise(
    "10.2", "One table, two uses", returns="dE",
    inputs=lambda rng: {**normal(rng, dx=(5, 3), dz=(4, 6), h=(4, 3), E=(6, 3)), "ids": np.array([1, 4, 1, 0, 1])},
    expected=slopes(lambda dx, ids, dz, h, E: (E[ids] * dx).sum() + (h @ E.T * dz).sum()),
    mistakes=[
        wrong("missing path", "the table is used twice: as word vectors, too", "np.add.at(dE, ids, dx)", "dx.sum()"),
        wrong("missing path", "the table is used twice: as the weights of the softmax, too", "dE = dz.T @ h",
              "dE = 0 * (dz.T @ h)"),
        wrong("accumulation", "a word that occurs twice adds twice", "np.add.at(dE, ids, dx)", "dE[ids] += dx"),
        wrong("accumulation", "the second use adds to what the first has left", "np.add.at(dE, ids, dx)",
              "dE[ids] = dx"),
    ])
def tied_backward(dx, ids, dz, h):
    """A tied softmax, backward: E is the table of word vectors and the weights of the softmax.

        x[n] = E[ids[n]],  z = h E^T
    dx (M, P), ids (M,): what was read; dz (N, V), h (N, P): what was predicted -> dE (V, P)
    """
    dE = dz.T @ h
    np.add.at(dE, ids, dx)
    return dE


@exercise(
    "10.3", "How often a word is expected in a sample", returns="log_Q",
    inputs=lambda rng: {"ids": np.array([0, 3, 17, 39]), "tries": 25, "V": 40},
    expected=values(log_expected),
    mistakes=[
        wrong("off by one", "word 0 is the most frequent one: P(0) = ln 2 / ln(V + 1)", "np.log(ids + 2)",
              "np.log(ids + 3)"),
        wrong("off by one", "all P(k) add up to 1: their numerators add up to ln(V + 1)", "np.log(V + 1)", "np.log(V)"),
        wrong("factor", "a word is drawn more than once, but counted once: Q is not tries times P",
              "1 - (1 - P) ** tries", "tries * P"),
        wrong("missing path", "Q is the probability that it is drawn, not that it is not", "1 - (1 - P) ** tries",
              "(1 - P) ** tries"),
    ])
def expected_log(ids, tries, V):
    """(Q1), (Q2): P(k) = (ln(k+2) - ln(k+1)) / ln(V+1),  Q(k) = 1 - (1 - P(k))^tries.

    ids (n,): word ids in [0, V); tries: how many draws the sample took -> ln Q (n,)
    """
    P = (np.log(ids + 2) - np.log(ids + 1)) / np.log(V + 1)
    return np.log(1 - (1 - P) ** tries)


def _sampled_point(rng: Generator) -> dict[str, Any]:
    """A target that is in the sample, and others that are not."""
    V = 12
    ids, tries = draw(4, V, np.random.default_rng(1))
    y = np.array([ids[1], *(w for w in range(V) if w not in ids)])[:5]
    return {**normal(rng, h=(5, 3), W=(V, 3), b=(V,)), "y": y, "ids": ids,
            "log_Q": log_expected(np.arange(V), tries, V)}


def _sampled_loss(h: Any, W: Any, b: Any, y: Any) -> float:
    """The package's loss, with the sample of the same seed."""
    layer = SampledSoftmax(3, len(W), samples=4, rng=np.random.default_rng(0), dtype=np.float64)
    layer.W.value[...] = W
    layer.b.value[...] = b
    return layer.forward(h, y, np.random.default_rng(1))[0]


@exercise(
    "10.4", "A loss over a sample", returns="loss",
    inputs=_sampled_point,
    expected=values(_sampled_loss),
    mistakes=[
        wrong("missing path", "scores are corrected by - ln Q, or frequent words are pushed down for being drawn",
              "+ b - log_Q", "+ b"),
        wrong("sign", "what a word gains by being drawn often is subtracted", "- log_Q", "+ log_Q"),
        wrong("accumulation", "a target that is in the sample already is counted once", "np.union1d(ids, [y_n])",
              "np.append(ids, y_n)"),
        wrong("missing path", "the target joins the sum, in the sample or not", "words = np.union1d(ids, [y_n])",
              "words = ids"),
        wrong("mean for sum", "the loss is the mean of the targets'", "/ len(y)", "/ 1"),
    ])
def sampled_loss(h, y, W, b, ids, log_Q):
    """(Q3), (Q4): z_n[w] = h_n W[w] + b[w] - ln Q(w),  loss = -(1/N) sum_n (z_n[y_n] - log sum_w exp(z_n[w])).

    The sum is over the sample and y_n, each word once.
    h (N, P), y (N,): the targets; W (V, P), b (V,), log_Q (V,) of all words; ids (n,): the sample -> loss, one number
    """
    loss = 0.0
    for h_n, y_n in zip(h, y, strict=True):
        z = W @ h_n + b - log_Q
        words = np.union1d(ids, [y_n])
        loss += np.log(np.exp(z[words]).sum()) - z[y_n]
    return loss / len(y)
