"""What the other sides of `embed.py` have in common: sentences in batches, each padded to its longest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from embed_sizes import BLOCK

from elmo_np.nn.characters import BEGIN, BOS, CHAR_PAD, END, EOS, to_char_ids
from elmo_np.types import Array

Ids = npt.NDArray[np.int64]


def embed_batches(text: Sequence[list[str]], K: int, layers_of: Callable[[Ids, Ids], Array]) -> list[Array]:
    """All layers (layers, tokens, 2P) of each sentence.

    K           characters per word
    layers_of   characters (B, T, K) and lengths (B,), longest first -> (layers, B, T, 2P)
    """
    found: list[Array] = []
    for start in range(0, len(text), BLOCK):
        block = text[start:start + BLOCK]
        order = sorted(range(len(block)), key=lambda n: -len(block[n]))
        stack = layers_of(*batch([block[n] for n in order], K))
        rows = {n: row for row, n in enumerate(order)}
        found += [stack[:, rows[n], 1:len(sentence)+1] for n, sentence in enumerate(block)]
    return found


def batch(text: list[list[str]], K: int) -> tuple[Ids, Ids]:
    """Sentences with special tokens -> characters (B, T, K), 0 for no word; lengths (B,)."""
    k = np.zeros((len(text), max(map(len, text)) + 2, K), np.int64)
    for row, sentence in zip(k, text, strict=True):
        row[1:len(sentence)+1] = to_char_ids(sentence, K)
        for place, mark in (0, BOS), (len(sentence) + 1, EOS):
            row[place] = CHAR_PAD
            row[place, :3] = BEGIN, mark, END
    return k, np.array([len(sentence) + 2 for sentence in text])
