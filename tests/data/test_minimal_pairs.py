"""Suites of minimal pairs, in the forms that people have."""

import gzip
import json
import zipfile

import pytest

from elmo_np.data import minimal_pairs
from elmo_np.data.minimal_pairs import PAIR, VERB, equal_pairs, read_suites
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
    folder = tmp_path / "unpacked" / "data"
    folder.mkdir(parents=True)
    (folder / "._one.jsonl").write_bytes(b"\xb0\x00")
    (folder / "one.jsonl").write_text(jsonl(BLIMP))
    (folder / "README.md").write_text("not a suite")
    with zipfile.ZipFile(tmp_path / "BLiMP.zip", "w") as archive:
        archive.writestr("data/one.JSONL", "\ufeff" + jsonl(BLIMP))
        archive.writestr("__MACOSX/data/._one.jsonl", b"\xb0\x00")
    for path in folder / "one.jsonl", folder, folder.parent, tmp_path / "BLiMP.zip":
        suite, = read_suites(path)
        assert (suite.name, suite.phenomenon, suite.formula.text) == ("agreement_1", "agreement", PAIR)
        assert suite.items == [{"good": {"1": "Cats run."}, "bad": {"1": "Cats runs."}}] * 2


def test_rows_of_several_sets_in_one_file_are_told_apart(tmp_path):
    rows = [{"sentence_good": f"{k}", "sentence_bad": "b", "UID": title, "linguistics_term": term}
            for k, (title, term) in enumerate([("1", "case"), ("2", "case"), ("1", "case"), ("1", "number")])]
    (tmp_path / "all.jsonl").write_text(jsonl([*rows, {"sentence_good": "4", "sentence_bad": "b"}]))
    found = [(suite.name, suite.phenomenon, [item["good"]["1"] for item in suite.items])
             for suite in read_suites(tmp_path / "all.jsonl")]
    assert found == [("1", "case", ["0", "2"]), ("2", "case", ["1"]), ("1", "number", ["3"]), ("all", "all", ["4"])]


def test_equal_sentences_are_counted_in_published_suites_and_refused_in_a_table(tmp_path):
    rows = [{"sentence_good": "it is", "sentence_bad": bad} for bad in ("it  is", "it are", "it is")]
    (tmp_path / "same.jsonl").write_text(jsonl(rows))
    assert equal_pairs(read_suites(tmp_path / "same.jsonl")) == 2
    (tmp_path / "same.csv").write_text("good,bad\nit is,it are\nit is,it is \n")
    with pytest.raises(UserError, match="line 3: 'it is' is both good and bad: expected two sentences that differ"):
        read_suites(tmp_path / "same.csv")
    (tmp_path / "same.text").write_text("it is old\n")
    (tmp_path / "same.gold").write_text("1\tis\tis\t0\n")
    assert equal_pairs(read_suites(tmp_path / "same.text")) == 1


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


def test_a_table_as_spreadsheets_write_it_compressed_or_not(tmp_path):
    (tmp_path / "own.csv").write_text("Good;Bad\nit , is;it , are\n")
    (tmp_path / "own.tsv.gz").write_bytes(gzip.compress(b"good\tbad\nit , is\tit , are\n"))
    for name in "own.csv", "own.tsv.gz":
        suite, = read_suites(tmp_path / name)
        assert (suite.name, suite.items) == ("own", [{"good": {"1": "it , is"}, "bad": {"1": "it , are"}}])


def test_a_compressed_agreement_set_has_its_gold_beside_it(tmp_path):
    (tmp_path / "a.text.gz").write_bytes(gzip.compress(b"it is <eos>\n"))
    (tmp_path / "a.gold").write_text("1\tis\tare\t0\n")
    suite, = read_suites(tmp_path / "a.text.gz")
    assert (suite.name, suite.items[0]["bad"]) == ("a, 0 attractors", {"1": "it", "2": "are", "3": ""})


def gym(regions=(1, 2), conditions=("match", "mismatch"), **changes):
    """GYM with these numbers of regions and names of conditions, and with other values."""
    items = [{"conditions": [{"condition_name": name, "regions": [{"region_number": k, "content": "is"}
                                                                  for k in regions]} for name in conditions]}]
    return json.dumps({**GYM, "items": items, **changes})


GYM_WITHOUT = {**GYM, "predictions": [{"formula": "(3;%match%) < (2;%mismatch%)"}]}


@pytest.mark.parametrize(("name", "text", "message"), [
    ("a.csv", "good,bad\nit , is,it , are\n", r"a.csv, line 2: 4 columns, expected 2"),
    ("a.tsv", "good\tbad\nit is\tit are\nit is\n", r"a.tsv, line 3: 1 column, expected 2"),
    ("a.tsv", "good\tbad\tphenomenon\nit is\t\tcase\n", r"a.tsv, line 2: a sentence has no word"),
    ("a.tsv", "good\tGood\tbad\nit is\tit is\tit are\n", "the column 'good' occurs twice"),
    ("a.tsv", "good\tworse\nit is\tit are\n", "the columns good, worse, expected good and bad"),
    ("a.jsonl", '{"sentence_good": "a"}\n', r"line 1: no 'sentence_bad'; expected rows as of BLiMP"),
    ("a.jsonl", "\nnonsense\n", r"a.jsonl, line 2: Expecting value at column 1; expected JSON"),
    ("a.jsonl", "[]\n", r"line 1: \[\] is not an object"),
    ("a.jsonl", '{"sentence_good": "a", "sentence_good": "c", "sentence_bad": "b"}', "'sentence_good' occurs twice"),
    ("a.jsonl", jsonl([*BLIMP, {**BLIMP[0], "UID": 5}]), "line 3: 5 is not a string"),
    ("a.jsonl", jsonl([{**BLIMP[0], "linguistics_term": None}]), "line 1: None is not a string"),
    ("a.jsonl", jsonl([{"sentence_good": 1, "sentence_bad": "b"}]), "1 is not a string"),
    ("a.json", "[" * 100000, "expected a suite of SyntaxGym"),
    ("a.json", '{\n"meta": x}', r"a.json, line 2: Expecting value at column 9"),
    ("a.json", gym(meta={"name": 3}), r"a.json: 3 is not a string; expected a suite of SyntaxGym"),
    ("a.json", gym(meta={"name": "a", "metric": "mean"}), "the metric 'mean', expected 'sum'"),
    ("a.json", gym(regions=(2, 2)), "item 1: the region '2' occurs twice"),
    ("a.json", gym(conditions=("match", "match")), "item 1: the condition 'match' occurs twice"),
    ("a.json", gym(conditions=(1, "match")), "item 1: 1 is not a string"),
    ("a.json", gym(items=[]), "items: 0, predictions: 1; expected at least one of each"),
    ("a.json", gym(predictions=[]), "items: 1, predictions: 0; expected at least one of each"),
    ("a.json", gym(predictions=[{"formula": 5}]), "5 is not a string"),
    ("a.json", gym(predictions=[{"formula": "5 < 6"}]), r"a.json: the formula '5 < 6': it reads no region"),
    ("a.json", json.dumps(GYM_WITHOUT), r"a.json, item 1: no region 3 in a condition match"),
    ("a.text", "a b\n", "a.gold"),
    ("a.txt", "it is\n", "that ends in .csv, .json, .jsonl, .text, .tsv; or WiC's NAME.data.txt"),
    ("a.jsonl", '{"word": "bank", "sentence1": "a"}\n', "no 'sentence_good'; expected rows .*, or WiC's"),
    ("a.zip", "not a zip", "cannot read .*a.zip"),
    ("a.csv", "good,bad\n", "holds no test suite"),
])
def test_what_is_no_suite_is_refused_with_what_was_expected(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        read_suites(tmp_path / name)


@pytest.mark.parametrize(("gold", "message"), [
    ("1\tis\tare\t0\n", r"a.text has 2 lines and .*a.gold 1: expected as many"),
    ("1\tis\tare\t0\n2\tis\tare\t0\n", r"a.gold, line 2: the position 2 in a sentence of 2 words"),
    ("1\tis\tare\t0\n-1\tis\tare\t0\n", r"a.gold, line 2: the position -1 in a sentence of 2 words"),
    ("1\tis\tare\t0\nx\tis\tare\t0\n", r"a.gold, line 2: invalid literal .*'x'; expected the position"),
    ("1\tis\tare\t0\n1\tis\tare\n", r"a.gold, line 2: 3 columns; expected the position"),
    ("1\tis\tare\t0\n1\tis\t\t0\n", r"a.gold, line 2: a form of the verb is missing"),
])
def test_a_gold_row_that_does_not_fit_its_sentence_is_refused_with_its_line(tmp_path, gold, message):
    (tmp_path / "a.text").write_text("it is <eos>\n" * 2)
    (tmp_path / "a.gold").write_text(gold)
    with pytest.raises(UserError, match=message):
        read_suites(tmp_path / "a.text")


def test_an_agreement_set_in_a_zip_is_refused_as_its_gold_is_not_read_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.gold").write_text("1\tis\tare\t0\n")
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("a.text", "it is\n")
    with pytest.raises(UserError, match=r"a.zip holds a.text, whose .gold is not read from a zip: unpack it"):
        read_suites(tmp_path / "a.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_zip_ends_in_one_line(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "whole.zip", "w", method) as archive:
        archive.writestr("one.jsonl", jsonl(BLIMP))
    whole = (tmp_path / "whole.zip").read_bytes()
    assert len(read_suites(tmp_path / "whole.zip")) == 1
    refused = 0
    for k in range(len(whole)):
        (tmp_path / "damaged.zip").write_bytes(whole[:k] + bytes([whole[k] ^ 0xff]) + whole[k + 1:])
        try:
            read_suites(tmp_path / "damaged.zip")
        except UserError:
            refused += 1
    assert refused > len(whole) / 2


def test_all_files_in_a_zip_together_have_a_limit(tmp_path, monkeypatch):
    size = len(jsonl(BLIMP))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in "one.jsonl", "two.jsonl":
            archive.writestr(name, jsonl(BLIMP))
    monkeypatch.setattr(minimal_pairs, "LARGEST", 2 * size)
    assert len(read_suites(tmp_path / "a.zip")) == 2
    monkeypatch.setattr(minimal_pairs, "LARGEST", 2 * size - 1)
    with pytest.raises(UserError, match=rf"holds {2 * size:,} bytes of suites, expected at most {2 * size - 1:,}"):
        read_suites(tmp_path / "a.zip")
