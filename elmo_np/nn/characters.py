"""A word as characters: the bytes of its UTF-8 between a begin and an end marker, padded to a fixed length.

    row of E    character
    0           none: the batch has no word at this position
    1 .. 256    the bytes 0 .. 255
    257, 258    <S> and </S>, as the only character of these special tokens
    259, 260    begin and end of a word
    261         padding after the end of a word: it has a vector, and the filters read it

So "The" is 259 85 105 102 260 261 261 ... A word that is too long loses its last bytes, if necessary in the middle of a
letter, and keeps its end marker.
Source: bilm-tf, which counts from 0 in training and from 1, as here, when it embeds.
"""

from collections.abc import Sequence

import numpy as np

from ..errors import UserError
from ..types import Array

N_CHARACTERS = 262
BOS, EOS, BEGIN, END, CHAR_PAD = 257, 258, 259, 260, 261


def to_char_ids(words: Sequence[str], K: int) -> Array:
    """Words -> characters (N, K) uint16; half of a surrogate pair has no UTF-8 and is left out.

    Raises UserError for a word that is not a string.
    """
    if other := [word for word in words if not isinstance(word, str)]:
        raise UserError(f"the word {other[0]!r:.60} is not a string: expected words as text")
    k = np.full((len(words), K), CHAR_PAD, np.uint16)
    k[:, 0] = BEGIN
    for row, word in zip(k, words, strict=True):
        found = np.frombuffer(word.encode("utf-8", "ignore")[:K-2], np.uint8)
        end = len(found) + 1
        row[1:end] = found
        row[1:end] += 1             # in uint16: byte 255 has a row too
        row[end] = END
    return k


def is_cut(word: str, K: int) -> bool:
    """Whether `to_char_ids` loses bytes of the word."""
    return 4 * len(word) > K - 2 and len(word.encode("utf-8", "ignore")) > K - 2


def marks(K: int) -> Array:
    """The special tokens <S> and </S> as characters: (2, K)."""
    k = np.full((2, K), CHAR_PAD, np.uint16)
    k[:, 0] = BEGIN
    k[:, 1] = BOS, EOS
    k[:, 2] = END
    return k
