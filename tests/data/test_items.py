"""Items of an experiment: from lines, from a table of sentences, from a table of regions."""

import gzip

import pytest

from elmo_np.data.items import Columns, Region, read_items
from elmo_np.errors import UserError

REGIONS = """\
item,condition,region,sentence,rt
1,a,subject,The key,310
1,a,verb,"is ""old"", here.",290
1,b,subject,The keys,
1,b,verb,are,300
"""


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_of_text_is_an_item_with_the_number_of_its_line(tmp_path):
    found = read_items(write(tmp_path / "a.txt", "The key, here.\n\n it is \n"))
    assert found == ([[Region({"item": "1"}, "The key, here.")], [Region({"item": "3"}, "it is")]], None, None)


@pytest.mark.parametrize(("delimiter", "name"), [(",", "a.csv"), ("\t", "a.tsv"), (";", "a.csv")])
def test_a_row_of_a_table_is_an_item_with_its_other_columns(tmp_path, delimiter, name):
    rows = [["Item", "Sentence", "list"], ["7", "The key", "x"], ["8", "a bank", ""]]
    path = write(tmp_path / name, "\ufeff" + "".join(delimiter.join(row) + "\r\n" for row in rows))
    assert read_items(path) == ([[Region({"Item": "7", "list": "x"}, "The key")],
                                 [Region({"Item": "8", "list": ""}, "a bank")]], None, None)


def test_consecutive_rows_of_one_item_and_condition_are_the_regions_of_a_sentence(tmp_path):
    items, region, condition = read_items(write(tmp_path / "a.csv", REGIONS))
    assert (region, condition) == ("region", "condition")
    assert [[row.text for row in item] for item in items] == [["The key", 'is "old", here.'], ["The keys", "are"]]
    assert items[1][0].labels == {"item": "1", "condition": "b", "region": "subject", "rt": ""}


def test_columns_are_named_and_a_compressed_table_is_read(tmp_path):
    path = tmp_path / "a.tsv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("story\tzone\tform\n1\t1\tThe\n1\t2\tkey\n2\t1\tIt\n")
    items, region, _ = read_items(path, Columns(text="form", item="story", region="zone"))
    assert [[row.text for row in item] for item in items] == [["The", "key"], ["It"]]
    assert region == "zone"


@pytest.mark.parametrize(("text", "columns", "message"), [
    ("", Columns(), "has no item: expected at least one sentence"),
    ("item,sentence\n", Columns(), "has no item"),
    ("item,sentence\n1,a\n", Columns(text="words"), "has no column 'words': expected one of 'item', 'sentence'"),
    ("item,form\n1,a\n", Columns(item="item"), "has no column named sentence .*: give text='NAME' \\(--text NAME"),
    ("region,sentence\n1,a\n", Columns(), "has no column named item: give item='NAME' \\(--item NAME"),
    ("text,sentence\n1,a\n", Columns(), "the columns text, sentence could each be it"),
    ("item,item,sentence\n1,1,a\n", Columns(), "two columns are named 'item'"),
    ("item,sentence\n1,a, b\n", Columns(), "line 2: 3 columns, expected 2"),
    ('item,sentence\n1,"a\n', Columns(), "line 2: unexpected end of data; expected a cell with a quotation mark"),
    ("item,region,word\n1,a,x\n2,a,x\n1,b,y\n", Columns(), "line 4: item 1 occurs again, .* consecutive rows"),
    ("<html><body>\n", Columns(), "looks like XML or HTML"),
])
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path, text, columns, message):
    with pytest.raises(UserError, match=message):
        read_items(write(tmp_path / "a.csv", text), columns)
