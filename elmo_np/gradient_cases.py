"""The points at which every backward pass is compared with central differences.

A point is chosen so that every branch acts, and says so itself: some cells clipped and some free, repeated words,
padded steps, dropped and kept numbers. The tests and `elmo-np gradcheck` run the same cases, on both backends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import character_cases
from .adaptive_softmax import AdaptiveSoftmax
from .batches import Batch, stream_batches
from .bilm import BiLM, Cache
from .charcnn import CharCNN
from .config import BiLMConfig
from .dropout import dropout_backward, dropout_forward
from .embedding import Embedding
from .gradcheck import Row, gradcheck
from .language_model import EncodeCache, LanguageModel
from .lstm import LSTM, State
from .parameter import Array, parameters
from .softmax import PADDING, Softmax
from .vectors import LayerMix, WordVector, h_bi, h_bi_backward


class Case(NamedTuple):
    """One point: the loss there, what it depends on, and the gradients that backward gave."""

    loss: Callable[[], float]
    arrays: dict[str, Array]
    grads: dict[str, Array]


CASES: dict[str, Callable[[np.random.Generator], Case]] = {}


def case(name: str) -> Callable[[Callable[[np.random.Generator], Case]], Callable[[np.random.Generator], Case]]:
    """List a function that makes a Case under `name`."""
    def add(make: Callable[[np.random.Generator], Case]) -> Callable[[np.random.Generator], Case]:
        CASES[name] = make
        return make
    return add


def run(name: str) -> list[Row]:
    """Check the case `name` on the backend that is active: a Row an array."""
    made = CASES[name](np.random.default_rng(0))
    return gradcheck(*made)


def _acts(values: Array, what: str) -> None:
    """Some of `values` are true and some false: the point is on both sides of a branch."""
    if not 0 < np.mean(values) < 1:
        raise AssertionError(f"the point of this gradient check is not on both sides of: {what}")


def _case(module: object, loss: Callable[[], float], inputs: dict[str, tuple[Array, Array]]) -> Case:
    """A Case of every Parameter of `module` and of `inputs`, {name: (array, its gradient)}."""
    own = {name: (p.value, p.grad) for name, p in parameters(module).items()}
    both = {**inputs, **own}
    return Case(loss, {name: pair[0] for name, pair in both.items()}, {name: pair[1] for name, pair in both.items()})


@case("embedding")
def _embedding(rng: np.random.Generator) -> Case:
    layer = Embedding(5, 3, rng=rng, dtype=np.float64)
    ids = np.array([[0, 2, 2], [4, 0, 2]])              # repeated words, and two that do not occur
    x, cache = layer.forward(ids)
    r = rng.normal(size=x.shape)
    layer.backward(r, cache)
    return _case(layer, lambda: float((layer.forward(ids)[0] * r).sum()), {})


@case("characters, relu, two highway layers, projected")
def _charcnn_relu(rng: np.random.Generator) -> Case:
    return _case(*character_cases.of_one_cnn(rng, "relu", 2, True), {})


@case("characters, tanh, no highway layer, not projected")
def _charcnn_tanh(rng: np.random.Generator) -> Case:
    return _case(*character_cases.of_one_cnn(rng, "tanh", 0, False), {})


@case("characters of both directions")
def _charcnn_shared(rng: np.random.Generator) -> Case:
    return _case(*character_cases.of_two_uses(rng), {})


def _lstm(rng: np.random.Generator, P: int | None, cell_clip: float | None, proj_clip: float | None,
          lengths: Array | None) -> Case:
    T, B, D, H = 4, 3, 5, 6
    layer = LSTM(D, H, P, cell_clip=cell_clip, proj_clip=proj_clip, rng=rng, dtype=np.float64)
    x, h0, c0 = rng.normal(size=(T, B, D)), rng.normal(size=(B, P or H)), rng.normal(size=(B, H))
    y, (hT, cT), cache = layer.forward(x, (h0, c0), lengths)
    if cell_clip and proj_clip:
        _acts(np.abs(cache.c[1:]) == cell_clip, "|c| = cell_clip")
        _acts(np.abs(cache.h[1:]) == proj_clip, "|h| = proj_clip")
    ry, rh, rc = (rng.normal(size=shape) for shape in (y.shape, hT.shape, cT.shape))
    dx, (dh0, dc0) = layer.backward(ry, cache, (rh, rc))

    def loss() -> float:
        y, (hT, cT), _ = layer.forward(x, (h0, c0), lengths)
        return float((y * ry).sum() + (hT * rh).sum() + (cT * rc).sum())
    return _case(layer, loss, {"x": (x, dx), "h0": (h0, dh0), "c0": (c0, dc0)})


@case("lstm")
def _lstm_plain(rng: np.random.Generator) -> Case:
    return _lstm(rng, None, None, None, None)


@case("lstm, projected and clipped")
def _lstm_projected(rng: np.random.Generator) -> Case:
    return _lstm(rng, 2, 0.5, 0.3, None)


@case("lstm, sequences of unequal length")
def _lstm_lengths(rng: np.random.Generator) -> Case:
    return _lstm(rng, 2, 0.5, 0.3, np.array([4, 0, 2]))


@case("softmax")
def _softmax(rng: np.random.Generator) -> Case:
    layer = Softmax(3, 7, rng=rng, dtype=np.float64)
    layer.b.value[...] = rng.normal(size=7)
    layer.ROWS, layer.KEPT = 3, 21          # three chunks: the sums run over them, and the last two compute logits anew
    h, y = rng.normal(size=(4, 2, 3)), rng.integers(0, 7, (4, 2))
    y[1, 1] = PADDING
    scale = 1.7
    _, cache = layer.forward(h, y)
    dh = layer.backward(scale, cache)
    return _case(layer, lambda: scale * layer.forward(h, y)[0], {"h": (h, dh)})


@case("adaptive softmax")
def _adaptive_softmax(rng: np.random.Generator) -> Case:
    """Two batches before the pass backward: one of three clusters has no target in the first."""
    layer = AdaptiveSoftmax(6, 9, cutoffs=(3, 5, 7), div_value=2, rng=rng, dtype=np.float64)   # widths 6, and 3, 1, 1
    for p in parameters(layer).values():
        p.value[...] = rng.normal(size=p.value.shape) * 0.5
    h = rng.normal(size=(2, 4, 2, 6))
    y = np.array([[[0, 3], [PADDING, 8], [4, 1], [7, 2]], [[5, 6], [3, PADDING], [6, 8], [2, 0]]])
    _acts(y == PADDING, "padding")
    _acts(y[y != PADDING] < 3, "a word of the head")
    _acts(np.array([np.isin(batch, (5, 6)).any() for batch in y]), "a cluster with a target")
    scale = 1.7
    caches = [layer.forward(h[k], y[k])[1] for k in range(2)]
    dh = np.stack([layer.backward(scale, cache) for cache in caches])
    return _case(layer, lambda: scale * sum(layer.forward(h[k], y[k])[0] for k in range(2)), {"h": (h, dh)})


@case("dropout")
def _dropout(rng: np.random.Generator) -> Case:
    x, r = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))

    def forward() -> tuple[Array, Array | None]:
        return dropout_forward(x, 0.4, np.random.default_rng(1))
    _, mask = forward()
    _acts(np.asarray(mask) == 0, "dropped numbers")
    return Case(lambda: float((forward()[0] * r).sum()), {"x": x}, {"x": dropout_backward(r, mask)})


@case("word vector W h_bi + b")
def _word_vector(rng: np.random.Generator) -> Case:
    layer = WordVector(6, 4, rng=rng, dtype=np.float64)
    forward, backward, r = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    _, cache = layer.forward(h_bi(forward, backward))
    dforward, dbackward = h_bi_backward(layer.backward(r, cache))
    return _case(layer, lambda: float((layer.forward(h_bi(forward, backward))[0] * r).sum()),
                 {"h_forward": (forward, dforward), "h_backward": (backward, dbackward)})


@case("layer mix")
def _layer_mix(rng: np.random.Generator) -> Case:
    layer = LayerMix(3, dtype=np.float64)
    layer.w.value[...], layer.gamma.value[...] = (0.1, 0.3, 0.5), 1.1
    layers, r = rng.normal(size=(3, 5, 4)), rng.normal(size=(5, 4))
    _, cache = layer.forward(layers)
    return _case(layer, lambda: float((layer.forward(layers)[0] * r).sum()),
                 {"layers": (layers, layer.backward(r, cache))})


def _encode(rng: np.random.Generator, residual: bool) -> Case:
    """What a task does that learns through the layer mix: a gradient into every layer, the word vectors included."""
    config = BiLMConfig(embedding_dim=3, hidden_dim=4, layers=3 if residual else 2, dropout=0.3, residual=residual)
    model = LanguageModel(config, Embedding(6, 3, rng=rng, dtype=np.float64),
                          Softmax(4, 6, rng=rng, dtype=np.float64), rng=rng, dtype=np.float64)
    ids, lengths = rng.integers(0, 6, (5, 3)), np.array([5, 2, 4])

    def forward() -> tuple[list[Array], EncodeCache]:
        outputs, _, cache = model.encode(ids, None, lengths, np.random.default_rng(1))
        return outputs, cache
    outputs, cache = forward()
    r = [rng.normal(size=y.shape) for y in outputs]
    model.encode_backward([*r], cache)
    arrays = {n: (p.value, p.grad) for n, p in parameters(model).items() if not n.startswith("softmax")}
    return Case(lambda: float(sum((y * ry).sum() for y, ry in zip(forward()[0], r, strict=True))),
                {n: pair[0] for n, pair in arrays.items()}, {n: pair[1] for n, pair in arrays.items()})


@case("hidden states of all layers")
def _encode_plain(rng: np.random.Generator) -> Case:
    return _encode(rng, residual=False)


@case("hidden states of all layers, residual connections")
def _encode_residual(rng: np.random.Generator) -> Case:
    return _encode(rng, residual=True)


def _bilm(rng: np.random.Generator, config: BiLMConfig) -> Case:
    V, B = 7, 3
    model = BiLM(config, V, rng=rng, dtype=np.float64)
    cnns = [lm.embedding for lm in (model.forward_lm, model.backward_lm) if isinstance(lm.embedding, CharCNN)]
    character_cases.with_few_characters(*cnns)
    for p in parameters(model).values():
        p.value[...] = rng.normal(size=p.value.shape) * 0.7
    batch = _ragged_batch(rng, V, B)
    if cnns:
        batch = character_cases.spelled_batch(batch, config.max_characters)
        for layer, side in zip(cnns, batch, strict=True):
            character_cases.avoid_kinks(layer, side.x)
    def random_states() -> list[State]:
        return [(rng.normal(size=(B, config.output_dim)), rng.normal(size=(B, config.hidden_dim)))
                for _ in range(config.layers)]
    state = random_states(), random_states()
    scale = 0.7

    def forward() -> tuple[float, Cache]:
        rngs = np.random.default_rng(1), np.random.default_rng(2)
        loss, _, cache = model.forward(batch, state, rngs)
        return loss.total, cache
    _, cache = forward()
    if config.cell_clip:
        layers = [*cache.forward.encode.layers, *cache.backward.encode.layers]
        _acts(np.abs([layer.c[1:] for layer in layers]) == config.cell_clip, "|c| = cell_clip")
        _acts(np.abs([layer.h[1:] for layer in layers]) == config.proj_clip, "|h| = proj_clip")
    if config.softmax == "adaptive":
        part = np.searchsorted(config.cutoffs or (), [side.y for side in batch], "right")
        for k in range(1 + len(config.cutoffs or ())):
            _acts(part == k, f"targets in the head (0) or a cluster: {k}")
    model.backward(scale, cache)
    return _case(model, lambda: scale * forward()[0], {})


def _ragged_batch(rng: np.random.Generator, V: int, B: int) -> Batch:
    """A batch of 4 steps in which words repeat and the last row runs out."""
    sentences = [[0, *rng.integers(3, V, n), 1] for n in (3, 4, 1)]
    batch = next(stream_batches([list(map(int, sentence)) for sentence in sentences], B, 4))
    _acts(batch.forward.y == PADDING, "padding")
    return batch


@case("biLM, nothing shared")
def _bilm_independent(rng: np.random.Generator) -> Case:
    return _bilm(rng, BiLMConfig(embedding_dim=3, hidden_dim=4))


@case("biLM, embedding and softmax shared, two layers, projected, clipped, dropout")
def _bilm_shared(rng: np.random.Generator) -> Case:
    return _bilm(rng, BiLMConfig(embedding_dim=3, hidden_dim=4, projection_dim=2, layers=2, cell_clip=0.6,
                                 proj_clip=0.5, share_embedding=True, share_softmax=True, dropout=0.3))


@case("biLM, embedding and softmax tied, everything shared")
def _bilm_tied(rng: np.random.Generator) -> Case:
    return _bilm(rng, BiLMConfig(embedding_dim=4, hidden_dim=4, share_embedding=True, share_softmax=True, tie=True))


@case("biLM, embedding and softmax tied, a pair a direction")
def _bilm_tied_apart(rng: np.random.Generator) -> Case:
    return _bilm(rng, BiLMConfig(embedding_dim=4, hidden_dim=4, tie=True))


@case("biLM of characters, CNN and softmax shared, residual connections, dropout")
def _bilm_characters(rng: np.random.Generator) -> Case:
    return _bilm(rng, BiLMConfig(embedding_dim=3, hidden_dim=4, projection_dim=3, layers=2, residual=True, dropout=0.3,
                                 char_filters=((1, 2), (3, 3)), char_dim=1, max_characters=6, share_embedding=True,
                                 share_softmax=True, cell_clip=0.6, proj_clip=0.5))


@case("biLM of characters, a CNN a direction")
def _bilm_characters_apart(rng: np.random.Generator) -> Case:
    return _bilm(rng, BiLMConfig(embedding_dim=4, hidden_dim=4, char_filters=((3, 4),), char_dim=1, char_highways=0,
                                 char_activation="tanh", char_projection=False, max_characters=6))


@case("biLM of characters, CNN and adaptive softmax shared")
def _bilm_characters_adaptive(rng: np.random.Generator) -> Case:
    return _bilm(rng, BiLMConfig(embedding_dim=3, hidden_dim=4, char_filters=((1, 2), (3, 3)), char_dim=1,
                                 char_highways=0, max_characters=6, share_embedding=True, softmax="adaptive",
                                 cutoffs=(3, 5), div_value=2, share_softmax=True))


@case("biLM, adaptive softmax shared")
def _bilm_adaptive(rng: np.random.Generator) -> Case:
    return _bilm(rng, BiLMConfig(embedding_dim=3, hidden_dim=4, softmax="adaptive", cutoffs=(3, 5), div_value=2,
                                 share_softmax=True))
