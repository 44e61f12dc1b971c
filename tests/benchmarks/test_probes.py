"""benchmarks/probes.py: what stands on the page is what the commands print, and nothing is computed twice."""

import json
import shlex
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import probes

from elmo_np import ELMo
from elmo_np.cli.main import main as elmo_np
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override, preset
from tests.inference.test_evaluate import VOCABULARY, bilm

PAIRS = [("the bank of the river .", "the bank the of river ."), ("the river .", "river the .")]
TAGGED = "1\tthe\tthe\tDET\t_\t_\t_\t_\t_\t_\n2\tbank\tbank\tNOUN\t_\t_\t_\t_\t_\t_\n\n"


@pytest.fixture
def given(tmp_path):
    """Options of the program: a tiny model and tiny data."""
    ELMo(bilm(), VOCABULARY).save(tmp_path / "run")
    data = tmp_path / "data"
    for name in "blimp", "agreement", "ewt":
        (data / name).mkdir(parents=True)
    rows = "".join(json.dumps({"sentence_good": good, "sentence_bad": bad, "UID": "order",
                               "linguistics_term": "word_order"}) + "\n" for good, bad in PAIRS)
    with zipfile.ZipFile(data / "blimp" / "BLiMP.zip", "w") as archive:
        archive.writestr("order.jsonl", rows)
    (data / "agreement" / "english_generated.text").write_text("the bank of\nthe river of\n")
    row = "L\t0\t{}\t1\tN\tF\t{}\t{}\tbe\t1\tNOUN\tthe\n"
    (data / "agreement" / "english_generated.gold").write_text(
        (row.format(0, "bank", "river") + row.format(1, "river", "bank")).replace("L\t0", "L\t1"))
    for part in "train", "dev", "test":
        (data / "ewt" / f"en_ewt-ud-{part}.conllu").write_text(3 * TAGGED)
    return ["--out", str(tmp_path / "out"), "--data", str(data), "--ewt", str(data / "ewt"), "--model",
            str(tmp_path / "run"), "--page", str(tmp_path / "page.md"), "--only"]


def test_the_page_has_what_the_commands_print(given, tmp_path, capsys):
    assert probes.main([*given, "blimp", "agreement", "reading", "pos"]) == 0
    assert "left out, because there is no" in capsys.readouterr().err      # Natural Stories
    page = (tmp_path / "page.md").read_text()
    assert elmo_np(["probe", str(tmp_path / "run"), str(tmp_path / "data" / "blimp" / "BLiMP.zip"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    row, = (line for line in page.splitlines() if line.startswith("| word order"))
    assert [cell.strip() for cell in row.split("|")][2:4] == ["2", f"{found['accuracy']:.1%}"]
    assert f"| {'yes' if found['accuracy'] >= 0.62 else '**no**'}" in page
    assert "original, at least 70%" in page
    assert "nonsense, at least 62%" in page
    assert "--test EWT/en_ewt-ud-test.conllu --valid EWT/en_ewt-ud-dev.conllu --bilm FOLDER/bilm" in page
    assert "| static vectors (layer 0) | " in page
    assert "| layer 1 | " in page
    assert "It was given with `--model`" in page
    assert str(tmp_path) not in page


def test_a_run_that_was_stopped_goes_on_and_another_model_is_refused(given, tmp_path, capsys, monkeypatch):
    assert probes.main([*given, "blimp"]) == 0
    before = (tmp_path / "page.md").read_text()
    with monkeypatch.context() as patched:
        patched.setattr(probes, "result", lambda part, *_: json.loads((tmp_path / "out" / "blimp.json").read_text()))
        assert probes.main([*given, "blimp"]) == 0
    assert (tmp_path / "page.md").read_text() == before
    (tmp_path / "data" / "blimp" / "BLiMP.zip").write_text("not read again")
    assert probes.main([*given, "blimp", "agreement"]) == 0
    assert (tmp_path / "page.md").read_text().startswith(before.split("| goal")[0])
    ELMo(bilm(init_scale=0.5), VOCABULARY).save(tmp_path / "other")
    assert probes.main([*given, "blimp", "--model", str(tmp_path / "other")]) == 2
    assert "has results of another model: give another --out" in capsys.readouterr().err


def test_a_page_without_a_goal_is_written_and_another_source_of_tags_is_refused(given, tmp_path, capsys, monkeypatch):
    assert probes.main([*given, "pos"]) == 0
    page = (tmp_path / "page.md").read_text()
    assert "## Parts of speech by layer: UD English EWT" in page
    assert "| goal" not in page
    monkeypatch.setattr(probes, "write_conll2000", lambda out: None)
    place = given.index("--ewt")
    assert probes.main([*given[:place], *given[place + 2:], "pos"]) == 2
    assert "was begun with other data or settings" in capsys.readouterr().err
    assert (tmp_path / "page.md").read_text() == page


def test_a_command_that_fails_leaves_no_result(given, tmp_path, capsys):
    (tmp_path / "data" / "blimp" / "BLiMP.zip").write_text("no zip")
    assert probes.main([*given, "blimp"]) == 2
    assert "Grammar: BLiMP, by phenomenon: no result, for the reason above" in capsys.readouterr().err
    assert not (tmp_path / "out" / "blimp.json").exists()


def test_mistakes_are_named(given, tmp_path, capsys):
    assert probes.main([*given, "blimp", "--data", str(tmp_path / "nothing")]) == 2
    assert "nothing: expected a directory with blimp/BLiMP.zip, agreement" in capsys.readouterr().err
    assert probes.main([*given, "pos", "--ewt", str(tmp_path)]) == 2
    assert "does not contain en_ewt-ud-train.conllu" in capsys.readouterr().err


def test_the_command_of_an_hour_is_understood():
    command = probes.train_command(Path("FOLDER"))
    assert shlex.join(command) == " ".join(command)
    found = override(preset(command[command.index("--preset") + 1]),
                     [value for name, value in pairwise(command) if name == "--set"])
    assert isinstance(found, Settings)
    assert (found.model.direction, found.model.softmax) == ("forward", "adaptive")


def test_a_model_without_a_forward_direction_is_refused(given, tmp_path, capsys):
    ELMo(bilm(direction="backward"), VOCABULARY).save(tmp_path / "backward")
    assert probes.main([*given, "blimp", "--model", str(tmp_path / "backward")]) == 2
    assert "this needs the forward one" in capsys.readouterr().err
