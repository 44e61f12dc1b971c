"""`elmo-np change`: a table, an object, a page, a picture, and mistakes in one line."""

import csv
import json

import pytest

from tests.commands import write

FIRST = [["the", "bank", "of", "the", "river", str(k)] for k in range(30)]
SECOND = [["the", "bank", "paid", "money", str(k)] for k in range(40)]


@pytest.fixture
def corpora(tmp_path):
    return [write(tmp_path / "1900.txt", FIRST), write(tmp_path / "2000.txt", SECOND)]


def test_a_table_with_the_farthest_sentences(do, corpora):
    out, err = do("change", "run", *corpora, "the", "bank", "river", "--max", "25")
    header, *rows = out.splitlines()
    assert " ".join(header.split()) == "word uses in 1900.txt uses in 2000.txt APD p PRT p JSD p note"
    assert {tuple(row.split()[:7]) for row in rows[:3]} >= {("bank", "25", "of", "30", "25", "of", "40")}
    apd = [float(row.split()[7]) for row in rows[:2]]
    assert apd == sorted(apd, reverse=True)                     # and what is not compared last
    assert rows[2].split()[:7] == ["river", "0", "of", "30", "0", "of", "0"]
    assert "warning: 'river': not compared: not a word of the model's vocabulary" in err
    assert "are unknown to the model" in err
    assert "bank in 1900.txt, farthest from the uses in 2000.txt:" in rows
    assert "seed 0" in rows[-1]


def test_the_object_and_the_table_hold_the_same_values(do, corpora, tmp_path):
    words = write(tmp_path / "words.txt", [["bank"], [], ["the"], ["river"]])
    files = {name: tmp_path / name for name in ("out.csv", "page.html", "out.svg")}
    found = json.loads(do("change", "run", *corpora, "--words-from", words, "--json", "--out", files["out.csv"],
                          "--page", files["page.html"], "--picture", files["out.svg"]).out)
    assert (found["first"], found["second"], found["layer"], found["seed"]) == ("1900.txt", "2000.txt", "top", 0)
    rows = list(csv.DictReader(files["out.csv"].read_text(encoding="utf-8").splitlines()))
    assert {row["word"] for row in rows} == {"bank", "the", "river"}
    for row, own in zip(rows, found["words"], strict=True):
        for name, value in row.items():
            expected = own[name]
            assert value == ("" if expected is None else f"{expected:.6f}" if isinstance(expected, float)
                             else str(expected))
    bank, = (own for own in found["words"] if own["word"] == "bank")
    assert bank["prt_low"] <= bank["prt_high"]
    use = bank["farthest_second"][0]
    assert use["sentence"] in SECOND
    assert use["sentence"][use["position"]] == "bank"
    page = files["page.html"].read_text(encoding="utf-8")
    assert page.count("<h2>") == 2
    assert all(name in files["out.svg"].read_text(encoding="utf-8") for name in ("bank", "prototype distance"))


def test_the_same_command_gives_the_same_bytes(do, corpora, tmp_path):
    for name in "ab":
        files = {"--page": tmp_path / f"{name}.html", "--picture": tmp_path / f"{name}.svg"}
        do("change", "run", *corpora, "bank", *(word for pair in files.items() for word in pair))
    for end in "html", "svg":
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()


def test_a_table_on_standard_output_is_alone_there(do, corpora):
    out, err = do("change", "run", *corpora, "bank", "--out", "-")
    assert out.splitlines()[0].startswith("word,total_first,total_second,uses_first,uses_second,apd,apd_low,apd_high,")
    assert len(out.splitlines()) == 2
    assert "farthest" in err


def test_corpora_of_one_name_are_told_apart(do, corpora, tmp_path):
    for year in "1900", "2000":
        (tmp_path / year).mkdir()
    one, other = (path.rename(tmp_path / path.stem / "text.txt") for path in corpora)
    found = json.loads(do("change", "run", one, other, "bank", "--json").out)
    assert [found["first"], found["second"]] == [str(one), str(other)]
    found = json.loads(do("change", "run", one, one, "bank", "--json").out)
    assert [found["first"], found["second"]] == ["text.txt (first)", "text.txt (second)"]
    assert found["words"][0]["prt"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("extra", "message"), [
    (["zebra"], "no word can be compared, expected words that occur in both corpora"), ([], "no words: expected"),
    (["bank", "--max", "1"], "at most 1 uses"), (["bank", "--seed", "-1"], "(--seed)"),
    (["bank", "--layer", "9"], "layer 9"), (["bank", "--layer", "all"], "layer 'all'"),
    (["bank", "a\udcff"], "the word 'a\\udcff' is not UTF-8, expected UTF-8 text"),
    (["--words-from", "absent"], "absent"), (["bank", "--out", "absent/x.csv"], "absent/x.csv"),
    (["bank", "--picture", "x.txt"], "x.txt"),
    (["bank", "--out", "a", "--page", "a"], "--out and --page: expected a file for each"),
    (["bank", "--page", "absent/x.html"], "absent/x.html")])
def test_a_mistake_is_one_line(do, corpora, extra, message):
    out, err = do("change", "run", *corpora, *extra, code=2)
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_the_model_comes_first(do, corpora):
    _, err = do("change", corpora[0], "run", "bank", code=2)
    assert "expected the model first: elmo-np change run" in err
