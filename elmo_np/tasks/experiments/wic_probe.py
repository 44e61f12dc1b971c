"""Which layers of a biLM tell the senses of a word apart: pairs as of WiC, for `elmo-np probe`.

As in `task wic`, the answer is T if the cosine of the word's two vectors is above a threshold. Nothing is trained: each
half of the pairs is judged by the threshold that suits the other half best.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...data.text_lines import plain_name
from ...inference.elmo import ELMo
from ...inference.probe import Result
from ...runtime.progress import Progress
from ...types import Array
from ..data.examples import Examples, WordPair
from ..data.wic import SUPERGLUE, superglue_keys
from ..models.wic import best_threshold, cosines_of, embed_pairs


def is_wic(path: Path) -> bool:
    """Whether a file, compressed or not, is named like WiC's, NAME.data.txt, or has rows as of SuperGLUE's WiC."""
    name = plain_name(path).name
    return name.endswith(".data.txt") or (name.endswith(".jsonl") and set(SUPERGLUE) <= superglue_keys(str(path)))


def probe_layers(elmo: ELMo, examples: Examples, progress: Progress | None = None) -> list[Result]:
    """A result per layer of `elmo.layers`, and one of their average; chance: the share of the more frequent answer."""
    pairs: list[WordPair] = examples.labels
    vectors = embed_pairs(elmo, examples.sentences, pairs, elmo.layers, progress)
    layers, _ = vectors.batch(np.arange(len(pairs)))            # (J, 2, N, D)
    same = np.array([pair.answer == "T" for pair in pairs])
    known = np.array([_is_known(elmo, first[pair.positions[0]]) and _is_known(elmo, pair.second[pair.positions[1]])
                      for first, pair in zip(examples.sentences, pairs, strict=True)])
    chance = max(same.mean(), 1 - same.mean())
    found = []
    for name, both in [*((f"layer {layer}", both) for layer, both in zip(elmo.layers, layers, strict=True)),
                       ("average", layers.mean(axis=0))]:
        right = crosswise(cosines_of(both), same)
        found.append(Result(name, len(pairs), int(right.sum()), None, int((~known).sum()), int((right & known).sum()),
                            None, float(chance)))
    return found


def _is_known(elmo: ELMo, word: str) -> bool:
    """Whether the word's vector is its own: a model of characters reads any word."""
    return elmo.model.config.char_filters is not None or word in elmo.vocabulary


def crosswise(cosines: Array, same: Array) -> Array:
    """cosines (N,), same (N,) bool -> (N,) bool, whether the threshold of the half that a pair is not in answers it
    rightly. Both halves have as many pairs of each answer, as far as that is possible."""
    half = np.where(same, np.cumsum(same), np.cumsum(~same)) % 2
    right = np.zeros(len(same), bool)
    for own in half == 0, half == 1:
        right[own] = (cosines[own] > best_threshold(cosines[~own], same[~own])) == same[own]
    return right
