"""Runs that version 0.1 wrote, before the modules were in packages, are read, continued and fine-tuned as they were.

models_of_0_1/ holds corpus.txt and two runs on it, one that reads words by id and one that reads characters. Beside a
run's own files there are vectors.npz, what `embed` gave for the first four sentences, and metrics-resumed.csv, the
metrics after `elmo-np train --resume --epochs 2`. Other BLAS libraries and kernels round differently: hence the
tolerances.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.cli.main import main
from elmo_np.nn.parameter import parameters

HOME = Path(__file__).with_name("models_of_0_1")
CORPUS = HOME / "corpus.txt"
RUNS = ["words", "characters"]
LOSSES = ["forward_loss", "backward_loss"]


def stored_arrays(path):
    """The float32 arrays of a model file by name, parsed here so that a fault of the package's own reader shows."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            arrays[name] = np.frombuffer(content[start + begin:start + end], "<f4").reshape(entry["shape"])
    return arrays


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(params=RUNS)
def run(request, tmp_path):
    """A copy of a run: what is done with it must not change the files of the test."""
    return Path(shutil.copytree(HOME / request.param, tmp_path / request.param))


@pytest.mark.parametrize("name", RUNS)
def test_every_parameter_is_the_one_in_the_file(name):
    stored = stored_arrays(HOME / name / "model.safetensors")
    loaded = {name: p.value for name, p in parameters(ELMo.load(HOME / name)).items()}
    assert loaded.keys() == stored.keys()
    for key, value in loaded.items():
        np.testing.assert_array_equal(value.view(np.uint32), stored[key].view(np.uint32), err_msg=key)


@pytest.mark.parametrize("name", RUNS)
def test_vectors_are_those_of_0_1(name):
    sentences = [line.split() for line in CORPUS.read_text(encoding="utf-8").splitlines()[:4]]
    with np.load(HOME / name / "vectors.npz") as expected:
        assert len(expected) == 4
        for k, found in enumerate(ELMo.load(HOME / name).embed(sentences)):
            np.testing.assert_allclose(found, expected[f"arr_{k}"], rtol=0, atol=1e-6)


def test_training_goes_on_from_the_last_state_with_the_losses_of_0_1(run):
    assert main(["train", str(CORPUS), "--out", str(run), "--resume", "--epochs", "2", "--quiet"]) == 0
    found, expected = rows(run / "metrics.csv"), rows(run / "metrics-resumed.csv")
    assert [(row["split"], row["epoch"], row["step"]) for row in found] == \
        [(row["split"], row["epoch"], row["step"]) for row in expected]
    assert {row["epoch"] for row in found} == {"1", "2"}
    for key in LOSSES:
        np.testing.assert_allclose([float(row[key]) for row in found], [float(row[key]) for row in expected],
                                   rtol=0, atol=1e-4)


def test_fine_tuning_begins_with_a_model_of_0_1(run, tmp_path):
    before = float(rows(run / "metrics.csv")[-1]["forward_loss"])
    assert main(["train", str(CORPUS), "--out", str(tmp_path / "tuned"), "--fine-tune", str(run), "--quiet"]) == 0
    last = rows(tmp_path / "tuned" / "metrics.csv")[-1]
    assert last["split"] == "valid"
    assert float(last["forward_loss"]) < before


@pytest.mark.parametrize("name", RUNS)
def test_evaluate_finds_the_perplexity_that_training_reported(name, tmp_path, capsys):
    held_out = tmp_path / "held_out.txt"
    lines = CORPUS.read_text(encoding="utf-8").splitlines(keepends=True)
    held_out.write_text("".join(lines[19::20]), encoding="utf-8")
    assert main(["evaluate", str(HOME / name), str(held_out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    validation = rows(HOME / name / "metrics.csv")[-1]
    assert found["forward"] == pytest.approx(float(validation["forward_perplexity"]), rel=1e-4)
    assert found["backward"] == pytest.approx(float(validation["backward_perplexity"]), rel=1e-4)
