"""task_bilm: which biLM a task reads, and that it has not read the test."""

import csv
import os
import re
import shutil
import sys

import pytest

from elmo_np import ELMo
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import read_toml
from elmo_np.nn.parameter import parameters
from elmo_np.tasks.experiments import compare
from elmo_np.tasks.experiments.task_base import TaskSpec
from tests.task_helpers import FAST_OPTIONS, reviews

pytestmark = pytest.mark.usefixtures("undrawn")


def test_each_fold_fine_tunes_the_bilm_on_what_it_learns_from(task_home, run, tmp_path):
    code, *_ = run("classify", "compare", "train.tsv", "--bilm", "bilm", "--fine-tune", 2, "--folds", 2, "--inputs",
                   "mix", "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS, "--set", "epochs=1")
    assert code == 0
    sentences = reviews(80, 0)[0]
    read = [{tuple(line.split()) for line in (tmp_path / f"out/fold-{k}/bilm-corpus.txt").read_text().splitlines()}
            for k in (0, 1)]
    assert read[0] | read[1] == set(map(tuple, sentences))
    assert not read[0] & read[1]                # with two folds, one learns from what the other is tested on
    for k in 0, 1:
        settings = read_toml(tmp_path / f"out/fold-{k}/bilm/config.toml", Settings())
        assert (settings.data.fine_tune, settings.train.epochs) == ("bilm", 2)


def test_a_task_model_reads_the_bilm_that_was_fine_tuned_for_it(task_home, run, tmp_path):
    out = tmp_path / "out"
    assert run("classify", "train", "train.tsv", "--test", "test.tsv", "--bilm", "bilm", "--fine-tune", 1, "--out", out,
               "--quiet", *FAST_OPTIONS)[0] == 0
    assert (out / "bilm.txt").read_text() == "bilm\n"
    arrays = [{name: p.value for name, p in parameters(ELMo.load(path).model).items()} for path in
              (task_home / "bilm", out / "bilm")]
    assert any((arrays[0][name] != arrays[1][name]).any() for name in arrays[0])
    assert run("classify", "predict", out, "new.txt")[0] == 0


def test_a_fine_tuning_that_was_killed_before_it_saved_anything_begins_again(task_home, run, tmp_path):
    words = ("classify", "compare", "train.tsv", "--bilm", "bilm", "--fine-tune", 1, "--seeds", 1, "--inputs", "static",
             "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS, "--set", "epochs=1")
    assert run(*words)[0] == 0
    results = (tmp_path / "out" / "results.csv").read_text()
    for name in "results.csv", "report.txt", "comparison.png", "bilm/last.safetensors", "bilm/model.safetensors":
        (tmp_path / "out" / name).unlink()
    assert run(*words)[0] == 0
    assert (tmp_path / "out" / "results.csv").read_text() == results


def test_a_bilm_of_another_origin_is_refused(task_home, run, tmp_path):
    words = "classify", "compare", "train.tsv", "--seeds", 1, "--inputs", "static", "--out", tmp_path / "out", "--quiet"
    assert run(*words, *FAST_OPTIONS)[0] == 0
    for name in "report.txt", "results.csv", "comparison.png":
        (tmp_path / "out" / name).unlink()
    code, _, err = run(*words, *FAST_OPTIONS, "--bilm", "bilm", "--fine-tune", 1)
    assert code == 2
    assert "bilm was trained from no other biLM, and is now to be trained from bilm: give the same --bilm" in err


def test_a_bilm_is_the_same_by_a_relative_and_an_absolute_path(task_home, run, tmp_path):
    words = "classify", "compare", "train.tsv", "--seeds", 1, "--inputs", "static", "--out", tmp_path / "out", "--quiet"
    assert run(*words, *FAST_OPTIONS, "--bilm", "bilm", "--fine-tune", 1)[0] == 0
    for name in "report.txt", "results.csv", "comparison.png":
        (tmp_path / "out" / name).unlink()
    code, _, err = run(*words, *FAST_OPTIONS, "--bilm", task_home / "bilm", "--fine-tune", 1)
    assert (code, err) == (0, "")


def test_a_bilm_that_was_fine_tuned_for_longer_is_refused(task_home, run, tmp_path):
    def fine_tune(epochs):
        for name in "report.txt", "results.csv", "comparison.png":
            (tmp_path / "out" / name).unlink(missing_ok=True)
        return run("classify", "compare", "train.tsv", "--seeds", 1, "--inputs", "static", "--bilm", "bilm", "--quiet",
                   "--fine-tune", epochs, "--out", tmp_path / "out", *FAST_OPTIONS)
    assert fine_tune(2)[0] == 0
    code, _, err = fine_tune(1)
    assert code == 2
    assert "belongs to a training of 2 epochs, expected at most 1: give --fine-tune 2, or another --out" in err
    assert fine_tune(3)[0] == 0                         # that goes on
    rows = csv.DictReader((tmp_path / "out/bilm/metrics.csv").read_text().splitlines())
    assert [row["epoch"] for row in rows if row["split"] == "valid"] == ["1", "2", "3"]


def test_without_a_bilm_one_is_trained_that_has_not_read_the_test(task_home, run, tmp_path):
    out = tmp_path / "out"
    assert run("classify", "train", "train.tsv", "--test", "test.tsv", "--out", out, "--quiet", *FAST_OPTIONS)[0] == 0
    read = {tuple(line.split()) for line in (out / "bilm-corpus.txt").read_text().splitlines()}
    trained, tested = ({tuple(words) for words in reviews(80, seed)[0]} for seed in (0, 1))
    assert read == trained - tested
    assert trained & tested
    assert run("classify", "predict", out, "new.txt")[0] == 0
    for name in "model.safetensors", "report.txt", "bilm.txt", "classify.png":
        (out / name).unlink()
    again = "classify", "train", "train.tsv", "--out", out, "--quiet", *FAST_OPTIONS
    code, _, err = run(*again)                       # other test sentences: the biLM may have read them
    assert code == 2
    assert "is a biLM of other data than these" in err
    bilm = (out / "bilm" / "model.safetensors").read_bytes()
    assert run(*again, "--test", "test.tsv")[0] == 0
    assert (out / "bilm" / "model.safetensors").read_bytes() == bilm
    moved = tmp_path / "moved"
    out.rename(moved)                               # its biLM is below it
    assert run("classify", "predict", moved, "new.txt")[0] == 0


@pytest.mark.parametrize("kind", ["bag", "learnt+characters"])
def test_no_bilm_is_trained_or_named_where_the_input_reads_none(kind, task_home, run, tmp_path):
    options = ["--test", "test.tsv", *FAST_OPTIONS, "--set", "epochs=1", "--set", "char_dim=4"]
    lines = (task_home / "train.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "few.tsv").write_text("".join(lines[:16]))          # too few for a biLM
    train = "classify", "train", tmp_path / "few.tsv", "--input", kind, "--out", tmp_path / "one"
    code, out, err = run(*train, *options)
    assert code == 0
    assert "bilm" not in (out + err).lower().replace(str(tmp_path).lower(), "")
    assert not (tmp_path / "one/bilm").exists()
    (tmp_path / "one").rename(tmp_path / "moved")
    code, out, err = run("classify", "predict", tmp_path / "moved", "new.txt")
    assert (code, err, out.count("\n")) == (0, "", 3)
    assert run("classify", "evaluate", tmp_path / "moved", "test.tsv")[::2] == (0, "")
    code, _, err = run("classify", "predict", tmp_path / "moved", "new.txt", "--bilm", "bilm")
    assert (code, err.count("\n")) == (2, 1)
    assert "another biLM than the one given: give that one, or none where bilm.txt says so" in err


def test_a_comparison_of_inputs_without_a_bilm_trains_none(task_home, run, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "coverage", None)
    monkeypatch.setattr(TaskSpec, "embed", None)
    words = ["classify", "compare", "train.tsv", "--folds", 2, "--inputs", "learnt", "bag", "--quiet", *FAST_OPTIONS,
             "--set", "epochs=1"]
    code, out, err = run(*words, "--out", tmp_path / "own")
    assert (code, err) == (0, "")
    assert {path.name for path in (tmp_path / "own").iterdir()} == {"results.csv", "report.txt", "comparison.png"}
    assert re.findall("  (learnt embeddings, no biLM|bag of words, trained) ", out) == [
        "learnt embeddings, no biLM", "bag of words, trained"]
    assert run(*words, "--bilm", "bilm", "--out", tmp_path / "given")[::2] == (0, "")
    code, _, err = run(*words, "--bilm", "bilm", "--fine-tune", 1, "--out", tmp_path / "tuned")
    assert (code, err.count("\n")) == (2, 1)
    assert "--fine-tune 1 does not go with the input learnt, bag, which reads no biLM: leave it out" in err


@pytest.mark.parametrize("words", [["train"], ["compare", "--folds", 2]], ids=["train", "compare"])
def test_a_text_of_somebody_else_is_not_overwritten(task_home, run, tmp_path, words):
    action, *more = words
    corpus = tmp_path / "out" / ("fold-1/bilm-corpus.txt" if more else "bilm-corpus.txt")
    corpus.parent.mkdir(parents=True)
    corpus.write_text("mine\n")
    code, _, err = run("classify", action, "train.tsv", *more, "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS)
    assert code == 2
    assert f"{corpus} already exists, with another text than that of these data: give another --out" in err
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [corpus]    # and nothing was trained
    assert corpus.read_text() == "mine\n"


def test_a_bilm_that_has_moved_can_be_given(task_home, run, tmp_path):
    (task_home / "bilm").rename(tmp_path / "elsewhere")
    try:
        code, _, err = run("tag", "predict", "tag", "new.txt")
        assert code == 2
        assert "give its path with --bilm" in err
        assert run("tag", "predict", "tag", "new.txt", "--bilm", tmp_path / "elsewhere")[0] == 0
    finally:
        (tmp_path / "elsewhere").rename(task_home / "bilm")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_bilm_whose_name_is_not_utf8_is_found_again(task_home, run, tmp_path):
    bilm = tmp_path / os.fsdecode(b"b\xff")
    shutil.copytree(task_home / "bilm", bilm)
    assert run("classify", "train", "train.tsv", "--bilm", bilm, "--out", tmp_path / "out", *FAST_OPTIONS)[0] == 0
    assert (tmp_path / "out" / "bilm.txt").read_bytes().endswith(b"b\xff\n")
    assert run("classify", "predict", tmp_path / "out", "new.txt")[0] == 0
