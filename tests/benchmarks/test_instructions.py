"""The count of instructions: callgrind's file is summed up rightly, and growth is told from noise."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
instructions = pytest.importorskip("instructions")

CALLGRIND = """\
events: Ir
ob=/lib/python
fn=main
10 100
+3 20
cob=/site/elmo_np/_kernels.so
cfn=product
calls=2 5
-1 7000
ob=/site/elmo_np/_kernels.so
fn=product
5 6000
* 1000
totals: 7120
""".splitlines()
HERE = {"compiler": "GCC 12", "machine": "x86_64"}
RECORD = {**HERE, "kernels": 1000}


def test_a_line_belongs_to_the_object_before_it_and_a_call_is_not_counted_twice():
    assert instructions.summed(CALLGRIND) == (7000, 7120)


def test_growth_above_three_per_cent_is_told():
    line, grown = instructions.compared(instructions.Count(1031, 2000), HERE, RECORD)
    assert grown
    assert "+3.10%" in line


def test_less_growth_and_fewer_instructions_pass():
    for kernels in 1029, 500:
        assert not instructions.compared(instructions.Count(kernels, 1500), HERE, RECORD)[1]


def test_another_compiler_is_said_and_not_compared():
    line, grown = instructions.compared(instructions.Count(5000, 9000), HERE | {"compiler": "GCC 13"}, RECORD)
    assert not grown
    assert "GCC 13, recorded with GCC 12" in line


def test_without_valgrind_one_line_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(instructions.shutil, "which", lambda name: None)
    monkeypatch.setattr(instructions.backend, "require", lambda: None)
    assert instructions.main([]) == 2
    assert "apt-get install valgrind" in capsys.readouterr().err
