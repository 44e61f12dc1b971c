"""strict_warnings: what is not an error on Apple's processors is one elsewhere; nothing else is let through."""

import subprocess
import sys

import pytest

from tests.strict_warnings import FALSE, FILTERS, filters, options

PROGRAM = "import sys, warnings; warnings.warn(sys.argv[1], {}); print('went on')"


@pytest.mark.parametrize(("message", "kind", "goes_on"), [
    ("divide by zero encountered in matmul", "RuntimeWarning", True),
    ("overflow encountered in matmul", "RuntimeWarning", True),
    ("invalid value encountered in matmul", "RuntimeWarning", True),
    ("overflow encountered in exp", "RuntimeWarning", False),
    ("overflow encountered in matmul", "DeprecationWarning", False)])
def test_only_the_false_warnings_are_let_through(message, kind, goes_on):
    ended = subprocess.run([sys.executable, *options(*FALSE), "-c", PROGRAM.format(kind), message], capture_output=True)
    assert (b"went on" in ended.stdout) == goes_on == (ended.returncode == 0)


def test_they_are_errors_on_every_other_processor(pytestconfig):
    assert filters("darwin", "arm64") == FALSE
    assert filters("darwin", "x86_64") == filters("linux", "aarch64") == filters("win32", "ARM64") == []
    assert pytestconfig.getini("filterwarnings") == ["error", *FILTERS]
