"""The table of presets and sizes of text: how the text is dealt, and what a cell of the table says."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import corpus_sizes

from elmo_np.errors import UserError
from elmo_np.training import metrics

DOCUMENTS = [[f"the bank {word} closed .", f"a {word} ."] for word in map(str, range(80))]


def test_documents_are_dealt_whole_until_there_are_enough_tokens():
    assert corpus_sizes.deal(DOCUMENTS, 8e-6) == DOCUMENTS[0]
    assert corpus_sizes.deal(DOCUMENTS, 9e-6) == [*DOCUMENTS[0], *DOCUMENTS[1]]
    with pytest.raises(UserError, match=r"the corpora hold 640 tokens, expected 0\.01 million"):
        corpus_sizes.deal(DOCUMENTS, 1e-2)


def test_the_table_has_the_best_epoch_of_each_model_and_nothing_is_trained_twice(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(corpus_sizes, "lines", lambda: iter(DOCUMENTS))
    monkeypatch.setattr(corpus_sizes, "VALIDATION", 8)
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
