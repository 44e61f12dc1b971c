"""published: zips, directories, checkpoints and files of PyTorch are models as they are; hostile ones are refused."""

import gzip
import json
import os
import shutil
import tempfile
import zipfile

import numpy as np
import pytest

from elmo_np import ELMo, train
from elmo_np.config.toml_files import replaced
from elmo_np.errors import UserError
from elmo_np.inference.evaluate import evaluate
from elmo_np.io.published import read
from elmo_np.nn.parameter import parameters
from elmo_np.training.fine_tuning import settings_of
from tests.models_of_others import BILM_TF, TORCH
from tests.models_of_others.make import TEXT, WORDS, V

CHECKPOINT = ("model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001")


@pytest.fixture
def nlpl(tmp_path):
    """What NLPL's repository puts into a zip, and the model in it."""
    pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")
    folder = tmp_path / "180"
    folder.mkdir()
    elmo = checkpoint()
    elmo.to_bilm_tf(folder / "options.json", folder / "model.hdf5", folder / "vocab.txt")
    (folder / "meta.json").write_text('{"id": 180, "language": "eng"}')
    (folder / "README").write_text("A model.\n")
    return folder, elmo


def checkpoint():
    return ELMo.from_bilm_tf(BILM_TF / "options.json", BILM_TF / "model.ckpt-7", vocabulary=BILM_TF / "vocab.txt")


def packed(folder, path, within="180/", method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        for member in sorted(folder.iterdir()):
            file.write(member, within + member.name)
    return path


def same(found, expected):
    assert found.vocabulary == expected.vocabulary
    for name, p in parameters(expected).items():
        np.testing.assert_array_equal(parameters(found)[name].value, p.value)


def refused(path, **files):
    with pytest.raises(UserError) as error:
        read(path, **files)
    assert "\n" not in str(error.value)
    assert "elmo_np-" not in str(error.value)       # of the temporary directory
    return str(error.value).replace(str(path), "IT").replace(str(path.parent), "..")


# As they are


@pytest.mark.parametrize("within", ["", "180/", "20/180/"])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_zip_is_a_model(nlpl, tmp_path, within, method, monkeypatch):
    folder, elmo = nlpl
    path = packed(folder, tmp_path / "180.zip", within, method)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    same(ELMo.load(path), elmo)
    assert not list((tmp_path / "temporary").iterdir())         # nothing stays


def test_a_directory_is_a_model_and_so_is_one_around_it(nlpl, tmp_path):
    folder, elmo = nlpl
    same(ELMo.load(folder), elmo)
    outer = tmp_path / "outer"
    outer.mkdir()
    folder.rename(outer / "180")
    same(ELMo.load(outer), elmo)
    (outer / "other").mkdir()
    assert read(outer) is None      # which of the two?


def test_a_compressed_vocabulary_is_read_and_names_do_not_matter(nlpl):
    folder, elmo = nlpl
    words = folder / "vocab.txt"
    (folder / "words.gz").write_bytes(gzip.compress(words.read_bytes()))
    words.unlink()
    (folder / "options.json").rename(folder / "settings")
    (folder / "model.hdf5").rename(folder / "weights")
    same(ELMo.load(folder), elmo)


def test_without_a_vocabulary_a_model_of_characters_embeds_and_does_not_predict(nlpl):
    folder, elmo = nlpl
    (folder / "vocab.txt").unlink()
    found = ELMo.load(folder)
    assert not found.model.config.predict
    np.testing.assert_array_equal(found.embed(TEXT)[0], elmo.embed(TEXT)[0])


def test_a_softmax_in_a_file_of_its_own_is_found(nlpl, tmp_path):
    h5py = pytest.importorskip("h5py")
    folder, elmo = nlpl
    with h5py.File(folder / "model.hdf5", "a") as file, \
            h5py.File(folder / "soft.hdf5", "w", libver="earliest") as other:
        file.copy("softmax", other)
        del file["softmax"]
    same(ELMo.load(folder), elmo)


def test_options_with_a_byte_order_mark_are_found_and_read(nlpl):
    folder, elmo = nlpl
    options = folder / "options.json"
    options.write_bytes(b"\xef\xbb\xbf" + options.read_bytes())
    same(ELMo.load(folder), elmo)


def test_vectors_that_a_program_wrote_beside_a_model_are_not_its_softmax(nlpl):
    h5py = pytest.importorskip("h5py")
    folder, elmo = nlpl
    with h5py.File(folder / "vectors.hdf5", "w", libver="earliest") as file:
        file["0"] = np.zeros((3, 2, 4), np.float32)
    same(ELMo.load(folder), elmo)


def test_a_checkpoint_scores_text():
    elmo = checkpoint()
    assert elmo.model.config.predict
    assert (elmo.model.config.softmax, elmo.model.config.samples) == ("sampled", 4)     # as its options state
    for path in BILM_TF, BILM_TF / "model.ckpt-7", BILM_TF / CHECKPOINT[0], BILM_TF / CHECKPOINT[1]:
        same(ELMo.load(path), elmo)
    # V words of about equal probability, as the weights are small
    found = evaluate(elmo.model, elmo.vocabulary, TEXT)
    assert found.forward == pytest.approx(V, rel=0.5)
    assert (found.targets, found.unknown) == (13, 1)


def test_the_graph_beside_a_checkpoint_in_a_zip_is_not_taken_for_a_bomb(tmp_path):
    path = packed(BILM_TF, tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        for name in "model.ckpt-7.meta", "logs/events.out.tfevents.1530000000.host":
            file.writestr(f"180/{name}", b"lm/RNN_0/rnn/multi_rnn_cell/cell_0/lstm_cell/kernel" * 2000)
    same(ELMo.load(path), checkpoint())


def test_a_checkpoint_is_trained_further(tmp_path):
    text = [["the", "cat", "sat", "on", "a", "mat"]] * 40
    settings = replaced(settings_of(BILM_TF), optimizer="adam", learning_rate=0.02, batch_size=4, epochs=3)
    found = train(text, tmp_path / "run", settings=settings, quiet=True)
    assert found.vocabulary.words == WORDS
    assert found.model.config == checkpoint().model.config
    before, after = (evaluate(elmo.model, elmo.vocabulary, text).forward for elmo in (checkpoint(), found))
    assert after < 0.7 * before


def test_the_softmax_of_a_checkpoint_is_preferred_where_its_words_are_known(nlpl):
    folder, elmo = nlpl
    for name in CHECKPOINT:
        shutil.copy(BILM_TF / name, folder)
    (folder / "model.hdf5").write_bytes(b"\x89HDF\r\n\x1a\n damaged")
    same(ELMo.load(folder), elmo)
    (folder / "vocab.txt").unlink()
    assert refused(folder).startswith("cannot read IT/model.hdf5: ")


def test_a_file_of_pytorch_is_a_model_with_the_words_beside_it(tmp_path):
    for path in TORCH.glob("*.pt"):
        elmo = ELMo.load(path)
        assert elmo.model.config.direction == "forward"
        assert elmo.embed([["the", "cat"]])[0].shape[1] == 2
    shutil.copy(TORCH / "lstm_module.pt", tmp_path)
    assert refused(tmp_path / "lstm_module.pt").startswith("IT has no vocabulary: expected its words, one per line, in")
    same(ELMo(*read(tmp_path / "lstm_module.pt", vocabulary=TORCH / "vocab.txt")), ELMo.load(TORCH / "lstm_module.pt"))
    shutil.copy(TORCH / "vocab.txt", tmp_path)
    same(ELMo.load(packed(tmp_path, tmp_path / "a.zip")), ELMo.load(TORCH / "lstm_module.pt"))


# What is not there, or there twice


@pytest.mark.parametrize("option", ["softmax", "embedding"])
def test_a_part_of_bilm_tf_beside_a_file_of_pytorch_is_not_ignored(option):
    message = refused(TORCH / "lstm_module.pt", **{option: "other.hdf5"})
    assert "is a model of PyTorch, which holds its softmax and its word vectors: expected no other" in message


def test_several_files_of_a_kind_are_named(nlpl, tmp_path):
    folder, _ = nlpl
    shutil.copy(folder / "options.json", folder / "more.json")
    assert refused(folder) == ("IT holds 2 options files, more.json, options.json: expected one; give the files "
                               "themselves to elmo-np convert")
    assert refused(TORCH).startswith("IT holds 4 PyTorch files, gru_tied_state.pt, lstm_legacy_state.pt, ")
    assert refused(packed(folder, tmp_path / "a.zip")).startswith("IT holds 2 options files, more.json, options.json: ")


def test_missing_options_and_words_are_said(nlpl):
    folder, _ = nlpl
    options = json.loads((folder / "options.json").read_text())
    del options["char_cnn"]
    (folder / "options.json").write_text(json.dumps(options))
    (folder / "vocab.txt").unlink()
    assert refused(folder).startswith("IT/options.json: a model that reads words by id needs its words: give")
    (folder / "options.json").unlink()
    assert refused(folder).startswith("IT has no options: expected the options, JSON with \"lstm\": {...}, and the wei")
    (folder / "options.json").write_text(json.dumps(options))
    weights, = folder.glob("*.hdf5")
    weights.write_text("<html>404</html>")
    assert refused(folder).startswith("IT has no weights: expected the options, JSON with \"lstm\": {...}, and the wei")


def test_what_is_no_published_model_is_left_to_others(tmp_path):
    np.savez(tmp_path / "a.npz", np.zeros(3))
    (tmp_path / "text.txt").write_text("a text\n")
    for path in tmp_path, tmp_path / "a.npz", tmp_path / "text.txt", tmp_path / "none", tmp_path / ("x" * 300):
        assert read(path) is None


# Made to harm


def hostile(tmp_path, name, data=b"x"):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model.hdf5", b"\x89HDF\r\n\x1a\n")
        file.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../escaped", "a/../../escaped", "/tmp/escaped", "C:\\escaped", "a\\..\\escaped",
                                  "..", "\u202etxt", "a\nb"])
def test_no_name_in_a_zip_leads_out_of_its_directory(tmp_path, name):
    (tmp_path / "within").mkdir()
    before = [os.listdir(path) for path in (tmp_path, ".")]
    message = refused(hostile(tmp_path / "within", name))
    assert message.startswith(("IT has the file", "IT has no options"))
    assert [os.listdir(path) for path in (tmp_path, ".")] == before
    assert not os.path.exists("/tmp/escaped")


def test_a_bomb_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model.hdf5", b"\x89HDF\r\n\x1a\n" + bytes(10**6))
    assert refused(path).startswith("IT claims 1,000,008 bytes for 'model.hdf5'")


def test_two_files_of_one_name_in_different_directories_are_refused(tmp_path):
    assert refused(hostile(tmp_path, "other/model.hdf5")).startswith("IT has the file 'model.hdf5' twice: expected the")


def test_a_truncated_zip_is_refused(nlpl, tmp_path):
    path = packed(nlpl[0], tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:-100])
    assert refused(path) == "IT is a damaged zip archive: expected a whole one; copy it again"


def test_no_room_for_the_contents_ends_in_one_line(nlpl, tmp_path, monkeypatch):
    path = packed(nlpl[0], tmp_path / "a.zip")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert refused(path).startswith("cannot unpack IT: No such file or directory; expected room for it in a temp")
