"""Training on several processes: the same bytes on any number of them, and one end for all."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from elmo_np.cli.main import guarded, main
from elmo_np.errors import ReportedElsewhere, UserError
from elmo_np.io.model_file import read_model
from elmo_np.training.processes import LOCAL_RANK, NUMBER, OneProcess, launched, together
from tests.commands import write
from tests.process_helpers import ROOT, RUNS, launcher, mpiexec, train
from tests.training_helpers import CORPUS

FILES = ["config.toml", "last.safetensors", "model.safetensors", "vocabulary.txt"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder with RUNS of one process."""
    launcher()
    out = tmp_path_factory.mktemp("alone")
    for name in RUNS:
        train(out, name)
    return out


def assert_same(one, other):
    for name in FILES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_two_processes_write_the_bytes_of_one(tmp_path, alone):
    done = mpiexec([2, tmp_path, *RUNS])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in RUNS:
        assert_same(tmp_path / name, alone / name)
        curves = [(folder / name / "metrics.csv").read_text() for folder in (tmp_path, alone)]
        one, other = ([line.rpartition(",")[0] for line in curve.splitlines()] for curve in curves)
        assert one == other         # all but the seconds


def test_four_processes_are_killed_with_one_and_two_go_on_to_the_same_bytes(tmp_path, alone):
    assert mpiexec([4, tmp_path, "killed"]).returncode != 0
    assert '"epoch": 2' in read_model(tmp_path / "words/last.safetensors").metadata["place"]
    done = mpiexec([2, tmp_path, "resume"])
    assert (done.returncode, done.stderr) == (0, "")
    assert_same(tmp_path / "words", alone / "words")


def test_an_error_before_training_is_the_same_on_every_process(tmp_path):
    done = mpiexec([2, tmp_path, "errors"])
    assert done.returncode == 0, done.stderr
    found = {"0": [], "1": []}
    for line in done.stdout.splitlines():
        rank, kind, text = line.split(" ", 2)
        assert kind == ("Agreed" if rank == "0" else "ReportedElsewhere")
        found[rank].append(text)
    assert found["0"] == found["1"]
    lone = "process 1 of 0 to 1: "
    starts = ["2 processes with groups = 1: expected a number of processes that divides groups",
              "the training corpus is ", "learning_rate is 0.01 on process 0 and 0.02 on process 1: expected the same",
              f"{lone}corpus:valid: 0 sentences are too few", f"{lone}there is no sentence to validate on",
              f"{tmp_path} already holds a run"]
    assert len(found["0"]) == len(starts)
    for text, start in zip(found["0"], starts, strict=True):
        assert text.startswith(start), text
    assert [path.name for path in tmp_path.iterdir()] == ["vocabulary.txt"]


def test_an_error_of_one_process_ends_all_with_its_line_and_leaves_the_last_save(tmp_path):
    done = mpiexec([2, tmp_path, "lone"])
    assert done.returncode != 0
    line, *more = done.stderr.splitlines()
    assert line == "elmo-np: error: process 1 of 0 to 1: a file is gone: expected it where it was"
    assert not any("Traceback" in other for other in more)          # the launcher may add what it saw
    assert read_model(tmp_path / "last.safetensors").metadata["place"]


def test_the_command_reports_once(tmp_path):
    corpus, wrong = write(tmp_path / "corpus.txt", CORPUS[:120]), tmp_path / "wrong.txt"
    words = ["train", "--out", tmp_path / "run", "--preset", "demo", "--quiet", "--epochs", "1", "--set", "groups=2"]
    done = mpiexec([1, *words, corpus], [1, *words, wrong], module="elmo_np")
    assert done.returncode == 2
    assert done.stderr.startswith(f"elmo-np: error: process 1 of 0 to 1: there is no corpus {wrong}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
    done = mpiexec([2, *words, corpus], module="elmo_np")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("the best model on validation") == 1
    assert (tmp_path / "run/report.html").exists()


@pytest.fixture
def no_launcher(monkeypatch):
    for name in (*NUMBER, *LOCAL_RANK):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("module", "text"), [
    (None, "mpi4py is not installed: pip install 'elmo_np[mpi]', or start one process without the launcher"),
    (SimpleNamespace(MPI=SimpleNamespace(COMM_WORLD=SimpleNamespace(Get_size=lambda: 1),
                                         Get_library_version=lambda: "Some MPI 4\nof today")),
     "mpi4py sees 1: expected the launcher of the same MPI library, Some MPI 4: use its mpiexec")])
@pytest.mark.parametrize("local", ["0", "1"])
def test_where_mpi_does_not_work_one_process_of_a_machine_reports_it(
        tmp_path, monkeypatch, capsys, no_launcher, module, text, local):
    monkeypatch.setitem(sys.modules, "mpi4py", module)
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setenv("MPI_LOCALRANKID", local)
    assert main(["train", "pydoc", "--out", str(tmp_path / "run")]) == 2
    found = capsys.readouterr().err
    assert found == ("" if local == "1" else f"elmo-np: error: a launcher has started 2 processes, and {text}\n")


def test_one_process_exchanges_nothing(no_launcher):
    assert launched() == 1
    with together() as processes:
        assert type(processes) is OneProcess
        assert processes.own(range(4)) == range(4)


def test_an_import_starts_nothing():
    code = "import sys, elmo_np.training.trainer, elmo_np.cli.main; sys.exit('mpi4py' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PMI_SIZE": "2"}
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=120)


@pytest.mark.parametrize(("value", "number"), [("4", 4), ("1", 1), ("", 1), ("many", 1)])
def test_the_launcher_tells_how_many_processes_it_has_started(monkeypatch, no_launcher, value, number):
    monkeypatch.setenv("PMI_SIZE", value)
    assert launched() == number


def test_what_is_reported_elsewhere_ends_the_command_in_silence(capsys):
    def command():
        raise ReportedElsewhere("seen on the first", 130)
    assert guarded("elmo-np", command) == 130
    assert capsys.readouterr() == ("", "")
    assert issubclass(ReportedElsewhere, UserError)
