"""invented: the rules of the made-up language, one by one, on a sentence that needs them all."""

from elmo_np.data.grammar import GrammarCorpus, LabelledSentence
from elmo_np.tasks.data.synthetic_language import ARTICLES, PERSON, VOWELS, spelled, translated

WORDS = ["my", "sister", "saw", "the", "old", "bank", "with", "anna", "in", "the", "park", "in", "may", "."]


def sentence(words=WORDS, senses=((5, "bank/river"),), spans=((0, 2, "person"), (7, 8, "person"), (8, 11, "place"),
                                                             (11, 13, "time"))):
    return LabelledSentence(tuple(words), senses, "", 0, spans)


def test_every_rule_acts():
    may, old, park = spelled("may"), spelled("old"), spelled("park")
    assert translated(sentence()) == [
        spelled("in"), may,                                     # when comes first
        spelled("my"), spelled("sister"), spelled("saw"),       # who begins the sentence has no mark
        old, "-lu", spelled("bankriver"),                        # the article behind the first word, with its vowel
        spelled("with"), PERSON, spelled("anna"),
        spelled("in"), park, "-le", "."]                         # where comes last
    assert (old[0], park[1]) == ("u", "e")


def test_an_ambiguous_word_has_a_word_a_sense():
    river, money = (translated(sentence(["bank", "."], ((0, f"bank/{sense}"),), ()))[0] for sense in ("river", "money"))
    assert river != money


def test_no_two_words_are_spelled_alike_and_marks_stay():
    words = {word for tokens in GrammarCorpus(sentences=3000) for word in tokens}
    assert len({spelled(word) for word in words}) == len(words) > 500
    assert spelled(".") == "."
    own = {PERSON, *(letter + vowel for letter in ARTICLES.values() for vowel in VOWELS)}
    assert not own & set(map(spelled, words))


def test_no_word_is_lost():
    for own in GrammarCorpus(sentences=500).labelled():
        first = own.tokens[0] in ARTICLES
        marks = sum(kind == "person" and begin > first for begin, _, kind in own.spans)
        assert len(translated(own)) == len(own.tokens) + marks
