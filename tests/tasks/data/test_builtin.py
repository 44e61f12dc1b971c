"""builtin: no test sentence is trained on, by the task or by the biLM, and every label is well-formed."""

from collections import Counter

import numpy as np
import pytest

from elmo_np.data import pydoc_corpus
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.data.pydoc_corpus import PydocCorpus
from elmo_np.tasks.data import builtin
from elmo_np.tasks.data.conll import well_formed
from elmo_np.tasks.metrics.scores import entity_scores


@pytest.fixture(autouse=True)
def shorter_grammar(monkeypatch):
    """A fifth of the grammar's corpus, with which a longer one begins: all of it takes seconds, three times a test."""
    monkeypatch.setitem(GrammarCorpus.__init__.__kwdefaults__, "sentences", 12000)


@pytest.fixture
def fewer_sources(monkeypatch):
    """Every fourth source file for the biLM's corpus, and all for the task."""
    monkeypatch.setattr(pydoc_corpus, "sources", lambda directory: builtin.sources(directory)[::4])
    pydoc_corpus._pydoc_sentences.cache_clear()
    yield
    pydoc_corpus._pydoc_sentences.cache_clear()


def test_pairs_of_the_grammar_are_new_to_the_bilm():
    data = builtin.pairs()
    assert (len(data.train.sentences), len(data.test.sentences)) == (builtin.PAIRS, builtin.TRANSLATED)
    tested = set(map(tuple, data.test.sentences))
    assert not tested & set(map(tuple, data.train.sentences))
    assert not tested & set(map(tuple, data.corpus))
    known = {word for words in data.train.labels for word in words}
    written = [word for words in data.test.labels for word in words]
    assert np.mean([word in known for word in written]) > 0.99


@pytest.mark.usefixtures("fewer_sources")
def test_documentation_is_split_by_file_and_the_bilm_does_not_see_the_test():
    data = builtin.docstrings()
    tested = set(map(tuple, data.test.sentences))
    assert not tested & set(map(tuple, data.train.sentences))
    whole = set(map(tuple, PydocCorpus()))
    assert tested & whole
    assert set(map(tuple, data.corpus)) == whole - tested
    assert len(whole - tested) > 0.9 * len(whole)
    assert set(data.train.labels) == set(data.test.labels) == set(builtin.PACKAGES)
    assert len(tested) > 200


def test_phrases_of_the_grammar_are_new_to_the_bilm():
    data = builtin.phrases()
    assert not set(map(tuple, data.test.sentences)) & set(map(tuple, data.corpus))
    assert (len(data.train.sentences), len(data.test.sentences)) == (builtin.TAGGED, builtin.TESTED)
    assert entity_scores(data.test.labels, data.test.labels)["all"].support > 1000
    for words, labels in zip(*data.train, strict=True):
        assert len(words) == len(labels)
        assert well_formed(labels) == labels


def test_senses_of_the_grammar_are_new_to_the_bilm():
    data = builtin.senses()
    assert not set(map(tuple, data.test.sentences)) & set(map(tuple, data.corpus))
    for part, most in (data.train, builtin.OCCURRENCES), (data.test, builtin.TEST_OCCURRENCES):
        assert set(Counter(own.word for own in part.labels).values()) == {most}
        for words, own in zip(*part, strict=True):
            assert words[own.position].startswith(own.word[:3])        # a form of it, such as lit of light
            assert own.sense


def test_pairs_of_a_word_are_its_occurrences_two_by_two():
    data, single = builtin.word_pairs(), builtin.senses()
    for part, own, most in (data.train, single.train, builtin.OCCURRENCES), (data.test, single.test,
                                                                            builtin.TEST_OCCURRENCES):
        assert set(Counter(pair.word for pair in part.labels).values()) == {most // 2}
        assert sorted(part.texts()) == sorted(own.sentences)
        assert {pair.answer for pair in part.labels} == {"T", "F"}
    sentence, pair = data.train.sentences[0], data.train.labels[0]
    found = {tuple(words): own for words, own in zip(*single.train, strict=True)}
    one, other = found[tuple(sentence)], found[tuple(pair.second)]
    assert pair == (one.word, (one.position, other.position), pair.second, "FT"[one.sense == other.sense])


def test_phrases_are_persons_places_and_times():
    kinds = Counter()
    for sentence in GrammarCorpus(sentences=500).labelled():
        for begin, end, kind in sentence.spans:
            assert 0 <= begin < end <= len(sentence.tokens)
            kinds[kind] += 1
            if kind != "person":
                assert end - begin > 1
    assert kinds.keys() == {"person", "place", "time"}
    assert min(kinds.values()) > 20
