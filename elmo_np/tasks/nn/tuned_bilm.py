"""A biLM that is trained with its task (I): its layers as the task reads them, and how fast each of them learns.

    (I1) eta_k = eta / decay^k:  the learning rate of group k
    (I2) group k is trained from epoch k + 1 on

Group 0 is the task's own network, group 1 the top layer of the biLM, and so on down to group L + 1, its word vectors.
The higher a layer, the more it is about predicting words and the less about language, so the more it has to change
("discriminative" rates); and the lower layers wait until what is above them makes sense ("gradual unfreezing"). Neither
has a gradient; that of the layers is the biLM's own back-propagation, from all its layers at once.

Dimensions: J layers that the task reads, of L + 1; T words of B sentences, and T + 2 with <S> and </S>; 2P width of a
layer. Source: Howard and Ruder 2018, sections 3.2 and 3.3, with decay 2.6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from ...nn.bilm import BiLM, in_order
from ...nn.checks import check_array
from ...nn.language_model import EncodeCache
from ...nn.parameter import Parameter, parameters
from ...runtime.threads import parallel
from ...types import Array


def group_rate(eta: float, decay: float, k: int) -> float:
    """The learning rate of group k."""
    rate: float = eta / decay**k  # (I1)
    return rate


def trained_groups(epoch: int, count: int) -> int:
    """How many of `count` groups are trained in an epoch, from 1."""
    return min(epoch, count)  # (I2)


class Cache(NamedTuple):
    directions: list[EncodeCache]
    widths: list[int]       # of the layers 0 to L, in one direction
    lengths: Array          # (B,) with <S> and </S>
    layers: Array           # the result


class TunedBilm:
    """model: the biLM, which is copied, without its softmax; layers: those that the task reads."""

    def __init__(self, model: BiLM, layers: Sequence[int]):
        self.model = deepcopy(model)
        for lm in self.model.lms.values():
            lm.softmax = None
        self.layers = list(layers)
        self.lowest = 0         # layers below get no gradient; 0: the word vectors

    def forward(self, words: Array, lengths: Array, rng: Generator | None = None) -> tuple[Array, Cache]:
        """words: ids (T+2, B) or characters (T+2, B, K), with <S> and </S>; lengths (B,) without them; rng draws the
        biLM's dropout, None for none -> layers (J, T, B, 2P), zero at padding, cache."""
        whole = lengths + 2
        rngs = [None if rng is None else np.random.default_rng(rng.integers(2**63)) for _ in self.model.lms]
        found = parallel([partial(lm.encode, in_order(direction, words, whole), None, whole, own)
                          for (direction, lm), own in zip(self.model.lms.items(), rngs, strict=True)])
        each = [[in_order(direction, y, whole)[1:-1] for y in outputs]
                for direction, (outputs, _, _) in zip(self.model.lms, found, strict=True)]
        live = np.arange(len(words) - 2)[:, None, None] < lengths[:, None]
        layers = np.stack([np.concatenate([own[j] for own in each], axis=2) for j in self.layers])
        widths = [y.shape[2] for y in each[0]]
        layers = np.where(live, layers, 0)
        return layers, Cache([cache for _, _, cache in found], widths, whole, layers)

    def backward(self, dlayers: Array, cache: Cache) -> None:
        """dlayers (J, T, B, 2P): accumulates into every Parameter.grad of the layers from `lowest` up."""
        check_array("gradient of a biLM's layers", dlayers, cache.layers.shape, cache.layers.dtype)
        _, widths, whole, _ = cache
        T, B = dlayers.shape[1:3]
        live = np.arange(T)[:, None, None] < whole[:, None] - 2
        sides = np.split(np.where(live, dlayers, 0), len(self.model.lms), axis=3)
        calls = []
        for (direction, lm), side, own in zip(self.model.lms.items(), sides, cache.directions, strict=True):
            doutputs: list[Array | None] = [None] * len(widths)
            for j, dlayer in zip(self.layers, side, strict=True):
                dy = np.zeros((T + 2, B, widths[j]), dlayers.dtype)
                dy[1:-1] = dlayer
                doutputs[j] = in_order(direction, dy, whole)
            calls.append(partial(lm.encode_backward, doutputs, own, self.lowest))
        parallel(calls)
        self.model.reduce_grad()


def groups(network: object) -> list[dict[str, Parameter]]:
    """The parameters of a network by name, in groups: its own, then those of the biLM that is trained with it, from the
    top layer down to the word vectors."""
    own = parameters(network)
    bilm = getattr(network, "bilm", None)
    if bilm is None:
        return [own]
    top = bilm.model.config.layers
    found: list[dict[str, Parameter]] = [{} for _ in range(top + 2)]
    for name, parameter in own.items():
        k = 0
        if name.startswith("bilm."):
            layer = re.search(r"_lm\.layers\.(\d+)\.", name)
            k = top + 1 - (int(layer[1]) + 1 if layer else 0)
        found[k][name] = parameter
    return found
