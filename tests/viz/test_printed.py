import re
from itertools import pairwise

import pytest

from elmo_np.viz.printed import COLUMN, INDENT, MARGIN, PAGE, digest, mathtext, pages, pdf
from elmo_np.viz.printed import _blocks as blocks
from elmo_np.viz.printed import _breakable as breakable
from elmo_np.viz.printed import _lines as lines

SHEET = """# A page

Not printed.

$h$ is a state.

## (S) Softmax
Shapes: z (N, V)

- **(S1)** $z = h W$ ← $dW = h dz$
- **(S2)** $p = \\sigma(z)$
"""


def texts(line):
    return [piece.text for piece in line.pieces]


def test_a_page_is_its_title_its_conventions_and_its_rows():
    first, second = blocks(SHEET)
    assert [texts(line) for line in first] == [
        ["A", "page"], ["$h$", "is", "a", "state."], ["(S)", "Softmax"], ["z", "(N,", "V)"],
        ["(S1)", "$z = h W$", "←", "$dW = h dz$"]]
    assert [texts(line) for line in second] == [["(S2)", "$p = \\sigma(z)$"]]


def test_the_gradient_has_another_colour_than_the_equation():
    (row,), = [block[-1:] for block in blocks(SHEET) if len(block) > 1]
    tag, equation, arrow, gradient = (piece.colour for piece in row.pieces)
    assert tag == equation != arrow == gradient


def test_a_line_is_no_wider_than_a_column_and_rows_are_indented():
    first, *others = lines("**(S1)** " + "word " * 200, indent=INDENT)
    assert len(others) > 5
    for line in (first, *others):
        taken = sum(piece.width + piece.space for piece in line.pieces)
        assert line.indent + taken <= COLUMN + line.pieces[-1].space
    assert first.indent == 0
    assert {line.indent for line in others} == {INDENT}
    assert first.pieces[0].width + first.pieces[0].space >= INDENT   # what follows a tag is under what follows others


def test_words_are_as_far_apart_as_their_size_demands():
    small, large = (lines("The equations", size=size)[0].pieces[0] for size in (7, 14))
    assert large.space == 2 * small.space > 4


def test_no_line_ends_with_an_arrow():
    for n in range(40):
        found = lines("**(S1)** " + "m " * n + "← $dW = \\sum_t x_t^\\top da_t$", indent=INDENT)
        assert all(line.pieces[-1].text != "←" for line in found)


def test_a_formula_wider_than_a_column_is_broken_before_a_sign_outside_of_brackets():
    wide = "$s = " + " + ".join(f"f(a_{k} + b_{k})" for k in range(20)) + "$"
    parts = breakable(wide, 8)
    assert len(parts) > 1
    assert "".join(part.strip("$") for part in parts) == wide.strip("$")
    assert all(part[1] in "+=" for part in parts[1:])
    assert all(part.count("(") == part.count(")") for part in parts)
    assert breakable("$a + b$", 8) == ["$a + b$"]


@pytest.mark.parametrize(("formula", "known"), [
    (r"x \sum_{n: w \in S_{i}}^{N} y", r"x \,\sum_{n: w \in S_{i}}^{N}\, y"),
    (r"\lbrace y_n \rbrace", r"\{ y_n \}"), (r"a \le b", r"a \leq b"), (r"\left(x\right)", r"\left(x\right)"),
    (r"\tilde c_t", r"\tilde{c}_t"), (r"\mathrm{first half}", r"\mathrm{first\ half}"), (r"\leftarrow", r"\leftarrow"),
])
def test_a_formula_is_written_as_matplotlib_knows_it(formula, known):
    assert mathtext(formula) == known


def test_columns_are_filled_one_after_another_and_nothing_leaves_the_page():
    long = SHEET + "".join(f"- **(S{k})** $a_{{{k}}} = b$\n" for k in range(3, 300))
    found = pages(long)
    assert len(found) > 1
    places = []
    for figure in found:
        for text in figure.texts:
            x, y = text.get_position()
            assert MARGIN <= x * PAGE[0] < PAGE[0] - MARGIN
            assert MARGIN <= y * PAGE[1] < PAGE[1] - MARGIN
            if tag := re.fullmatch(r"\(S(\d+)\)", text.get_text()):
                places.append(int(tag[1]))
    assert places == sorted(places)
    assert all(later == before + 1 for before, later in pairwise(places))


def test_a_pdf_has_its_pages_the_title_and_the_digest_of_what_was_printed_and_no_date():
    data = pdf(SHEET)
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", data)) == 1
    assert b"(A page)" in data
    assert digest(SHEET).encode() in data
    assert digest(SHEET) != digest(SHEET + " ")
    assert b"CreationDate" not in data
