"""A sentence of any length through a model, part by part, in memory that does not grow with its length.

The backward model starts at the end of the sentence, and the vector of the first word needs all that follows it. So
the backward model, if there is one, reads twice: first from the end to the beginning, keeping only the states between
the parts; then, beside the forward model, part by part, each from the state that was kept. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..nn.bilm import BiState
from ..nn.cell import State
from ..nn.representation import h_bi
from ..runtime.threads import one_blas_thread
from ..types import Array
from .token_indexer import TokenIndexer


def in_parts(words: TokenIndexer, sentence: list[int], steps: int,
             state: BiState | None = None) -> Iterator[list[Array]]:
    """The layers 0 to L of a sentence, part after part.

    sentence    word numbers, special tokens included
    steps       of each part but the last
    state       one row; None: zeros
    -> for each part its layers, (steps, width) each, all directions side by side
    """
    model, numbers = words.model, np.array(sentence)[:, None]
    pieces = [numbers[start:start+steps] for start in range(0, len(sentence), steps)]
    state = state or model.zero_state(1)
    with one_blas_thread():
        kept = _backward_states(words, pieces, state)
    for piece in pieces:
        state = tuple(kept.pop() if direction == "backward" else own
                      for direction, own in zip(model.lms, state, strict=True))
        with one_blas_thread():
            layers, state = model.encode_vectors(words.lookup(piece), np.array([len(piece)]), state)
        yield [h_bi(*(y[:, 0] for y in directions)) for directions in zip(*layers, strict=True)]


def _backward_states(words: TokenIndexer, pieces: Sequence[Array], state: BiState) -> list[list[State]]:
    """The backward model's state before each piece, from the last piece to the first; none without such a model."""
    kept: list[list[State]] = []
    before = state[-1]
    lm = words.model.lms.get("backward")
    if lm is None:
        return kept
    for piece in reversed(pieces):
        kept.append(before)
        _, after = lm.encode_inference(words.lookup(piece)[-1][::-1], before)
        # A view would keep the states of all steps alive.
        before = [tuple(array.copy() for array in layer) for layer in after]
    return kept
