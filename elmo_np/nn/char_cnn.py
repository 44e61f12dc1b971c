"""Characters to the vector of a word (C): convolutions, the largest over all places, highway layers, a projection.

    (C1) e_p = E[k_p]
    (C2) y_p = [e_p ; .. ; e_{p+w-1}] W,  p = 0 .. K - w
    (C3) m = max_p y_p + b
    (C4) x = relu(m) or tanh(m), the filters of all widths side by side
    (C5) r = sigmoid(x Wr + br)
    (C6) t = relu(x Wt + bt)
    (C7) x <- r * t + (1 - r) * x, once a highway layer
    (C8) v = x Wp + bp; without a projection v = x

Dimensions: N word types, K characters a word, C width of a character's vector, w width of a filter, F filters of all
widths, D width of a word's vector. In one part of the work: G words, L of their characters, Q windows of each.
A word is computed once, however often it occurs, and so is the window behind its end: from there on all windows see the
same character, and the largest of equal numbers is one of them.
Source: Kim et al. 2016; highway layers, Srivastava et al. 2015; sizes, starts and relu of the original ELMo.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..backend import twin
from ..config.fields import Pairs
from ..types import Array
from .characters import N_CHARACTERS
from .embedding import scatter_add
from .lstm import rows, sigmoid
from .matmul import matmul
from .parameter import Parameter


def windows(e: Array, w: int) -> Array:
    """e (G, L, C) -> the w characters from each place on, one after another: (G, Q, w C), Q = L - w + 1."""
    G, L, C = e.shape
    view = np.lib.stride_tricks.sliding_window_view(e.reshape(G, L * C), w * C, axis=1)[:, ::C]
    return np.ascontiguousarray(view)           # the windows overlap, which a matrix product cannot read


@twin
def convolve(e: Array, W: Array, places: Array, keep: bool) -> tuple[Array, Array | None]:
    """(C2), and the largest of (C3) over the first `places` windows of each word.

    e (G, L, C), W (w C, n), places (G,) int64, from 1 to L - w + 1
    -> the largest (G, n); the place (G, n) of it, the first of equals, int64, or None if not `keep`
    """
    y = windows(e, len(W) // e.shape[2]) @ W                                     # (C2)
    y[np.arange(y.shape[1]) >= places[:, None]] = -np.inf
    return y.max(axis=1), y.argmax(axis=1) if keep else None                     # (C3)


class Filters:
    """n filters of width w: the largest of each over all places of a word.

    Parameters  W (w C, n), b (n,). Starts: uniform in +-0.05 for relu, normal with variance 1 / (w C) for tanh; b zero.
    """

    def __init__(self, w: int, C: int, n: int, activation: str, rng: np.random.Generator, dtype: npt.DTypeLike):
        start = rng.uniform(-0.05, 0.05, (w * C, n)) if activation == "relu" \
            else rng.standard_normal((w * C, n)) / np.sqrt(w * C)
        self.w, self.W, self.b = w, Parameter(start.astype(dtype)), Parameter(np.zeros(n, dtype))

    def forward(self, e: Array, lengths: Array, keep: bool) -> tuple[Array, Array | None]:
        """e (G, L, C), lengths (G,): characters from which on all are equal
        -> m (G, n); place (G, n) of the largest, the first of equals, for backward, or None."""
        places = np.minimum(lengths + 1, e.shape[1] - self.w + 1)       # behind the end all windows are that at the end
        largest, place = convolve(np.ascontiguousarray(e), self.W.value, places, keep)   # (C2), (C3)
        return largest + self.b.value, place                                     # (C3)

    def backward(self, dm: Array, e: Array, place: Array) -> Array:
        """dm (G, n), with e and place of forward -> de (G, L, C); adds to W.grad and b.grad."""
        u, de, C = windows(e, self.w), np.zeros_like(e), e.shape[2]
        dy = np.zeros((*u.shape[:2], dm.shape[1]), dm.dtype)
        np.put_along_axis(dy, place[:, None], dm[:, None], axis=1)               # (C3)
        self.b.grad += dm.sum(axis=0)                                            # (C3)
        self.W.grad += rows(u).T @ rows(dy)                                      # (C2)
        du = dy @ self.W.value.T                                                 # (C2)
        for j in range(self.w):
            de[:, j:j+u.shape[1]] += du[:, :, j*C:(j+1)*C]                       # (C2)
        return de


class HighwayCache(NamedTuple):
    x: Array            # (N, F)
    r: Array            # (N, F) share of the new
    t: Array            # (N, F) the new


class Highway:
    """One highway layer of width F. Parameters Wr, Wt (F, F), br, bt (F,), normal with variance 1 / F; br starts at -2,
    so that most of x passes at first. The original calls them carry (r) and transform (t)."""

    def __init__(self, F: int, rng: np.random.Generator, dtype: npt.DTypeLike):
        self.Wr, self.Wt = (Parameter((rng.standard_normal((F, F)) / np.sqrt(F)).astype(dtype)) for _ in range(2))
        self.br, self.bt = Parameter(np.full(F, -2, dtype)), Parameter(np.zeros(F, dtype))

    def forward(self, x: Array) -> tuple[Array, HighwayCache]:
        """x (N, F) -> the next x (N, F), cache."""
        r = sigmoid(matmul(x, self.Wr.value, self.br.value))                     # (C5)
        t = np.maximum(matmul(x, self.Wt.value, self.bt.value), 0)               # (C6)
        return r * t + (1 - r) * x, HighwayCache(x, r, t)                        # (C7)

    def backward(self, dnext: Array, cache: HighwayCache) -> Array:
        """Gradient of the next x (N, F) -> dx (N, F); adds to every Parameter.grad."""
        x, r, t = cache
        dr, dt = dnext * (t - x), dnext * r                                      # (C7)
        dt = dt * (t > 0)                                                        # (C6) of x Wt + bt
        dr = dr * r * (1 - r)                                                    # (C5) of x Wr + br
        self.Wt.grad += matmul(x.T, dt)                                          # (C6)
        self.bt.grad += dt.sum(axis=0)                                           # (C6)
        self.Wr.grad += matmul(x.T, dr)                                          # (C5)
        self.br.grad += dr.sum(axis=0)                                           # (C5)
        dx: Array = dnext * (1 - r) + matmul(dt, self.Wt.value.T) + matmul(dr, self.Wr.value.T)    # (C7), (C6), (C5)
        return dx


class Part(NamedTuple):
    """Words of about the same length, few enough that their windows fit the memory that a part may take."""

    words: Array        # (G,) which of the N
    k: Array            # (G, L) int64: their characters, as far as any filter reads
    lengths: Array      # (G,) int64: characters of each, from which on all are equal
    longest: int        # the longest's


class TypesCache(NamedTuple):
    parts: list[Part]
    place: Array        # (N, F) uint16: the place of the largest
    x: Array            # (N, F) of (C4)
    highways: list[HighwayCache]
    top: Array          # (N, F) what the projection reads


class Cache(NamedTuple):
    place: Array        # (..) which of the N types a word is
    types: TypesCache


class CharCNN:
    """The vector of a word from its K characters.

    filters     ((width, number), ..), of any width up to K      C, D    widths of a character's and a word's vector
    activation  "relu" or "tanh"                                 highways    how many highway layers
    project     False: no projection, D is the number of filters
    rng         draws the start values: E uniform in +-1, row 0, which is no character, zero; Wp with variance 1 / F
    Parameters  E (262, C), those of the filters and of the highway layers, Wp (F, D) and bp (D,) or None
    """

    CHUNK = 1 << 20         # numbers of windows at a time: 4 MB in float32
    BLOCK = 512             # words at a time where no cache is kept

    def __init__(self, filters: Pairs, C: int, D: int, K: int = 50, *, activation: str = "relu", highways: int = 0,
                 project: bool = True, rng: np.random.Generator, dtype: npt.DTypeLike = np.float32):
        self.K, self.activation, F = K, activation, sum(n for _, n in filters)
        self.E = Parameter(rng.uniform(-1, 1, (N_CHARACTERS, C)).astype(dtype))
        self.E.value[0] = 0
        self.filters = [Filters(w, C, n, activation, rng, dtype) for w, n in filters]
        self.highways = [Highway(F, rng, dtype) for _ in range(highways)]
        self.Wp = Parameter((rng.standard_normal((F, D)) / np.sqrt(F)).astype(dtype)) if project else None
        self.bp = Parameter(np.zeros(D, dtype)) if project else None

    def forward(self, k: Array) -> tuple[Array, Cache]:
        """k (.., K) characters, as `characters.to_char_ids` makes them -> v (.., D), cache. ValueError for others."""
        types, place = word_types(self._checked(k))
        v, cache = self.encode(types)
        return v[place], Cache(place, cache)

    def backward(self, dv: Array, cache: Cache) -> None:
        """dv (.., D): adds to every Parameter.grad. There is no gradient of a character's number."""
        dtypes = np.zeros((len(cache.types.x), dv.shape[-1]), dv.dtype)
        add_by_type(dtypes, cache.place, dv)
        self.encode_backward(dtypes, cache.types)

    def lookup(self, k: Array) -> Array:
        """`forward` without a cache, a block of words after another: v (.., D)."""
        types, place = word_types(self._checked(k))
        blocks = [types[n:n+self.BLOCK] for n in range(0, max(1, len(types)), self.BLOCK)]
        return np.concatenate([self.encode(block, keep=False)[0] for block in blocks])[place]

    def encode(self, k: Array, keep: bool = True) -> tuple[Array, TypesCache]:
        """k (N, K), best without repetition -> v (N, D), cache; keep False: one that backward cannot use."""
        x, parts, place = self._convolve(self._checked(k), keep)
        x = first = np.maximum(x, 0) if self.activation == "relu" else np.tanh(x)    # (C4)
        caches = []
        for layer in self.highways:
            x, cache = layer.forward(x)
            caches += [cache] if keep else []
        v = x if self.Wp is None or self.bp is None else matmul(x, self.Wp.value, self.bp.value)    # (C8)
        return v, TypesCache(parts, place, first, caches, x)

    def encode_backward(self, dv: Array, cache: TypesCache) -> None:
        """dv (N, D): adds to every Parameter.grad."""
        if dv.shape[:-1] != cache.x.shape[:1] or dv.dtype != cache.x.dtype:
            raise ValueError(f"gradient of {len(cache.x)} words is {dv.dtype}{dv.shape}, expected {cache.x.dtype}")
        dx = dv
        if self.Wp is not None and self.bp is not None:
            self.Wp.grad += matmul(cache.top.T, dv)                              # (C8)
            self.bp.grad += dv.sum(axis=0)                                       # (C8)
            dx = matmul(dv, self.Wp.value.T)                                     # (C8)
        for layer, layer_cache in zip(reversed(self.highways), reversed(cache.highways), strict=True):
            dx = layer.backward(dx, layer_cache)
        dm = dx * (cache.x > 0 if self.activation == "relu" else 1 - cache.x**2)    # (C4)
        self._convolve_backward(dm, cache)

    def _convolve(self, k: Array, keep: bool) -> tuple[Array, list[Part], Array]:
        """(C1)-(C3) of all filters: m (N, F), the parts in which it was done, place (N, F)."""
        N, F, dtype = len(k), sum(len(f.b.value) for f in self.filters), self.E.value.dtype
        m, place, parts = np.empty((N, F), dtype), np.empty((N, F) if keep else (0, F), np.uint16), list(self._parts(k))
        for part in parts:
            e = self.E.value[part.k]                                             # (C1)
            for f, columns in self._columns():
                m[part.words, columns], found = f.forward(e[:, :part.longest + f.w], part.lengths, keep)
                if found is not None:
                    place[part.words, columns] = found
        return m, parts, place

    def _convolve_backward(self, dm: Array, cache: TypesCache) -> None:
        for part in cache.parts:
            e = self.E.value[part.k]                                             # (C1)
            de = np.zeros_like(e)
            for f, columns in self._columns():
                seen, place = slice(part.longest + f.w), cache.place[part.words, columns]
                de[:, seen] += f.backward(dm[part.words, columns], e[:, seen], place.astype(np.int64))
            scatter_add(self.E.grad, part.k.reshape(-1), rows(de))               # (C1)

    def _columns(self) -> Iterator[tuple[Filters, slice]]:
        """The filters of each width, and their columns of m."""
        start = 0
        for f in self.filters:
            yield f, slice(start, start + len(f.b.value))
            start += len(f.b.value)

    def _parts(self, k: Array) -> Iterator[Part]:
        """The words, longest first, cut so that no part's windows take more than CHUNK numbers."""
        C, widest = self.E.value.shape[1], max(f.w for f in self.filters)
        most = max(max(f.w * C, len(f.b.value)) for f in self.filters)
        differs = k != k[:, -1:]
        lengths = np.where(differs.any(axis=1), self.K - differs[:, ::-1].argmax(axis=1), 0)
        order, start = np.argsort(-lengths, kind="stable"), 0
        while start < len(k):
            longest = int(lengths[order[start]])
            words = order[start:start + max(1, self.CHUNK // ((longest + 1) * most))]
            yield Part(words, k[words, :longest + widest].astype(np.int64), lengths[words], longest)
            start += len(words)

    def _checked(self, k: Array) -> Array:
        if k.shape[-1:] != (self.K,) or k.dtype.kind not in "iu":
            raise ValueError(f"characters are {k.dtype}{k.shape}, expected whole numbers (.., {self.K})")
        if k.size and not 0 <= k.min() <= k.max() < N_CHARACTERS:
            raise ValueError(f"characters range from {k.min()} to {k.max()}, expected 0 to {N_CHARACTERS - 1}")
        return k


def word_types(k: Array) -> tuple[Array, Array]:
    """k (.., K) -> the words that differ (N, K), and which of them each is (..)."""
    flat = np.ascontiguousarray(rows(k))
    names = flat.view(f"S{flat.shape[1] * flat.itemsize}").reshape(-1)      # a row as one string: quick to compare
    _, first, place = np.unique(names, return_index=True, return_inverse=True)
    return flat[first], place.reshape(k.shape[:-1])


def add_by_type(dtypes: Array, place: Array, dv: Array) -> None:
    """dtypes[place] += dv, in place, for a word that occurs twice too: dtypes (N, D), place (..), dv (.., D)."""
    scatter_add(dtypes, np.ascontiguousarray(place, np.int64).reshape(-1), np.ascontiguousarray(rows(dv)))
