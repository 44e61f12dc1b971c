"""From text to words: the article's preprocessing, tokens for a language model, and sentences.

`preprocess_text` keeps the topic and discards the grammar. A language model has to predict grammar as well, so training
uses `tokens`, which loses no characters: joined together, the tokens are the text without its spaces.
"""

import re
import unicodedata
from collections.abc import Iterator

from .stop_words import STOP_WORDS


def preprocess_text(text: str) -> str:
    """The article's preprocessing: content words in lower case, separated by single spaces.

    text     any English text; characters outside a-z count as separators, as in the article.
    Returns  the remaining words; "" if there were only function words.
    Source   the article; its stop words are NLTK's, ours are `STOP_WORDS`.
    """
    words = tokens(re.sub(r"[^a-zA-Z]", " ", text).lower())
    return " ".join(word for word in words if word not in STOP_WORDS)


# Abbreviations that keep their full stop. After one that points ahead (to a name, an example) the sentence goes on.
_POINTS_AHEAD = (r"Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Gov|Sen|Rep|Messrs"
                 r"|e\.g|i\.e|eg|ie|cf|vs|viz|approx|resp|Figs?|Eqs?|Sec|Vol|pp|ca")
_MAY_END = r"etc|al|Jr|Sr|Inc|Ltd|Corp|Co|Bros"


def _rules(marks: str) -> str:
    """A pattern for one token. marks: what continues any character, such as an accent; "" for ASCII text."""
    extend = f"[{marks}]*" if marks else ""
    end = rf"(?!{extend}\w)"
    apostrophe = "['\u2019]"
    clitic = rf"{apostrophe}(?i:s|m|d|ll|re|ve){end}"
    negation = rf"(?i:n{apostrophe}t){end}"
    # Words joined by one punctuation mark stay whole: well-known, str.join, and/or, O'Brien, name@host. Clitics do not.
    word = rf"\w[\w{marks}]*(?:(?!{clitic})[-./@'\u2019]{extend}\w[\w{marks}]*)*"
    # Tried from the top at each position; the first pattern that matches gives the token.
    rules = (
        # what                       pattern                                                 example
        ("address",                  r"[a-zA-Z][a-zA-Z+]{,9}://[^\s<>\"]*[\w/]"),            # https://numpy.org/doc
        ("unknown word",             r"(?i:<unk>|\[unk\])"),                                 # <unk>
        ("abbreviation",             rf"(?:{_POINTS_AHEAD}|{_MAY_END})\.{end}"),             # Dr. etc.
        ("initials",                 rf"(?:[a-zA-Z]\.){{2,}}{end}"),                         # U.S.A. p.m.
        ("two words in one",         rf"(?i:can(?=not{end})|(?:gon|wan)(?=na{end})|got(?=ta{end})"
                                     rf"|(?:gim|lem)(?=me{end}))"),                          # can not, gon na
        ("with an apostrophe",       rf"(?i:d(?=['\u2019]ye{end})|more(?=['\u2019]n{end})"
                                     rf"|['\u2019]t(?=(?:is|was){end})|['\u2019](?:ye|n|em){end})"),  # d 'ye, 't is
        ("before a negation",        rf"{word}(?={negation})"),                              # do n't
        ("negation",                 negation),                                              # n't
        ("clitic",                   clitic),                                                # 's 'll
        ("dots",                     r"\.{2,}"),                                             # ...
        ("number",                   rf"(?:(?<!\w)[-+])?\.?\d+(?:[.,:/-]\d+)*(?:[eE][-+]?\d+)?{end}"),  # -3.14 1e-5
        ("word",                     word),                                                  # foo_bar well-known
        ("operator",                 r"[-=]>|[<>=!:]=|-{2,}|[*+=]{2}|`{2}|'{2}"),             # -> == --
        ("any other mark",           r"\S"),
    )  # fmt: skip
    return "|".join(f"(?:{pattern})" for _, pattern in rules)


_ASCII_TOKEN = re.compile(_rules(""))

# Text that is not ASCII follows the rules of UAX 29, Unicode's word boundaries, where those above are silent. To keep
# the pattern short, a character stands for all of its kind.
_MARK, _FORMAT, _JOINER = "\u0301", "\u2060", "\u200d"
_SYMBOL, _FLAG_LETTER = "\u263a", "\U0001f1e6"
_ZERO_WIDTH_SPACE = "\u200b"          # ends a word, in Khmer for instance, and is written after it
_FILLERS = "\u115f\u1160\u3164\uffa0"  # Korean letters that show nothing


class _Kinds(dict[int, str]):
    """For `str.translate`: the character that stands for the kind of another, looked up once."""

    def __missing__(self, code: int) -> str:
        found = self[code] = _kind(chr(code))
        return found


def _kind(character: str) -> str:
    category, name = unicodedata.category(character), unicodedata.name(character, "")
    if character.isascii() or character.isspace() or character in _ZERO_WIDTH_SPACE + _JOINER:
        return character
    if category in ("Cf", "Cc") or re.search("VARIATION SELECTOR|GRAPHEME JOINER|VOWEL INHERENT", name):
        return _FORMAT
    if category in ("Mn", "Mc", "Me") or name.startswith("EMOJI MODIFIER"):
        return _MARK
    if name.startswith("REGIONAL INDICATOR"):
        return _FLAG_LETTER
    return _SYMBOL if category in ("So", "Sm", "Cn") else character      # Cn: emoji younger than this Python


_KINDS = _Kinds()
_MARKS = _MARK + _FORMAT + _JOINER
# A mark or a format character, such as a soft hyphen, belongs to the character before it (WB4), a symbol to the joiner
# before it, as in a family of emoji (WB3c), and two flag letters are a flag (WB15). At the start, or after a space,
# marks belong to what follows.
_TOKEN = re.compile(
    f"[{_ZERO_WIDTH_SPACE}{_MARKS}]*(?:{_FLAG_LETTER}[{_MARKS}]*{_FLAG_LETTER}|{_rules(_MARKS)})[{_MARKS}]*"
    f"(?:(?<={_JOINER}){_SYMBOL}[{_MARKS}]*)*(?:{_ZERO_WIDTH_SPACE}[{_ZERO_WIDTH_SPACE}{_MARKS}]*)?")
_INVISIBLE = re.compile(f"[{_ZERO_WIDTH_SPACE}{_FORMAT}{_JOINER}{_FILLERS}]+")


def tokens(text: str) -> list[str]:
    """Words, numbers and punctuation marks, unchanged.

    text     one or more sentences; text without spaces between words (Chinese) stays in long runs. What shows nothing,
             such as a soft hyphen or a variation selector, is part of a token, never one by itself.
    Returns  the tokens, none with a space in it; case, stop words and quotation marks are kept.
    Source   the conventions of the Penn Treebank. For text of letters and spaces only, the tokens equal those of
             NLTK's `NLTKWordTokenizer`, which splits "cannot" and "gonna" even there.
    """
    if text.isascii():
        return _ASCII_TOKEN.findall(text)
    found: list[str] = []
    kinds, alone = text.translate(_KINDS), False
    for match in _TOKEN.finditer(kinds):
        token, invisible = text[match.start():match.end()], _INVISIBLE.fullmatch(match[0]) is not None
        if found and (invisible or alone):      # what shows nothing belongs to the word before, or after
            found[-1] += token
            alone = alone and invisible
        else:
            found.append(token)
            alone = invisible
    return found


_PARAGRAPH_END = re.compile(r"\n\s*\n")
# The look-behind tries a run of dots only once, not from each dot, so time is proportional to the length of the text.
_STOP = re.compile(r"(?<![.!?])[.!?]+[\"'\u2019\u201d)\]]* (?=[\"'\u2018\u201c(\[`*]*(\S))")
_NO_STOP = re.compile(rf"(?:(?<!\w)(?:{_POINTS_AHEAD})|(?<![^\W_])[^\W\d_])\.$")


def sentences(text: str) -> Iterator[str]:
    """The sentences of prose, in order, with single spaces.

    text     prose; line breaks within a paragraph are ignored, a blank line always ends a sentence.
    A sentence ends at . ! or ? followed by a space and anything but a lower-case letter, except after an
    abbreviation that points ahead ("e.g.", "Dr.") or an initial ("J. Smith", "the U.S. Senate").
    """
    for paragraph in _PARAGRAPH_END.split(text):
        prose = " ".join(paragraph.split())
        start = 0
        for stop in _STOP.finditer(prose):
            end = stop.end()
            # 12 characters are enough for the longest abbreviation and the character before it.
            if stop[1].islower() or _NO_STOP.search(prose[max(start, end - 12) : end].rstrip()):
                continue
            yield prose[start:end].rstrip()
            start = end
        if prose[start:]:
            yield prose[start:]
