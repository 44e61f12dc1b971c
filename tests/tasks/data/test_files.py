"""files: each task's files are read, a wrong line is reported with its number, and nothing is misread silently."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.data.examples import Occurrence
from elmo_np.tasks.data.files import read_labelled, read_pairs, read_senses, read_sentences


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
    ("good\tpos\nbad neg\n", "line 2: 1 column, expected sentence<TAB>label: 'bad neg'"),
    ("good\tpos\tx\n", "line 1: 3 columns"),
    ("good\t \n", "line 1: no label, expected sentence<TAB>label"),
    ("good\tpos\n \tneg\n", "line 2: no word before the label 'neg'"),
    ("\n\n", "is empty: expected sentence<TAB>label lines"),
    (b"\xff\tpos\n", "line 1: not UTF-8"),
])
def test_a_wrong_line_is_reported(text, message, write):
    with pytest.raises(UserError, match=r"^\S+file.txt") as error:
        read_labelled(write(text))
    assert message in str(error.value)


def test_an_occurrence_is_a_sentence_a_place_a_word_and_a_sense(write):
    path = write("the banks were steep .\t1\tbank\triver\n")
    assert read_senses(path) == ([["the", "banks", "were", "steep", "."]], [Occurrence(1, "bank", "river")])
    path = write("the banks\t1\tbank\n\n")
    assert read_senses(path, labelled=False).labels == [Occurrence(1, "bank", ""), None]


@pytest.mark.parametrize(("text", "labelled", "message"), [
    ("the banks\t1\tbank\n", True, "3 columns, expected sentence<TAB>position<TAB>word<TAB>sense: 'the banks"),
    ("the banks\t1\tbank\triver\n", False, "4 columns, expected sentence<TAB>position<TAB>word:"),
    ("the banks\t2\tbank\triver\n", True, "position '2', expected a whole number from 0 to 1, the last of"),
    ("the banks\t-1\tbank\triver\n", True, "position '-1'"),
    (f"the banks\t{'9' * 5000}\tbank\triver\n", True, "position '9999"),
    ("the banks\t1\t\triver\n", True, "line 1: a blank column, expected sentence"),
    ("", True, "is empty: expected sentence<TAB>position<TAB>word<TAB>sense lines"),
])
def test_a_wrong_occurrence_is_reported(text, labelled, message, write):
    with pytest.raises(UserError, match=r"^\S+file.txt") as error:
        read_senses(write(text), labelled)
    assert message in str(error.value)


def test_a_file_that_is_not_there_is_reported():
    for read in read_labelled, read_senses, lambda path: read_sentences(path, False):
        with pytest.raises(UserError, match="there is no file nowhere"):
            read("nowhere")


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


@pytest.mark.parametrize(("text", "columns"), [
    ("sentence\tlabel\na good film\tpos\nbad\tneg\n", {}),                                    # SST-2 of GLUE
    ("Review;Sentiment\na good film;pos\nbad;neg\n", {}),
    ('label,text\npos,"a good film"\nneg,bad\n', {}),
    ('{"text": "a good film", "label": "pos"}\n{"label": "neg", "text": "bad"}\n', {}),
    ("__label__pos a good film\n__label__neg bad\n", {}),
    ("tweet,stance,n\na good film,pos,1\nbad,neg,2\n", {"sentence": "tweet", "label": "Stance"}),
    ("pos\ta good film\nneg\tbad\n", {"sentence": "2", "label": "1"}),
    ("pos a good film\nneg bad\n", {"sentence": "2", "label": "1"}),
])
def test_labelled_sentences_are_read_in_every_format(text, columns, write):
    assert read_labelled(write(text), columns=columns) == ([["a", "good", "film"], ["bad"]], ["pos", "neg"])


def test_lines_of_trec_begin_with_the_label(write):
    found = read_labelled(write("DESC:manner How did it begin ?\nENTY:animal What barks ?\n"))
    assert found.labels == ["DESC:manner", "ENTY:animal"]
    assert found.sentences[1] == ["What", "barks", "?"]


@pytest.mark.parametrize(("text", "message"), [
    ("pos\ta good film\nneg\ta bad film\n", "the labels are longer than the sentences, for instance 'a good film'"),
    ("post\tstance\ngood film\tpro\nbad film\tcon\nfine\tpro\npoor\tcon\n",
     "line 1: is post<TAB>stance a header row?"),
    ("review\tstars\na good film\t5\ndull\t1\n", "line 1: is review<TAB>stars a header row?"),
    ("a,b\tpos\tx\n", "line 1: 3 columns, expected sentence<TAB>label"),
])
def test_labels_that_come_first_and_an_unknown_header_are_not_taken_for_data(text, message, write):
    with pytest.raises(UserError) as error:
        read_labelled(write(text))
    assert message in str(error.value)


def test_a_rare_label_in_the_first_row_is_no_header(write):
    text = "Paris is a city\tcity\ngood film\tpro\nbad film\tcon\nfine\tpro\npoor\tcon\n"
    assert len(read_labelled(write(text)).labels) == 5


def test_only_ascii_white_space_separates_words(write):
    assert read_labelled(write("10\u00a0000 films\ta\u2003b\n")) == ([["10\u00a0000", "films"]], ["a\u2003b"])
    assert read_sentences(write("10\u00a0000 films\n"), False) == [["10\u00a0000", "films"]]


def test_sentences_keep_blank_lines(write):
    assert read_sentences(write("a b\n\n \nc\n\n"), False) == [["a", "b"], [], [], ["c"], []]
    assert read_senses(write("the bank\t1\tbank\n\n"), labelled=False).sentences == [["the", "bank"], []]
    assert read_sentences(write("a b\tx\n\nc\ty\n"), False, {"sentence": "1"}) == [["a", "b"], [], ["c"]]


def test_the_sentences_of_a_table_with_a_header_row_are_found(write):
    assert read_sentences(write("index\tsentence\n0\ta b\n1\tc\n"), False) == [["a", "b"], ["c"]]
    assert read_sentences(write('{"idx": 1, "sentence": "a b"}\n'), False) == [["a", "b"]]


@pytest.mark.parametrize(("text", "message"), [
    ("a b\tpos\n", "line 1: 2 columns, expected one sentence per line"),
    ("a b\nc\tpos\n", "line 2: 2 columns, expected one sentence per line"),
    ("DESC:manner How ?\n", "lines that begin with a label"),
    ("Anna B-per\nsaw O\n\nit O\n", "a word and a label per line"),
    ("<html lang='en'>\n", "looks like XML or HTML"),
    ("\n \n", "is empty: expected one sentence per line"),
])
def test_labels_are_not_read_as_words(text, message, write):
    with pytest.raises(UserError) as error:
        read_sentences(write(text), False)
    assert message in str(error.value)


def test_the_files_of_sst_2_are_read_as_they_are(write):
    """GLUE's layout: a header row, a space before each tab, numbers of rows in the test part, which has no labels."""
    train = write("sentence\tlabel\nhide new secretions \t0\ncontains no wit , only ` labored gags ' \t1\n")
    assert read_labelled(train) == ([["hide", "new", "secretions"],
                                     ["contains", "no", "wit", ",", "only", "`", "labored", "gags", "'"]], ["0", "1"])
    test = write("index\tsentence\n0\tuneasy mishmash of styles .\n1\tit 's fun \n")
    assert read_sentences(test, False) == [["uneasy", "mishmash", "of", "styles", "."], ["it", "'s", "fun"]]
    with pytest.raises(UserError, match=r"line 1: 2 columns, expected sentence<TAB>label: 'index \| sentence'"):
        read_labelled(test)
