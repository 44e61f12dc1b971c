"""Ctrl-C during long work: collected inside, as before outside."""

import signal
import threading

import pytest

from elmo_np.errors import UserError
from elmo_np.runtime.signals import Interrupted, interruptible

HANGUP = pytest.param(getattr(signal, "SIGHUP", None), marks=pytest.mark.skipif(
    not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, HANGUP])
def test_signals_are_collected_inside_and_as_before_outside(number):
    before = signal.getsignal(number)
    with interruptible() as signals:
        assert signals.raised == []
        signal.raise_signal(number)
        assert signals.raised == [number]
    assert signal.getsignal(number) is before


def test_a_second_signal_stops_at_once():
    before = signal.getsignal(signal.SIGINT)
    with interruptible():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [HANGUP])
def test_a_terminal_that_hangs_up_twice_still_lets_the_work_save(number):
    with interruptible() as signals:
        for _ in range(2):
            signal.raise_signal(number)
        assert signals.raised == [number, number]


@pytest.mark.parametrize("number", [HANGUP])
def test_a_hangup_that_is_ignored_stays_ignored(number):
    """As under nohup."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with interruptible() as signals:
            signal.raise_signal(number)
            assert signals.raised == []
    finally:
        signal.signal(number, before)


def test_an_error_in_the_body_restores_what_was_before():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), interruptible():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_catches_nothing():
    before, found = signal.getsignal(signal.SIGINT), []

    def work():
        with interruptible() as signals:
            found.append((signals.raised, signal.getsignal(signal.SIGINT)))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [([], before)]


def test_a_stop_is_a_user_error():
    assert issubclass(Interrupted, UserError)
