"""A synthetic language: sentences of the grammar, translated by rules.

    bank -> pedmbojib, or pedmludiy      words are spelled by a table of letters; each sense of a word has its own
    anna sold a boat in may .            the time comes first, the place last, before the full stop
    the old boat -> uns -lu pueh         an article follows the first word of its phrase, and agrees with the last vowel
                                         of that word
    tom saw anna -> hul wex a- edde      a person has a particle before the name, except at the start of the sentence

So a translator needs the senses of words, words from other positions, and words that depend on others. Such orders and
endings exist in languages of the world: articles after the first word in Bulgarian, vowel harmony in Turkish, a
preposition before a person in Spanish.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...data.grammar import LabelledSentence

VOWELS = "aeiouy"
SPELLING = str.maketrans("aeioubcdfghjklmnpqrstvwxz", "eiouaptsvkrzmnldfgbwhjxcq")
ARTICLES = {"the": "-l", "a": "-v", "an": "-v"}      # an agreeing vowel follows; no word is spelled like this
PERSON = "a-"


def spelled(word: str) -> str:
    """An English word as the language writes it; punctuation stays as it is."""
    return word.translate(SPELLING)


def translated(sentence: LabelledSentence) -> list[str]:
    """The sentence in the synthetic language."""
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
    """The words at some positions, each article after the word that follows it."""
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
