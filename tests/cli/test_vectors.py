"""`elmo-np vectors`: static vectors, means and occurrences in files for other programs."""

import json
import os
import re

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.data.grammar import AMBIGUOUS, GrammarCorpus
from elmo_np.inference.static_vectors import mean_vectors, static_vectors
from tests.commands import everything, read_word2vec, write
from tests.task_helpers import same_vectors


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
    words, rows = read_word2vec(tmp_path / "x.txt")
    assert words == elmo.vocabulary.words
    np.testing.assert_array_equal(np.array(rows, np.float32), expected.vectors)
    do("vectors", "run", "--out", tmp_path / "p")
    metadata = [line.split("\t") for line in (tmp_path / "p/metadata.tsv").read_text().splitlines()]
    assert metadata == [["word", "count"], *([word, str(count)] for word, count in
                                             zip(expected.words, expected.counts, strict=True))]


def test_means_over_a_corpus_are_written_for_the_words_of_a_file(do, home, tmp_path):
    (tmp_path / "words.txt").write_text("bank\n\nthe\r\n")
    do("vectors", "run", "--out", tmp_path / "x.txt", "--layer", "average", "--words", tmp_path / "words.txt")
    words, rows = read_word2vec(tmp_path / "x.txt")
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
    (["--out", "train.txt"], r"train\.txt exists already: give another name, or remove it"),
    (["--out", "folder.npz"], r"folder\.npz: expected FILE\.txt or FILE\.bin for word2vec, or the name of"),
    (["--out", "run"], "run exists already"),
    (["--out", "none/x.txt"], r"cannot write none/x\.txt: there is no folder"),
    (["--out", "new.txt", "--occurrences"], "needs a folder: a word2vec file has one vector per word"),
    (["--out", "new", "--occurrences", "bank", "--words", "train.txt"], "takes its own words"),
    (["--out", "new", "--occurrences", "xyzzy"], "'xyzzy' is not among"),
    (["--out", "new", "--occurrences", "--max", "0"], "at most 0 occurrences per word: expected"),
    (["--out", "new.txt", "--max", "9"], "--max 9 goes with --occurrences: without it, a vector is the mean over all"),
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


def test_vectors_go_to_standard_output_as_word2vec_text(do, tmp_path):
    do("vectors", "run", "--out", tmp_path / "x.txt")
    out, err = do("vectors", "run", "--out", "-", "--json")
    assert out == (tmp_path / "x.txt").read_text(encoding="utf-8")
    words, values = out.split("\n")[0].split()
    assert json.loads(err.splitlines()[-1]) == {"out": "-", "words": int(words), "values": int(values), "left_out": 0}
