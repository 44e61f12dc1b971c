"""The table of presets and sizes of text: how the text is dealt, and what a cell of the table says."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import corpus_sizes
import open_text
import pytest

from elmo_np.training import metrics

DOCUMENTS = [[f"the bank {word} closed .", f"a {word} ."] for word in map(str, range(80))]


def test_the_table_has_the_best_epoch_of_each_model_and_nothing_is_trained_twice(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(open_text, "NLTK", (open_text.Source("some", "open", lambda: iter(DOCUMENTS)),))
    monkeypatch.setattr(open_text, "VALIDATION", 8)
    monkeypatch.setattr(corpus_sizes, "RECIPES", (corpus_sizes.Recipe("demo", "demo", (), 0, 1),
                                                  corpus_sizes.Recipe("small", "demo", (), 0, 1e-9)))
    command = ["--out", str(tmp_path), "--sizes", "0.0005"]
    assert corpus_sizes.main(command) == 0
    held = (tmp_path / "valid.txt").read_text().splitlines()
    assert held
    assert not {*held} & {*(tmp_path / "0.0005.txt").read_text().splitlines()}
    rows = [row for row in metrics.read(tmp_path / "0.0005 demo" / "metrics.csv") if row["split"] == "valid"]
    best = min(rows, key=lambda row: float(row["forward_loss"]))
    table = (tmp_path / "corpus_sizes.md").read_text()
    assert f"{best['forward_perplexity']} ({best['epoch']} of {len(rows)})" in table
    assert "small" not in table         # an empty column: the text is larger than its recipe takes
    before = (tmp_path / "0.0005 demo" / "metrics.csv").read_bytes()
    capsys.readouterr()
    assert corpus_sizes.main(command) == 0
    assert (tmp_path / "0.0005 demo" / "metrics.csv").read_bytes() == before
    assert table in capsys.readouterr().out


@pytest.mark.parametrize("size", ["nan", "inf", "2", "0", "-1"])
def test_a_size_without_a_recipe_is_refused(tmp_path, size, capsys):
    assert corpus_sizes.main(["--out", str(tmp_path / "out"), "--sizes", size]) == 2
    assert f"--sizes {size}: expected million tokens for which there is a recipe" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
