"""wic: the files of WiC as they are, in both forms that they are given out in."""

import json
import re

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.data.examples import WordPair
from elmo_np.tasks.data.wic import read_wic

DATA = ("carry\tV\t2-1\tYou must carry your camping gear .\tSound carries well over water .\n"
        "go\tV\t2-0\tMessages must go through diplomatic channels .\tgo to the \"dogs\" .\n")


@pytest.fixture
def wic(tmp_path):
    """Write train.data.txt, and train.gold.txt if answers are given."""
    def write(data=DATA, gold="F\nT\n"):
        (tmp_path / "train.data.txt").write_text(data)
        if gold is not None:
            (tmp_path / "train.gold.txt").write_text(gold)
        return str(tmp_path / "train.data.txt")
    return write


def test_pairs_have_the_answers_of_the_file_next_to_theirs(wic):
    found = read_wic(wic())
    assert found.sentences == [["You", "must", "carry", "your", "camping", "gear", "."],
                               ["Messages", "must", "go", "through", "diplomatic", "channels", "."]]
    assert found.labels == [WordPair("carry", (2, 1), ["Sound", "carries", "well", "over", "water", "."], "F"),
                            WordPair("go", (2, 0), ["go", "to", "the", '"dogs"', "."], "T")]


def test_pairs_to_predict_need_no_answers_and_keep_blank_lines(wic):
    found = read_wic(wic(DATA.replace("\n", "\n\n"), None), labelled=False)
    assert [bool(own) for own in found.sentences] == [True, False, True, False]
    assert found.labels[0].answer == ""
    assert found.labels[1] is None


def test_superglue_gives_raw_sentences_and_positions_in_characters(tmp_path):
    rows = [{"word": "place", "sentence1": "Don't come to my place, later.", "sentence2": "No place for that?",
             "idx": 0, "start1": 17, "end1": 22, "start2": 3, "end2": 8, "version": 1.1, "label": True}]
    (tmp_path / "val.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (sentence, *_), (pair, *_) = read_wic(str(tmp_path / "val.jsonl"))
    assert sentence == ["Do", "n't", "come", "to", "my", "place", ",", "later", "."]
    assert pair == WordPair("place", (5, 1), ["No", "place", "for", "that", "?"], "T")
    del rows[0]["label"]
    (tmp_path / "test.jsonl").write_text(json.dumps(rows[0]) + "\n")
    assert read_wic(str(tmp_path / "test.jsonl"), labelled=False).labels[0].positions == (5, 1)
    with pytest.raises(UserError, match=r"test.jsonl has no 'label': expected rows with word, sentence1, start1"):
        read_wic(str(tmp_path / "test.jsonl"))


def test_superglue_counts_characters_from_the_first_blank_and_keeps_blank_lines(tmp_path):
    row = {"word": "bank ", "sentence1": "  the bank is near", "start1": 6, "end1": 10, "sentence2": "a bank",
           "start2": 2, "end2": 6}
    (tmp_path / "test.jsonl").write_text(f"{json.dumps(row)}\n\n{json.dumps(row)}\n")
    found = read_wic(str(tmp_path / "test.jsonl"), labelled=False)
    assert found.sentences == [["the", "bank", "is", "near"], [], ["the", "bank", "is", "near"]]
    assert found.labels[0] == WordPair("bank", (1, 1), ["a", "bank"], "")


def test_superglue_may_be_a_table_with_blanks_around_its_cells(tmp_path):
    (tmp_path / "train.csv").write_text("word, sentence1, start1, end1, sentence2, start2, end2, label\n"
                                        "bank, a bank, 3, 7,the bank, 4, 8, false\n")
    found = read_wic(str(tmp_path / "train.csv"))
    assert found.labels == [WordPair("bank", (1, 1), ["the", "bank"], "F")]


@pytest.mark.parametrize(("data", "gold", "message"), [
    (DATA, None, "train.data.txt has no answers: expected a file NAME.data.txt and, next to it, NAME.gold.txt"),
    (DATA, "T\n", "train.gold.txt has 1 answers, .*train.data.txt 2 pairs: expected one answer per pair"),
    (DATA, "T\nF\nT\n", "train.gold.txt has 3 answers"),
    (DATA, "T\n1\n", "train.gold.txt, line 2: '1', expected T or F"),
    ("carry\tV\t3-1\tYou must .\tSound carries\n", "T\n", "line 1: position 3 in a sentence of 3 tokens"),
    ("carry\tV\t0-9\tYou must .\tSound carries\n", "T\n", "line 1: position 9 in a sentence of 2 tokens"),
    ("carry\tV\t2\tYou must .\tSound carries\n", "T\n", "line 1: '2', expected the positions of the word in both"),
    (f"carry\tV\t{'9' * 5000}-1\tYou must .\tSound carries\n", "T\n", "line 1: '9*, expected the positions of"),
    ("carry\tV\tYou must .\tSound carries\n", "T\n", "line 1: 4 columns, expected word<TAB>pos<TAB>positions"),
    ("carry\tV\tYou must .\tSound carries\n", "T\n", "; or choose with --columns word=COLUMN,pos=COLUMN"),
    ("", "", "train.data.txt is empty"),
])
def test_mistakes_name_the_file_and_the_line(data, gold, message, wic):
    with pytest.raises(UserError, match=message):
        read_wic(wic(data, gold))


def test_a_range_of_characters_without_a_word_is_refused(tmp_path):
    row = {"word": "place", "sentence1": "My place.", "start1": 9, "end1": 12, "sentence2": "A place.", "start2": 2,
           "end2": 7, "label": False}
    (tmp_path / "val.jsonl").write_text(json.dumps(row))
    with pytest.raises(UserError, match=r"line 1: '9 to 12', expected .* from 0 to 9, the end"):
        read_wic(str(tmp_path / "val.jsonl"))
    for start, end in (-1, 12), (7, 3), ("9" * 5000, 12):
        (tmp_path / "val.jsonl").write_text(json.dumps({**row, "start1": start, "end1": end}))
        with pytest.raises(UserError, match=re.escape(f"line 1: '{start} to {end}"[:20])):
            read_wic(str(tmp_path / "val.jsonl"))
