"""Fixtures of the tests of `elmo-np task`: files, a biLM and a model of each task, and a way to run commands there."""

from itertools import pairwise

import pytest

from elmo_np.cli.main import main
from tests.task_helpers import FAST_OPTIONS, TRANSLATE_OPTIONS, reviews, saved, tiny_elmo, uses, visits


@pytest.fixture(scope="session")
def task_home(tmp_path_factory):
    """Files of all tasks, a biLM, and a model of each task; no test changes them."""
    home = tmp_path_factory.mktemp("home")
    saved(tiny_elmo(), home / "bilm")
    for name, seed in ("train", 0), ("test", 1):
        lines = [f"{' '.join(words)}\t{label}\n" for words, label in zip(*reviews(80, seed), strict=True)]
        (home / f"{name}.tsv").write_text("".join(lines))
        columns = ["".join(f"{word} x {label}\n" for word, label in zip(words, labels, strict=True))
                   for words, labels in zip(*visits(80, seed), strict=True)]
        (home / f"{name}.conll").write_text("\n".join(columns))
        lines = [f"{' '.join(words)}\t{own.position}\t{own.word}\t{own.sense}\n"
                 for words, own in zip(*uses(80, seed), strict=True)]
        (home / f"{name}.senses").write_text("".join(lines))
        lines = [f"{' '.join(words)}\t{' '.join(words).upper()}\tfrom somewhere\n" for words in reviews(80, seed)[0]]
        (home / f"{name}.pairs").write_text("".join(lines))
        sentences = [words for words in reviews(80, seed)[0] if len(words) > 1]
        (home / f"{name}.data.txt").write_text("".join(
            f"{one[0]}\tN\t0-0\t{' '.join(one)}\t{one[0]} {' '.join(other)}\n"
            for one, other in pairwise(sentences)))
        (home / f"{name}.gold.txt").write_text("".join("TF"[k % 2] + "\n" for k in range(len(sentences) - 1)))
    (home / "new.txt").write_text("anna saw tom in paris rome .\n\ngood film .\n")
    (home / "empty").write_text("")
    (home / "raw.txt").write_text("What a good film.\n")
    ends = {"classify": "tsv", "tag": "conll", "senses": "senses", "translate": "pairs", "wic": "data.txt"}
    for task, end in ends.items():
        more = {"senses": ["--set", "method=nearest"], "translate": TRANSLATE_OPTIONS}.get(task, [])
        assert main(["task", task, "train", str(home / f"train.{end}"), "--test", str(home / f"test.{end}"), "--bilm",
                     str(home / "bilm"), "--out", str(home / task), "--quiet", *FAST_OPTIONS, *more]) == 0
    return home


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are made and their files written, but not laid out and drawn: two thirds of what a small task takes."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, file, **how: file.write(b"a figure"))


@pytest.fixture
def run(task_home, capsys, monkeypatch):
    """Run a command in `task_home`: its exit code, stdout, stderr."""
    monkeypatch.chdir(task_home)

    def run(*words):
        capsys.readouterr()
        code = main(["task", *map(str, words)])
        return code, *capsys.readouterr()
    return run
