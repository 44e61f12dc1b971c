"""Averaging (O): the mean of the weights over the steps, which is validated and kept in place of the last weights.

    (O9) a <- a + share * (w - a),  share = max(1 - decay, 1 / k),  k the number of the step

With decay 1 the share is 1 / k: a is the mean of k steps, as in averaged SGD. Below 1 it is that mean at first, and
from step 1 / (1 - decay) on an exponential average.
Source: Polyak and Juditsky 1992; when to begin, Merity et al. 2018 (NT-ASGD).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ..backend import twin
from ..errors import UserError
from ..runtime.threads import each
from ..types import Array
from .parameter import load_state_dict, parameters


@twin
def average_update(a: Array, w: Array, share: float) -> None:
    """(O9) in place on a; a, w (N,)."""
    real = a.dtype.type
    a += real(share) * (w - a)  # (O9)


class Average:
    """The average a of every Parameter of a module, by name.

    decay   share of the average that a step keeps; 1: the mean of all steps
    """

    def __init__(self, module: object, decay: float):
        self.module = module
        self.parameters = parameters(module)
        self.decay = decay
        self.steps = 0
        self.values = {name: p.value.copy() for name, p in self.parameters.items()}

    def update(self) -> None:
        """Add the weights after a step."""
        self.steps += 1
        share = max(1 - self.decay, 1 / self.steps)  # (O9)
        pairs = [(self.values[name].reshape(-1), p.value.reshape(-1)) for name, p in self.parameters.items()]
        each(lambda pair: average_update(*pair, share), pairs, lambda pair: pair[0].size)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The body computes with the average in place of the weights; before the first step it equals the weights."""
        last = {name: p.value for name, p in self.parameters.items()}
        load_state_dict(self.module, self.values)
        try:
            yield
        finally:
            load_state_dict(self.module, last)

    def state(self) -> dict[str, Array]:
        """Every array that the next step depends on, by name; with `load_state` it continues bit for bit."""
        return {**self.values, "steps": np.array(self.steps, np.int64)}

    def load_state(self, state: dict[str, Array]) -> None:
        """Continue from what `state` gave. Raises UserError for any other array, and for values that are not finite."""
        for name, own in self.state().items():
            found = state.get(name)
            if found is None or found.shape != own.shape or found.dtype != own.dtype or not np.isfinite(found).all():
                what = "nothing" if found is None else f"{found.dtype}{found.shape}"
                raise UserError(f"average of the weights, {name}: found {what}, expected finite {own.dtype}{own.shape}")
        if not 0 <= int(state["steps"]) < 2**62:
            raise UserError(f"average of the weights: found {state['steps']} steps, expected at least 0")
        for name, value in self.values.items():
            value[...] = state[name]
        self.steps = int(state["steps"])


def stopped_improving(losses: Sequence[float], n: int) -> bool:
    """The trigger of NT-ASGD: whether the last of the losses is above the lowest of those more than n before it."""
    earlier = losses[:max(0, len(losses) - 1 - n)]
    return bool(earlier) and losses[-1] > min(earlier)
