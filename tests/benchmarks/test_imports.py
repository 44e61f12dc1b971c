"""Every name that a benchmark imports from the package or from another one is there, with its peers or without."""

import ast
import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
OWN = {file.stem for file in BENCHMARKS.glob("*.py")}
# cannot be imported without these libraries: their names are read instead
PEERS = {name for name in OWN if "torch" in name or "onnx" in name}


def defined(module):
    """The names that the file of a benchmark defines or imports at its top level."""
    for node in ast.parse((BENCHMARKS / f"{module}.py").read_text()).body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Assign():
                yield from (name.id for name in ast.walk(node) if isinstance(name, ast.Name))
            case ast.Import() | ast.ImportFrom():
                yield from (alias.asname or alias.name for alias in node.names)


@pytest.mark.parametrize("file", sorted(OWN))
def test_every_name_imported_from_here_is_there(file):
    for node in ast.walk(ast.parse((BENCHMARKS / f"{file}.py").read_text())):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        if node.module in PEERS:
            assert {alias.name for alias in node.names} <= set(defined(node.module))
        elif node.module in OWN or node.module.split(".")[0] == "elmo_np":
            for alias in node.names:
                found = importlib.import_module(node.module)
                if not hasattr(found, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
