"""benchmarks/zaremba.py on a small text: its table and picture, and how it ends before its time."""

import sys
from pathlib import Path

import pytest

from elmo_np.runtime.signals import Interrupted

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
zaremba = pytest.importorskip("zaremba")


@pytest.fixture
def texts(tmp_path, monkeypatch):
    monkeypatch.setattr(zaremba, "RESULTS", tmp_path / "results")
    for part, lines in ("train", 40), ("valid", 5), ("test", 7):
        (tmp_path / f"ptb.{part}.txt").write_text("the cat sat on the mat .\n" * lines)
    return tmp_path


def test_it_tells_every_epoch_and_the_test_and_draws_the_curve(texts, capsys):
    assert zaremba.main([str(texts), "--out", str(texts / "run"), "--epochs", "2"]) == 0
    out = capsys.readouterr().out
    assert [line.split("|")[1].strip() for line in out.splitlines() if line.startswith("| ")] == ["epoch", "1", "2"]
    assert "56 targets in each direction" in out        # 7 sentences of 7 words and an end mark
    assert (texts / "results" / "zaremba.svg").read_text().startswith("<?xml")


def test_an_interrupted_run_is_no_mistake_and_ends_with_130(texts, capsys, monkeypatch):
    def stop(*args, **kwargs):
        raise Interrupted("stopped at epoch 1, step 3; everything is in last.safetensors")
    monkeypatch.setattr(zaremba, "train", stop)
    assert zaremba.main([str(texts), "--out", str(texts / "run")]) == 130
    assert capsys.readouterr().err == "zaremba.py: stopped at epoch 1, step 3; everything is in last.safetensors\n"


def test_a_text_that_is_not_there_is_named_in_one_line(texts, capsys):
    (texts / "ptb.valid.txt").unlink()
    assert zaremba.main([str(texts), "--out", str(texts / "run")]) == 2
    assert capsys.readouterr().err.startswith(f"zaremba.py: error: {texts / 'ptb.valid.txt'} not found")
