"""GRU (H): a recurrence whose only state is its output h.

    (H1) a_t = x_t Wx + b
    (H2) s_t = h_{t-1} Wh
    (H3) r, z = sigmoid(a_t[r z] + s_t[r z])
    (H4) q_t = s_t[n] + bh,  n = tanh(a_t[n] + r * q_t)
    (H5) h_t = (1 - z) * n + z * h_{t-1}

Dimensions: T steps, B sequences, D inputs, H cells, which are also the outputs. Arrays are time-major: x[t] is (B, D).
Gates: one (.., 3H) block in the order r z n: reset, update, candidate.
Lengths: a sequence of length n computes steps 0 .. n-1. After them its state does not change, and its output is zero.
Source: Cho et al. 2014; the reset gate follows the product, as in cuDNN and PyTorch.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..backend import twin
from ..config.schema import BiLMConfig
from ..types import Array
from .cell import Cell, State, masked
from .checks import check_array, check_sizes
from .initializers import glorot_uniform
from .lstm import rows, sigmoid
from .parameter import Parameter, accumulators


class Weights(NamedTuple):
    """What (H1), (H2) and (H4) multiply and add, or the gradients of these."""

    Wx: Array           # (D, 3H)
    Wh: Array           # (H, 3H)
    b: Array            # (3H,)
    bh: Array           # (H,)


class Cache(NamedTuple):
    """What backward needs: D + 5H values per step and sequence."""

    x: Array            # (T, B, D)
    rzn: Array          # (T, B, 3H)
    q: Array            # (T, B, H)
    h: Array            # (T+1, B, H)  h[0] is the initial state, h[t+1] the state after step t
    lengths: Array      # (B,) int64


@twin
def gru_forward(x: Array, h0: Array, weights: Weights, lengths: Array) -> tuple[Array, Array, Array]:
    """(H1)-(H5) for a whole sequence.

    x (T, B, D), h0 (B, H), lengths (B,) int64 -> rzn (T, B, 3H), q (T, B, H); h (T+1, B, H), the initial state first
    """
    T = len(x)
    h = np.empty((T + 1, *h0.shape), x.dtype)
    q = np.empty_like(h[1:])
    h[0] = h0
    a = x @ weights.Wx + weights.b                      # (H1)
    for t in range(T):
        a[t], q[t], h_t = step(a[t], h[t], weights)     # (H2)-(H5)
        live = (t < lengths)[:, None]
        h[t+1] = np.where(live, h_t, h[t])
    return a, q, h


def step(a: Array, h: Array, weights: Weights) -> tuple[Array, Array, Array]:
    """(H2)-(H5) of one step: a (B, 3H) is x Wx + b, h (B, H) the state before it -> rzn, q, h."""
    H = h.shape[1]
    s = h @ weights.Wh                                              # (H2)
    r, z = np.split(sigmoid(a[:, :2*H] + s[:, :2*H]), 2, axis=1)    # (H3)
    q = s[:, 2*H:] + weights.bh                                     # (H4)
    n = np.tanh(a[:, 2*H:] + r * q)                                 # (H4)
    h_t = (1 - z) * n + z * h                                       # (H5)
    return np.concatenate([r, z, n], axis=1), q, h_t


@twin
def gru_forward_inference(x: Array, h0: Array, weights: Weights, lengths: Array) -> tuple[Array, Array]:
    """(H1)-(H5) as in `gru_forward`, but without what backward needs: with T, only the outputs take more memory.

    -> outputs (T, B, H), zero past a sequence's end; the state h (B, H) after each sequence's last step
    """
    h = h0
    y = np.zeros((len(x), *h.shape), x.dtype)
    for t in range(len(x)):
        a = x[t] @ weights.Wx + weights.b               # (H1)
        _, _, h_t = step(a, h, weights)                 # (H2)-(H5)
        live = (t < lengths)[:, None]
        y[t] = np.where(live, h_t, 0)
        h = np.where(live, h_t, h)
    return y, h


@twin
def gru_backward(
    dy: Array, dh: Array, cache: Cache, weights: Weights, gradients: Weights, add: bool,
) -> tuple[Array, Array]:
    """Reverse of (H5)-(H1), last step first: back-propagation through time.

    dy (T, B, H) gradient of the outputs, dh (B, H) that of the final state
    -> dx (T, B, D), dh (B, H) of the initial state. Writes the gradients of the weights in place; with `add` it
       accumulates into what they hold.
    """
    x, rzn, q, h, lengths = cache
    dWx, dWh, db, dbh = gradients
    H = dh.shape[1]
    da = np.empty_like(rzn)
    ds = np.empty_like(rzn)
    for t in reversed(range(len(dy))):
        live = (t < lengths)[:, None]
        r, z, n = np.split(rzn[t], 3, axis=1)
        dh_t = np.where(live, dy[t] + dh, 0)                        # (H5)
        dn = dh_t * (1 - z)                                         # (H5)
        dz = dh_t * (h[t] - n)                                      # (H5)
        da_n = dn * (1 - n**2)                                      # (H4)
        dq = da_n * r                                               # (H4)
        dr = da_n * q[t]                                            # (H4)
        da_rz = np.hstack([dr * r*(1-r), dz * z*(1-z)])             # (H3)
        da[t] = np.hstack([da_rz, da_n])                            # (H3), (H4)
        ds[t] = np.hstack([da_rz, dq])                              # (H3), (H4)
        dh = np.where(live, dh_t * z + ds[t] @ weights.Wh.T, dh)    # (H5), (H2)
    dbh[...] = (dbh if add else 0) + rows(ds)[:, 2*H:].sum(axis=0)  # (H4)
    dWh[...] = (dWh if add else 0) + rows(h[:-1]).T @ rows(ds)      # (H2)
    dWx[...] = (dWx if add else 0) + rows(x).T @ rows(da)           # (H1)
    db[...] = (db if add else 0) + rows(da).sum(axis=0)             # (H1)
    return da @ weights.Wx.T, dh                                    # (H1)


class GRU(Cell):
    """One layer. Its state is h (B, H), which is also its output; it needs no clip, because (H5) is a mean.

    D, H        widths of input and output
    rng         draws the initial weights: Glorot uniform; None: allocate without drawing; biases start at 0
    dtype       float32 to train, float64 to check gradients
    Parameters  Wx (D, 3H), Wh (H, 3H), b (3H,), bh (H,)
    """

    STATE = ("h",)

    def __init__(self, D: int, H: int, *, rng: Generator | None, dtype: DTypeLike = np.float32):
        check_sizes("GRU", D=D, H=H)
        self.Wx = Parameter(glorot_uniform(rng, (D, 3*H), dtype))
        self.Wh = Parameter(glorot_uniform(rng, (H, 3*H), dtype))
        self.b = Parameter(np.zeros(3*H, dtype))
        self.bh = Parameter(np.zeros(H, dtype))

    @classmethod
    def of_config(
        cls, config: BiLMConfig, D: int, *, rng: Generator | None, dtype: DTypeLike,
    ) -> "GRU":
        return cls(D, config.hidden_dim, rng=rng, dtype=dtype)

    @staticmethod
    def shapes(config: BiLMConfig, D: int) -> dict[str, tuple[int, ...]]:
        H = config.hidden_dim
        return {"Wx": (D, 3*H), "Wh": (H, 3*H)}

    def forward(
        self, x: Array, state: State | None = None, lengths: Array | None = None,
    ) -> tuple[Array, State, Cache]:
        x, (h0,), lengths = self.checked(x, state, lengths)
        rzn, q, h = gru_forward(x, h0, self.weights(), lengths)  # (H1)-(H5)
        return masked(h[1:], lengths), (h[len(x)],), Cache(x, rzn, q, h, lengths)

    def forward_inference(
        self, x: Array, state: State | None = None, lengths: Array | None = None,
    ) -> tuple[Array, State]:
        x, (h0,), lengths = self.checked(x, state, lengths)
        y, h = gru_forward_inference(x, h0, self.weights(), lengths)  # (H1)-(H5)
        return y, (h,)

    def backward(self, dy: Array, cache: Cache, dstate: State | None = None) -> tuple[Array, State]:
        check_array("GRU output gradient", dy, cache.h[1:].shape, cache.h.dtype)
        dy = np.ascontiguousarray(dy)
        dh, = self.checked_state("state gradient", dstate, dy.shape[1])
        arrays, add = accumulators([self.Wx, self.Wh, self.b, self.bh])
        dx, dh = gru_backward(dy, dh, cache, self.weights(), Weights(*arrays), add)  # (H5)-(H1)
        return dx, (dh,)

    def weights(self) -> Weights:
        """The values of the parameters."""
        return Weights(self.Wx.value, self.Wh.value, self.b.value, self.bh.value)

    def zero_state(self, B: int) -> State:
        H = len(self.Wh.value)
        return (np.zeros((B, H), self.Wh.value.dtype),)
