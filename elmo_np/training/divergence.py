"""Divergence: how a training that has failed is recognised, and the message that stops it.

One sign is a value that is not finite. The other is a loss that is far too high: whether an overflow ends in NaN or in
a large finite value depends on the processor, and training can go on with large finite values to the end.
A model that knows nothing gives each of V words the probability 1/V, a loss of log V nats per token. Training may rise
above that for some steps and recover; it has failed where the loss stays at many times log V.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..config.schema import TrainConfig
from ..errors import UserError
from ..nn.bilm import Loss
from ..nn.parameter import Parameter

STEP_LIMIT = 10         # times log V, for one step; too high a learning rate may reach 25 for five steps and recover
STEPS_IN_A_ROW = 100    # beyond the limit: then training has failed
MODEL_LIMIT = 2         # times log V, in validation: a model beyond it is not worth keeping


class Diverged(UserError):
    """A training that has failed by its settings."""


class DivergenceMonitor:
    """Compares losses with log V, and counts the steps that are beyond the limit.

    vocabulary_size     V
    config              whose learning rate and clipping the message is about
    """

    def __init__(self, vocabulary_size: int, config: TrainConfig):
        self.log_v = math.log(vocabulary_size)
        self.config = config
        self.steps = 0          # in a row, up to now, beyond the limit

    def count(self, loss: Loss) -> None:
        """Take note of one step's loss."""
        beyond = max(loss.each.values()) > STEP_LIMIT * self.log_v
        self.steps = self.steps + 1 if beyond else 0

    @property
    def diverged(self) -> bool:
        return self.steps >= STEPS_IN_A_ROW

    def usable(self, validation: Loss) -> bool:
        """Whether a model with this validation loss is worth keeping."""
        return max(validation.each.values()) <= MODEL_LIMIT * self.log_v

    def error(self, when: str, loss: Loss, reason: str, checkpoint: str, learning_rate: float) -> Diverged:
        """What a person needs to know of a training that has failed."""
        losses = ", ".join(f"{direction} {nats:.4g}" for direction, nats in loss.each.items())
        return Diverged(
            f"training stopped at {when}: loss {losses} nats per token, where a model that knows nothing has log V = "
            f"{self.log_v:.2f}; {reason}; last good checkpoint: {checkpoint}; {self.advice(learning_rate)}")

    def advice(self, learning_rate: float) -> str:
        """What to change in the next run."""
        clip_norm = self.config.clip_norm
        clip = "set clip_norm, for example clip_norm=5" if clip_norm is None else f"lower clip_norm (now {clip_norm:g})"
        return f"start another run with a lower learning_rate (now {learning_rate:g}), or {clip}"


def no_model(directions: int) -> str:
    """Why a training of so many directions has kept none."""
    where = " in both directions" if directions > 1 else ""
    return f"the validation loss was never below {MODEL_LIMIT} log V{where}, so no model was kept"


def not_finite(arrays: Mapping[str, Parameter]) -> str:
    """Names the first array with NaN or infinity, values before gradients, or the loss where all arrays are finite."""
    named = [(name, p.value) for name, p in arrays.items()]
    named += [(f"the gradient of {name}", p.grad) for name, p in arrays.items()]
    bad = (name for name, array in named if not np.isfinite(array).all())
    return f"not finite: {next(bad, 'the loss')}"
