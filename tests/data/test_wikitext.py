"""The sentences of a Wikipedia article, from its markup."""

import sys

import pytest

from elmo_np.data.wikitext import article_sentences
from elmo_np.errors import UserError
from tests.dump_helpers import CAT, SENTENCES

parser = pytest.importorskip("mwparserfromhell", reason="needs mwparserfromhell, the extra [wikipedia]")


def text(markup):
    return [" ".join(sentence) for sentence in article_sentences(markup, ("file", "category", "datei", "kategorie"))]


def test_an_article_becomes_its_sentences():
    assert article_sentences(CAT, ("datei", "kategorie")) == SENTENCES


@pytest.mark.parametrize(("markup", "shown"), [
    ("a '''b''' ''c'' '''''d'''''", "a b c d"),
    ("[[a]] [[b|c]]s [[:Category:d]] [[b#e|''f'']]", "a cs Category : d f"),
    ("a[[File:x.png|thumb|A [[b]].]] [[Category:c]]b [[Bild:y.JPG|c]]c [[fr:d]]", "a b c"),
    ("a [http://x.org b c] [http://x.org] http://x.org d", "a b c d"),
    ("a<ref>b</ref> c<ref name=x /> d<!-- e -->", "a c d"),
    ("a<br>b <small>c</small> H<sub>2</sub>O <span style=\"x\">d</span> <nowiki>[e]</nowiki>", "a b c H2O d [ e ]"),
    ("a {{b|c}} d {{{e}}} {{lang|fr|f}} {{lang-de|g}} {{nowrap|h ''i''}} {{US$|5}}", "a d f g h i US $ 5"),
    ("{{convert|5|km|mi|abbr=on}} {{cvt|2|\u2013|3|m}}", "5 km 2 \u2013 3 m"),
    ("a ({{b}}; {{c}}) d ({{e}}, f) g (h, {{i}}), j {{k}}, l", "a d ( f ) g ( h ) , j , l"),
    ("a&nbsp;b &ndash; c &lt; d &#x263a;", "a b \u2013 c < d \u263a"),
    ("a __NOTOC__ b", "a b"),
])
def test_inline_markup_shows_what_a_reader_sees(markup, shown):
    assert text(markup) == [shown]


@pytest.mark.parametrize("between", [
    "\n== B ==\n", "\n* b\n", "\n# b\n# ''b'' [[b]]\n", "\n: b\n", "\n; b : b\n", "\n----\n",
    "\n{| class=\"x\"\n|+ b\n! b !! b\n|-\n| b || b\n|}\n", "\n<gallery>\nFile:b.jpg|b\n</gallery>\n",
    "<table><tr><td>b</td></tr></table>", "<syntaxhighlight lang=\"c\">b = b;</syntaxhighlight>", "<ul><li>b</li></ul>",
])
def test_blocks_that_are_not_prose_end_a_sentence_and_are_left_out(between):
    assert text(f"a{between}c") == ["a", "c"]


@pytest.mark.parametrize("hole", ["<math>b</math>", "<code>b</code>", "{{b", "[[b", "{|", "b |", "<b", "'' b"])
def test_a_sentence_with_a_hole_or_with_broken_markup_is_left_out(hole):
    assert text(f"A is. B {hole} c.\n\nD is.") == ["A is .", "D is ."]


def test_a_sentence_needs_a_letter():
    assert text("1990.\n\nIn 1990.") == ["In 1990 ."]


def test_markup_that_the_parser_gives_up_on_gives_no_sentence(monkeypatch):
    def fails(markup):
        raise parser.parser.ParserError("x")
    monkeypatch.setattr(parser, "parse", fails)
    assert article_sentences("a.") == []


def test_deep_nesting_ends():
    assert text("a. " + "<b>" * 1000 + "{{" * 1000 + "[[" * 1000) in ([], ["a ."])


def test_without_the_library_one_line_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mwparserfromhell", None)
    with pytest.raises(UserError, match=r"dump needs mwparserfromhell .*; run: pip install mwparserfromhell$"):
        article_sentences("a.")
