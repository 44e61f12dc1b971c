"""Vectors in files of other programs: gensim reads every bit back, the projector's tables hold what they say."""

import os
import secrets

import numpy as np
import pytest

from elmo_np.errors import UserError
from elmo_np.io.word2vec_files import check_target, write_projector, write_word2vec
from tests.commands import read_word2vec

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
    words, rows = read_word2vec(tmp_path / "x.txt")
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


def test_a_target_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "there.txt").write_text("mine")
    for name, message in {"there.txt": "exists already: give another name", "x.csv": r"expected FILE\.txt or FILE\.bin",
                          "none/x.txt": "there is no folder"}.items():
        with pytest.raises(UserError, match=message):
            check_target(tmp_path / name)
    with pytest.raises(UserError, match="exists already"):
        write_word2vec(tmp_path / "there.txt", ["the"], np.zeros((1, 3), np.float32))
    assert (tmp_path / "there.txt").read_text() == "mine"
    check_target("-")
    check_target(f"{tmp_path}/v1.0/")


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


def test_folders_that_somebody_else_made_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(secrets, "token_hex", lambda size: "00000000")
    for name in ".p.tmp", ".p.00000000.tmp":
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("kept")
    with pytest.raises(UserError, match=r"cannot make the folder .*p: File exists"):
        write_projector(tmp_path / "p", np.zeros((1, 3), np.float32), {"word": ["a"]})
    monkeypatch.undo()
    write_projector(tmp_path / "p", np.zeros((1, 3), np.float32), {"word": ["a"]})
    assert sorted(os.listdir(tmp_path)) == [".p.00000000.tmp", ".p.tmp", "p"]
    assert [(path / "thesis.txt").read_text() for path in tmp_path.glob(".p*")] == ["kept", "kept"]


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path):
    def broken():
        yield "a"
        raise OSError(28, "No space left on device")
    with pytest.raises(UserError, match="No space left on device"):
        write_projector(tmp_path / "p", np.zeros((2, 3), np.float32), {"word": broken()})
    assert os.listdir(tmp_path) == []
