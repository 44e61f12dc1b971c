"""Locks: one process at a time, and no lock outlives its process."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from elmo_np.errors import UserError
from elmo_np.runtime.locks import locked, locked_folder
from tests.full_disk import room_for
from tests.posix import needs_links

HOLD = """
import sys, time
from pathlib import Path
from elmo_np.runtime.locks import locked_folder
with locked_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def holder(folder):
    """A process that holds the lock of a folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], env=environment, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"locked\n"
    return process


@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL"])
def test_a_second_process_is_refused_until_the_first_has_ended_however_it_ends(tmp_path, number):
    folder = tmp_path / "run"
    with holder(folder) as process:
        for _ in range(2):          # a refusal releases nothing
            with pytest.raises(UserError, match=rf"^{re.escape(str(folder))} is being written by process {process.pid} "
                                                r"on .+: wait until that ends, or give another name$"), \
                    locked_folder(folder):
                pass
        process.send_signal(getattr(signal, number))
        process.wait()
    assert (folder / ".lock").exists()          # left behind, and locks nothing
    with locked_folder(folder):
        assert f"process {os.getpid()} on" in (folder / ".lock").read_text()
    assert list(folder.iterdir()) == []


def test_the_same_process_is_refused_too(tmp_path):
    with locked_folder(tmp_path), pytest.raises(UserError, match=f"process {os.getpid()}"), locked_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_error_releases_the_lock_and_removes_the_empty_folders_that_were_made(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(ZeroDivisionError), locked_folder(tmp_path / "mine" / "a" / "b"):
        raise ZeroDivisionError
    assert list((tmp_path / "mine").iterdir()) == []
    with locked_folder(tmp_path / "mine" / "a"):
        (tmp_path / "mine" / "a" / "result").touch()
    assert [path.name for path in (tmp_path / "mine" / "a").iterdir()] == ["result"]


def test_a_lock_file_that_was_removed_and_made_again_by_others_is_not_mistaken_for_ours(tmp_path, monkeypatch):
    """Between opening it and locking it, its holder may remove it: then two processes would hold two files."""
    from elmo_np.runtime import locks
    path, removed = tmp_path / "lock", []

    def remove_first(file, lock=locks.lock):
        if not removed:
            path.unlink()
            removed.append(file)
        lock(file)
    monkeypatch.setattr(locks, "lock", remove_first)
    with locked(tmp_path, path):
        assert path.exists()
    assert removed[0].closed


def test_a_file_system_without_locks_is_used_without(tmp_path, monkeypatch):
    def without(file):
        raise OSError(95, "Operation not supported")
    monkeypatch.setattr("elmo_np.runtime.locks.lock", without)
    with locked_folder(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_or_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    for folder in tmp_path / "file", tmp_path / "file" / "run":
        with pytest.raises(UserError, match=r"^cannot make the folder [^\n]+$"), locked_folder(folder):
            pass
    with pytest.raises(UserError, match=r"^cannot write x: [^\n]+ expected an existing folder"), \
            locked(Path("x"), tmp_path / "none" / "lock"):
        pass


@pytest.mark.parametrize("contents", [b"my thesis", b"\xff\0"])
def test_a_file_that_somebody_else_made_stays(tmp_path, contents):
    (tmp_path / "lock").write_bytes(contents)
    with pytest.raises(UserError, match=r"lock is not a lock file: expected none there while x is written; move it"), \
            locked(Path("x"), tmp_path / "lock"):
        pass
    assert (tmp_path / "lock").read_bytes() == contents


@needs_links
def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "thesis").write_text("process of thought")
    (tmp_path / "lock").symlink_to(tmp_path / "thesis")
    with pytest.raises(UserError, match=r"^cannot write x: Too many levels of symbolic links"), \
            locked(Path("x"), tmp_path / "lock"):
        pass
    assert (tmp_path / "thesis").read_text() == "process of thought"


def test_what_a_killed_process_left_is_taken_over(tmp_path):
    (tmp_path / "lock").write_text("process 1 on a machine\n")
    with locked(Path("x"), tmp_path / "lock"):
        assert (tmp_path / "lock").read_text().startswith(f"process {os.getpid()} on ")
    assert not (tmp_path / "lock").exists()


def test_a_full_disk_takes_the_name_of_the_holder_not_the_lock(tmp_path):
    with room_for(0), locked(Path("x"), tmp_path / "lock"):
        assert (tmp_path / "lock").read_bytes() == b""
        with pytest.raises(UserError, match="x is being written by another process: wait until that ends"), \
                locked(Path("x"), tmp_path / "lock"):
            pass
    assert not (tmp_path / "lock").exists()
