"""A training step on groups of a batch's rows: the same bits whichever process computes which group.

Each group is read as a batch of its own. It starts from the state of its own rows, draws its dropout and its sample
from (seed, epoch, step, group), and its loss counts by its share of the batch's targets (B4). So nothing that a group
computes depends on the other groups, and `gradient_sum` adds up what they find in an order that is always the same.
Every process has all of the batch and of the parameters, but only the states of its own rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from ..config.directions import from_directions
from ..config.schema import TrainConfig
from ..inference.encoder import arrays_of, state_of
from ..nn.bilm import Batch, BiLM, BiState, Loss
from ..nn.parameter import Parameter
from .gradient_sum import Term, put_gradients, take_gradients, tree_sum
from .processes import OneProcess


class Step(NamedTuple):
    """What all groups of a step have in common."""

    batch: Batch
    dloss: float            # gradient of what is minimised by the total loss
    epoch: int
    number: int             # of the step within the epoch


class RowGroups:
    """The groups of rows of a model's batches, and which of them this process computes.

    parameters  those of the model, by name
    """

    def __init__(self, model: BiLM, parameters: dict[str, Parameter], config: TrainConfig, processes: OneProcess):
        self.model = model
        self.parameters = parameters
        self.seed = config.seed
        self.number = config.groups
        self.processes = processes
        self.own = processes.own(range(config.groups))

    def gradient(self, step: Step, state: BiState | None) -> tuple[Loss, BiState]:
        """One batch forward and back, on all processes.

        state   of the streams before the batch in the rows of this process, None for zeros
        -> the loss of the whole batch, and the state after it in those rows; every Parameter.grad is that of the batch
        """
        after: list[BiState] = []
        total = self.processes.added(tree_sum(lambda group: self._term(step, group, state, after), self.own))
        put_gradients(self.parameters, total.gradients)
        losses = dict(zip(self.model.lms, total.losses.tolist(), strict=True))
        return Loss(**from_directions(losses)), self._joined(after)

    def _term(self, step: Step, group: int, state: BiState | None, after: list[BiState]) -> Term:
        """What one group adds; the state after it is appended to `after`."""
        B = len(step.batch.forward.lengths)
        rows = self.rows(group, B)
        if rows.start == rows.stop:     # the batch has fewer rows than groups: nothing to add
            after.append(self.model.zero_state(0))
            return Term(np.zeros(len(self.model.lms)), take_gradients(self.parameters))
        first = self.rows(self.own[0], B).start
        before = None if state is None else self._cut(state, slice(rows.start - first, rows.stop - first))
        batch = step.batch.rows(rows)
        loss, own, cache = self.model.forward(batch, before, self.random(step, group), whole=step.batch)
        self.model.backward(step.dloss, cache)
        after.append(own)
        return Term(np.array(list(loss.each.values())), take_gradients(self.parameters))

    def random(self, step: Step, group: int) -> tuple[Generator, Generator]:
        """The generators of a group, one per thread."""
        seed = [self.seed, 6, step.epoch, step.number, group]
        return np.random.default_rng([*seed, 0]), np.random.default_rng([*seed, 1])

    def rows(self, group: int, B: int) -> slice:
        """Those of a group in a batch of B rows."""
        return slice(group * B // self.number, (group + 1) * B // self.number)

    def own_rows(self, state: BiState | None) -> BiState | None:
        """The state in the rows of this process, of one in all rows."""
        if state is None:
            return None
        B = len(arrays_of(state)[0])
        return self._cut(state, slice(self.rows(self.own[0], B).start, self.rows(self.own[-1], B).stop))

    def all_rows(self, state: BiState | None) -> BiState | None:
        """The inverse of `own_rows`, on every process."""
        return None if state is None else self._joined(self.processes.gathered(state))

    def _cut(self, state: BiState, rows: slice) -> BiState:
        return state_of(self.model, (array[rows] for array in arrays_of(state)))

    def _joined(self, states: Sequence[BiState]) -> BiState:
        """The states of rows that follow one another, as one."""
        if len(states) == 1:
            return states[0]
        pieces = zip(*map(arrays_of, states), strict=True)
        return state_of(self.model, map(np.concatenate, pieces))
