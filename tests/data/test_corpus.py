"""Where sentences come from."""

import gzip
import os
import tracemalloc
from itertools import islice

import pytest

from elmo_np.data.corpus import TextCorpus, _stdin, corpus_files, has_dump, held_out, joined, open_corpus, shared_file
from elmo_np.errors import UserError
from tests.dump_helpers import DOG, SENTENCES, write_dump
from tests.posix import needs_links


class ListCorpus:
    name = "list"

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return ([f"w{i}", "."] for i in range(self.n))


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_text_corpus_is_one_sentence_a_line_again_and_again(tmp_path):
    path = write(tmp_path / "a.txt", "The cat  sat .\n\n \t \nDon't\u2028go\r\nlast")
    corpus = TextCorpus([path], name="a")
    assert list(corpus) == [["The", "cat", "sat", "."], ["Don't\u2028go"], ["last"]]
    assert list(corpus) == list(corpus)


def test_raw_text_is_tokenised_on_request(tmp_path):
    path = write(tmp_path / "a.txt", "Don't go, Dr. Smith!\n")
    assert list(TextCorpus([path], name="a", tokenize=True)) == [["Do", "n't", "go", ",", "Dr.", "Smith", "!"]]


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path):
    write(tmp_path / "a.txt", b"\xef\xbb\xbfone\n")
    write(tmp_path / "b.txt", b"\xef\xbb\xbftwo\n")
    assert list(open_corpus(str(tmp_path / "*.txt"))) == [["one"], ["two"]]


def test_words_are_separated_by_ascii_white_space_only(tmp_path):
    path = write(tmp_path / "a.txt", "10\u00a0000 people\tleft\u3000here \u00a0 .\n\u00a0\n\u3000 \n")
    assert list(TextCorpus([path], name="a")) == [["10\u00a0000", "people", "left\u3000here", "."]]


def test_a_corpus_of_markup_is_refused_before_anything_is_read(tmp_path):
    path = write(tmp_path / "page.xml", '<page xml:lang="en">\n  <p>\n')
    with pytest.raises(UserError, match=r"page\.xml looks like XML or HTML, expected plain text"):
        next(iter(open_corpus(str(path))))


def test_a_glob_reads_its_shards_in_sorted_order(tmp_path):
    for name in ("b2", "a1", "c"):
        write(tmp_path / f"{name}.txt", f"{name}\n")
    (tmp_path / "folder.txt").mkdir()
    assert list(open_corpus(str(tmp_path / "*.txt"))) == [["a1"], ["b2"], ["c"]]
    assert list(open_corpus(str(tmp_path / "[ab]?.txt"))) == [["a1"], ["b2"]]


def test_a_file_whose_own_name_holds_a_bracket_is_that_file(tmp_path):
    path = write(tmp_path / "wiki[1].txt", "here\n")
    assert list(open_corpus(str(path))) == [["here"]]
    assert open_corpus(str(path)).name == "wiki[1].txt"


def test_an_empty_shard_among_others_is_fine(tmp_path):
    write(tmp_path / "a.txt", "")
    write(tmp_path / "b.txt", "b\n")
    assert list(open_corpus(str(tmp_path / "?.txt"))) == [["b"]]


@pytest.mark.parametrize("text", ["", "\n \n\t\n"])
def test_a_corpus_without_a_sentence_is_refused_after_the_pass(tmp_path, text):
    path = write(tmp_path / "corpus.txt", text)
    with pytest.raises(UserError, match=r"^corpus\.txt has no sentences: expected one per line; check [^\n]*$"):
        list(open_corpus(str(path)))


def test_bytes_that_are_not_utf8_are_refused_with_file_and_line(tmp_path):
    path = write(tmp_path / "a.txt", b"fine\n\ncaf\xe9\n")
    with pytest.raises(UserError, match=r"a\.txt, line 3: not UTF-8, expected UTF-8 text: convert the file[^\n]*$"):
        list(TextCorpus([path], name="a"))


def test_a_missing_file_a_directory_and_a_device_are_refused_at_once(tmp_path):
    with pytest.raises(UserError, match=r"there is no corpus [^\n]*none\.txt, expected [^\n]*: check the path$"):
        open_corpus(str(tmp_path / "none.txt"))
    with pytest.raises(UserError, match=r"there is no file [^\n]*none\.txt, expected"):
        TextCorpus([tmp_path / "none.txt"], name="none")
    with pytest.raises(UserError, match="is a directory, expected a text file, one sentence per line: give the files"):
        TextCorpus([tmp_path], name="directory")
    with pytest.raises(UserError, match="is not a regular file"):
        TextCorpus([os.devnull], name="null")


def test_a_file_that_vanishes_between_passes_is_a_user_error(tmp_path):
    corpus = TextCorpus([write(tmp_path / "a.txt", "a\n")], name="a")
    assert list(corpus) == [["a"]]
    (tmp_path / "a.txt").unlink()
    with pytest.raises(UserError, match=r"cannot read [^\n]*a\.txt: No such file or directory; expected[^\n]*$"):
        list(corpus)


def test_a_directory_is_all_its_files_sorted_without_the_hidden_ones(tmp_path):
    (tmp_path / "b[1]" / "deep").mkdir(parents=True)
    for name in ("b[1]/deep/y.txt", "b[1]/x.txt", "b[1]/.hidden", "a.txt"):
        write(tmp_path / name, f"{name}\n")
    assert list(open_corpus(str(tmp_path))) == [["a.txt"], ["b[1]/deep/y.txt"], ["b[1]/x.txt"]]
    assert list(open_corpus(str(tmp_path / "b[1]"))) == [["b[1]/deep/y.txt"], ["b[1]/x.txt"]]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"the directory .*empty has no files, expected one or more .*check the path$"):
        open_corpus(str(tmp_path / "empty"))


@needs_links
def test_a_file_of_a_directory_is_read_once_however_many_links_lead_to_it(tmp_path):
    (tmp_path / "d").mkdir()
    write(tmp_path / "d" / "b.txt", "one .\n")
    (tmp_path / "d" / "a.txt").symlink_to("b.txt")
    (tmp_path / "d" / "c.txt").symlink_to("b.txt")
    (tmp_path / "d" / "self").symlink_to(".")
    write(tmp_path / "d" / "bb.txt", "two .\n")
    assert corpus_files(str(tmp_path / "d")) == [tmp_path / "d" / "a.txt", tmp_path / "d" / "bb.txt"]
    assert list(open_corpus(str(tmp_path / "d"))) == [["one", "."], ["two", "."]]


def test_an_empty_name_among_others_is_refused():
    with pytest.raises(UserError, match="one of 2 corpora has an empty name, expected files"):
        joined(["a.txt", ""])


def test_several_corpora_are_read_in_the_order_given(tmp_path):
    for name in ("a:b", "c", "d"):
        write(tmp_path / name, f"{name}\n")
    spec = joined([str(tmp_path / "d"), str(tmp_path / "[c]")])
    assert list(open_corpus(spec)) == [["d"], ["c"]]
    assert open_corpus(spec).name == "d and 1 more"
    assert list(open_corpus(joined([str(tmp_path / "a:b")]))) == [["a:b"]]       # a file that exists
    with pytest.raises(UserError, match=r"there is no corpus .*none, expected"):
        open_corpus(joined([str(tmp_path / "d"), str(tmp_path / "none")]))
    with pytest.raises(UserError, match=r"there is no corpus https://x\.org/a\.txt, expected"):
        open_corpus("https://x.org/a.txt")


@pytest.mark.parametrize("name", ["pydoc", "grammar", "-"])
def test_only_files_can_be_several(name):
    assert joined([name]) == name
    with pytest.raises(UserError, match=rf"{name} is one of 2 corpora, expected files: give {name} alone, or the file"):
        joined(["a.txt", name])


def test_standard_input_is_read_once_and_given_again(tmp_path, monkeypatch):
    write(tmp_path / "a.txt.gz", gzip.compress(b"one two\nthree\n"))
    _stdin.cache_clear()
    with open(tmp_path / "a.txt.gz") as file:
        monkeypatch.setattr("sys.stdin", file)
        corpus = open_corpus("-")
        assert (corpus.name, list(corpus), list(corpus)) == ("standard input", *[[["one", "two"], ["three"]]] * 2)
        assert list(open_corpus("-")) == list(corpus)
    _stdin.cache_clear()


def test_a_dump_among_text_files_is_read_as_sentences(tmp_path):
    pytest.importorskip("mwparserfromhell")
    write_dump(tmp_path / "b.xml.bz2")
    for name in ("a.txt", "c.txt"):
        write(tmp_path / name, f"{name} it's.\n")
    corpus = open_corpus(str(tmp_path))
    assert list(corpus) == [["a.txt", "it's."], *SENTENCES, DOG, ["c.txt", "it's."]]
    assert [has_dump(str(tmp_path / name)) for name in ("*", "b.xml.bz2", "a.txt")] == [True, True, False]
    assert not has_dump("grammar")


def test_a_file_that_two_corpora_share_is_found_by_whatever_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "a.txt", "b.txt", "c.txt":
        (tmp_path / name).write_text("a sentence\n")       # equal contents are not one file
    assert shared_file("a.txt", "./a.txt") == "a.txt"
    assert shared_file("*.txt", str(tmp_path / "b.txt")) == str(tmp_path / "b.txt")
    assert shared_file(joined(["a.txt", "b.txt"]), joined(["c.txt", "b.txt"])) == "b.txt"
    assert shared_file(str(tmp_path), "b.txt") == "b.txt"
    assert shared_file("a.txt", "b.txt") is None
    assert shared_file("pydoc", "a.txt") is shared_file("pydoc", "grammar") is None
    assert shared_file("grammar", "grammar") == "grammar"
    with pytest.raises(UserError, match=r"there is no corpus none\.txt"):
        shared_file("a.txt", "none.txt")


def test_a_glob_without_a_match_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no file matches [^\n]*\*\.txt, expected one or more text files[^\n]*$"):
        open_corpus(str(tmp_path / "*.txt"))


@pytest.mark.parametrize(("spec", "meant"), [("pydocs", "pydoc"), ("PyDoc", "pydoc"), ("grammer", "grammar")])
def test_a_misspelt_built_in_corpus_is_recognised(tmp_path, monkeypatch, spec, meant):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f'there is no corpus {spec}, expected [^\n]*did you mean "{meant}"\\?$'):
        open_corpus(spec)


def peak_while_reading(path):
    corpus = TextCorpus([path], name="big")
    tracemalloc.start()
    try:
        sentences = sum(1 for _ in corpus)
        return sentences, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path):
    line = f"{' '.join(10 * ['word' * 11])} .\n"
    small, large = write(tmp_path / "small.txt", line * 1_000), write(tmp_path / "large.txt", line * 20_000)
    (n_small, peak_small), (n_large, peak_large) = map(peak_while_reading, (small, large))
    assert (n_small, n_large) == (1_000, 20_000)
    assert large.stat().st_size > 9e6
    assert peak_large < 1e6
    assert abs(peak_large - peak_small) < 0.1e6


def test_the_built_in_grammar_makes_the_same_sentences_from_the_same_seed():
    first, again, other = (list(islice(open_corpus("grammar", seed=seed), 1000)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_twentieth_sentence_is_held_out():
    train, valid = held_out(ListCorpus(45))
    assert [sentence[0] for sentence in valid] == ["w19", "w39"]
    assert len(list(train)) == 43
    assert sorted([*train, *valid]) == sorted(ListCorpus(45))
    assert list(train) == list(train)
    assert (train.name, valid.name) == ("list:train", "list:valid")


def test_a_list_of_sentences_can_be_split_too():
    train, valid = held_out([["a"], ["b"], ["c"]], every=3)
    assert (list(train), list(valid)) == ([["a"], ["b"]], [["c"]])


def test_held_out_parts_are_streamed():
    train, valid = held_out(ListCorpus(10**12), every=3)
    assert next(iter(valid)) == ["w2", "."]
    assert next(iter(train)) == ["w0", "."]


def test_a_corpus_too_short_to_hold_out_a_sentence_is_refused():
    train, valid = held_out(ListCorpus(7), every=8)
    assert len(list(train)) == 7
    message = (r"list:valid: too few sentences \(7\) to hold out one of every 8: expected at least 8, one per line; "
               "lower held_out")
    with pytest.raises(UserError, match=message):
        list(valid)


@pytest.mark.parametrize("every", [1, 0, -3])
def test_holding_out_more_than_every_second_sentence_is_refused(every):
    with pytest.raises(UserError, match=f"every is {every}, expected 2 or more"):
        held_out(ListCorpus(7), every=every)


def test_a_text_counts_the_blank_lines_of_a_pass(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("\none\n \t\ntwo\n")
    corpus = TextCorpus([tmp_path / "a.txt", tmp_path / "b.txt"], name="both")
    for _ in range(2):
        assert len(list(corpus)) == 4
        assert corpus.blank_lines == 4
