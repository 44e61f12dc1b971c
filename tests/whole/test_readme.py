"""The README and the guide keep their promises: links resolve, commands exist, code runs."""

import os
import re
import shlex
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from elmo_np import ELMo, __version__, train
from elmo_np.cli.main import main, parser
from elmo_np.config.toml_files import preset, replaced
from elmo_np.data.grammar import GrammarCorpus
from tests.task_helpers import same_vectors

from .test_equations import OTHER_CELLS
from .test_import_direction import ORDER, RANK

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "tutorials/guide.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SHOWN = README + GUIDE
PAGES = sorted(page for where in (".", "tutorials", "kernels", "benchmarks") for page in ROOT.glob(f"{where}/*.md"))


def prose(page):
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page):
    """GitHub's anchors for the headings of a page: lower case, hyphens for spaces, other punctuation dropped."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", prose(page))
    missing = []
    for file, anchor in links:
        target = page.parent / file if file else page
        if not file.startswith("http") and not (target.exists() and (not anchor or anchor in anchors(target))):
            missing.append(f"{file}#{anchor}")
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_inline_formula_has_a_backslash_that_markdown_would_remove(page):
    formulas = re.findall(r"\$[^$\n]+\$", re.sub(r"`[^`\n]*`", "", prose(page)))
    assert [formula for formula in formulas if re.search(r"\\[^a-zA-Z]", formula)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_table_has_one_row_per_line_and_a_line_under_its_head(page):
    lines = prose(page).splitlines()
    ruled = [k for k, line in enumerate(lines) if "|---" in line]
    assert all(re.fullmatch(r"\|(:?-+:?\|)+", lines[k]) and lines[k-1].count("|") == lines[k].count("|") for k in ruled)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_item_of_a_list_begins_a_line(page):
    assert re.findall(r"[.;:)] - (?=[A-Z*`]).{0,40}", prose(page)) == []


def test_anchors_are_those_of_github(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A B\n\n## Where it's: `a_b/c.py` (L)\n\n```sh\n# none\n```\n", encoding="utf-8")
    assert anchors(page) == {"a-b", "where-its-a_bcpy-l"}


def test_the_guide_begins_with_a_list_of_its_sections():
    listed = re.findall(r"^- \[([^]]+)\]\(#", GUIDE, re.MULTILINE)
    assert listed == re.findall(r"^## (.*)$", GUIDE, re.MULTILINE)


def test_the_citation_names_this_version():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_readme_has_the_two_commands_that_ci_runs():
    commands = re.findall(r"^python3 -m venv \.venv && .*$", README, re.MULTILINE)
    assert len(commands) == 2
    assert "elmo-np demo --out" in commands[0]
    assert "pytest" in commands[1]


def test_every_command_shown_exists():
    known = parser().format_help()
    shown = set(re.findall(r"elmo-np ([a-z]+)", SHOWN))
    assert {"demo", "train", "evaluate", "embed", "similar", "explore", "report", "gradcheck", "info"} <= shown
    assert all(re.search(rf"^ +{name}\b", known, re.MULTILINE) for name in shown)


def test_every_line_of_a_shell_block_parses():
    """Including its options: nothing is run, and a wrong option raises UserError."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", SHOWN, re.DOTALL | re.MULTILINE)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    lines = [line[3:] if line[:2] == ["mpiexec", "-n"] else line for line in lines]
    commands = [line[1:] for line in lines if line[0] == "elmo-np"]
    assert len(commands) == len(lines) - 2 > 20             # except the two that create an environment
    known = parser()
    assert [known.parse_args(command).command for command in commands] == [command[0] for command in commands]


def test_every_preset_named_can_be_loaded():
    names = set(re.findall(r"--preset ([\w-]+)", SHOWN))
    assert names == {"article", "best", "demo", "elmo-tiny", "fast", "small"}
    assert all(preset(name) for name in names)


def test_the_readme_lists_every_package_above_those_that_it_imports():
    listed = re.findall(r"^\| \[(\w+)\]\(elmo_np/\1/\) \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(path.parent.name for path in (ROOT / "elmo_np").glob("*/__init__.py"))
    ranks = [min(rank for name, rank in RANK.items() if name.split(".")[0] == package) for package in listed]
    assert ranks == sorted(ranks)


def files_of(cell):
    """The targets of the links in a cell of a table."""
    return re.findall(r"\]\((?:\.\./|tutorials/)?([^)]*)\)", cell)


def test_the_readme_lists_every_equation_with_its_modules_kernels_tests_and_tutorials():
    sheet = (ROOT / "tutorials/equations.md").read_text(encoding="utf-8")
    contents = re.findall(r"^\| ([A-Z]) \|[^|]*\|([^|]*)\|([^|]*)\|$", sheet, re.MULTILINE)
    rows = re.findall(r"^\| ([A-Z]) \|[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$", README, re.MULTILINE)
    expected = {letter: (files_of(modules), files_of(pages)) for letter, modules, pages in contents}
    needed = {letter: files for letter, files in expected.items() if letter not in OTHER_CELLS}
    listed = {letter: (files_of(modules), files_of(pages)) for letter, modules, *_, pages in rows}
    assert needed.items() <= listed.items() <= expected.items()
    for _, modules, kernels, tests, _ in rows:
        names = [Path(module).stem for module in files_of(modules)]
        assert files_of(kernels) == [f"kernels/{name}.pxi" for name in names if (ROOT / f"kernels/{name}.pxi").exists()]
        assert {Path(test).stem for test in files_of(tests)} <= {f"test_{name}" for name in names}
        assert files_of(tests)


def test_the_order_of_the_packages_is_the_one_that_the_tests_enforce():
    shown = re.search(r"^cli > .*?(?=```)", CONTRIBUTING, re.MULTILINE | re.DOTALL)[0]
    public = [[name for name in level if not name.startswith("_")] for level in ORDER]
    assert [[name.strip() for name in level.split(",")] for level in shown.split(">")] == public


def test_every_module_is_where_the_changelog_says():
    section = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("### Where the modules are now\n")[2]
    moved = re.findall(r"^\| `elmo_np[\w.]*` \| `([\w.]+)` \| (\w.*) \|$", section, re.MULTILINE)
    now = [f"{package}.{name}" for package, names in moved for name in names.split(", ") if name != "all"]
    for cell in re.findall(r"^\| `elmo_np[^|]* \| ([^|]*) \|$", section, re.MULTILINE):
        now += re.findall(r"`(elmo_np[\w.]+)`", cell)
    assert len(now) > 80
    assert [name for name in now if not (ROOT / f"{name.replace('.', '/')}.py").exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_text_of_a_link_to_a_file_is_its_name(page):
    links = re.findall(r"\[`?([\w/]+\.\w+)`?\]\(([^)#]+)\)", prose(page))
    assert [link for link in links if not link[1].endswith(link[0])] == []


def test_the_python_code_shown_runs(tmp_path, monkeypatch, capsys):
    """As shown, except that the demo's model is trained on a tenth of its corpus."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(GrammarCorpus.__init__.__kwdefaults__, "sentences", 3000)
    blocks = [(page, block) for page, text in (("README.md", README), ("guide.md", GUIDE))
              for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]
    assert [page for page, _ in blocks] == ["README.md", *["guide.md"] * 8]
    train("grammar", "demo-out/grammar", settings=replaced(preset("demo"), epochs=1, hidden_dim=8), quiet=True)
    names = {}
    for page, block in blocks:
        names = {}
        exec(compile(block, page, "exec"), names)
    assert names["guessed"] == ["money"]
    assert names["p"].shape == (1, 2)
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 2
    assert all(re.fullmatch(r"-?\d\.\d\d [a-z ]+ \.", line) for line in shown)
    assert (tmp_path / "run/model.safetensors").exists()


@pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning", "ignore::ResourceWarning")    # open sockets
@pytest.mark.parametrize("library", ["sklearn", "gensim", "spacy", "dask", "pyspark"])
def test_the_example_for_another_library_runs_if_it_is_installed(library, tmp_path, monkeypatch):
    pytest.importorskip(library, reason=f"{library} is not installed")
    if library == "pyspark" and not (os.environ.get("ELMO_NP_SPARK") and shutil.which("java")):
        pytest.skip("ELMO_NP_SPARK is not set, because Spark takes long to start, or there is no Java")
    example, = (block for block in re.findall(r"```py\n(.*?)```", GUIDE, re.DOTALL)
                if re.search(rf"^(from|import) {library}\b", block, re.MULTILINE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(GrammarCorpus.__init__.__kwdefaults__, "sentences", 600)
    train("grammar", "demo-out/grammar", settings=replaced(preset("demo"), epochs=1, hidden_dim=8), quiet=True)
    commands = re.findall(r"elmo-np (vectors [^\n`]+)", GUIDE)
    assert [main(command.split()) for command in commands] == [0, 0]
    if library == "spacy":
        import_module("elmo_np.spacy")          # an older editable install does not register it with spaCy
    names = {}
    example = example.replace('="demo-out', f'="{tmp_path}/demo-out')        # Spark's workers may be elsewhere
    exec(compile(example, "guide.md", "exec"), names)
    bank, = ELMo.load("demo-out/grammar").vectors([["the", "bank", "of", "the", "river", "was", "steep", "."]])
    if library == "sklearn":
        assert list(names["classifier"].predict(["the bank lent money ."])) == ["money"]
    elif library == "gensim":
        assert names["words"]["bank"].shape == (256,)
    else:
        same_vectors(np.array(names["vector"], np.float32), bank[1])
