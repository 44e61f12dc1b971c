"""Published weights give the published vectors, whatever of the format a file uses."""

import json
import sys

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")

from elmo_np import ELMo, Vocabulary  # noqa: E402
from elmo_np.errors import UserError  # noqa: E402
from elmo_np.io.bilm_tf_reader import variable  # noqa: E402
from elmo_np.io.tf_checkpoint import Checkpoint  # noqa: E402
from elmo_np.nn.characters import marks  # noqa: E402
from elmo_np.nn.parameter import parameters  # noqa: E402
from tests import bilm_tf_reference as reference  # noqa: E402  (it needs h5py)
from tests.models_of_others import BILM_TF  # noqa: E402
from tests.published_weights import FIXTURES, PUBLISHED, published  # noqa: E402

SENTENCES = [["The", "first", "sentence", "."], ["The", "second"], ["Third"]]
WORDS = ["<S>", "</S>", "<UNK>", "the", "cat", "sat"]


def fixture(folder, dtype=np.float32, **more):
    return ELMo.from_bilm_tf(folder / "options.json", folder / "lm_weights.hdf5", dtype=dtype, **more)


# The published vectors


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FIXTURES)
def test_thirty_sentences_with_the_state_carried_are_as_published(data, name, dtype, each_backend):
    folder = data(name)
    elmo = fixture(folder, dtype)
    for batch, expected in published(folder, name):
        for found, vectors in zip(elmo.embed(batch, state="carry"), expected, strict=True):
            assert found.dtype == dtype
            assert found.shape == (3, *vectors.shape)
            assert np.allclose(found[2], vectors, **PUBLISHED)


@pytest.mark.parametrize("name", FIXTURES)
def test_without_the_carried_state_the_first_sentence_is_as_published_and_the_second_is_not(data, name):
    folder = data(name)
    elmo = fixture(folder)
    first, second = list(published(folder, name))[:2]
    for found, vectors in zip(elmo.vectors(first[0]), first[1], strict=True):
        assert np.allclose(found, vectors, **PUBLISHED)
    assert not np.allclose(elmo.vectors(second[0])[0], second[1][0], atol=0.05)


# layer of a sentence: sum, length, first three numbers of the first word; computed once, in float64
GOLDEN = {
    "bilm_tf_fixture": [
        (0, 0, 0, 2.086852, 1.597379, (0.237952, 0.149279, 0.159122)),
        (0, 0, 1, -2.077477, 1.459483, (0.177705, -0.077756, -0.075363)),
        (0, 0, 2, -2.852302, 6.888304, (0.026273, -0.408804, -0.386576)),
        (0, 2, 2, -0.581812, 2.434129, (0.026468, -0.412878, -0.387931)),
        (1, 0, 2, -3.340261, 8.814129, (-0.078903, -0.764512, -0.640173)),
    ],
    "allennlp_fixture": [
        (0, 0, 0, -28.772655, 22.937845, (1.402335, -1.900682, -0.371561)),
        (0, 0, 1, -0.823597, 12.796573, (1.621100, 2.562569, 0.855941)),
        (0, 0, 2, -10.264157, 14.508914, (1.822444, 2.820757, 0.532844)),
        (1, 0, 2, -17.381198, 16.632309, (1.080164, 2.257005, 0.069156)),
    ],
}


@pytest.mark.parametrize("name", FIXTURES)
def test_every_layer_has_its_golden_values(data, name, each_backend):
    elmo = fixture(data(name), np.float64)
    calls = [elmo.embed(SENTENCES, state="carry") for _ in range(2)]
    for call, sentence, layer, total, length, first in GOLDEN[name]:
        found = calls[call][sentence][layer]
        assert found.sum() == pytest.approx(total, abs=1e-6)
        assert np.linalg.norm(found) == pytest.approx(length, abs=1e-6)
        np.testing.assert_allclose(found[0, :3], first, rtol=0, atol=1e-6)


def test_the_vectors_of_458_words_are_as_published(data):
    folder = data("allennlp_fixture")
    words = (folder / "vocab_test.txt").read_text(encoding="utf-8").split("\n")
    assert len(words) == 458
    with h5py.File(folder / "elmo_token_embeddings.hdf5") as file:
        expected = file["embedding"][...]
    for dtype in np.float32, np.float64:
        elmo = fixture(folder, dtype)
        found = np.concatenate([layers[0] for layers in elmo.embed([[word] for word in words])])
        np.testing.assert_array_equal(found[:, :16], found[:, 16:])
        # Two lines of the file are the marks themselves, which to the embedder are words like any other.
        found[[words.index("<S>"), words.index("</S>")], :16] = elmo.model.lookup(marks(50))[0]
        # Numbers up to 7, published in float32: an exact computation differs from them by 1.4e-6.
        np.testing.assert_allclose(found[:, :16], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", FIXTURES)
def test_a_vector_a_word_in_place_of_characters_gives_the_published_vectors_too(data, name, tmp_path):
    folder = data(name)
    characters, batches = fixture(folder), list(published(folder, name))
    vocabulary = Vocabulary.build([sentence for batch, _ in batches for sentence in batch])
    numbers = characters.embed([vocabulary.words[3:]])[0][0, :, :16]
    begin_and_end, _ = characters.model.lookup(marks(50))
    with h5py.File(tmp_path / "embedding.hdf5", "w") as file:
        file["embedding"] = np.concatenate([begin_and_end, np.full((1, 16), 9, np.float32), numbers])
    elmo = fixture(folder, embedding=tmp_path / "embedding.hdf5", vocabulary=vocabulary)
    assert elmo.model.config.char_filters is None
    for batch, expected in batches:
        for found, vectors in zip(elmo.embed(batch, state="carry"), expected, strict=True):
            assert np.allclose(found[2], vectors, **PUBLISHED)


# Whatever of the format a file uses


KINDS = {
    "as published": {},
    "without skip connections": {"lstm.use_skip_connections": False},
    "which nothing says": {"lstm.use_skip_connections": None},
    "without clips": {"lstm.cell_clip": None, "lstm.proj_clip": None},
    "one layer, which nothing says": {"lstm.n_layers": None},
    "four layers": {"lstm.n_layers": 4},
    "no projection in the LSTM": {"lstm.projection_dim": 7},
    "words wider than the LSTM": {"lstm.projection_dim": 9, "lstm.use_skip_connections": True},
    "261 characters": {"char_cnn.n_characters": 261},
    "tanh": {"char_cnn.activation": "tanh"},
    "no highway layer": {"char_cnn.n_highway": 0},
    "no highway layer, which nothing says": {"char_cnn.n_highway": None},
    "three highway layers": {"char_cnn.n_highway": 3},
    "one filter": {"char_cnn.filters": [[3, 6]]},
    "long words": {"char_cnn.max_characters_per_token": 40},
}
TEXT = [["The", "cat", "antidisestablishmentarianism", "!"], ["Ångström"], ["", "\udcff", "<S>", "a" * 60, "The"]]


def agrees(elmo, table, arrays, sentences=TEXT):
    """Every layer of every sentence equals the reference."""
    for found, sentence in zip(elmo.stream(sentences, "all"), sentences, strict=True):
        expected = reference.layers(table, arrays, sentence)
        for j, layer in zip(elmo.layers, found, strict=True):
            np.testing.assert_allclose(layer, expected[j], rtol=0, atol=1e-11)      # float64, numbers up to 100


@pytest.mark.parametrize("changes", KINDS.values(), ids=KINDS)
def test_a_file_of_any_kind_gives_what_the_format_says(tmp_path, changes, each_backend):
    table = reference.options(**changes)
    arrays = reference.weights(table)
    agrees(ELMo.from_bilm_tf(*reference.write(tmp_path, table, arrays), dtype=np.float64), table, arrays)


def test_a_checkpoint_gives_what_the_format_says(each_backend):
    """Its variables under the names that bilm-tf gives them in HDF5."""
    with Checkpoint(BILM_TF / "model.ckpt-7") as file:
        arrays = {name.removeprefix("lm/"): file.take(name) for name in json.loads((BILM_TF / "sums.json").read_text())}
    for theirs, ours in [("rnn/multi_rnn_cell/cell_", "RNN/MultiRNNCell/Cell"), ("lstm_cell/", "LSTMCell/"),
                         ("projection/kernel", "W_P_0"), ("kernel", "W_0"), ("bias", "B")]:
        arrays = {name.replace(theirs, ours): array for name, array in arrays.items()}
    table = json.loads((BILM_TF / "options.json").read_text())
    elmo = ELMo.from_bilm_tf(BILM_TF / "options.json", BILM_TF / "model.ckpt-7", dtype=np.float64)
    agrees(elmo, table, arrays)


def test_one_layer_in_a_checkpoint_has_the_name_without_a_number():
    assert variable("RNN_1/RNN/LSTMCell/W_0") == "lm/RNN_1/rnn/lstm_cell/kernel"
    assert variable("RNN_1/RNN/LSTMCell/B") == "lm/RNN_1/rnn/lstm_cell/bias"
    assert variable("softmax/W") == "lm/softmax/W"
    assert variable("CNN_high_0/b_carry") == "lm/CNN_high_0/b_carry"


def test_filters_as_many_as_the_words_width_need_no_projection_and_may_have_one(tmp_path):
    table = reference.options(**{"char_cnn.filters": [[1, 2], [3, 3]]})
    for projected in False, True:
        arrays = reference.weights(table, cnn_proj=projected)
        elmo = ELMo.from_bilm_tf(*reference.write(tmp_path, table, arrays), dtype=np.float64)
        assert elmo.model.config.char_projection == projected
        agrees(elmo, table, arrays)


def test_a_projection_between_equal_widths_is_used_if_it_is_there(tmp_path, rng):
    table = reference.options(**{"lstm.projection_dim": 7})
    arrays = reference.weights(table)
    for d in 0, 1:
        for k in 0, 1:
            arrays[f"RNN_{d}/RNN/MultiRNNCell/Cell{k}/LSTMCell/W_P_0"] = rng.normal(size=(7, 7)).astype(np.float32)
    agrees(ELMo.from_bilm_tf(*reference.write(tmp_path, table, arrays), dtype=np.float64), table, arrays)


def test_one_layer_may_be_named_as_tensorflow_names_a_cell_that_is_alone(tmp_path):
    table = reference.options(**{"lstm.n_layers": 1})
    arrays = reference.weights(table)
    renamed = {name.replace("MultiRNNCell/Cell0/", ""): array for name, array in arrays.items()}
    assert renamed.keys() != arrays.keys()
    agrees(ELMo.from_bilm_tf(*reference.write(tmp_path, table, renamed), dtype=np.float64), table, arrays)


def test_262_characters_in_the_file_are_those_of_training_or_those_of_embedding(tmp_path, rng):
    table = reference.options()
    arrays = reference.weights(table)
    E = arrays["char_embed"]
    in_training = np.concatenate([E, rng.normal(size=(1, 3)).astype(np.float32)])
    for rows in in_training, np.concatenate([np.zeros((1, 3), np.float32), E]):
        elmo = ELMo.from_bilm_tf(*reference.write(tmp_path, table, {**arrays, "char_embed": rows}), dtype=np.float64)
        agrees(elmo, table, arrays)
        assert not elmo.model.forward_lm.embedding.E.value[0].any()


def test_keys_that_are_not_known_are_ignored(tmp_path):
    table = reference.options()
    arrays = reference.weights(table)
    more = {**table, "n_epochs": 10, "all_clip_norm_val": 10.0, "dropout": 0.1, "reverse": False, "bidirectional": True,
            "lstm": {**table["lstm"], "projection_after_highway": True}, "unroll_steps": 20, "n_tokens_vocab": "many"}
    agrees(ELMo.from_bilm_tf(*reference.write(tmp_path, more, arrays), dtype=np.float64), table, arrays)


@pytest.mark.parametrize("how", [{"dtype": "f8"}, {"dtype": ">f4"}, {"compression": "gzip"}, {"chunks": True}], ids=str)
def test_numbers_may_be_stored_in_any_way(tmp_path, how):
    table = reference.options()
    arrays = reference.weights(table)
    agrees(ELMo.from_bilm_tf(*reference.write(tmp_path, table, arrays, **how), dtype=np.float64), table, arrays)


def test_a_model_of_words_reads_rows_by_id(tmp_path):
    table = reference.options()
    del table["char_cnn"]
    arrays = reference.weights(table, V=6)
    (tmp_path / "vocabulary.txt").write_text("\n".join(WORDS) + "\n")
    paths = reference.write(tmp_path, table, arrays)
    elmo = ELMo.from_bilm_tf(*paths, vocabulary=tmp_path / "vocabulary.txt", dtype=np.float64)
    found = elmo.embed([["the", "dog", "sat"]])[0]
    for layer, expected in zip(found, reference.layers(table, arrays, None, [0, 3, 2, 5, 1]), strict=True):
        np.testing.assert_allclose(layer, expected, rtol=0, atol=1e-11)
    assert elmo.model.forward_lm.softmax is None


# The softmax


@pytest.fixture
def with_softmax(tmp_path, rng):
    """An options file, weights and a softmax for WORDS."""
    table = reference.options()
    arrays = reference.weights(table)
    softmax = {"softmax/W": rng.normal(size=(6, 5)).astype(np.float32), "softmax/b": rng.normal(size=6)}
    return tmp_path, table, arrays, softmax


def test_a_softmax_is_read_from_the_weights_or_from_a_file_of_its_own(with_softmax):
    folder, table, arrays, softmax = with_softmax
    vocabulary = Vocabulary(WORDS)
    inside = reference.write(folder, table, {**arrays, **softmax})
    elmo = ELMo.from_bilm_tf(*inside, vocabulary=vocabulary, dtype=np.float64)
    paths = reference.write(folder, table, arrays)
    (folder / "apart").mkdir()
    _, apart = reference.write(folder / "apart", table, softmax)
    other = ELMo.from_bilm_tf(*paths, vocabulary=vocabulary, softmax=apart, dtype=np.float64)
    for found in elmo, other:
        lm = found.model.forward_lm
        np.testing.assert_array_equal(lm.softmax.W.value, softmax["softmax/W"])
        np.testing.assert_array_equal(lm.softmax.b.value, softmax["softmax/b"])
        assert found.model.backward_lm.softmax.W.value is lm.softmax.W.value
        agrees(found, table, arrays)


def test_a_softmax_in_the_weights_is_left_alone_without_a_vocabulary(with_softmax):
    folder, table, arrays, softmax = with_softmax
    elmo = ELMo.from_bilm_tf(*reference.write(folder, table, {**arrays, **softmax}), dtype=np.float64)
    assert elmo.model.forward_lm.softmax is None
    agrees(elmo, table, arrays)


def test_a_softmax_shared_with_the_word_vectors_needs_only_its_bias(with_softmax):
    folder, table, _, softmax = with_softmax
    del table["char_cnn"]
    table["share_embedding_softmax"] = True
    arrays = {**reference.weights(table, V=6), "softmax/b": softmax["softmax/b"]}
    elmo = ELMo.from_bilm_tf(*reference.write(folder, table, arrays), vocabulary=Vocabulary(WORDS), dtype=np.float64)
    lm = elmo.model.forward_lm
    assert lm.softmax.W is lm.embedding.E
    np.testing.assert_array_equal(lm.softmax.b.value, softmax["softmax/b"])


def test_what_both_directions_share_is_there_once(tmp_path):
    table = reference.options()
    elmo = ELMo.from_bilm_tf(*reference.write(tmp_path, table, reference.weights(table)))
    names = parameters(elmo.model).keys()
    assert not any(name.startswith("backward_lm.embedding") for name in names)
    assert sum(p.value.size for p in parameters(elmo.model).values()) == \
        sum(array.size for array in reference.weights(table).values()) + 3       # and row 0 of the characters


# Mistakes


def refused(*paths, **more):
    """The message of the error that reading raises: one line that names a file."""
    with pytest.raises(UserError) as caught:
        ELMo.from_bilm_tf(*paths, **more)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def good(tmp_path):
    table = reference.options()
    return tmp_path, table, reference.weights(table)


@pytest.mark.parametrize("name", list(reference.weights(reference.options())))
def test_a_dataset_that_is_missing_or_misshapen_is_named_with_what_was_found_and_expected(good, name):
    folder, table, arrays = good
    expected = f"for {name}, expected float32{arrays[name].shape}"
    without = {key: array for key, array in arrays.items() if key != name}
    assert f"weights.hdf5: found nothing {expected}" in refused(*reference.write(folder, table, without))
    wrong = {**arrays, name: arrays[name][..., 1:]}
    found = f"weights.hdf5: found float32{wrong[name].shape} {expected}"
    assert found in refused(*reference.write(folder, table, wrong))


@pytest.mark.parametrize(("key", "value", "message"), [
    ("lstm.dim", None, "found no lstm.dim, expected a whole number of at least 1"),
    ("lstm.dim", 7.5, "found 7.5 for lstm.dim, expected a whole number of at least 1"),
    ("lstm.dim", True, "found True for lstm.dim, expected a whole number of at least 1"),
    ("lstm.dim", -1, "found -1 for lstm.dim, expected a whole number of at least 1"),
    ("lstm.projection_dim", "5", "found '5' for lstm.projection_dim, expected a whole number of at least 1"),
    ("lstm.n_layers", 0, "found 0 for lstm.n_layers, expected a whole number of at least 1"),
    ("lstm.use_skip_connections", 1, "found 1 for lstm.use_skip_connections, expected true or false"),
    ("lstm.cell_clip", "3", "cell_clip = '3': expected a number above 0, or none"),
    ("char_cnn.n_characters", 260, "found 260 for char_cnn.n_characters, expected 261 or 262"),
    ("char_cnn.n_highway", -1, "found -1 for char_cnn.n_highway, expected a whole number of at least 0"),
    ("char_cnn.filters", [[1, 2], 3], "char_filters = [[1, 2], 3]: expected a list of pairs"),
    ("char_cnn.filters", None, "char_filters = []: expected a list of pairs"),
    ("char_cnn.filters", [[13, 2]], "a filter of width 13, but max_characters = 12"),
    ("char_cnn.activation", None, "char_activation = None: expected one of relu, tanh"),
    ("char_cnn.activation", "elu", "char_activation = 'elu': expected one of relu, tanh"),
    ("char_cnn.embedding", 3, "found 3 for char_cnn.embedding, expected a table in braces"),
    ("char_cnn.max_characters_per_token", 10**9, "max_characters = 1000000000: expected a whole number"),
    ("char_cnn", [], "found [] for char_cnn, expected a table in braces"),
    ("bidirectional", False, "found False for bidirectional, expected true"),
])
def test_an_option_that_makes_no_model_is_named(good, key, value, message):
    folder, _, arrays = good
    found = refused(*reference.write(folder, reference.options(**{key: value}), arrays))
    assert message in found
    assert "options.json" in found


@pytest.mark.parametrize(("key", "value", "message"), [
    ("lstm.n_layers", 1, "has RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell/W_0, which is more than n_layers"),
    ("lstm.n_layers", 10**12, "layers = 1000000000000: expected a whole number of at least 1 and at most 1000"),
    ("lstm.n_layers", 1000, "found nothing for RNN_0/RNN/MultiRNNCell/Cell2/LSTMCell/W_0"),
    ("lstm.dim", 10**9, "found float32(10, 28) for RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_0, expected "),
    ("char_cnn.n_highway", 1, "has CNN_high_1/W_carry, which is more than n_highway"),
    ("char_cnn.n_highway", 10**12, "char_highways = 1000000000000: expected a whole number of at least 0 and at most"),
    ("char_cnn.n_highway", 1000, "found nothing for CNN_high_2/W_carry"),
    ("char_cnn.filters", [[1, 4], [2, 3]], "found float32(12, 12) for CNN_high_0/W_carry, expected float32(7, 7)"),
    ("char_cnn.filters", [[1, 4], [2, 10**12], [4, 5]], "found float32(1, 2, 3, 3) for CNN/W_cnn_1"),
    ("char_cnn.embedding.dim", 10**15, "found float32(261, 3) for char_embed, expected float32(261, 1000000000000000)"),
])
def test_weights_of_another_model_are_refused_before_memory_is_taken(good, key, value, message):
    folder, _, arrays = good
    assert message in refused(*reference.write(folder, reference.options(**{key: value}), arrays))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"lstm": 3}', "{}", "[" * 100_000, "\x00\x01",
                                  '{"lstm": {"dim": ' + "9" * 5000 + "}}", '{"lstm": {}}' + " " * (1 << 20)],
                         ids=lambda text: text[:12])
def test_a_file_that_is_no_options_file_is_refused(good, text):
    folder, table, arrays = good
    options, weights = reference.write(folder, table, arrays)
    options.write_text(text)
    assert "options.json is not an options file of bilm-tf or AllenNLP" in refused(options, weights)


def test_options_that_are_not_utf8_are_refused(good):
    folder, table, arrays = good
    options, weights = reference.write(folder, table, arrays)
    options.write_bytes(b'{"lstm": "\xff"}')
    assert "is not an options file" in refused(options, weights)


def test_a_file_that_is_not_there_is_named(good):
    folder, table, arrays = good
    options, weights = reference.write(folder, table, arrays)
    assert "cannot read" in refused(folder / "none.json", weights)
    assert "none.hdf5: No such file or directory" in refused(options, folder / "none.hdf5")
    assert "cannot read" in refused(options, folder)
    assert "cannot read" in refused(folder, weights)


def test_a_file_that_is_cut_anywhere_is_refused(good):
    folder, table, arrays = good
    options, weights = reference.write(folder, table, arrays)
    whole = weights.read_bytes()
    for length in reference.cuts(len(whole), 25):
        weights.write_bytes(whole[:length])
        assert "weights.hdf5" in refused(options, weights)


def test_a_file_with_changed_bytes_is_read_or_refused_in_one_line(good):
    folder, table, arrays = good
    options, weights = reference.write(folder, table, arrays)
    whole, rng, outcomes = weights.read_bytes(), np.random.default_rng(0), set()
    for place in rng.integers(0, len(whole), 150):
        changed = bytearray(whole)
        changed[place:place + 4] = rng.bytes(4)
        weights.write_bytes(changed)
        try:
            ELMo.from_bilm_tf(options, weights)
            outcomes.add("read")
        except UserError as error:
            outcomes.add("refused in one line" if "\n" not in str(error) else str(error))
    assert outcomes == {"read", "refused in one line"}


def test_a_model_of_words_needs_their_file_and_as_many_words_as_rows(tmp_path):
    table = reference.options()
    del table["char_cnn"]
    paths = reference.write(tmp_path, table, reference.weights(table, V=6))
    assert "a model that reads words by id needs its words: give vocabulary=" in refused(*paths)
    four = Vocabulary(WORDS[:4])
    assert "found float32(6, 5) for embedding, expected float32(4, 5): a row for" in refused(*paths, vocabulary=four)


def test_a_softmax_needs_words_and_as_many_as_it_has_rows(with_softmax):
    folder, table, arrays, softmax = with_softmax
    paths = reference.write(folder, table, {**arrays, **softmax})
    assert "a model with a softmax needs its words" in refused(*paths, softmax=paths[1])
    four = Vocabulary(WORDS[:4])
    assert "found float32(6, 5) for softmax/W, expected float32(4, 5): a row for" in refused(*paths, vocabulary=four)


def test_a_rest_of_a_bias_that_is_no_rounding_error_is_refused(good):
    folder, table, arrays = good
    rests = {name.replace("/B", "/B_rest"): np.zeros(7, np.float32) for name in arrays if name.endswith("/B")}
    whole = {**arrays, **rests}
    ELMo.from_bilm_tf(*reference.write(folder, table, whole))
    name = next(iter(rests))
    huge = {**whole, name: np.full(7, 3e38, np.float32)}
    assert f"{name} holds 3e+38, expected rounding errors" in refused(*reference.write(folder, table, huge))


def test_weights_are_read_without_h5py(good, monkeypatch):
    folder, table, arrays = good
    paths = reference.write(folder, table, arrays)
    monkeypatch.setitem(sys.modules, "h5py", None)
    agrees(ELMo.from_bilm_tf(*paths, dtype=np.float64), table, arrays)
