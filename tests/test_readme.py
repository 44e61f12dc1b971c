"""What the README promises: links that resolve, commands that are there, code that runs."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from elmo_np import ELMo, train
from elmo_np.__main__ import main, parser
from elmo_np.config import preset, replaced
from elmo_np.grammar import GrammarCorpus

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("tutorials/*.md"), *ROOT.glob("kernels/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if not link.startswith("http") and not (page.parent / link).exists()]
    assert missing == []


def test_the_two_commands_are_there_for_ci_to_run():
    commands = re.findall(r"^python3 -m venv \.venv && .*$", README, re.MULTILINE)
    assert len(commands) == 2
    assert "elmo-np demo --out" in commands[0]
    assert "pytest" in commands[1]


def test_every_command_that_the_readme_shows_is_one():
    known = parser().format_help()
    shown = set(re.findall(r"elmo-np ([a-z]+)", README))
    assert {"demo", "train", "evaluate", "embed", "similar", "explore", "report", "gradcheck", "info"} <= shown
    assert all(re.search(rf"^ +{name}\b", known, re.MULTILINE) for name in shown)


def test_every_preset_that_the_readme_names_can_be_loaded():
    names = set(re.findall(r"--preset ([\w-]+)", README))
    assert names == {"article", "elmo-tiny", "fast", "small"}
    assert all(preset(name) for name in names)


def test_the_map_names_every_module_of_the_package_that_a_reader_would_look_for():
    named = set(re.findall(r"\(elmo_np/(\w+)\.py\)", README))
    helpers = {"__init__", "errors", "files", "options", "metrics", "progress", "signals",
               "stop_words", "grammar_rules"}
    assert {path.stem for path in (ROOT / "elmo_np").glob("*.py")} - helpers == named


def test_the_python_that_the_readme_shows_runs(tmp_path, monkeypatch, capsys):
    """On a tenth of the corpus and with the demo's folder in its place: the text shown is what runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(GrammarCorpus.__init__.__kwdefaults__, "sentences", 3000)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    train("grammar", "demo-out/grammar", settings=replaced(preset("demo"), epochs=1, hidden_dim=8), quiet=True)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 2
    assert all(re.fullmatch(r"-?\d\.\d\d [a-z ]+ \.", line) for line in shown)
    assert (tmp_path / "run/model.safetensors").exists()


@pytest.mark.parametrize("library", ["sklearn", "gensim", "spacy"])
def test_the_example_for_another_library_runs_where_that_is(library, tmp_path, monkeypatch):
    pytest.importorskip(library, reason=f"{library} is not installed")
    example, = (block for block in re.findall(r"```py\n(.*?)```", README, re.DOTALL)
                if re.search(rf"^(from|import) {library}\b", block, re.MULTILINE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(GrammarCorpus.__init__.__kwdefaults__, "sentences", 600)
    train("grammar", "demo-out/grammar", settings=replaced(preset("demo"), epochs=1, hidden_dim=8), quiet=True)
    commands = re.findall(r"elmo-np (vectors [^\n`]+)", README)
    assert [main(command.split()) for command in commands] == [0, 0]
    if library == "spacy":
        import_module("elmo_np.spacy")          # an editable install that is older does not name it to spaCy
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    bank, = ELMo.load("demo-out/grammar").vectors([["the", "bank", "of", "the", "river", "was", "steep", "."]])
    if library == "sklearn":
        assert list(names["classifier"].predict(["the bank lent money ."])) == ["money"]
    elif library == "gensim":
        assert names["words"]["bank"].shape == (256,)
    else:
        assert (names["vector"] == bank[1]).all()
