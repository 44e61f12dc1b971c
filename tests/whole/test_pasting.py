"""Every block of Python in the documentation can be pasted into Python's prompt.

The prompt compiles line by line: a blank line ends an indented block, and only a blank line does. Here one follows what
is pasted, as a reader presses Enter after a block whose last line is indented.
"""

import codeop
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from elmo_np.tutorial.pages import all_pages

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for where in (".", "tutorials", "kernels", "benchmarks") for page in ROOT.glob(f"{where}/*.md"))
BLOCK = re.compile(r"^```py(?:thon)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ERROR = re.compile(r"^(?:Traceback|\w*Error\b).*", re.MULTILINE)
# What is typed after a block, and what only appears when it has run: the terminal shows what is typed, too.
MARK = "print('end ' 'of a block')"
MARKED = "end of a block"


def refused(code):
    """The first line that the prompt does not accept, with the reason; "" if it accepts all."""
    compiler, waiting = codeop.CommandCompiler(), []
    for line in [*code.split("\n"), ""]:
        waiting.append(line)
        try:
            complete = compiler("\n".join(waiting), "<stdin>", "single")
        except SyntaxError as error:
            return f"{line!r}: {error.msg}"
        if complete:
            waiting = []
    return f"{waiting[0]!r}: unfinished" if any(waiting) else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_prompt_accepts_every_block(page):
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert [reason for reason in map(refused, blocks) if reason] == []


@pytest.mark.parametrize(("code", "reason"), [
    ("for k in range(2):\n    print(k)\nprint(3)\n", "'print(3)': invalid syntax"),
    ("class A:\n    a = 1\n\n    b = 2\n", "'    b = 2': unexpected indent"),
    ("print(", "'print(': unfinished"),
    ("for k in range(2):\n    print(k)\n\nprint(3)\n", ""),
    ("if x:\n    y = [\n\n        1]\nelse:\n    y = 2\n", "")])
def test_what_the_prompt_refuses_is_found(code, reason):
    assert refused(code) == reason


class Prompt:
    """Python's prompt in a terminal of its own."""

    def __init__(self, directory):
        pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
        self._terminal, inside = pty.openpty()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "PYTHON_BASIC_REPL": "1",
                       "TERM": "dumb", "MPLBACKEND": "agg"}
        environment.pop("PYTHONSTARTUP", None)
        self._process = subprocess.Popen([sys.executable, "-i", "-q"], stdin=inside, stdout=inside, stderr=inside,
                                         cwd=directory, env=environment, start_new_session=True)
        os.close(inside)
        self._timer = threading.Timer(1800, self._process.kill)
        self._timer.start()

    def paste(self, text):
        """Type a text and press Enter -> all that the terminal shows until it has run."""
        os.write(self._terminal, f"{text}\n\n{MARK}\n".encode())
        seen = ""
        while MARKED not in seen:
            read = os.read(self._terminal, 65536)
            seen += read.decode(errors="replace").replace("\r\n", "\n")
        return seen

    def close(self):
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


@pytest.fixture
def prompt(tmp_path):
    (tmp_path / "tutorials/img").mkdir(parents=True)
    prompt = Prompt(tmp_path)
    yield prompt
    prompt.close()


# Two quick pages; ELMO_NP_ALL_PAGES=1: all of them, which takes as long as running the tutorials.
@pytest.mark.parametrize("page", [page for page in all_pages() if os.environ.get("ELMO_NP_ALL_PAGES")
                                  or page.path.name.startswith(("04", "12"))], ids=lambda page: page.path.stem)
def test_a_page_runs_when_it_is_pasted_into_a_terminal(page, prompt):
    if page.lacks():
        pytest.skip(f"{page.path.name} needs {page.lacks()}")
    for block in page.blocks():
        seen = prompt.paste(block.code)
        assert ERROR.findall(seen) == [], f"the block at line {block.line}"
        assert [line for line in block.shown.splitlines() if line not in seen] == [], f"the block at line {block.line}"


def test_a_terminal_shows_the_error_of_a_block_that_cannot_be_pasted(prompt):
    loop = "for k in range(2):\n    print(k)\n"
    assert ERROR.findall(prompt.paste(f"{loop}print(3)\n")) == ["SyntaxError: invalid syntax"]
    assert ERROR.findall(prompt.paste(loop)) == []
