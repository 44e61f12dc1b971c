"""Items of an experiment: from lines, from a table of sentences, from a table of regions."""

import gzip
import os
import threading

import pytest

from elmo_np.data.items import Columns, Region, read_items
from elmo_np.errors import UserError
from tests.posix import needs_pipes

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
    assert found == ([[Region({"item": "1"}, "The key, here.")], [Region({"item": "3"}, "it is")]], None, ())


@pytest.mark.parametrize(("delimiter", "name"), [(",", "a.csv"), ("\t", "a.tsv"), (";", "a.csv")])
def test_a_row_of_a_table_is_an_item_with_its_other_columns(tmp_path, delimiter, name):
    rows = [["Item", "Sentence", "list"], ["7", "The key", "x"], ["8", "a bank", ""]]
    path = write(tmp_path / name, "\ufeff" + "".join(delimiter.join(row) + "\r\n" for row in rows))
    assert read_items(path) == ([[Region({"Item": "7", "list": "x"}, "The key")],
                                 [Region({"Item": "8", "list": ""}, "a bank")]], None, ())


def test_consecutive_rows_of_one_item_and_condition_are_the_regions_of_a_sentence(tmp_path):
    items, region, conditions = read_items(write(tmp_path / "a.csv", REGIONS))
    assert (region, conditions) == ("region", ("condition",))
    assert [[row.text for row in item] for item in items] == [["The key", 'is "old", here.'], ["The keys", "are"]]
    assert items[1][0].labels == {"item": "1", "condition": "b", "region": "subject", "rt": ""}


def test_columns_are_named_and_a_compressed_table_is_read(tmp_path):
    path = tmp_path / "a.tsv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("story\tzone\tform\n1\t1\tThe\n1\t2\tkey\n2\t1\tIt\n")
    items, region, _ = read_items(path, Columns(text="form", item="story", region="zone"))
    assert [[row.text for row in item] for item in items] == [["The", "key"], ["It"]]
    assert region == "zone"


@pytest.mark.parametrize(("name", "text"), [
    ("a.txt", "id\tstim\tsentence\n1\tx\tThe key\n"),                # tabs
    ("a.txt", "item;sentence\n1;The key\n"),                           # semicolons, and a name
    ("a.txt", "sentence\nThe key\n"),                                  # a single column
    ("a.txt", "item,sentence\n1,\"The key\"\n"),                       # commas, and both names
    ("a.csv", "sep=;\n\nnumber;sentence\n1;The key\n;\n"),             # Excel's
    ("a.csv", 'number, sentence\n1, "The key"\n'),
    ("a.csv", "sentence,,\nThe key,,\n"),                              # columns without a name or a cell
])
def test_a_table_is_recognised_and_blank_rows_and_columns_are_left_out(tmp_path, name, text):
    items, _, _ = read_items(write(tmp_path / name, text))
    assert [[row.text for row in item] for item in items] == [["The key"]]


@pytest.mark.parametrize("text", ["The word, text, is old .\nit is .\n", "a; b\nc\n", "word\n",
                                  "to be ; or not\nso ; it is\n"])
def test_prose_is_not_taken_for_a_table(tmp_path, text):
    items, region, _ = read_items(write(tmp_path / "a.txt", text))
    assert [item[0].text for item in items] == text.splitlines()
    assert region is None


def test_markup_is_refused(tmp_path):
    with pytest.raises(UserError, match="looks like XML or HTML"):
        read_items(write(tmp_path / "a.txt", "<html><body>\n"))


@needs_pipes
def test_a_pipe_is_read_once(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    lines = [f"line {k}" for k in range(5000)]
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=["\n".join(lines)])
    writer.start()
    items, _, _ = read_items(tmp_path / "pipe")
    writer.join()
    assert [item[0].text for item in items] == lines


def test_quotation_marks_of_tsv_are_part_of_the_text(tmp_path):
    items, _, _ = read_items(write(tmp_path / "a.tsv", 'item\tregion\tword\n1\t1\t"Well\n1\t2\the\n1\t3\tsaid"\n'))
    assert [row.text for row in items[0]] == ['"Well', "he", 'said"']


def test_rows_next_to_one_another_may_be_words_of_one_region(tmp_path):
    items, _, _ = read_items(write(tmp_path / "a.csv", "item,region,word\n1,np,The\n1,np,key\n1,verb,is\n"))
    assert [row.text for row in items[0]] == ["The", "key", "is"]


@pytest.mark.parametrize(("text", "columns", "message"), [
    ("item,region,word\n1,np,a\n1,verb,b\n1,np,a\n1,verb,b\n", Columns(),
     "line 2: item 1 has a region twice .np verb np verb., .* conditions="),
    ("item,region,word\n1,3,c\n1,1,a\n1,2,b\n", Columns(), "line 2: item 1 has its regions in the order 3 1 2"),
    ("item,word\n1,a\n1,b\n", Columns(), "every row holds one word, expected sentences: .* region='NAME'"),
    ("item,region,sentence\n1,a,b\n", Columns(text="region"), "one column was chosen twice"),
    ("", Columns(), "has no item: expected at least one sentence"),
    ("item,sentence\n", Columns(), "has no item"),
    ("item,sentence\n1,a\n", Columns(text="words"), "has no column 'words': expected one of 'item', 'sentence'"),
    ("item,form\n1,a\n", Columns(item="item"), "has no column named sentence .*: give text='NAME' \\(--text NAME"),
    ("region,sentence\n1,a\n", Columns(), "has no column named item: give item='NAME' \\(--item NAME"),
    ("text,sentence\n1,a\n", Columns(), "the columns text, sentence could each be the text: choose one, text='text'"),
    ("item,item,sentence\n1,1,a\n", Columns(), "two columns are named 'item'"),
    ("item,sentence\n1,a, b\n", Columns(), "line 2: 3 columns, expected 2"),
    ('item,sentence\n1,"a\n', Columns(), "line 2: unexpected end of data; expected CSV, where"),
    ("item,region,word\n1,a,x\n2,a,x\n1,b,y\n", Columns(), "line 4: item 1 occurs again, .* consecutive rows"),
])
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path, text, columns, message):
    with pytest.raises(UserError, match=message):
        read_items(write(tmp_path / "a.csv", text), columns)
