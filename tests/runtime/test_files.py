"""atomic_write: the file is the old one or the new one, whole; a temporary directory ends with the process."""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from elmo_np.errors import UserError
from elmo_np.runtime.files import (
    all_or_none,
    atomic_file,
    atomic_write,
    atomic_write_text,
    open_regular,
    read_regular,
    read_regular_text,
    temporary_directory,
)
from tests.posix import needs_links, needs_signals


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_the_chunks_are_joined_and_nothing_else_is_left(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a", [b"one ", memoryview(b"two"), b""])
    assert (tmp_path / "a").read_bytes() == b"one two"
    assert names(tmp_path) == ["a"]


def test_a_text_is_utf8_with_plain_line_ends(tmp_path: Path) -> None:
    atomic_write_text(tmp_path / "a", "é\nü\n")
    assert (tmp_path / "a").read_bytes() == "é\nü\n".encode()


def test_a_second_write_replaces_the_first(tmp_path: Path) -> None:
    atomic_write_text(tmp_path / "a", "a long first text")
    atomic_write_text(str(tmp_path / "a"), "second")
    assert (tmp_path / "a").read_text() == "second"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("bug"), UserError("mistake")])
def test_an_exception_while_chunks_are_made_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise error

    atomic_write_text(tmp_path / "a", "old")
    with pytest.raises(type(error)):
        atomic_write(tmp_path / "a", chunks())
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_full_disk_is_one_line_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    atomic_write_text(tmp_path / "a", "old")
    monkeypatch.setattr(os, function, full)
    with pytest.raises(UserError, match=r"^cannot write .*a: No space left on device; expected [^\n]*$"):
        atomic_write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


@needs_signals
def test_a_killed_writer_leaves_the_old_file_and_the_next_write_succeeds(tmp_path: Path) -> None:
    atomic_write_text(tmp_path / "a", "old")
    program = (
        "import os, signal, sys\n"
        "from elmo_np.runtime.files import atomic_write\n"
        "os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)\n"
        "atomic_write(sys.argv[1], [b'new'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")], env=environment, check=False)
    assert result.returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_text() == "old"
    left, other = names(tmp_path)
    assert re.fullmatch(r"\.a\.[0-9a-f]{8}\.tmp", left)
    assert other == "a"
    atomic_write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("place", ["missing/a", "file/a", "."])
def test_an_impossible_place_is_named_with_the_reason(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^cannot write [^\n]*; expected [^\n]*$"):
        atomic_write_text(tmp_path / place, "text")
    assert names(tmp_path) == ["file"]


def test_a_device_is_refused_not_replaced() -> None:
    with pytest.raises(UserError, match="not a regular file"):
        atomic_write_text(os.devnull, "text")
    assert not Path(os.devnull).is_file()


@needs_links
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "a")
    atomic_write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "a").read_text() == "text"


@needs_links
def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "precious").write_text("kept")
    drawn = iter(["00000000", "11111111"])
    monkeypatch.setattr(secrets, "token_hex", lambda size: next(drawn))
    (tmp_path / ".a.00000000.tmp").symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match="File exists"):
        atomic_write_text(tmp_path / "a", "text")
    assert (tmp_path / "precious").read_text() == "kept"
    assert names(tmp_path) == [".a.00000000.tmp", "precious"]
    atomic_write_text(tmp_path / "a", "text")
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_file_that_somebody_else_made_is_not_removed(tmp_path: Path) -> None:
    for name in ".a.tmp", ".a.thesis.tmp", ".b.00000000.tmp":
        (tmp_path / name).write_text("kept")
    atomic_write_text(tmp_path / "a", "text")
    assert names(tmp_path) == [".a.thesis.tmp", ".a.tmp", ".b.00000000.tmp", "a"]


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a") as first:
        first.write(b"one ")
        with atomic_file(tmp_path / "a") as second:
            second.write(b"second")
        assert (tmp_path / "a").read_bytes() == b"second"
        first.write(b"whole")
    assert (tmp_path / "a").read_bytes() == b"one whole"
    assert names(tmp_path) == ["a"]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    atomic_write_text(tmp_path / ("é" * 127), "text")
    assert names(tmp_path) == ["é" * 127]


def test_a_hyphen_is_standard_output_and_a_closed_one_is_no_mistake_of_the_user(
        capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    print("before")
    atomic_write("-", [b"\xff", "\u00e9\n".encode()])
    assert capsysbinary.readouterr().out == b"before\n\xff\xc3\xa9\n"
    assert names(tmp_path) == []
    atomic_write(Path("-"), [b"a file of that name"])
    assert names(tmp_path) == ["-"]

    def gone() -> Iterator[bytes]:
        raise BrokenPipeError
        yield b""
    with pytest.raises(BrokenPipeError):
        atomic_write("-", gone())


def test_a_temporary_file_that_another_process_is_about_to_remove_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take a file for a leftover that has just been made and is not locked yet."""
    taken: list[Path] = []

    def lock(file: IO[bytes]) -> None:
        if not taken:
            taken.append(Path(file.name))
            raise BlockingIOError
    monkeypatch.setattr("elmo_np.runtime.files.lock", lock)
    with atomic_file(tmp_path / "a.txt") as file:
        taken[0].unlink()
        file.write(b"all")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"all")]


def test_the_temporary_directory_ends_with_the_process() -> None:
    program = "from elmo_np.runtime.files import temporary_directory; print(temporary_directory())"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert (Path(done.stdout.strip()).exists(), done.stderr) == (False, "")
    assert temporary_directory() == temporary_directory() != Path(done.stdout.strip())
    assert temporary_directory().is_dir()


@needs_links
def test_a_regular_file_is_read_and_a_longer_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes("é\r\nü\rx".encode())
    assert read_regular(file, 8) == file.read_bytes()
    assert read_regular_text(file, 8) == "é\nü\nx"
    (tmp_path / "link").symlink_to(file)
    with open_regular(tmp_path / "link") as opened:
        assert opened.read() == file.read_bytes()
    with pytest.raises(OSError) as caught:
        read_regular(file, 7)
    assert caught.value.strerror == "it has 8 bytes, expected at most 7"
    for path, error in (tmp_path, IsADirectoryError), (tmp_path / "none", FileNotFoundError):
        with pytest.raises(error):
            open_regular(path)


def test_several_files_are_written_all_or_none(tmp_path: Path) -> None:
    new = [tmp_path / "a", tmp_path / "b"]
    def write(second: Path) -> None:
        with all_or_none(new):
            atomic_write(new[0], [b"x"])
            atomic_write(second, [b"x"])
    with pytest.raises(UserError):
        write(tmp_path / "none" / "b")
    assert names(tmp_path) == []
    write(new[1])
    assert names(tmp_path) == ["a", "b"]
