"""Training on several processes: the same bytes on any number of them, and one end for all."""

import gzip
import os
import subprocess
import sys
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest

from elmo_np.cli.main import guarded, main
from elmo_np.errors import ReportedElsewhere, UserError
from elmo_np.io.model_file import read_model
from elmo_np.runtime.launcher import LOCAL_RANK, VARIABLES, launched
from elmo_np.training.gradient_sum import Gradient, Term, tree_sum
from elmo_np.training.processes import Agreed, OneProcess, together
from tests.commands import write
from tests.process_helpers import ROOT, RUNS, launcher, mpiexec, on_threads, sharded, train
from tests.training_helpers import CORPUS, write_shards

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


def test_an_error_is_the_same_on_every_process(tmp_path):
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
              "-, standard input, with 2 processes: expected files, which all of them can read",
              "the training corpus is ", "learning_rate is 0.01 on process 0 and 0.02 on process 1: expected the same",
              f"{lone}corpus:valid: too few sentences (0)", f"{lone}there is no sentence to validate on",
              f"{tmp_path} already holds a run", "the processes have read different text"]
    assert len(found["0"]) == len(starts)
    for text, start in zip(found["0"], starts, strict=True):
        assert text.startswith(start), text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changed", "vocabulary.txt"]


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
    chosen = ["train", "-", "--out", tmp_path / "run", "--set", "groups=2"]      # whose settings would read the text
    done = mpiexec([2, *chosen], module="elmo_np")
    assert done.returncode == 2
    assert done.stderr == ("elmo-np: error: -, standard input, with 2 processes: expected files, which all of them can "
                           "read\n")
    done = mpiexec([2, *words, corpus], module="elmo_np")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("the best model on validation") == 1
    assert (tmp_path / "run/report.html").exists()


def test_processes_share_the_shards_and_write_the_bytes_of_one(tmp_path):
    launcher()
    shards = write_shards(tmp_path / "shards", CORPUS[:120])
    sharded(tmp_path / "alone")
    done = mpiexec([2, tmp_path / "two", "sharded"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert_same(tmp_path / "two", tmp_path / "alone")
    (shards / "b.gz").write_bytes(gzip.compress(b"caf\xe9 .\n"))       # the second: process 1 counts it
    done = mpiexec([2, tmp_path / "three", "sharded"])
    message = f"process 1 of 0 to 1: {shards / 'b.gz'}, line 1: not UTF-8, expected UTF-8 text"
    one, other = sorted(done.stdout.splitlines())
    assert one.startswith(f"0 Agreed {message}")
    assert other.startswith(f"1 ReportedElsewhere {message}")
    assert not (tmp_path / "three").exists()


@pytest.fixture
def no_launcher(monkeypatch):
    for name in (*chain(*VARIABLES), *LOCAL_RANK):
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
    monkeypatch.setenv("PMI_RANK", local)
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


def of_three(monkeypatch, rank):
    """As in a process that a launcher has started with two others."""
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "3")
    for name in "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK":
        monkeypatch.setenv(name, rank)


@pytest.mark.parametrize("words", [["tune", "corpus.txt", "--out", "new"], ["demo", "--out", "new"],
                                   ["evaluate", "run", "corpus.txt"], ["exercise", "start", "04", "--out", "new"]])
def test_what_processes_cannot_share_is_one_line(tmp_path, monkeypatch, capsys, no_launcher, words):
    monkeypatch.chdir(tmp_path)
    for rank, lines in ("0", 1), ("2", 0):
        of_three(monkeypatch, rank)
        assert main(words) == 2
        message = (f"elmo-np: error: a launcher has started 3 processes, and elmo-np {words[0]} works in one: expected "
                   "no launcher: start it without mpiexec\n")
        assert capsys.readouterr() == ("", message * lines)
    assert not list(tmp_path.iterdir())


def test_each_process_tells_what_it_runs_on(monkeypatch, capsys, no_launcher):
    of_three(monkeypatch, "2")
    assert main(["info"]) == 0
    assert "backend" in capsys.readouterr().out


def test_an_import_starts_nothing():
    code = "import sys, elmo_np.training.trainer, elmo_np.cli.main; sys.exit('mpi4py' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PMI_RANK": "0", "PMI_SIZE": "2"}
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=120)


def test_what_is_reported_elsewhere_ends_the_command_in_silence(capsys):
    def command():
        raise ReportedElsewhere("seen on the first", 130)
    assert guarded("elmo-np", command) == 130
    assert capsys.readouterr() == ("", "")
    assert issubclass(ReportedElsewhere, UserError)


@pytest.mark.parametrize("number", [2, 4])
def test_every_process_gets_the_sum_of_the_tree_bit_by_bit(number):
    def term(group):
        rng = np.random.default_rng(group)
        rows = np.flatnonzero(rng.random(9) < 0.3)      # none, for some groups
        table = Gradient(rows, rng.normal(size=(len(rows), 2)).astype(np.float32))
        return Term(rng.normal(size=2), {"W": Gradient(None, rng.normal(size=(3, 2)).astype(np.float32)), "E": table})

    whole = tree_sum(term, range(8))
    assert min(len(term(group).gradients["E"].rows) for group in range(8)) < 2
    for found in on_threads(number, lambda processes: processes.added(tree_sum(term, processes.own(range(8))))):
        np.testing.assert_array_equal(found.losses, whole.losses)
        for name, gradient in whole.gradients.items():
            np.testing.assert_array_equal(found.gradients[name].rows, gradient.rows)
            assert found.gradients[name].values.tobytes() == gradient.values.tobytes()


def failing(text):
    raise UserError(text)


def test_processes_agree_on_a_result_an_error_and_a_stop():
    assert on_threads(2, lambda processes: processes.first(lambda: 10 + processes.rank)) == [10, 10]
    assert on_threads(2, lambda processes: processes.agreed(lambda: 10 + processes.rank)) == [10, 11]
    assert on_threads(2, lambda processes: processes.stops(processes.rank == 1, 7)) == [True, True]
    assert on_threads(2, lambda processes: processes.stops(False, 7)) == [False, False]
    assert on_threads(2, lambda processes: processes.gathered(processes.rank)) == [[0, 1], [0, 1]]
    assert on_threads(4, lambda processes: processes.merged(str(processes.rank), "({} {})".format)) == \
        ["((0 1) (2 3))"] * 4

    def error(work):
        def caught(processes):
            with pytest.raises(Agreed) as found:
                work(processes)
            return str(found.value)
        one, other = on_threads(2, caught)
        assert one == other
        return one

    assert error(lambda processes: processes.first(lambda: failing("no room"))) == "no room"
    assert error(lambda processes: processes.agreed(lambda: failing("no room"))) == "no room"
    assert error(lambda processes: processes.stops(False, processes.rank)).startswith("the processes have read differe")
    alone = error(lambda processes: processes.agreed(lambda: processes.rank and failing("no room")))
    assert alone == "process 1 of 0 to 1: no room"
    assert error(lambda processes: processes.check_same(lambda: {"seed": str(processes.rank), "B": "8"})) == \
        "seed is 0 on process 0 and 1 on process 1: expected the same on every process"
