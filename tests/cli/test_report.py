"""`elmo-np report`: the page that training leaves, written again; what is gone is named."""

import json

from tests.commands import SMALL, TEXT, write


def test_the_report_can_be_written_again_and_names_what_is_gone(do, tmp_path):
    corpus = write(tmp_path / "corpus.txt", TEXT)
    do("train", corpus, "--out", tmp_path / "run", "--quiet", *SMALL)
    out, _ = do("report", tmp_path / "run", "--out", tmp_path / "again.html")
    assert out == f"{tmp_path / 'again.html'}: open it in a browser\n"
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "run/report.html").read_bytes()
    corpus.rename(tmp_path / "moved.txt")
    do("report", tmp_path / "run")
    text = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert "The corpus is no longer available, or has changed." in text
    assert "The validation text is no longer available, or has changed." in text
    assert "unigram model" not in text


def test_a_directory_without_a_run_is_one_line(do, tmp_path):
    _, err = do("report", tmp_path, code=2)
    assert err.count("\n") == 1
    assert str(tmp_path) in err
    assert not list(tmp_path.iterdir())


def test_the_report_goes_to_standard_output(do, tmp_path, home):
    out, err = do("report", "run", "--out", "-")
    assert out == (home / "run/report.html").read_text(encoding="utf-8")
    assert err.endswith("the report is on standard output\n")
    assert json.loads(do("report", "run", "--out", tmp_path / "x.html", "--json").out) == {
        "out": str(tmp_path / "x.html")}
