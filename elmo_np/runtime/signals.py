"""Ctrl-C during long work: finish the step or the sentence, save, and tell the user how to resume."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import UserError


class Interrupted(UserError):
    """The user stopped the work; everything done so far is saved. The command line exits with 130."""


class Signals:
    """A signal handler that collects signals. raised: those received; empty until somebody wants to stop."""

    def __init__(self) -> None:
        self.raised: list[int] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.raised:
            raise KeyboardInterrupt     # pressed twice: at once, without saving
        self.raised.append(number)


@contextmanager
def interruptible() -> Iterator[Signals]:
    """Collect SIGINT and SIGTERM while the body runs; in threads other than the main one, nothing is caught."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {number: signal.signal(number, signals) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
