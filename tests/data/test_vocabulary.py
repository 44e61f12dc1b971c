"""Words, their ids, and the file that keeps them."""

import gzip
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo_np.data.vocabulary import BOS, EOS, SPECIAL_TOKENS, UNK, Vocabulary
from elmo_np.errors import UserError
from tests.memory_helpers import peak

CORPUS = [["the", "cat", "sat"], ["the", "dog", "sat"], ["a", "cat"]]
WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1, max_size=8)


def one_line(error):
    return "\n" not in str(error.value)


def test_build_puts_marks_first_then_falling_count_then_spelling():
    vocabulary = Vocabulary.build(CORPUS)
    assert vocabulary.words == ["<S>", "</S>", "<UNK>", "cat", "sat", "the", "a", "dog"]
    assert vocabulary.counts == [3, 3, 0, 2, 2, 2, 1, 1]
    assert (vocabulary.bos, vocabulary.eos, vocabulary.unk) == (0, 1, 2)


def test_build_reads_the_corpus_once():
    assert Vocabulary.build(iter(CORPUS)) == Vocabulary.build(CORPUS)


def test_build_counts_what_it_leaves_out_as_unknown():
    assert Vocabulary.build(CORPUS, min_count=2).counts == [3, 3, 2, 2, 2, 2]
    smallest = Vocabulary.build(CORPUS, max_size=4)
    assert smallest.words == [*SPECIAL_TOKENS, "cat"]
    assert smallest.counts == [3, 3, 6, 2]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", *SPECIAL_TOKENS]), max_size=6)), st.integers(1, 3),
       st.none() | st.integers(4, 8))
@settings(derandomize=True)
def test_build_counts_every_token_once(corpus, min_count, max_size):
    try:
        vocabulary = Vocabulary.build(corpus, min_count=min_count, max_size=max_size)
    except UserError:
        words = [word for sentence in corpus for word in sentence if word not in SPECIAL_TOKENS]
        assert all(words.count(word) < min_count for word in words)
        return
    assert sum(vocabulary.counts[2:]) == sum(map(len, corpus))
    assert len(vocabulary) <= (max_size or 7)
    ids = [id for sentence in corpus for id in vocabulary.ids(sentence)]
    assert [ids.count(id) for id in range(2, len(vocabulary))] == vocabulary.counts[2:]


def test_a_literal_mark_in_a_sentence_is_an_unknown_word():
    vocabulary = Vocabulary.build([["a", "<S>", "</S>", "<UNK>", "a"]])
    assert vocabulary.words == [*SPECIAL_TOKENS, "a"]
    assert vocabulary.counts == [1, 1, 3, 2]
    assert vocabulary.encode(["a", "<S>", "</S>", "<UNK>"]) == [0, 3, 2, 2, 2, 1]
    assert not any(mark in vocabulary for mark in SPECIAL_TOKENS)


def test_words_and_ids_are_inverse():
    vocabulary = Vocabulary.build(CORPUS)
    assert [vocabulary.word(vocabulary.id(word)) for word in vocabulary.words[3:]] == vocabulary.words[3:]
    assert vocabulary.ids(["the", "zebra"]) == [5, 2]
    assert vocabulary.encode([]) == [0, 1]
    assert "the" in vocabulary
    assert "zebra" not in vocabulary
    assert len(vocabulary) == 8


def test_an_id_outside_the_vocabulary_is_an_index_error():
    vocabulary = Vocabulary.build(CORPUS)
    for id in (-1, 8):
        with pytest.raises(IndexError, match=f"word id is {id}, expected 0 to 7"):
            vocabulary.word(id)


def test_the_last_word_is_not_taken_for_a_missing_mark(tmp_path):
    (tmp_path / "v.txt").write_text("the\ncat\nsat\n")
    with pytest.raises(UserError, match=r"v\.txt: the vocabulary has no <S> </S> <UNK>, expected"):
        Vocabulary.load(tmp_path / "v.txt")


def test_marks_may_stand_on_any_line(tmp_path):
    (tmp_path / "v.txt").write_text("the\n<UNK>\ncat\n</S>\n<S>\n")
    vocabulary = Vocabulary.load(tmp_path / "v.txt")
    assert (vocabulary.bos, vocabulary.eos, vocabulary.unk) == (4, 3, 1)
    assert vocabulary.encode(["cat", "dog", "the"]) == [4, 2, 1, 0, 3]
    assert vocabulary.counts is None


@given(st.lists(WORDS.filter(lambda word: word not in SPECIAL_TOKENS), unique=True))
@settings(derandomize=True, deadline=None)
def test_a_saved_vocabulary_loads_as_it_was(tmp_path_factory, words):
    path = tmp_path_factory.getbasetemp() / "round-trip.txt"
    vocabulary = Vocabulary([*SPECIAL_TOKENS, *words])
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    assert hashlib.sha256(path.read_bytes()).hexdigest() == vocabulary.sha256()


def test_the_file_has_one_word_a_line_in_utf8(tmp_path):
    Vocabulary([*SPECIAL_TOKENS, "Āt", "no\u00a0break", "line\u2028end"]).save(tmp_path / "v.txt")
    expected = "<S>\n</S>\n<UNK>\nĀt\nno\u00a0break\nline\u2028end\n"
    assert (tmp_path / "v.txt").read_bytes() == expected.encode()
    assert len(Vocabulary.load(tmp_path / "v.txt")) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["v.txt"]


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"\xef\xbb\xbf<S>\r\n</S>\r\n<UNK>\r\nthe")
    assert Vocabulary.load(tmp_path / "v.txt").words == [*SPECIAL_TOKENS, "the"]


@pytest.mark.parametrize(("data", "message"), [
    (b"", "is empty, expected one word per line"),
    (b"<S>\n</S>\n<UNK>\n\nthe\n", "line 4 of the vocabulary is blank"),
    (b"<S>\n</S>\n<UNK>\nthe\n\n", "line 5 of the vocabulary is blank"),
    (b"<S>\n</S>\n<UNK>\nthe cat\n", "line 4 of the vocabulary is 'the cat', expected a word without white space"),
    (b"<S>\n</S>\n<UNK>\nthe\ncat\nthe\n", "line 6 of the vocabulary repeats 'the' of line 4"),
    (b"<S>\n</S>\n<UNK>\ncaf\xe9\n", "line 4 is not UTF-8"),
    (b"<S>\n</S>\n<unk>\nthe\n", "the vocabulary has no <UNK>, expected"),
    (b"<S>\n</S>\n<UNK>\n" + b"a" * 65_537, "line 4 has more than 65,536 bytes, expected a word"),
])
def test_a_bad_file_is_refused_with_its_line(tmp_path, data, message):
    (tmp_path / "v.txt").write_bytes(data)
    with pytest.raises(UserError, match=message) as error:
        Vocabulary.load(tmp_path / "v.txt")
    assert one_line(error)
    assert "v.txt" in str(error.value)


@pytest.mark.parametrize("data", [b"\n" * 3_000_000, b"a\n" * 3_000_000, b"a" * 6_000_000, b"a " * 3_000_000],
                         ids=lambda data: repr(data[:3]))
def test_a_file_that_is_no_vocabulary_takes_little_memory(tmp_path, data):
    (tmp_path / "v.txt").write_bytes(data)

    def refused():
        with pytest.raises(UserError) as error:
            Vocabulary.load(tmp_path / "v.txt")
        assert len(str(error.value)) < 500
    assert peak(refused) < 500_000


def test_a_missing_file_or_a_folder_is_refused(tmp_path):
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(UserError, match="cannot read the vocabulary") as error:
            Vocabulary.load(path)
        assert one_line(error)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"min_count": 0}, "min_count is 0, expected 1 or more"),
    ({"max_size": 3}, "max_size is 3, expected 4 or more"),
    ({"min_count": 3}, "min_count is 3, but the most frequent word occurs 2 times"),
    ({"sentences": []}, "the corpus has no word"),
    ({"sentences": [[], ["<S>"]]}, "the corpus has no word"),
    ({"sentences": ["the cat"]}, "sentence 0 is the string 'the cat', expected a list of words"),
    ({"sentences": [["the cat"]]}, "is 'the cat', expected a word without white space"),
])
def test_build_refuses_what_makes_no_vocabulary(arguments, message):
    with pytest.raises(UserError, match=message) as error:
        Vocabulary.build(**{"sentences": CORPUS, **arguments})
    assert one_line(error)


@pytest.mark.parametrize(("words", "counts", "message"), [
    ([BOS, EOS], None, "the vocabulary has no <UNK>"),
    ([*SPECIAL_TOKENS, "a"], [1, 1, 0], "the vocabulary has 3 counts, expected 4"),
    ([*SPECIAL_TOKENS, "\ud800"], None, r"line 4 of the vocabulary is '\\ud800', expected Unicode text"),
    ([*SPECIAL_TOKENS, "é" * (1 << 15)], None, r"line 4 of the vocabulary is 'é.*\.\., expected a word of"),
    ([*SPECIAL_TOKENS, "two\nlines"], None, "line 4 of the vocabulary is"),
])
def test_words_that_no_file_could_keep_are_refused(words, counts, message):
    with pytest.raises(UserError, match=message) as error:
        Vocabulary(words, counts)
    assert one_line(error)


def test_a_word_that_is_too_long_for_the_file_is_unknown(tmp_path):
    longest, longer = "x" * ((1 << 16) - 1), "x" * (1 << 16)
    found = Vocabulary.build([["a", longest, longer]])
    assert found.words == [*SPECIAL_TOKENS, "a", longest]
    assert found.counts == [1, 1, 1, 1, 1]
    found.save(tmp_path / "vocabulary.txt")
    assert Vocabulary.load(tmp_path / "vocabulary.txt") == found


def test_an_impossible_limit_is_refused_before_the_corpus_is_read():
    def unread():
        raise AssertionError("the corpus was read")
        yield
    with pytest.raises(UserError, match="min_count is 0, expected 1 or more"):
        Vocabulary.build(unread(), min_count=0)


def test_a_word_without_a_count_is_refused():
    with pytest.raises(UserError, match="the vocabulary has no counts, expected those of a corpus"):
        Vocabulary([*SPECIAL_TOKENS, "a"]).count(3)
    assert Vocabulary.build(CORPUS).count(3) == 2


def test_a_string_in_place_of_a_sentence_is_refused():
    with pytest.raises(UserError, match="expected a list of words: split it first"):
        Vocabulary.build(CORPUS).encode("the cat")


def test_vocabularies_are_equal_when_their_words_are():
    assert Vocabulary([*SPECIAL_TOKENS, "a"], [1, 1, 0, 1]) == Vocabulary([*SPECIAL_TOKENS, "a"])
    assert Vocabulary([*SPECIAL_TOKENS, "a", "b"]) != Vocabulary([*SPECIAL_TOKENS, "b", "a"])
    assert Vocabulary([*SPECIAL_TOKENS, "a", "b"]).sha256() != Vocabulary([*SPECIAL_TOKENS, "b", "a"]).sha256()
    assert Vocabulary([*SPECIAL_TOKENS]) != [*SPECIAL_TOKENS]
    assert UNK in Vocabulary([*SPECIAL_TOKENS]).words


@pytest.mark.parametrize("mark", ["<unk>", "<UNK>", "<Unk>", "[UNK]", "<unknown>", "@@UNKNOWN@@", "__UNK__"])
def test_how_the_corpus_writes_an_unknown_word_is_recognised(mark):
    corpus = [["the", mark, "sat"], ["the", "cat", "sat"], ["<UNK>"]]
    vocabulary = Vocabulary.build(corpus, unknown="auto")
    assert vocabulary.unknown == mark
    assert vocabulary.words == [*SPECIAL_TOKENS, "sat", "the", "cat"]
    assert vocabulary.counts == [3, 3, 2, 2, 2, 1]
    assert mark not in vocabulary
    assert vocabulary.id(mark) == vocabulary.unk
    assert vocabulary.ids(["the", mark]) == vocabulary.ids(["the", "zebra"])
    assert vocabulary.counted([[mark, "zebra", "cat"]]).counts == [1, 1, 2, 0, 0, 1]
    assert vocabulary.counted(corpus).unknown == mark


def test_a_bare_unk_is_a_mark_only_where_it_is_frequent():
    text = [["unk", *["word"] * 99]]
    assert Vocabulary.build(text * 10, unknown="auto").unknown == "unk"
    assert "unk" not in Vocabulary.build(text * 10, unknown="auto")
    for other in (text * 9, [["unk"] * 10, ["word"] * 5000]):       # too few, and too small a share
        vocabulary = Vocabulary.build(other, unknown="auto")
        assert vocabulary.unknown is None
        assert "unk" in vocabulary


def test_all_marks_of_a_corpus_are_unknown_words_but_one_without_brackets_only_where_it_is_alone():
    corpus = [["a", "<unk>", "[UNK]", "[UNK]", "<UNK>"]]
    vocabulary = Vocabulary.build(corpus, unknown="auto")
    assert vocabulary.unknown == "[UNK] <unk>"
    assert (vocabulary.words, vocabulary.counts) == ([*SPECIAL_TOKENS, "a"], [1, 1, 4, 1])
    assert vocabulary.marks == {*SPECIAL_TOKENS, "[UNK]", "<unk>"}
    assert vocabulary.ids(["[UNK]", "a", "<unk>"]) == [vocabulary.unk, vocabulary.id("a"), vocabulary.unk]
    assert Vocabulary.build(corpus, unknown="<unk>").words == [*SPECIAL_TOKENS, "[UNK]", "a"]
    with pytest.raises(UserError, match="unknown = 'a', but the vocabulary has that word"):
        Vocabulary([*SPECIAL_TOKENS, "a"], unknown="<unk> a")
    assert Vocabulary.build([["a", "<unk>", *["unk"] * 50]], unknown="auto").unknown == "<unk>"


def test_a_mark_is_a_word_unless_it_is_asked_for_and_any_word_can_be():
    text = [["a", "<unk>", "rare"], ["a", "xxx"]]
    assert "<unk>" in Vocabulary.build(text)
    asked = Vocabulary.build(text, unknown="xxx")
    assert (asked.unknown, asked.count(asked.unk), "<unk>" in asked, "xxx" in asked) == ("xxx", 1, True, False)


def test_a_word_of_the_vocabulary_cannot_be_its_mark():
    with pytest.raises(UserError, match=r"^unknown = 'a', but the vocabulary has that word: expected a word that is"):
        Vocabulary([*SPECIAL_TOKENS, "a"], unknown="a")
    assert Vocabulary([*SPECIAL_TOKENS, "a"], unknown="<UNK>").unknown == "<UNK>"


# Compressed


def test_a_compressed_vocabulary_is_the_same(tmp_path):
    data = b"<S>\n</S>\n<UNK>\nthe\n\xc3\x85\n"
    (tmp_path / "plain").write_bytes(data)
    (tmp_path / "packed").write_bytes(gzip.compress(data))
    assert Vocabulary.load(tmp_path / "packed").words == Vocabulary.load(tmp_path / "plain").words


@pytest.mark.parametrize(("data", "message"), [
    (gzip.compress(b"<S>\n" * 100, mtime=0)[:-1], "repeats '<S>' of line 1"),
    (gzip.compress(b"<S>\n</S>\n<UNK>\nthe\n", mtime=0)[:-3], "Compressed file ended before the end-of-stream marker"),
    (gzip.compress(b"<S>\n</S>\n<UNK>\nthe\n", mtime=0)[:-8] + bytes(8), "CRC check failed"),
    (b"\x1f\x8b\x08" + b"x" * 50, "cannot read the vocabulary"),
    (gzip.compress(b"", mtime=0), "is empty, expected one word per line"),
    (gzip.compress("".join(f"{'x' * 60_000}{k}\n" for k in range(20)).encode(), mtime=0),
     "unpacks to more than 10 times its size")])
def test_a_damaged_or_hostile_compressed_vocabulary_is_refused(tmp_path, data, message):
    (tmp_path / "vocab.txt.gz").write_bytes(data)
    with pytest.raises(UserError, match=message) as error:
        Vocabulary.load(tmp_path / "vocab.txt.gz")
    assert "\n" not in str(error.value)
