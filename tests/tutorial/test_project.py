"""Where the tutorials and kernel sources are: in the project, or in a wheel next to the modules."""

from pathlib import Path
from runpy import run_path

import pytest

import elmo_np
from elmo_np.tutorial import kernel_source
from elmo_np.tutorial.pages import all_pages
from elmo_np.tutorial.project import project_directory

ROOT = Path(__file__).parents[2]


def test_a_project_has_its_own_tutorials_and_kernels():
    assert project_directory() == Path(elmo_np.__file__).parents[1]
    assert len(all_pages()) >= 17


def test_an_installed_package_has_copies_that_come_before_what_is_next_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(elmo_np, "__file__", str(tmp_path / "elmo_np/__init__.py"))
    for directory, text in (tmp_path, "another"), (tmp_path / "elmo_np/project", "copy"):
        for name in "kernels/lstm.h", "tutorials/01-a.md":
            (directory / name).parent.mkdir(parents=True)
            (directory / name).write_text(f"# {text}\n", encoding="utf-8")
    assert kernel_source("lstm.h") == "# copy\n"
    assert [page.title for page in all_pages()] == ["copy"]


@pytest.mark.parametrize("editable", [False, True])
def test_a_build_makes_the_copies_but_an_editable_install_uses_the_project(tmp_path, monkeypatch, editable):
    pytest.importorskip("Cython", reason="Cython, part of the extra [test], is not installed")
    setuptools = pytest.importorskip("setuptools", reason="setuptools, part of the extra [test], is not installed")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("Cython.Build.cythonize", lambda extensions, **options: extensions)
    monkeypatch.setattr("setuptools.setup", lambda **options: None)
    build = run_path("setup.py")["BuildWithTutorials"](setuptools.Distribution({"packages": []}))
    build.build_lib, build.editable_mode = str(tmp_path), editable
    build.ensure_finalized()
    build.run()
    copied = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    expected = {"elmo_np/project/kernels/lstm.h", "elmo_np/project/tutorials/03-the-lstm-by-hand.md",
                "elmo_np/project/tutorials/img/03-gates.svg"}
    assert copied & expected == (set() if editable else expected)
