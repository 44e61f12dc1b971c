"""Messages of the library speak to Python too: an option of the command line is named only next to its parameter."""

import re
from pathlib import Path

import pytest

import elmo_np

PACKAGE = Path(elmo_np.__file__).parent
MODULES = [path for room in ("backend.py", "config", "data", "inference", "io", "nn", "runtime", "pandas.py",
                             "sklearn.py", "spacy.py", "tasks/models", "tasks/nn", "training", "viz")
           for path in ([PACKAGE / room] if room.endswith(".py") else sorted((PACKAGE / room).rglob("*.py")))]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_message_names_an_option_alone(path):
    raised = re.findall(r"UserError\((.*?)\)(?: \\?\n| from|$)", path.read_text(encoding="utf-8"),
                        re.DOTALL | re.MULTILINE)
    for message in raised:
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", message):
            name = option.removeprefix("--").removeprefix("no-")
            assert f"{name}=" in message or "elmo-np " in message or "pip install" in message, message
