"""`elmo-np info`: what runs here, and why where it is not the kernels."""

import json
import re

import numpy as np

from elmo_np import backend
from elmo_np.cli.info import rows
from elmo_np.cli.main import main
from tests.commands import command


def test_info_shows_backend_path_blas_threads_and_versions(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for name in "elmo_np", "backend", "SIMD path", "BLAS", "threads", "NumPy", "Python":
        assert re.search(rf"^{name} +\S", out, re.M), name
    assert backend.backend() in out
    assert np.__version__ in out


def test_info_says_why_there_are_no_kernels():
    done = command("info", env={"ELMO_NP_KERNELS": "off"})
    assert re.search(r"^backend +numpy \(ELMO_NP_KERNELS=off\)$", done.stdout, re.M)
    assert (done.returncode, done.stderr) == (0, "")


def test_info_prints_the_same_as_json(capsys):
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == dict(rows())
