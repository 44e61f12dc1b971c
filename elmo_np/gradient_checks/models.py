"""Whole models: the layers of a direction, and both directions with their loss, in every way that parts are shared."""

from typing import Any

import numpy as np
from numpy.random import Generator

from ..config.cells import CELLS
from ..config.schema import BiLMConfig, TrainConfig
from ..data.batches import stream_batches
from ..nn.bilm import Batch, BiLM, Cache
from ..nn.char_cnn import CharCNN
from ..nn.embedding import Embedding
from ..nn.language_model import EncodeCache, LanguageModel
from ..nn.parameter import parameters
from ..nn.softmax import ELSEWHERE, IGNORE_INDEX
from ..training.processes import OneProcess
from ..training.row_groups import RowGroups, Step
from ..types import Array
from . import characters
from .registry import CASES, SCALE, Case, acts, case_of, case_of_loss


def _encode(rng: Generator, residual: bool) -> Case:
    """As in a task that learns through the layer mix: a gradient into every layer, the word vectors included."""
    config = BiLMConfig(embedding_dim=3, hidden_dim=4, layers=3 if residual else 2, dropout=0.3, residual=residual)
    embedding = Embedding(6, 3, rng=rng, dtype=np.float64)
    model = LanguageModel(config, embedding, None, rng=rng, dtype=np.float64)
    ids = rng.integers(0, 6, (5, 3))
    lengths = np.array([5, 2, 4])

    def forward() -> tuple[list[Array], EncodeCache]:
        outputs, _, cache = model.encode(ids, None, lengths, np.random.default_rng(1))
        return outputs, cache
    r = [rng.normal(size=y.shape) for y in forward()[0]]

    def loss() -> float:
        return float(sum((y * ry).sum() for y, ry in zip(forward()[0], r, strict=True)))

    def backward() -> dict[str, Array]:
        model.encode_backward([*r], forward()[1])
        return {}
    return case_of(model, loss, backward, {})


CASES["hidden states of all layers"] = lambda rng: _encode(rng, residual=False)
CASES["hidden states of all layers, residual connections"] = lambda rng: _encode(rng, residual=True)


def _bilm(rng: Generator, embedding_dim: int, **settings: Any) -> Case:
    V, B = 7, 3
    config = BiLMConfig(embedding_dim=embedding_dim, hidden_dim=4, **settings)
    model = BiLM(config, V, rng=rng, dtype=np.float64)
    parts = model.parts(B)
    cnns = [part.lm.embedding for part in parts if isinstance(part.lm.embedding, CharCNN)]
    characters.with_few_characters(*cnns)
    for p in parameters(model).values():
        # With small start values deep gradients vanish in the rounding of the loss, and a right backward looks wrong.
        p.value[...] = rng.normal(size=p.value.shape) * 0.7
    batch = _ragged_batch(rng, V, B)
    if cnns:
        batch = characters.spelled_batch(batch, config.max_characters)
        for layer, part in zip(cnns, parts, strict=True):
            characters.avoid_kinks(layer, part.of(batch).x)
    state = tuple([tuple(rng.normal(size=zeros.shape) for zeros in layer) for layer in layers]
                  for layers in model.zero_state(B))

    def forward() -> tuple[float, Cache]:
        rngs = np.random.default_rng(1), np.random.default_rng(2)
        loss, _, cache = model.forward(batch, state, rngs)
        return loss.total + model.regularisation(cache), cache
    _require_branches(config, batch, forward()[1])
    return case_of_loss(model, forward)


def _require_branches(config: BiLMConfig, batch: Batch, cache: Cache) -> None:
    """The point is on both sides of every branch that the settings have."""
    if config.cell_clip:
        layers = [layer for _, _, own in cache.parts for layer in own.encode.layers]
        acts(np.abs([layer.c[1:] for layer in layers]) == config.cell_clip, "|c| = cell_clip")
        acts(np.abs([layer.h[1:] for layer in layers]) == config.proj_clip, "|h| = proj_clip")
    sides = [own for _, _, own in cache.parts]
    for what, masks in {
        "a dropped word type": [side.encode.type_mask for side in sides],
        "a dropped input or output": [mask for side in sides for mask in (*side.encode.masks, side.top_mask)],
        "a dropped weight": [mask for side in sides for _, mask in side.encode.dropped],
    }.items():
        drawn = [mask.ravel() for mask in masks if mask is not None]
        if drawn:
            acts(np.concatenate(drawn) == 0, what)
    if config.softmax == "adaptive":
        part = np.searchsorted(config.cutoffs or (), [side.y for side in batch], "right")
        for k in range(1 + len(config.cutoffs or ())):
            acts(part == k, f"targets in the head (0) or a cluster: {k}")
    if config.softmax == "sampled":
        drawn_in = [getattr(own.softmax, "softmax", own.softmax) for _, _, own in cache.parts]      # below a projection
        column = np.concatenate([own.column for own in drawn_in])
        acts(column[column != IGNORE_INDEX] == ELSEWHERE, "a target that is in the sample too")


def _ragged_batch(rng: Generator, V: int, B: int) -> Batch:
    """A batch of 4 steps in which words repeat and the last row runs out."""
    sentences = [[0, *rng.integers(3, V, n), 1] for n in (3, 4, 1)]
    batch = next(stream_batches([list(map(int, sentence)) for sentence in sentences], B, 4))
    acts(batch.forward.y == IGNORE_INDEX, "padding")
    return batch


CASES["biLM, nothing shared"] = lambda rng: _bilm(rng, 3)
CASES["biLM, embedding and softmax shared, two layers, projected, clipped, dropout"] = lambda rng: _bilm(
    rng, 3, projection_dim=2, layers=2, cell_clip=0.6, proj_clip=0.5, share_embedding=True, share_softmax=True,
    dropout=0.3)
CASES["biLM, embedding and softmax tied, everything shared"] = lambda rng: _bilm(
    rng, 4, share_embedding=True, share_softmax=True, tie=True)
CASES["biLM, embedding and softmax tied, a pair per direction"] = lambda rng: _bilm(rng, 4, tie=True)
CASES["biLM of characters, CNN and softmax shared, residual connections, dropout"] = lambda rng: _bilm(
    rng, 3, projection_dim=3, layers=2, residual=True, dropout=0.3, char_filters=((1, 2), (3, 3)), char_dim=1,
    max_characters=6, share_embedding=True, share_softmax=True, cell_clip=0.6, proj_clip=0.5)
CASES["biLM of characters, a CNN per direction"] = lambda rng: _bilm(
    rng, 4, char_filters=((3, 4),), char_dim=1, char_highways=0, char_activation="tanh", char_projection=False,
    max_characters=6)
CASES["biLM of characters, CNN and adaptive softmax shared"] = lambda rng: _bilm(
    rng, 3, char_filters=((1, 2), (3, 3)), char_dim=1, char_highways=0, max_characters=6, share_embedding=True,
    softmax="adaptive", cutoffs=(3, 5), div_value=2, share_softmax=True)
CASES["biLM, adaptive softmax shared"] = lambda rng: _bilm(
    rng, 3, softmax="adaptive", cutoffs=(3, 5), div_value=2, share_softmax=True)
CASES["biLM, sampled softmax shared, dropout"] = lambda rng: _bilm(
    rng, 3, softmax="sampled", samples=3, share_softmax=True, dropout=0.3)
CASES["biLM, embedding and sampled softmax tied, everything shared"] = lambda rng: _bilm(
    rng, 4, softmax="sampled", samples=3, share_embedding=True, share_softmax=True, tie=True)

CASES["biLM, embedding and adaptive softmax tied, everything shared"] = lambda rng: _bilm(
    rng, 4, softmax="adaptive", cutoffs=(3, 5), share_embedding=True, share_softmax=True, tie=True)
CASES["biLM, softmax tied to wider word vectors, a pair per direction"] = lambda rng: _bilm(rng, 5, tie=True)
CASES["biLM, sampled softmax tied to narrower word vectors, everything shared"] = lambda rng: _bilm(
    rng, 3, softmax="sampled", samples=3, share_embedding=True, share_softmax=True, tie=True)

CASES["language model of one direction, tied, two layers, dropout: halves of a batch"] = lambda rng: _bilm(
    rng, 4, direction="forward", layers=2, tie=True, dropout=0.3)
CASES["backward language model of characters, sampled softmax, residual connections"] = lambda rng: _bilm(
    rng, 3, direction="backward", projection_dim=3, layers=2, residual=True, char_filters=((1, 2), (3, 3)), char_dim=1,
    max_characters=6, softmax="sampled", samples=3)


def _row_groups(rng: Generator) -> Case:
    """The gradients of groups of rows, one of them empty, added up as in training on several processes."""
    V, B = 5, 3
    config = BiLMConfig(embedding_dim=2, hidden_dim=2, dropout=0.3, softmax="sampled", samples=3)
    model = BiLM(config, V, rng=rng, dtype=np.float64)
    own = parameters(model)
    for p in own.values():
        p.value[...] = rng.normal(size=p.value.shape) * 0.7
    batch = _ragged_batch(rng, V, B)
    step = Step(batch, SCALE, epoch=1, number=0)
    groups = RowGroups(model, own, TrainConfig(batch_size=4, groups=4), OneProcess())
    rows = [groups.rows(group, B) for group in range(4)]
    acts(np.array([part.start == part.stop for part in rows]), "a group without rows")

    def loss() -> float:
        parts = [model.forward(batch.rows(part), None, groups.random(step, group), whole=batch)[0].total
                 for group, part in enumerate(rows) if part.start < part.stop]
        return SCALE * sum(parts)
    groups.gradient(step, None)
    return Case(loss, {name: p.value for name, p in own.items()}, {name: p.grad.copy() for name, p in own.items()})


CASES["biLM in groups of rows, sampled softmax, dropout"] = _row_groups

REGULARISED = {"dropout": 0.3, "input_dropout": 0.4, "output_dropout": 0.2, "locked_dropout": True,
               "embedding_dropout": 0.4, "ar": 2.0, "tar": 1.5, "label_smoothing": 0.4}


def _of_regularised(name: str, embedding_dim: int = 3, **settings: Any) -> None:
    CASES[f"biLM, {name}, all regularisers"] = lambda rng: _bilm(rng, embedding_dim, **{**REGULARISED, **settings})


_of_regularised("projected", projection_dim=2, layers=2, weight_drop=0.4)
_of_regularised("everything tied and shared", 4, share_embedding=True, share_softmax=True, tie=True, weight_drop=0.4)
_of_regularised("characters shared", char_filters=((1, 2), (3, 3)), char_dim=1, char_highways=0, max_characters=6,
                share_embedding=True, softmax="sampled", samples=3, label_smoothing=0.0)
_of_regularised("a CNN per direction", 4, char_filters=((3, 4),), char_dim=1, char_highways=0, char_activation="tanh",
                char_projection=False, max_characters=6, softmax="adaptive", cutoffs=(3, 5), div_value=2)
_of_regularised("adaptive softmax tied to narrower word vectors", softmax="adaptive", cutoffs=(3, 5), tie=True,
                share_embedding=True, share_softmax=True, weight_drop=0.4)
_of_regularised("one direction, adaptive softmax tied", 4, direction="forward", layers=2, softmax="adaptive",
                cutoffs=(3, 5), tie=True, weight_drop=0.4)
_of_regularised("one direction", direction="forward", layers=2, residual=True, projection_dim=3, weight_drop=0.4)


def _of_cell(name: str) -> None:
    CASES[f"biLM of {name} cells, two layers, residual connections, dropout"] = lambda rng: _bilm(
        rng, 3, cell=name, layers=2, residual=True, dropout=0.3)
    if "weight_drop" in CELLS[name].settings:
        _of_regularised(f"{name} cells, residual connections", cell=name, layers=2, residual=True, weight_drop=0.4)


for _name in CELLS:
    _of_cell(_name)
