"""The article's preparation, tokens and sentences."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo_np.data.stop_words import STOP_WORDS
from elmo_np.data.text import preprocess_text, sentences, tokens

NLTK_RULES = ["cannot", "gonna", "gotta", "gimme", "lemme", "wanna", "tis", "twas", "more", "n", "d", "ye", "whaddya"]
STEMS = ["", "a", "can", "gon", "got", "gim", "lem", "wan", "x"]
ENDINGS = ["", "b", "not", "na", "ta", "me", "s", "t"]


def test_the_preparation_keeps_content_words_in_lower_case():
    assert preprocess_text("The Bank of the river, isn't it?  Banks LEND money!") == "bank river banks lend money"


def test_the_preparation_drops_digits_and_letters_outside_a_to_z():
    assert preprocess_text("In 1984, naïve x86 code") == "na x code"  # "ve" is what is left of "I've"


def test_the_preparation_of_function_words_is_empty():
    assert preprocess_text("They're not what you'd have been, are they?") == ""
    assert preprocess_text("") == ""


@given(st.text())
@settings(derandomize=True, max_examples=100)
def test_the_preparation_leaves_single_spaced_content_words_and_repeats_to_itself(text):
    prepared = preprocess_text(text)
    assert re.fullmatch(r"(?:[a-z]+(?: [a-z]+)*)?", prepared)
    assert STOP_WORDS.isdisjoint(prepared.split())
    assert preprocess_text(prepared) == prepared


@pytest.fixture(scope="module")
def nltk_tokens():
    module = pytest.importorskip("nltk.tokenize", reason="NLTK is the oracle here: pip install nltk")
    return module.NLTKWordTokenizer().tokenize


CLEAN_WORDS = st.one_of(
    st.sampled_from(NLTK_RULES),
    st.builds(lambda stem, ending, case: case(stem + ending), st.sampled_from(STEMS), st.sampled_from(ENDINGS),
              st.sampled_from([str.lower, str.upper, str.title, str.swapcase])),
    st.text(alphabet="acdegilmnotwyACNOT", max_size=8),
)


@given(words=st.lists(CLEAN_WORDS, max_size=12), space=st.sampled_from([" ", "  ", " " * 5]))
@settings(derandomize=True, max_examples=250, deadline=None)
def test_tokens_of_cleaned_random_text_equal_those_of_nltk(nltk_tokens, words, space):
    text = space.join(words)
    assert tokens(text) == nltk_tokens(text)


def test_tokens_of_cleaned_real_text_equal_those_of_nltk(nltk_tokens):
    topics = pytest.importorskip("pydoc_data.topics", reason="this Python has no help topics").topics
    compared = 0
    for topic in sorted(topics.values()):
        for line in topic.split("\n"):
            cleaned = re.sub(r"[^a-zA-Z]", " ", line)
            found = tokens(cleaned)
            assert found == nltk_tokens(cleaned)
            compared += len(found)
    assert compared > 30_000


@pytest.mark.parametrize(("text", "expected"), [
    ("Hello, world!", "Hello , world !"),
    ("I can't, I won't, DON'T.", "I ca n't , I wo n't , DO N'T ."),
    ("they'll say it's what I'd've", "they 'll say it 's what I 'd 've"),
    ("don’t you’re", "do n’t you ’re"),
    ("O'Brien's dogs' rock'n'roll", "O'Brien 's dogs ' rock'n'roll"),
    ("'tis 'Twas d'ye more'n", "'t is 'T was d 'ye more 'n"),
    ("He said \"go\" or 'stay'.", "He said \" go \" or ' stay ' ."),
    ("See e.g. Dr. Smith (etc.), i.e. U.S.A. at 5 p.m. today.",
     "See e.g. Dr. Smith ( etc. ) , i.e. U.S.A. at 5 p.m. today ."),
    ("3.14, 1,000 and -5 or 1e-5 at 10:30 on 2024-01-02.", "3.14 , 1,000 and -5 or 1e-5 at 10:30 on 2024-01-02 ."),
    ("x=-1, 50%, $3.88", "x = -1 , 50 % , $ 3.88"),
    ("a well-known and/or foo_bar", "a well-known and/or foo_bar"),
    ("str.join(x) in os.path, __init__.py.", "str.join ( x ) in os.path , __init__.py ."),
    ("a->b == c... no--yes", "a -> b == c ... no -- yes"),
    ("See https://x.org/a?b=1, or me@x.org.", "See https://x.org/a?b=1 , or me@x.org ."),
    ("Straße, naïve, हिन्दी, cafe\u0301!", "Straße , naïve , हिन्दी , cafe\u0301 !"),
    ("The <unk>, [UNK]'s <unk", "The <unk> , [UNK] 's < unk"),
    ("two  lines\n\tand\u00a0spaces", "two lines and spaces"),
    ("", ""),
])
def test_tokens_of_raw_text_follow_the_treebank(text, expected):
    assert tokens(text) == expected.split()


@pytest.mark.parametrize(("text", "expected"), [
    # Manipuri, Javanese, Chakma, Saurashtra, Cham: their vowel signs are marks far above U+3100.
    ("\uabc3\uabe5\uabd1 \uabed\uabc1\uabe9", ["\uabc3\uabe5\uabd1", "\uabed\uabc1\uabe9"]),
    ("\ua9b2\ua9ba\ua98f\ua9c0\ua9b1\ua9ae!", ["\ua9b2\ua9ba\ua98f\ua9c0\ua9b1\ua9ae", "!"]),
    ("\U00011107\U0001110b\U00011134", ["\U00011107\U0001110b\U00011134"]),
    ("\ua882\ua8b5\ua883\ua8c4", ["\ua882\ua8b5\ua883\ua8c4"]),
    ("\uaa00\uaa29\uaa06\uaa43", ["\uaa00\uaa29\uaa06\uaa43"]),
    ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]),
    ("co\u00adoperate, well\u00ad-known", ["co\u00adoperate", ",", "well\u00ad-known"]),
    ("do\u2060n't x\ufeffy", ["do\u2060", "n't", "x\ufeffy"]),
    ("I \u2764\ufe0f you", ["I", "\u2764\ufe0f", "you"]),
    ("\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f600",
     ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f600"]),
    ("\U0001f44d\U0001f3fd! 1\ufe0f\u20e3", ["\U0001f44d\U0001f3fd", "!", "1\ufe0f\u20e3"]),
    ("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7\U0001f1e9",
     ["\U0001f1e9\U0001f1ea", "\U0001f1eb\U0001f1f7", "\U0001f1e9"]),
    ("\u200f(abc)\u200e. Dr.\u200e Ed", ["\u200f(", "abc", ")\u200e", ".", "Dr.\u200e", "Ed"]),
    ("ab\u200bcd", ["ab\u200b", "cd"]),
    ("a \u200b b \u3164", ["a\u200b", "b\u3164"]),
    ("\ufeff \u200b a", ["\ufeff\u200ba"]),
    ("\u200b", ["\u200b"]),
], ids=ascii)
def test_text_that_is_not_ascii_follows_the_word_boundaries_of_unicode(text, expected):
    assert tokens(text) == expected
    assert tokens(" ".join(expected)) == expected


def test_no_mark_or_format_character_cuts_a_word_or_stands_alone():
    for code in range(0x80, sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf") and character != "\u200b":
            assert tokens(f"a{character}b ({character}) {character}c") == \
                [f"a{character}b", f"({character}", ")", f"{character}c"], hex(code)


def test_ascii_text_has_the_same_tokens_next_to_other_text():
    text = "They'll say -3.14 == \"x.y\" (e.g. Dr. Smith's), 'tis cannot: don't ... a->b -- http://x.org/a?b=1."
    assert tokens(f"\u00e9 {text} \u00e9")[1:-1] == tokens(text)


@given(st.text(), st.text(alphabet="aB1'’.,-/@ntdms _:e+=\u0301 \n", max_size=60))
@settings(derandomize=True, max_examples=250, deadline=None)
def test_tokens_lose_no_character_and_hold_no_space(anything, tricky):
    for text in (anything, tricky, anything + tricky, tricky.replace("1", "\u200b").replace("B", "\U0001f600\u200d")):
        found = tokens(text)
        assert "".join(found) == "".join(text.split())
        assert all(token.split() == [token] for token in found)


def test_tokens_stay_tokens_when_they_are_tokenised_again():
    once = tokens("They'll say \"hi\" (e.g. to Dr. Smith's 3.5 well-known foo_bar), and don't, can't or cannot!")
    assert tokens(" ".join(once)) == once


UNITS = ["a", "a+", "\n ", "1-", "x://!", "a.", "a'", "-", "1", "1,", "1e", "n't", "'", "a-",
         "http://", ".", ". ", ".'", "A. ", "(", "A. (",
         "\u0301", "a\u0301", "1\u00ad", "\u200b", "\u263a\u200d", "\u200b ", "a-\u0301", "'\u0301", "\U0001f1e6"]


@pytest.mark.parametrize("unit", UNITS)
def test_long_text_takes_time_in_proportion(unit):
    text = unit * (200_000 // len(unit))  # quadratic time would be minutes here
    assert "".join(tokens(text)) == "".join(text.split())
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(("text", "expected"), [
    ("One here. Two there! Three? Four", ["One here.", "Two there!", "Three?", "Four"]),
    ("See Dr. Smith vs. Mr. X, e.g. The one. Then go.", ["See Dr. Smith vs. Mr. X, e.g. The one.", "Then go."]),
    ("J. R. Firth wrote it. In the U.S. Senate too.", ["J. R. Firth wrote it.", "In the U.S. Senate too."]),
    ("Apples, pears, etc. The end.", ["Apples, pears, etc.", "The end."]),
    ("He said \"Go.\" (Then he left.) `X` is set.", ['He said "Go."', "(Then he left.)", "`X` is set."]),
    ("Pi is 3.14 today. 42 is more. Use str.join. ok", ["Pi is 3.14 today.", "42 is more.", "Use str.join. ok"]),
    ("a line\nbreak. Next\n\nNo stop\n \nEnd", ["a line break.", "Next", "No stop", "End"]),
    ("Wait... What?! No.", ["Wait...", "What?!", "No."]),
    ("", []),
    (" \n\n ", []),
])
def test_sentences_end_where_a_reader_ends_them(text, expected):
    assert list(sentences(text)) == expected


@given(st.text(alphabet="aB. !?\"'\n)(eg1", max_size=80))
@settings(derandomize=True, max_examples=300)
def test_sentences_lose_no_character(text):
    found = list(sentences(text))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence == " ".join(sentence.split()) != "" for sentence in found)
