"""One layer at a time: embedding, LSTM, softmaxes, dropout, word vector, layer mix."""

import numpy as np
from numpy.random import Generator

from ..nn import sampled_softmax
from ..nn.adaptive_softmax import AdaptiveSoftmax
from ..nn.dropout import dropout_backward, dropout_forward
from ..nn.embedding import Embedding
from ..nn.lstm import LSTM
from ..nn.parameter import parameters, zero_grad
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


def _lstm(rng: Generator, P: int | None = None, clips: tuple[float, float] | None = None, lengths: Array | None = None,
          forget_bias: float = 0.0, sizes: tuple[int, int, int, int] = (4, 3, 5, 6)) -> Case:
    """clips: of the cell and of the projection; sizes: T, B, D, H."""
    T, B, D, H = sizes
    cell_clip, proj_clip = clips or (None, None)
    layer = LSTM(D, H, P, cell_clip=cell_clip, proj_clip=proj_clip, forget_bias=forget_bias,
                 rng=rng, dtype=np.float64)
    x = rng.normal(size=(T, B, D))
    h0 = rng.normal(size=(B, P or H))
    c0 = rng.normal(size=(B, H))
    y, (hT, cT), cache = layer.forward(x, (h0, c0), lengths)
    if clips:
        acts(np.abs(cache.c[1:]) == cell_clip, "|c| = cell_clip")
        acts(np.abs(cache.h[1:]) == proj_clip, "|h| = proj_clip")
    ry = rng.normal(size=y.shape)
    rh = rng.normal(size=hT.shape)
    rc = rng.normal(size=cT.shape)

    def loss() -> float:
        y, (hT, cT), _ = layer.forward(x, (h0, c0), lengths)
        return float((y * ry).sum() + (hT * rh).sum() + (cT * rc).sum())

    def backward() -> dict[str, Array]:
        *_, cache = layer.forward(x, (h0, c0), lengths)
        dx, (dh0, dc0) = layer.backward(ry, cache, (rh, rc))
        return {"x": dx, "h0": dh0, "c0": dc0}
    return case_of(layer, loss, backward, {"x": x, "h0": h0, "c0": c0})


CASES["lstm"] = lambda rng: _lstm(rng)
CASES["lstm, projected and clipped"] = lambda rng: _lstm(rng, 2, (0.5, 0.3))
CASES["lstm, sequences of unequal length"] = lambda rng: _lstm(
    rng, 2, (0.5, 0.3), np.array([4, 0, 2]), forget_bias=1.0)


@case("lstm, more steps than the kernel takes at a time")
def _lstm_blocks(rng: Generator) -> Case:
    """The kernel multiplies blocks of steps of at most 128 rows: 4 steps of 32 sequences, and the fifth."""
    lengths = np.full(32, 5)
    lengths[[3, 17]] = 2, 0
    return _lstm(rng, 2, (0.5, 0.3), lengths, sizes=(5, 32, 2, 3))


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


@case("adaptive softmax")
def _adaptive_softmax(rng: Generator) -> Case:
    """Two batches before the pass backward: one of three clusters has no target in the first."""
    layer = AdaptiveSoftmax(6, 9, cutoffs=(3, 5, 7), div_value=2, rng=rng, dtype=np.float64)   # widths 6, and 3, 1, 1
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
