"""The English of every Python install: prose alone, each sentence once, the same in every pass."""

import ast
import sys

import pytest

from elmo_np.data import pydoc_corpus
from elmo_np.data.corpus import open_corpus
from elmo_np.data.pydoc_corpus import (
    PydocCorpus,
    _help_topics,
    _pydoc_sentences,
    _statements,
    docstrings_of,
    prose,
    sources,
)
from elmo_np.data.vocabulary import Vocabulary

NESTED = """
x = [y if z else (lambda: 1) for y in range(9)]
def a():
    with x:
        def f(): pass
class b:
    def d(): pass
    if x:
        def g(): pass
    else:
        def h(): pass
try:
    def c(): pass
except KeyError:
    def i(): pass
else:
    for y in x:
        def j(): pass
finally:
    match x:
        case 1:
            def m(): pass
    class e:
        while x:
            def k(): pass
        else:
            def l(): pass
"""


@pytest.fixture(scope="module", autouse=True)
def fewer_sources():
    """Every fourth source file: all of them take ten seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pydoc_corpus, "sources", lambda directory: sources(directory)[::4])
        _pydoc_sentences.cache_clear()
        yield
    _pydoc_sentences.cache_clear()


@pytest.fixture(scope="module")
def pydoc(fewer_sources):
    return list(open_corpus("pydoc"))


def test_pydoc_is_over_a_hundred_thousand_tokens_the_same_in_every_pass(pydoc):
    assert sum(map(len, pydoc)) > 100_000
    assert pydoc == list(PydocCorpus())


def test_pydoc_holds_each_sentence_once_and_none_too_short_or_too_long(pydoc):
    assert len(set(map(tuple, pydoc))) == len(pydoc)
    assert all(3 <= len(sentence) <= 60 for sentence in pydoc)


def test_pydoc_is_english_prose(pydoc):
    words = [word for sentence in pydoc for word in sentence]
    assert words.count("the") > len(words) / 50
    assert all(">>>" not in sentence for sentence in pydoc)
    known = Vocabulary.build(pydoc, min_count=3)
    assert known.counts[known.unk] < len(words) / 8


def test_a_caller_that_changes_a_pydoc_sentence_changes_only_its_own_copy():
    first = next(iter(PydocCorpus()))
    kept = list(first)
    first.append("changed")
    assert next(iter(PydocCorpus())) == kept


def test_pydoc_lives_without_help_topics(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    assert list(_help_topics()) == []


def test_a_source_file_that_python_cannot_parse_has_no_docstrings(tmp_path):
    def write(name, text):
        (tmp_path / name).write_bytes(text)
        return tmp_path / name
    assert list(docstrings_of(write("a.py", b"print 'two'"))) == []
    assert list(docstrings_of(write("b.py", b"'\xff'"))) == []
    assert "Said." in list(docstrings_of(write("c.py", b'def f():\n    "Said."\n    return "\\d"\n')))


def test_the_order_of_docstrings_is_that_of_ast_walk():
    """On which every text, and every model trained on it, depends."""
    found = list(_statements(ast.parse(NESTED)))
    kinds = ast.Module | ast.stmt | ast.ExceptHandler | ast.match_case
    assert found == [node for node in ast.walk(found[0]) if isinstance(node, kinds)]
    assert sum(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in found) == 13


def test_prose_is_what_is_left_without_examples_tables_and_signatures():
    document = """    Return the index of the first
        match. Raise ValueError for none.

    >>> find("a")

    ==== ====
    name what

    find(text, start=0)
    """
    assert list(prose(document)) == ["Return the index of the first match.", "Raise ValueError for none."]


def test_sources_are_sorted_and_leave_tests_and_other_packages_out(tmp_path):
    for name in "b.py", "a.py", "inner/c.py", "test/d.py", "site-packages/e.py", "f.txt":
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert sources(tmp_path) == [tmp_path / name for name in ("a.py", "b.py", "inner/c.py")]
