"""nltk_data: corpora are read with their labels, and what is missing is reported in one line."""

import builtins
from collections import Counter

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.data import nltk_data


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
    assert set(Counter(examples.labels).values()) == {N // 2}


def test_senseval_is_read():
    examples = nltk_examples(nltk_data.senseval)
    assert Counter(own.word for own in examples.labels) == {"hard": 4333, "interest": 2368, "line": 4146, "serve": 4378}
    forms = {(own.word, words[own.position].lower()) for words, own in zip(*examples, strict=True)}
    assert {("line", "lines"), ("serve", "served"), ("interest", "interests"), ("hard", "harder")} <= forms
    assert all(isinstance(token, str) for words in examples.sentences for token in words)


@pytest.mark.parametrize(("name", "sizes", "types"), [
    ("conll2000", (8936, 2012), {"NP", "VP", "PP", "ADVP", "SBAR", "ADJP", "PRT", "CONJP", "INTJ", "LST", "UCP"}),
    ("conll2002-esp", (8323, 1517), {"PER", "LOC", "ORG", "MISC"})])
def test_corpora_with_a_test_file_are_read_as_they_were_published(name, sizes, types):
    parts = nltk_examples(nltk_data.labelled, name)
    assert tuple(len(part.sentences) for part in parts) == sizes
    labels = {label for part in parts for own in part.labels for label in own}
    assert {label[2:] for label in labels if label != "O"} == types
    assert {label[:2] for label in labels} == {"O", "B-", "I-"}
    assert all(len(words) == len(own) for part in parts for words, own in zip(*part, strict=True))


def test_parts_of_speech_have_no_traces():
    examples = nltk_examples(nltk_data.parts_of_speech, "treebank")
    assert len(examples.sentences) == 3914
    assert examples.labels[0][:3] == ["NNP", "NNP", ","]
    assert not any("-NONE-" in own for own in examples.labels)


def test_a_missing_nltk_is_reported_in_one_line(monkeypatch):
    with pytest.raises(UserError, match="nltk:brown: expected nltk:sentence_polarity or nltk:subjectivity"):
        nltk_data.categories("brown")
    with pytest.raises(UserError, match="nltk:conll2000 has a test part of its own, so it cannot be --test or --valid"):
        nltk_data.parts_of_speech("conll2000")
    with pytest.raises(UserError, match="nltk:brown: expected nltk:conll2000, nltk:conll2002-esp, "):
        nltk_data.parts_of_speech("brown")
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "nltk":
            raise ModuleNotFoundError("No module named 'nltk'")
        return real(name, *args, **kwargs)
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UserError, match=r"nltk:subjectivity needs NLTK: pip install 'elmo_np\[nltk\]'"):
        nltk_data.categories("subjectivity")


def test_missing_data_are_reported_in_one_line(monkeypatch):
    nltk = pytest.importorskip("nltk", reason="needs NLTK: pip install nltk")
    monkeypatch.setattr(nltk.data, "path", [])
    from nltk.corpus.reader import CategorizedSentencesCorpusReader
    from nltk.corpus.util import LazyCorpusLoader

    unread = LazyCorpusLoader("subjectivity", CategorizedSentencesCorpusReader, "")
    monkeypatch.setattr(nltk.corpus, "subjectivity", unread)
    with pytest.raises(UserError, match=r"NLTK has no data for subjectivity: run python -m nltk.downloader"):
        nltk_data.categories("subjectivity")
