"""files: labelled sentences are read, a wrong line is reported with its number, equal sentences are never separated."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.data.files import (
    Occurrence,
    fold_indices,
    read_conll,
    read_labelled,
    read_pairs,
    read_senses,
    read_sentences,
    split_by_sentence,
    split_indices,
    well_formed,
)


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "file.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)
    return write


def test_a_line_has_a_sentence_and_its_label(write):
    path = write("a good film .\tpos\r\n\nIt's bad.\tneg \n")
    assert read_labelled(path) == ([["a", "good", "film", "."], ["It's", "bad."]], ["pos", "neg"])
    assert read_labelled(path, True).sentences[1] == ["It", "'s", "bad", "."]


@pytest.mark.parametrize(("text", "message"), [
    ("good\tpos\nbad neg\n", "line 2: 1 columns, expected sentence<TAB>label: 'bad neg'"),
    ("good\tpos\tx\n", "line 1: 3 columns"),
    ("good\t \n", "line 1: 2 columns"),
    ("good\tpos\n \tneg\n", "line 2: no word before the label 'neg'"),
    ("\n\n", "is empty: expected sentence<TAB>label lines"),
    (b"\xff\tpos\n", "line 1: not UTF-8"),
])
def test_a_wrong_line_is_reported(text, message, write):
    with pytest.raises(UserError, match=r"^\S+file.txt") as error:
        read_labelled(write(text))
    assert message in str(error.value)


def test_columns_give_words_and_their_labels(write):
    path = write("-DOCSTART- -X- O\n\nAnna NNP B-per\nsaw VBD O\n\n\nin\tO\nNew\tI-loc\nYork\tI-loc\nRome\tB-loc\n\t\n")
    assert read_conll(path) == ([["Anna", "saw"], ["in", "New", "York", "Rome"]],
                                [["B-per", "O"], ["O", "B-loc", "I-loc", "B-loc"]])


@pytest.mark.parametrize(("text", "message"), [
    ("Anna B-per\nsaw\n", "line 2: expected a word and, in the last column, O, B-type or I-type: 'saw'"),
    ("Anna PER\n", "line 1: expected a word"),
    ("Anna B-\n", "line 1: expected a word"),
    ("\tO\n", "line 1: expected a word"),
    ("\n", "is empty: expected words and labels in columns"),
])
def test_wrong_columns_are_named(text, message, write):
    with pytest.raises(UserError, match=r"^\S+file.txt") as error:
        read_conll(write(text))
    assert message in str(error.value)


def test_an_occurrence_is_a_sentence_a_place_a_word_and_a_sense(write):
    path = write("the banks were steep .\t1\tbank\triver\n")
    assert read_senses(path) == ([["the", "banks", "were", "steep", "."]], [Occurrence(1, "bank", "river")])
    path = write("the banks\t1\tbank\n\n")
    assert read_senses(path, labelled=False).labels == [Occurrence(1, "bank", "")]


@pytest.mark.parametrize(("text", "labelled", "message"), [
    ("the banks\t1\tbank\n", True, "3 columns, expected sentence<TAB>position<TAB>word<TAB>sense: 'the banks"),
    ("the banks\t1\tbank\triver\n", False, "4 columns, expected sentence<TAB>position<TAB>word:"),
    ("the banks\t2\tbank\triver\n", True, "position '2', expected a whole number from 0 to 1, the last of"),
    ("the banks\t-1\tbank\triver\n", True, "position '-1'"),
    ("the banks\t1\t\triver\n", True, "4 columns, expected sentence"),
    ("", True, "is empty: expected sentence<TAB>position<TAB>word<TAB>sense lines"),
])
def test_a_wrong_occurrence_is_reported(text, labelled, message, write):
    with pytest.raises(UserError, match=r"^\S+file.txt") as error:
        read_senses(write(text), labelled)
    assert message in str(error.value)


def test_a_file_that_is_not_there_is_reported():
    for read in read_labelled, read_conll, read_senses, lambda path: read_sentences(path, False):
        with pytest.raises(UserError, match="there is no file nowhere"):
            read("nowhere")


def test_wnut_17_is_read(data):
    found = read_conll(str(data("wnut17") / "emerging.test.annotated"))
    assert len(found.sentences) == 1287
    assert sum(label.startswith("B-") for labels in found.labels for label in labels) == 1079      # as published


def test_labels_are_normalised():
    assert well_formed(["I-a", "I-a", "I-b", "O", "B-b", "B-b"]) == ["B-a", "I-a", "B-b", "O", "B-b", "B-b"]


def test_a_split_holds_out_a_share_that_the_seed_draws():
    rest, held_out = split_indices(50, 10, 0)
    assert (len(rest), len(held_out)) == (45, 5)
    assert sorted(rest + held_out) == list(range(50))
    assert split_indices(50, 10, 0) == (rest, held_out)
    assert split_indices(50, 10, 1)[1] != held_out
    with pytest.raises(UserError, match="50 sentences are too few to hold out one of every 60"):
        split_indices(50, 60, 0)


def test_equal_sentences_stay_in_one_part():
    sentences = [[str(k % 20)] for k in range(50)]
    rest, held_out = split_by_sentence(sentences, 10, 0)
    assert sorted(rest + held_out) == list(range(50))
    words = [{sentences[k][0] for k in part} for part in (rest, held_out)]
    assert (len(words[1]), words[0] & words[1]) == (2, set())


@pytest.mark.parametrize(("line", "message"), [
    ("Go .", "line 2: 1 column, expected source<TAB>target"),
    ("Go .\t", "line 2: no word in the target"),
    (" \tVa !", "line 2: no word in the source"),
])
def test_a_wrong_pair_is_reported(line, message, write):
    with pytest.raises(UserError, match=message):
        read_pairs(write(f"Run !\tCours !\n{line}\n"))


def test_pairs_are_in_the_first_two_columns(write):
    path = write("Go!\tVa !\tCC BY\n\nRun!\tCours !\n")
    assert read_pairs(path) == ([["Go!"], ["Run!"]], [["Va", "!"], ["Cours", "!"]])
    assert read_pairs(path, tokenize=True).sentences == [["Go", "!"], ["Run", "!"]]


def test_folds_divide_the_sentences_and_keep_equal_ones_together():
    sentences = [["a"], ["b"], ["a"], ["c"], ["d"], ["e"]] * 3
    folds = fold_indices(sentences, 3, seed=0)
    assert sorted(k for _, own in folds for k in own) == list(range(18))
    for rest, own in folds:
        assert sorted(rest + own) == list(range(18))
        assert not {sentences[k][0] for k in rest} & {sentences[k][0] for k in own}
    assert folds != fold_indices(sentences, 3, seed=1)
    assert folds == fold_indices(sentences, 3, seed=0)
