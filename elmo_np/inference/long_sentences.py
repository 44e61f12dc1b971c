"""A sentence of any length through a model in memory that does not grow with it: a part of its words after another.

The backward model begins at a sentence's end, and the first word's vector needs all that it has read by then. So it
reads twice: once from the end to the beginning, of which only the states between the parts are kept, and once more part
by part, each from the state that was kept, beside the forward model. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..nn.bilm import BiLM, BiState
from ..nn.lstm import State
from ..nn.representation import h_bi
from ..runtime.threads import both, one_blas_thread
from ..types import Array
from .token_indexer import TokenIndexer


def in_parts(model: BiLM, words: TokenIndexer, sentence: list[int], steps: int,
             state: BiState | None = None) -> Iterator[list[Array]]:
    """A sentence of numbers with its marks, parts of so many steps, one row of state or None for zeros
    -> for each part the layers 0 to L, (steps, width) each, both directions side by side."""
    numbers = np.array(sentence)[:, None]
    starts = range(0, len(sentence), steps)
    state_f, state_b = state or (None, None)
    kept: list[list[State] | None] = []             # before each part, from the last to the first
    with one_blas_thread():
        for start in reversed(starts):
            kept.append(state_b)
            _, x_b = words.lookup(numbers[start:start+steps])
            _, after = model.backward_lm.encode_inference(x_b[::-1], state_b)
            state_b = [(h.copy(), c.copy()) for h, c in after]      # a view would keep the states of all steps
    for start in starts:
        with one_blas_thread():
            forward, backward, (state_f, _) = _read(model, words.lookup(numbers[start:start+steps]),
                                                    (state_f, kept.pop()))
        yield [h_bi(f[:, 0], b[::-1, 0]) for f, b in zip(forward, backward, strict=True)]


def _read(model: BiLM, x: tuple[Array, Array], state: tuple[list[State] | None, list[State] | None],
          ) -> tuple[list[Array], list[Array], BiState]:
    """The layers of a part in each direction, as it is read, and the state of each behind it."""
    (forward, after_f), (backward, after_b) = both(lambda: model.forward_lm.encode_inference(x[0], state[0]),
                                                   lambda: model.backward_lm.encode_inference(x[1][::-1], state[1]))
    return forward, backward, (after_f, after_b)
