"""The file of a model: what goes in comes out, and what does not fit is named before memory is taken."""

import dataclasses

import numpy as np
import pytest

from elmo_np.config.schema import Settings
from elmo_np.errors import UserError
from elmo_np.io import safetensors_file
from elmo_np.io.model_file import COUNTS, read_model, write_model
from elmo_np.nn.parameter import parameters
from tests.embedding_helpers import VOCABULARY, of_words, settings


@pytest.fixture
def elmo():
    return of_words()


def values(elmo):
    return {name: p.value for name, p in parameters(elmo).items()}


@pytest.fixture
def path(tmp_path, elmo):
    """A model file with its vocabulary, and one array more than the model."""
    VOCABULARY.save(tmp_path / "vocabulary.txt")
    path = tmp_path / "model.safetensors"
    arrays = {**values(elmo), "more": np.arange(3)}
    write_model(path, arrays, VOCABULARY, settings(), {"tokenize": "true", "own": "text"})
    return path


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("by_folder", [False, True])
def test_a_model_comes_back_with_its_settings_words_and_counts(path, elmo, mmap, by_folder):
    stored = read_model(path.parent if by_folder else path, mmap=mmap)
    assert stored.path == path
    assert stored.config == elmo.model.config
    assert (stored.vocabulary, stored.vocabulary.counts) == (VOCABULARY, VOCABULARY.counts)
    assert stored.tokenize is True
    assert stored.layer_norm is False
    assert stored.metadata["own"] == "text"
    taken = stored.take(elmo)
    for name, value in values(elmo).items():
        np.testing.assert_array_equal(taken[name], value)
    assert list(stored.tensors) == ["more"]


def test_a_vocabulary_without_counts_comes_back_without(path, elmo):
    words = type(VOCABULARY)(VOCABULARY.words)
    write_model(path, values(elmo), words, settings(), {"tokenize": "false", "mix": "layer_norm"})
    stored = read_model(path)
    assert stored.vocabulary.counts is None
    assert stored.tokenize is False
    assert stored.layer_norm is True


def test_settings_that_the_computation_does_not_depend_on_stay_out_of_the_file(path, elmo):
    before = path.read_bytes()
    other = settings()
    train = dataclasses.replace(other.train, threads=1, save_every=7)
    other = dataclasses.replace(other, train=train, data=dataclasses.replace(other.data, corpus="elsewhere"))
    arrays = {**values(elmo), "more": np.arange(3)}
    write_model(path, arrays, VOCABULARY, other, {"tokenize": "true", "own": "text"})
    assert path.read_bytes() == before


@pytest.mark.parametrize(("name", "array", "message"), [
    ("word_vector.W", None, r"found nothing for word_vector\.W, expected float32\(12, 12\)$"),
    ("model.forward_lm.layers.1.Wh", np.zeros((6, 20), np.float32), r"found float32\(6, 20\) for model\.forward_lm\."),
    ("model.forward_lm.embedding.E", np.zeros((5, 6)), r"found float64\(5, 6\) for model\.forward_lm\.embedding\.E"),
])
def test_an_array_that_does_not_fit_the_settings_is_named(path, name, array, message):
    tensors, metadata = safetensors_file.load(path)
    tensors.pop(name)
    safetensors_file.save(path, tensors if array is None else {**tensors, name: array}, metadata)
    with pytest.raises(UserError, match=message):
        read_model(path)


def test_an_array_that_only_the_model_needs_is_named_when_it_is_taken(path, elmo):
    tensors, metadata = safetensors_file.load(path)
    del tensors["mix.gamma"]
    safetensors_file.save(path, tensors, metadata)
    with pytest.raises(UserError, match=r"found nothing for mix\.gamma, expected float32\(\)$"):
        read_model(path).take(elmo)


@pytest.mark.parametrize("lost", ["model", "vocabulary", "tokenize", COUNTS])
def test_a_file_without_what_every_model_has_is_not_called_a_model(path, lost):
    tensors, metadata = safetensors_file.load(path)
    tensors.pop(lost, None)
    metadata.pop(lost, None)
    safetensors_file.save(path, tensors, metadata)
    with pytest.raises(UserError, match="does not hold an elmo_np model: expected a file that `elmo-np train` wrote"):
        read_model(path)


def test_another_vocabulary_is_noticed(path):
    type(VOCABULARY)([*VOCABULARY.words, "more"]).save(path.with_name("vocabulary.txt"))
    with pytest.raises(UserError, match=r"is not the vocabulary that model\.safetensors was trained with"):
        read_model(path)


def test_a_folder_without_a_model_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"has no model\.safetensors: expected a folder that `elmo-np train` wrote$"):
        read_model(tmp_path)
    (tmp_path / "last.safetensors").touch()
    with pytest.raises(UserError, match=r"has no model\.safetensors: its first epoch is not finished: continue its"):
        read_model(tmp_path)


@pytest.mark.parametrize("changes", [{"char_filters": [[1, 4], [2, 6]], "char_dim": 3}, {"softmax": "adaptive"}])
def test_models_of_other_kinds_are_checked_and_come_back(tmp_path, changes):
    elmo = of_words(**changes)
    VOCABULARY.save(tmp_path / "vocabulary.txt")
    write_model(tmp_path / "model.safetensors", values(elmo), VOCABULARY, Settings(model=elmo.model.config),
                {"tokenize": "true"})
    stored = read_model(tmp_path)
    assert stored.config == elmo.model.config
    assert stored.take(elmo).keys() == values(elmo).keys()
    assert not stored.tensors
