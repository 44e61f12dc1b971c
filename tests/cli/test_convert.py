"""`elmo-np convert`: published files to the folder of a run; a mistake is one line."""

import json
import shutil

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import read_toml
from tests import bilm_tf_reference as reference
from tests.models_of_others import BILM_TF, TORCH
from tests.published_weights import FIXTURES, PUBLISHED, SENTENCES, WORDS, bytes_of, datasets, h5py, published

# Published weights


@pytest.mark.parametrize("name", FIXTURES)
def test_a_converted_model_gives_the_published_vectors(data, lines, name):
    folder = data(name)
    out = lines("convert", folder / "options.json", folder / "lm_weights.hdf5", "--out", "run")
    skips = ", residual connections" if name == "allennlp_fixture" else ""
    assert out == ["run/model.safetensors: 105,124 parameters",
                   "  reads    any word, as characters: its first 48 bytes",
                   f"  layers   2 per direction, with 64 cells and 16 outputs{skips}",
                   "  gives    3 layers of 32 values per word",
                   "  predicts nothing, as there is no softmax with its words",
                   "  text     is raw, and split into tokens",
                   "try: elmo-np embed run SENTENCES --out vectors.npz",
                   "     elmo-np similar run WORD --in \"a sentence with WORD\" --corpus FILE"]
    elmo = ELMo.load("run")
    for batch, expected in published(folder, name):
        for found, vectors in zip(elmo.embed(batch, state="carry"), expected, strict=True):
            assert np.allclose(found[2], vectors, **PUBLISHED)
    lines("export", "run", "--out", "again")
    assert bytes_of(datasets("again/weights.hdf5")) == bytes_of(datasets(folder / "lm_weights.hdf5"))


# Every command


def test_a_converted_model_of_characters_embeds_and_finds_and_says_that_it_cannot_predict(lines, files):
    options, weights, table, arrays = files()
    lines("convert", options, weights, "--out", "run")
    lines("embed", "run", "text.txt", "--out", "vectors.npz")
    with np.load("vectors.npz") as found:
        for k, sentence in enumerate(SENTENCES):
            expected = reference.layers(table, arrays, sentence)
            # float32 carries 6e-8 of the largest number: some tens of roundings
            np.testing.assert_allclose(found[str(k)], expected, rtol=0, atol=2e-6 * np.abs(expected).max())
    out = lines("similar", "run", "cat", "--in", "a cat", "--corpus", "text.txt")
    assert out[0] == "nearest of 2 occurrences of 'cat' in text.txt:"
    assert len(out) == 3
    out = lines("similar", "run", "cat", "--in", "a cat", code=2)
    assert "run does not record its training corpus: expected its name in config.toml" in out
    lines("evaluate", "run", "text.txt", code=2)


def nats(table, arrays, sentence):
    """- log p of a sentence in each direction, by the reference."""
    w = {name: array.astype(np.float64) for name, array in arrays.items()}
    ids = np.array([0, *(WORDS.index(word) if word in WORDS else 2 for word in sentence), 1])
    for d, order in enumerate((ids, ids[::-1])):
        top = reference.direction(table, w, d, w["embedding"][order])[-1][:-1]
        z = top @ w["softmax/W"].T + w["softmax/b"]
        yield -(z[np.arange(len(z)), order[1:]] - np.log(np.exp(z).sum(axis=1))).sum()


def test_a_converted_model_of_proteins_embeds_fasta(lines, files, tmp_path):
    options, weights, table, _ = files()
    training = {"bidirectional": True, "dropout": 0.1, "n_epochs": 10, "n_train_tokens": 10**9, "batch_size": 128,
                "n_tokens_vocab": 28, "unroll_steps": 20, "n_negative_samples_batch": 27, "all_clip_norm_val": 10.0}
    (tmp_path / options).write_text(json.dumps({**table, **training}))
    lines("convert", options, weights, "--out", "run")
    (tmp_path / "p.fasta").write_text(">sp|P1|ONE first\nMK\nv\n>P2\nACDEFGHIKLMNPQRSTVWY\n")
    lines("embed", "run", "--fasta", "p.fasta", "--layer", "sum", "--mean", "--out", "proteins.npz")
    published = ELMo.from_bilm_tf(options, weights)
    with np.load("proteins.npz") as found:
        for name, residues in ("sp|P1|ONE", "MKV"), ("P2", "ACDEFGHIKLMNPQRSTVWY"):
            layers = published.embed([list(residues)])[0]
            np.testing.assert_allclose(found[name], layers.sum(axis=0).mean(axis=0), rtol=0, atol=1e-5)


def test_a_converted_model_of_words_with_a_softmax_is_evaluated(lines, files):
    options, weights, table, arrays = files(characters=False, softmax=True)
    out = lines("convert", options, weights, "--vocabulary", "words.txt", "--out", "run", "--no-tokenize")
    assert out[1] == "  reads    the 6 words of vocabulary.txt by id; any other is <UNK>"
    assert out[4:6] == ["  predicts 6 words", "  text     is tokens separated by spaces"]
    assert out[-1] == "     elmo-np evaluate run FILE"
    found = json.loads("".join(lines("evaluate", "run", "text.txt", "--state", "reset", "--json")))
    expected = np.sum([list(nats(table, arrays, sentence)) for sentence in SENTENCES], axis=0)
    assert (found["forward_nats"], found["backward_nats"]) == pytest.approx(tuple(expected), rel=1e-5)
    assert (found["unigram"], found["unknown"], found["targets"]) == (None, 1, 9)


def test_a_model_of_words_without_a_softmax_says_that_it_cannot_predict(lines, files):
    options, weights, _, _ = files(characters=False)
    lines("convert", options, weights, "--vocabulary", "words.txt", "--out", "run")
    error = lines("evaluate", "run", "text.txt", code=2)
    assert "this model has no softmax: it embeds, but it cannot predict words" in error


def test_published_weights_without_a_softmax_are_fine_tuned_with_a_new_one(lines, files, tmp_path):
    options, weights, _, _ = files()
    lines("convert", options, weights, "--out", "run")
    (tmp_path / "domain.txt").write_text("zymurgy is the art of brewing .\n" * 20 + "brewing is an art .\n" * 20)
    lines("train", tmp_path / "domain.txt", "--fine-tune", "run", "--out", "tuned", "--quiet", "--set", "batch_size=4")
    printed = "\n".join(lines("evaluate", "tuned", tmp_path / "domain.txt"))
    assert "forward" in printed
    assert "zymurgy" in (tmp_path / "tuned/vocabulary.txt").read_text().split()


def test_softmax_and_word_vectors_may_be_in_files_of_their_own(lines, files, tmp_path, rng):
    options, weights, _, _ = files()
    vectors = rng.normal(size=(6, 5)).astype(np.float32)
    with h5py.File(tmp_path / "softmax.hdf5", "w") as file:
        file["softmax/W"], file["softmax/b"] = vectors, vectors[:, 0]
    with h5py.File(tmp_path / "embedding.hdf5", "w") as file:
        file["embedding"] = 2 * vectors
    lines("convert", options, weights, "--vocabulary", "words.txt", "--softmax", "softmax.hdf5", "--embedding",
       "embedding.hdf5", "--out", "run")
    lm = ELMo.load("run").model.forward_lm
    np.testing.assert_array_equal(lm.embedding.E.value, 2 * vectors)
    np.testing.assert_array_equal(lm.softmax.W.value, vectors)
    np.testing.assert_array_equal(lm.softmax.b.value, vectors[:, 0])


def test_the_folder_is_that_of_a_training_and_says_what_it_is_not(lines, files, tmp_path):
    options, weights, _, _ = files()
    lines("convert", options, weights, "--out", "a/new/run", "--no-tokenize")
    folder = tmp_path / "a/new/run"
    assert sorted(path.name for path in folder.iterdir()) == ["config.toml", "model.safetensors", "vocabulary.txt"]
    assert (folder / "config.toml").read_text().startswith("# Published weights, converted: [train] does not describe")
    found = read_toml(folder / "config.toml", Settings())
    assert found.model == ELMo.load(folder).model.config
    assert (found.data.tokenize, ELMo.load(folder).tokenize) == (False, False)
    lines("convert", options, weights, "--out", "other", "--no-tokenize")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()


def test_a_converted_model_shares_what_a_published_one_shares(lines, files):
    options, weights, _, _ = files(characters=False, softmax=True)
    lines("convert", options, weights, "--vocabulary", "words.txt", "--out", "run")
    forward, backward = (lm := ELMo.load("run").model).forward_lm, lm.backward_lm
    assert backward.embedding.E.value is forward.embedding.E.value
    assert backward.softmax.W.value is forward.softmax.W.value


def test_published_models_are_converted_as_they_are(lines, tmp_path):
    """A directory with a checkpoint, a zip of it, and a file of PyTorch with its words elsewhere."""
    out = lines("convert", BILM_TF, "--out", "run", "--no-tokenize")
    assert out[4] == "  predicts 13 words"
    lines("convert", shutil.make_archive(tmp_path / "elmo", "zip", BILM_TF), "--out", "zipped", "--no-tokenize")
    assert (tmp_path / "run/model.safetensors").read_bytes() == (tmp_path / "zipped/model.safetensors").read_bytes()
    (tmp_path / "text").write_text("the cat sat on a dog\n")
    assert lines("evaluate", "run", "text") == lines("evaluate", BILM_TF, "text", "--no-tokenize")
    shutil.copy(TORCH / "lstm_module.pt", tmp_path)
    words = ["--vocabulary", TORCH / "vocab.txt"]
    out = lines("convert", "lstm_module.pt", *words, "--out", "lm", "--no-tokenize")
    assert out[1:3] == ["  reads    the 13 words of vocabulary.txt by id; any other is <UNK>",
                        "  layers   2 that read forward, with 4 cells and 4 outputs"]
    found = json.loads("".join(lines("evaluate", "lm", "text", "--json")))
    bits = json.loads((TORCH / "bits.json").read_text())["lstm_module.pt"][0]       # by PyTorch, of the same sentence
    assert found["forward_nats"] / np.log(2) == pytest.approx(sum(bits), abs=1e-5)


@pytest.mark.parametrize(("given", "message"), [
    (["none.zip"], "none.zip does not exist: expected a zip or a directory with its options and weights, a checkpoint"),
    (["words.txt"], "words.txt is not a published model: expected a zip or a directory"),
    (["."], ". is not a published model: expected a zip or a directory")])
def test_what_is_no_published_model_is_refused(lines, tmp_path, given, message):
    (tmp_path / "words.txt").write_text("the cat")
    assert message in lines("convert", *given, "--out", "run", code=2)


# Mistakes


@pytest.mark.parametrize("name", ["model.safetensors", "last.safetensors", "vocabulary.txt", "config.toml",
                                  "metrics.csv"])
def test_convert_refuses_a_folder_in_use(lines, files, tmp_path, name):
    options, weights, _, _ = files()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("mine")
    error = lines("convert", options, weights, "--out", "run", code=2)
    assert "run already holds a run: give another --out, or remove it" in error
    assert [path.read_text() for path in (tmp_path / "run").iterdir()] == ["mine"]


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda folder: (folder / "options.json").unlink(), "cannot read "),
    (lambda folder: (folder / "options.json").write_text('{"lstm": []}'), "is not an options file"),
    (lambda folder: (folder / "options.json").write_text('{"lstm": {"dim": -1}}'), "found -1 for lstm.dim"),
    (lambda folder: (folder / "weights.hdf5").unlink(), "No such file or directory"),
    (lambda folder: (folder / "weights.hdf5").write_bytes((folder / "weights.hdf5").read_bytes()[:5000]),
     "expected a whole HDF5 file"),
    (lambda folder: (folder / "weights.hdf5").write_text("<html>"), "expected a whole HDF5 file"),
    (lambda folder: h5py.File(folder / "weights.hdf5", "w").close(), "found nothing for char_embed"),
    (lambda folder: (folder / "words.txt").write_text("the\n"), "words.txt: "),
])
def test_files_that_make_no_model_end_in_one_line_and_leave_no_folder(lines, files, tmp_path, spoil, message):
    options, weights, _, _ = files()
    spoil(tmp_path)
    assert message in lines("convert", options, weights, "--vocabulary", "words.txt", "--out", "run", code=2)
    assert not (tmp_path / "run").exists()


def test_a_model_that_needs_words_names_the_option(lines, files):
    options, weights, _, _ = files(characters=False)
    error = lines("convert", options, weights, "--out", "run", code=2)
    assert "give vocabulary=, or --vocabulary, a file with one per line" in error


def test_weights_in_place_of_the_options_lead_to_the_right_order(lines, files):
    options, weights, *_ = files()
    error = lines("convert", weights, options, "--out", "run", code=2)
    assert error == (f"elmo-np: error: {weights} is an HDF5 file: expected the options first: elmo-np convert "
                     f"OPTIONS.json {weights} --out run\n")
