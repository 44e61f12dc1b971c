"""benchmarks/quality.py: both sides train the same, the clock is honest, table and picture say what was found."""
# ruff: noqa: E402  (what benchmarks/ holds can be imported once its folder is on the path)

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elmo_np.config.toml_files import preset, replaced
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.evaluate import Evaluation, evaluate
from elmo_np.training.metrics import read
from elmo_np.viz.plots import save

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))     # its files find one another as those of a script do

import quality
from measure import OURS
from quality_report import COLUMNS, Found, as_csv, curves, table
from quality_watch import BudgetSpent, Point, Run, Watch
from quality_worker import TimedTrainer, train

CLIP = 1.0              # acts on the tiny model too


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A file to train on and one to validate on, 120 and 40 sentences."""
    folder = tmp_path_factory.mktemp("texts")
    lines = [" ".join(sentence) + "\n" for sentence in GrammarCorpus(sentences=160)]
    files = folder / "train.txt", folder / "valid.txt"
    files[0].write_text("".join(lines[:120]))
    files[1].write_text("".join(lines[120:]))
    return tuple(map(str, files))


@pytest.fixture
def recipe(texts):
    """Preset small on a tiny model."""
    return replaced(quality.smaller(preset("small")), corpus=texts[0], valid=texts[1], steps=7, clip_norm=CLIP)


def points_of(told):
    return [Point(**fields["point"]) for fields in told if "point" in fields]


def watch(budget=1e9, **options):
    told = []
    return Watch(budget, lambda **fields: told.append(fields), **options), told


# Both sides train the same

def test_pytorch_trains_the_same_model(recipe, tmp_path):
    pytest.importorskip("torch")
    import quality_torch

    recipe = replaced(recipe, min_count=2)          # with unknown words, so that none is hidden now and then
    trainer = TimedTrainer(recipe, tmp_path, watch()[0])
    trainer.prepare()
    trainer.start()
    vocabulary, losses, norms = trainer.vocabulary, [], []
    encoded = [list(map(vocabulary.encode, corpus)) for corpus in (trainer.corpus, trainer.valid)]
    peer = quality_torch.Training(recipe, vocabulary, *encoded)
    for epoch in 1, 2:
        batches = zip(trainer._batches(), peer.epoch(epoch), strict=True)
        for ours, theirs in batches:
            for one, other in zip(ours, theirs, strict=True):
                for a, b in zip(one, other, strict=True):
                    np.testing.assert_array_equal(a, b)
            trainer._step(ours)
            found = [loss.item() for loss in peer.step(theirs)]
            norms.append(sum(float((p.grad.double() ** 2).sum()) for p in peer.trained) ** 0.5)
            losses.append((list(trainer.place.last), found))
        trainer.state = None
    assert len(losses) > 10
    assert max(norms) == pytest.approx(CLIP, rel=1e-4)       # it acted
    for ours, theirs in losses:
        assert theirs == pytest.approx(ours, rel=1e-4)
    ours, theirs = evaluate(trainer.model, vocabulary, trainer.valid), peer.validate()
    assert (theirs.forward, theirs.backward) == pytest.approx((ours.forward, ours.backward), rel=1e-4)
    assert theirs[2:] == ours[2:]


def test_pytorch_follows_the_learning_rate_of_the_recipe(recipe):
    pytest.importorskip("torch")
    import quality_torch

    vocabulary = Vocabulary.build([["a", "b"]])
    peer = quality_torch.Training(recipe, vocabulary, [], [])
    rates = []
    for epoch in 1, 4, 5, 6:
        peer.epoch(epoch)
        rates.append(peer.optimizer.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 0.5, 0.25]


def test_pytorch_refuses_a_recipe_that_it_does_not_follow(recipe):
    pytest.importorskip("torch")
    import quality_torch

    quality_torch.check(preset("small"))
    with pytest.raises(ValueError, match="does not follow"):
        quality_torch.check(replaced(recipe, dropout=0.1))


def test_both_sides_tell_the_same_points(recipe, tmp_path):
    pytest.importorskip("torch")
    import quality_torch

    (ours, told), (theirs, their_told) = watch(), watch()
    train(recipe, tmp_path, ours)
    quality_torch.train(recipe, theirs)
    one, other = points_of(told), points_of(their_told)
    assert [(p.epoch, p.step, p.whole) for p in one] == [(p.epoch, p.step, p.whole) for p in other]
    assert [p.forward for p in one] == pytest.approx([p.forward for p in other], rel=1e-3)
    assert [p.backward for p in one] == pytest.approx([p.backward for p in other], rel=1e-3)
    assert theirs.summary()["epochs"] == 2


# The clock

def test_a_run_is_the_training_that_elmo_np_does(recipe, tmp_path):
    from elmo_np import train as plainly

    plainly(recipe.data.corpus, tmp_path / "plain", settings=recipe, quiet=True)
    look, told = watch()
    train(recipe, tmp_path / "timed", look)
    ends = [row for row in read(tmp_path / "plain" / "metrics.csv") if row["split"] == "valid"]
    points = points_of(told)
    assert [point.whole for point in points] == [False, False, False, True, True]
    assert [f"{p.forward:.6g}" for p in points if p.whole] == [row["forward_perplexity"] for row in ends]
    whole = [p.seconds for p in points if p.whole]      # an extra validation is on the clock in its own point alone
    assert whole == sorted(whole)
    model = "last.safetensors"
    assert (tmp_path / "timed" / model).read_bytes() == (tmp_path / "plain" / model).read_bytes()
    assert look.summary()["epochs"] == 2
    assert look.summary()["speed"] > 0


def test_a_budget_ends_a_run(recipe, tmp_path):
    look, told = watch(budget=0)
    train(recipe, tmp_path, look)
    point, = points_of(told)
    assert (point.epoch, point.step, point.whole) == (1, 1, False)
    assert 0 < look.summary()["epochs"] < 1


def test_a_budget_ends_pytorchs_run(recipe):
    pytest.importorskip("torch")
    import quality_torch

    look, told = watch(budget=0)
    quality_torch.train(recipe, look)
    assert [(p.epoch, p.step, p.whole) for p in points_of(told)] == [(1, 1, False)]


def test_an_extra_validation_counts_in_its_own_point_and_no_further():
    now = 0.0

    def validate():
        nonlocal now
        now += 100
        return Evaluation(10, 10, 10, 1, 0)

    look, told = watch(budget=50, clock=lambda: now)
    now = 3.0
    look.training_begins(Vocabulary(["<S>", "</S>", "<UNK>", "a"], [2, 2, 0, 38]))      # 40 words an epoch
    for step in range(1, 5):
        now += 10
        look.stepped(1, step, 10, validate)
    assert [point.seconds for point in points_of(told)] == [113, 123, 133]
    with look.aside():
        look.epoch_validated(1, 4, validate())
    assert points_of(told)[-1].seconds == 143
    assert points_of(told)[-1].whole
    with pytest.raises(BudgetSpent):
        look.epoch_ends()
    assert look.summary() == {"speed": 1.0, "epochs": 1.0}
    with pytest.raises(BudgetSpent):
        look.stepped(2, 1, 10, validate)
    assert [point.step for point in points_of(told)] == [1, 2, 3, 4, 1]


# Table, CSV, picture

def one(key, name, points, speed=1000.0, epochs=2.0):
    return Found(Run(key, name, OURS, "small", preset("small"), 120.0), points, speed, epochs)


FOUND = [
    one("full", "elmo_np, full softmax",
        [Point(1, 4, 30.0, 300.0, 310.0, False), Point(1, 8, 70.0, 200.0, 190.0, True),
         Point(2, 2, 121.0, 150.0, 152.0, False)]),
    one("adaptive", "elmo_np, adaptive softmax",
        [Point(1, 8, 50.0, 129.0, 131.0, True), Point(2, 8, 95.4, 125.0, 127.0, True)], 2000.0),
    one("torch", "PyTorch", [Point(1, 4, 60.0, 400.0, float("nan"), False)], 500.0, 0.5)]


def test_the_table_says_when_both_directions_were_there():
    lines = table(FOUND, 130).splitlines()
    assert len(lines) == 5
    assert "seconds to 130 in both directions" in lines[0]
    for line, texts in zip(lines[2:], [
            ("elmo_np, full softmax", "| small ", "not reached in 2 minutes, best 150.0 / 152.0", "1,000"),
            ("elmo_np, adaptive softmax", "| 95 ", "2,000"),
            ("PyTorch", "not reached in all 1 epochs, no finite perplexity", "500", "0.5")], strict=True):
        assert all(text in line for text in texts), line
    assert "| 95 " not in table(FOUND, 126)


def test_the_csv_has_a_row_a_validation():
    rows = list(csv.DictReader(io.StringIO(as_csv(FOUND))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 6
    assert rows[4] == {"name": "elmo_np, adaptive softmax", "epoch": "2", "step": "8", "seconds": "95.40",
                       "forward": "125", "backward": "127"}


@pytest.mark.parametrize("found", [FOUND, FOUND[:1], FOUND[2:]], ids=["all", "none reached", "nothing to draw"])
def test_the_picture_is_written(found, tmp_path):
    for ending in "svg", "png":
        save(curves(found, 130), tmp_path / f"quality.{ending}")
    text = (tmp_path / "quality.svg").read_text()
    assert "target 130" in text
    for shown in found:
        assert (f">{shown.run.name}<" in text) == (shown.run.key != "torch")
    reached = "elmo_np, adaptive softmax: both directions at perplexity 130 after 1.6 minutes"
    assert (reached in text) == (found is FOUND)
    assert (tmp_path / "quality.png").stat().st_size > 5000


def test_names_at_equal_ends_stand_above_one_another():
    found = [replace_points(run, [Point(1, 8, 60.0, 150.0, 150.0, True)]) for run in FOUND]
    ax, = curves(found, 130).axes
    heights = sorted(np.log(text.xy[1]) for text in ax.texts if "forward" in text.get_text())
    low, high = np.log(ax.get_ylim())
    assert min(np.diff(heights)) / (high - low) > 0.1


def replace_points(found, points):
    return replace(found, points=points)


# The command

def command(*argv, path=()):
    """Run the benchmark as a person does; `path`: where Python looks first."""
    path = os.pathsep.join([*map(str, path), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run([sys.executable, str(BENCHMARKS / "quality.py"), *argv], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": path}, timeout=600)


def test_the_command_compares_all_runs(texts, tmp_path):
    pytest.importorskip("torch")
    done = command(*texts, "--quick", "--target", "1e9", "--out", str(tmp_path / "new" / "folder"))
    assert done.returncode == 0, done.stderr
    names = "elmo_np, full softmax", "elmo_np, adaptive softmax", "PyTorch"
    assert all(f"| {name} " in done.stdout for name in names)
    rows = list(csv.DictReader((tmp_path / "new" / "folder" / "quality.csv").read_text().splitlines()))
    assert [row["name"] for row in rows if row["epoch"] == "2"] == list(names)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "quality.csv", "quality.png", "quality.svg"]


def test_characters_and_words_differ_in_what_they_read_alone(texts, tmp_path):
    characters, words = quality.planned(*texts, 60.0, ["characters", "words"], quick=False)
    assert replaced(characters.settings, corpus=None, valid=None) == preset("elmo-tiny")
    assert replaced(characters.settings, char_filters=None) == words.settings
    done = command(*texts, "--quick", "--only", "characters", "words", "--target", "1e9", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "quality.csv").read_text().splitlines()))
    assert {row["name"] for row in rows} == {"characters", "a vector a word"}


def test_without_torch_its_run_is_left_out(texts, tmp_path):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")\n")
    done = command(*texts, "--quick", "--only", "full", "torch", "--target", "2", "--out",
                   str(tmp_path / "out"), path=[tmp_path])
    assert done.returncode == 0, done.stderr
    assert quality.NO_TORCH in done.stdout.splitlines()
    assert "not reached in all 2 epochs" in done.stdout
    assert "| PyTorch" not in done.stdout


@pytest.mark.parametrize(("argv", "message"), [
    (["--only", "ful"], "--only ful: no such run; did you mean full?"),
    (["--only", "qqq"], "expected one of full, adaptive, tied, torch, characters, words"),
    (["--minutes", "0"], "--minutes 0: expected a number above 0"),
    (["--minutes", "nan"], "--minutes nan: expected a number above 0"),
    (["--minutes", "six"], "six"),
    (["--target", "1"], "--target 1: expected a perplexity"),
    (["--out", "file"], "--out file: "),
    (["--out", "file/below"], "--out file/below: "),
])
def test_a_mistake_is_one_line(argv, message, texts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    assert quality.main([*texts, *argv]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("quality.py: error: ")
    assert message in err


def test_a_text_that_cannot_be_read_is_one_line(texts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("empty").write_text("")
    for argv, message in (([texts[0], "absent.txt"], "absent.txt"), ([texts[0], "empty"], "empty has no sentence"),
                          ([texts[0]], "VALID")):
        assert quality.main(argv) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert message in err


def test_a_mistake_that_only_a_run_sees_is_one_line_too(texts, tmp_path, capsys):
    (tmp_path / "short.txt").write_text("one sentence .\n")
    assert quality.main([str(tmp_path / "short.txt"), texts[1], "--only", "full", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("quality.py: error: elmo_np, full softmax: batch_size = 20")


def test_a_run_comes_through_a_pipe_as_it_was(recipe):
    made = Run("full", "a name", OURS, "small", recipe, 60.0)
    assert Run.from_json(made.to_json()) == made
    assert json.loads(made.to_json())["budget"] == 60.0
