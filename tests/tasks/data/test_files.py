"""data: files of labelled sentences, built-in ones, NLTK's; a wrong line is named, no test sentence is trained on."""

import builtins
from collections import Counter

import numpy as np
import pytest

from elmo_np.data.grammar import GrammarCorpus
from elmo_np.data.pydoc_corpus import PydocCorpus
from elmo_np.errors import UserError
from elmo_np.tasks.data import builtin, nltk_data
from elmo_np.tasks.data.files import (
    Examples,
    Occurrence,
    read_conll,
    read_labelled,
    read_pairs,
    read_senses,
    read_sentences,
    split_by_sentence,
    split_numbers,
    well_formed,
)
from elmo_np.tasks.experiments.baselines import (
    majority,
    most_frequent_senses,
    most_frequent_tags,
    naive_bayes,
    word_by_word,
)
from elmo_np.tasks.metrics.scores import accuracy, entity_scores


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "file.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)
    return write


def test_a_sentence_and_its_label_stand_on_a_line(write):
    path = write("a good film .\tpos\r\n\nIt's bad.\tneg \n")
    assert read_labelled(path) == ([["a", "good", "film", "."], ["It's", "bad."]], ["pos", "neg"])
    assert read_labelled(path, True).sentences[1] == ["It", "'s", "bad", "."]


@pytest.mark.parametrize(("text", "message"), [
    ("good\tpos\nbad neg\n", "line 2: 1 columns, expected sentence<TAB>label: 'bad neg'"),
    ("good\tpos\tx\n", "line 1: 3 columns"),
    ("good\t \n", "line 1: 2 columns"),
    ("good\tpos\n \tneg\n", "line 2: there is no word before the label 'neg'"),
    ("\n\n", "is empty: expected sentence<TAB>label lines"),
    (b"\xff\tpos\n", "line 1: not UTF-8"),
])
def test_a_wrong_line_is_named(text, message, write):
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
def test_a_wrong_occurrence_is_named(text, labelled, message, write):
    with pytest.raises(UserError, match=r"^\S+file.txt") as error:
        read_senses(write(text), labelled)
    assert message in str(error.value)


def test_a_file_that_is_not_there_is_named():
    for read in read_labelled, read_conll, read_senses, lambda path: read_sentences(path, False):
        with pytest.raises(UserError, match="there is no file nowhere"):
            read("nowhere")


def test_wnut_17_is_read(data):
    found = read_conll(str(data("wnut17") / "emerging.test.annotated"))
    assert len(found.sentences) == 1287
    assert sum(label.startswith("B-") for labels in found.labels for label in labels) == 1079      # as published


def test_labels_are_brought_to_one_form():
    assert well_formed(["I-a", "I-a", "I-b", "O", "B-b", "B-b"]) == ["B-a", "I-a", "B-b", "O", "B-b", "B-b"]


def test_a_split_holds_out_a_share_that_the_seed_draws():
    rest, held_out = split_numbers(50, 10, 0)
    assert (len(rest), len(held_out)) == (45, 5)
    assert sorted(rest + held_out) == list(range(50))
    assert split_numbers(50, 10, 0) == (rest, held_out)
    assert split_numbers(50, 10, 1)[1] != held_out
    with pytest.raises(UserError, match="50 sentences are too few to hold out one of every 60"):
        split_numbers(50, 60, 0)


def test_equal_sentences_stay_in_one_part():
    sentences = [[str(k % 20)] for k in range(50)]
    rest, held_out = split_by_sentence(sentences, 10, 0)
    assert sorted(rest + held_out) == list(range(50))
    words = [{sentences[k][0] for k in part} for part in (rest, held_out)]
    assert (len(words[1]), words[0] & words[1]) == (2, set())


@pytest.mark.parametrize(("line", "message"), [
    ("Go .", "line 2: 1 column, expected source<TAB>target"),
    ("Go .\t", "line 2: there is no word in the target"),
    (" \tVa !", "line 2: there is no word in the source"),
])
def test_a_wrong_pair_is_named(line, message, write):
    with pytest.raises(UserError, match=message):
        read_pairs(write(f"Run !\tCours !\n{line}\n"))


def test_pairs_stand_in_the_first_two_columns(write):
    path = write("Go!\tVa !\tCC BY\n\nRun!\tCours !\n")
    assert read_pairs(path) == ([["Go!"], ["Run!"]], [["Va", "!"], ["Cours", "!"]])
    assert read_pairs(path, tokenize=True).sentences == [["Go", "!"], ["Run", "!"]]


def test_pairs_of_the_grammar_are_new_to_the_bilm():
    data = builtin.pairs()
    assert (len(data.train.sentences), len(data.test.sentences)) == (builtin.PAIRS, builtin.TRANSLATED)
    tested = set(map(tuple, data.test.sentences))
    assert not tested & set(map(tuple, data.train.sentences))
    assert not tested & set(map(tuple, data.corpus))
    known = {word for words in data.train.labels for word in words}
    written = [word for words in data.test.labels for word in words]
    assert np.mean([word in known for word in written]) > 0.99


def test_documentation_is_split_by_file_and_the_bilm_does_not_see_the_test():
    data = builtin.docstrings()
    tested = set(map(tuple, data.test.sentences))
    assert not tested & set(map(tuple, data.train.sentences))
    assert not tested & set(map(tuple, data.corpus))
    assert len(list(data.corpus)) > 0.9 * len(list(PydocCorpus()))
    assert set(data.train.labels) == set(data.test.labels) == set(builtin.PACKAGES)
    assert len(tested) > 200


def test_phrases_of_the_grammar_are_new_to_the_bilm():
    data = builtin.phrases()
    assert not set(map(tuple, data.test.sentences)) & set(map(tuple, data.corpus))
    assert (len(data.train.sentences), len(data.test.sentences)) == (builtin.TAGGED, builtin.TESTED)
    assert entity_scores(data.test.labels, data.test.labels)["all"].there > 1000
    for words, labels in zip(*data.train, strict=True):
        assert len(words) == len(labels)
        assert well_formed(labels) == labels


def test_senses_of_the_grammar_are_new_to_the_bilm():
    data = builtin.senses()
    assert not set(map(tuple, data.test.sentences)) & set(map(tuple, data.corpus))
    for part, most in (data.train, builtin.LEARNT), (data.test, builtin.LOOKED_UP):
        assert set(Counter(own.word for own in part.labels).values()) == {most}
        for words, own in zip(*part, strict=True):
            assert words[own.position].startswith(own.word[:3])        # a form of it, such as lit of light
            assert own.sense


def test_a_phrase_of_the_grammar_says_who_where_or_when():
    kinds = Counter()
    for sentence in GrammarCorpus(sentences=500).labelled():
        for begin, end, kind in sentence.spans:
            assert 0 <= begin < end <= len(sentence.tokens)
            kinds[kind] += 1
            if kind != "person":
                assert end - begin > 1
    assert kinds.keys() == {"person", "place", "time"}
    assert min(kinds.values()) > 20


def test_baselines_know_what_they_were_shown():
    train = Examples([["good", "film"], ["good", "day"], ["bad", "film"]], ["+", "+", "-"])
    assert majority(train, [["x"], ["bad"]]) == ["+", "+"]
    assert naive_bayes(train, [["bad"], ["good"], ["unheard"]]) == ["-", "+", "+"]
    tags = Examples([["anna", "saw", "rome"], ["rome", "anna"]], [["B-p", "O", "B-l"], ["B-l", "B-p"]])
    assert most_frequent_tags(tags, [["rome", "met", "anna"]]) == [["B-l", "O", "B-p"]]
    uses = [Occurrence(0, "a", "x"), Occurrence(0, "a", "y"), Occurrence(0, "a", "y"), Occurrence(0, "b", "z")]
    asked = [Occurrence(3, word, "") for word in "bac"]
    assert most_frequent_senses(Examples([["a"]] * 4, uses), asked) == ["z", "y", ""]


def test_each_word_has_the_partner_that_it_shares_most_pairs_with():
    train = Examples([["the", "dog"], ["the", "cat"], ["a", "dog"]], [["le", "chien"], ["le", "chat"], ["un", "chien"]])
    assert word_by_word(train, [["a", "cat", "barks"], []]) == [["un", "chat"], []]


def test_naive_bayes_is_that_of_the_formula():
    """p(+ | a a b): counts + {a: 2, b: 1}, - {b: 2, c: 1}, one more each; both labels half."""
    train = Examples([["a", "a", "b"], ["b", "b", "c"]], ["+", "-"])
    plus, minus = (3/6) ** 2 * (2/6), (1/6) ** 2 * (3/6)
    assert naive_bayes(train, [["a", "a", "b"]]) == ["+" if plus > minus else "-"]
    plus, minus = (3/6) * (2/6) ** 4, (1/6) * (3/6) ** 4
    assert naive_bayes(train, [["a", "b", "b", "b", "b"]]) == ["+" if plus > minus else "-"] == ["-"]


def nltk_examples(read, *name):
    pytest.importorskip("nltk", reason="needs NLTK: pip install nltk")
    try:
        return read(*name)
    except UserError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("name", "labels", "N"), [("sentence_polarity", {"pos", "neg"}, 10662),
                                                   ("subjectivity", {"subj", "obj"}, 10000)])
def test_nltk_corpora_are_read(name, labels, N):
    examples = nltk_examples(nltk_data.categories, name)
    assert len(examples.sentences) == len(examples.labels) == N
    assert set(examples.labels) == labels
    assert accuracy(examples.labels, majority(examples, examples.sentences)) == 0.5


def test_senseval_is_read():
    examples = nltk_examples(nltk_data.senseval)
    assert Counter(own.word for own in examples.labels) == {"hard": 4333, "interest": 2368, "line": 4146, "serve": 4378}
    forms = {(own.word, words[own.position].lower()) for words, own in zip(*examples, strict=True)}
    assert {("line", "lines"), ("serve", "served"), ("interest", "interests"), ("hard", "harder")} <= forms
    assert all(isinstance(token, str) for words in examples.sentences for token in words)


def test_what_is_missing_of_nltk_is_one_line(monkeypatch):
    with pytest.raises(UserError, match="nltk:brown: expected nltk:sentence_polarity or nltk:subjectivity"):
        nltk_data.categories("brown")
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "nltk":
            raise ModuleNotFoundError("No module named 'nltk'")
        return real(name, *args, **kwargs)
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UserError, match=r"nltk:subjectivity needs NLTK: pip install 'elmo_np\[nltk\]'"):
        nltk_data.categories("subjectivity")


def test_missing_data_of_nltk_is_one_line(monkeypatch):
    nltk = pytest.importorskip("nltk", reason="needs NLTK: pip install nltk")
    monkeypatch.setattr(nltk.data, "path", [])
    from nltk.corpus.reader import CategorizedSentencesCorpusReader
    from nltk.corpus.util import LazyCorpusLoader

    unread = LazyCorpusLoader("subjectivity", CategorizedSentencesCorpusReader, "")
    monkeypatch.setattr(nltk.corpus, "subjectivity", unread)
    with pytest.raises(UserError, match=r"NLTK has no data for subjectivity: run python -m nltk.downloader"):
        nltk_data.categories("subjectivity")
