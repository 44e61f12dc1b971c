"""Pages: what their blocks are, how they run, what differs from what they show, what they need."""

import sys

import pytest

from elmo_np import backend
from elmo_np.errors import UserError
from elmo_np.tutorial.pages import Block, Page, all_pages, pages_named

TWO = "# A title\n\n```python\nx = 2\n```\n\nThen:\n\n```python\nprint(x)\n```\n\n```text\n2\n```\n"


def page(tmp_path, source):
    path = tmp_path / "01-page.md"
    path.write_text(source, encoding="utf-8")
    return Page.read(path)


def test_a_block_has_its_number_its_line_its_code_and_what_the_page_shows_below_it(tmp_path):
    read = page(tmp_path, TWO)
    assert read.title == "A title"
    assert read.blocks() == [Block(1, 4, "x = 2\n", ""), Block(2, 10, "print(x)\n", "2\n")]


def test_blocks_share_names_and_the_same_output_is_the_same(tmp_path):
    results = list(page(tmp_path, TWO).run(tmp_path))
    assert [(ran.printed, ran.same) for ran in results] == [("", True), ("2\n", True)]
    other, = [ran for ran in page(tmp_path, TWO.replace("x = 2", "x = 3")).run(tmp_path) if not ran.same]
    assert (other.block.number, other.block.shown, other.printed) == (2, "2\n", "3\n")


def test_the_values_of_expressions_are_printed_as_at_the_prompt(tmp_path):
    before = sys.displayhook
    source = "```python\n1 + 1\nNone\nfor k in 'ab':\n    k\n\nprint(3)\n```\n"
    ran, = page(tmp_path, source).run(tmp_path)
    assert ran.printed == "2\n'a'\n'b'\n3\n"
    assert sys.displayhook is before


def test_an_exception_ends_the_run_with_a_traceback_that_has_the_line_of_the_page(tmp_path):
    source = "# A\n\n```python\nprint(1)\nint('one')\nprint(2)\n```\n\n```text\n1\n```\n\n```python\nprint(3)\n```\n"
    ran, = page(tmp_path, source).run(tmp_path)
    assert ran.failed
    assert not ran.same
    first, *rest = ran.printed.splitlines()
    assert first == "1"
    assert rest[:2] == ["Traceback (most recent call last):",
                        f'  File "{tmp_path / "01-page.md"}", line 5, in <module>']
    assert rest[-1].startswith("ValueError: invalid literal")


def test_code_that_is_not_python_is_reported_like_any_other_exception(tmp_path):
    ran, = page(tmp_path, "# A\n\n```python\nx = = 1\n```\n").run(tmp_path)
    assert ran.failed
    assert "line 4" in ran.printed
    assert "SyntaxError: invalid syntax" in ran.printed


def test_figures_and_files_are_written_to_the_directory_of_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "```python\nopen('tutorials/img/a.txt', 'w').close()\n```\n"
    (tmp_path / "here").mkdir()
    assert all(ran.same for ran in page(tmp_path, source).run(tmp_path / "here"))
    assert (tmp_path / "here/tutorials/img/a.txt").exists()
    assert not (tmp_path / "tutorials").exists()


def test_the_output_can_be_put_into_the_page_and_is_then_stable(tmp_path):
    before = page(tmp_path, TWO.replace("x = 2", "x = 3") + "\nEnd.\n\n```python\nprint(x + 1)\n```\n\nOf all.\n")
    once = before.with_output(list(before.run(tmp_path)))
    assert "x = 3\n```\n\nThen:" in once
    assert "print(x)\n```\n\n```text\n3\n```\n\nEnd." in once
    assert "print(x + 1)\n```\n\n```text\n4\n```\n\nOf all." in once
    after = page(tmp_path, once)
    assert after.with_output(list(after.run(tmp_path))) == once


def test_pages_are_named_by_their_beginning():
    assert [found.path.stem for found in pages_named(["03", "where"])] == ["03-the-lstm-by-hand",
                                                                         "where-the-article-goes-wrong"]
    assert pages_named(["all"]) == all_pages()
    with pytest.raises(UserError, match=r"there is no tutorial 99: expected 'all' or .* 01-one-vector-a-word, "):
        pages_named(["03", "99"])


def test_without_tutorials_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("elmo_np.tutorial.pages.project_directory", lambda: tmp_path)
    with pytest.raises(UserError, match=r"there are no tutorials in .*: run this in the project's directory"):
        all_pages()


def test_a_library_that_a_page_needs_is_reported_only_if_absent(tmp_path):
    for library, missed in ("numpy", ""), ("no_such_library", "no_such_library (pip install no_such_library)"):
        source = f"# A\n\n**You will** read. **You need** it (`pip install {library}`).\n"
        assert page(tmp_path, source).lacks() == missed
    source = "# A\n\n**You will** read. **You need** nothing.\n\nSee `pip install no_such_library`.\n"
    assert page(tmp_path, source).lacks() == ""


def test_kernels_that_a_page_needs_are_reported_only_if_absent(tmp_path, monkeypatch):
    needed = page(tmp_path, "# A\n\n**You will** read. **You need** the compiled kernels.\n")
    for reason, missed in ("", ""), ("no compiler", "the compiled kernels (no compiler)"):
        monkeypatch.setattr(backend, "why_not", lambda reason=reason: reason)
        assert needed.lacks() == missed
    assert page(tmp_path, "# A\n\n**You will** read of the compiled kernels. **You need** nothing.\n").lacks() == ""
