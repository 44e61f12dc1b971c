"""The cheat sheet has every equation of tutorials/equations.md but those of other cells than the LSTM, as it is there,
and prints on two pages.

    python -m tests.whole.test_cheat_sheet       writes tutorials/cheat-sheet.pdf from cheat-sheet.md
"""

import re
from pathlib import Path

import numpy as np
import pytest

from elmo_np.nn.char_cnn import Highway
from elmo_np.nn.embedding import Embedding
from elmo_np.nn.lstm import LSTM
from elmo_np.nn.parameter import parameters
from elmo_np.nn.representation import ScalarMix, WordVector
from elmo_np.nn.softmax import Softmax
from elmo_np.tasks.nn.attention import AdditiveAttention
from elmo_np.tasks.nn.linear import Linear
from elmo_np.viz import printed

from .test_equations import CONSTANT, DEFINED, LETTERS, NO_BACKWARD, OTHER_CELLS, SHEET

FOLDER = Path(__file__).parents[2] / "tutorials"
PDF = FOLDER / "cheat-sheet.pdf"
CHEAT_SHEET = (FOLDER / "cheat-sheet.md").read_text(encoding="utf-8")
ROW = re.compile(r"^- \*\*\(([A-Z]\d+)\)\*\* (.*)$", re.MULTILINE)


def bare(formula):
    """A formula without what only spaces it or sizes its brackets; a space stands for the line in `cell_clip`."""
    formula = formula.replace(r"\lbrace", r"\{").replace(r"\rbrace", r"\}")
    return re.sub(r"\\(?:[,;! _]|q?quad\b|[Bb]ig\b)|\s", "", formula)


def section(letter):
    """The section of a letter in the sheet; what is before all of them for no letter."""
    parts = re.split(r"^## ", SHEET, flags=re.MULTILINE)
    if not letter:
        return parts[1]
    return next(part for part in parts if f"({letter}): `" in part.partition("\n")[0])


def sections():
    """{letter: text} of the cheat sheet, with "" for the three rules."""
    _, *parts = re.split(r"^## ", CHEAT_SHEET, flags=re.MULTILINE)
    return {(re.match(r"\(([A-Z])\)", part) or [None, ""])[1]: part for part in parts}


def test_it_has_every_equation_once_in_the_order_of_the_sheet():
    rows = [tag for tag, _ in ROW.findall(CHEAT_SHEET)]
    needed = [tag for tag in DEFINED if tag[0] not in OTHER_CELLS]
    assert rows == needed, f"add {set(needed) - set(rows)} and run python -m tests.whole.test_cheat_sheet"
    assert list(sections()) == ["", *(letter for letter in LETTERS if letter not in OTHER_CELLS)]


def formulas(text):
    return re.findall(r"\$([^$]+)\$", text)


def definition(tag):
    """What the sheet says of an equation, up to the next one or to a derivation."""
    after = SHEET.partition(f"**({tag})**")[2]
    return re.split(r"^\*\*\(|^\*.*[Bb]ackward\.\*|^## ", after, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("letter", sections())
def test_every_formula_is_on_the_sheet_in_the_section_of_its_letter(letter):
    there = bare(section(letter))
    shown = formulas(sections()[letter])
    assert shown
    assert [formula for formula in shown if bare(formula) not in there] == []


@pytest.mark.parametrize(("tag", "row"), ROW.findall(CHEAT_SHEET))
def test_an_equation_is_that_of_its_definition_and_has_its_gradient_after_the_arrow(tag, row):
    equation, arrow, gradient = row.partition(" ← ")
    there = bare(definition(tag))
    assert formulas(equation)
    assert [formula for formula in formulas(equation) if bare(formula) not in there] == []
    has_none = tag[0] in NO_BACKWARD or tag in {"F5", "F6", "F7", *CONSTANT}      # F5 to F7 are a backward pass
    assert bool(arrow and gradient) != has_none


SIZES = {"T": 2, "B": 3, "V": 11, "D": 5, "H": 7, "P": 4, "F": 6, "A": 9, "C": 13, "J": 3, "width": 10}


def shapes(letter):
    """{name: shape} of a section's line of shapes, at SIZES; "W (V, P)" is {"W": (11, 4)}, "b and v (A)" two."""
    line = re.search(r"^Shapes: (.*)$", sections()[letter], re.MULTILINE)[1]
    found = {}
    for names, dimensions in re.findall(r"(\w+(?: and \w+)?) \(([^)]*)\)", line):
        sizes = [re.fullmatch(r"(\d*)(\w+)", part.strip()) for part in dimensions.split(",")]
        if all(size and size[2] in SIZES for size in sizes):
            shape = tuple(int(size[1] or 1) * SIZES[size[2]] for size in sizes)
            found |= dict.fromkeys(names.split(" and "), shape)
    return found


def layers():
    """{letter: a layer of SIZES}: those whose arrays are named as on the sheet."""
    s = SIZES
    rng = np.random.default_rng(0)
    return {"E": Embedding(s["V"], s["D"], rng=rng), "L": LSTM(s["D"], s["H"], s["P"], rng=rng),
            "S": Softmax(s["P"], s["V"], rng=rng), "V": WordVector(2 * s["P"], s["width"], rng=rng),
            "K": Linear(s["D"], s["C"], rng=rng), "Z": AdditiveAttention(s["P"], s["D"], s["A"], rng=rng)}


@pytest.mark.parametrize("letter", "ELSVKZ")
def test_the_shapes_are_those_of_the_arrays(letter):
    arrays = {name: parameter.value.shape for name, parameter in parameters(layers()[letter]).items()}
    assert arrays.items() <= shapes(letter).items()


def test_the_shapes_of_a_mix_and_of_a_highway_layer_are_those_of_the_arrays():
    assert ScalarMix(SIZES["J"]).w.value.shape == shapes("V")["w"]
    highway = Highway(SIZES["F"], rng=np.random.default_rng(0), dtype=np.float32)
    assert highway.Wr.value.shape == highway.Wt.value.shape == shapes("C")["Wr"] == shapes("C")["Wt"]


def test_a_line_of_shapes_is_under_every_letter():
    for letter, text in sections().items():
        assert not letter or text.splitlines()[1].startswith("Shapes: ")


def test_it_is_printed_on_two_pages_and_the_pdf_is_current():
    assert len(printed.pages(CHEAT_SHEET)) == 2
    data = PDF.read_bytes()
    assert len(re.findall(rb"/Type /Page\b", data)) == 2
    assert printed.digest(CHEAT_SHEET).encode() in data, "changed: run python -m tests.whole.test_cheat_sheet"


if __name__ == "__main__":
    PDF.write_bytes(printed.pdf(CHEAT_SHEET))
