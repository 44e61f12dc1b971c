"""A sentence of any length through a model, part by part, in memory that does not grow with its length.

The backward model starts at the end of the sentence, and the vector of the first word needs all that follows it. So
the backward model reads twice: first from the end to the beginning, keeping only the states between the parts; then,
beside the forward model, part by part, each from the state that was kept. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..nn.bilm import BiLM, BiState
from ..nn.cell import State
from ..nn.representation import h_bi
from ..runtime.threads import both, one_blas_thread
from ..types import Array
from .token_indexer import TokenIndexer


def in_parts(words: TokenIndexer, sentence: list[int], steps: int,
             state: BiState | None = None) -> Iterator[list[Array]]:
    """The layers 0 to L of a sentence, part after part.

    sentence    word numbers, special tokens included
    steps       of each part but the last
    state       one row; None: zeros
    -> for each part its layers, (steps, width) each, both directions side by side
    """
    model, numbers = words.model, np.array(sentence)[:, None]
    starts = range(0, len(sentence), steps)
    state_f, state_b = state or (None, None)
    kept: list[list[State] | None] = []             # the backward state before each part, from the last to the first
    with one_blas_thread():
        for start in reversed(starts):
            kept.append(state_b)
            _, x_b = words.lookup(numbers[start:start+steps])
            _, after = model.backward_lm.encode_inference(x_b[::-1], state_b)
            # A view would keep the states of all steps alive.
            state_b = [tuple(array.copy() for array in layer) for layer in after]
    for start in starts:
        with one_blas_thread():
            forward, backward, (state_f, _) = _read(model, words.lookup(numbers[start:start+steps]),
                                                    (state_f, kept.pop()))
        yield [h_bi(f[:, 0], b[::-1, 0]) for f, b in zip(forward, backward, strict=True)]


def _read(model: BiLM, x: tuple[Array, Array], state: tuple[list[State] | None, list[State] | None],
          ) -> tuple[list[Array], list[Array], BiState]:
    """The layers of a part in each direction, in its order of reading, and the state of each after it."""
    (forward, after_f), (backward, after_b) = both(lambda: model.forward_lm.encode_inference(x[0], state[0]),
                                                   lambda: model.backward_lm.encode_inference(x[1][::-1], state[1]))
    return forward, backward, (after_f, after_b)
