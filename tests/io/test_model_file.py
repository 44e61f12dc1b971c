"""The file of a model: what goes in comes out, and what does not fit is named before memory is taken."""

import dataclasses
import json

import numpy as np
import pytest

from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import replaced
from elmo_np.errors import UserError
from elmo_np.io import safetensors_file
from elmo_np.io.model_file import COUNTS, read_model, shapes, write_model
from elmo_np.nn.parameter import parameters
from tests.embedding_helpers import VOCABULARY, of_words, settings
from tests.memory_helpers import peak


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


@pytest.mark.parametrize("changes", [
    {"char_filters": [[1, 4], [2, 6]], "char_dim": 3}, {"softmax": "adaptive"}, {"cell": "gru"}])
def test_models_of_other_kinds_are_checked_and_come_back(tmp_path, changes):
    elmo = of_words(**changes)
    VOCABULARY.save(tmp_path / "vocabulary.txt")
    write_model(tmp_path / "model.safetensors", values(elmo), VOCABULARY, Settings(model=elmo.model.config),
                {"tokenize": "true"})
    stored = read_model(tmp_path)
    assert stored.config == elmo.model.config
    assert stored.take(elmo).keys() == values(elmo).keys()
    assert not stored.tensors


@pytest.mark.parametrize("changes", [
    {}, {"projection_dim": 4, "softmax": "adaptive", "cutoffs": [3, 5]}, {"softmax": "adaptive"}, {"tie": True},
    {"tie": True, "projection_dim": 3}, {"tie": True, "softmax": "adaptive", "share_embedding": True},
    {"tie": True, "softmax": "adaptive", "cutoffs": [3, 5], "hidden_dim": 3}, {"tie": True, "predict": False},
    {"char_filters": [[1, 4], [2, 6]], "char_highways": 2}, {"char_filters": [[1, 6]], "char_projection": False},
    {"share_embedding": True, "share_softmax": True, "vector_dim": 3}, {"share_embedding": True, "tie": True},
    {"predict": False}, {"softmax": "sampled", "samples": 9}, {"cell": "gru"},
])
def test_the_list_of_sizes_has_every_array_of_two_axes(changes):
    elmo = of_words(**changes)
    listed = dict(shapes(elmo.model.config, len(VOCABULARY)))
    assert listed == {name: value.shape for name, value in values(elmo).items() if value.ndim == 2}
    assert set(range(2)) >= {value.ndim for name, value in values(elmo).items() if name not in listed}


def claims(path, **changes):
    """The file with other settings of the model, as a stranger may write them."""
    tensors, metadata = safetensors_file.load(path)
    model = {**json.loads(metadata["model"]), **changes}
    safetensors_file.save(path, tensors, {**metadata, "model": json.dumps(model)})


@pytest.mark.parametrize(("changes", "message"), [
    ({"char_highways": 10**9}, "char_highways = 1000000000: expected a whole number of at least 0 and at most 1000"),
    ({"char_filters": [[1, 9]], "char_highways": 1000}, r"found float32\(500, 6\) for .*embedding\.E, expected"),
    ({"layers": 10**8}, "layers = 100000000: expected a whole number of at least 1 and at most 1000"),
    ({"layers": 1000}, r"found nothing for model\.forward_lm\.layers\.2\.Wx, expected"),
    ({"embedding_dim": 10**12}, r"found float32\(500, 6\) for .*\.embedding\.E, expected float32\(500, 10"),
    ({"hidden_dim": 10**12, "projection_dim": 6}, r"found float32\(6, 24\) for .*\.layers\.0\.Wx, expect"),
    ({"cell": "gru"}, r"found float32\(6, 24\) for .*\.layers\.0\.Wx, expected float32\(6, 18\)$"),
    ({"cell": "rnn"}, "cell = 'rnn': expected one of lstm, gru"),
    ({"tie": True, "projection_dim": 3}, r"found float32\(12, 12\) for word_vector.W, expected float32\(6, 6\)"),
    ({"tie": True, "softmax": "adaptive"}, r"found nothing for model\.forward_lm\.softmax\.head\.G, expected float32"),
    ({"softmax": "adaptive", "cutoffs": [499]}, r"found nothing for model\.forward_lm\.softmax\.head\.W"),
    ({"vector_dim": 10**15}, r"found float32\(12, 12\) for word_vector\.W, expected float32\(1000000000000000, 12\)"),
])
def test_sizes_that_a_file_only_claims_are_refused_before_anything_is_built(path, changes, message):
    claims(path, **changes)
    def refused():
        with pytest.raises(UserError, match=message):
            read_model(path)
    assert peak(refused) < 20e6


def test_wide_layers_cost_nothing_where_their_outer_products_are_not_in_the_file(tmp_path):
    config = replaced(Settings(), embedding_dim=30_000, hidden_dim=30_000, projection_dim=1).model
    words = type(VOCABULARY)(["<S>", "</S>", "<UNK>", "a"])
    words.save(tmp_path / "vocabulary.txt")
    wanted = dict(shapes(config, 4))
    arrays = {name: np.zeros(shape, np.float32) for name, shape in wanted.items() if np.prod(shape) < 10**6}
    write_model(tmp_path / "model.safetensors", arrays, words, Settings(model=config), {"tokenize": "true"})
    with pytest.raises(UserError, match=r"found nothing for .*layers\.0\.Wx, expected float32\(30000, 120000\)"):
        read_model(tmp_path)


@pytest.mark.parametrize("counts", [
    np.zeros(3, np.int64), np.zeros((500, 1), np.int64), np.zeros(500), np.full(500, -1), np.array(7)])
def test_counts_that_are_not_one_per_word_are_refused(path, counts):
    tensors, metadata = safetensors_file.load(path)
    safetensors_file.save(path, {**tensors, COUNTS: counts}, metadata)
    with pytest.raises(UserError, match=r"model\.safetensors: found .* for vocabulary\.counts, expected int64\(500,\)"):
        read_model(path)


@pytest.mark.parametrize(("text", "value", "message"), [
    ("tokenize", "maybe", "tokenize is 'maybe', expected true or false"),
    ("model", "[" * 100_000, "are not JSON"),
    ("model", "7", "model = 7: expected a table"),
    ("model", '{"layers": ' + "1" * 5000 + "}", "are not JSON"),
    ("unknown", "the", "unknown = 'the', but the vocabulary has that word"),
])
def test_wrong_texts_are_one_line_with_the_name_of_the_file(path, text, value, message):
    tensors, metadata = safetensors_file.load(path)
    safetensors_file.save(path, tensors, {**metadata, text: value})
    with pytest.raises(UserError, match=rf"model\.safetensors: .*{message}") as caught:
        read_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_model_with_values_that_are_not_finite_is_refused(path, elmo, value):
    tensors, metadata = safetensors_file.load(path)
    tensors["model.backward_lm.layers.1.b"][5] = value
    safetensors_file.save(path, tensors, metadata)
    with pytest.raises(UserError, match=r"model\.backward_lm\.layers\.1\.b holds NaN or infinity, expected finite"):
        read_model(path).take(elmo)
