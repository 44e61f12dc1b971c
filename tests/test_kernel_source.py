"""The check that keeps the tests from running on kernels that are older than their source."""

import os
import shutil
import subprocess
import sys

import pytest

from elmo_np import backend
from tests.kernel_source import KERNELS, stale

COMPARED = "the compiled kernels are not those of {}: rebuild them with `python setup.py -q build_ext --inplace`"


def python(code, **environment):
    everything = {**os.environ, "PYTHONPATH": os.pathsep.join([str(KERNELS.parent), *sys.path]), **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=everything)


@pytest.fixture
def copy(tmp_path):
    """The sources in another directory, as in a fresh clone: new file times, the same contents."""
    return shutil.copytree(KERNELS, tmp_path / "kernels", copy_function=shutil.copyfile)


@pytest.fixture
def compiled():
    if backend.why_not():
        pytest.skip(backend.why_not())
    from elmo_np import _kernels
    return _kernels.SOURCE_SHA256


def test_a_fresh_clone_has_the_sources_that_were_compiled(compiled, copy):
    assert stale(compiled, copy) == ""


def test_line_ends_and_the_readme_are_not_compared(compiled, copy):
    (copy / "README.md").write_text("another text", encoding="utf-8")
    source = copy / "lstm.pxi"
    source.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
    assert stale(compiled, copy) == ""


@pytest.mark.parametrize("name", ["_kernels.pyx", "lstm.pxi", "lstm.h"])
def test_a_source_that_was_changed_after_the_build_is_noticed(compiled, copy, name):
    with (copy / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert stale(compiled, copy).startswith(COMPARED.format(copy))


def test_a_source_that_was_renamed_added_or_removed_is_noticed(compiled, copy):
    (copy / "lstm.h").rename(copy / "lstm_step.h")
    assert stale(compiled, copy)
    (copy / "lstm_step.h").rename(copy / "lstm.h")
    (copy / "new.h").touch()
    assert stale(compiled, copy)


@pytest.mark.parametrize("attributes", ["pass", "kernels.SOURCE_SHA256 = 'another'"])
def test_tests_end_with_one_sentence_that_names_the_command(attributes):
    """With kernels that have another digest, or none, as those of older versions."""
    code = (f"import sys, types; kernels = types.ModuleType('elmo_np._kernels'); {attributes}; "
            "kernels.simd_paths = lambda: ['base']; kernels.use_simd = print; "
            "sys.modules['elmo_np._kernels'] = kernels; import tests")
    ended = python(code, ELMO_NP_SIMD="base")
    assert ended.returncode == 1
    assert ended.stderr.startswith(COMPARED.format(KERNELS))
    assert ended.stderr.count("\n") == 1


def test_without_kernels_the_tests_run_on_numpy():
    code = "import sys; sys.modules['elmo_np._kernels'] = None; import tests"
    ended = python(code, ELMO_NP_KERNELS="auto")
    assert (ended.returncode, ended.stderr) == (0, "")
