"""`elmo-np export`: a model as published files, and back; a mistake is one line."""

import json

import pytest

from elmo_np import ELMo, Vocabulary
from elmo_np.config.schema import Settings
from elmo_np.inference.elmo import save_model
from tests.full_disk import room_for
from tests.published_weights import SENTENCES, WORDS, model


@pytest.fixture
def ours(lines, tmp_path, rng):
    """A run's folder with a model of ours, and the model."""
    elmo = model(rng, WORDS)
    (tmp_path / "ours").mkdir()
    elmo.vocabulary.save(tmp_path / "ours/vocabulary.txt")
    save_model(tmp_path / "ours/model.safetensors", elmo, Settings(model=elmo.model.config))
    return elmo


def test_export_says_what_it_wrote_and_how_to_read_it_and_that_works(lines, ours):
    out = lines("export", "ours", "--out", "new/out")
    assert out == [
        "new/out: options.json, weights.hdf5, vocabulary.txt; weights for bilm-tf, with softmax/W and softmax/b",
        "to read them here: elmo-np convert new/out/options.json new/out/weights.hdf5 --vocabulary "
        "new/out/vocabulary.txt --out DIR"]
    lines(*out[1].partition("elmo-np ")[2].replace("DIR", "back").split())
    for one, other in zip(ELMo.load("back").embed(SENTENCES), ours.embed(SENTENCES), strict=True):
        assert one.tobytes() == other.tobytes()
    assert Vocabulary.load("new/out/vocabulary.txt").words == WORDS


@pytest.mark.parametrize("name", ["options.json", "weights.hdf5", "vocabulary.txt"])
def test_export_refuses_a_folder_with_such_files(lines, ours, tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    error = lines("export", "ours", "--out", "out", code=2)
    assert f"out/{name} exists already: give another --out, or remove it" in error
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_export_of_a_model_that_does_not_fit_is_one_line_and_makes_no_folder(lines, tmp_path, rng):
    elmo = model(rng, WORDS, share_embedding=False)
    elmo.vocabulary.save(tmp_path / "vocabulary.txt")
    save_model(tmp_path / "model.safetensors", elmo, Settings(model=elmo.model.config))
    assert "error: share_embedding = false: " in lines("export", "model.safetensors", "--out", "out", code=2)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", ["", "text.txt", "text.txt/below"])
def test_an_out_that_is_no_folder_is_one_line(lines, ours, files, out):
    options, weights, _, _ = files()
    lines("export", "ours", "--out", out, code=2)
    lines("convert", options, weights, "--out", out, code=2)


def test_convert_and_export_print_json(lines, files):
    options, weights, _, arrays = files()
    found, = lines("convert", options, weights, "--out", "run", "--json")
    found = json.loads(found)
    assert (found["out"], found["characters"], found["predict"]) == ("run", True, False)
    assert found["parameters"] > sum(array.size for name, array in arrays.items() if "RNN" in name)
    found, = lines("export", "run", "--out", "out", "--json")
    assert json.loads(found) == {"out": "out", "files": ["options.json", "weights.hdf5", "vocabulary.txt"],
                                 "readers": ["bilm-tf"], "softmax": False}


@pytest.mark.parametrize("words", ["export ours --out out", "convert options.json weights.hdf5 --out out"])
def test_after_a_full_disk_the_same_command_can_be_repeated(lines, ours, files, tmp_path, words):
    files()
    with room_for(2000):
        assert "File too large" in lines(*words.split(), code=2)
    assert [*(tmp_path / "out").iterdir()] == []
    lines(*words.split())
