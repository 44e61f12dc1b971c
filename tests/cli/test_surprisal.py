"""`elmo-np surprisal`: one row per word or per region, as CSV, TSV or JSON."""

import csv
import gzip
import io
import json

import pytest

from elmo_np import ELMo
from elmo_np.data.corpus import _stdin
from elmo_np.inference.surprisal import surprisal
from tests.embedding_helpers import alone

ITEMS = '''\
item,condition,region,sentence,rt
1,a,subject,the bank,310
1,a,verb,was xyzzy .,290
1,b,subject,"a ""river""",
1,b,adverb,,
1,b,verb,was .,300
'''
SENTENCES = [["the", "bank", "was", "xyzzy", "."], ["a", '"river"', "was", "."]]


def rows_of(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


@pytest.fixture
def items(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text(ITEMS, encoding="utf-8")
    return path


def test_a_row_per_word_keeps_the_columns_of_its_row(do, items):
    out, err = do("surprisal", "run", items)
    rows = rows_of(out)
    assert [row["word"] for row in rows] == [word for sentence in SENTENCES for word in sentence]
    assert [row["position"] for row in rows] == [*"12345", *"1234"]
    assert list(rows[0])[:5] == ["item", "condition", "region", "rt", "word"]
    assert [rows[2][name] for name in ("item", "condition", "region", "rt")] == ["1", "a", "verb", "290"]
    found = surprisal(ELMo.load("run"), SENTENCES)
    for name, values in {"surprisal": [x.forward for x in found], "backward_surprisal": [x.backward for x in found],
                         "entropy_before": [x.entropy_before for x in found],
                         "entropy_after": [x.entropy_after for x in found],
                         "entropy_reduction": [x.entropy_reduction for x in found],
                         "log_frequency": [x.log_frequency for x in found]}.items():
        assert [float(row[name]) for row in rows] == pytest.approx([x for part in values for x in part], abs=1e-6)
    assert [row["word"] for row in rows if row["unknown"] != "0"] == ["xyzzy", '"river"']
    assert "2 of 9 words (22.2%) are unknown" in err


def test_words_are_those_of_a_corpus_which_ascii_blanks_separate(do, tmp_path):
    (tmp_path / "items.txt").write_text("the 10\u00a0000 bank .\n", encoding="utf-8")
    assert [row["word"] for row in rows_of(do("surprisal", "run", tmp_path / "items.txt").out)] == [
        "the", "10\u00a0000", "bank", "."]
    assert ELMo.load("run").words("the 10\u00a0000") == ["the", "10\u00a0000"]


def test_a_row_per_region_has_sums_and_is_chosen_by_name(do, items):
    words = rows_of(do("surprisal", "run", items).out)
    found = rows_of(do("surprisal", "run", items, "--per", "region").out)
    assert [row["text"] for row in found] == ["the bank", "was xyzzy .", 'a "river"', "", "was ."]
    assert [row["words"] for row in found] == [*"23202"]
    assert float(found[1]["surprisal"]) == pytest.approx(sum(float(row["surprisal"]) for row in words[2:5]), abs=1e-5)
    assert (found[1]["entropy_before"], found[1]["entropy_after"]) == (words[2]["entropy_before"],
                                                                      words[4]["entropy_after"])
    assert {found[3][name] for name in ("surprisal", "entropy_before", "log_frequency")} == {""}
    only = rows_of(do("surprisal", "run", items, "--per", "region", "--only", "verb").out)
    assert only == [found[1], found[4]]


def test_text_is_split_by_the_rules_of_the_model_and_a_word_is_the_sum_of_its_tokens(do, tmp_path):
    (tmp_path / "a.txt").write_text("the bank, was.\n", encoding="utf-8")
    rows = rows_of(do("surprisal", "run", tmp_path / "a.txt", "--tokenize").out)
    assert [(row["word"], row["tokens"]) for row in rows] == [("the", "1"), ("bank,", "2"), ("was.", "2")]
    found = surprisal(ELMo.load("run"), [["the", "bank", ",", "was", "."]])[0].grouped([1, 2, 2])
    assert [float(row["surprisal"]) for row in rows] == pytest.approx(found.forward.tolist(), abs=1e-6)


def test_files_and_objects_hold_the_same(do, items, tmp_path):
    expected = rows_of(do("surprisal", "run", items).out)
    do("surprisal", "run", items, "--out", tmp_path / "out.tsv")
    assert rows_of((tmp_path / "out.tsv").read_text(encoding="utf-8"), "\t") == expected
    objects = [json.loads(line) for line in do("surprisal", "run", items, "--json").out.splitlines()]
    assert [row["word"] for row in objects] == [row["word"] for row in expected]
    values = [float(row["surprisal"]) for row in expected]
    assert [row["surprisal"] for row in objects] == pytest.approx(values, abs=1e-6)


def test_several_rows_may_be_the_words_of_one_region(do, tmp_path):
    words = "item,region,word\n1,subject,the\n1,subject,bank\n1,verb,was\n1,verb,.\n"
    (tmp_path / "a.csv").write_text(words, encoding="utf-8")
    (tmp_path / "b.csv").write_text("item,region,word\n1,subject,the bank\n1,verb,was .\n", encoding="utf-8")
    one, other = (rows_of(do("surprisal", "run", tmp_path / name, "--per", "region").out)
                  for name in ("a.csv", "b.csv"))
    assert one == other
    assert [row["text"] for row in one] == ["the bank", "was ."]


def test_items_are_read_from_standard_input_and_conditions_may_be_several(do, tmp_path, monkeypatch):
    table = "subject,item,cond,region,word\n" + "".join(
        f"{subject},1,{cond},{k},{word}\n" for subject in "12" for cond in "ab"
        for k, word in enumerate(("the", "bank"), 1))
    (tmp_path / "a.csv").write_text(table, encoding="utf-8")
    command = ("--condition", "cond", "--condition", "subject")
    expected = do("surprisal", "run", tmp_path / "a.csv", *command).out
    assert [row["position"] for row in rows_of(expected)] == [*"12"] * 4
    for given in table.encode(), gzip.compress(table.encode()):
        _stdin.cache_clear()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), "ascii"))
        assert do("surprisal", "run", "-", *command).out == expected
    for given, message in (b"caf\xe9\n", "standard input, line 1: not UTF-8"), (b"a\0b\n", "has NUL bytes"):
        _stdin.cache_clear()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), "utf-8", "surrogateescape"))
        assert message in do("surprisal", "run", "-", code=2).err
    _stdin.cache_clear()


def test_state_is_carried_over_a_text_where_asked(do, tmp_path):
    (tmp_path / "a.txt").write_text("the bank .\nthe bank .\n", encoding="utf-8")
    alone, carried = (rows_of(do("surprisal", "run", tmp_path / "a.txt", "--state", state).out)
                      for state in ("reset", "carry"))
    assert [row["surprisal"] for row in alone[:3]] == [row["surprisal"] for row in alone[3:]]
    assert [row["surprisal"] for row in carried[:3]] != [row["surprisal"] for row in carried[3:]]


@pytest.mark.parametrize(("text", "options", "message"), [
    (ITEMS, ["--only", "object"], "--only object: no row has this region; expected one of subject, verb, adverb"),
    (ITEMS, ["--item", "story"], "has no column 'story'"),
    (ITEMS, ["--out", "no/where.csv"], "is in a directory that does not exist"),
    (ITEMS, ["--out", "new.svg"], "new.svg ends like a file of another format than is written: expected one of .csv, "
     ".tsv, .txt, or no ending"),
    (ITEMS, ["--out", "new.csv", "--json"], "expected one of .jsonl, .ndjson, .json, .txt, or no ending"),
    (ITEMS, ["--text", "region"], "one column was chosen twice"),
    ("item,sentence\n1,a\n", ["--only", "verb"], "has no column of regions: name it with --region"),
    ("item,sentence,surprisal\n1,a,2\n", [], "has a column 'surprisal', which the output uses itself: rename it"),
    ("item,sentence\n1,\n", [], "the item '1' has no word"),
])
def test_mistakes_are_said_in_one_line(do, tmp_path, text, options, message):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert message in do("surprisal", "run", tmp_path / "a.csv", *options, code=2).err


def test_the_picture_has_the_means_of_regions_by_condition(do, items, tmp_path):
    do("surprisal", "run", items, "--picture", tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert all(f">{name}<" in drawn for name in ("subject", "verb", "a", "b", "surprisal (bits)"))
    assert ">adverb<" not in drawn      # it is empty
    assert "exists already" in do("surprisal", "run", items, "--picture", tmp_path / "a.svg", code=2).err
    (tmp_path / "a.txt").write_text("the bank\n", encoding="utf-8")
    assert "has no column of regions" in do("surprisal", "run", tmp_path / "a.txt", "--picture", "b.svg", code=2).err


@pytest.mark.parametrize(("direction", "label"), [("forward", "surprisal (bits)"),
                                                  ("backward", "backward surprisal (bits)")])
def test_the_picture_of_a_model_of_one_direction_has_the_surprisal_that_it_knows(do, items, tmp_path, direction, label):
    alone(ELMo.load("run"), direction).save(tmp_path / "one")
    do("surprisal", tmp_path / "one", items, "--picture", tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert all(f">{name}<" in drawn for name in ("subject", "verb", "a", "b", label))


def test_an_earlier_result_stays(do, items, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    assert "exists already" in do("surprisal", "run", items, "--out", tmp_path / "out.csv", code=2).err
    assert (tmp_path / "out.csv").read_text() == "mine"
