"""`import elmo_np` and `elmo-np --help` do without what only some programs need: it is imported where it is used.

Modules are counted, not seconds: these do not depend on the machine.
"""

import subprocess
import sys

import pytest

from elmo_np.cli import COMMANDS

HEAVY = {"matplotlib", "multiprocessing", "concurrent.futures", "logging", "tomllib", "tomli", "xml.etree", "difflib",
         "numpy.ma", "numpy.polynomial", "unittest",
         "elmo_np.data.wikipedia", "elmo_np.gradient_checks", "elmo_np.io.published", "elmo_np.tasks.models",
         "elmo_np.viz", *(f"elmo_np.cli.{name}" for name in COMMANDS)}


def imported(code):
    """The modules in memory after a program, except those that NumPy brings."""
    shown = f"import sys, numpy\nbefore = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("code", ["import elmo_np", "from elmo_np.cli.main import main\n"
                                                    "try: main(['--help'])\nexcept SystemExit: pass"],
                         ids=["import elmo_np", "elmo-np --help"])
def test_nothing_heavy_is_imported(code):
    found = imported(code)
    assert "elmo_np.nn.lstm" in found
    assert found & HEAVY == set()


def test_a_command_imports_its_own_module():
    found = imported("from elmo_np.cli.main import main\nmain(['info'])")
    assert {f"elmo_np.cli.{name}" for name in COMMANDS} & found == {"elmo_np.cli.info"}
