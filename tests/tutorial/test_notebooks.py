"""Notebooks: the text and code of the page, its output in place; they run from top to bottom in any directory."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest

from elmo_np.errors import UserError
from elmo_np.tutorial.notebooks import notebook, write_notebook
from elmo_np.tutorial.pages import Page, all_pages

ROOT = Path(__file__).parents[2]
QUICK = ("04",)
# Run a notebook as Jupyter does and write it with its output: in a process of its own, as it opens sockets.
RUN = """
import sys, nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(book)
NotebookClient(book, timeout=1800, kernel_name="python3").execute()
nbformat.write(book, sys.argv[1])
"""
SOURCE = """# A page

Before $x$, [the sheet](equations.md#a), [next](02-b.md#c), [below](#d), [web](https://a.org/b), `lstm.py` and
[`lstm.py`](../elmo_np/nn/lstm.py), `a[0](b)`.

```math
y = x
```

```python
plots.save(figure, "tutorials/img/01-a.svg")
print(1)
```

```text
1
```

![What is drawn](img/01-a.svg)

![What is not drawn here](drawings/b.svg)

```sh
x[0](1)
```

<details>
<summary>Answer</summary>

Text:

```python
y = 2
```

</details>

After.
"""


def source(cell):
    return "".join(cell["source"])


@pytest.fixture
def cells(tmp_path):
    (tmp_path / "img").mkdir()
    (tmp_path / "drawings").mkdir()
    for name in "img/01-a.svg", "drawings/b.svg":
        (tmp_path / name).write_text("<svg/>", encoding="utf-8")
    return notebook(Page(tmp_path / "01-a.md", SOURCE))["cells"]


def test_text_and_code_become_cells_in_their_order(cells):
    assert [(cell["cell_type"], source(cell).partition("\n")[0]) for cell in cells] == [
        ("markdown", "# A page"), ("code", 'plots.save(figure, "01-a.svg")'), ("markdown", "*What is drawn*"),
        ("markdown", "**Answer** (folded below)"), ("markdown", "<!-- click to unfold -->"), ("code", "y = 2"),
        ("markdown", "After.")]
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_formulas_are_written_as_jupyter_reads_them(cells):
    assert "$x$" in source(cells[0])
    assert "\n$$\ny = x\n$$" in source(cells[0])


def test_links_lead_to_notebooks_and_other_files_are_named_since_a_notebook_may_be_anywhere(cells):
    assert source(cells[0]).split("\n")[2:4] == [
        "Before $x$, the sheet (`equations.md`), [next](02-b.ipynb), below, [web](https://a.org/b), `lstm.py` and",
        "`lstm.py` (`../elmo_np/nn/lstm.py`), `a[0](b)`."]
    assert "x[0](1)" in source(cells[2])


def test_the_output_of_the_page_and_its_figure_are_those_of_the_cell(cells):
    printed, drawn = cells[1]["outputs"]
    assert printed == {"output_type": "stream", "name": "stdout", "text": "1\n"}
    assert drawn["data"] == {"text/html": '<img alt="" src="data:image/svg+xml;base64,PHN2Zy8+">'}
    assert cells[5]["outputs"] == []


def test_a_picture_that_no_cell_draws_is_in_the_notebook(cells):
    assert "![What is not drawn here](data:image/svg+xml;base64,PHN2Zy8+)" in source(cells[2])


def test_an_answer_is_folded_and_nothing_else_is(cells):
    """Jupyter shows the first line of a folded cell, which must not give the answer away."""
    assert source(cells[4]) == "<!-- click to unfold -->\nText:"
    assert [bool(cell["metadata"]) for cell in cells] == [False, False, False, False, True, True, False]


def test_a_notebook_is_never_replaced_for_it_may_hold_the_readers_work(tmp_path):
    out = tmp_path / "a.ipynb"
    write_notebook(all_pages()[0], out)
    before = out.read_bytes()
    with pytest.raises(UserError, match=r"a\.ipynb exists already: give another name"):
        write_notebook(all_pages()[1], out)
    assert out.read_bytes() == before


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.path.stem)
def test_every_page_is_a_notebook_with_all_of_its_code_and_output(page, tmp_path):
    write_notebook(page, tmp_path / "page.ipynb")
    book = json.loads((tmp_path / "page.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    text = "\n".join(source(cell) for cell in book["cells"] if cell["cell_type"] == "markdown")
    assert [source(cell).replace('"tutorials/img/', '"') for cell in code] == [
        block.code.rstrip("\n").replace('"tutorials/img/', '"') for block in page.blocks()]
    assert printed(code) == [block.shown for block in page.blocks()]
    assert "tutorials/img" not in "".join(source(cell) for cell in code)
    addresses = re.findall(r"\]\(([^)]*)\)", re.sub(r"`[^`\n]+`", "", text))
    assert all(re.match(r"https?:|data:image/|[\w-]+\.ipynb$", address) for address in addresses)
    assert not re.search(r"details>|```math", text)
    if importlib.util.find_spec("nbformat"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")         # of a library's own imports
            import_module("nbformat").validate(book)


def printed(cells):
    """What each cell has printed."""
    return ["".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream"
                    and output["name"] == "stdout") for cell in cells]


def run(path):
    """Run a notebook from top to bottom in the directory in which it is: its code cells."""
    for library in "nbclient", "ipykernel":
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library}, part of the extra [notebooks], is not installed")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "MPLBACKEND": "agg",
                   "IPYTHONDIR": str(path.parent / "ipython"), "JUPYTER_RUNTIME_DIR": str(path.parent / "runtime")}
    done = subprocess.run([sys.executable, "-c", RUN, path.name], cwd=path.parent, env=environment, timeout=1800,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    book = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


# ELMO_NP_ALL_PAGES=1: all pages, which takes as long as running the tutorials.
@pytest.mark.parametrize("page", [page for page in all_pages() if os.environ.get("ELMO_NP_ALL_PAGES")
                                  or page.path.name.startswith(QUICK)], ids=lambda page: page.path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_shows_what_the_page_shows(page, tmp_path):
    if page.lacks():
        pytest.skip(f"{page.path.name} needs {page.lacks()}")
    write_notebook(page, tmp_path / "page.ipynb")
    before = [source(cell) for cell in json.loads((tmp_path / "page.ipynb").read_text())["cells"]
              if cell["cell_type"] == "code"]
    cells = run(tmp_path / "page.ipynb")
    found = ["".join(f"{line.rstrip()}\n" for line in text.splitlines()) for text in printed(cells)]
    assert found == [block.shown for block in page.blocks()]
    for code, cell in zip(before, cells, strict=True):
        drawn = [output for output in cell["outputs"] if "image/svg+xml" in output.get("data", {})]
        assert len(drawn) == code.count("plots.save(")
        assert {output["output_type"] for output in cell["outputs"]} <= {"stream", "display_data"}


def test_progress_in_a_notebook_is_one_line_that_is_rewritten(tmp_path):
    code = ("import time\nfrom elmo_np.runtime.progress import Progress\nwith Progress() as progress:\n"
            "    for k in range(3):\n        progress.show(f'step {k}')\n        time.sleep(0.25)\n")
    write_notebook(Page(tmp_path / "01-a.md", f"# A\n\n```python\n{code}```\n"), tmp_path / "page.ipynb")
    cell, = run(tmp_path / "page.ipynb")
    shown = "".join("".join(output["text"]) for output in cell["outputs"] if output["name"] == "stderr")
    assert shown == "\rstep 0\rstep 1\rstep 2\r      \r"
