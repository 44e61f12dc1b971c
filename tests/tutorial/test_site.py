"""The site: every tag leads to its equation, every equation to its lines of code, every link to a page of the site."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the extra [docs] is not installed")
pytest.importorskip("furo", reason="the extra [docs] is not installed")

from elmo_np.tutorial.site import lines_by_tag, sources

from ..whole.test_equations import DEFINED, KERNELS, PYTHON, tagged_lines

ROOT = Path(__file__).parents[2]
# A small site of the project's own pages: its links to other pages are not followed.
FILES = ("README.md", "tutorials/equations.md", "tutorials/04-back-through-time.md", "tutorials/drawings",
         "tutorials/img/04-distance.svg", "tutorials/conf.py", "tutorials/site.css", "elmo_np/nn", "kernels/lstm.pxi")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The directory of a site of two pages and the code of the layers."""
    project = tmp_path_factory.mktemp("project")
    for name in FILES:
        source, copy = ROOT / name, project / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    subprocess.run([sys.executable, "-m", "sphinx", "-Q", "-c", project / "tutorials", project, project / "out"],
                   check=True, cwd=ROOT)
    return project / "out"


def links(page):
    """{address: text} of the links of a page, without their markup."""
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page.read_text(encoding="utf-8"), re.DOTALL)
    return {address: re.sub(r"<[^>]*>", "", text) for address, text in found}


def test_the_lines_of_an_equation_are_those_that_the_test_of_the_sheet_finds():
    expected = {(tag, file, number) for file in [*PYTHON, *KERNELS] for number, tags in tagged_lines(file).items()
                for tag in tags}
    found = {(tag, *line) for tag, lines in lines_by_tag(ROOT).items() for line in lines}
    assert found == expected
    assert list(lines_by_tag(ROOT)) == DEFINED


def test_every_line_with_a_tag_has_a_page():
    assert {file for lines in lines_by_tag(ROOT).values() for file, _ in lines} <= set(sources(ROOT))


def test_a_tag_leads_to_its_equation_and_the_equation_to_its_lines(site):
    assert links(site / "tutorials/04-back-through-time.html")["equations.html#L5"] == "(L5)"
    sheet = site / "tutorials/equations.html"
    assert '<p id="L5">' in sheet.read_text(encoding="utf-8")
    lines = [number for file, number in lines_by_tag(ROOT)["L5"] if file == "elmo_np/nn/lstm.py"]
    assert lines
    code = site / "elmo_np/nn/lstm.py.html"
    for number in lines:
        assert links(sheet)[f"../elmo_np/nn/lstm.py.html#L-{number}"] == str(number)
        line = re.search(rf'<span id="L-{number}">(.*)', code.read_text(encoding="utf-8"))[1]
        assert "../../tutorials/equations.html#" in line


def test_a_link_to_a_file_or_a_package_leads_to_its_code(site):
    assert links(site / "README.html")["elmo_np/nn/lstm.py.html"] == "lstm.py"
    assert links(site / "README.html")["elmo_np/nn/__init__.py.html"] == "nn"


def test_a_formula_is_left_as_it_is_for_mathjax(site):
    sheet = (site / "tutorials/equations.html").read_text(encoding="utf-8")
    formulas = re.findall(r'class="math.*?</(?:span|div)>', sheet, re.DOTALL)
    assert formulas
    assert not [formula for formula in formulas if "<a" in formula]
    assert (site / "_static/tex-svg.js").is_file()


def test_nothing_is_read_from_the_network(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|img|link)\b[^>]*(?:src|href)="(?:https?:)?//', text), page


def test_the_first_page_leads_to_the_readme(site):
    assert "url=README.html" in (site / "index.html").read_text(encoding="utf-8")
