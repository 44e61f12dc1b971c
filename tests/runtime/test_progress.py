"""Progress: one line that is rewritten on a terminal and in a notebook, plain lines elsewhere."""

import io

import pytest

from elmo_np.runtime import progress
from elmo_np.runtime.progress import Progress, duration

from .test_jupyter import NotebookStream


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """clock.now: what time it is."""
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_a_log_file_gets_a_line_every_ten_seconds(clock):
    out = io.StringIO()
    shown = Progress(out)
    for second in 100.0, 105.0, 109.9, 110.0, 119.0:
        clock.now = second
        shown.show(f"at {second:g}")
    assert out.getvalue() == "at 100\nat 110\n"


def test_a_terminal_gets_one_line_that_is_rewritten_and_cleared(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "11")
    out = Terminal()
    with Progress(out) as shown:
        shown.show("a long line that wraps")
        clock.now += 0.11
        shown.show("too recent")
        clock.now += 0.11
        shown.show("short")
        shown.say("stays")
    assert out.getvalue() == "\ra long lin\rshort     \r     \rstays\n"


def test_a_notebook_gets_one_line_that_is_rewritten_although_it_is_no_terminal(clock):
    out = NotebookStream()
    with Progress(out) as shown:
        shown.show("a longer line")
        clock.now += 0.21
        shown.show("short")
    assert out.getvalue() == "\ra longer line\rshort        \r     \r"


def test_lines_that_stay_are_written_whatever_the_clock_says(clock):
    out = io.StringIO()
    shown = Progress(out)
    for line in "one", "two":
        shown.say(line)
    assert out.getvalue() == "one\ntwo\n"


def test_quiet_writes_nothing(clock):
    out = Terminal()
    with Progress(out, quiet=True) as shown:
        shown.show("a")
        shown.say("b")
    assert out.getvalue() == ""


def test_progress_goes_to_stderr_by_default(capsys):
    Progress().say("here")
    assert capsys.readouterr() == ("", "here\n")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (75, "1:15"), (59.6, "1:00"), (4000, "1:06:40")])
def test_a_duration_is_minutes_and_seconds_and_hours_where_there_are_any(seconds, text):
    assert duration(seconds) == text


class Unread(Terminal):
    """A stream whose reader goes away after some lines."""

    def __init__(self, lines, error):
        super().__init__()
        self.lines = lines
        self.error = error

    def write(self, text):
        if not self.lines:
            raise self.error
        self.lines -= 1
        return super().write(text)


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(5, "I/O error"), OSError(28, "No space left on device"),
                                   ValueError("I/O operation on closed file")])
def test_work_goes_on_in_silence_where_nobody_reads(clock, error):
    out = Unread(2, error)
    with Progress(out) as shown:
        shown.say("one")
        shown.show("two")
        for _ in range(3):
            clock.now += 1
            shown.show("lost")
            shown.say("lost")
    assert out.getvalue() == "one\n\rtwo"


def test_a_line_of_wide_words_takes_one_row_of_the_terminal_and_is_cleared(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10")
    out = Terminal()
    with Progress(out) as shown:
        shown.show("銀行に行く人")
        clock.now += 1
        shown.show("a")
    assert out.getvalue() == "\r銀行に行\ra       \r \r"


def test_without_stderr_nothing_is_written(monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stream in None, closed:
        monkeypatch.setattr("sys.stderr", stream)
        with Progress() as shown:
            shown.show("lost")
            shown.say("lost")
