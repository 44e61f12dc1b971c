"""The best sequence (X): exactly over a chain of labels, and with a beam over words.

    Viterbi  (X1) v_1 = a + z_1,  v_t[j] = z_t[j] + max_i (v_{t-1}[i] + A[i, j])
             (X2) y_n = argmax_j (v_n[j] + e[j]),  y_{t-1} = argmax_i (v_{t-1}[i] + A[i, y_t])
    Beam     (X3) S(y_1 .. y_t) = S(y_1 .. y_{t-1}) + log p(y_t | y_1 .. y_{t-1}),  the best K go on
             (X4) of what has ended, the highest S / n^lambda wins, n the number of words with the end mark

Dimensions: T steps, B sentences, C labels, V words, K width of the beam. A search has no gradient.
Sources: Viterbi 1967 (X1), (X2); Sutskever et al. 2014 (X3); Wu et al. 2016, the length in a simpler form (X4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ...types import Array


def viterbi(z: Array, lengths: Array, a: Array, A: Array, e: Array) -> list[list[int]]:
    """z (T, B, C) scores of labels, lengths (B,), a, e (C,), A (C, C) scores of starts, ends and transitions, minus
    infinity for never -> the labels of each sentence with the highest score."""
    T, B, C = z.shape
    v, before = a + z[0], np.zeros((T, B, C), np.int64)                          # (X1)
    for t in range(1, T):
        candidates = v[:, :, None] + A                                           # (X1)
        before[t] = candidates.argmax(axis=1)                                    # (X2)
        v = np.where((t < lengths)[:, None], z[t] + candidates.max(axis=1), v)   # (X1)
    last = (v + e).argmax(axis=1)                                                # (X2)
    found = []
    for b, n in enumerate(lengths):
        y = [int(last[b])]
        for t in range(int(n) - 1, 0, -1):
            y.append(int(before[t, b, y[-1]]))                                   # (X2)
        found.append(y[::-1])
    return found


class Hypothesis(NamedTuple):
    words: list[int]        # ids, the end mark among them where there was room for it
    log_p: float            # of all these words, in nats
    score: float            # what (X4) compares


BeamState = Sequence[Array]                                                 # arrays with a row a hypothesis
Step = Callable[[Array, BeamState], tuple[Array, BeamState]]        # words (K,), state -> log p (K, V), state after


def beam_search(step: Step, state: BeamState, *, start: int, end: int, beam: int, longest: int,
                length_power: float = 1.0) -> list[Hypothesis]:
    """Sentences of one decoder, best first.

    step            words (K,) and their state -> log p of the next word (K, V), state after
    state           arrays with one row, before the first word
    start, end      ids of the marks
    beam            K, hypotheses that go on; 1 takes the likeliest word at each step
    longest         words with the end mark; what has not ended by then counts as it is
    length_power    lambda of (X4): 0 compares log p, which favours short sentences; 1 compares log p a word
    -> up to `beam` hypotheses. Raises ValueError for a beam or a length below 1.
    """
    if beam < 1 or longest < 1:
        raise ValueError(f"beam = {beam}, longest = {longest}: expected whole numbers of at least 1")
    live, ended, total = [[start]], [], np.zeros(1)
    for n in range(1, longest + 1):
        log_p, state = step(np.array([words[-1] for words in live]), state)
        S = total[:, None] + log_p                                               # (X3)
        V = S.shape[1]
        best = _largest(S.reshape(-1), beam)                                     # (X3)
        kept = []
        for k in map(int, best):
            words, log_all = [*live[k // V], k % V], float(S.flat[k])
            if k % V == end or n == longest:
                ended.append(Hypothesis(words[1:], log_all, log_all / n**length_power))      # (X4)
            elif log_all > -np.inf:
                kept.append(k)
        live = [[*live[k // V], k % V] for k in kept]
        if not live or len(ended) >= beam:
            break
        total, state = S.flat[kept], [array[np.array(kept) // V] for array in state]
    return sorted(ended, key=lambda found: -found.score)[:beam]                  # (X4)


def _largest(S: Array, beam: int) -> Array:
    """The places of the `beam` largest of S (N,), largest first, of equals the first: a sort of those alone."""
    rank = min(beam, len(S))
    places = np.flatnonzero(np.partition(S, -rank)[-rank] <= S)
    return places[np.argsort(-S[places], kind="stable")[:beam]]
