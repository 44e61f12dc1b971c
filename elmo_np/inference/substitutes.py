"""What a model predicts (M): the words that fit a position in a sentence, and new text (sampling.py).

    (M1) s(w) = log p_forward(w | w_0 .. w_{t-1}) + log p_backward(w | w_{t+1} .. w_{T+1}) - log p(w)
    (M2) p(w | the sentence without w_t) = exp s(w) / sum_v exp s(v),  over all words that are allowed at t
    (M3) q(w) = p(w)^(1 / temperature) / sum_v p(v)^(1 / temperature),  over all words that may be drawn
    (M4) the word drawn at u: the first w with q(0) + .. + q(w) > u,  u uniform in [0, 1)

Special tokens and <UNK> are never substituted or sampled. p(w) is (P2), the unigram model.
Source: (M1), Arefyev et al. 2020; (M3), Ackley et al. 1985; only the most probable words, Fan et al. 2018 (top_k) and
Holtzman et al. 2020 (top_p).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..config.directions import DIRECTIONS
from ..errors import UserError
from ..runtime.threads import both, one_blas_thread
from ..types import Array
from .elmo import ELMo, position_of
from .evaluate import unigram_log_p
from .token_indexer import token_indexer


class Substitute(NamedTuple):
    """A word that could replace another."""

    word: str
    probability: float      # (M2), among all words that are allowed there
    rank: int               # from 1
    forward: float          # log p in nats given the words before the position
    backward: float         # log p in nats given the words after it
    itself: bool            # whether it is the word of the sentence


def substitutes(elmo: ELMo, word: str, sentence: str | Sequence[str], top: int = 10, *, occurrence: int | None = None,
                prior: bool = True, itself: bool = True) -> list[Substitute]:
    """The words that fit best in place of `word`, by both directions together, best first.

    Neither direction reads the word itself, so the model need not know it.

    sentence    tokens, or text, which is split as the model's corpus was
    top         how many; the word itself comes last if it ranks lower
    occurrence  which one, from 1, of a word that occurs more than once
    prior       whether to subtract log p(w) as in (M1); False: only the sum of both directions, which prefers frequent
                words, for a vocabulary without counts
    itself      False: without the word itself
    Raises UserError: a word that is not in the sentence, no counts, a model without a softmax or of one direction,
    nothing to choose from.
    """
    if top < 1:
        raise UserError(f"top = {top}: expected a whole number of at least 1")
    words, vocabulary = elmo.words(sentence), elmo.vocabulary
    forward, backward = _around(elmo, words, position_of(word, words, occurrence))
    if prior and vocabulary.counts is None:
        raise UserError("the vocabulary has no counts, so the frequency of a word is unknown: expected those of a "
                        "training corpus, or prior=False (--no-prior)")
    s = forward + backward - (unigram_log_p(vocabulary) if prior else 0)         # (M1)
    own = vocabulary.id(word)                       # for an unknown word that of <UNK>, which is never a substitute
    s[[vocabulary.bos, vocabulary.eos, vocabulary.unk, *([] if itself else [own])]] = -np.inf
    choice = np.isfinite(s).sum()
    if not choice:
        raise UserError(f"the vocabulary has no word to replace {word!r} with: expected a larger vocabulary")
    p = np.exp(s - s.max())                                                      # (M2)
    p /= p.sum()                                                                 # (M2)
    order = np.argsort(-s, kind="stable")[:choice]
    top = min(top, int(choice))
    shown = [*range(top), *(top + np.flatnonzero(order[top:] == own))]
    return [Substitute(vocabulary.word(w), float(p[w]), int(k) + 1, float(forward[w]), float(backward[w]), w == own)
            for k, w in zip(shown, order[shown].tolist(), strict=True)]


def _around(elmo: ELMo, words: Sequence[str], position: int) -> tuple[Array, Array]:
    """log p of every word (V,) at a position, given all words before it, and given all words after it; float64."""
    ahead, back = (elmo.model.lm(direction) for direction in DIRECTIONS)
    reader = token_indexer(elmo.model, elmo.vocabulary)
    t = position + 1                                # <S> precedes the first word
    x_f, x_b = reader.lookup(np.array(reader.encode(words))[:, None])
    with one_blas_thread():
        # The state after all of the context, from its special token to the word next to the position.
        (forward, _), (backward, _) = both(lambda: ahead.next_word(x_f[:t]), lambda: back.next_word(x_b[:t:-1]))
    return forward[0].astype(np.float64), backward[0].astype(np.float64)
