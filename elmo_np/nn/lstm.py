"""LSTM (L): the recurrence and back-propagation through time, with an optional projection of the output.

    (L1) a_t = x_t Wx + h_{t-1} Wh + b
    (L2) i, f, o = sigmoid(a_t[i f o]),  g = tanh(a_t[g])
    (L3) c_t = f * c_{t-1} + i * g
    (L4) c_t <- clip(c_t, +-cell_clip)
    (L5) m_t = o * tanh(c_t)
    (L6) h_t = clip(m_t Wp, +-proj_clip); without a projection h_t = m_t

Dimensions: T steps, B sequences, D input, H cell, P output. Arrays are time-major: x[t] is (B, D).
Gates: one (.., 4H) block in the order i f o g, three sigmoids and then one tanh.
Lengths: a sequence of length n computes steps 0 .. n-1; after them its state stands still and its output is zero.
Source: Hochreiter and Schmidhuber 1997; forget gate of Gers et al. 2000; projection of Sak et al. 2014; no peepholes.
The clips are those of the original ELMo.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..backend import twin
from ..types import Array
from .parameter import Parameter, accumulators

State = tuple[Array, Array]         # h (B, P), c (B, H)


def sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))       # never overflows, as 1 / (1 + exp(-x)) does for large -x


@twin
def lstm_forward(x: Array, h0: Array, c0: Array, Wx: Array, Wh: Array, b: Array, Wp: Array | None, lengths: Array,
                 cell_clip: float, proj_clip: float) -> tuple[Array, Array, Array, Array]:
    """(L1)-(L6) for a whole sequence.

    x (T, B, D), h0 (B, P), c0 (B, H), Wx (D, 4H), Wh (P, 4H), b (4H,), Wp (H, P) or None, lengths (B,) int64;
    a clip of infinity does nothing
    -> ifog (T, B, 4H); h (T+1, B, P) and c (T+1, B, H) with the initial state first; m (T, B, H), which is h[1:] where
       Wp is None
    In the kernel a row's result does not depend on the other rows, so that a sentence has the same states in any batch,
    bit for bit. A BLAS chooses its ways by the shape, and rounds differently.
    """
    T, B, H = len(x), len(c0), c0.shape[1]
    h, c = np.empty((T + 1, *h0.shape), x.dtype), np.empty((T + 1, *c0.shape), x.dtype)
    m = np.empty((T, B, H), x.dtype) if Wp is not None else h[1:]
    h[0], c[0] = h0, c0
    a = x @ Wx + b                                                               # (L1) what needs no state
    for t in range(T):
        live = (t < lengths)[:, None]
        a[t], h_t, c_t, m[t] = step(a[t], h[t], c[t], Wh, Wp, cell_clip, proj_clip)  # (L1)-(L6)
        h[t+1], c[t+1] = np.where(live, h_t, h[t]), np.where(live, c_t, c[t])
    return a, h, c, m


def step(a: Array, h: Array, c: Array, Wh: Array, Wp: Array | None, cell_clip: float,
         proj_clip: float) -> tuple[Array, Array, Array, Array]:
    """(L1)-(L6) of one step: a (B, 4H) is x Wx + b, h (B, P) and c (B, H) are the state before it -> ifog, h, c, m."""
    H = c.shape[1]
    a = a + h @ Wh                                                               # (L1)
    i, f, o = np.split(sigmoid(a[:, :3*H]), 3, axis=1)                           # (L2)
    g = np.tanh(a[:, 3*H:])                                                      # (L2)
    c_t = f * c + i * g                                                          # (L3)
    c_t = np.clip(c_t, -cell_clip, cell_clip)                                    # (L4)
    m = o * np.tanh(c_t)                                                         # (L5)
    h_t = np.clip(m @ Wp, -proj_clip, proj_clip) if Wp is not None else m        # (L6)
    return np.concatenate([i, f, o, g], axis=1), h_t, c_t, m


@twin
def lstm_forward_inference(x: Array, h0: Array, c0: Array, Wx: Array, Wh: Array, b: Array, Wp: Array | None,
                           lengths: Array, cell_clip: float, proj_clip: float) -> tuple[Array, Array, Array]:
    """(L1)-(L6) as `lstm_forward`, without what backward needs: memory that T adds to only by the outputs.

    -> outputs (T, B, P), zero past a sequence's end; the state h (B, P) and c (B, H) after each sequence's last step
    The kernel leaves sequences out of the steps that come after their end.
    """
    y, h, c = np.zeros((len(x), *h0.shape), x.dtype), h0, c0
    for t in range(len(x)):
        live = (t < lengths)[:, None]
        _, h_t, c_t, _ = step(x[t] @ Wx + b, h, c, Wh, Wp, cell_clip, proj_clip)     # (L1)-(L6)
        y[t] = np.where(live, h_t, 0)
        h, c = np.where(live, h_t, h), np.where(live, c_t, c)
    return y, h, c


@twin
def lstm_backward(dy: Array, dh: Array, dc: Array, x: Array, ifog: Array, h: Array, c: Array, m: Array, Wx: Array,
                  Wh: Array, Wp: Array | None, lengths: Array, cell_clip: float, proj_clip: float, dWx: Array,
                  dWh: Array, dWp: Array | None, add: bool) -> tuple[Array, Array, Array, Array]:
    """Reverse of (L6)-(L1), last step first: back-propagation through time.

    dy (T, B, P) gradient of the outputs, dh (B, P) and dc (B, H) of the final state; the rest is lstm_forward's.
    -> dx (T, B, D), db (4H,), dh0 (B, P), dc0 (B, H); dWx, dWh, dWp in place, added to what they hold if `add`
    """
    da, dp = np.empty_like(ifog), np.empty_like(dy)
    for t in reversed(range(len(dy))):
        live = (t < lengths)[:, None]
        i, f, o, g = np.split(ifog[t], 4, axis=1)
        dm = np.where(live, dy[t] + dh, 0)                                       # (L6)
        if Wp is not None:
            dp[t] = dm * (np.abs(h[t+1]) < proj_clip)                            # (L6)
            dm = dp[t] @ Wp.T                                                    # (L6)
        tanh_c = np.tanh(c[t+1])
        do = dm * tanh_c                                                         # (L5)
        dc_t = np.where(live, dc, 0) + dm * o * (1 - tanh_c**2)                  # (L5)
        dc_t *= np.abs(c[t+1]) < cell_clip                                       # (L4)
        di, df, dg = dc_t * g, dc_t * c[t], dc_t * i                             # (L3)
        da[t] = np.concatenate([di * i*(1-i), df * f*(1-f), do * o*(1-o), dg * (1-g**2)], axis=1)    # (L2)
        dc = np.where(live, dc_t * f, dc)                                        # (L3)
        dh = np.where(live, da[t] @ Wh.T, dh)                                    # (L1)
    if dWp is not None:
        dWp[...] = (dWp if add else 0) + rows(m).T @ rows(dp)                    # (L6)
    dWh[...] = (dWh if add else 0) + rows(h[:-1]).T @ rows(da)                   # (L1)
    dWx[...] = (dWx if add else 0) + rows(x).T @ rows(da)                        # (L1)
    return da @ Wx.T, rows(da).sum(axis=0), dh, dc                               # (L1)


class Cache(NamedTuple):
    """What backward needs: D + P + 5H numbers a step and sequence, H more with a projection."""

    x: Array            # (T, B, D)
    ifog: Array         # (T, B, 4H)
    h: Array            # (T+1, B, P)  h[0] is the initial state, h[t+1] the state after step t
    c: Array            # (T+1, B, H)  likewise
    m: Array            # (T, B, H)
    lengths: Array      # (B,) int64


class LSTM:
    """One layer.

    D, H, P     widths of input, cell and output; P None: no projection, the output has width H
    cell_clip   bound of |c_t|, None for no bound      proj_clip   bound of |h_t|, acts with a projection only
    forget_bias constant that (L1) adds to the f quarter of b; the original ELMo adds 1 when it runs
    rng         numpy.random.Generator that draws the start values: Glorot uniform, forget bias 1, the constant counted
    dtype       float32 to train, float64 to check gradients
    Parameters  Wx (D, 4H), Wh (P, 4H), b (4H,), Wp (H, P) or None
    """

    def __init__(self, D: int, H: int, P: int | None = None, *, cell_clip: float | None = None,
                 proj_clip: float | None = None, forget_bias: float = 0.0, rng: np.random.Generator,
                 dtype: npt.DTypeLike = np.float32):
        def glorot(rows: int, columns: int) -> Parameter:
            bound = np.sqrt(6 / (rows + columns))
            return Parameter(rng.uniform(-bound, bound, (rows, columns)).astype(dtype))

        self.Wx, self.Wh, self.b = glorot(D, 4*H), glorot(P or H, 4*H), Parameter(np.zeros(4*H, dtype))
        self.b.value[H:2*H] = 1 - forget_bias       # remember by default: Jozefowicz et al. 2015
        self.Wp = glorot(H, P) if P else None
        self.cell_clip = np.inf if cell_clip is None else float(cell_clip)
        self.proj_clip = np.inf if proj_clip is None else float(proj_clip)
        self.forget_bias = forget_bias

    def forward(self, x: Array, state: State | None = None,
                lengths: Array | None = None) -> tuple[Array, State, Cache]:
        """x (T, B, D), state (h (B, P), c (B, H)) or None for zeros, lengths (B,) or None for T each
        -> outputs (T, B, P), the state after each sequence's last step, cache. Raises ValueError for another shape."""
        args = self._checked(x, state, lengths)
        ifog, h, c, m = lstm_forward(*args)                                      # (L1)-(L6)
        x, lengths, T = args[0], args[7], len(args[0])
        live = np.arange(T)[:, None, None] < lengths[:, None]
        y = h[1:] if (lengths == T).all() else np.where(live, h[1:], 0)
        return y, (h[T], c[T]), Cache(x, ifog, h, c, m, lengths)

    def forward_inference(self, x: Array, state: State | None = None,
                          lengths: Array | None = None) -> tuple[Array, State]:
        """`forward` without a cache: outputs (T, B, P), the state after each sequence's last step."""
        y, h, c = lstm_forward_inference(*self._checked(x, state, lengths))                   # (L1)-(L6)
        return y, (h, c)

    def backward(self, dy: Array, cache: Cache, dstate: State | None = None) -> tuple[Array, State]:
        """dy (T, B, P), dstate: gradient of the final state or None for zeros
        -> dx (T, B, D), gradient of the initial state; adds to every Parameter.grad."""
        x, ifog, h, c, m, lengths = cache
        Wp = None if self.Wp is None else self.Wp.value
        if dy.shape != h[1:].shape or dy.dtype != h.dtype:
            raise ValueError(f"LSTM output gradient is {dy.dtype}{dy.shape}, expected {h.dtype}{h[1:].shape}")
        dh, dc = self._checked_state("state gradient", dstate, x.shape[1])
        weights, add = accumulators([p for p in (self.Wx, self.Wh, self.Wp) if p is not None])
        dWx, dWh, dWp = weights[0], weights[1], weights[2] if self.Wp is not None else None
        dx, db, dh, dc = lstm_backward(np.ascontiguousarray(dy), dh, dc, x, ifog, h, c, m, self.Wx.value, self.Wh.value,
                                       Wp, lengths, self.cell_clip, self.proj_clip, dWx, dWh, dWp, add)      # (L6)-(L1)
        self.b.grad += db                                                        # (L1)
        return dx, (dh, dc)

    def bias(self) -> Array:
        """b with forget_bias, (4H,): the constant changes no gradient."""
        if not self.forget_bias:
            return self.b.value
        b, H = self.b.value.copy(), len(self.b.value) // 4
        b[H:2*H] += self.forget_bias                                             # (L1)
        return b

    def zero_state(self, B: int) -> State:
        """The state before the first word of B sequences: h (B, P) and c (B, H) of zeros."""
        (P, H4), dtype = self.Wh.value.shape, self.Wh.value.dtype
        return np.zeros((B, P), dtype), np.zeros((B, H4 // 4), dtype)

    def _checked(self, x: Array, state: State | None, lengths: Array | None) -> tuple[
            Array, Array, Array, Array, Array, Array, Array | None, Array, float, float]:
        """The arguments of `lstm_forward`, of the right shape and kind."""
        T, B = self._check_input(x)
        h, c = self._checked_state("state", state, B)
        Wp = None if self.Wp is None else self.Wp.value
        return (np.ascontiguousarray(x), h, c, self.Wx.value, self.Wh.value, self.bias(), Wp,
                _checked_lengths(lengths, T, B), self.cell_clip, self.proj_clip)

    def _check_input(self, x: Array) -> tuple[int, int]:
        D, dtype = self.Wx.value.shape[0], self.Wx.value.dtype
        if x.ndim != 3 or x.shape[2] != D:
            raise ValueError(f"LSTM input has shape {x.shape}, expected (T, B, {D})")
        if x.dtype != dtype:
            raise ValueError(f"LSTM input has dtype {x.dtype}, expected {dtype} as its parameters have")
        return x.shape[0], x.shape[1]

    def _checked_state(self, what: str, state: State | None, B: int) -> State:
        """The state, or zeros for None, as the kernels want it: of the right shape and kind, contiguous."""
        zeros = self.zero_state(B)
        for name, s, zero in zip("hc", state or (), zeros, strict=False):
            if s.shape != zero.shape or s.dtype != zero.dtype:
                raise ValueError(f"LSTM {what} {name} is {s.dtype}{s.shape}, expected {zero.dtype}{zero.shape}")
        h, c = state or zeros
        return np.ascontiguousarray(h), np.ascontiguousarray(c)


def _checked_lengths(lengths: Array | None, T: int, B: int) -> Array:
    if lengths is None:
        return np.full(B, T, np.int64)
    lengths = np.asarray(lengths)
    if lengths.shape != (B,) or lengths.dtype.kind not in "iu" or ((lengths < 0) | (lengths > T)).any():
        raise ValueError(f"LSTM lengths are {lengths}, expected {B} whole numbers from 0 to {T}")
    return np.ascontiguousarray(lengths, np.int64)


def rows(x: Array) -> Array:
    """(T, B, N) -> (T B, N): a sum over steps and sequences is then one matrix product."""
    return x.reshape(-1, x.shape[-1])
