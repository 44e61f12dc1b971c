"""What people give in place of a model is recognised, and the message has the command that reads it."""

import json
import os
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.errors import UserError
from elmo_np.io import safetensors_file
from elmo_np.io.foreign_models import HDF5, check
from tests.posix import needs_pipes
from tests.task_helpers import saved, tiny_elmo

OPTIONS = json.dumps({"lstm": {"dim": 4}}, separators=(",", ":"))


def published(folder):
    folder.mkdir()
    (folder / "options.json").write_text(OPTIONS)
    (folder / "weights.hdf5").write_bytes(HDF5 + b"the rest")
    return folder


def refused(path):
    with pytest.raises(UserError) as error:
        ELMo.load(path)
    return str(error.value).replace(str(path), "IT").replace(str(path.parent), "..")


def test_published_weights_are_shown_the_command_that_converts_them(tmp_path):
    folder = published(tmp_path / "elmo")
    command = "convert them with elmo-np convert {0}/options.json {0}/weights.hdf5 --out RUN"
    assert refused(folder / "weights.hdf5") == ("IT is an HDF5 file; if it holds published weights: "
                                                + command.format("..").replace("../weights.hdf5", "IT"))
    assert refused(folder / "options.json") == ("IT is the options of published weights: "
                                                + command.format("..").replace("../options.json", "IT"))
    (folder / "other.json").write_text("{}")
    assert "elmo-np convert OPTIONS.json IT --out RUN" in refused(folder / "weights.hdf5")


def test_archives_are_recognised_by_what_is_in_them(tmp_path):
    folder = published(tmp_path / "elmo")
    packed = tmp_path / "other.zip"
    np.savez(tmp_path / "vectors.npz", np.zeros(3))
    assert refused(tmp_path / "vectors.npz").startswith("IT is an .npz file of arrays, as elmo-np embed writes: exp")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("run/config.toml", "")
    assert refused(packed).startswith("IT is a zip archive: expected a folder that `elmo-np train` wrote; if that is")
    packed.write_bytes(packed.read_bytes()[:20])
    assert refused(packed) == "IT is a damaged zip archive: expected a whole one; copy it again"
    assert refused(tmp_path / shutil.make_archive(tmp_path / "elmo", "gztar", folder)).startswith(
        "IT is a compressed archive: unpack it, and give the folder")


def test_models_of_other_programs_are_recognised(tmp_path):
    (tmp_path / "model.pt").write_bytes(pickle.dumps([1], 4))
    assert refused(tmp_path / "model.pt").startswith("IT is a pickle, but not one of torch.save: expected a")
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph/model.pb").write_bytes(b"")
    assert refused(tmp_path / "graph").startswith("IT has no model.safetensors: it holds a graph of TensorFlow: expec")


def test_a_part_of_a_run_or_a_folder_of_runs_leads_to_the_run(tmp_path):
    (tmp_path / "runs").mkdir()
    run = saved(tiny_elmo(), tmp_path / "runs/first")
    assert refused(run / "vocabulary.txt") == "IT is a file of the run ..: expected .."
    assert refused(tmp_path / "runs") == "IT has no model.safetensors: expected one of the models in it: IT/first"
    (run / "model.safetensors").rename(run / "model.bak")
    assert ELMo.load(run / "model.bak").words("a b") == ["a", "b"]      # a model may have any name


def test_a_task_model_is_shown_its_own_commands(task_home):
    assert refused(task_home / "tag/model.safetensors") == (
        "IT holds a model of the task tag, expected a biLM: the model's own commands are elmo-np task tag predict .. "
        "FILE and elmo-np task tag evaluate .. DATA; ../bilm.txt names its biLM")


@pytest.mark.parametrize("text", ["the banks", "the bank of\n" * 100, "b" * 510 + "\u20ac" * 9, "\u65e5" * 999])
def test_a_text_is_not_called_a_damaged_model(tmp_path, text):
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    assert refused(tmp_path / "text.txt") == "IT is a text file: expected a folder that `elmo-np train` wrote"
    with pytest.raises(UserError, match=r"text\.txt is not an elmo_np model file; expected the format 'elmo_np 1'"):
        safetensors_file.load(tmp_path / "text.txt")


@needs_pipes
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_cannot_be_mapped_is_refused_before_it_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "IT is not a regular file: expected a folder that `elmo-np train` wrote"


def test_a_path_that_does_not_exist_is_left_to_the_reader(tmp_path):
    check(tmp_path / "none")
    check(tmp_path / ("x" * 300))
