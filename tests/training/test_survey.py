"""What is said of a corpus before a model trains on it."""

import pytest

from elmo_np.config.schema import BiLMConfig
from elmo_np.data.corpus import corpus_sha256
from elmo_np.data.sharded_corpus import ShardedCorpus
from elmo_np.data.text import tokens
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.training.processes import Agreed, OneProcess
from elmo_np.training.survey import Survey, fingerprint
from tests.process_helpers import on_threads
from tests.training_helpers import CORPUS

PROSE = [["the", "cat", "sat", "on", "the", "mat"]] * 10
WORDS, CHARACTERS = BiLMConfig(), BiLMConfig(char_filters=((1, 4),), max_characters=10)


def notes(corpus, config=WORDS, hidden=0, given=False, **options):
    survey = Survey(config)
    assert list(survey.counting(corpus)) == corpus
    return survey.notes(Vocabulary.build(corpus, **options), hidden, given)


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


def test_a_mark_that_the_corpus_does_not_have_is_not_said_to_be_its_own():
    """As one that was mistyped; that of the model which is fine-tuned need not be there."""
    assert notes(PROSE, unknown="<UNKNOWN>") == []
    note, = notes(PROSE, given=True, unknown="<UNKNOWN>")
    assert note == "note: unknown = <UNKNOWN>, but the corpus has no <UNKNOWN>"
    mark, note, _ = notes([*PROSE, ["the", "[UNK]", "sat", "on"]], given=True,
                          unknown="<unk> [UNK] xxx")
    assert mark.startswith("the corpus writes an unknown word as [UNK], which counts as <UNK>; ")
    assert note == "note: unknown = <unk> [UNK] xxx, but the corpus has no <unk> and no xxx"


def test_special_tokens_are_not_among_the_words_that_occur_once():
    warning, = notes([["the", "cat", "saw", "the", "dog"]])
    assert warning.startswith("warning: 3 of 5 words occur once or are unknown")
    _, warning = notes([["the", "cat", "saw", "the", "<UNK>"], ["a", "man", "sat"]])
    assert warning.startswith("warning: 6 of 8 words occur once or are unknown")


def test_raw_text_that_is_read_as_if_it_were_split_gives_a_warning():
    raw = [["Yes,", "the", "cat", "sat", "on", "the", "mat."]] * 5
    warning, = notes([*PROSE, *raw])
    assert warning.startswith("warning: 5 of 95 words end with a comma or semicolon, as in raw text")
    assert warning.endswith("--set tokenize=true")
    assert notes([*PROSE, *([tokens(" ".join(words)) for words in raw])]) == []
    assert notes([*PROSE * 2, raw[0]]) == []            # 1 of 127


@pytest.mark.parametrize("comma", [",/,", ",_,", "▁,", "##,", "&quot;", "l&apos;", "Tom&amp;"])
def test_text_that_is_split_in_another_way_gives_no_warning_of_raw_text(comma):
    assert notes([["the", "cat", comma, "the", "mat"]] * 9) == []


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


SHARDS = ShardedCorpus("text", [CORPUS[:50], [], CORPUS[50:51], CORPUS[51:90], [["once"]]], (5, 0, 1, 4, 1))


def surveyed(processes):
    """The fingerprint, which shards this process has read, and what all have counted."""
    own = Survey(WORDS)
    found = fingerprint(SHARDS, processes, own.counting)
    sentences = own.sentences
    return found, sentences, processes.merged(own, Survey.plus)


@pytest.mark.parametrize("number", [2, 4, 8])
def test_processes_count_the_shards_together(number):
    sha, sentences, whole = surveyed(OneProcess())
    assert (sha, sentences, whole.sentences) == (corpus_sha256(SHARDS), 91, 91)
    vocabulary = Vocabulary.build(SHARDS)
    found = on_threads(number, surveyed)
    assert sum(sentences for _, sentences, _ in found) == 91
    assert max(sentences for _, sentences, _ in found) < 91
    for sha_there, _, survey in found:
        assert (sha_there, survey.single) == (sha, 1)
        there = Vocabulary.from_counts(survey.words, survey.sentences)
        assert (there, there.counts) == (vocabulary, vocabulary.counts)


def test_a_corpus_that_is_not_sharded_is_read_by_every_process():
    def read(processes):
        survey = Survey(WORDS)
        return fingerprint(CORPUS, processes, survey.counting), survey.sentences
    assert on_threads(2, read) == [(corpus_sha256(CORPUS), len(CORPUS))] * 2


class Gone:
    def __iter__(self):
        raise UserError("cannot read b.txt: expected a file")


@pytest.mark.parametrize(("there", "sizes", "message"), [
    ([PROSE, Gone()], (1, 2), "process 1 of 0 to 1: cannot read b.txt: expected a file"),
    ([PROSE], (1,), "the number of shards is 2 on process 0 and 1 on process 1: expected the same"),
    ([PROSE, PROSE], (1, 3), "the SHA-256 of their sizes is ")])
def test_shards_that_a_process_lacks_are_reported_by_all(there, sizes, message):
    """Process 0 has two shards of 1 and 2 bytes; process 1 what is given."""
    def error(processes):
        corpus = ShardedCorpus("text", there if processes.rank else [PROSE, PROSE], sizes if processes.rank else (1, 2))
        with pytest.raises(Agreed) as found:
            fingerprint(corpus, processes)
        return str(found.value)
    one, other = on_threads(2, error)
    assert one == other
    assert one.startswith(message)
