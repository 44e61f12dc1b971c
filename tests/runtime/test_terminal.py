"""terminal: what a text contains is shown, and no terminal obeys it."""

import io
import json
import sys

import pytest

from elmo_np.cli.main import main
from elmo_np.runtime.files import atomic_write
from elmo_np.runtime.progress import Progress
from elmo_np.runtime.terminal import columns_of, cut, escaped, escaped_json, escaping_stdout, filled
from tests.commands import SMALL, write

ODD = "\x1b]0;title\x07\x9b2J\x7f\u202e\b\r"      # titles, clears, deletes, reverses and overwrites
SHOWN = r"\x1b]0;title\x07\x9b2J\x7f\u202e\x08\r"
CONTROLS = {*map(chr, (*range(9), *range(11, 32), *range(127, 160))), "\u202e", "\u2066", "\u2028"}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Put a terminal in place of standard output and standard error, from within the test."""
    def replace():
        streams = Terminal(), Terminal()
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        return streams
    return replace


@pytest.mark.parametrize(("text", "width"), [("", 0), ("bank", 4), ("naïve", 5), ("nai\u0308ve", 5), ("銀行", 4),
                                             ("ｂ\uff9d", 3), ("ש\u05c1\u05b8", 1), ("\U0001f600", 2)])
def test_a_text_has_as_many_columns_as_a_terminal_gives_it(text, width):
    assert columns_of(text) == width
    assert filled(text, width + 2) == text + "  "
    assert filled(text, 0) == text
    assert cut(text, width) == text
    assert columns_of(cut(text, width - 1)) < max(width, 1)


@pytest.mark.parametrize(("text", "shown"), [
    ("a\tb\nnaïve 日本 \U0001f600 \u200d\u200f\u00ad", "a\tb\nnaïve 日本 \U0001f600 \u200d\u200f\u00ad"),
    (ODD, SHOWN), ("\0", r"\x00"), ("c\udcff", r"c\udcff"), (r"\x1b", r"\x1b"), ("", "")])
def test_control_characters_are_shown_and_all_others_stay(text, shown):
    assert escaped(text) == shown
    assert escaped(shown) == shown


@pytest.mark.parametrize("character", sorted(CONTROLS))
def test_every_control_character_is_shown_and_json_keeps_it(character):
    assert escaped(character).isprintable()
    text = escaped_json(json.dumps({character: [character]}, ensure_ascii=False))
    assert text.isprintable()
    assert json.loads(text) == {character: [character]}


def test_only_a_terminal_gets_escaped_text(terminal, monkeypatch):
    out, _ = terminal()
    with escaping_stdout():
        print(ODD, end="")
    assert out.getvalue() == SHOWN
    monkeypatch.setattr(sys, "stdout", file := io.StringIO())
    with escaping_stdout():
        print(ODD, end="")
    assert file.getvalue() == ODD


def test_a_file_on_a_terminal_is_escaped(terminal):
    out, _ = terminal()
    atomic_write("-", [f"{ODD}é\n".encode(), b"\xff"])
    assert out.getvalue() == f"{SHOWN}é\n\ufffd"


def test_progress_is_escaped_on_a_terminal_and_in_a_log():
    for out in Terminal(), io.StringIO():
        with Progress(out) as progress:
            progress.show(ODD)
            progress.say(ODD)
        assert escaped(out.getvalue().replace("\r", "")) == out.getvalue().replace("\r", "")
        assert SHOWN in out.getvalue()


BANK = "bank\x1b[2J\u202e"


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A directory with a text, a run and labelled data in which a word or a label is a control sequence."""
    home = tmp_path_factory.mktemp("odd")
    sentences = [("the", BANK, "paid", word, ".") for word in ("me", "him", "her", "\x9b31m", "us", "\x7f")] * 10
    write(home / "text.txt", sentences)
    (home / "data.tsv").write_text("".join(f"{' '.join(words)}\tlabel\x1b[{k % 2}m\n"
                                           for k, words in enumerate(sentences)))
    assert main(["train", str(home / "text.txt"), "--out", str(home / "run"), "--quiet", *SMALL]) == 0
    assert main(["task", "classify", "train", str(home / "data.tsv"), "--bilm", str(home / "run"), "--out",
                 str(home / "task"), "--quiet", "--set", "epochs=1", "--set", "hidden_dim=8"]) == 0
    return home


COMMANDS = [["sample", "run", "--prompt", BANK],
            ["score", "run", "text.txt"], ["score", "run", "text.txt", "--tokens"],
            ["similar", "run", BANK, "--in", f"the {BANK} paid"],
            ["substitutes", "run", "me", "--in", f"{BANK} paid me"],
            ["evaluate", "run", "text.txt", "--per-sentence", "-"], ["vectors", "run", "--out", "-"],
            ["task", "classify", "predict", "task", "text.txt"], ["task", "classify", "evaluate", "task", "data.tsv"],
            ["explore", "run", "--out", "x.html", "--words", BANK, "--corpus", "text.txt"]]
MISTAKES = [["similar", "run", ODD, "--in", "the"], ["evaluate", "run", ODD], ["info", ODD],
            ["train", ODD, "--out", "x"], ["task", "classify", "predict", "task", ODD],
            ["train", "text.txt", "--out", "x", "--set", f"{ODD}=1"]]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_sends_what_a_text_contains_to_a_terminal(words, odd, terminal, monkeypatch, capfd):
    monkeypatch.chdir(odd)
    (odd / "x.html").unlink(missing_ok=True)
    streams = terminal()
    assert main(words) == 0
    assert capfd.readouterr().out == ""
    for text in (stream.getvalue().replace("\r", "") for stream in streams):
        assert escaped(text) == text
    assert r"\x1b[" in streams[0].getvalue()


@pytest.mark.parametrize("words", [words for words in COMMANDS if "-" not in words], ids=" ".join)
def test_json_and_what_is_piped_keep_the_characters(words, odd, do, monkeypatch):
    monkeypatch.chdir(odd)
    (odd / "x.html").unlink(missing_ok=True)
    assert "\x1b[" in do(*words).out
    (odd / "x.html").unlink(missing_ok=True)
    printed = do(*words, "--json").out
    assert escaped(printed) == printed
    objects = [json.loads(printed)] if printed.startswith("{\n") else [*map(json.loads, printed.splitlines())]
    assert "\\u001b[" in json.dumps(objects)


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_message_is_escaped_wherever_it_goes(words, odd, monkeypatch, capsys):
    monkeypatch.chdir(odd)
    assert main(words) == 2
    _, err = capsys.readouterr()
    err = err.rpartition("elmo-np: error: ")[2]
    assert escaped(err) == err
    assert err.count("\n") == 1
    assert "x1b]0;title" in err
