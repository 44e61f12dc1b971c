"""Unfinished: a folder that somebody else made is refused, and none of its files is removed."""

from pathlib import Path

import pytest

from elmo_np.errors import UserError
from elmo_np.runtime.unfinished import Unfinished
from tests.posix import needs_links


@pytest.fixture
def unfinished(tmp_path: Path) -> Unfinished:
    return Unfinished.of(tmp_path / "x", "data", "place.json")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(unfinished: Unfinished) -> None:
    with pytest.raises(UserError, match=r"x\.part does not hold the beginning of a file: expected no such folder"):
        unfinished.begun()


def test_work_has_begun_when_its_place_is_there(unfinished: Unfinished) -> None:
    assert not unfinished.begun()
    unfinished.make()
    assert not unfinished.begun()
    unfinished.data.write_text("some")
    unfinished.place.touch()
    assert unfinished.begun()
    unfinished.remove()
    assert not unfinished.folder.exists()


def test_what_a_killed_process_left_before_it_began_is_removed(unfinished: Unfinished) -> None:
    unfinished.make()
    for name in "data", ".place.json.00000000.tmp", ".place.json.tmp":
        (unfinished.folder / name).touch()
    assert not unfinished.begun()
    unfinished.make()
    assert names(unfinished.folder) == []


@pytest.mark.parametrize("name", ["data", "thesis.txt", ".place.json.thesis.tmp"])
def test_a_folder_that_somebody_else_made_is_refused_and_stays(unfinished: Unfinished, name: str) -> None:
    unfinished.folder.mkdir()
    (unfinished.folder / name).write_text("kept")
    refused(unfinished)
    assert (unfinished.folder / name).read_text() == "kept"


def test_a_file_in_the_place_of_the_folder_is_refused(unfinished: Unfinished) -> None:
    unfinished.folder.write_text("kept")
    refused(unfinished)
    with pytest.raises(FileExistsError):
        unfinished.make()
    assert unfinished.folder.read_text() == "kept"


@needs_links
@pytest.mark.parametrize("which", range(3))
def test_a_link_is_refused(unfinished: Unfinished, which: int, tmp_path: Path) -> None:
    unfinished.make()
    unfinished.data.touch()
    unfinished.place.touch()
    unfinished[which].rename(tmp_path / "moved")
    unfinished[which].symlink_to(tmp_path / "moved")
    refused(unfinished)


def test_a_file_that_somebody_else_put_there_stays(unfinished: Unfinished) -> None:
    unfinished.make()
    for name in "data", "place.json", "thesis.txt":
        (unfinished.folder / name).touch()
    unfinished.remove()
    assert names(unfinished.folder) == ["thesis.txt"]
