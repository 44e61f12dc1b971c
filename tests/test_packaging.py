"""setup.py and pyproject.toml: what goes into a wheel, and what a package index shows."""

import re
import subprocess
import sys
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

import elmo_np

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.fixture
def setup(monkeypatch):
    """The names of setup.py, which neither compiles nor builds anything."""
    pytest.importorskip("Cython", reason="Cython, part of the extra [test], is not installed")
    pytest.importorskip("setuptools", reason="setuptools, part of the extra [test], is not installed")
    monkeypatch.chdir(ROOT)
    given = {}
    monkeypatch.setattr("Cython.Build.cythonize", lambda extensions, **options: extensions)
    monkeypatch.setattr("setuptools.setup", lambda **options: given.update(options))
    return {**run_path("setup.py"), "given": given}


def test_a_package_index_gets_no_link_to_a_file_that_it_does_not_have(setup):
    text = setup["given"]["long_description"]
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert links
    assert all(link.startswith("https://") for link in links)
    assert "To learn how it works**, start with tutorial 01; all tutorials." in text
    assert "| 01 Why one vector per word is not enough | static and contextual vectors |" in text


def test_the_version_is_written_once(setup):
    assert "version" not in setup["given"]
    assert 'version = {attr = "elmo_np.__version__"}' in PROJECT
    assert f'"{elmo_np.__version__}"' not in PROJECT


@pytest.fixture
def windows(setup):
    """build_ext as setuptools prepares it on Windows, and the compiler that it got."""
    setuptools = pytest.importorskip("setuptools")
    build = setup["OptionalBuildExt"](setuptools.Distribution())
    build.compiler = SimpleNamespace(compiler_type="msvc", cc="cl.exe", initialize=lambda plat_name: None)
    return build


@pytest.mark.parametrize(("plat_name", "target"), [("win-amd64", "x86_64-pc-windows-msvc"),
                                                   ("win-arm64", "arm64-pc-windows-msvc")])
def test_windows_compiles_with_clang_for_the_python_that_runs(windows, setup, monkeypatch, plat_name, target):
    monkeypatch.setitem(setup["INSTALL_HINT"], "clang_cl", lambda: "there/clang-cl")
    windows.plat_name = plat_name
    arguments = windows.clang_arguments()
    assert windows.compiler.cc == "there/clang-cl"
    assert arguments[:2] == [f"--target={target}", "/clang:-O3"]


def test_windows_without_clang_installs_without_kernels_and_tells_why(windows, setup, monkeypatch):
    told = []
    monkeypatch.setattr(windows, "warn", told.append)
    monkeypatch.setitem(setup["INSTALL_HINT"], "clang_cl", lambda: None)
    windows.plat_name, windows.extensions = "win-amd64", [setup["KERNELS"]]
    windows.build_extensions()
    assert windows.compiler.cc == "cl.exe"
    assert "the kernels need clang-cl, a part of LLVM" in told[0]


def test_the_lowest_versions_are_those_of_every_dependency():
    command = [sys.executable, ROOT / ".ci/lowest_versions.py"]
    lowest = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert {"numpy==1.26", "matplotlib==3.8", "threadpoolctl==3.5", "h5py==3.11"} <= set(lowest.splitlines())
    assert "ruff" not in lowest


def test_every_package_of_the_project_is_in_a_wheel():
    listed = re.findall(r'"(elmo_np[.\w]*)"', re.search(r"^packages = \[.*?^$", PROJECT, re.MULTILINE | re.DOTALL)[0])
    there = [path.parent.relative_to(ROOT) for path in (ROOT / "elmo_np").rglob("__init__.py")]
    assert sorted(listed) == sorted(".".join(path.parts) for path in there)


def test_a_workflow_tests_every_python_that_the_project_names():
    workflow = (ROOT / ".github/workflows/wheels.yml").read_text(encoding="utf-8")
    named = re.findall(r"Python :: (3\.\d+)", PROJECT)
    assert named == re.findall(r'"(3\.\d+)"', re.search(r"python: \[.*]", workflow)[0])
