"""The sum of the gradients of groups of rows (B4), in one fixed order.

Floating-point addition depends on the order, so the gradients g of all groups are added in one binary tree,

    ((g_0 + g_1) + (g_2 + g_3)) + ((g_4 + g_5) + (g_6 + g_7))

whoever computes them: a process that has some of the groups adds up a subtree, and processes exchange its root. Of a
word embedding or a sampled softmax, only the rows that have a gradient are kept and sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..nn.parameter import Parameter
from ..types import Array


class Gradient(NamedTuple):
    """The gradient of one Parameter, or of some of its rows."""

    rows: Array | None      # (n,) int64 in rising order: those in `values`, while others are zero; None: all rows
    values: Array           # (n, ..) or the shape of the Parameter


class Term(NamedTuple):
    """What one group, or several together, add to the loss and to its gradient."""

    losses: Array                       # (directions,) float64, nats per token of the whole batch
    gradients: dict[str, Gradient]      # of every Parameter by name


def take_gradients(parameters: Mapping[str, Parameter]) -> dict[str, Gradient]:
    """The gradients that the Parameters hold, which are cleared there."""
    found = {}
    for name, p in parameters.items():
        rows = None if p.rows is None else p.nonzero_rows()
        values = p.grad.copy() if rows is None else p.grad[rows]
        found[name] = Gradient(rows, values)
        p.zero_grad()
    return found


def put_gradients(parameters: Mapping[str, Parameter], gradients: Mapping[str, Gradient]) -> None:
    """The inverse of `take_gradients`, into Parameters whose gradient is clear."""
    for name, p in parameters.items():
        rows, values = gradients[name]
        if rows is None:
            p.grad = values
        else:
            p.grad[rows] = values
            p.rows = [rows]


def add(one: Term, other: Term) -> Term:
    """The sum of two terms, whose arrays may be used for it."""
    gradients = {name: _added(gradient, other.gradients[name]) for name, gradient in one.gradients.items()}
    return Term(one.losses + other.losses, gradients)


def _added(one: Gradient, other: Gradient) -> Gradient:
    if one.rows is None or other.rows is None:
        one.values[...] += other.values
        return one
    rows = np.union1d(one.rows, other.rows)
    values = np.zeros((len(rows), *one.values.shape[1:]), one.values.dtype)
    values[np.searchsorted(rows, one.rows)] = one.values
    values[np.searchsorted(rows, other.rows)] += other.values
    return Gradient(rows, values)


def tree_sum(term: Callable[[int], Term], groups: Sequence[int]) -> Term:
    """The sum of term(group) over the groups, a power of two of them, in a binary tree."""
    if len(groups) == 1:
        return term(groups[0])
    half = len(groups) // 2
    one = tree_sum(term, groups[:half])
    other = tree_sum(term, groups[half:])
    return add(one, other)
