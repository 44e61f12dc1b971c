"""Shared by tests of commands: a directory with two texts and a trained model, and two ways to run a command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import elmo_np
from elmo_np.cli.main import main
from tests import strict_warnings
from tests.training_helpers import CORPUS

SMALL = [word for key in ("hidden_dim=8", "embedding_dim=8", "batch_size=8", "steps=10", "learning_rate=0.01",
                          "threads=1", "epochs=1", "shuffle=0") for word in ("--set", key)]
TEXT = [sentence for sentence in CORPUS[:100] if "bank" not in sentence]
TEXT += [tuple(line.split()) for line in ("the bank of the river was steep .", "a bank paid the money .",
                                          "the clerk of the bank left .", "we walked along the bank .")]
UNSEEN = [*CORPUS[100:130], ("the", "bank", "of", "the", "river")]


def command(*words, cwd=None, env=(), **pipes):
    """Run a command in a process of its own, in which every warning is an error."""
    root = str(Path(elmo_np.__file__).parents[1])
    return subprocess.run([sys.executable, *strict_warnings.OPTIONS, "-m", "elmo_np", *words], cwd=cwd, text=True,
                          timeout=120, env={**os.environ, "PYTHONPATH": root, **dict(env)},
                          **(pipes or {"capture_output": True}))


def write(path, sentences):
    path.write_text("".join(" ".join(sentence) + "\n" for sentence in sentences), encoding="utf-8")
    return path


def everything(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def read_word2vec(path):
    """The words and the rows of a file in word2vec's text format."""
    head, *lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    rows = [line.split(" ") for line in lines]
    assert head == f"{len(rows)} {len(rows[0]) - 1}"
    return [row[0] for row in rows], [row[1:] for row in rows]


@pytest.fixture(scope="session")
def first_home(tmp_path_factory):
    """A folder with a corpus, another to predict, and a run; its copies are given to tests."""
    home = tmp_path_factory.mktemp("first") / "home"
    home.mkdir()
    write(home / "train.txt", TEXT)
    write(home / "unseen.txt", UNSEEN)
    train = ["train", str(home / "train.txt"), "--out", str(home / "run"), "--preset", "demo", "--quiet", *SMALL]
    assert main(train) == 0
    return home


@pytest.fixture(scope="module")
def home(first_home, tmp_path_factory):
    """A copy of `first_home` for the tests of a module, which do not change what is in it."""
    return shutil.copytree(first_home, tmp_path_factory.mktemp("module") / "home")


@pytest.fixture
def do(home, capsys, monkeypatch):
    """Run a command where `home` is, and expect it to end well: what it printed, and what it said on stderr."""
    monkeypatch.chdir(home)
    capsys.readouterr()

    def do(*words, code=0):
        assert main([str(word) for word in words]) == code
        return capsys.readouterr()
    return do
