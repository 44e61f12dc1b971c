"""word2vec: it is trained on the biLM's text, and a reason is given where it cannot be."""

import re

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.cli.main import main
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.experiments import bilm_text, word2vec
from elmo_np.tasks.experiments.task_bilm import BilmSpec
from elmo_np.tasks.experiments.task_directory import TaskDirectory
from tests.task_helpers import FAST_OPTIONS, reviews

pytestmark = pytest.mark.usefixtures("undrawn")


def test_word2vec_is_compared_on_the_text_of_the_bilm(task_home, run, tmp_path):
    pytest.importorskip("gensim", reason="gensim is not installed: pip install 'elmo_np[word2vec]'")
    code, out, _ = run("classify", "compare", "train.tsv", "--test", "test.tsv", "--seeds", 2, "--inputs", "word2vec",
                       "static", "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS)
    assert code == 0
    assert "  word2vec (gensim), of the biLM's text " in out
    assert "  static vectors (layer 0) " in out
    assert "layer mix" not in out
    folder, elmo = TaskDirectory(tmp_path / "out"), ELMo.load(tmp_path / "out/bilm")
    corpus = bilm_text.texts(str(folder.own_bilm))
    assert list(corpus) == [line.split() for line in folder.corpus.read_text().splitlines()]
    made = [word2vec.trained(corpus, 16, 0, Progress(quiet=True)) for _ in range(2)]
    vectors = [own.vectors([["good", "film", "neverseen"]], layer=0)[0] for own in made]
    assert vectors[0].shape == (3, 16)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert vectors[0][:2].any(axis=1).all()
    assert not vectors[0][2].any()
    assert {word for word in made[0].vocabulary.words if "<" not in word} <= set(elmo.vocabulary.words)


@pytest.mark.parametrize(("direction", "width"), [("both", 16), ("backward", 8)])
def test_word2vec_is_as_wide_as_layer_0_of_the_bilm(task_home, run, tmp_path, monkeypatch, direction, width):
    found = []
    monkeypatch.setattr(word2vec, "vectors_or_why", lambda _, __, width, *rest: found.append(width) or "left out")
    options = ["--set", "embedding_dim=8", "--set", f"direction={direction}"]
    assert main(["train", "train.tsv", "--out", str(tmp_path / "bilm"), "--quiet", "--epochs", "1", *options]) == 0
    code, *_ = run("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", tmp_path / "bilm", "--seeds", 1,
                   "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS, "--set", "epochs=1")
    assert (code, found) == (0, [width])


def test_without_the_text_of_the_bilm_word2vec_is_left_out_and_the_report_gives_the_reason(task_home, run, tmp_path):
    code, out, _ = run("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", "bilm", "--seeds", 1,
                       "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS, "--set", "epochs=1")
    assert code == 0
    assert re.search(r"word2vec is left out, because .*bilm.config.toml|word2vec in this comparison: pip install", out)
    assert "word2vec (gensim)" not in out


def test_word2vec_is_not_trained_on_another_text_at_the_path_of_the_bilms(task_home, run, tmp_path, monkeypatch):
    pytest.importorskip("gensim", reason="gensim is not installed: pip install 'elmo_np[word2vec]'")
    text = "".join(" ".join(words) + "\n" for words in reviews(60, 3)[0])
    for folder, own in ("one", text), ("two", (task_home / "test.tsv").read_text().replace("\t", " ")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "text.txt").write_text(own)
    common = ["--quiet", "--epochs", "1", "--set", "hidden_dim=8", "--set", "embedding_dim=8"]
    monkeypatch.chdir(tmp_path / "one")
    assert main(["train", "text.txt", "--out", "run", *common]) == 0
    assert main(["train", "text.txt", "--valid", "text.txt", "--out", "validated", *common]) == 0
    known, shown = {}, []
    progress = Progress(quiet=True)
    monkeypatch.setattr(progress, "show", shown.append)
    word2vec.vectors_or_why(TaskDirectory(tmp_path), BilmSpec("run"), 8, 0, progress, {})
    assert [line for line in shown if "epoch" in line] == [f"training word2vec, epoch {k} of 5" for k in range(1, 6)]
    for bilm in "run", "validated":
        found = word2vec.vectors_or_why(TaskDirectory(tmp_path), BilmSpec(bilm), 8, 0, Progress(quiet=True), known)
        assert list(known.values()) == [found]
        again = word2vec.vectors_or_why(TaskDirectory(tmp_path), BilmSpec(bilm), 8, 0, Progress(quiet=True), known)
        assert again is found
    monkeypatch.chdir(tmp_path / "two")
    found = word2vec.vectors_or_why(TaskDirectory(tmp_path), BilmSpec("../one/run"), 8, 0, Progress(quiet=True), known)
    assert "config.toml names, is not the text that the model was trained on" in found


def test_word2vec_that_is_requested_is_not_left_out(task_home, run, tmp_path, monkeypatch):
    words = "classify", "compare", "train.tsv", "--seeds", 1, "--inputs", "word2vec", "static", "--quiet", *FAST_OPTIONS
    if word2vec.installed():
        code, _, err = run(*words, "--bilm", "bilm", "--out", tmp_path / "one")
        assert (code, err.count("\n")) == (2, 1)
        assert "--inputs word2vec: word2vec is left out, because" in err
    monkeypatch.setattr(word2vec, "installed", lambda: False)
    code, _, err = run(*words, "--out", tmp_path / "two")
    assert (code, err.count("\n")) == (2, 1)
    assert "--inputs word2vec: gensim is not installed: pip install" in err
    assert not (tmp_path / "two/bilm").exists()         # before a biLM is trained


def test_the_unknown_word_is_not_a_word_of_word2vec(tmp_path):
    pytest.importorskip("gensim", reason="gensim is not installed: pip install 'elmo_np[word2vec]'")
    (tmp_path / "text.txt").write_text("anna saw <unk> in [UNK] .\n" * 40)
    assert main(["train", str(tmp_path / "text.txt"), "--out", str(tmp_path / "run"), "--quiet", "--epochs", "1",
                 "--set", "hidden_dim=8", "--set", "embedding_dim=8"]) == 0
    made = word2vec.trained(bilm_text.texts(str(tmp_path / "run")), 8, 0, Progress(quiet=True))
    assert set(made.vocabulary.words) == {"<S>", "</S>", "<UNK>", "anna", "saw", "in", "."}
    assert not made.vectors([["<unk>", "[UNK]"]], layer=0)[0].any()
