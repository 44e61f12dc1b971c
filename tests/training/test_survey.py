"""What is said of a corpus before a model trains on it."""

from elmo_np.config.schema import BiLMConfig
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.training.survey import Survey

PROSE = [["the", "cat", "sat", "on", "the", "mat"]] * 10
WORDS, CHARACTERS = BiLMConfig(), BiLMConfig(char_filters=((1, 4),), max_characters=10)


def notes(corpus, config=WORDS, hidden=0, **options):
    survey = Survey(corpus, config)
    assert list(survey) == list(survey) == corpus           # the counts are those of one pass
    return survey.notes(Vocabulary.build(corpus, **options), hidden)


def test_of_plain_prose_nothing_is_said():
    assert notes(PROSE) == notes(PROSE, CHARACTERS) == []


def test_several_marks_are_said_once():
    mark, _ = notes([*PROSE, ["the", "<unk>", "[UNK]", "sat", "on"]], unknown="auto")
    assert mark.startswith("the corpus writes an unknown word as <unk> and [UNK], which counts as <UNK>; if it is a ")


def test_the_mark_of_the_corpus_and_the_share_of_unknown_words_are_said():
    mark, share = notes([*PROSE, ["the", "<unk>", "sat", "on"]], unknown="auto")
    assert mark.startswith("the corpus writes an unknown word as <unk>, which counts as <UNK>; if it is a word like ")
    assert share == "1 of 64 words (1.6%) are not in the vocabulary and count as <UNK>"
    assert notes([*PROSE, ["the", "dog", "sat", "on"]], min_count=2) == [share]


def test_how_unk_is_learnt_is_said():
    assert notes(PROSE, hidden=7) == ["no word is unknown: <UNK> is learnt from the 7 words that occur once, which are "
                                      "replaced by it half of the time"]


def test_text_without_spaces_gives_a_warning():
    chinese = [[chr(0x4E00 + k) * 20, "。"] for k in range(50)]
    _, warning = notes(chinese, min_count=2)
    assert warning.startswith("warning: more than a third of the words count as <UNK>")
    assert "split it into words first" in warning
    warning, = notes([[chr(0x4E00 + k) * 20, chr(0x5E00 + k), "。"] for k in range(50)])
    assert warning.startswith("warning: 100 of 150 words occur once or are unknown")
    *_, warning = notes([["一二三"]] * 50 + PROSE)
    assert warning.startswith("warning: 50 of 60 lines are a single word")


def test_how_many_words_a_model_of_characters_cuts_is_said_once():
    corpus = [*PROSE, ["at", "a", "12345678", "1234567é", "long-distance", "mat"]]
    line, = notes(corpus, CHARACTERS)
    assert line.startswith("warning: 2 of 66 words are cut to their first 8 bytes (max_characters)")
    assert notes(corpus) == []
