"""`elmo-np corpus`, and dumps wherever a command takes a corpus."""

import json
import os

import pytest

from elmo_np import ELMo
from elmo_np.cli.main import main
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import read_toml
from tests.commands import SMALL, command
from tests.dump_helpers import CAT, SENTENCES, write_dump

pytest.importorskip("mwparserfromhell", reason="needs mwparserfromhell, the extra [wikipedia]")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_dump(tmp_path / "wiki.xml.bz2")
    write_dump(tmp_path / "big.xml.bz2", [CAT] * 20)
    return tmp_path


def test_a_dump_becomes_a_text(here, capsys):
    assert main(["corpus", "wiki.xml.bz2", "--out", "text.txt", "--limit", "1", "--quiet"]) == 0
    assert (here / "text.txt").read_text().splitlines() == [" ".join(sentence) for sentence in SENTENCES]
    assert capsys.readouterr().out == ("text.txt: 3 sentences, 26 tokens, from 1 articles (0 of them without a "
                                       "sentence); try: elmo-np train text.txt --out run\n")


def test_with_json_the_counts_are_one_object(here, capsys):
    assert main(["corpus", "wiki.xml.bz2", "--out", "text.txt", "--limit", "1", "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"out": "text.txt", "sentences": 3, "tokens": 26, "articles": 1,
                                                   "empty": 0}


def test_resume_finds_a_finished_file_done(here, capsys, monkeypatch):
    words = ["corpus", "wiki.xml.bz2", "--out", "text.txt", "--quiet"]
    assert main(words) == 0
    before = (here / "text.txt").read_bytes()
    monkeypatch.setattr("elmo_np.data.dump_to_text._write", None)
    (here / "text.txt.part").mkdir()
    (here / "text.txt.part/place.json").write_text("{}")        # as after a kill at the very end
    capsys.readouterr()
    assert main([*words, "--resume"]) == 0
    assert capsys.readouterr() == ("text.txt exists already: it is finished. It does not record its dumps: to make it "
                                   "from others, remove it\n", "")
    assert main([*words, "--resume", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"out": "text.txt", "sentences": None, "tokens": None,
                                                   "articles": None, "empty": None}
    assert sorted(path.name for path in here.iterdir()) == ["big.xml.bz2", "text.txt", "wiki.xml.bz2"]
    assert (here / "text.txt").read_bytes() == before
    assert main(words) == 2
    (here / "text.txt").write_bytes(b"")
    assert main([*words, "--resume"]) == 2
    assert "text.txt already exists: give another name, or remove it" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "message"), [
    (["wiki.xml.bz2", "--out", "-"], "--out -: expected the name of a file, beside which the work is kept"),
    ([os.devnull, "--out", "text.txt"], f"{os.devnull} is not a regular file, expected one because"),
    (["pydoc", "--out", "text.txt"], "pydoc is text already, expected a Wikipedia dump")])
def test_what_is_not_a_file_or_a_dump_is_refused(words, message, here, capsys):
    before = sorted(here.iterdir())
    assert main(["corpus", *words]) == 2
    assert message in capsys.readouterr().err
    assert sorted(here.iterdir()) == before


def test_several_processes_from_the_command_line(here):
    done = command("corpus", "big.xml.bz2", "wiki.xml.bz2", "--out", "text.txt", "--processes", "2", "--quiet",
                   cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    assert (here / "text.txt").read_text().count("\n") == 20 * 3 + 4


def test_a_dump_trains_and_its_model_splits_texts(here, capsys):
    assert main(["train", "big.xml.bz2", "--out", "run", "--quiet", *SMALL]) == 0
    assert read_toml("run/config.toml", Settings()).data.tokenize
    assert ELMo.load("run").tokenize
    capsys.readouterr()
    assert main(["evaluate", "run", "wiki.xml.bz2"]) == 0
    assert capsys.readouterr().out.startswith(f"4 sentences, {33 + 4} targets per direction")


def test_a_dump_through_standard_input(here):
    with open(here / "big.xml.bz2", "rb") as file:
        done = command("train", "-", "--out", "run", "--quiet", *SMALL, cwd=here, stdin=file, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert read_toml(here / "run/config.toml", Settings()).data.tokenize


def test_a_dump_without_a_sentence_is_told(here, capsys):
    write_dump(here / "none.xml", ["{{Only a template}}"])
    assert main(["corpus", "none.xml", "--out", "text.txt", "--quiet"]) == 2
    assert "text.txt is empty: none of 1 articles has a sentence" in capsys.readouterr().err
