"""Wikipedia's dumps are read article by article, in memory that does not grow with them."""

import bz2
import gzip
import random
import re
import tracemalloc
from itertools import islice

import pytest

from elmo_np.data import wikipedia
from elmo_np.data.wikipedia import articles, dump_text, is_dump
from elmo_np.errors import UserError
from tests.dump_helpers import CAT, DOG, DUMP, SENTENCES, write_dump
from tests.memory_helpers import peak


def test_articles_are_the_pages_of_namespace_0_that_are_not_redirects(tmp_path):
    found = list(articles(write_dump(tmp_path / "a.xml.bz2")))
    assert [article.markup for article in found] == [CAT, "{{Only a template}}", "A dog is not a cat."]
    assert set(found[0].hidden) == {"media", "file", "image", "category", "medium", "datei", "kategorie"}
    assert found[-1].position == (tmp_path / "a.xml.bz2").stat().st_size


@pytest.mark.parametrize(("start", "answer"), [
    (DUMP, True), ('<?xml version="1.0"?>\n<!-- x -->\n' + DUMP, True), ("\ufeff" + DUMP, True),
    ("<html>\n", False), ("mediawiki\n", False), ("", False)])
def test_a_dump_is_recognised_by_its_content(tmp_path, start, answer):
    for name, data in ("a", start.encode()), ("b", bz2.compress(start.encode())):
        (tmp_path / name).write_bytes(data)
        assert is_dump(tmp_path / name) is answer


def test_of_several_revisions_the_last_is_read(tmp_path):
    old = "    <revision><text>old</text></revision>\n"
    (tmp_path / "a.xml").write_text(DUMP.replace("    <revision>", old + "    <revision>"))
    assert next(articles(tmp_path / "a.xml")).markup == CAT


@pytest.mark.parametrize(("damage", "message"), [
    (lambda data: bz2.compress(DUMP.encode()[:-30]), "is a damaged dump: .*; expected complete XML: download it again"),
    (lambda data: bz2.compress(DUMP.replace("</title>", "</titel>").encode()), "is a damaged dump: mismatched tag"),
    (lambda data: data[:-20], "cannot read .*: expected a readable|cannot read .*expected")])
def test_a_damaged_dump_is_one_line(tmp_path, damage, message):
    path = tmp_path / "a.xml.bz2"
    path.write_bytes(damage(write_dump(path).read_bytes()))
    with pytest.raises(UserError, match=message) as caught:
        list(articles(path))
    assert "\n" not in str(caught.value)


def test_memory_does_not_grow_with_the_dump(tmp_path):
    def memory(pages):
        path = write_dump(tmp_path / f"{pages}.xml.bz2", [CAT * 300] * pages)
        tracemalloc.start()
        try:
            return sum(1 for _ in articles(path)), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    (few, small), (many, large) = memory(5), memory(25)
    assert (few, many) == (5, 25)
    assert len(CAT * 300) * many > 3e6
    assert large < 1.2 * small < 3e6


def test_the_text_of_a_dump_is_a_temporary_file_written_once_until_the_dump_changes(tmp_path):
    pytest.importorskip("mwparserfromhell")
    path = write_dump(tmp_path / "a.xml.bz2")
    text = dump_text(path)
    assert [line.split(" ") for line in text.read_text().splitlines()] == [*SENTENCES, DOG]
    assert dump_text(tmp_path / "." / "a.xml.bz2") == text
    write_dump(path, ["Another text."])
    assert dump_text(path).read_text() == "Another text .\n"


def test_200_sentences_of_real_articles_have_hardly_any_markup(data):
    """Looked at by eye, none had any; here a stricter pattern than the reader's looks for what the eye would find.

    Every fourth article, since they take seconds.
    """
    pytest.importorskip("mwparserfromhell")
    dump = next(data("wikipedia").glob("*.bz2"))
    lines = [" ".join(sentence) for article in islice(articles(dump), 0, None, 4) for sentence in article.sentences()]
    assert len(lines) > 3_500
    markup = re.compile(r"[\[{|}\]]{2}|[|{}<>=]|''|__|https?:|\b(?:thumb|px|ref|File|Image|Category|style) ?[:=|;]")
    sample = random.Random(0).sample(lines, 200)
    assert len([line for line in sample if markup.search(line)]) <= 3
    assert sum(map(len, map(str.split, lines))) / len(lines) > 20


def test_a_page_that_does_not_end_is_one_line_and_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(wikipedia, "LARGEST", 1 << 22)
    path = tmp_path / "a.xml.gz"
    path.write_bytes(gzip.compress(DUMP[:DUMP.index("<text")].encode() + b"<text>" + b"word " * (1 << 22), 1))

    def read():
        with pytest.raises(UserError, match="a page has more than 4,194,304 bytes, expected one revision"):
            list(articles(path))
    assert peak(read) < 1.25e7
