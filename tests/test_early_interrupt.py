"""Ctrl-C while a command is still importing is one line; a program that imports elmo_np sees what it always saw."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import elmo_np
from elmo_np import _early_interrupt
from elmo_np.cli import main

PRESSED = """
import os, signal
signal.raise_signal(signal.SIGINT)
from threading import get_ident as ThreadpoolController
"""


@pytest.fixture
def import_interrupted(tmp_path):
    """Start Python where Ctrl-C is pressed during one of the imports of elmo_np."""
    (tmp_path / "threadpoolctl.py").write_text(PRESSED)
    path = os.pathsep.join([str(tmp_path), str(Path(elmo_np.__file__).parents[1])])

    def start(*words):
        return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PYTHONPATH": path})
    return start


def test_a_command_that_is_still_importing_stops_with_one_line(import_interrupted, tmp_path):
    done = import_interrupted("-m", "elmo_np", "info")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "elmo-np: stopped\n")
    installed = tmp_path / "elmo-np"            # as pip writes it
    installed.write_text("import sys\nfrom elmo_np.cli.main import entry\nsys.exit(entry())\n")
    done = import_interrupted(str(installed), "info")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "elmo-np: stopped\n")


def test_a_program_that_imports_the_package_gets_its_keyboard_interrupt(import_interrupted):
    done = import_interrupted("-c", "try:\n    import elmo_np\nexcept KeyboardInterrupt:\n    print('mine')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "mine\n", "")


def test_once_a_command_runs_ctrl_c_raises_as_always():
    before = signal.signal(signal.SIGINT, _early_interrupt._stop)
    try:
        _early_interrupt.end()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _early_interrupt.end()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_nothing_is_imported_before_it_watches():
    """The module signal imports some twenty others, during which Ctrl-C would be a traceback."""
    code = ("import sys; before = set(sys.modules)\n"
            "package = sys.modules['elmo_np'] = type(sys)('elmo_np')\n"
            f"package.__path__ = [{str(Path(elmo_np.__file__).parent)!r}]\n"
            "import elmo_np._early_interrupt\n"
            "print({'signal', 'enum', 'types', 'typing'} & (set(sys.modules) - before))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_ctrl_c_is_watched_until_the_command_is_guarded(monkeypatch):
    """No moment is left in which it would be a traceback."""
    seen = []
    monkeypatch.setattr(main, "guarded", lambda program, command: seen.append(signal.getsignal(signal.SIGINT)) or 0)
    before = signal.signal(signal.SIGINT, _early_interrupt._stop)
    try:
        assert main.main(["info"]) == 0
        assert seen == [_early_interrupt._stop]
    finally:
        signal.signal(signal.SIGINT, before)
