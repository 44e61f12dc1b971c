"""A made-up language: sentences of the grammar, translated by rules of our own.

    bank -> pedmbojib, or pedmludiy      words are spelled by a table of letters; an ambiguous one has a word a sense
    anna sold a boat in may .            when comes first, where comes last, before the full stop
    the old boat -> uns -lu pueh         an article stands behind the first word of what it belongs to, and agrees with
                                         that word's last vowel
    tom saw anna -> hul wex a- edde      a person who does not begin the sentence has a mark before the name

So a translator needs the sense of a word, words from other places, and words that depend on others. Orders and endings
like these are found in languages of the world: articles behind the first word in Bulgarian, vowel harmony in Turkish, a
mark before a person in Spanish.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...data.grammar import LabelledSentence

VOWELS = "aeiouy"
SPELLING = str.maketrans("aeioubcdfghjklmnpqrstvwxz", "eiouaptsvkrzmnldfgbwhjxcq")
ARTICLES = {"the": "-l", "a": "-v", "an": "-v"}      # the vowel that agrees follows; no word is spelled like this
PERSON = "a-"


def spelled(word: str) -> str:
    """An English word as the language writes it; marks stay as they are."""
    return word.translate(SPELLING)


def translated(sentence: LabelledSentence) -> list[str]:
    """The sentence in the language."""
    tokens, senses = sentence.tokens, dict(sentence.senses)
    end = len(tokens) - (not tokens[-1].isalnum())
    when, where = ([k for begin, last, own in sentence.spans if own == kind for k in range(begin, min(last, end))]
                   for kind in ("time", "place"))
    rest = [k for k in range(end) if k not in when and k not in where]
    first = int(tokens[0] in ARTICLES)
    persons = {begin for begin, _, kind in sentence.spans if kind == "person" and begin > first}
    words = [spelled(token + senses[k].partition("/")[2] if k in senses else token) for k, token in enumerate(tokens)]
    return [*(word for part in (when, rest, where) for word in _phrase(part, tokens, words, persons)), *tokens[end:]]


def _phrase(part: Sequence[int], tokens: Sequence[str], words: Sequence[str], persons: set[int]) -> Iterator[str]:
    """Words of some positions, articles behind what follows them."""
    article = ""
    for k in part:
        if tokens[k] in ARTICLES:
            article = ARTICLES[tokens[k]]
            continue
        if k in persons:
            yield PERSON
        yield words[k]
        if article:
            yield article + _last_vowel(words[k])
            article = ""
    if article:
        yield article + VOWELS[0]


def _last_vowel(word: str) -> str:
    return next((letter for letter in reversed(word) if letter in VOWELS), VOWELS[0])
