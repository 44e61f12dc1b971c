"""benchmarks/tasks.py: the biLM reads nothing that is tested on, what stands on the page is what came out."""
# ruff: noqa: E402  (what benchmarks/ holds can be imported once its folder is on the path)

import argparse
import shlex
import sys
from pathlib import Path

import pytest

from tests.task_helpers import reviews

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))     # its files find one another as those of a script do

import tasks
import tasks_text
from tasks_report import Found, Goal, page, picture
from tasks_text import Pairs, Part, parts

from elmo_np import backend
from elmo_np.cli import task
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import read_toml
from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.data.files import read_pairs
from elmo_np.tasks.experiments import compare
from elmo_np.viz.plots import save

SCORES = {"low": [0.5, 0.52, 0.54], "high": [0.6, 0.62, 0.64], "once": [0.1]}


def test_no_sentence_that_is_tested_on_is_read_whatever_its_capitals():
    found = parts({"one": [["The", "end"], ["a", "b"]], "two": [["a", "B"], ["c"], []]}, [["the", "END"], ["A", "b"]])
    assert found == [Part("one", 2, []), Part("two", 3, [["c"]])]
    assert [part.tokens for part in found] == [0, 1]


def test_pairs_are_parted_by_source_and_thinned(tmp_path):
    lines = [f"Go {k} now.\tVa {k}.\n" + (f"Go {k} now.\tAllez {k}.\n" if k % 3 == 0 else "") for k in range(300)]
    lines.append("This one has too many words for it.\tNon.\n")
    (tmp_path / "fra.txt").write_text("".join(lines))
    found = tasks_text.tatoeba(tmp_path / "fra.txt", tmp_path, 5, 3)
    train, test = read_pairs(str(found.train)), read_pairs(str(found.test))
    sources = [{tuple(words) for words in some.sentences} for some in (train, test)]
    assert [len(some) for some in sources] == [90, 10]
    assert not sources[0] & sources[1]
    assert sources[0] < set(map(tuple, found.english))
    assert sources[1] < set(map(tuple, found.held))
    assert not set(map(tuple, found.english)) & set(map(tuple, found.held))
    assert all(len(words) <= 5 for some in (train, test) for words in some.sentences)
    twice = [words for words in train.sentences if int(words[1]) % 3 == 0]
    assert len(twice) == 2 * len(set(map(tuple, twice)))            # all translations of a source


@pytest.mark.parametrize(("goal", "text", "met"), [
    (Goal("high", 0.6), "high at least 60%: 62.0%", True),
    (Goal("low", 0.6), "low at least 60%: 52.0%", False),
    (Goal("high", 0.05, "low"), "high at least 5 points over low: +10.0", True),
    (Goal("high", 0.11, "low"), "high at least 11 points over low: +10.0", False),
    (Goal("low", 0.0, "high"), "low above high: -10.0", False),
    (Goal("low", 0.0, "low"), "low above low: +0.0", False)])
def test_a_goal_is_met_by_the_means(goal, text, met):
    assert goal.reached(SCORES) == (text, met)
    assert goal.reached({"once": [1.0]}) is None


def test_every_command_of_the_page_is_one_that_elmo_np_takes(tmp_path):
    parser = argparse.ArgumentParser()
    task.subcommands(parser)
    made = tasks.experiments(tmp_path, Pairs(tmp_path / "train", tmp_path / "test", [], []), False)
    assert len({one.name for one in made}) == len(made) == 6
    for one in made:
        words = shlex.split(one.command())
        assert words[:2] == ["elmo-np", "task"]
        args = parser.parse_args(words[2:])
        assert (args.task, args.action, args.data, args.fine_tune) == (one.task, "compare", one.data, one.fine_tune)
        assert args.set == list(one.settings)


def test_a_whole_run_leaves_a_page_and_a_picture_and_does_nothing_twice(tmp_path, monkeypatch):
    if backend.backend() == "numpy":
        pytest.skip("the benchmark asks for the kernels")
    for name, seed in ("some", 0), ("other", 1):
        lines = [f"{' '.join(words)}\t{label}\n" for words, label in zip(*reviews(60, seed), strict=True)]
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
    few = ("epochs=2", "hidden_dim=8")
    folds = tasks.Experiment("folds", "In folds", "classify", str(tmp_path / "some.tsv"), (Goal("layer mix", 0.0),),
                             folds=2, fine_tune=1, settings=few, inputs=("static", "mix"))
    again = tasks.Experiment("again", "Again", "classify", str(tmp_path / "some.tsv"), (), folds=2, fine_tune=1,
                             settings=("epochs=1", "hidden_dim=none"), inputs=("mix",), bilms="folds")
    fixed = tasks.Experiment("fixed", "With a test", "classify", str(tmp_path / "other.tsv"), (), seeds=2,
                             test=str(tmp_path / "some.tsv"), settings=few, inputs=("mix",))
    text = [["the", "bank", "closed", f"n{k}"] for k in range(60)] + reviews(60, 0)[0]
    monkeypatch.setattr(tasks, "masc", lambda: iter(text))
    with Progress(quiet=True) as progress:
        bench = tasks.Bench(tmp_path / "out", [folds, again, fixed], True, progress)
        (tmp_path / "out").mkdir()
        read = bench.read()
        assert [part.name for part in read] == ["MASC", "With a test"]
        assert len(read[0].kept) == 60
        tested = {tuple(words) for words in reviews(60, 0)[0]}
        assert not {tuple(words) for words in read[1].kept} & tested
        bench.bilm(read)
        found = [bench.run(one) for one in bench.todo]
        monkeypatch.setattr(compare, "compare", None)
        assert [bench.run(one) for one in bench.todo] == found
        bench.bilm(read)
    assert read_toml(tmp_path / "out/folds/fold-1/bilm/config.toml", Settings()).data.fine_tune == str(
        tmp_path / "out/bilm")
    assert not (tmp_path / "out/again/fold-0").exists()
    assert [len(values) for values in found[0].scores.values()] == [2, 2, 2, 2]
    written = page(found, read, RunDirectory(tmp_path / "out/bilm"), tasks.COMMAND, "a machine")
    for expected in ("| In folds | layer mix at least 0%", "## With a test", "2 folds |", "2 seeds |", "a machine",
                     "--bilm FOLDER/bilm --fine-tune 1 --folds 2", "| MASC | 60 | 60 | 240 |"):
        assert expected in written
    assert f"--out {tmp_path / 'out'}" not in written
    assert bench.shown(f"{tmp_path / 'out'}/pairs.tsv") == "FOLDER/pairs.tsv"
    save(picture(found), tmp_path / "picture.svg")
    drawn = (tmp_path / "picture.svg").read_text()
    assert all(one.about in drawn for one in found)


def test_the_best_row_is_bold_and_a_row_without_spread_has_none(tmp_path):
    (tmp_path / "metrics.csv").write_text(
        "split,epoch,step,tokens,forward_loss,backward_loss,forward_perplexity,backward_perplexity,learning_rate,seconds\n"
        "valid,1,1,9,2,2,7.39,7.39,0.1,1\nvalid,2,2,9,1,1,2.72,2.72,0.1,2\n")
    one = Found("A", "run", "accuracy", "seeds", (), SCORES, [(10, 5)], "a file", 61.0)
    written = page([one], [], RunDirectory(tmp_path), "train", "here")
    assert "| high | **62.0%** | 60.0% to 64.0% | 3 seeds |" in written
    assert "| once | 10.0% |  |  |" in written
    assert "2.7 forward, 2.7 backward after epoch 2" in written


@pytest.mark.parametrize(("words", "message"), [
    (["--wnut", "{here}"], "it does not contain wnut17train.conll"),
    (["--tatoeba", "{here}/fra.txt"], "file not found"),
    (["--colour"], "unrecognized arguments: --colour")])
def test_a_mistake_is_reported_in_one_line(words, message, tmp_path, capsys):
    if backend.backend() == "numpy":
        pytest.skip("the benchmark asks for the kernels")
    assert tasks.main(["--out", str(tmp_path / "out"), *[word.format(here=tmp_path) for word in words]]) == 2
    line, = capsys.readouterr().err.splitlines()
    assert message in line
