"""benchmarks/penn_treebank.py on a small text: the best model is tested, and a second call trains nothing again."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import penn_treebank

from elmo_np import ELMo
from elmo_np.data.corpus import open_corpus
from elmo_np.inference.evaluate import evaluate


def test_the_page_has_the_curve_and_three_ways_to_test(tmp_path, capsys, monkeypatch):
    for part, lines in ("train", 60), ("valid", 5), ("test", 7):
        (tmp_path / f"ptb.{part}.txt").write_text("the cat sat on the mat .\nthe dog saw the cat .\n" * lines)
    monkeypatch.setitem(penn_treebank.RECIPES, 30, {"embedding_dim": 8, "hidden_dim": 8, "epochs": 2, "batch_size": 2})
    command = [str(tmp_path), "--out", str(tmp_path / "run"), "--minutes", "30"]
    assert penn_treebank.main(command) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "run/penn_treebank.md").read_text() + "\n" == printed
    assert (tmp_path / "run/penn_treebank.svg").read_text().startswith("<?xml")
    elmo = ELMo.load(tmp_path / "run")
    assert elmo.model.config.tie
    plain = evaluate(elmo.model, elmo.vocabulary, open_corpus(str(tmp_path / "ptb.test.txt"))).perplexities["forward"]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("|")]
    assert [row[0] for row in rows if len(row) == 4 and row[0].isdigit()] == ["1", "2"]
    assert [row[0] for row in rows[-3:]] == ["plain", "neural cache", "dynamic evaluation"]
    assert float(rows[-3][2]) == pytest.approx(plain, abs=0.051)
    assert re.search(r"Goal for 30 minutes: 88, met \(\d+\.\d\)\.", printed)
    monkeypatch.setattr("elmo_np.training.trainer.Trainer._step", None)
    assert penn_treebank.main(command) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("minutes", penn_treebank.RECIPES)
def test_every_recipe_is_accepted(minutes):
    settings = penn_treebank.settings_for(minutes, seed=3)
    assert settings.model.direction == "forward"
    assert settings.train.epochs == penn_treebank.RECIPES[minutes]["epochs"]
    assert minutes in penn_treebank.GOALS
