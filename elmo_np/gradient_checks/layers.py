"""One layer at a time: embedding, recurrent cells, softmaxes, dropout, word vector, layer mix."""

import numpy as np
from numpy.random import Generator

from ..config.cells import CELLS
from ..config.schema import BiLMConfig
from ..nn import sampled_softmax
from ..nn.adaptive_softmax import AdaptiveSoftmax
from ..nn.cell import Cell, cell_class
from ..nn.dropout import dropout_backward, dropout_forward
from ..nn.embedding import Embedding
from ..nn.lstm import LSTM
from ..nn.parameter import Parameter, parameters, zero_grad
from ..nn.representation import ScalarMix, WordVector, h_bi, h_bi_backward
from ..nn.sampled_softmax import SampledSoftmax
from ..nn.softmax import ELSEWHERE, IGNORE_INDEX, Softmax
from ..types import Array
from .registry import CASES, SCALE, Case, acts, case, case_of, case_of_loss, case_of_output


def _embedding(rng: Generator, earlier: list[int]) -> Case:
    """earlier: the words of a step before, whose gradient must be gone."""
    layer = Embedding(5, 3, rng=rng, dtype=np.float64)
    ids = np.array([[0, 2, 2], [4, 0, 2]])              # repeated words, and two that do not occur
    r = rng.normal(size=(2, 3, 3))
    before = np.array([earlier], np.int64)
    layer.backward(np.ones((*before.shape, 3)), layer.forward(before)[1])
    zero_grad(layer)
    return case_of_output(layer, lambda: layer.forward(ids), r)


CASES["embedding"] = lambda rng: _embedding(rng, earlier=[])
CASES["embedding, after a step with other words"] = lambda rng: _embedding(rng, earlier=[1, 3, 1, 0])


def recurrent(rng: Generator, layer: Cell, lengths: Array | None = None, T: int = 4, B: int = 3) -> Case:
    """A cell, from a state and with a gradient of its final state: what a model passes on from batch to batch."""
    x = rng.normal(size=(T, B, len(layer.Wx.value)))
    start = tuple(rng.normal(size=zeros.shape) for zeros in layer.zero_state(B))
    y, end, _ = layer.forward(x, start, lengths)
    if lengths is not None:
        acts(np.arange(T)[:, None] < lengths, "t < length")
    ry = rng.normal(size=y.shape)
    rend = tuple(rng.normal(size=array.shape) for array in end)

    def loss() -> float:
        y, end, _ = layer.forward(x, start, lengths)
        return float((y * ry).sum() + sum((array * r).sum() for array, r in zip(end, rend, strict=True)))

    def backward() -> dict[str, Array]:
        *_, cache = layer.forward(x, start, lengths)
        dx, dstart = layer.backward(ry, cache, rend)
        return {"x": dx, **dict(zip(names, dstart, strict=True))}
    names = [f"{name}0" for name in layer.STATE]
    return case_of(layer, loss, backward, {"x": x, **dict(zip(names, start, strict=True))})


UNEQUAL = np.array([4, 0, 2])
LONG = np.full(32, 5)       # 4 steps of 32 sequences are the 128 rows that a kernel multiplies at a time; and the fifth
LONG[[3, 17]] = 2, 0


def _lstm(rng: Generator, D: int, H: int, lengths: Array | None, T: int, B: int, forget_bias: float = 0.0) -> Case:
    """An LSTM with a projection, of which some cells and some outputs are clipped and some are not."""
    layer = LSTM(D, H, 2, cell_clip=0.5, proj_clip=0.3, forget_bias=forget_bias, rng=rng, dtype=np.float64)
    made = recurrent(rng, layer, lengths, T, B)
    *_, cache = layer.forward(made.arrays["x"], (made.arrays["h0"], made.arrays["c0"]), lengths)
    acts(np.abs(cache.c[1:]) == layer.clips.cell, "|c| = cell_clip")
    acts(np.abs(cache.h[1:]) == layer.clips.proj, "|h| = proj_clip")
    return made


def _of_kind(rng: Generator, name: str, D: int, H: int, lengths: Array | None, T: int, B: int) -> Case:
    """A cell of any kind with random values everywhere, large enough that no gradient vanishes in rounding."""
    config = BiLMConfig(cell=name, hidden_dim=H)
    layer = cell_class(name).of_config(config, D, rng=rng, dtype=np.float64)
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape) * 0.7
    return recurrent(rng, layer, lengths, T, B)


def cases_of_kind(name: str) -> None:
    """The checks of a kind in config/cells.py. One with branches of its own needs a case at which they act besides."""
    CASES[name] = lambda rng: _of_kind(rng, name, 5, 6, None, 4, 3)
    CASES[f"{name}, sequences of unequal length"] = lambda rng: _of_kind(rng, name, 5, 6, UNEQUAL, 4, 3)
    CASES[f"{name}, more steps than the kernel takes at a time"] = lambda rng: _of_kind(rng, name, 2, 3, LONG, 5, 32)


CASES["lstm"] = lambda rng: recurrent(rng, LSTM(5, 6, rng=rng, dtype=np.float64))
CASES["lstm, projected and clipped"] = lambda rng: _lstm(rng, 5, 6, None, 4, 3)
CASES["lstm, sequences of unequal length"] = lambda rng: _lstm(rng, 5, 6, UNEQUAL, 4, 3, forget_bias=1.0)
CASES["lstm, more steps than the kernel takes at a time"] = lambda rng: _lstm(rng, 2, 3, LONG, 5, 32)
CASES["lstm, more cells than the kernel takes at a time"] = lambda rng: _lstm(rng, 1, 65, None, 2, 7)    # 4H > 256
for _name in CELLS:
    if _name not in CASES:
        cases_of_kind(_name)


@case("softmax, more words than the kernel takes at a time")
def _many_words(rng: Generator) -> Case:
    """Two blocks of words: each has targets, and for some targets the maximum."""
    layer = Softmax(2, 190, rng=rng, dtype=np.float64)
    layer.b.value[180:] = rng.normal(size=10) + 1
    h = rng.normal(size=(9, 4, 2))
    y = rng.integers(0, 190, (9, 4))
    acts(y < 180, "a target in the first block")
    acts(np.argmax(h @ layer.W.value.T + layer.b.value, axis=-1) < 180, "the maximum in the first block")
    return case_of_loss(layer, lambda: layer.forward(h, y), h=h)


@case("softmax")
def _softmax(rng: Generator) -> Case:
    layer = Softmax(3, 7, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=7)
    layer.ROWS = 3
    layer.KEPT = 21         # three chunks: the sums run over them, and the last two compute logits again
    h = rng.normal(size=(4, 2, 3))
    y = rng.integers(0, 7, (4, 2))
    y[1, 1] = IGNORE_INDEX
    return case_of_loss(layer, lambda: layer.forward(h, y), h=h)


@case("softmax, label smoothing")
def _smoothed_softmax(rng: Generator) -> Case:
    layer = Softmax(3, 7, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=7)
    layer.ROWS = 3
    h = rng.normal(size=(4, 2, 3))
    y = rng.integers(0, 7, (4, 2))
    y[1, 1] = IGNORE_INDEX
    y[2] = 5                # twice: its row adds up
    share = 0.4

    def loss() -> float:
        unsmoothed, cache = layer.forward(h, y)
        return SCALE * (unsmoothed + share * layer.smoothing(cache))

    def backward() -> dict[str, Array]:
        return {"h": layer.backward(SCALE, layer.forward(h, y)[1], share)}
    return case_of(layer, loss, backward, {"h": h})


def _adaptive_softmax(rng: Generator, E: Parameter | None) -> Case:
    """Two batches before the pass backward: one of three clusters has no target in the first. E: as of the layer."""
    layer = AdaptiveSoftmax(6, 9, cutoffs=(3, 5, 7), div_value=2, rng=rng, dtype=np.float64, E=E)
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape) * 0.5
    h = rng.normal(size=(2, 4, 2, 6))
    y = np.array([[[0, 3], [IGNORE_INDEX, 8], [4, 1], [7, 2]], [[5, 6], [3, IGNORE_INDEX], [6, 8], [2, 0]]])
    acts(y == IGNORE_INDEX, "padding")
    acts(y[y != IGNORE_INDEX] < 3, "a word of the head")
    acts(np.array([np.isin(batch, (5, 6)).any() for batch in y]), "a cluster with a target")

    def loss() -> float:
        return SCALE * sum(layer.forward(h[k], y[k])[0] for k in range(2))

    def backward() -> dict[str, Array]:
        caches = [layer.forward(h[k], y[k])[1] for k in range(2)]
        return {"h": np.stack([layer.backward(SCALE, cache) for cache in caches])}
    return case_of(layer, loss, backward, {"h": h})


CASES["adaptive softmax"] = lambda rng: _adaptive_softmax(rng, None)
CASES["adaptive softmax, tied"] = lambda rng: _adaptive_softmax(rng, Parameter(np.zeros((9, 6))))


@case("sampled softmax")
def _sampled_softmax(rng: Generator) -> Case:
    """The sample is drawn from the same seed each time: it is fixed."""
    layer = SampledSoftmax(3, 12, samples=4, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=12)
    layer.full.ROWS = 6
    layer.full.KEPT = 24    # two chunks, of which the second computes logits again
    h = rng.normal(size=(5, 2, 3))
    y = rng.integers(0, 12, (5, 2))
    y[1, 1] = IGNORE_INDEX
    y[3] = 7

    def forward() -> tuple[float, sampled_softmax.Cache]:
        return layer.forward(h, y, np.random.default_rng(1))
    _, cache = forward()
    acts(cache.column == IGNORE_INDEX, "padding")
    acts(cache.column[cache.column != IGNORE_INDEX] == ELSEWHERE, "a target that is in the sample too")
    acts(np.array([chunk.z is None for chunk in cache.chunks]), "logits that are computed again")
    return case_of_loss(layer, forward, h=h)


@case("dropout")
def _dropout(rng: Generator) -> Case:
    x = rng.normal(size=(5, 4))
    r = rng.normal(size=(5, 4))

    def forward() -> tuple[Array, Array | None]:
        return dropout_forward(x, 0.4, np.random.default_rng(1))
    _, mask = forward()
    acts(np.asarray(mask) == 0, "dropped elements")
    return Case(lambda: float((forward()[0] * r).sum()), {"x": x}, {"x": dropout_backward(r, mask)})


@case("word vector W h_bi + b")
def _word_vector(rng: Generator) -> Case:
    layer = WordVector(6, 4, rng=rng, dtype=np.float64)
    h_f = rng.normal(size=(5, 3))
    h_b = rng.normal(size=(5, 3))
    r = rng.normal(size=(5, 4))

    def loss() -> float:
        return float((layer.forward(h_bi(h_f, h_b))[0] * r).sum())

    def backward() -> dict[str, Array]:
        _, cache = layer.forward(h_bi(h_f, h_b))
        dh_f, dh_b = h_bi_backward(layer.backward(r, cache))
        return {"h_forward": dh_f, "h_backward": dh_b}
    return case_of(layer, loss, backward, {"h_forward": h_f, "h_backward": h_b})


def _mix(rng: Generator, layer_norm: bool, mask: Array | None) -> Case:
    """With a penalty. Layers are moved at padding as everywhere: their gradient there is zero."""
    layer = ScalarMix(3, layer_norm=layer_norm, l2=0.3, dtype=np.float64)
    layer.w.value[...] = 0.1, 0.3, 0.5
    layer.gamma.value[...] = 1.1
    shape = (5, 2) if mask is None else mask.shape
    layers = rng.normal(1, 2, size=(3, *shape, 5))
    r = rng.normal(size=(*shape, 5))

    def loss() -> float:
        return float((layer.forward(layers, mask)[0] * r).sum()) + SCALE * layer.penalty()

    def backward() -> dict[str, Array]:
        dlayers = layer.backward(r, layer.forward(layers, mask)[1])
        layer.penalty_backward(SCALE)
        return {"layers": dlayers}
    return case_of(layer, loss, backward, {"layers": layers})


PADDED = np.arange(4)[:, None] < np.array([4, 2, 1])    # three sentences of 4, 2 and 1 words
CASES["layer mix"] = lambda rng: _mix(rng, False, None)
CASES["layer mix, with padding"] = lambda rng: _mix(rng, False, PADDED)
CASES["layer mix of normalised layers"] = lambda rng: _mix(rng, True, None)
CASES["layer mix of normalised layers, with padding"] = lambda rng: _mix(rng, True, PADDED)
