"""Ctrl-C while a command is still importing ends it with one line, instead of the traceback of some import.

Imported before everything else; `main` ends it. A program that imports elmo_np is left alone. What remains is
the time in which Python itself starts and finds the package: no program can change what Ctrl-C does then.
"""

# The module signal imports enum, and that a dozen others: as much as Python's own start takes.
import _signal as signal  # type: ignore[import-not-found]
import os
import sys


def _is_command() -> bool:
    """Whether this process is elmo-np, or python -m elmo_np, whose argv[0] is "-m" until the package is imported."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    return name.startswith("elmo-np") or (name == "-m" and "elmo_np" in sys.orig_argv)


def _stop(number: int, frame: object) -> None:
    os.write(2, b"elmo-np: stopped\n")
    os._exit(130)           # nothing has been begun


def end() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, as always."""
    if signal.getsignal(signal.SIGINT) is _stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if _is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:     # not where it is ignored
    signal.signal(signal.SIGINT, _stop)
