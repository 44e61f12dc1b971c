"""The optimisers written out plainly: one statement per equation, in the order of the sources, on float64 arrays."""

import numpy as np

from elmo_np.nn.optim import SGD, Adagrad, Adam, clip_scale, global_norm
from elmo_np.nn.parameter import Parameter

RATE, MOMENTUM, CLIP, DECAY = 0.1, 0.9, 0.7, 0.3


def sgd(w, g, state, k):
    return w - RATE * g


def momentum(w, g, state, k):
    state["v"] = MOMENTUM * state.get("v", 0) - RATE * g
    return w + state["v"]


def nesterov(w, g, state, k):
    """Sutskever et al. 2013, equations (3) and (4): the gradient was taken at the point ahead, w = u + momentum * v."""
    position = w - MOMENTUM * state.get("v", 0)
    state["v"] = MOMENTUM * state.get("v", 0) - RATE * g
    position = position + state["v"]
    return position + MOMENTUM * state["v"]


def adagrad(w, g, state, k):
    state["a"] = state.get("a", 1) + g**2
    return w - RATE * g / np.sqrt(state["a"])


def adam(w, g, state, k):
    state["m"] = 0.9 * state.get("m", 0) + (1 - 0.9) * g
    state["u"] = 0.99 * state.get("u", 0) + (1 - 0.99) * g**2
    m_hat = state["m"] / (1 - 0.9**k)
    u_hat = state["u"] / (1 - 0.99**k)
    return w - RATE * m_hat / (np.sqrt(u_hat) + 0.01)


def decayed(rule):
    """Loshchilov and Hutter 2019, algorithm 2: the decay is not part of the gradient. Biases do not decay."""
    def with_decay(w, g, state, k):
        return rule(w * (1 - RATE * DECAY) if w.ndim > 1 else w, g, state, k)
    return with_decay


def with_decay(optimizer):
    optimizer.decay = DECAY
    return optimizer


KINDS = {
    "sgd": (sgd, lambda named: SGD(named, RATE)),
    "momentum": (momentum, lambda named: SGD(named, RATE, MOMENTUM)),
    "nesterov": (nesterov, lambda named: SGD(named, RATE, MOMENTUM, nesterov=True)),
    "adagrad": (adagrad, lambda named: Adagrad(named, RATE)),
    "adam": (adam, lambda named: Adam(named, RATE, 0.9, 0.99, 0.01)),
    "sgd, decay": (decayed(sgd), lambda named: with_decay(SGD(named, RATE))),
    "adam, decay": (decayed(adam), lambda named: with_decay(Adam(named, RATE, 0.9, 0.99, 0.01))),
}


def problem(steps=5):
    """Values of three arrays and their gradients at each step. Two rows of the table's gradient are zero, other ones at
    each step; the norm is above CLIP in the first steps only."""
    rng = np.random.default_rng(0)
    starts = {"a": rng.normal(size=(3, 2)), "b": rng.normal(size=4), "table": rng.normal(size=(5, 2))}
    grads = [{name: rng.normal(size=w.shape) * 0.5**k for name, w in starts.items()} for k in range(steps)]
    for k, step in enumerate(grads):
        step["table"][[k % 5, (k + 2) % 5]] = 0
    return starts, grads


def expected(kind):
    """The values after clipped steps, by the rules above."""
    rule, _ = KINDS[kind]
    values, grads = problem()
    states = {name: {} for name in values}
    for k, step in enumerate(grads, 1):
        norm = np.sqrt(sum((g**2).sum() for g in step.values()))
        scale = min(1, CLIP / norm)
        values = {name: rule(w, scale * step[name], states[name], k) for name, w in values.items()}
    return values


def found(kind):
    """The values after the same steps of the optimiser of elmo_np."""
    _, make = KINDS[kind]
    starts, grads = problem()
    named = {name: Parameter(w.copy(), by_rows=name == "table") for name, w in starts.items()}
    optimizer = make(named)
    for step in grads:
        for name, g in step.items():
            named[name].zero_grad()
            named[name].grad[...] = g
        named["table"].rows = [np.flatnonzero(step["table"].any(axis=1))]
        optimizer.step(clip_scale(global_norm(named), CLIP))
    return {name: p.value for name, p in named.items()}


def agrees(kind):
    """Five steps of less than 20 roundings of 1.1e-16 each, on values around 1."""
    return all(np.allclose(one, other, rtol=0, atol=2e-14)
               for one, other in zip(found(kind).values(), expected(kind).values(), strict=True))
