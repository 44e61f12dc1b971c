"""Ctrl-C in the middle of long work: finish the step or the sentence, save, and say how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import UserError


class Interrupted(UserError):
    """A person stopped the work; what is done is saved. The command line exits with 130."""


class Signals:
    """raised: the signals that came in, empty while nobody wants to stop."""

    def __init__(self) -> None:
        self.raised: list[int] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.raised:
            raise KeyboardInterrupt     # pressed twice: at once, without saving
        self.raised.append(number)


@contextmanager
def interruptible() -> Iterator[Signals]:
    """Collect SIGINT and SIGTERM while the body runs. Only the main thread can; in others nothing is caught."""
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
