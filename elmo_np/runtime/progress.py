"""Progress of long work: one line on stderr that is rewritten; plain lines where it is not a terminal or a notebook."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

from .jupyter import in_notebook
from .terminal import columns_of, cut, escaped, filled

SECONDS_BETWEEN_LINES = 10.0        # where lines stay, as in a log file
SECONDS_BETWEEN_REWRITES = 0.2      # fast enough to look alive


class Progress:
    """A line of progress.

    out     where to write; None: stderr
    quiet   write nothing

    Where nobody reads any more, as after `2>&1 | head` or in a terminal that was closed, the work goes on in silence.
    """

    def __init__(self, out: TextIO | None = None, quiet: bool = False):
        self._out = out or sys.stderr
        self._quiet = quiet or self._out is None or self._out.closed       # None: the system gave no stderr
        self._rewritten = not self._quiet and (self._out.isatty() or in_notebook(self._out))
        self._shown = 0.0
        self._width = 0

    def show(self, line: str) -> None:
        """Show `line` unless the last one is too recent; on a terminal and in a notebook it replaces the last one."""
        between = SECONDS_BETWEEN_REWRITES if self._rewritten else SECONDS_BETWEEN_LINES
        if self._quiet or time.monotonic() - self._shown < between:
            return
        self._shown = time.monotonic()
        line = escaped(line)
        if self._rewritten:
            line = cut(line, shutil.get_terminal_size().columns - 1)       # a line that wraps could not be rewritten
            self._write("\r" + filled(line, self._width))
            self._width = columns_of(line)
        else:
            self._write(line + "\n")

    def say(self, line: str) -> None:
        """Print a line that stays."""
        if not self._quiet:
            self.close()
            self._write(escaped(line) + "\n")

    def close(self) -> None:
        """Clear the rewritten line, so that whatever is printed next starts at the left."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _write(self, text: str) -> None:
        if self._quiet:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):       # ValueError: the stream was closed
            self._quiet = True

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def duration(seconds: float) -> str:
    """75 -> "1:15", 4000 -> "1:06:40"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
