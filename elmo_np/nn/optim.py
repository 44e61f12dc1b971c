"""Optimisers (O): clipping by the global norm, SGD with momentum and Nesterov, Adagrad, Adam.

    (O1) n = sqrt(sum over all arrays of g^2),  g <- g * min(1, clip_norm / n)
    SGD     (O2) v <- momentum * v - rate * g
            (O3) w <- w + v;  with Nesterov (O4) w <- w + momentum * v - rate * g
    Adagrad (O5) a <- a + g^2,  w <- w - rate * g / sqrt(a);  a starts at 1, no epsilon
    Adam    (O6) m <- beta1 * m + (1 - beta1) * g,  u <- beta2 * u + (1 - beta2) * g^2
            (O7) w <- w - rate * (m / (1 - beta1^k)) / (sqrt(u / (1 - beta2^k)) + epsilon),  k the number of the step
    All     (O8) w <- w - rate * decay * w,  before the update, for every array but biases

Sources: Pascanu et al. 2013 (O1); Sutskever et al. 2013, in Keras' form (O2)-(O4); Duchi et al. 2011, with the settings
of the original ELMo (O5); Kingma and Ba 2015, algorithm 1 (O6), (O7); Loshchilov and Hutter 2019 (O8).
Where only some rows of a gradient can differ from zero (word embeddings), SGD without momentum and Adagrad update only
those rows: the others would not change but for (O8). With momentum, and in Adam, every row moves at every step, so
every row is updated: leaving any out would be another optimiser.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from ..backend import twin
from ..errors import UserError
from ..runtime.threads import each
from ..types import Array
from .parameter import Parameter

LARGEST = float(np.finfo(np.float64).max)


@twin
def squared_norm(g: Array) -> float:
    """Sum of the squares of g (N,), added up in float64."""
    return float(np.square(g, dtype=np.float64).sum())  # (O1)


@twin
def sgd_update(
    w: Array, g: Array, v: Array | None, scale: float, rate: float, momentum: float, nesterov: bool
) -> None:
    """(O2)-(O4) in place on w and v (N,); the gradient is scale * g (N,). v None: no momentum."""
    real = w.dtype.type
    step = real(rate * scale) * g       # (O1) scale
    if v is None:
        w -= step                       # (O2), (O3)
        return
    v *= real(momentum)                 # (O2)
    v -= step                           # (O2)
    if nesterov:
        w += real(momentum) * v - step  # (O4)
    else:
        w += v                          # (O3)


@twin
def adagrad_update(w: Array, g: Array, a: Array, scale: float, rate: float) -> None:
    """(O5) in place on w and a (N,); the gradient is scale * g (N,)."""
    real = w.dtype.type
    g = real(scale) * g               # (O1) scale
    a += g * g                        # (O5)
    w -= real(rate) * g / np.sqrt(a)  # (O5)


class AdamRates(NamedTuple):
    """The constants of (O6) and (O7)."""

    rate: float
    beta1: float
    beta2: float
    epsilon: float


@twin
def adam_update(w: Array, g: Array, m: Array, u: Array, scale: float, rates: AdamRates, k: int) -> None:
    """(O6), (O7) in place on w, m and u (N,); the gradient is scale * g (N,), k counts steps from 1."""
    rate, beta1, beta2, epsilon = rates
    real = w.dtype.type
    g = real(scale) * g                                         # (O1) scale
    m += real(1 - beta1) * (g - m)                              # (O6)
    u += real(1 - beta2) * (g * g - u)                          # (O6)
    m_hat = m * real(1 / (1 - beta1**k))                        # (O7)
    u_hat = u * real(1 / (1 - beta2**k))                        # (O7)
    w -= real(rate) * m_hat / (np.sqrt(u_hat) + real(epsilon))  # (O7)


def global_norm(parameters: dict[str, Parameter]) -> float:
    """Norm of all gradients taken as one vector: n of (O1). Infinite or NaN if any gradient is."""
    def squares(p: Parameter) -> float:
        return squared_norm(flat(p.grad[p.nonzero_rows()]))
    return float(np.sqrt(sum(each(squares, list(parameters.values()), _size))))  # (O1)


def clip_scale(norm: float, clip_norm: float | None) -> float:
    """The factor of every gradient in (O1); clip_norm None: 1."""
    if clip_norm is None or norm <= clip_norm:
        return 1.0           # (O1)
    return clip_norm / norm  # (O1)


def flat(x: Array) -> Array:
    """x as one row, without a copy if it is contiguous: updates work element by element."""
    return np.ascontiguousarray(x).reshape(-1)


class Optimizer(ABC):
    """The common part: the parameters by name, further arrays for each (`slots`), and the number of steps.

    ranges  of the values in a slot, where they are sums of squares, and of the steps
    decay   of (O8), the setting weight_decay: apart from the gradient, so that neither clipping nor Adam rescales it
    """

    decay = 0.0

    def __init__(
        self,
        parameters: dict[str, Parameter],
        learning_rate: float,
        slots: dict[str, float],
        by_rows: bool,
    ):
        _require_positive("learning_rate", learning_rate)
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.steps = 0
        self.ranges = {"steps": (0.0, 2.0**62)}
        self._by_rows = by_rows
        self.slots = {
            slot: {name: np.full_like(p.value, start) for name, p in parameters.items()}
            for slot, start in slots.items()}

    def step(self, scale: float = 1.0) -> None:
        """Apply scale * grad of every Parameter once; `scale` is clip_scale's, so that clipping costs no pass."""
        self.steps += 1
        each(lambda item: self._step(*item, scale), list(self.parameters.items()), lambda item: _size(item[1]))

    def _step(self, name: str, p: Parameter, scale: float) -> None:
        """The update of one parameter: in one pass over its arrays, or over some of their rows."""
        if self.decay and p.value.ndim > 1:
            p.value *= p.value.dtype.type(1 - self.learning_rate * self.decay)  # (O8)
        arrays = [p.value, p.grad, *(slot[name] for slot in self.slots.values())]
        if p.rows is None or not self._by_rows:
            self._update([array.reshape(-1) for array in arrays], scale)
            return
        index = p.nonzero_rows()
        some = [array[index] for array in arrays]
        self._update([array.reshape(-1) for array in some], scale)
        for array, changed in zip(arrays, some, strict=True):
            if array is not p.grad:
                array[index] = changed

    @abstractmethod
    def _update(self, arrays: list[Array], scale: float) -> None:
        """One step of w and its slots in place; arrays: w, g, then the slots."""

    def state(self) -> dict[str, Array]:
        """Every array that the next step depends on, by name; with `load_state` it continues bit for bit."""
        arrays = {
            f"{slot}.{name}": array
            for slot, named in self.slots.items() for name, array in named.items()}
        return {**arrays, "steps": np.array(self.steps, np.int64)}

    def load_state(self, state: dict[str, Array]) -> None:
        """Continue from what `state` gave. Raises UserError for any other array, and for values no step can give."""
        for key, array in self.state().items():
            found = f"{state[key].dtype}{state[key].shape}" if key in state else "nothing"
            expected = f"{array.dtype}{array.shape}"
            if found != expected:
                raise UserError(f"optimiser state {key}: found {found}, expected {expected}")
            least, most = self.ranges.get(key.partition(".")[0], (-LARGEST, LARGEST))
            low, high = float(state[key].min()), float(state[key].max())
            if not (low >= least and high <= most):     # NaN: neither
                raise UserError(f"optimiser state {key}: found {low:.3g} to {high:.3g}, expected {least:.3g} to "
                                f"{most:.3g}")
        for slot, named in self.slots.items():
            for name in named:
                named[name][...] = state[f"{slot}.{name}"]
        self.steps = int(state["steps"])


class SGD(Optimizer):
    """(O2)-(O4) with momentum in [0, 1), which Keras calls momentum and Nesterov's form nesterov."""

    def __init__(
        self,
        parameters: dict[str, Parameter],
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
    ):
        _require_share("momentum", momentum)
        # Without momentum the velocity is the step itself: there is nothing to keep.
        slots = {"velocity": 0.0} if momentum else {}
        super().__init__(parameters, learning_rate, slots, by_rows=momentum == 0)
        self.momentum = momentum
        self.nesterov = nesterov

    def _update(self, arrays: list[Array], scale: float) -> None:
        w, g = arrays[:2]
        v = arrays[2] if self.momentum else None
        sgd_update(w, g, v, scale, self.learning_rate, self.momentum, self.nesterov)


class Adagrad(Optimizer):
    """(O5). accumulator: the start of a, 1.0 in the original ELMo."""

    def __init__(
        self,
        parameters: dict[str, Parameter],
        learning_rate: float = 0.2,
        accumulator: float = 1.0,
    ):
        _require_positive("accumulator", accumulator)
        super().__init__(parameters, learning_rate, {"accumulator": accumulator}, by_rows=True)
        self.ranges["accumulator"] = (accumulator, LARGEST)

    def _update(self, arrays: list[Array], scale: float) -> None:
        w, g, a = arrays
        adagrad_update(w, g, a, scale, self.learning_rate)


class Adam(Optimizer):
    """(O6), (O7) with the paper's defaults."""

    def __init__(
        self,
        parameters: dict[str, Parameter],
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ):
        _require_share("beta1", beta1)
        _require_share("beta2", beta2)
        _require_positive("epsilon", epsilon)
        super().__init__(parameters, learning_rate, {"m": 0.0, "u": 0.0}, by_rows=False)
        self.ranges["u"] = (0.0, LARGEST)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def _update(self, arrays: list[Array], scale: float) -> None:
        w, g, m, u = arrays
        rates = AdamRates(self.learning_rate, self.beta1, self.beta2, self.epsilon)
        adam_update(w, g, m, u, scale, rates, self.steps)


def _size(p: Parameter) -> int:
    return p.value.size


def _require_positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise UserError(f"{name} = {value}: expected a number greater than 0")


def _require_share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise UserError(f"{name} = {value}: expected a number of at least 0 and less than 1")
