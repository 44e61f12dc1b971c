"""Imports go one way: a package may import what is to its right in the list below, and nothing to its left."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "elmo_np"

# Packages on one line do not import each other.
ORDER = [
    ["cli"],
    ["exercises"],
    ["gradient_checks"],
    ["tasks.experiments"],
    ["tasks.models"],
    ["tasks.data"],
    ["tasks.metrics"],
    ["tasks.nn"],
    ["viz"],
    ["training", "sklearn", "spacy", "pandas", "tutorial"],
    ["inference"],
    ["io"],
    ["data"],
    ["nn"],
    ["config"],
    ["runtime", "backend"],
    ["types", "errors", "install_hint", "_old_names", "_early_interrupt"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
# The whole package in a word: the public names import from everywhere, and everybody may read the version.
FACE = {"elmo_np", "elmo_np.__main__"}
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
           for path in PACKAGE.rglob("*.py")}


def imported(module, path):
    """The modules of the package that a module imports, at its top or within a function."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[:len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                name = f"{source}.{alias.name}"
                if name in MODULES or source in MODULES:
                    yield name if name in MODULES else source


def room(module):
    """The name in ORDER that a module belongs to."""
    parts = module.split(".")[1:]
    return ".".join(parts[:2]) if parts[0] == "tasks" else parts[0]


@cache
def targets(module):
    """The other modules of the package that a module imports."""
    return set(imported(module, MODULES[module])) - {module}


@pytest.mark.parametrize("module", sorted(set(MODULES) - FACE - {"elmo_np.tasks"}))
def test_a_module_imports_its_own_package_and_those_to_the_right(module):
    for target in targets(module) - {"elmo_np"}:
        same = room(module) == room(target)
        assert same or RANK[room(module)] < RANK[room(target)], f"{module} imports {target}"


def test_every_package_has_a_place_in_the_order():
    assert {room(module) for module in set(MODULES) - FACE - {"elmo_np.tasks"}} == set(RANK)


def test_no_modules_import_each_other_in_a_circle():
    left = {module: targets(module) for module in MODULES if module not in FACE}
    while free := {module for module, needed in left.items() if not needed & set(left)}:
        left = {module: needed for module, needed in left.items() if module not in free}
    assert not left


def test_an_import_against_the_order_is_seen(tmp_path):
    path = tmp_path / "lstm.py"
    path.write_text("def f():\n    from ..cli.main import main\n")
    assert list(imported("elmo_np.nn.lstm", path)) == ["elmo_np.cli.main"]
    assert RANK[room("elmo_np.nn.lstm")] > RANK[room("elmo_np.cli.main")]
