"""`elmo-np explore`: the page of what a model was trained on, and mistakes in one line."""

import json
import os
import sys
from pathlib import Path

import pytest

from elmo_np.inference.occurrences import counted, frequent_words
from tests.commands import TEXT
from tests.page_helpers import QUIET, array, data_of


def test_the_command_explores_what_the_model_was_trained_on(do, tmp_path):
    word, = frequent_words(counted(TEXT, QUIET), {word for sentence in TEXT for word in sentence}, 1)
    for extra in [], ["--words", f"the,{word}"], ["--words", "the", word, "--max", "3"]:
        out, _ = do("explore", "run", "--out", tmp_path / "page.html", *extra)
        data = data_of((tmp_path / "page.html").read_text(encoding="utf-8"))
        assert data["corpus"] == "train.txt"
        shown = [found["word"] for found in data["words"]]
        assert shown[0] == (word if not extra else "the")
        assert f"({', '.join(shown)})" in out
    assert all(len(array(found["position"], "<u4")) == 3 for found in data["words"])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_corpus_whose_name_is_not_utf8_is_shown(do, tmp_path):
    corpus = os.fsdecode(b"c\xff.txt")
    Path(tmp_path / corpus).write_text("".join(" ".join(sentence) + "\n" for sentence in TEXT))
    do("explore", "run", "--out", tmp_path / "page.html", "--words", "the", "--corpus", tmp_path / corpus)
    assert data_of((tmp_path / "page.html").read_text(encoding="utf-8"))["words"][0]["word"] == "the"


@pytest.mark.parametrize(("extra", "message"), [
    (["--words", "zebra"], "'zebra' is not among"), (["--words", ","], "names no word"), (["--max", "0"], "at most 0 "),
    (["--corpus", "absent.txt"], "absent.txt"), (["--out", "absent/page.html"], "absent/page.html")])
def test_a_mistake_is_one_line_and_leaves_no_page(do, tmp_path, extra, message):
    _, err = do("explore", "run", "--out", tmp_path / "page.html", *extra, code=2)
    assert err.count("\n") == 1
    assert message in err
    assert not list(tmp_path.iterdir())


def test_the_page_goes_to_standard_output_and_the_summary_to_stderr(do, tmp_path):
    do("explore", "run", "--out", tmp_path / "page.html", "--words", "bank")
    out, err = do("explore", "run", "--out", "-", "--words", "bank", "--json")
    assert out == (tmp_path / "page.html").read_text(encoding="utf-8")
    assert json.loads(err.splitlines()[-1]) == {"out": "-", "words": ["bank"], "occurrences": 4}
