"""cli.gradcheck: the table of every check, or of those that are named; a wrong gradient ends it with 1."""

import json
import re

import numpy as np
import pytest

from elmo_np import backend, gradient_checks
from elmo_np.cli.main import main
from elmo_np.nn.lstm import LSTM


@pytest.fixture
def do(capsys):
    """Run `elmo-np gradcheck` -> what it prints on stdout and on stderr."""
    def run(*words, code=0):
        assert main(["gradcheck", *map(str, words)]) == code
        return capsys.readouterr()
    return run


def test_it_shows_every_array_on_both_backends_and_ends_with_0(do):
    """Without names it takes all, which tests/whole/test_gradients.py runs; here those of at most 80 elements."""
    if backend.why_not():
        pytest.skip(backend.why_not())
    sizes = {name: sum(x.size for x in make(np.random.default_rng(0)).arrays.values())
             for name, make in gradient_checks.CASES.items()}
    names = [name for name in gradient_checks.CASES if sizes[name] <= 80]
    assert gradient_checks.select([]) == list(gradient_checks.CASES)
    out, err = do(*names)
    for name in names:
        assert f"\n{name}\n" in out
    assert re.search(r"^\d+ arrays checked, largest error \d\.\de-\d+, allowed 1e-07: all right$", out, re.M)
    assert "WRONG" not in out
    errors = [float(number) for number in re.findall(r"\d\.\de-\d+", out)]
    assert len(errors) > 2 * 40
    assert max(errors) <= 1e-7
    assert err == ""


def test_names_and_patterns_run_single_checks(do):
    out, _ = do("softmax", "CRF*", "--backend", "numpy")
    assert re.findall(r"^(\S.*)\n    array", out, re.M) == ["softmax", "CRF", "CRF, BIO constraints"]
    row, = re.findall(r"^    h +(\d+) +\d\.\de-\d+$", out, re.M)
    assert row == "24"          # (4, 2, 3)
    assert re.search(r"^11 arrays checked, ", out, re.M)


def test_list_prints_the_names_and_runs_nothing(do, monkeypatch):
    monkeypatch.setattr(gradient_checks, "run", None)
    out, _ = do("--list")
    assert out.splitlines() == list(gradient_checks.CASES)
    out, _ = do("--list", "attention*")
    assert out.splitlines() == ["attention, additive", "attention, dot product"]
    out, _ = do("--list", "attention, d*", "--json")
    assert json.loads(out) == {"check": "attention, dot product"}


def test_an_unknown_name_ends_with_2_and_the_nearest(do):
    out, err = do("lstmm", code=2)
    assert out == ""
    assert err.startswith("elmo-np: error: no gradient check is named 'lstmm': expected one such as 'lstm', ")
    assert err.endswith(", or a pattern such as 'lstm*'; elmo-np gradcheck --list names them all\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("which", ["numpy", "cython", "both"])
def test_it_ends_with_1_and_names_what_is_wrong(do, monkeypatch, which):
    if which != "numpy" and backend.why_not():
        pytest.skip(backend.why_not())

    def wrong(self, dy, cache, dstate=None, right=LSTM.backward):
        before = self.b.grad.copy()
        found = right(self, dy, cache, dstate)
        self.b.grad[0] += 1e-4 * (self.b.grad[0] - before[0])       # one element, by a ten-thousandth
        return found
    monkeypatch.setattr(LSTM, "backward", wrong)
    out, _ = do("embedding", "lstm", "--backend", which, code=1)
    assert out.count("   WRONG") == 1
    named = re.findall(r"^  (?:numpy|cython), lstm: d loss / d b\[0\]: backward ", out, re.M)
    assert len(named) == (2 if which == "both" else 1)
    assert "all right" not in out


def test_json_is_one_object_per_array(do):
    out, err = do("softmax", "--backend", "numpy", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert {(row["check"], row["backend"], row["ok"]) for row in rows} == {("softmax", "numpy", True)}
    assert {row["array"]: row["elements"] for row in rows}["h"] == 24
    assert all(row["error"] <= row["tolerance"] == 1e-7 for row in rows)
    assert err == ""


def test_a_report_to_standard_output_is_the_page_alone(do):
    out, err = do("softmax", "--backend", "numpy", "--report", "-")
    assert out.lower().startswith("<!doctype html>")
    assert "arrays checked" in err
