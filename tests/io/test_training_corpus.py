"""training_corpus: the text that config.toml names is read only if the model records that it was trained on it."""

import shutil
from pathlib import Path

import pytest

from elmo_np import train
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override, read_toml, replaced
from elmo_np.data.corpus import held_out, open_corpus
from elmo_np.errors import UserError
from elmo_np.io.training_corpus import training_corpus, validation_text
from tests.commands import TEXT as SENTENCES
from tests.commands import write
from tests.training_helpers import CORPUS, write_shards

SETTINGS = override(Settings(), ["embedding_dim=2", "hidden_dim=2", "epochs=1", "min_count=1"])
TEXT = [list(sentence) for sentence in SENTENCES]
OF_0_1 = Path(__file__).parents[1] / "whole" / "models_of_0_1" / "words"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A text, another one, a model trained on the text, and one that has a validation text."""
    folder = tmp_path_factory.mktemp("home")
    write(folder / "text.txt", TEXT)
    write(folder / "private.txt", [*TEXT[:-1], ["secret"]])
    train(str(folder / "text.txt"), folder / "run", settings=SETTINGS, quiet=True)
    train(str(folder / "text.txt"), folder / "valid", valid=str(folder / "private.txt"), settings=SETTINGS, quiet=True)
    train(str(folder / "text.txt"), folder / "python", valid=TEXT[:9], settings=SETTINGS, quiet=True)
    return folder


def settings_of(run):
    return read_toml(run / "config.toml", Settings())


@pytest.mark.parametrize("name", ["run", "valid", "python"])
def test_the_text_that_the_model_was_trained_on_is_read(home, name):
    run = home / name
    for path in run, run / "model.safetensors":
        assert list(training_corpus(path, settings_of(run))) == TEXT
    valid = list(validation_text(run, settings_of(run)))
    expected = [*TEXT[:-1], ["secret"]] if name == "valid" else list(held_out(TEXT)[1])
    assert valid == expected


@pytest.mark.parametrize("name", ["run", "valid"])
def test_another_text_is_not(home, name):
    changed = replaced(settings_of(home / name), corpus=str(home / "private.txt"))
    with pytest.raises(UserError, match=r"^\S+private.txt, which \S+config.toml names, is not the text that the model "
                                        r"was trained on: expected the same sentences$"):
        training_corpus(home / name, changed)
    assert list(training_corpus(home / name, changed, named=True))[-1] == ["secret"]
    changed = replaced(settings_of(home / name), valid=str(home / "text.txt"))
    with pytest.raises(UserError, match=r"text.txt, which \S+config.toml names, is not the text"):
        validation_text(home / name, changed)


def test_a_split_that_hides_most_of_a_text_is_not_taken_for_it(home):
    """The training part alone is the same: the held-out sentences are not."""
    every = settings_of(home / "run").data.held_out
    changed = [["secret"] if k % every == every - 1 else sentence for k, sentence in enumerate(TEXT)]
    write(home / "changed.txt", changed)
    assert ["secret"] in changed
    with pytest.raises(UserError, match="is not the text"):
        training_corpus(home / "run", replaced(settings_of(home / "run"), corpus=str(home / "changed.txt")))


def test_built_in_corpora_need_no_record_and_a_missing_name_is_reported(home):
    settings = replaced(settings_of(home / "run"), corpus="grammar")
    assert next(iter(training_corpus(home / "run", settings)))
    with pytest.raises(UserError, match="does not record its training corpus: expected its name"):
        training_corpus(home / "run", replaced(settings, corpus=None))


def test_a_run_of_0_1_has_its_record_in_the_last_state(tmp_path):
    shutil.copytree(OF_0_1, tmp_path / "run")
    settings = replaced(settings_of(OF_0_1), corpus=str(OF_0_1.parent / "corpus.txt"))
    assert list(training_corpus(tmp_path / "run", settings))
    (tmp_path / "run" / "last.safetensors").unlink()
    with pytest.raises(UserError, match="which it does not record"):
        training_corpus(tmp_path / "run", settings)


def test_a_sharded_text_is_compared_shard_by_shard(tmp_path):
    shards = write_shards(tmp_path / "shards")
    train(str(shards), tmp_path / "run", settings=replaced(SETTINGS, shards=True), quiet=True)
    settings = settings_of(tmp_path / "run")
    corpus = open_corpus(str(shards), shards=True)
    assert list(training_corpus(tmp_path / "run", settings)) == list(corpus) == [*map(list, CORPUS)]
    assert list(validation_text(tmp_path / "run", settings)) == list(held_out(corpus)[1])
    (shards / "a.txt").rename(shards / "g.txt")
    with pytest.raises(UserError, match="is not the text that the model was trained on"):
        training_corpus(tmp_path / "run", settings)
