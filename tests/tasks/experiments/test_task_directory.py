"""task_directory: a new one may hold nothing that would be overwritten."""

import pytest

from elmo_np.errors import UserError
from elmo_np.tasks.experiments.task_directory import new_directory, stopped_directory


def test_a_new_directory_is_made_with_its_parents(tmp_path):
    directory = new_directory(str(tmp_path / "a/b"), "tag")
    assert directory.path.is_dir()
    assert (directory.own_bilm, directory.bilm) == (tmp_path / "a/b/bilm", tmp_path / "a/b/bilm.txt")


@pytest.mark.parametrize(("file", "message"), [
    ("model.safetensors", "holds the files of another training"),
    ("report.txt", "holds the files of another training"),
    ("last.safetensors", "holds a training that was stopped: continue it with --resume"),
    ("results.csv", "holds the results of a comparison that was stopped"),
    ("bilm.txt", "bilm.txt already exists: expected no such file, as this command writes one; give another --out"),
    ("tag.png", "tag.png already exists: expected no such file"),
])
def test_a_directory_in_use_is_refused(file, message, tmp_path):
    (tmp_path / file).write_text("")
    with pytest.raises(UserError, match=message):
        new_directory(str(tmp_path), "tag")


def test_files_that_are_not_written_may_be_there(tmp_path):
    for name in "notes.txt", "comparison.png":
        (tmp_path / name).write_text("mine")
    assert new_directory(str(tmp_path), "tag").path == tmp_path


def test_a_path_that_is_no_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for out in "", str(tmp_path / "file"):
        with pytest.raises(UserError, match="expected a directory, or a name for one"):
            new_directory(out, "tag")


def test_a_training_is_resumed_from_its_state_or_from_the_bilm_that_was_begun(tmp_path):
    with pytest.raises(UserError, match="has nothing to resume: expected the directory of a training that was stopped"):
        stopped_directory(str(tmp_path), "tag")
    (tmp_path / "bilm").mkdir()
    assert stopped_directory(str(tmp_path), "tag").path == tmp_path
    (tmp_path / "report.txt").write_text("")
    with pytest.raises(UserError, match="has nothing to resume"):
        stopped_directory(str(tmp_path), "tag")
    (tmp_path / "last.safetensors").write_text("")
    assert stopped_directory(str(tmp_path), "tag").last == tmp_path / "last.safetensors"
