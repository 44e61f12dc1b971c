"""tables: the format of a file is recognised, columns are found by name and number, a mistake names its line."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.data.tables import begins_with_labels, is_table, parsed_columns, table_rows

ROLES = {"sentence": ("sentence", "text"), "label": ("label", "class")}


@pytest.fixture
def write(tmp_path):
    def write(text, name="file.txt"):
        (tmp_path / name).write_bytes(text.encode())
        return str(tmp_path / name)
    return write


def rows(path, columns=(), **more):
    return list(table_rows(path, ROLES, dict(columns), **more))


def test_columns_are_numbers_or_names():
    assert parsed_columns(None, ROLES) == {}
    assert parsed_columns("label=1, sentence=Tweet", ROLES) == {"label": "1", "sentence": "Tweet"}


@pytest.mark.parametrize("text", ["", "label", "label=", "label=0", "text=1", "label=1,label=2"])
def test_wrong_columns_are_reported(text):
    with pytest.raises(UserError, match="expected sentence=COLUMN,label=COLUMN, where COLUMN is the number"):
        parsed_columns(text, ROLES)


def test_tabs_separate_columns_and_quotation_marks_stay(write):
    assert rows(write('"a\tx\n\n b \ty\n')) == [(1, ['"a', "x"]), (3, ["b", "y"])]
    assert rows(write("\na\tx\n\n"), blank=True) == [(1, []), (2, ["a", "x"]), (3, [])]


def test_a_header_row_names_the_columns(write):
    assert rows(write("class\tid\ttext\nx\t1\ta\n")) == [(2, ["a", "x"])]
    assert rows(write("post\tlabel\na\tx\n")) == [(2, ["a", "x"])]
    assert rows(write("text\tlabel\na\tx\n"), {"sentence": "1", "label": "2"}.items()) == [(2, ["a", "x"])]
    assert rows(write("kind\ttext\nx\ta\n"), {"sentence": "2", "label": "1"}.items()) == [(2, ["a", "x"])]
    assert rows(write("kind\tfilm\nx\ta\n"), {"sentence": "2", "label": "1"}.items())[0] == (1, ["film", "kind"])
    assert rows(write("post\tstance\na\tx\n"), {"sentence": "post", "label": "stance"}.items()) == [(2, ["a", "x"])]


def test_csv_may_quote_cells(write):
    text = '"a, ""b""\nc",x\nd,y\n'
    assert rows(write(text, "file.csv")) == [(2, ['a, "b"\nc', "x"]), (3, ["d", "y"])]
    assert rows(write("text;label\n" + text.replace(",x", ";x").replace("d,", "d;")))[0] == (3, ['a, "b"\nc', "x"])
    assert rows(write('"a; b; c",x\nd,y\n', "file.csv")) == [(1, ["a; b; c", "x"]), (2, ["d", "y"])]


@pytest.mark.parametrize("name", ["file.csv", "file.txt"])
def test_cells_of_csv_may_have_tabs(name, write):
    assert rows(write('text,label\n"a\tb",x\nc\td,y\n', name)) == [(2, ["a\tb", "x"]), (3, ["c\td", "y"])]
    assert rows(write("a, b\tx\nd\ty\n", name)) == [(1, ["a, b", "x"]), (2, ["d", "y"])]


def test_a_csv_of_one_column_has_single_cells_also_where_nobody_quoted_their_commas(write):
    path = write('text\nHello, world\n"a, b"\nBye\n', "file.csv")
    assert [cells for _, cells in table_rows(path, {"sentence": ("text",)}, None)] == [
        ["Hello, world"], ["a, b"], ["Bye"]]


def test_a_quotation_mark_within_a_cell_of_tsv_opens_nothing(write):
    assert rows(write('6" pipe\tx\na\ty\n', "file.csv")) == [(1, ['6" pipe', "x"]), (2, ["a", "y"])]
    assert rows(write('He said, "hi\tx\na\ty\n', "file.csv")) == [(1, ['He said, "hi', "x"]), (2, ["a", "y"])]


def test_json_lines_are_read_by_name(write):
    path = write('{"label": 1, "text": "a"}\n\n{"text": ["b", "c"], "label": true}\n{"text": "d"}\n')
    assert rows(path) == [(1, ["a", "1"]), (3, ["b c", "true"]), (4, ["d", ""])]


@pytest.mark.parametrize(("text", "columns", "message"), [
    ("a\tx\nb\n", {}, "line 2: 1 column, expected sentence<TAB>label: 'b'"),
    ("a\tx\tz\n", {}, "line 1: 3 columns, expected sentence<TAB>label: 'a | x | z'; or choose with --columns"),
    ("text\tlabel\na\n", {}, "line 2: 1 column, expected 2 columns, as in the first row"),
    ("a\tx\n", {"sentence": "1"}, "line 1: 2 columns, expected sentence<TAB>label"),
    ("a\tx\n", {"sentence": "3", "label": "1"}, "has no column 3: expected a number from 1 to 2: change --columns"),
    ("a\tx\n", {"sentence": "9" * 5000, "label": "1"}, "has no column 9999"),
    ("a\tx\n", {"sentence": "b", "label": "1"}, "has no column b: expected a number from 1 to 2, or one of a, x"),
    ('{"a": 1, "b": 2}\n{"a"\n', {"sentence": "a", "label": "b"}, "line 2: expected one JSON object per line: '{"),
    ('{"a": 1, "b": 2}\n7\n', {"sentence": "a", "label": "b"}, "line 2: expected a JSON object"),
    ("a\tx\n", {"sentence": "2", "label": "2"}, "column 2 is chosen for sentence and label: expected a"),
    ('{"a": 1, "b": 2}\n', {}, "2 columns, expected sentence<TAB>label: 'a | b'; or choose with --columns"),
    ('[{"text": "a"}]\n', {}, "is a JSON array, expected one object per line"),
    ('text,label\na "b" c,x\n"d" e,y\n', {}, "line 3: "),
])
def test_mistakes_are_reported(text, columns, message, write):
    with pytest.raises(UserError) as error:
        rows(write(text), columns.items())
    assert message in str(error.value)


def test_lines_that_begin_with_a_label_are_told_from_sentences():
    assert begins_with_labels(["DESC:manner How ?", "NUM:date When ?"])
    assert begins_with_labels(["DESC How ?", "NUM When ?", "DESC Why ?"])
    assert not begins_with_labels(["NASA has a plan .", "ESA has another ."])
    assert not begins_with_labels(["DESC:manner How ?", "When ?"])
    assert not begins_with_labels([])


def test_a_table_is_told_from_sentences(write):
    roles = {"sentence": ("sentence", "text")}
    assert is_table(write("id,text\n1,a\n"), roles)
    assert is_table(write('{"text": "a"}\n'), roles)
    assert is_table(write("text\na b\n", "new.csv"), roles)
    assert not is_table(write("a b\nc d\n", "new.csv"), roles)
    assert not is_table(write("text\na b\n"), roles)
    assert not is_table(write("Well, a text\n"), roles)
    assert not is_table(write("a\tb\n"), roles)
