"""The best sequence (X): exactly over a chain of labels, and with a beam over words.

    Viterbi  (X1) v_1 = a + z_1,  v_t[j] = z_t[j] + max_i (v_{t-1}[i] + A[i, j])
             (X2) y_n = argmax_j (v_n[j] + e[j]),  y_{t-1} = argmax_i (v_{t-1}[i] + A[i, y_t])
    Beam     (X3) S(y_1 .. y_t) = S(y_1 .. y_{t-1}) + log p(y_t | y_1 .. y_{t-1}),  the best K are continued
             (X4) of the finished hypotheses, the highest S / n^lambda wins, n the number of words with the end token

Dimensions: T steps, B sentences, C labels, V words, K width of the beam. A search has no gradient.
Sources: Viterbi 1967 (X1), (X2); Sutskever et al. 2014 (X3); Wu et al. 2016, with a simpler length penalty (X4).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ...types import Array


def viterbi(z: Array, lengths: Array, a: Array,
            A: Array, e: Array) -> list[list[int]]:
    """The labels of each sentence with the highest score.

    z (T, B, C): scores of labels; lengths (B,); a, e (C,), A (C, C): scores of starts, ends and transitions, minus
    infinity where one is not allowed
    """
    T, B, C = z.shape
    # The best label at t-1 for each at t
    before = np.zeros((T, B, C), np.int64)
    v = a + z[0]                             # (X1)
    for t in range(1, T):
        candidates = v[:, :, None] + A       # (X1)
        before[t] = candidates.argmax(axis=1)  # (X2)
        new = z[t] + candidates.max(axis=1)  # (X1)
        v = np.where((t < lengths)[:, None], new, v)
    last = (v + e).argmax(axis=1)            # (X2)
    return [_path(before[:n, b], int(last[b]))
            for b, n in enumerate(lengths)]


def _path(before: Array, last: int) -> list[int]:
    """The labels of one sentence from its last one back: before (n, C)."""
    y = [last]
    for t in reversed(range(1, len(before))):
        y.append(int(before[t, y[-1]]))  # (X2)
    return y[::-1]


class Hypothesis(NamedTuple):
    words: list[int]        # ids, with the end token if it was reached
    log_p: float            # of all these words, in nats
    score: float            # what (X4) compares


# Arrays with one row per hypothesis.
BeamState = Sequence[Array]
# Words (K,) and their state -> log p of the next word (K, V), next state.
BeamStep = Callable[[Array, BeamState], tuple[Array, BeamState]]


def beam_search(step: BeamStep, state: BeamState, *,
                start: int, end: int, beam: int, longest: int,
                length_power: float = 1.0) -> list[Hypothesis]:
    """Sentences of one decoder, best first.

    step            words (K,) and their state -> log p of the next word (K, V), next state
    state           arrays with one row, before the first word
    start, end      ids of the special tokens
    beam            K, hypotheses that are continued; 1 takes the likeliest word at each step
    longest         maximum number of words, the end token included; an unfinished hypothesis counts as it is
    length_power    lambda of (X4): 0 compares log p, which favours short sentences; 1 compares log p per word
    -> up to `beam` hypotheses. Raises ValueError for a beam or a length below 1.
    """
    if beam < 1 or longest < 1:
        raise ValueError(f"beam = {beam}, longest = {longest}: "
                         "expected whole numbers of at least 1")
    live = [[start]]
    total = np.zeros(1)             # S of each
    finished: list[Hypothesis] = []
    for n in range(1, longest + 1):
        last = np.array([words[-1] for words in live])
        log_p, state = step(last, state)
        S = total[:, None] + log_p  # (X3)
        V = S.shape[1]
        kept = []
        for k in map(int, _largest(S.reshape(-1), beam)):  # (X3)
            own = float(S.flat[k])
            if k % V == end or n == longest:
                words = [*live[k // V], k % V][1:]
                score = own / n**length_power  # (X4)
                finished.append(Hypothesis(words, own, score))
            elif own > -np.inf:
                kept.append(k)
        live = [[*live[k // V], k % V] for k in kept]
        if not live or len(finished) >= beam:
            break
        total = S.flat[kept]
        state = [array[np.array(kept) // V] for array in state]
    finished.sort(key=lambda found: -found.score)  # (X4)
    return finished[:beam]


def _largest(S: Array, beam: int) -> Array:
    """The indices of the `beam` largest of S (N,), largest first, the first of equals: only those are sorted."""
    rank = min(beam, len(S))
    smallest = np.partition(S, -rank)[-rank]
    indices = np.flatnonzero(smallest <= S)
    order = np.argsort(-S[indices], kind="stable")
    return indices[order[:beam]]
