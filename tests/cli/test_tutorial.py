"""`elmo-np tutorial`: lists the pages, runs them, reports what differs, writes notebooks."""

import json

import pytest

from elmo_np.tutorial import pages

GOOD = "# A good page\n\n```python\nx = 2\n```\n\n```python\nprint(x)\n```\n\n```text\n2\n```\n"
OTHER = ("# Another page\n\n```python\nprint('a\\nb')\n```\n\n```text\na\nc\n```\n\n```python\nx\n```\n\n```python\n"
         "1\n```\n")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with three pages; the third needs a library that does not exist."""
    (tmp_path / "tutorials/img").mkdir(parents=True)
    for name, source in (("01-good", GOOD), ("02-other", OTHER),
                         ("03-needs", "# A third\n\n**You need** it (`pip install no_such_library`).\n")):
        (tmp_path / f"tutorials/{name}.md").write_text(source, encoding="utf-8")
    monkeypatch.setattr(pages, "project_directory", lambda: tmp_path)
    return tmp_path


def test_without_a_name_the_pages_are_listed(do):
    lines = do("tutorial").out.splitlines()
    assert lines[2].split(maxsplit=1) == ["03-the-lstm-by-hand", "03. The LSTM's step, by hand"]
    assert lines[-1].startswith("elmo-np tutorial 03 runs a page; ")


def test_a_page_that_prints_what_it_shows_is_right(do, project):
    out, _ = do("tutorial", "01")
    assert out.startswith("01-good.md: 2 of 2 blocks print what the page shows (")


def test_what_differs_is_shown_with_block_and_line_and_the_exit_code_is_1(do, project):
    out, _ = do("tutorial", "02", code=1)
    lines = out.splitlines()
    assert lines[:4] == ["02-other.md, block 1, line 4: expected (-) and got (+)", "      a", "    - c", "    + b"]
    assert lines[4] == ("02-other.md, block 2, line 13: expected (-) and got (+); the rest of the page was not run")
    assert lines[-2] == "    + NameError: name 'x' is not defined"
    assert lines[-1].startswith("02-other.md: 0 of 3 blocks print what the page shows (")


def test_a_page_whose_library_is_missing_is_not_run_and_not_right(do, project):
    out, _ = do("tutorial", "all", code=1)
    assert "03-needs.md: not run, it needs no_such_library (pip install no_such_library)\n" in out
    assert "01-good.md: 2 of 2 blocks" in out


def test_running_a_page_leaves_nothing_behind(do, project):
    before = sorted(project.rglob("*"))
    do("tutorial", "01")
    assert sorted(project.rglob("*")) == before


def test_writing_puts_the_output_into_the_page(do, project):
    path = project / "tutorials/01-good.md"
    path.write_text(GOOD.replace("x = 2", "x = 3"), encoding="utf-8")
    do("tutorial", "01", "--write", code=1)
    assert path.read_text(encoding="utf-8") == GOOD.replace("x = 2", "x = 3").replace("\n2\n", "\n3\n")
    do("tutorial", "01", "--write")


def test_a_page_that_fails_is_not_written(do, project):
    do("tutorial", "02", "--write", code=1)
    assert (project / "tutorials/02-other.md").read_text(encoding="utf-8") == OTHER


def test_the_pages_of_an_installed_copy_are_not_written(do, project, monkeypatch):
    monkeypatch.setattr("elmo_np.tutorial.project.project_directory", lambda: project / "elmo_np/project")
    _, err = do("tutorial", "01", "--write", code=2)
    assert "this elmo_np is an installed copy: install it with 'pip install -e .'" in err


def test_a_notebook_is_a_file_or_one_of_several_in_a_directory(do, project, tmp_path):
    out, _ = do("tutorial", "01", "--notebook", tmp_path / "a.ipynb")
    assert out == f"{tmp_path}/a.ipynb: open it in Jupyter\n"
    assert json.loads((tmp_path / "a.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4
    do("tutorial", "all", "--notebook", tmp_path / "books")
    assert sorted(path.name for path in (tmp_path / "books").iterdir()) == ["01-good.ipynb", "02-other.ipynb",
                                                                          "03-needs.ipynb"]
    assert json.loads(do("tutorial", "01", "--notebook", "-").out)["nbformat"] == 4


@pytest.mark.parametrize(("words", "message"), [
    (["99"], "there is no tutorial 99: expected 'all' or the beginning of a name: 01-good, 02-other, 03-needs"),
    (["--notebook", "x.ipynb"], "no tutorial is named: expected the beginning of a name"),
    (["all", "--notebook", "x.ipynb"], "x.ipynb is one notebook, but 3 pages are named: expected a directory"),
    (["01", "--notebook", "none/x.ipynb"], "cannot write none/x.ipynb: No such file or directory"),
    (["01", "--notebook", "none/x"], "cannot make the directory none/x: No such file or directory"),
    (["01", "--notebook", "x.ipynb", "--write"], "--notebook and --write exclude each other")])
def test_a_mistake_is_one_line(do, project, words, message):
    out, err = do("tutorial", *words, code=2)
    assert out == ""
    assert err.startswith("elmo-np: error: ")
    assert message in err
    assert err.count("\n") == 1
