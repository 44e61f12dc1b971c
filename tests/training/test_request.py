"""What a training is asked to do is checked before anything is read or written."""

import os

import pytest

from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import replaced
from elmo_np.errors import UserError
from elmo_np.io.run_directory import RunDirectory
from elmo_np.training.request import check_request, open_corpora, with_corpora, with_tokens
from tests.dump_helpers import write_dump


def test_the_settings_name_the_corpora_that_have_a_name():
    settings = with_corpora(Settings(), "text.txt", [["a"]])
    assert (settings.data.corpus, settings.data.valid) == ("text.txt", None)
    assert with_corpora(Settings(), [["a"]], "valid.txt").data.valid == "valid.txt"


def test_standard_input_is_not_named_because_it_cannot_be_read_again():
    assert with_corpora(replaced(Settings(), corpus="before.txt"), "-", None).data.corpus is None


def test_a_dump_makes_a_model_whose_texts_are_split(tmp_path):
    dump, text = write_dump(tmp_path / "a.xml"), tmp_path / "a.txt"
    text.write_text("a\n")
    assert with_tokens(Settings(), f"{text}{os.pathsep}{dump}").data.tokenize
    assert not with_tokens(Settings(), str(text)).data.tokenize
    assert not with_tokens(Settings(), [["a"]]).data.tokenize


def test_every_nth_sentence_is_held_out_unless_there_is_a_validation_corpus():
    corpus, settings = [[str(k)] for k in range(6)], replaced(Settings(), held_out=3)
    train, valid = open_corpora(corpus, None, settings)
    assert (list(train), list(valid)) == ([["0"], ["1"], ["3"], ["4"]], [["2"], ["5"]])
    train, valid = open_corpora(corpus, [["x"]], settings)
    assert (list(train), list(valid)) == (corpus, [["x"]])


def test_only_files_are_shards():
    with pytest.raises(UserError, match=r"^shards = true with a corpus that is a list: expected one string that "):
        open_corpora([["a"]], None, replaced(Settings(), shards=True))


def test_a_file_is_split_as_the_settings_say(tmp_path):
    (tmp_path / "text.txt").write_text("One, two.\n")
    train, _ = open_corpora(str(tmp_path / "text.txt"), [["x"]], replaced(Settings(), tokenize=True))
    assert [list(sentence) for sentence in train] == [["One", ",", "two", "."]]


@pytest.mark.parametrize(("files", "hint"), [
    (["last.safetensors", "model.safetensors"], ", or continue it (--resume, or resume=True)"),
    (["model.safetensors"], ""),
    (["config.toml"], ", or remove it: no step of its training was saved")])
def test_a_directory_in_use_is_refused_with_the_way_on(tmp_path, files, hint):
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(UserError) as caught:
        check_request(Settings(), str(tmp_path), RunDirectory(tmp_path), resume=False)
    assert str(caught.value) == f"{tmp_path} already holds a run: give another directory{hint}"


@pytest.mark.parametrize(("changes", "out", "resume", "message"), [
    ({"predict": False}, "out", False, "predict = false: expected predict = true"),
    ({}, "", False, "the run's directory has an empty name: expected the name of a folder"),
    ({}, "out", True, "has no last.safetensors to resume from")])
def test_a_run_that_cannot_begin_is_refused(tmp_path, changes, out, resume, message):
    with pytest.raises(UserError, match=message):
        check_request(replaced(Settings(), **changes), out, RunDirectory(tmp_path), resume=resume)


def test_a_run_is_resumed_with_the_model_that_it_began_with(tmp_path):
    (tmp_path / "last.safetensors").touch()
    (tmp_path / "config.toml").write_text(f"[data]\nfine_tune = '{tmp_path}'\n")
    settings = replaced(Settings(), fine_tune=f"{tmp_path}/../{tmp_path.name}")
    check_request(settings, str(tmp_path), RunDirectory(tmp_path), resume=True)
    with pytest.raises(UserError, match=r"began with fine_tune = .*, now it is none: resume with the same value"):
        check_request(Settings(), str(tmp_path), RunDirectory(tmp_path), resume=True)
