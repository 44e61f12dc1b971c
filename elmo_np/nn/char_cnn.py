"""Characters to the vector of a word (C): convolutions, max-over-time pooling, highway layers, a projection.

    (C1) e_p = E[k_p]
    (C2) y_p = [e_p ; .. ; e_{p+w-1}] W,  p = 0 .. K - w
    (C3) m = max_p y_p + b
    (C4) x = relu(m) or tanh(m), the filters of all widths side by side
    (C5) r = sigmoid(x Wr + br)
    (C6) t = relu(x Wt + bt)
    (C7) x <- r * t + (1 - r) * x, once per highway layer
    (C8) v = x Wp + bp; without a projection v = x

Dimensions: N word types, K characters per word, C width of a character's vector, w width of a filter, F filters of all
widths, D width of a word's vector. In one part of the work: G words, L of their characters, Q windows of each.
Each word type is computed once, however often it occurs. So is the window after its end: from there on all windows see
the same character, and the maximum of equal values is any one of them.
Source: Kim et al. 2016; highway layers, Srivastava et al. 2015; sizes, initial values and relu of the original ELMo.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike

from ..backend import twin
from ..config.fields import Pairs
from ..types import Array
from .characters import N_CHARACTERS
from .checks import check_array, check_ids, check_sizes
from .embedding import scatter_add
from .initializers import lecun_normal, uniform
from .lstm import rows, sigmoid
from .matmul import matmul
from .parameter import Parameter


def windows(e: Array, w: int) -> Array:
    """e (G, L, C) -> the w characters from each position on, one after another: (G, Q, w C), Q = L - w + 1."""
    G, L, C = e.shape
    flat = e.reshape(G, L * C)
    view = np.lib.stride_tricks.sliding_window_view(flat, w * C, axis=1)[:, ::C]
    return np.ascontiguousarray(view)           # a matrix product cannot read overlapping windows


@twin
def convolve(e: Array, W: Array, positions: Array, keep: bool) -> tuple[Array, Array | None]:
    """(C2), and the maximum of (C3) over the first `positions` windows of each word.

    e (G, L, C), W (w C, n), positions (G,) int64, from 1 to L - w + 1
    -> the maximum (G, n); its position (G, n) int64, the first if several are equal, or None if not `keep`
    """
    w = len(W) // e.shape[2]
    y = windows(e, w) @ W                        # (C2)
    past = np.arange(y.shape[1]) >= positions[:, None]
    y[past] = -np.inf
    argmax = y.argmax(axis=1) if keep else None  # (C3)
    return y.max(axis=1), argmax                 # (C3)


class Filters:
    """n filters of width w, each with its maximum over all positions of a word.

    Parameters      W (w C, n), b (n,)
    Initial values  W: uniform in +-0.05 for relu, normal with variance 1 / (w C) for tanh; b: zero
    """

    def __init__(self, w: int, C: int, n: int, activation: str, rng: Generator | None, dtype: DTypeLike):
        check_sizes("filters", w=w, C=C, n=n)
        shape = (w * C, n)
        relu = activation == "relu"
        self.w = w
        self.W = Parameter(uniform(rng, shape, 0.05, dtype) if relu else lecun_normal(rng, shape, w * C, dtype))
        self.b = Parameter(np.zeros(n, dtype))

    def forward(self, e: Array, lengths: Array, keep: bool) -> tuple[Array, Array | None]:
        """e (G, L, C), lengths (G,): the number of characters after which all are equal
        -> m (G, n); argmax (G, n): the position of each maximum, for backward, or None."""
        Q = e.shape[1] - self.w + 1
        positions = np.minimum(lengths + 1, Q)      # after the end, all windows are equal
        e = np.ascontiguousarray(e)
        m, argmax = convolve(e, self.W.value, positions, keep)  # (C2), (C3)
        return m + self.b.value, argmax                         # (C3)

    def backward(self, dm: Array, e: Array, argmax: Array) -> Array:
        """dm (G, n), with e and argmax of forward -> de (G, L, C); accumulates into W.grad and b.grad."""
        check_array("gradient of the maxima", dm, argmax.shape, e.dtype)
        C = e.shape[2]
        u = windows(e, self.w)
        Q = u.shape[1]
        dy = np.zeros((len(e), Q, dm.shape[1]), dm.dtype)
        np.put_along_axis(dy, argmax[:, None], dm[:, None], axis=1)  # (C3)
        self.b.grad += dm.sum(axis=0)              # (C3)
        self.W.grad += rows(u).T @ rows(dy)        # (C2)
        du = dy @ self.W.value.T                   # (C2)
        de = np.zeros_like(e)
        for j in range(self.w):
            de[:, j:j+Q] += du[:, :, j*C:(j+1)*C]  # (C2)
        return de


class HighwayCache(NamedTuple):
    x: Array            # (N, F)
    r: Array            # (N, F) share of the new
    t: Array            # (N, F) the new


class Highway:
    """One highway layer of width F.

    Parameters      Wr, Wt (F, F), br, bt (F,); the original calls them carry (r) and transform (t)
    Initial values  Wr, Wt: normal with variance 1 / F; bt: zero; br: -2, so that most of x passes at first
    """

    def __init__(self, F: int, rng: Generator | None, dtype: DTypeLike):
        check_sizes("highway layer", F=F)
        self.Wr, self.Wt = (Parameter(lecun_normal(rng, (F, F), F, dtype)) for _ in range(2))
        self.br = Parameter(np.full(F, -2, dtype))
        self.bt = Parameter(np.zeros(F, dtype))

    def forward(self, x: Array) -> tuple[Array, HighwayCache]:
        """x (N, F) -> the next x (N, F), cache."""
        r = sigmoid(matmul(x, self.Wr.value, self.br.value))        # (C5)
        t = np.maximum(matmul(x, self.Wt.value, self.bt.value), 0)  # (C6)
        return r * t + (1 - r) * x, HighwayCache(x, r, t)           # (C7)

    def backward(self, dnext: Array, cache: HighwayCache) -> Array:
        """Gradient of the next x (N, F) -> dx (N, F); accumulates into every Parameter.grad."""
        x, r, t = cache
        check_array("highway gradient", dnext, x.shape, x.dtype)
        dr = dnext * (t - x)               # (C7)
        dt = dnext * r                     # (C7)
        dt = dt * (t > 0)                  # (C6) of x Wt + bt
        dr = dr * r * (1 - r)              # (C5) of x Wr + br
        self.Wt.grad += matmul(x.T, dt)    # (C6)
        self.bt.grad += dt.sum(axis=0)     # (C6)
        self.Wr.grad += matmul(x.T, dr)    # (C5)
        self.br.grad += dr.sum(axis=0)     # (C5)
        dx: Array = dnext * (1 - r)        # (C7)
        dx += matmul(dt, self.Wt.value.T)  # (C6)
        dx += matmul(dr, self.Wr.value.T)  # (C5)
        return dx


class Part(NamedTuple):
    """Words of about the same length, few enough that their windows fit into the memory for one part."""

    words: Array        # (G,) their indices among the N types
    k: Array            # (G, L) int64: their characters, as far as any filter reads
    lengths: Array      # (G,) int64: the number of characters of each after which all are equal
    longest: int        # the maximum of these


class TypesCache(NamedTuple):
    parts: list[Part]
    argmax: Array       # (N, F) uint16: the position of each maximum
    x: Array            # (N, F) of (C4)
    highways: list[HighwayCache]
    top: Array          # (N, F) what the projection reads


class Cache(NamedTuple):
    type_ids: Array     # (..) which of the N types each word is
    types: TypesCache


class CharCNN:
    """The vector of a word from its K characters.

    filters     ((width, number), ..), of any width up to K
    C, D        widths of a character's and a word's vector
    activation  "relu" or "tanh"
    highways    the number of highway layers
    project     False: no projection; D is then the number of filters
    rng         draws the initial values. E: uniform in +-1, with zeros in row 0, which stands for no character;
                Wp: normal with variance 1 / F
    Parameters  E (262, C), those of the filters and of the highway layers, Wp (F, D) and bp (D,) or None
    """

    CHUNK = 1 << 20         # values of windows at a time: 4 MB in float32
    BLOCK = 512             # words at a time where no cache is kept

    def __init__(
        self, filters: Pairs, C: int, D: int, K: int = 50, *,
        activation: str = "relu", highways: int = 0, project: bool = True,
        rng: Generator | None, dtype: DTypeLike = np.float32,
    ):
        F = sum(n for _, n in filters)
        check_sizes("character CNN", C=C, D=D, K=K, F=F)
        if max(w for w, _ in filters) > K or (not project and D != F):
            raise ValueError(f"character CNN: filters {filters} with K = {K}, D = {D}: expected widths up to K, and "
                             "without a projection D filters")
        self.K = K
        self.activation = activation
        self.E = Parameter(uniform(rng, (N_CHARACTERS, C), 1, dtype))
        self.E.value[0] = 0
        self.filters = [Filters(w, C, n, activation, rng, dtype) for w, n in filters]
        self.highways = [Highway(F, rng, dtype) for _ in range(highways)]
        self.Wp = Parameter(lecun_normal(rng, (F, D), F, dtype)) if project else None
        self.bp = Parameter(np.zeros(D, dtype)) if project else None

    def forward(self, k: Array) -> tuple[Array, Cache]:
        """k (.., K) characters, as `characters.to_char_ids` returns them -> v (.., D), cache.

        Raises ValueError for values that are not characters."""
        types, type_ids = word_types(self._checked(k))
        v, cache = self.encode(types)
        return v[type_ids], Cache(type_ids, cache)

    def backward(self, dv: Array, cache: Cache) -> None:
        """dv (.., D): accumulates into every Parameter.grad. Characters are ids and have no gradient."""
        self.check_gradient(dv, cache.type_ids.shape, cache.types.x)
        dtypes = np.zeros((len(cache.types.x), dv.shape[-1]), dv.dtype)
        add_by_type(dtypes, cache.type_ids, dv)
        self.encode_backward(dtypes, cache.types)

    def lookup(self, k: Array) -> Array:
        """`forward` without a cache, one block of words after another: v (.., D)."""
        types, type_ids = word_types(self._checked(k))
        starts = range(0, max(1, len(types)), self.BLOCK)
        blocks = [self.encode(types[n:n+self.BLOCK], keep=False)[0] for n in starts]
        return np.concatenate(blocks)[type_ids]

    def encode(self, k: Array, keep: bool = True) -> tuple[Array, TypesCache]:
        """k (N, K), best without repetition -> v (N, D), cache; keep False: one that backward cannot use."""
        m, parts, argmax = self._convolve(self._checked(k), keep)
        x = np.maximum(m, 0) if self.activation == "relu" else np.tanh(m)  # (C4)
        top = x
        caches = []
        for layer in self.highways:
            top, cache = layer.forward(top)
            caches += [cache] if keep else []
        v = top
        if self.Wp is not None and self.bp is not None:
            v = matmul(top, self.Wp.value, self.bp.value)  # (C8)
        return v, TypesCache(parts, argmax, x, caches, top)

    def encode_backward(self, dv: Array, cache: TypesCache) -> None:
        """dv (N, D): accumulates into every Parameter.grad."""
        x = cache.x
        self.check_gradient(dv, x.shape[:1], x)
        dx = dv
        if self.Wp is not None and self.bp is not None:
            self.Wp.grad += matmul(cache.top.T, dv)               # (C8)
            self.bp.grad += dv.sum(axis=0)                        # (C8)
            dx = matmul(dv, self.Wp.value.T)                      # (C8)
        layers = zip(self.highways, cache.highways, strict=True)
        for layer, layer_cache in reversed(list(layers)):
            dx = layer.backward(dx, layer_cache)
        slope = x > 0 if self.activation == "relu" else 1 - x**2  # (C4)
        self._convolve_backward(dx * slope, cache)                # (C4)

    def check_gradient(self, dv: Array, words: tuple[int, ...], x: Array) -> None:
        """Raise ValueError unless dv is one vector (D,) per word; words: the shape of the ids, x (N, F) of (C4)."""
        D = x.shape[1] if self.bp is None else len(self.bp.value)
        check_array("gradient of word vectors", dv, (*words, D), x.dtype)

    def _convolve(self, k: Array, keep: bool) -> tuple[Array, list[Part], Array]:
        """(C1)-(C3) of all filters: m (N, F), the parts in which it was done, argmax (N, F)."""
        F = sum(len(f.b.value) for f in self.filters)
        m = np.empty((len(k), F), self.E.value.dtype)
        argmax = np.empty((len(k) if keep else 0, F), np.uint16)
        parts = list(self._parts(k))
        for part in parts:
            e = self.E.value[part.k]  # (C1)
            for f, columns in self._columns():
                seen = e[:, :part.longest + f.w]
                m[part.words, columns], found = f.forward(seen, part.lengths, keep)
                if found is not None:
                    argmax[part.words, columns] = found
        return m, parts, argmax

    def _convolve_backward(self, dm: Array, cache: TypesCache) -> None:
        for part in cache.parts:
            e = self.E.value[part.k]                                # (C1)
            de = np.zeros_like(e)
            for f, columns in self._columns():
                seen = slice(part.longest + f.w)
                argmax = cache.argmax[part.words, columns].astype(np.int64)
                de[:, seen] += f.backward(dm[part.words, columns], e[:, seen], argmax)
            scatter_add(self.E.grad, part.k.reshape(-1), rows(de))  # (C1)

    def _columns(self) -> Iterator[tuple[Filters, slice]]:
        """The filters of each width, and their columns of m."""
        start = 0
        for f in self.filters:
            end = start + len(f.b.value)
            yield f, slice(start, end)
            start = end

    def _parts(self, k: Array) -> Iterator[Part]:
        """The words, longest first, divided so that the windows of one part take at most CHUNK values."""
        C = self.E.value.shape[1]
        widest = max(f.w for f in self.filters)
        values = max(max(f.w * C, len(f.b.value)) for f in self.filters)    # per window
        differs = k != k[:, -1:]
        last = self.K - differs[:, ::-1].argmax(axis=1)
        lengths = np.where(differs.any(axis=1), last, 0)
        order = np.argsort(-lengths, kind="stable")
        start = 0
        while start < len(k):
            longest = int(lengths[order[start]])
            G = max(1, self.CHUNK // ((longest + 1) * values))
            words = order[start:start + G]
            seen = k[words, :longest + widest].astype(np.int64)
            yield Part(words, seen, lengths[words], longest)
            start += G

    def _checked(self, k: Array) -> Array:
        if k.shape[-1:] != (self.K,) or k.dtype.kind not in "iu":
            raise ValueError(
                f"characters are {k.dtype}{k.shape}, expected whole numbers (.., {self.K})")
        check_ids("characters", k, N_CHARACTERS)
        return k


def word_types(k: Array) -> tuple[Array, Array]:
    """k (.., K) -> the different words (N, K), and which of them each is (..)."""
    flat = np.ascontiguousarray(rows(k))
    bytes_per_row = flat.shape[1] * flat.itemsize
    names = flat.view(f"S{bytes_per_row}").reshape(-1)      # a row as one string: quick to compare
    _, first, type_ids = np.unique(names, return_index=True, return_inverse=True)
    return flat[first], type_ids.reshape(k.shape[:-1])


def add_by_type(dtypes: Array, type_ids: Array, dv: Array) -> None:
    """Reverse of v[type_ids]: dtypes[type_ids] += dv, in place, also for words that occur twice.

    dtypes (N, D), type_ids (..), dv (.., D)
    """
    flat = np.ascontiguousarray(type_ids, np.int64).reshape(-1)
    scatter_add(dtypes, flat, np.ascontiguousarray(rows(dv)))
