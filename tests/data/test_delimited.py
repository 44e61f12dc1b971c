"""Tables with a header row."""

import pytest

from elmo_np.data.delimited import delimited_rows
from elmo_np.errors import UserError


def read(text):
    names, rows = delimited_rows(text.splitlines(keepends=True), "a.csv")
    return names, list(rows)


def test_rows_have_the_numbers_of_their_lines():
    assert read("a,b\n1,2\n\n 3 ,4\n") == (["a", "b"], [(2, ["1", "2"]), (4, ["3", "4"])])
    assert read("\n\na\tb\n1\t\"2\n") == (["a", "b"], [(4, ["1", '"2'])])
    assert read('sep=;\na;b\n"1\n2";3,5\n4;5\n') == (["a", "b"], [(4, ["1\n2", "3,5"]), (5, ["4", "5"])])


def test_what_is_quoted_does_not_separate():
    assert read('"a;b;c",d\n1;2,3\n') == (["a;b;c", "d"], [(2, ["1;2", "3"])])
    assert read('6" pipe\tb\n1\t2\n') == (['6" pipe', "b"], [(2, ["1", "2"])])
    assert read('"a\tb",c\n1,2\n') == (["a\tb", "c"], [(2, ["1", "2"])])


def test_what_is_blank_at_the_end_is_left_out():
    assert read("a,b,,\n1,2,,\n,,,\n3,4\n") == (["a", "b"], [(2, ["1", "2"]), (4, ["3", "4"])])


def test_a_cell_may_be_as_long_as_a_line():
    assert read("a,b\n1," + "x" * 200_000 + "\n")[1] == [(2, ["1", "x" * 200_000])]


@pytest.mark.parametrize(("text", "message"), [
    ("", "a.csv is empty: expected a header row"),
    ("\n \n", "is empty"),
    ("a,a\n1,2\n", "two columns are named 'a'"),
    ("a,,b\n1,2,3\n", "a column has no name"),
    ("a,b\n1,2\n1\n", "line 3: 1 column, expected 2"),
    ("a\tb\n1\t2\t3\n", "line 2: 3 columns, expected 2, as in the header row"),
    ('a,b\n1,"2\n', "line 2: unexpected end of data; expected CSV"),
    ('a,b\n1,"2"3\n', "line 2: .*; expected CSV"),
])
def test_what_is_no_table_is_refused_with_its_line(text, message):
    with pytest.raises(UserError, match=message):
        read(text)
