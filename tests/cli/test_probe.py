"""`elmo-np probe`: a table, an object, a picture."""

import json

import pytest

PAIRS = """\
good\tbad\tphenomenon
the bank of the river was steep .\tthe bank of river the was steep .\torder
The bank was steep .\tThe bank were steep .\tagreement
the bank was xyzzy .\tthe bank was plugh .\tagreement
"""


@pytest.fixture
def pairs(tmp_path):
    (tmp_path / "pairs.tsv").write_text(PAIRS)
    return tmp_path / "pairs.tsv"


def test_a_row_per_phenomenon_and_their_sum(do, pairs):
    out, err = do("probe", "run", pairs)
    header, *rows = out.splitlines()
    assert " ".join(header.split()) == "items right 95 % interval unigram chance ties unknown right without"
    assert [row.split()[:2] for row in rows[:3]] == [["agreement", "2"], ["order", "1"], ["all", "3"]]
    assert "are unknown to the model" in err
    found = json.loads(do("probe", "run", pairs, "--json").out)
    assert [row["name"] for row in found["rows"]] == ["agreement", "order"]
    assert (found["items"], found["right"]) == (3, sum(row["right"] for row in found["rows"]))
    assert found["low"] < found["accuracy"] < found["high"] or found["accuracy"] in (0, 1)
    agreement = found["rows"][0]
    assert (agreement["ties"], agreement["unknown"]) == (1, 1)
    assert rows[0].split()[2] == f"{agreement['accuracy']:.1%}"


def test_what_does_not_apply_to_a_formula_is_blank(do, tmp_path):
    regions = [{"region_number": 1, "content": "the bank"}, {"region_number": 2, "content": "was"}]
    suite = {"meta": {"name": "one"}, "predictions": [{"formula": "(2;%only%) < 8"}],
             "items": [{"conditions": [{"condition_name": "only", "regions": regions}]}]}
    (tmp_path / "one.json").write_text(json.dumps(suite))
    found = json.loads(do("probe", "run", tmp_path / "one.json", "--json").out)
    assert (found["chance"], found["ties"], found["rows"][0]["chance"]) == (None, None, None)
    header, row, *_ = do("probe", "run", tmp_path / "one.json").out.splitlines()
    for name in "chance", "ties":
        assert not row[header.index(name):header.index(name) + len(name)].strip()
    do("probe", "run", tmp_path / "one.json", "--picture", tmp_path / "one.svg")
    assert "unigram model" in (tmp_path / "one.svg").read_text(encoding="utf-8")


def test_lower_case_and_the_direction_change_what_is_read(do, pairs):
    plain, lower = (json.loads(do("probe", "run", pairs, "--json", *more).out) for more in ([], ["--lower"]))
    assert plain["unknown"] >= lower["unknown"]
    assert json.loads(do("probe", "run", pairs, "--json", "--direction", "both").out)["direction"] == "both"


def test_the_picture_has_a_row_per_name_and_stays(do, pairs, tmp_path):
    do("probe", "run", pairs, "--picture", tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert all(name in drawn for name in ("agreement", "order", "unigram model", "chance"))
    assert "exists already" in do("probe", "run", pairs, "--picture", tmp_path / "a.svg", code=2).err
    (tmp_path / "empty").mkdir()
    assert "holds no test suite" in do("probe", "run", tmp_path / "empty", code=2).err


def test_pairs_of_equal_sentences_are_counted_and_the_reader_is_told(do, tmp_path):
    row = '{"sentence_good": "the bank was steep .", "sentence_bad": "the bank was steep ."}\n'
    (tmp_path / "same.jsonl").write_text(row)
    out, err = do("probe", "run", tmp_path / "same.jsonl", "--json")
    assert (json.loads(out)["right"], json.loads(out)["ties"]) == (0, 1)
    assert "note: 1 of the pairs is twice the same sentence: ties, which count as wrong" in err


def test_the_senses_of_wic_by_layer(do, tmp_path):
    (tmp_path / "dev.data.txt").write_text("bank\tN\t1-1\tThe bank was steep\tthe bank of the river\n" * 4)
    (tmp_path / "dev.gold.txt").write_text("T\nF\nT\nF\n")
    found = do("probe", "run", tmp_path / "dev.data.txt", "--picture", tmp_path / "wic.svg")
    _, *rows, note = found.out.splitlines()
    assert (rows[0].split()[:3], rows[-1].split()[:2]) == (["layer", "0", "4"], ["average", "4"])
    assert "threshold" in note
    assert "average" in (tmp_path / "wic.svg").read_text(encoding="utf-8")
    found = json.loads(do("probe", "run", tmp_path / "dev.data.txt", "--json", "--lower").out)
    assert [row["name"] for row in found["rows"]][-1] == "average"
    (tmp_path / "short.data.txt").write_text("bank\tN\tThe bank was steep\tthe bank of the river\n")
    _, err = do("probe", "run", tmp_path / "short.data.txt", code=2)
    assert err.endswith(": 4 columns, expected word<TAB>pos<TAB>positions<TAB>first<TAB>second: "
                        "'bank | N | The bank was steep | the bank of the river'\n")     # and no advice of --columns
    assert "words of WiC's sentences are split" in do("probe", "run", tmp_path / "dev.data.txt", "--each", code=2).err
