"""compare: every input, seed and fold has a score, and a stopped comparison keeps its scores."""

import csv

import pytest

from elmo_np.tasks.experiments import compare
from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.experiments.round_counts import read_rounds
from elmo_np.tasks.experiments.task_bilm import BilmSpec, Setup
from elmo_np.tasks.experiments.task_directory import TaskDirectory
from elmo_np.tasks.metrics.scores import ratio
from elmo_np.tasks.models import fit
from elmo_np.tasks.models.config import overridden
from tests.task_helpers import FAST_OPTIONS, saved, tiny_elmo


def test_a_comparison_has_every_input_and_every_seed(task_home, run, tmp_path):
    code, out, err = run("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", "bilm", "--seeds", 2,
                         "--out", tmp_path / "out", *FAST_OPTIONS, "--set", "epochs=1")
    assert code == 0
    rows = list(csv.DictReader((tmp_path / "out" / "results.csv").read_text().splitlines()))
    names = ["static vectors (layer 0)", "layer 1", "layer mix"]
    assert [row["method"] for row in rows] == ["most frequent label", "bag of words (naive Bayes)",
                                               *(name for name in names for _ in range(2))]
    assert [row["seed"] for row in rows[2:]] == ["0", "1"] * 3
    assert all(f"{name}, seed {seed}: accuracy" in err for name in names for seed in (0, 1))
    assert out.count("over 2 seeds") == 3
    assert " of the 80 test sentences too, with the same answer" in out
    assert (tmp_path / "out" / "comparison.png").stat().st_size > 5000
    assert out.startswith((tmp_path / "out" / "report.txt").read_text())


def test_a_comparison_in_folds_tests_every_sentence_once(task_home, run, tmp_path):
    code, out, err = run("classify", "compare", "train.tsv", "--bilm", "bilm", "--folds", 4, "--inputs", "static",
                         "mix", "--out", tmp_path / "out", *FAST_OPTIONS, "--set", "epochs=1")
    assert code == 0
    rows = list(csv.DictReader((tmp_path / "out" / "results.csv").read_text().splitlines()))
    names = ["most frequent label", "bag of words (naive Bayes)", "static vectors (layer 0)", "layer mix"]
    assert [(row["method"], row["fold"]) for row in rows] == [(name, str(k)) for name in names for k in range(1, 5)]
    assert out.startswith("accuracy on 80 test sentences; test: 4 folds, drawn by seed 0: each sentence is tested once")
    assert out.count("over 4 folds") == 4
    assert "fold 3 of 4, layer mix, seed 2: accuracy" in err


def test_vectors_that_change_in_training_are_not_computed_before(task_home, run, tmp_path, monkeypatch):
    def embed(*args):
        raise AssertionError("computed, and read by nothing")
    monkeypatch.setattr(type(TASKS["classify"]), "embed", embed)
    code, out, err = run("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", "bilm", "--seeds", 1,
                         "--inputs", "static", "mix", "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS, "--set",
                         "epochs=2", "--set", "finetune=true")
    assert (code, err) == (0, "")
    assert "layer mix" in out


def test_a_stopped_comparison_keeps_its_scores(task_home, run, tmp_path, monkeypatch):
    original, calls = compare._counts, []

    def counts(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args)
    monkeypatch.setattr(compare, "_counts", counts)
    code, *_ = run("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", "bilm", "--seeds", 2, "--inputs",
                   "static", "mix", "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS, "--set", "epochs=1")
    assert code == 130
    found = compare.read_results(tmp_path / "out/results.csv")
    assert len(found["static vectors (layer 0)"]) == 2
    assert "layer mix" not in found
    code, _, err = run("classify", "compare", "train.tsv", "--bilm", "bilm", "--out", tmp_path / "out", "--quiet")
    assert code == 2
    assert f"remove {tmp_path / 'out/results.csv'} to start again with the biLMs that are already trained" in err


def test_a_comparison_that_keeps_counts_goes_on_after_a_stop(task_home, tmp_path, monkeypatch):
    monkeypatch.chdir(task_home)
    task, config = TASKS["classify"], overridden(TASKS["classify"].defaults, ("epochs=1", "hidden_dim=4"))
    bilm = BilmSpec("bilm")

    def compared(out, stop=None):
        directory = TaskDirectory(tmp_path / out)
        directory.path.mkdir(exist_ok=True)
        made = []

        def counts(*args):
            if len(made) == stop:
                raise KeyboardInterrupt
            made.append(original(*args))
            return made[-1]
        monkeypatch.setattr(compare, "_counts", counts)
        rounds = compare.of_folds(task.folds("train.tsv", 2, False, 0), directory, 0)
        compare.compare(task, rounds, None, Setup(config, directory, bilm, quiet=True), ["static", "mix"],
                        directory.path / "counts")
        return len(made), directory

    original = compare._counts
    made, whole = compared("whole")
    assert made == 4
    for stop in 1, 1, 0:        # models of those that are left
        with pytest.raises(KeyboardInterrupt):
            compared("stopped", stop)
    made, stopped = compared("stopped")
    assert made == 2
    assert stopped.results.read_text() == whole.results.read_text()
    assert stopped.report.read_text() == whole.report.read_text()
    stopped.results.unlink()
    stopped.report.unlink()
    assert compared("stopped")[0] == 0      # as after a kill between the last model and the results
    assert stopped.results.read_text() == whole.results.read_text()
    first, second = read_rounds(whole.path / "counts", 2)
    assert list(first) == list(second) == list(compare.read_results(whole.results))
    assert first["layer mix"].shape[::2] == (1, 2)
    scores = [float(ratio(own["layer mix"][0].sum(axis=0))) for own in (first, second)]
    assert compare.read_results(whole.results)["layer mix"] == pytest.approx(scores, abs=1e-6)


def test_folds_with_a_given_bilm_leave_no_empty_directories(task_home, run, tmp_path):
    code, *_ = run("classify", "compare", "train.tsv", "--bilm", "bilm", "--folds", 2, "--inputs", "static", "--out",
                   tmp_path / "out", "--quiet", *FAST_OPTIONS)
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["comparison.png", "report.txt", "results.csv"]


def test_a_comparison_takes_word_vectors_of_another_width_as_they_are(task_home, run, tmp_path):
    saved(tiny_elmo(layers=2, embedding_dim=6), tmp_path / "bilm")
    code, out, _ = run("tag", "compare", "train.conll", "--valid", "test.conll", "--bilm", tmp_path / "bilm", "--seeds",
                       1, "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS)
    assert code == 0
    for name in "static vectors (layer 0)", "layer 1", "layer 2", "layer mix":
        assert f"  {name} " in out
    assert "8 test sentences; test: one of every 10 examples, drawn by seed 0" in out


def test_inputs_with_words_of_their_own_are_compared_on_request(task_home, run, tmp_path):
    saved(tiny_elmo(layers=2, embedding_dim=6), tmp_path / "bilm")
    code, out, _ = run("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", tmp_path / "bilm", "--seeds",
                       1, "--inputs", "mix", "bag", "bag+static", "bag+mix", "learnt", "learnt+mix", "--out",
                       tmp_path / "out", "--quiet", *FAST_OPTIONS, "--set", "epochs=1")
    assert code == 0
    for name in ("layer mix", "bag of words, trained", "bag of words + static vectors", "bag of words + layer mix",
                 "learnt embeddings, no biLM", "learnt embeddings beside the layer mix"):
        assert f"  {name} " in out
    assert "  static vectors" not in out


def test_a_model_that_diverges_is_named(task_home, run, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "_mean_loss", lambda *_: float("nan"))
    code, _, err = run("classify", "compare", "train.tsv", "--test", "test.tsv", "--inputs", "learnt", "--seeds", 1,
                       "--out", tmp_path / "out", *FAST_OPTIONS)
    assert code == 2
    assert "learnt embeddings, no biLM, seed 0: after the first epoch the validation loss is " in err


def test_scores_are_read_back_from_the_file(tmp_path):
    found = {"static": [0.5, 0.25], "baseline": [1.0]}
    (tmp_path / "results.csv").write_text(compare.as_csv(found, 3, "seeds"))
    assert (tmp_path / "results.csv").read_text().splitlines()[1:3] == ["static,3,0.500000", "static,4,0.250000"]
    assert compare.read_results(tmp_path / "results.csv") == found


def test_a_table_has_the_mean_and_the_range():
    assert compare.table({"static": [0.5, 0.25], "mix": [1.0]}, "seeds") == [
        "  static   37.5%   25.0% to 50.0% over 2 seeds", "  mix     100.0%"]
