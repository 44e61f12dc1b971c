"""Sentences as Python programs give them: lists of words, each a string. Anything else is refused, with its number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

from ..errors import UserError


def checked_words(sentence: Sequence[str], name: str = "the sentence") -> Sequence[str]:
    """Return the sentence. Raises UserError unless it is a list of strings, or something like one.

    A string would be read as its letters; bytes, None or a token of spaCy as an unknown word.
    """
    if isinstance(sentence, str):
        raise UserError(f"{name} is the string {sentence[:40]!r}, expected a list of words: split it first, with "
                        "elmo_np.data.text.tokens or at its spaces")
    if isinstance(sentence, bytes) or not (isinstance(sentence, Iterable) and isinstance(sentence, Sized)):
        raise UserError(f"{name} is {sentence!r:.60}, of type {type(sentence).__name__}, expected a list of words: "
                        "leave it out, or give a list")
    if {*map(type, sentence)} != {str}:         # the quick test of what is mostly true
        for position, word in enumerate(sentence):
            if not isinstance(word, str):
                raise UserError(f"word {position} of {name} is {word!r:.40}, of type {type(word).__name__}, expected a "
                                f"string: {_advice(word)}")
    return sentence


def checked_sentences(sentences: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """The sentences, one after another. Raises UserError for one that `checked_words` refuses, with its number."""
    if isinstance(sentences, str | bytes) or not isinstance(sentences, Iterable):
        raise UserError(f"the sentences are {sentences!r:.60}, of type {type(sentences).__name__}, expected a list of "
                        "sentences: for a single one give a list of it")
    return (checked_words(sentence, f"sentence {number}") for number, sentence in enumerate(sentences))


def _advice(word: Any) -> str:
    if isinstance(word, bytes):
        return "decode it first"
    if isinstance(getattr(word, "text", None), str):
        return "give its text, as in [token.text for token in sentence]"
    return "leave it out, or write it as text"
