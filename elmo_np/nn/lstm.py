"""LSTM (L): the recurrence and back-propagation through time, with an optional projection of the output.

    (L1) a_t = x_t Wx + h_{t-1} Wh + b
    (L2) i, f, o = sigmoid(a_t[i f o]),  g = tanh(a_t[g])
    (L3) c_t = f * c_{t-1} + i * g
    (L4) c_t <- clip(c_t, +-cell_clip)
    (L5) m_t = o * tanh(c_t)
    (L6) h_t = clip(m_t Wp, +-proj_clip); without a projection h_t = m_t

Dimensions: T steps, B sequences, D inputs, H cells, P outputs. Arrays are time-major: x[t] is (B, D).
Gates: one (.., 4H) block in the order i f o g: three sigmoids, then one tanh.
Lengths: a sequence of length n computes steps 0 .. n-1. After them its state does not change, and its output is zero.
Source: Hochreiter and Schmidhuber 1997; forget gate, Gers et al. 2000; projection, Sak et al. 2014; no peepholes.
The clips are those of the original ELMo.
"""

import math
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
from .parameter import Parameter, accumulators


class Weights(NamedTuple):
    """What (L1) and (L6) multiply and add, or the gradients of these."""

    Wx: Array                   # (D, 4H)
    Wh: Array                   # (P, 4H)
    b: Array                    # (4H,)
    Wp: Array | None = None     # (H, P); None: no projection


class Clips(NamedTuple):
    """The bounds of (L4) and (L6). Infinity: no bound."""

    cell: float = np.inf
    proj: float = np.inf


class Cache(NamedTuple):
    """What backward needs: D + P + 5H values per step and sequence, H more with a projection."""

    x: Array            # (T, B, D)
    ifog: Array         # (T, B, 4H)
    h: Array            # (T+1, B, P)  h[0] is the initial state, h[t+1] the state after step t
    c: Array            # (T+1, B, H)  likewise
    m: Array            # (T, B, H)
    lengths: Array      # (B,) int64


def sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))   # 1 / (1 + exp(-x)) would overflow


@twin
def lstm_forward(
    x: Array, state: State, weights: Weights, lengths: Array, clips: Clips
) -> tuple[Array, Array, Array, Array]:
    """(L1)-(L6) for a whole sequence.

    x (T, B, D), state h (B, P) and c (B, H), lengths (B,) int64
    -> ifog (T, B, 4H); h (T+1, B, P) and c (T+1, B, H), the initial state first; m (T, B, H), which is h[1:] without
       a projection
    In the kernel, a row's result does not depend on the other rows: a sentence has the same states in any batch, bit
    for bit. A BLAS picks its algorithm by matrix shape, so its rounding varies with batch size.
    """
    h0, c0 = state
    T = len(x)
    h = np.empty((T + 1, *h0.shape), x.dtype)
    c = np.empty((T + 1, *c0.shape), x.dtype)
    m = h[1:] if weights.Wp is None else np.empty_like(c[1:])
    h[0] = h0
    c[0] = c0
    a = x @ weights.Wx + weights.b  # (L1) the part that needs no state
    for t in range(T):
        a[t], h_t, c_t, m[t] = step(a[t], (h[t], c[t]), weights, clips)  # (L1)-(L6)
        live = (t < lengths)[:, None]
        h[t+1] = np.where(live, h_t, h[t])
        c[t+1] = np.where(live, c_t, c[t])
    return a, h, c, m


def step(a: Array, state: State, weights: Weights, clips: Clips) -> tuple[Array, Array, Array, Array]:
    """(L1)-(L6) of one step: a (B, 4H) is x Wx + b, state the h (B, P) and c (B, H) before it -> ifog, h, c, m."""
    h, c = state
    H = c.shape[1]
    a = a + h @ weights.Wh                              # (L1)
    i, f, o = np.split(sigmoid(a[:, :3*H]), 3, axis=1)  # (L2)
    g = np.tanh(a[:, 3*H:])                             # (L2)
    c_t = f * c + i * g                                 # (L3)
    c_t = np.clip(c_t, -clips.cell, clips.cell)         # (L4)
    m = o * np.tanh(c_t)                                # (L5)
    h_t = m                                             # (L6) without a projection
    if weights.Wp is not None:
        p_t = m @ weights.Wp                            # (L6)
        h_t = np.clip(p_t, -clips.proj, clips.proj)     # (L6)
    return np.concatenate([i, f, o, g], axis=1), h_t, c_t, m


@twin
def lstm_forward_inference(
    x: Array, state: State, weights: Weights, lengths: Array, clips: Clips
) -> tuple[Array, Array, Array]:
    """(L1)-(L6) as in `lstm_forward`, but without what backward needs: with T, only the outputs take more memory.

    -> outputs (T, B, P), zero past a sequence's end; the state h (B, P) and c (B, H) after each sequence's last step
    The kernel leaves a sequence out of the steps after its end.
    """
    h, c = state
    y = np.zeros((len(x), *h.shape), x.dtype)
    for t in range(len(x)):
        a = x[t] @ weights.Wx + weights.b                 # (L1)
        _, h_t, c_t, _ = step(a, (h, c), weights, clips)  # (L1)-(L6)
        live = (t < lengths)[:, None]
        y[t] = np.where(live, h_t, 0)
        h = np.where(live, h_t, h)
        c = np.where(live, c_t, c)
    return y, h, c


@twin
def lstm_backward(
    dy: Array, dstate: State, cache: Cache, weights: Weights, clips: Clips,
    gradients: Weights, add: bool,
) -> tuple[Array, Array, Array]:
    """Reverse of (L6)-(L1), last step first: back-propagation through time.

    dy (T, B, P) gradient of the outputs, dstate: dh (B, P) and dc (B, H) of the final state
    -> dx (T, B, D); dh (B, P) and dc (B, H) of the initial state. Writes the gradients of the weights in place; with
       `add` it accumulates into what they hold.
    """
    x, ifog, h, c, m, lengths = cache
    Wx = weights.Wx
    Wh = weights.Wh
    Wp = weights.Wp
    dWx, dWh, db, dWp = gradients
    dh, dc = dstate
    da = np.empty_like(ifog)
    dp = np.empty_like(dy)
    for t in reversed(range(len(dy))):
        live = (t < lengths)[:, None]
        i, f, o, g = np.split(ifog[t], 4, axis=1)
        dm = np.where(live, dy[t] + dh, 0)                       # (L6)
        if Wp is not None:
            dp[t] = dm * (np.abs(h[t+1]) < clips.proj)           # (L6)
            dm = dp[t] @ Wp.T                                    # (L6)
        tanh_c = np.tanh(c[t+1])
        do = dm * tanh_c                                         # (L5)
        dc_t = np.where(live, dc, 0) + dm * o * (1 - tanh_c**2)  # (L5)
        dc_t *= np.abs(c[t+1]) < clips.cell                      # (L4)
        di, df, dg = dc_t * g, dc_t * c[t], dc_t * i             # (L3)
        da[t] = np.hstack([di * i*(1-i), df * f*(1-f), do * o*(1-o), dg * (1-g**2)])  # (L2)
        dc = np.where(live, dc_t * f, dc)                        # (L3)
        dh = np.where(live, da[t] @ Wh.T, dh)                    # (L1)
    if dWp is not None:
        dWp[...] = (dWp if add else 0) + rows(m).T @ rows(dp)    # (L6)
    dWh[...] = (dWh if add else 0) + rows(h[:-1]).T @ rows(da)   # (L1)
    dWx[...] = (dWx if add else 0) + rows(x).T @ rows(da)        # (L1)
    db[...] = (db if add else 0) + rows(da).sum(axis=0)          # (L1)
    return da @ Wx.T, dh, dc                                     # (L1)


class LSTM(Cell):
    """One layer. Its state is h (B, P) and c (B, H).

    D, H, P         widths of input, cell and output; P None: no projection, the output has width H
    cell_clip       bound of |c_t|; None: no bound
    proj_clip       bound of |h_t| where there is a projection; None: no bound
    forget_bias     constant that (L1) adds to the f quarter of b; the original ELMo adds 1 at run time
    rng             draws the initial weights: Glorot uniform; None: allocate without drawing; the forget bias starts
                    at 1, this constant included
    dtype           float32 to train, float64 to check gradients
    Parameters      Wx (D, 4H), Wh (P, 4H), b (4H,), Wp (H, P) or None
    """

    STATE = ("h", "c")

    def __init__(
        self, D: int, H: int, P: int | None = None, *,
        cell_clip: float | None = None, proj_clip: float | None = None,
        forget_bias: float = 0.0, rng: Generator | None,
        dtype: DTypeLike = np.float32,
    ):
        check_sizes("LSTM", D=D, H=H, P=H if P is None else P)

        def glorot(rows: int, columns: int) -> Parameter:
            return Parameter(glorot_uniform(rng, (rows, columns), dtype))

        self.Wx = glorot(D, 4*H)
        self.Wh = glorot(P or H, 4*H)
        self.b = Parameter(np.zeros(4*H, dtype))
        self.b.value[H:2*H] = 1 - forget_bias   # Jozefowicz et al. 2015
        self.Wp = glorot(H, P) if P else None
        self.clips = Clips(
            cell=np.inf if cell_clip is None else float(cell_clip),
            proj=np.inf if proj_clip is None else float(proj_clip),
        )
        self.forget_bias = forget_bias

    @classmethod
    def of_config(
        cls, config: BiLMConfig, D: int, *, rng: Generator | None, dtype: DTypeLike,
    ) -> "LSTM":
        return cls(D, config.hidden_dim, config.projection_dim,
                   cell_clip=config.cell_clip, proj_clip=config.proj_clip,
                   forget_bias=config.forget_bias, rng=rng, dtype=dtype)

    @staticmethod
    def shapes(config: BiLMConfig, D: int) -> dict[str, tuple[int, ...]]:
        H = config.hidden_dim
        P = config.output_dim
        projection = {"Wp": (H, P)} if config.projection_dim else {}
        return {"Wx": (D, 4*H), "Wh": (P, 4*H), **projection}

    def forward(
        self, x: Array, state: State | None = None,
        lengths: Array | None = None,
    ) -> tuple[Array, State, Cache]:
        """x (T, B, D), state (h (B, P), c (B, H)) or None for zeros, lengths (B,) or None for T each
        -> outputs (T, B, P), the state after each sequence's last step, cache. Raises ValueError for other shapes."""
        x, state, lengths = self.checked(x, state, lengths)
        T = len(x)
        weights = self.weights()
        ifog, h, c, m = lstm_forward(x, state, weights, lengths, self.clips)  # (L1)-(L6)
        return masked(h[1:], lengths), (h[T], c[T]), Cache(x, ifog, h, c, m, lengths)

    def forward_inference(
        self, x: Array, state: State | None = None,
        lengths: Array | None = None,
    ) -> tuple[Array, State]:
        """`forward` without a cache: outputs (T, B, P), the state after each sequence's last step."""
        x, state, lengths = self.checked(x, state, lengths)
        weights = self.weights()
        y, h, c = lstm_forward_inference(x, state, weights, lengths, self.clips)  # (L1)-(L6)
        return y, (h, c)

    def backward(self, dy: Array, cache: Cache, dstate: State | None = None) -> tuple[Array, State]:
        """dy (T, B, P), dstate: gradient of the final state or None for zeros
        -> dx (T, B, D), gradient of the initial state; accumulates into every Parameter.grad."""
        check_array("LSTM output gradient", dy, cache.h[1:].shape, cache.h.dtype)
        dy = np.ascontiguousarray(dy)
        dstate = self.checked_state("state gradient", dstate, dy.shape[1])
        trained = (self.Wx, self.Wh, self.b, self.Wp)
        arrays, add = accumulators([p for p in trained if p is not None])
        weights = self.weights()
        gradients = Weights(*arrays)
        dx, dh, dc = lstm_backward(  # (L6)-(L1)
            dy, dstate, cache, weights, self.clips, gradients, add)
        return dx, (dh, dc)

    def weights(self) -> Weights:
        """The values of the parameters, the bias with `forget_bias`."""
        Wp = None if self.Wp is None else self.Wp.value
        return Weights(self.Wx.value, self.Wh.value, self.bias(), Wp)

    def bias(self) -> Array:
        """b with forget_bias, (4H,): the constant changes no gradient."""
        if not self.forget_bias:
            return self.b.value
        b = self.b.value.copy()
        H = len(b) // 4
        b[H:2*H] += self.forget_bias  # (L1)
        return b

    def zero_state(self, B: int) -> State:
        """The state before the first word of B sequences: h (B, P) and c (B, H) of zeros."""
        P, H4 = self.Wh.value.shape
        dtype = self.Wh.value.dtype
        return np.zeros((B, P), dtype), np.zeros((B, H4 // 4), dtype)


def rows(x: Array) -> Array:
    """(T, B, N) -> (T B, N): a sum over steps and sequences is then one matrix product."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
