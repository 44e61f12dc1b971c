"""Formulae over the surprisal of regions."""

import numpy as np
import pytest

from elmo_np.data.formula import Formula
from elmo_np.errors import UserError

VALUES = {("1", "a"): np.array([1.0, 5.0]), ("2", "a"): np.array([2.0, 1.0]), ("*", "b c"): np.array([3.0, 3.0])}


@pytest.mark.parametrize(("text", "expected"), [
    ("(1;%a%) < (2;%a%)", [True, False]),
    ("(1; %a% )>(*;%b c%)", [False, True]),
    ("(1;%a%) + (2;%a%) = (*;%b c%)", [True, False]),
    ("[(1;%a%) < (2;%a%)] & [(2;%a%) < (*;%b c%)]", [True, False]),
    ("[(1;%a%) < (2;%a%)] | [(2;%a%) < 1.5]", [True, True]),
    ("(1;%a%) < 2 | (1;%a%) > 9 & (2;%a%) > 9", [True, False]),
    ("10 - (1;%a%) - 4 > 3", [True, False]),
    ("10 - [(1;%a%) - 4] > 12", [True, False]),
    ("[[(2;%a%)-(1;%a%)]+[(*;%b c%)]]>0", [True, False]),
])
def test_it_holds_for_each_item_as_arithmetic_says(text, expected):
    assert Formula(text)(VALUES).tolist() == expected


def test_it_knows_what_it_reads():
    assert Formula("[(1;%a%) < (2;%a%)] & (*;%b c%) > 0").references == [("1", "a"), ("2", "a"), ("*", "b c")]


@pytest.mark.parametrize("text", ["", "(1;%a%) <", "(1;%a%) (2;%a%)", "[(1;%a%) < 2", "(1;%a%) < 2]", "[1 < 2)",
                                  "1 < x", "__import__('os')", "(1;%a%) ** 2", "[" * 60 + "1" + "]" * 60, "(1;a) < 2"])
def test_text_that_is_no_formula_is_refused(text):
    with pytest.raises(UserError, match=r"expected a formula such as \(2;%good%\) < \(2;%bad%\)"):
        Formula(text)
