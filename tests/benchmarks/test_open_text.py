"""benchmarks/open_text.py: no sentence that is tested on is left, nor one near it, and every count is right."""

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import open_text
import tasks_experiments
from open_text import Count, Source, cleaned, deal, is_prose, letters, table, too_near, write

from elmo_np.errors import UserError
from elmo_np.runtime.progress import Progress
from tests.dump_helpers import CAT, FOOT, HEAD, SENTENCES, page

DOCUMENTS = [[f"the bank {word} closed .", f"a {word} is here ."] for word in map(str, range(80))]
LONG = "a dull and endless film about nothing at all"


@pytest.mark.parametrize(("tested", "found", "near"), [
    ("It's the end .", "it 's THE end", True),          # other capitals, tokens and punctuation
    ("do n't go", "don't go !", True),
    ("the end", "this is the end of it", False),        # too short to look for it in others
    (LONG, f"he called it `` {LONG} '' .", True),       # contains it
    (f"{LONG} , and so on", LONG, True),                # is a part of it
    (LONG, LONG.replace("endless", "boundless"), False),
    ("", "the end", False)])
def test_sentences_that_are_tested_on_and_those_near_them_are_found(tested, found, near):
    assert too_near([letters(found), "other"], [letters(tested)]) == ({letters(found)} if near else set())


def test_a_tested_sentence_is_found_wherever_it_is_in_another():
    tested = [letters(f"{LONG} {k}") for k in range(3)]
    wholes = [letters(f"before {'x' * k} {LONG} {k} after") for k in range(5)]
    assert too_near(wholes, tested) == set(wholes[:3])


@pytest.mark.parametrize(("line", "expected"), [
    ("The cat sat .", True), ("Wow !", True), ("Wow ! !", False), ("Yes", False),
    ("* * * 12 : 40", False), ("a\u0000b is it", False),
    (" ".join(["word"] * 150), True), (" ".join(["word"] * 151), False), ("Él está aquí .", True)])
def test_what_is_prose(line, expected):
    assert is_prose(line) == expected


def test_documents_are_dealt_whole_until_there_are_enough_tokens():
    assert deal(DOCUMENTS, 9e-6) == DOCUMENTS[0]
    assert deal(DOCUMENTS, 1.1e-5) == [*DOCUMENTS[0], *DOCUMENTS[1]]
    assert deal(DOCUMENTS, math.inf) == [line for document in DOCUMENTS for line in document]
    with pytest.raises(UserError, match=r"the corpora hold 800 tokens, expected 0\.01 million"):
        deal(DOCUMENTS, 1e-2)


def source(name, *documents):
    return Source(name, "open", lambda: iter(documents))


def test_each_sentence_is_counted_once():
    one = source("one", ["The end .", "a b c", "--- ---", f"so {LONG}"], ["a b c !"])
    other = source("other", ["A B C", "d e"])
    kept, counts = cleaned([one, other], [["the", "END"], LONG.split()], Progress(quiet=True))
    assert kept == [["a b c"], ["d e"]]
    assert counts == [Count("one", "open", 5, 1, 1, 2, 1, 3), Count("other", "open", 2, 0, 1, 0, 1, 2)]
    rows = table(counts)
    assert rows["tokens"] == ["3", "2", "5"]
    assert rows["source"] == ["one", "other", "all"]


def test_texts_contain_the_shorter_ones_and_nothing_to_validate_on(tmp_path, monkeypatch):
    monkeypatch.setattr(open_text, "VALIDATION", 20)
    chosen, sizes = [source("one", *DOCUMENTS)], [0.0001, 0.0002, math.inf]
    counts = write(tmp_path / "out", chosen, [], sizes, Progress(quiet=True))
    texts = [open_text.file_of(tmp_path / "out", size).read_text() for size in sizes]
    assert texts[1].startswith(texts[0])
    assert texts[2].startswith(texts[1])
    assert [len(text.split()) for text in texts] == [100, 200, 780]
    valid = (tmp_path / "out" / "valid.txt").read_text().splitlines()
    assert len(valid) == 4
    assert sorted([*valid, *texts[2].splitlines()]) == sorted(line for document in DOCUMENTS for line in document)
    assert counts[0].tokens == 800
    broken = Source("one", "open", lambda: 1 / 0)
    assert write(tmp_path / "out", [broken], [], sizes, Progress(quiet=True)) == counts     # it is there
    (tmp_path / "out" / "0.0001.txt").unlink()
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "out", [broken], [], sizes, Progress(quiet=True))


def test_a_dump_of_wikipedia_is_a_source(tmp_path):
    pytest.importorskip("mwparserfromhell")
    file = tmp_path / "wiki.xml"
    file.write_text(HEAD + page(CAT) + FOOT)
    assert [*open_text.sources(file)[-1].read()] == [[" ".join(sentence) for sentence in SENTENCES]]
    assert open_text.sources(None) == [*open_text.NLTK]


def test_the_command_writes_the_texts_and_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(open_text, "NLTK", (source("one", *DOCUMENTS),))
    monkeypatch.setattr(open_text, "VALIDATION", 8)
    monkeypatch.setattr(tasks_experiments, "experiments", lambda files, out, quick: [])
    monkeypatch.setattr(tasks_experiments, "tested", lambda todo: [["a", "7", "is", "here", "."]])
    monkeypatch.delenv("ELMO_NP_DATA", raising=False)
    assert open_text.main(["--out", str(tmp_path / "out"), "--sizes", "0.0003"]) == 0
    assert (tmp_path / "out" / "sources.md").read_text() == capsys.readouterr().out
    written = "".join((tmp_path / "out" / name).read_text() for name in ("all.txt", "valid.txt"))
    assert "a 7 is here ." not in written
    assert "the bank 7 closed ." in written
    assert open_text.main(["--out", str(tmp_path / "out"), "--data", str(tmp_path / "nowhere")]) == 2
    assert "expected a directory with wnut17/, tatoeba/ and wikipedia/" in capsys.readouterr().err
