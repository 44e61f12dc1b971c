"""A word as characters: the bytes of its UTF-8 between a begin and an end mark, padded to one length.

    row of E    character
    0           none: where a batch has no word
    1 .. 256    the bytes 0 .. 255
    257, 258    <S> and </S>, as the only character of the mark of a sentence
    259, 260    begin and end of a word
    261         behind the end, up to the length of all words: it has a vector, and the filters read it

So "The" is 259 85 105 102 260 261 261 ... A word that is too long loses its last bytes, in the middle of a letter if it
must be, and keeps its end mark.
Source: bilm-tf, which counts from 0 in training, and so as here, from 1, when it embeds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UserError
from ..types import Array

N_CHARACTERS = 262
BOS, EOS, BEGIN, END, CHAR_PAD = 257, 258, 259, 260, 261


def to_char_ids(words: Sequence[str], K: int) -> Array:
    """Words -> characters (N, K) uint16; what has no UTF-8, half of a surrogate pair, is left out.

    Raises UserError for a word that is no string.
    """
    if other := [word for word in words if not isinstance(word, str)]:
        raise UserError(f"the word {other[0]!r:.60} is no string: expected words as text")
    k = np.full((len(words), K), CHAR_PAD, np.uint16)
    k[:, 0] = BEGIN
    for row, word in zip(k, words, strict=True):
        found = np.frombuffer(word.encode("utf-8", "ignore")[:K-2], np.uint8)
        row[1:len(found)+1] = found
        row[1:len(found)+1] += 1            # in uint16: 255 + 1 is a row too
        row[len(found)+1] = END
    return k


def marks(K: int) -> Array:
    """The marks <S> and </S> as characters: (2, K)."""
    k = np.full((2, K), CHAR_PAD, np.uint16)
    k[:, 0], k[:, 1], k[:, 2] = BEGIN, (BOS, EOS), END
    return k
