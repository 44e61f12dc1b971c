"""Ctrl-C or a closed terminal during long work: finish the step or sentence, save, and tell how to resume."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import UserError

HANGUP = getattr(signal, "SIGHUP", None)        # Windows has none


class Interrupted(UserError):
    """The user stopped the work; what it can go on from is saved. The command line exits with 130.

    go_on   whether the same command continues the work
    """

    def __init__(self, message: str, go_on: bool = True):
        super().__init__(message)
        self.go_on = go_on


class Signals:
    """A signal handler that collects signals. raised: those received; empty until somebody wants to stop."""

    def __init__(self) -> None:
        self.raised: list[int] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.raised and number != HANGUP:    # a closed terminal may send its signal twice
            raise KeyboardInterrupt     # pressed twice: at once, without saving
        self.raised.append(number)


@contextmanager
def interruptible() -> Iterator[Signals]:
    """Collect SIGINT, SIGTERM and SIGHUP while the body runs; threads other than the main one catch nothing.

    SIGHUP stays ignored where it was, as under nohup.
    """
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    if HANGUP is not None and signal.getsignal(HANGUP) != signal.SIG_IGN:
        numbers.append(HANGUP)
    before = {number: signal.signal(number, signals) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
