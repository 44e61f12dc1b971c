"""Dockerfile and devcontainer.json: what they run is what the documentation says, on a Python that is supported."""

import json
import re
import shlex
from pathlib import Path

import pytest

from elmo_np.cli.main import parser

ROOT = Path(__file__).parents[1]
if not (ROOT / "Dockerfile").exists():
    pytest.skip("an installed package has no Dockerfile", allow_module_level=True)
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
INSTRUCTIONS = [line.split(None, 1) for line in LINES if line and not line.startswith("#")]
DEVELOPMENT = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))


def rest(instruction):
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def test_every_instruction_is_one_of_dockers():
    assert {name for name, _ in INSTRUCTIONS} <= {"FROM", "RUN", "COPY", "ENV", "WORKDIR", "CMD"}


def test_both_have_the_same_supported_python():
    image, = rest("FROM")
    version = re.fullmatch(r"python:(3\.\d+)-slim", image)[1]
    assert DEVELOPMENT["image"] == f"python:{version}"
    assert f'"Programming Language :: Python :: {version}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_image_has_what_the_advice_for_this_system_names():
    install, = [line for line in rest("RUN") if "apt-get install" in line]
    advice = (ROOT / "elmo_np/install_hint.py").read_text(encoding="utf-8")
    packages = re.search(r"--no-install-recommends ([\w -]+?) +&&", install)[1]
    assert f"apt-get install {packages};" in advice


def test_every_command_is_one_of_elmo_np():
    command, = map(json.loads, rest("CMD"))
    comments = re.findall(r"elmo_np (elmo-np .*)$", "\n".join(LINES), re.MULTILINE)
    lines = [*comments, *(line for line in rest("RUN") if line.startswith("elmo-np"))]
    for words in (command, *map(shlex.split, lines)):
        assert words[0] == "elmo-np"
        assert parser().parse_args(words[1:]).command in ("demo", "info")
    assert "ELMO_NP_KERNELS=require" in rest("ENV")


def test_the_commands_to_build_and_to_install_are_in_the_documentation():
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"`{DEVELOPMENT['postCreateCommand']}`" in contributing
    build = re.search(r"docker build .*$", LINES[0])[0]
    assert f"`{build}`" in contributing
    assert f"`{build}`" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_nothing_that_was_compiled_elsewhere_gets_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {"**/*.so", "**/__pycache__", "build", ".git"} <= set(ignored)
