"""The directory of a run: where its files are, how it begins, and when it is in use."""

from pathlib import Path

import pytest

from elmo_np.data.vocabulary import Vocabulary
from elmo_np.errors import UserError
from elmo_np.io.run_directory import RunDirectory

WORDS = Vocabulary.build([["the", "bank"]])


def test_the_files_of_a_run_have_the_names_that_people_and_programs_rely_on():
    run = RunDirectory(Path("run"))
    assert [run.model, run.last, run.vocabulary, run.config, run.metrics, run.report] == [
        Path("run") / name for name in ("model.safetensors", "last.safetensors", "vocabulary.txt", "config.toml",
                                        "metrics.csv", "report.html")]


def test_a_run_begins_with_its_vocabulary_and_settings_in_a_new_folder(tmp_path):
    run = RunDirectory(tmp_path / "new" / "run")
    assert not run.in_use()
    run.begin(WORDS, "[train]\n")
    assert Vocabulary.load(run.vocabulary) == WORDS
    assert run.config.read_text(encoding="utf-8") == "[train]\n"
    assert run.in_use()


@pytest.mark.parametrize("name", ["model", "last", "vocabulary", "config", "metrics"])
def test_any_file_of_a_training_means_that_the_folder_is_in_use(tmp_path, name):
    run = RunDirectory(tmp_path)
    run.report.touch()
    assert not run.in_use()         # a report can be written again
    getattr(run, name).touch()
    assert run.in_use()


def test_what_was_never_saved_can_be_removed(tmp_path):
    run = RunDirectory(tmp_path)
    run.begin(WORDS, "[train]\n")
    run.last.touch()
    run.remove_unsaved()
    assert run.config.exists()
    run.last.unlink()
    run.remove_unsaved()
    assert not run.in_use()
    run.remove_unsaved()


def test_a_training_is_resumable_once_it_has_saved(tmp_path):
    run = RunDirectory(tmp_path)
    run.begin(WORDS, "[train]\n")
    assert not run.resumable()
    assert not run.in_use()
    run.begin(WORDS, "[train]\n")
    run.last.touch()
    assert run.resumable()
    assert run.config.exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^cannot make the folder .*file/run: Not a directory$"):
        RunDirectory(tmp_path / "file" / "run").begin(WORDS, "")
