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
    ("(2;%a%) + 0.0009 = 2", [True, False]),
    ("(2;%a%) + 0.0011 = 2", [False, False]),
    ("(1;%a%) + 9995.1 = 10000", [False, True]),
    ("(1;%a%) + 9994.8 = 10000", [False, False]),
    ("(1;%a%) < 0" + " + (2;%a%)" * 3000, [True, True]),
])
def test_it_holds_for_each_item_as_arithmetic_says(text, expected):
    assert Formula(text)(VALUES).tolist() == expected


def test_it_knows_what_it_reads():
    assert Formula("[(1;%a%) < (2;%a%)] & (*;%b c%) > 0").references == [("1", "a"), ("2", "a"), ("*", "b c")]


@pytest.mark.parametrize(("text", "relative"), [
    ("(1;%a%) < (2;%a%)", True), ("(1;%a%) - (2;%a%) > 0.0", True), ("(1;%a%) - (2;%a%) > 0.5", False),
    ("[(1;%a%) > 8] & [(2;%a%) > 0]", False)])
def test_it_knows_whether_it_compares_surprisals_with_one_another_alone(text, relative):
    assert Formula(text).relative == relative


@pytest.mark.parametrize(("text", "fault"), [
    ("(2;%a%)", "it is a number and predicts nothing"),
    ("[(2;%a%) - (1;%a%)]", "it is a number and predicts nothing"),
    ("(1;%a%) < (2;%a%) < 3", "< needs a number on either side, given a comparison"),
    ("[(1;%a%) < 2] - [(2;%a%) < 1]", "- needs a number on either side, given a comparison"),
    ("[(1;%a%) < 2] & (2;%a%)", "& needs a comparison on either side, given a number"),
    ("(2;%a%) | (1;%a%) < 2", r"\| needs a comparison on either side, given a number"),
    ("5 < 6", "it reads no region"),
])
def test_a_formula_that_predicts_nothing_is_refused_with_the_reason(text, fault):
    with pytest.raises(UserError, match=fault):
        Formula(text)


@pytest.mark.parametrize("text", ["", "(1;%a%) <", "(1;%a%) (2;%a%)", "[(1;%a%) < 2", "(1;%a%) < 2]", "[1 < 2)",
                                  "1 < x", "__import__('os')", "(1;%a%) ** 2", "[" * 60 + "1" + "]" * 60, "(1;a) < 2"])
def test_text_that_is_no_formula_is_refused(text):
    with pytest.raises(UserError, match=r"expected a formula such as \(2;%good%\) < \(2;%bad%\)"):
        Formula(text)
