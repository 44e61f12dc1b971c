"""The choice of settings by the number of tokens: every row can be trained with, and each class has its own."""

import itertools
import math

import pytest

from elmo_np.cli.main import parser
from elmo_np.config import by_size
from elmo_np.config.by_size import CHOICES, Choice, choice_for, count_tokens
from elmo_np.config.toml_files import override, preset


@pytest.mark.parametrize(("million", "row"), [(0, 0), (0.1, 0), (0.5, 1), (1, 2), (5, 3), (50, 4), (1e6, 4)])
def test_each_class_of_texts_has_its_row(million, row):
    assert choice_for(int(million * 1e6)) is CHOICES[row]


def test_the_rows_rise_and_the_last_has_no_end():
    limits = [choice.below for choice in CHOICES]
    assert all(one < two for one, two in itertools.pairwise(limits))
    assert limits[-1] == math.inf


@pytest.mark.parametrize("choice", CHOICES)
def test_the_options_of_a_row_give_its_settings(choice):
    args = parser().parse_args(["train", "text.txt", "--out", "run", *choice.options()])
    assert override(preset(args.preset), args.set) == choice.settings()


def test_a_short_text_gets_dropout_and_so_does_the_preset_that_most_rows_use():
    assert choice_for(100_000).settings().model.dropout >= 0.3
    assert choice_for(500_000).settings().model.dropout >= 0.3
    assert preset("fast").model.dropout == 0.3


def test_a_note_says_how_much_was_counted_what_is_chosen_and_why(monkeypatch):
    rows = (Choice(10, "small", ("dropout=0.5",), "it is short"), Choice(math.inf, "fast", (), "it is long"))
    monkeypatch.setattr(by_size, "CHOICES", rows)
    assert choice_for(9).note(9) == ("settings for a text of 9 tokens: --preset small --set dropout=0.5: it is short "
                                     "(another preset: --preset NAME)")
    assert choice_for(10).note(12).startswith("settings for a text of more than 10 tokens: --preset fast: it is long")


def test_a_text_is_read_no_further_than_the_choice_depends_on_it(monkeypatch):
    monkeypatch.setattr(by_size, "CHOICES", (Choice(10, "small", (), ""), Choice(math.inf, "fast", (), "")))
    endless = itertools.repeat(["one", "two", "three"])
    assert count_tokens(endless) == 12
    assert count_tokens([["one", "two"], ["three"]]) == 3
    assert count_tokens([]) == 0
