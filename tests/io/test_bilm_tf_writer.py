"""The writer: what was published comes out as it went in, and what was trained here comes back bit for bit."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from elmo_np import ELMo, Vocabulary  # noqa: E402
from elmo_np.config.schema import BiLMConfig  # noqa: E402
from elmo_np.data.vocabulary import SPECIAL_TOKENS  # noqa: E402
from elmo_np.errors import UserError  # noqa: E402
from elmo_np.io.bilm_tf_writer import readers  # noqa: E402
from elmo_np.nn.parameter import parameters  # noqa: E402
from tests import bilm_tf_reference as reference  # noqa: E402  (it needs h5py)
from tests.published_weights import bytes_of, datasets, model  # noqa: E402

WORDS = [*SPECIAL_TOKENS, "the", "cat", "sat"]
TEXT = [["the", "cat", "sat"], ["Ångström", "!"], ["a" * 60]]
NAMES = "options.json", "weights.hdf5", "vocabulary.txt"
property_of = settings(derandomize=True, deadline=None, max_examples=15)


def export(elmo, folder):
    """The paths of the exported files."""
    folder.mkdir(exist_ok=True)
    paths = [folder / name for name in NAMES]
    elmo.to_bilm_tf(*paths)
    return paths


def imported(paths, **more):
    options, weights, vocabulary = paths
    return ELMo.from_bilm_tf(options, weights, vocabulary=vocabulary, **more)


def same(one, other, sentences=TEXT):
    """Both give the same vectors, bit for bit."""
    for found, expected in zip(one.embed(sentences), other.embed(sentences), strict=True):
        assert found.tobytes() == expected.tobytes()


# What was published


@pytest.mark.parametrize("name", ["bilm_tf_fixture", "allennlp_fixture"])
def test_published_weights_come_out_as_they_went_in(data, name, tmp_path):
    folder = data(name)
    elmo = ELMo.from_bilm_tf(folder / "options.json", folder / "lm_weights.hdf5")
    paths = export(elmo, tmp_path)
    assert bytes_of(datasets(paths[1])) == bytes_of(datasets(folder / "lm_weights.hdf5"))
    published, ours = (json.loads(path.read_text()) for path in (folder / "options.json", paths[0]))
    assert ours == {key: published[key] for key in ("lstm", "char_cnn")}


KINDS = {
    "lstm.n_layers": st.sampled_from([1, 2, 3]), "lstm.use_skip_connections": st.booleans(),
    "lstm.projection_dim": st.sampled_from([5, 7, 9]), "lstm.cell_clip": st.sampled_from([None, 0.5]),
    "lstm.proj_clip": st.sampled_from([None, 0.4]), "char_cnn.n_highway": st.sampled_from([0, 1, 2]),
    "char_cnn.activation": st.sampled_from(["relu", "tanh"]),
    "char_cnn.filters": st.sampled_from([[[1, 4], [4, 5]], [[2, 3]], [[1, 4], [2, 3]], [[3, 5]]]),
}


@property_of
@given(st.fixed_dictionaries(KINDS), st.sampled_from(["characters", "words"]),
       st.sampled_from(["no softmax", "softmax", "tied"]), st.booleans(), st.integers(0, 99))
def test_datasets_of_any_kind_come_out_as_they_went_in(tmp_path_factory, changes, reads, softmax, projected, seed):
    folder, rng = tmp_path_factory.mktemp("kind"), np.random.default_rng(seed)
    table = reference.options(**changes)
    H, P, F = 7, table["lstm"]["projection_dim"], sum(n for _, n in table["char_cnn"]["filters"])
    if reads == "words":
        del table["char_cnn"]
    arrays = reference.weights(table, V=6, rng=rng, cnn_proj=projected or F != P)
    if softmax == "softmax":
        arrays["softmax/W"] = rng.normal(size=(6, min(H, P))).astype(np.float32)
    if softmax == "tied" and reads == "words" and P <= H:
        table["share_embedding_softmax"] = True
    if softmax == "softmax" or "share_embedding_softmax" in table:
        arrays["softmax/b"] = rng.normal(size=6).astype(np.float32)
    Vocabulary(WORDS).save(folder / "vocabulary.txt")
    read = imported([*reference.write(folder, table, arrays), folder / "vocabulary.txt"])
    paths = export(read, folder / "again")
    assert bytes_of(datasets(paths[1])) == bytes_of(arrays)
    assert imported(paths).model.config == read.model.config
    same(imported(paths), read)


# What was trained here


OURS = {
    "words": {},
    "words, tied": {"tie": True, "layers": 2, "residual": True},
    "no projection": {"projection_dim": None, "hidden_dim": 5, "layers": 3},
    "words wider than the layers": {"projection_dim": None, "hidden_dim": 4, "layers": 2, "residual": True},
    "a projection to as many outputs as cells": {"projection_dim": 7, "embedding_dim": 7},
    "no softmax": {"predict": False},
    "clips": {"layers": 3, "cell_clip": 0.3, "proj_clip": 0.2, "residual": True},
    "clips without a projection": {"projection_dim": None, "hidden_dim": 5, "cell_clip": 0.3, "proj_clip": 0.2},
    "characters": {"char_filters": [[1, 4], [3, 6]], "char_highways": 2, "layers": 2, "residual": True},
    "characters, tanh, as many filters as outputs": {"char_filters": [[1, 2], [3, 3]], "char_activation": "tanh",
                                                     "char_projection": False, "char_highways": 0},
    "characters, projected between equal widths": {"char_filters": [[1, 2], [3, 3]], "max_characters": 20},
    "a constant as the original's": {"forget_bias": 1, "layers": 2},
    "another constant": {"forget_bias": 0.3},
}


@pytest.mark.parametrize("changes", OURS.values(), ids=OURS)
def test_a_model_of_ours_is_read_by_a_program_that_knows_only_the_format(tmp_path, rng, changes, each_backend):
    elmo = model(rng, **changes)
    paths = export(elmo, tmp_path)
    table, arrays = json.loads(paths[0].read_text()), datasets(paths[1])
    for sentence, layers in zip(TEXT, elmo.embed(TEXT), strict=True):
        by_id = None if "char_cnn" in table else elmo.vocabulary.encode(sentence)
        expected = reference.layers(table, arrays, sentence, by_id)
        for j, found in zip(elmo.layers, layers, strict=True):
            np.testing.assert_allclose(found, expected[j], rtol=1e-6, atol=1e-6)        # float32


@pytest.mark.parametrize("changes", OURS.values(), ids=OURS)
def test_a_model_of_ours_comes_back_bit_for_bit(tmp_path, rng, changes):
    elmo = model(rng, **changes)
    back = imported(export(elmo, tmp_path))
    constant = elmo.model.config.forget_bias
    assert back.model.config == replace(elmo.model.config, forget_bias=1.0 if constant == 1 else 0.0)
    assert back.vocabulary == elmo.vocabulary
    same(back, elmo)
    theirs = parameters(back.model)
    for name, p in parameters(elmo.model).items():
        if constant in (0, 1) or not name.endswith(".b"):
            no_character = name.endswith("embedding.E") and elmo.model.config.char_filters      # row 0: in no file
            np.testing.assert_array_equal(p.value[1:] if no_character else p.value,
                                          theirs[name].value[1:] if no_character else theirs[name].value)
    assert bytes_of(datasets(export(back, tmp_path / "again")[1])) == bytes_of(datasets(tmp_path / "weights.hdf5"))


def test_what_float32_leaves_out_of_a_forget_bias_less_one_stands_beside_it(tmp_path, rng):
    elmo = model(rng, hidden_dim=8, projection_dim=5)
    b = np.array([0.5, 1.7, 0.1, 1e-9, -1e-9, -0.3, -3.3, 1e5], np.float32)
    lstm = elmo.model.forward_lm.layers[0]
    lstm.b.value[8:16] = b
    paths = export(elmo, tmp_path)
    cell = "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell"
    arrays = datasets(paths[1])
    B, rest = arrays[f"{cell}/B"][16:24], arrays[f"{cell}/B_rest"]              # the third gate of theirs
    np.testing.assert_array_equal(B, (b - 1.0).astype(np.float32))
    assert (rest != 0).tolist() == [False, False, True, True, True, True, True, False]
    np.testing.assert_array_equal(imported(paths).model.forward_lm.layers[0].b.value[8:16], b)


def test_a_model_in_float64_is_written_in_float32(tmp_path):
    table = reference.options()
    arrays = reference.weights(table)
    elmo = ELMo.from_bilm_tf(*reference.write(tmp_path, table, arrays), dtype=np.float64)
    assert bytes_of(datasets(export(elmo, tmp_path / "again")[1])) == bytes_of(arrays)


# The files


def test_the_same_model_gives_the_same_bytes_and_no_dataset_says_when(tmp_path):
    first, second = (export(model(np.random.default_rng(0)), tmp_path / name) for name in ("one", "two"))
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
    with h5py.File(first[1]) as file:
        for name in datasets(first[1]):
            assert h5py.h5g.get_objinfo(file.id, name.encode()).mtime == 0
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(NAMES)


def test_the_vocabulary_may_be_left_out(tmp_path, rng):
    model(rng).to_bilm_tf(tmp_path / "options.json", tmp_path / "weights.hdf5")
    assert not (tmp_path / "vocabulary.txt").exists()


# Mistakes


@pytest.mark.parametrize(("changes", "message"), [
    ({"direction": "forward"}, "direction = forward: the format of published weights cannot represent that; .* both: "),
    ({"share_embedding": False}, "share_embedding = false: the format of published weights cannot represent that"),
    ({"share_softmax": False}, "share_softmax = false: "),
    ({"cell": "gru", "projection_dim": None, "hidden_dim": 5}, "cell = gru: "),
    ({"softmax": "adaptive", "cutoffs": [4]}, "softmax = adaptive: "),
    ({"tie": True, "char_filters": None, "embedding_dim": 6, "projection_dim": None, "hidden_dim": 5},
     "tie = true with embedding_dim = 6: .* expected 5, the size of the output"),
    ({"embedding_dim": 6}, "embedding_dim = 6 with projection_dim = 5: .* expected equal widths"),
    ({"projection_dim": None}, "embedding_dim = 5 with hidden_dim = 7 and projection_dim = none: .* at least 7"),
])
def test_a_model_that_the_format_cannot_hold_is_refused_by_its_setting(tmp_path, rng, changes, message):
    with pytest.raises(UserError, match=f"^{message}"):
        export(model(rng, **changes), tmp_path)
    assert list(tmp_path.iterdir()) == []


CHARACTERS = {"embedding_dim": 5, "projection_dim": 5, "hidden_dim": 7, "residual": True,
              "char_filters": [[1, 4], [2, 3]]}


@pytest.mark.parametrize(("changes", "expected"), [
    ({}, ["bilm-tf", "AllenNLP"]),
    ({"residual": False}, ["bilm-tf"]),
    ({"max_characters": 25}, ["bilm-tf"]),          # AllenNLP would read the 50 of a word as two words of 25
    ({"char_filters": None}, ["bilm-tf"]),
    ({"projection_dim": None}, ["bilm-tf"]),
    ({"char_filters": [[1, 5]], "char_projection": False}, ["bilm-tf"]),
    ({"char_filters": [[1, 5]]}, ["AllenNLP"]),
    ({"char_filters": [[1, 4]]}, ["AllenNLP"]),
    ({"hidden_dim": 5}, ["AllenNLP"]),
    ({"hidden_dim": 5, "residual": False}, []),
])
def test_the_originals_that_read_a_model_as_it_is_are_known(changes, expected):
    assert readers(BiLMConfig(**{**CHARACTERS, **changes})) == expected


def test_settings_of_a_softmax_that_a_model_does_not_have_are_ignored(tmp_path, rng):
    _, weights, _ = export(model(rng, predict=False, share_softmax=False, softmax="adaptive", cutoffs=[4]), tmp_path)
    with h5py.File(weights) as file:
        assert "softmax" not in file
        assert "RNN_1" in file


def test_a_number_that_is_not_finite_is_refused_and_the_file_stays_as_it_was(tmp_path, rng):
    elmo = model(rng)
    _, weights, _ = export(elmo, tmp_path)
    before = weights.read_bytes()
    for bad in np.nan, np.inf:
        elmo.model.backward_lm.layers[0].Wp.value[0, 0] = bad
        with pytest.raises(UserError, match=r"RNN_1/\S+/W_P_0 holds a value that is not finite: expected weights$"):
            export(elmo, tmp_path)
    assert weights.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_without_h5py_the_error_says_how_to_install_it(tmp_path, rng, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UserError, match="pip install h5py"):
        export(model(rng), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_one_line(tmp_path, rng):
    with pytest.raises(UserError, match=r"^cannot write .*weights.hdf5: No such file or directory; expected [^\n]*$"):
        model(rng).to_bilm_tf(tmp_path / "options.json", tmp_path / "none" / "weights.hdf5")


def test_a_rest_of_another_shape_is_named(tmp_path, rng):
    paths = export(model(rng), tmp_path)
    with h5py.File(paths[1], "r+") as file:
        del file["RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell/B_rest"]
    with pytest.raises(UserError, match=r"found nothing for RNN_1/\S+/B_rest, expected float32\(7,\)"):
        imported(paths)
