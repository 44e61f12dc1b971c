"""One layer at a time: embedding, LSTM, softmaxes, dropout, word vector, layer mix."""

from __future__ import annotations

import numpy as np

from ..nn import sampled_softmax
from ..nn.adaptive_softmax import AdaptiveSoftmax
from ..nn.dropout import dropout_backward, dropout_forward
from ..nn.embedding import Embedding
from ..nn.lstm import LSTM
from ..nn.parameter import parameters
from ..nn.representation import ScalarMix, ScalarMixes, WordVector, h_bi, h_bi_backward
from ..nn.sampled_softmax import SampledSoftmax
from ..nn.softmax import ELSEWHERE, IGNORE_INDEX, Softmax
from ..types import Array
from .registry import Case, acts, case, case_of


@case("embedding")
def _embedding(rng: np.random.Generator) -> Case:
    layer = Embedding(5, 3, rng=rng, dtype=np.float64)
    ids = np.array([[0, 2, 2], [4, 0, 2]])              # repeated words, and two that do not occur
    x, cache = layer.forward(ids)
    r = rng.normal(size=x.shape)
    layer.backward(r, cache)
    return case_of(layer, lambda: float((layer.forward(ids)[0] * r).sum()), {})


def _lstm(rng: np.random.Generator, P: int | None, cell_clip: float | None, proj_clip: float | None,
          lengths: Array | None, forget_bias: float = 0.0) -> Case:
    T, B, D, H = 4, 3, 5, 6
    layer = LSTM(D, H, P, cell_clip=cell_clip, proj_clip=proj_clip, forget_bias=forget_bias, rng=rng,
                 dtype=np.float64)
    x, h0, c0 = rng.normal(size=(T, B, D)), rng.normal(size=(B, P or H)), rng.normal(size=(B, H))
    y, (hT, cT), cache = layer.forward(x, (h0, c0), lengths)
    if cell_clip and proj_clip:
        acts(np.abs(cache.c[1:]) == cell_clip, "|c| = cell_clip")
        acts(np.abs(cache.h[1:]) == proj_clip, "|h| = proj_clip")
    ry, rh, rc = (rng.normal(size=shape) for shape in (y.shape, hT.shape, cT.shape))
    dx, (dh0, dc0) = layer.backward(ry, cache, (rh, rc))

    def loss() -> float:
        y, (hT, cT), _ = layer.forward(x, (h0, c0), lengths)
        return float((y * ry).sum() + (hT * rh).sum() + (cT * rc).sum())
    return case_of(layer, loss, {"x": (x, dx), "h0": (h0, dh0), "c0": (c0, dc0)})


@case("lstm")
def _lstm_plain(rng: np.random.Generator) -> Case:
    return _lstm(rng, None, None, None, None)


@case("lstm, projected and clipped")
def _lstm_projected(rng: np.random.Generator) -> Case:
    return _lstm(rng, 2, 0.5, 0.3, None)


@case("lstm, sequences of unequal length")
def _lstm_lengths(rng: np.random.Generator) -> Case:
    return _lstm(rng, 2, 0.5, 0.3, np.array([4, 0, 2]), forget_bias=1.0)


@case("softmax")
def _softmax(rng: np.random.Generator) -> Case:
    layer = Softmax(3, 7, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=7)
    layer.ROWS, layer.KEPT = 3, 21          # three chunks: the sums run over them, and the last two compute logits anew
    h, y = rng.normal(size=(4, 2, 3)), rng.integers(0, 7, (4, 2))
    y[1, 1] = IGNORE_INDEX
    scale = 1.7
    _, cache = layer.forward(h, y)
    dh = layer.backward(scale, cache)
    return case_of(layer, lambda: scale * layer.forward(h, y)[0], {"h": (h, dh)})


@case("adaptive softmax")
def _adaptive_softmax(rng: np.random.Generator) -> Case:
    """Two batches before the pass backward: one of three clusters has no target in the first."""
    layer = AdaptiveSoftmax(6, 9, cutoffs=(3, 5, 7), div_value=2, rng=rng, dtype=np.float64)   # widths 6, and 3, 1, 1
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape) * 0.5
    h = rng.normal(size=(2, 4, 2, 6))
    y = np.array([[[0, 3], [IGNORE_INDEX, 8], [4, 1], [7, 2]], [[5, 6], [3, IGNORE_INDEX], [6, 8], [2, 0]]])
    acts(y == IGNORE_INDEX, "padding")
    acts(y[y != IGNORE_INDEX] < 3, "a word of the head")
    acts(np.array([np.isin(batch, (5, 6)).any() for batch in y]), "a cluster with a target")
    scale = 1.7
    caches = [layer.forward(h[k], y[k])[1] for k in range(2)]
    dh = np.stack([layer.backward(scale, cache) for cache in caches])
    return case_of(layer, lambda: scale * sum(layer.forward(h[k], y[k])[0] for k in range(2)), {"h": (h, dh)})


@case("sampled softmax")
def _sampled_softmax(rng: np.random.Generator) -> Case:
    """The sample is drawn from the same seed each time: it is fixed."""
    layer = SampledSoftmax(3, 12, samples=4, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=12)
    layer.full.ROWS, layer.full.KEPT = 6, 24        # two chunks, of which the second computes logits anew
    h, y = rng.normal(size=(5, 2, 3)), rng.integers(0, 12, (5, 2))
    y[1, 1], y[3] = IGNORE_INDEX, (7, 7)
    scale = 1.7

    def forward() -> tuple[float, sampled_softmax.Cache]:
        return layer.forward(h, y, np.random.default_rng(1))
    _, cache = forward()
    acts(cache.column == IGNORE_INDEX, "padding")
    acts(cache.column[cache.column != IGNORE_INDEX] == ELSEWHERE, "a target that is in the sample too")
    acts(np.array([chunk.z is None for chunk in cache.chunks]), "logits that are computed anew")
    dh = layer.backward(scale, cache)
    return case_of(layer, lambda: scale * forward()[0], {"h": (h, dh)})


@case("dropout")
def _dropout(rng: np.random.Generator) -> Case:
    x, r = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))

    def forward() -> tuple[Array, Array | None]:
        return dropout_forward(x, 0.4, np.random.default_rng(1))
    _, mask = forward()
    acts(np.asarray(mask) == 0, "dropped numbers")
    return Case(lambda: float((forward()[0] * r).sum()), {"x": x}, {"x": dropout_backward(r, mask)})


@case("word vector W h_bi + b")
def _word_vector(rng: np.random.Generator) -> Case:
    layer = WordVector(6, 4, rng=rng, dtype=np.float64)
    forward, backward, r = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    _, cache = layer.forward(h_bi(forward, backward))
    dforward, dbackward = h_bi_backward(layer.backward(r, cache))
    return case_of(layer, lambda: float((layer.forward(h_bi(forward, backward))[0] * r).sum()),
                 {"h_forward": (forward, dforward), "h_backward": (backward, dbackward)})


@case("layer mix")
def _layer_mix(rng: np.random.Generator) -> Case:
    layer = ScalarMix(3, dtype=np.float64)
    layer.w.value[...], layer.gamma.value[...] = (0.1, 0.3, 0.5), 1.1
    layers, r = rng.normal(size=(3, 5, 4)), rng.normal(size=(5, 4))
    _, cache = layer.forward(layers)
    return case_of(layer, lambda: float((layer.forward(layers)[0] * r).sum()),
                 {"layers": (layers, layer.backward(r, cache))})


def _padded_mixes(rng: np.random.Generator, layer_norm: bool) -> Case:
    """Two mixes of the layers of three sentences of unlike length, with their penalty. What stands at padding is moved
    like all other numbers: its gradient is zero."""
    mixes = ScalarMixes(2, 3, layer_norm=layer_norm, l2=0.3, dtype=np.float64)
    for mix, w, gamma in zip(mixes.mixes, ((0.1, 0.3, 0.5), (-0.2, 0.4, 0.6)), (1.1, 0.88), strict=True):
        mix.w.value[...], mix.gamma.value[...] = w, gamma
    mask, scale = np.arange(4)[:, None] < np.array([4, 2, 1]), 1.7
    acts(mask, "padding")
    layers, r = rng.normal(1, 2, size=(3, 4, 3, 5)), rng.normal(size=(2, 4, 3, 5))

    def loss() -> float:
        es, _ = mixes.forward(layers, mask)
        return float(sum((e * one).sum() for e, one in zip(es, r, strict=True))) + scale * mixes.penalty()
    dlayers = mixes.backward(list(r), mixes.forward(layers, mask)[1])
    mixes.penalty_backward(scale)
    return case_of(mixes, loss, {"layers": (layers, dlayers)})


@case("layer mixes, two of them, with padding and penalty")
def _layer_mixes(rng: np.random.Generator) -> Case:
    return _padded_mixes(rng, layer_norm=False)


@case("layer mixes of normalised layers, two of them, with padding and penalty")
def _layer_mixes_normalised(rng: np.random.Generator) -> Case:
    return _padded_mixes(rng, layer_norm=True)


@case("layer mix of normalised layers")
def _layer_mix_normalised(rng: np.random.Generator) -> Case:
    layer = ScalarMix(3, layer_norm=True, dtype=np.float64)
    layer.w.value[...], layer.gamma.value[...] = (0.1, 0.3, 0.5), 1.1
    layers, r = rng.normal(1, 2, size=(3, 5, 4)), rng.normal(size=(5, 4))
    _, cache = layer.forward(layers)
    return case_of(layer, lambda: float((layer.forward(layers)[0] * r).sum()),
                   {"layers": (layers, layer.backward(r, cache))})
