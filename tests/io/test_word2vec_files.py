"""Vectors in files of other programs: gensim reads every bit back, the projector's tables hold what they say."""

import os
import re

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.data.grammar import AMBIGUOUS, GrammarCorpus
from elmo_np.errors import UserError
from elmo_np.inference.static_vectors import mean_vectors, static_vectors
from elmo_np.io.word2vec_files import write_projector, write_word2vec
from tests.commands import everything, write
from tests.task_helpers import same_vectors

WORDS = ["<S>", "</S>", "<UNK>", "the", ",", "naïve", "日本", "\u00a0x", "#", "\"", "0.5", "😀"]


@pytest.fixture
def vectors(rng):
    """Floats of every size, those that are hard to print among them."""
    bits = rng.integers(0, 1 << 32, (len(WORDS), 50), np.uint32).view(np.float32)
    edges = np.array([0.0, -0.0, 1e-45, 1.1754942e-38, 3.4028235e38, 0.1, 1/3, 16777217.0], np.float32)
    found = np.where(np.isfinite(bits), bits, np.float32(1.5))
    found[0, :len(edges)] = edges
    return found


def bits(vectors):
    return np.ascontiguousarray(vectors).view(np.uint32)


def read_text(path):
    head, *lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    rows = [line.split(" ") for line in lines]
    assert head == f"{len(rows)} {len(rows[0]) - 1}"
    return [row[0] for row in rows], [row[1:] for row in rows]


# word2vec


@pytest.mark.parametrize("suffix", [".txt", ".bin"])
def test_gensim_reads_every_bit_back(tmp_path, vectors, suffix):
    models = pytest.importorskip("gensim.models", reason="gensim is not installed: pip install 'elmo_np[test]'")
    path = tmp_path / f"vectors{suffix}"
    write_word2vec(path, WORDS, vectors)
    found = models.KeyedVectors.load_word2vec_format(str(path), binary=suffix == ".bin")
    assert found.index_to_key == WORDS
    np.testing.assert_array_equal(bits(found.vectors), bits(vectors))
    assert os.listdir(tmp_path) == [path.name]


def test_the_digits_of_a_text_tell_every_bit_also_by_way_of_float64(tmp_path, vectors):
    write_word2vec(tmp_path / "x.txt", WORDS, vectors)
    words, rows = read_text(tmp_path / "x.txt")
    assert words == WORDS
    for dtype in np.float32, np.float64:
        found = np.array([[dtype(number) for number in row] for row in rows])
        np.testing.assert_array_equal(bits(found.astype(np.float32)), bits(vectors))


def test_the_binary_file_is_that_of_the_original_program(tmp_path):
    write_word2vec(tmp_path / "x.bin", ["a", "é"], np.array([[1.0, -2.0], [0.5, 0.0]], np.float32))
    assert (tmp_path / "x.bin").read_bytes() == (
        b"2 2\na \x00\x00\x80\x3f\x00\x00\x00\xc0\n\xc3\xa9 \x00\x00\x00\x3f\x00\x00\x00\x00\n")


@pytest.mark.parametrize("word", ["two words", "tab\t", "\n", "", "\ud800"])
@pytest.mark.parametrize("suffix", [".txt", ".bin"])
def test_a_word_that_a_reader_would_not_find_again_is_refused(tmp_path, word, suffix):
    with pytest.raises(UserError, match="does not fit in a word2vec file"):
        write_word2vec(tmp_path / f"x{suffix}", ["the", word], np.zeros((2, 3), np.float32))
    assert os.listdir(tmp_path) == []


def test_the_name_says_the_format(tmp_path):
    with pytest.raises(UserError, match=r"expected a name that ends in \.txt or \.bin"):
        write_word2vec(tmp_path / "vectors", ["the"], np.zeros((1, 3), np.float32))


# The projector


def test_the_projectors_tables_have_a_row_each(tmp_path, vectors):
    write_projector(tmp_path / "p", vectors, {"word": WORDS, "sentence": ["a\tb\n c"] * len(WORDS)})
    rows = [line.split("\t") for line in (tmp_path / "p/vectors.tsv").read_text().splitlines()]
    np.testing.assert_array_equal(bits(np.array(rows, np.float64).astype(np.float32)), bits(vectors))
    head, *lines = (tmp_path / "p/metadata.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    assert head == "word\tsentence"
    assert lines[3] == "the\ta b c"
    assert len(lines) == len(vectors)
    assert sorted(os.listdir(tmp_path)) == ["p"]


def test_a_single_column_has_no_head_which_the_projector_would_take_for_a_row(tmp_path):
    write_projector(tmp_path / "p", np.zeros((2, 3), np.float32), {"word": ["a", "b"]})
    assert (tmp_path / "p/metadata.tsv").read_text() == "a\nb\n"


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path):
    def broken():
        yield "a"
        raise OSError(28, "No space left on device")
    with pytest.raises(UserError, match="No space left on device"):
        write_projector(tmp_path / "p", np.zeros((2, 3), np.float32), {"word": broken()})
    assert os.listdir(tmp_path) == []


# The command


@pytest.mark.parametrize("out", ["x.txt", "x.bin", "p"])
def test_ctrl_c_leaves_nothing(do, tmp_path, monkeypatch, out):
    def pressed(rows, *_):
        yield next(rows)
        raise KeyboardInterrupt
    monkeypatch.setattr("elmo_np.io.word2vec_files._watched", pressed)
    _, err = do("vectors", "run", "--out", tmp_path / out, code=130)
    assert err.endswith("elmo-np: stopped\n")
    assert os.listdir(tmp_path) == []


def test_the_vocabularys_static_vectors_are_written(do, tmp_path):
    elmo = ELMo.load("run")
    expected = static_vectors(elmo, quiet=True)
    N, dim = expected.vectors.shape
    out, _ = do("vectors", "run", "--out", tmp_path / "x.txt")
    assert out == (f"{tmp_path / 'x.txt'}: {N:,} words, {dim} values each, for gensim's "
                   "KeyedVectors.load_word2vec_format(.., binary=False)\n")
    words, rows = read_text(tmp_path / "x.txt")
    assert words == elmo.vocabulary.words
    np.testing.assert_array_equal(np.array(rows, np.float32), expected.vectors)
    do("vectors", "run", "--out", tmp_path / "p")
    metadata = [line.split("\t") for line in (tmp_path / "p/metadata.tsv").read_text().splitlines()]
    assert metadata == [["word", "count"], *([word, str(count)] for word, count in
                                             zip(expected.words, expected.counts, strict=True))]


def test_means_over_a_corpus_are_written_for_the_words_of_a_file(do, home, tmp_path):
    (tmp_path / "words.txt").write_text("bank\n\nthe\r\n")
    do("vectors", "run", "--out", tmp_path / "x.txt", "--layer", "average", "--words", tmp_path / "words.txt")
    words, rows = read_text(tmp_path / "x.txt")
    corpus = [line.split() for line in (home / "train.txt").read_text(encoding="utf-8").splitlines()]
    expected = mean_vectors(ELMo.load("run"), corpus, ["bank", "the"], "average", quiet=True)
    assert words == ["bank", "the"]
    np.testing.assert_array_equal(np.array(rows, np.float32), expected.vectors)


def test_words_of_a_corpus_that_the_model_does_not_know_are_counted(do, tmp_path):
    text = write(tmp_path / "text.txt", [("the", "bank", "xyzzy", "plugh", "xyzzy"), ("the", "the")])
    out, _ = do("vectors", "run", "--out", tmp_path / "p", "--corpus", text)
    assert out.endswith("; 2 words of the corpus that the model does not know are left out\n")
    assert (tmp_path / "p/metadata.tsv").read_text() == "word\tcount\nthe\t3\nbank\t1\n"


def test_occurrences_are_points_with_their_sentences(do, tmp_path):
    out, _ = do("vectors", "run", "--out", tmp_path / "p", "--occurrences", "bank")
    assert out.startswith(f"{tmp_path / 'p'}: 4 occurrences of 1 words, 16 values each; load vectors.tsv")
    head, *rows = [line.split("\t") for line in (tmp_path / "p/metadata.tsv").read_text().splitlines()]
    assert head == ["word", "count", "sentence"]
    vectors = np.loadtxt(tmp_path / "p/vectors.tsv", np.float32, delimiter="\t")
    elmo = ELMo.load("run")
    assert len(rows) == len(vectors) == 4
    for (word, count, sentence), vector in zip(rows, vectors, strict=True):
        assert (word, count) == ("bank", "4")
        same_vectors(vector, elmo.vectors([sentence.split()])[0][sentence.split().index("bank")])


def test_of_the_grammar_the_senses_are_written(do, tmp_path, monkeypatch):
    monkeypatch.setitem(GrammarCorpus.__init__.__kwdefaults__, "sentences", 600)
    do("train", "grammar", "--out", tmp_path / "run", "--quiet", "--epochs", 1, "--set", "hidden_dim=4")
    do("vectors", tmp_path / "run", "--out", tmp_path / "p", "--occurrences", "--max", 5)
    head, *rows = [line.split("\t") for line in (tmp_path / "p/metadata.tsv").read_text().splitlines()]
    assert head == ["word", "count", "sentence", "sense"]
    assert len({row[0] for row in rows}) > 5
    assert all(row[3] in AMBIGUOUS[row[0]] for row in rows)


@pytest.mark.parametrize(("words", "message"), [
    (["--out", "train.txt"], r"train\.txt exists already: give another --out, or remove it"),
    (["--out", "folder.npz"], r"--out folder\.npz: expected FILE\.txt or FILE\.bin for word2vec, or the name of"),
    (["--out", "run"], "run exists already"),
    (["--out", "none/x.txt"], r"cannot write none/x\.txt: there is no folder"),
    (["--out", "new.txt", "--occurrences"], "needs a folder: a word2vec file has one vector per word"),
    (["--out", "new", "--occurrences", "bank", "--words", "train.txt"], "takes its own words"),
    (["--out", "new", "--occurrences", "xyzzy"], "'xyzzy' is not among"),
    (["--out", "new", "--occurrences", "--max", "0"], "--max 0: expected a whole number of at least 1"),
    (["--out", "new.txt", "--words", "none.txt"], r"cannot read none\.txt"),
    (["--out", "new.txt", "--words", "unseen.txt"], "is not among the"),
    (["--out", "new.txt", "--corpus", "none.txt"], r"there is no corpus none\.txt"),
    (["--out", "new.txt", "--layer", "all"], "layer 'all': expected one vector per word"),
    (["--out", "new.txt", "--layer", "5"], "layer 5: expected"),
    (["--out", "new.txt", "--layer", "bottom"], "layer 'bottom': expected"),
    (["--out", "new", "--layer", "static", "--occurrences"], "layer 'static': expected"),
])
def test_a_mistake_is_one_line_and_leaves_nothing(do, home, words, message):
    before = everything(home)
    _, err = do("vectors", "run", *words, code=2)
    assert re.fullmatch(r"elmo-np: error: [^\n]+\n", err), err
    assert re.search(message, err), err
    assert everything(home) == before
