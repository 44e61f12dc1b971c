"""Suites of minimal pairs, in the forms that people have."""

import json
import zipfile

import pytest

from elmo_np.data.minimal_pairs import PAIR, VERB, read_suites
from elmo_np.errors import UserError

BLIMP = [{"sentence_good": "Cats run.", "sentence_bad": "Cats runs.", "UID": "agreement_1",
          "linguistics_term": "agreement"}] * 2
GYM = {"meta": {"name": "number"}, "predictions": [{"formula": "(2;%match%) < (2;%mismatch%)"}], "items": [
    {"conditions": [{"condition_name": name, "regions": [{"region_number": 1, "content": "The key"},
                                                         {"region_number": 2, "content": verb}]}
                    for name, verb in (("match", "is"), ("mismatch", "are"))]}]}


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_blimp_is_read_as_a_file_a_directory_and_a_zip(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "one.jsonl").write_text(jsonl(BLIMP))
    (folder / "README.md").write_text("not a suite")
    with zipfile.ZipFile(tmp_path / "BLiMP.zip", "w") as archive:
        archive.writestr("data/one.jsonl", jsonl(BLIMP))
        archive.writestr("__MACOSX/data/._one.jsonl", b"\xb0\x00")
    for path in folder / "one.jsonl", folder, tmp_path / "BLiMP.zip":
        suite, = read_suites(path)
        assert (suite.name, suite.phenomenon, suite.formula.text) == ("agreement_1", "agreement", PAIR)
        assert suite.items == [{"good": {"1": "Cats run."}, "bad": {"1": "Cats runs."}}] * 2


def test_a_suite_of_syntaxgym_has_its_regions_and_its_formula(tmp_path):
    (tmp_path / "number.json").write_text(json.dumps(GYM))
    suite, = read_suites(tmp_path / "number.json")
    assert (suite.name, suite.formula.text) == ("number", "(2;%match%) < (2;%mismatch%)")
    assert suite.items == [{"match": {"1": "The key", "2": "is"}, "mismatch": {"1": "The key", "2": "are"}}]


def test_agreement_sets_are_read_with_their_gold_by_number_of_attractors_or_nonsense(tmp_path):
    (tmp_path / "linzen.text").write_text("the key to the doors is old . <eos>\nthe key is old . <eos>\n")
    (tmp_path / "linzen.gold").write_text("5\tis\tare\t1\n2\tis\tare\t0\n")
    none, one = read_suites(tmp_path / "linzen.text")
    assert (none.phenomenon, one.phenomenon, one.formula.text) == ("0 attractors", "1 attractor", VERB)
    assert one.items == [{"good": {"1": "the key to the doors", "2": "is", "3": "old ."},
                          "bad": {"1": "the key to the doors", "2": "are", "3": "old ."}}]
    row = "N_V\t3\t{}\t2\tVERB\tNumber=Sing\tis\tare\tbe\t1\tNOUN\tthe key\n"
    (tmp_path / "generated.text").write_text("the key is old .\nthe sun eats red .\n")
    (tmp_path / "generated.gold").write_text(row.format(0) + row.format(4))
    found = read_suites(tmp_path / "generated.text")
    assert [suite.phenomenon for suite in found] == ["nonsense", "original"]
    assert found[0].items[0]["bad"] == {"1": "the sun", "2": "are", "3": "red ."}


def test_a_table_of_ones_own(tmp_path):
    (tmp_path / "own.tsv").write_text("good\tbad\tphenomenon\nit is\tit are\tagreement\nhe saw me\thim saw me\tcase\n")
    found = read_suites(tmp_path / "own.tsv")
    assert [(suite.name, len(suite.items)) for suite in found] == [("agreement", 1), ("case", 1)]
    (tmp_path / "own.csv").write_text('bad,good\n"it, are","it, is"\n')
    suite, = read_suites(tmp_path / "own.csv")
    assert suite.items == [{"good": {"1": "it, is"}, "bad": {"1": "it, are"}}]


GYM_WITHOUT = {**GYM, "predictions": [{"formula": "(3;%match%) < (2;%mismatch%)"}]}


@pytest.mark.parametrize(("name", "text", "message"), [
    ("a.tsv", "good\tbad\nit is\tit is\n", "line 2: both sentences are 'it is', expected a difference"),
    ("a.tsv", "good\tworse\nit is\tit are\n", "the columns good, worse, expected good and bad"),
    ("a.jsonl", '{"sentence_good": "a"}\n', "not as expected of a .jsonl suite: KeyError"),
    ("a.jsonl", "nonsense\n", "not as expected of a .jsonl suite"),
    ("a.jsonl", jsonl([{"sentence_good": 1, "sentence_bad": "b"}]), "1 is not a string"),
    ("a.json", "[" * 100000, "not as expected of a .json suite"),
    ("a.json", json.dumps(GYM_WITHOUT), r"a.json, item 1: no region 3 in a condition match"),
    ("a.text", "a b\n", "a.gold"),
    ("a.txt", "it is\n", "expected a name that ends in .csv, .json, .jsonl, .text, .tsv"),
    ("a.zip", "not a zip", "cannot read .*a.zip"),
    ("a.csv", "good,bad\n", "holds no test suite"),
])
def test_what_is_no_suite_is_refused_with_what_was_expected(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        read_suites(tmp_path / name)
