"""benchmarks/ablation.py on a small text: every row leaves out what it says, and a second call trains nothing again."""

import dataclasses
import sys
from pathlib import Path

import pytest

from elmo_np.config.toml_files import preset, replaced

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import ablation


@pytest.fixture
def texts(tmp_path):
    for part, lines in ("train", 40), ("valid", 5), ("test", 7):
        (tmp_path / f"ptb.{part}.txt").write_text("the cat sat on the mat .\n" * lines)
    return tmp_path


def changed(row):
    """The settings in which a row differs from that of nothing."""
    one, other = (ablation.settings_of(name, 0, 2) for name in (row, "nothing"))
    tables = [(getattr(one, name), getattr(other, name)) for name in ("model", "train")]
    return {field.name for new, old in tables for field in dataclasses.fields(new)
            if getattr(new, field.name) != getattr(old, field.name)}


def test_every_row_has_all_regularisers_but_the_one_it_names():
    every = {name: set(values) for name, values in ablation.REGULARISERS.items()}
    assert changed("everything") == set().union(*every.values())
    assert changed("dropout alone") == every["dropout"]
    for name, own in every.items():
        assert changed(f"without {name}") == changed("everything") - own
    assert ablation.settings_of("nothing", 3, 13) == replaced(preset("small"), **ablation.BASE, seed=3)


def test_the_table_has_a_row_for_each_and_what_is_there_is_not_trained_again(texts, capsys, monkeypatch):
    monkeypatch.setattr(ablation, "BASE", {**ablation.BASE, "hidden_dim": 8, "embedding_dim": 8})
    command = [str(texts), "--out", str(texts / "out"), "--seeds", "0", "1", "--only", "nothing", "everything",
               "--epochs", "1"]
    assert ablation.main(command) == 0
    printed = capsys.readouterr().out
    assert [line.split("|")[1].strip() for line in printed.splitlines()] == ["row", "-" * 10, "nothing", "everything"]
    assert (texts / "out/ablation.md").read_text() == printed
    assert (texts / "out/ablation.svg").read_text().startswith("<?xml")
    runs = sorted((texts / "out").glob("*/model.safetensors"))
    assert [run.parent.name for run in runs] == ["everything-0", "everything-1", "nothing-0", "nothing-1"]
    before = [run.read_bytes() for run in runs]
    monkeypatch.setattr("elmo_np.training.trainer.Trainer._step", None)
    assert ablation.main(command) == 0
    assert capsys.readouterr().out == printed
    assert [run.read_bytes() for run in runs] == before
    assert ablation.main([*command, "--seeds", "1", "1"]) == 2
    assert "--seeds 1 1: expected each seed once" in capsys.readouterr().err


def test_a_text_that_is_not_there_is_named_in_one_line(texts, capsys):
    (texts / "ptb.test.txt").unlink()
    assert ablation.main([str(texts), "--out", str(texts / "out")]) == 2
    assert capsys.readouterr().err.startswith(f"ablation.py: error: {texts / 'ptb.test.txt'} not found")
