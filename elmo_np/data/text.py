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


# Python's \w excludes combining marks and joiners; without them Hindi, Persian and a decomposed é fall apart.
_MARKS = "".join(chr(c) for c in range(0x300, 0x3100) if unicodedata.category(chr(c)) in {"Mn", "Mc"}) + "\u200c\u200d"
_LETTER = rf"[\w{_MARKS}]"
_END = rf"(?!{_LETTER})"
_APOSTROPHE = "['\u2019]"
_CLITIC = rf"{_APOSTROPHE}(?i:s|m|d|ll|re|ve){_END}"
_NEGATION = rf"(?i:n{_APOSTROPHE}t){_END}"
# Words joined by one punctuation mark stay whole: well-known, str.join, and/or, O'Brien, name@host. Clitics do not.
_WORD = rf"{_LETTER}+(?:(?!{_CLITIC})[-./@'\u2019]{_LETTER}+)*"

# Abbreviations that keep their full stop. After one that points ahead (to a name, an example) the sentence goes on.
_POINTS_AHEAD = (r"Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Gov|Sen|Rep|Messrs"
                 r"|e\.g|i\.e|eg|ie|cf|vs|viz|approx|resp|Figs?|Eqs?|Sec|Vol|pp|ca")
_MAY_END = r"etc|al|Jr|Sr|Inc|Ltd|Corp|Co|Bros"

# Tried from the top at each position; the first pattern that matches gives the token.
_RULES = (
    # what                       pattern                                                 example
    ("address",                  r"[a-zA-Z][a-zA-Z+]{,9}://[^\s<>\"]*[\w/]"),            # https://numpy.org/doc
    ("unknown word",             r"(?i:<unk>|\[unk\])"),                                 # <unk>
    ("abbreviation",             rf"(?:{_POINTS_AHEAD}|{_MAY_END})\.{_END}"),            # Dr. etc.
    ("initials",                 rf"(?:[a-zA-Z]\.){{2,}}{_END}"),                        # U.S.A. p.m.
    ("two words in one",         rf"(?i:can(?=not{_END})|(?:gon|wan)(?=na{_END})|got(?=ta{_END})"
                                 rf"|(?:gim|lem)(?=me{_END}))"),                         # can not, gon na
    ("with an apostrophe",       rf"(?i:d(?=['\u2019]ye{_END})|more(?=['\u2019]n{_END})"
                                 rf"|['\u2019]t(?=(?:is|was){_END})|['\u2019](?:ye|n|em){_END})"),  # d 'ye, 't is
    ("before a negation",        rf"{_WORD}(?={_NEGATION})"),                            # do n't
    ("negation",                 _NEGATION),                                             # n't
    ("clitic",                   _CLITIC),                                               # 's 'll
    ("dots",                     r"\.{2,}"),                                             # ...
    ("number",                   rf"(?:(?<!\w)[-+])?\.?\d+(?:[.,:/-]\d+)*(?:[eE][-+]?\d+)?{_END}"),  # -3.14 1,000 1e-5
    ("word",                     _WORD),                                                 # foo_bar well-known
    ("operator",                 r"[-=]>|[<>=!:]=|-{2,}|[*+=]{2}|`{2}|'{2}"),            # -> == --
    ("any other mark",           r"\S"),
)  # fmt: skip
_TOKEN = re.compile("|".join(f"(?:{pattern})" for _, pattern in _RULES))


def tokens(text: str) -> list[str]:
    """Words, numbers and punctuation marks, unchanged.

    text     one or more sentences; text without spaces between words (Chinese) stays in long runs.
    Returns  the tokens, none with a space in it; case, stop words and quotation marks are kept.
    Source   the conventions of the Penn Treebank. For text of letters and spaces only, the tokens equal those of
             NLTK's `NLTKWordTokenizer`, which splits "cannot" and "gonna" even there.
    """
    return _TOKEN.findall(text)


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
