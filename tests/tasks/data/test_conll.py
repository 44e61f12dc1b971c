"""conll: words and labels in columns, in the schemes of the field; a wrong line is reported with its number."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.data.conll import begun, read_conll, read_conll_words, well_formed

TREEBANK = """# sent_id = 1
# text = Don't go
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
2.1\tyou\tyou\tPRON\tPRP\t_\t_\t_\t3:nsubj\t_
3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_

1\t10 000\t10000\tNUM\tCD\t_\t0\troot\t_\t_
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "file.txt"
        path.write_bytes(text.encode())
        return str(path)
    return write


def test_columns_give_words_and_their_labels(write):
    path = write("-DOCSTART- -X- O\n\nAnna NNP B-per\nsaw VBD O\n\n\n"
                 "in x O\nNew x I-loc\nYork x I-loc\nRome x B-loc\n\t\n")
    assert read_conll(path) == ([["Anna", "saw"], ["in", "New", "York", "Rome"]],
                                [["B-per", "O"], ["O", "B-loc", "I-loc", "B-loc"]])
    assert read_conll(path, {"label": "2"}).labels[0] == ["NNP", "VBD"]


@pytest.mark.parametrize(("text", "message"), [
    ("Anna B-per\nsaw\n", "line 2: 1 column, expected a word and a label, in 2 columns as on other lines: 'saw'"),
    ("Anna B-per\nsaw PER\n", "line 2: expected a word and, in the last column"),
    ("Anna B-\nsaw O\n", "line 1: expected a word"),
    ("\tO\n", "line 1: expected a word"),
    ("\n", "is empty: expected words and labels in columns"),
    ("-DOCSTART- O\n", "is empty: expected words and labels in columns"),
    ("EU B-org\n10 000 O\n", "line 2: 3 columns, expected a word and a label, in 2 columns"),
    ("a good film\tpos\na bad film\tneg\n", "column 1 has 'a good film', expected one word per line"),
    ("doc 0 In IN\n" * 10, "column 1 has 'doc', expected one word per line"),
])
def test_wrong_columns_are_named(text, message, write):
    with pytest.raises(UserError, match=r"^\S+file.txt") as error:
        read_conll(write(text))
    assert message in str(error.value)


def test_a_file_that_is_not_there_is_reported():
    with pytest.raises(UserError, match="there is no file nowhere"):
        read_conll("nowhere")


def test_wnut_17_is_read(data):
    found = read_conll(str(data("wnut17") / "emerging.test.annotated"))
    assert len(found.sentences) == 1287
    assert sum(label.startswith("B-") for labels in found.labels for label in labels) == 1079      # as published


def test_a_document_may_begin_in_the_first_row_of_a_sentence(write):
    path = write("-DOCSTART- -DOCSTART- O\nDe Art O\nBank N B-ORG\n")
    assert read_conll(path) == ([["De", "Bank"]], [["O", "B-ORG"]])


def test_a_first_column_that_counts_up_has_no_words(write):
    path = write("1 EU NNP I-ORG\n2 said VBD O\n\n1 10 CD O\n")
    assert read_conll(path) == ([["EU", "said"], ["10"]], [["B-ORG", "O"], ["O"]])


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_lines_may_end_as_on_any_system(end, write):
    assert read_conll(write(f"EU B-ORG{end}said O{end}{end}it O{end}")).sentences == [["EU", "said"], ["it"]]


def test_a_no_break_space_is_part_of_a_word(write):
    assert read_conll(write("10\u00a0000 O\nEU B-org\n\u00a0 O\n")) == (
        [["10\u00a0000", "EU", "\u00a0"]], [["O", "B-org", "O"]])


def test_the_words_of_conll_u_are_neither_surface_forms_nor_empty_nodes(write):
    path = write(TREEBANK)
    assert read_conll(path) == ([["Do", "n't", "go"], ["10\u00a0000"]], [["AUX", "PART", "VERB"], ["NUM"]])
    assert read_conll(path, {"word": "lemma", "label": "XPOS"}) == (
        [["do", "not", "go"], ["10000"]], [["VB", "RB", "VB"], ["CD"]])
    with pytest.raises(UserError, match="column 2 is both the word and the label: expected two columns"):
        read_conll(path, {"label": "form"})
    with pytest.raises(UserError, match="has no column ner: expected a number from 1 to 10, or one of id, form"):
        read_conll(path, {"label": "ner"})
    with pytest.raises(UserError, match=r"has no column 9{40}: expected"):
        read_conll(path, {"label": "9" * 5000})


def test_a_column_of_endless_numbers_does_not_count_up(write):
    found = read_conll(write("".join(f"{'9' * 5000} w{k} O\n" for k in range(3))))
    assert found.sentences == [["9" * 5000] * 3]


def test_comments_come_before_the_first_word(write):
    path = write("# id 7 domain=x\nA O\n# O\n\n#b B-x\n")
    assert read_conll(path).sentences == [["A", "#"], ["#b"]]


def test_words_alone_are_read_from_a_column(write):
    assert read_conll_words(write("Anna\nsaw\n\nit\n"), {"word": "1"}) == [["Anna", "saw"], ["it"]]


def test_labels_are_normalised():
    assert well_formed(["I-a", "I-a", "I-b", "O", "B-b", "B-b"]) == ["B-a", "I-a", "B-b", "O", "B-b", "B-b"]


@pytest.mark.parametrize(("labels", "expected"), [
    ("S-a O B-b I-b E-b S-b", "B-a O B-b I-b I-b B-b"),      # IOBES
    ("U-a O B-b L-b U-b", "B-a O B-b I-b B-b"),              # BILOU
    ("B-a M-a E-a B-a", "B-a I-a I-a B-a"),                  # BMES
    ("I-a E-a I-a O", "I-a I-a B-a O"),                      # IOE1: an entity that another follows ends with E
])
def test_labels_that_end_an_entity_are_understood(labels, expected):
    assert begun(labels.split()) == expected.split()


def test_plain_tags_stay_as_they_are(write):
    assert read_conll(write("the DT\ndog NN\n")).labels == [["DT", "NN"]]
    assert read_conll(write("it O\nruns V\n")).labels == [["O", "V"]]       # O is also a pronoun, on Twitter
    assert read_conll(write("he I-\n")).labels == [["I-"]]                   # and I- an interjection in PROIEL
