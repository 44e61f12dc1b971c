"""benchmarks/tasks.py: the biLM reads nothing that is tested on, and the page has the results."""
# ruff: noqa: E402  (what benchmarks/ holds can be imported once its folder is on the path)

import argparse
import re
import shlex
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.task_helpers import reviews

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))     # its files find one another as those of a script do

import open_text
import tasks
import tasks_experiments
import tasks_growth
import tasks_report
from tasks_experiments import Experiment, Files
from tasks_growth import Growth
from tasks_report import Found, Goal, Published, page, picture

from elmo_np import backend
from elmo_np.cli import task
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override, preset, read_toml
from elmo_np.io.run_directory import RunDirectory
from elmo_np.tasks.data.files import read_pairs
from elmo_np.tasks.experiments import compare
from elmo_np.tasks.experiments.registry import TASKS
from elmo_np.tasks.metrics.scores import ratio
from elmo_np.viz.plots import save

METRICS = "split,epoch,step,tokens,forward_loss,backward_loss,forward_perplexity,backward_perplexity,learning_rate," \
    "seconds\nvalid,1,1,9,2,2,7.39,7.39,0.1,1\nvalid,2,2,9,1,1,2.72,2.72,0.1,2\n"
STATIC = "static vectors (layer 0)"


def found(about="A", seed=0, method="", better=0.2, N=400):
    """A comparison of three seeds, in which the mix is right more often."""
    rng = np.random.default_rng(seed)
    shares = {"low": 0.5, STATIC + method: 0.5, f"layer 1{method}": 0.6, f"layer mix{method}": 0.5 + better}
    counts = {name: np.stack([rng.random((3, N)) < share, np.ones((3, N))], axis=-1).astype(int)
              for name, share in shares.items()}
    counts["once"] = counts["low"][:1]
    scores = {name: [float(ratio(one.sum(axis=0))) for one in own] for name, own in counts.items()}
    return Found(about, "run", "accuracy", "seeds", (), scores, [counts], ratio, STATIC + method, [(10, 5)], "a file",
                 61.0)


def test_pairs_are_parted_by_source_and_thinned(tmp_path):
    lines = [f"Go {k} now.\tVa {k}.\n" + (f"Go {k} now.\tAllez {k}.\n" if k % 3 == 0 else "") for k in range(300)]
    lines.append("This one has too many words for it.\tNon.\n")
    (tmp_path / "fra.txt").write_text("".join(lines))
    found = tasks_experiments.tatoeba(tmp_path / "fra.txt", tmp_path, 5, 3)
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


def test_pairs_may_be_in_a_zip(tmp_path):
    lines = "".join(f"Go {k} now.\tVa {k}.\n" for k in range(30))
    with zipfile.ZipFile(tmp_path / "fra-eng.zip", "w") as archive:
        archive.writestr("fra.txt", lines)
    (tmp_path / "fra.txt").write_text(lines)
    one, other = (tasks_experiments.tatoeba(tmp_path / name, tmp_path / name[-3:], 5, 3)
                  for name in ("fra-eng.zip", "fra.txt"))
    assert one.train.read_text() == other.train.read_text()
    assert one.english == other.english


@pytest.mark.parametrize(("goal", "text", "met"), [
    (Goal("high", 0.6), "high at least 60%: 62.0%", True),
    (Goal("low", 0.935), "low at least 93.5%: 52.0%", False),
    (Goal("high", 0.05, "low"), "high at least 5 points over low: +10.0, p = 0.002", True),
    (Goal("high", 0.11, "low"), "high at least 11 points over low: +10.0, p = 0.002", False),
    (Goal("near", 0.62), "near at least 62%: 61.97%", False),
    (Goal("near", 0.1, "low"), "near at least 10 points over low: +9.97, p = 0.002", False),
    (Goal("low", 0.0, "high"), "low above high: -10.0, p = 0.002", False),
    (Goal("high", 0.01, "low"), "high at least 1 point over low: +10.0, p = 0.002", True),
    (Goal("high", 0.0, "near"), "high above near: +0.03, not significant (p = 0.30)", False),
    (Goal("low", 0.0, "low"), "low above low: +0.0, not significant (p = 1.00)", False)])
def test_a_goal_is_met_by_the_means(goal, text, met, monkeypatch):
    monkeypatch.setattr(Found, "p", lambda self, one, other: 1.0 if one == other else 0.3 if other == "near" else 0.002)
    scores = {"low": [0.5, 0.52, 0.54], "high": [0.6, 0.62, 0.64], "near": [0.6, 0.6197, 0.6394]}
    one = Found("A", "", "", "", (), scores, [], ratio, "low", [], "", None)
    assert goal.reached(one) == (text, met)
    assert Goal("other", 0.6).reached(one) is None
    assert Goal("low", 0.6, "other").reached(one) is None


def test_one_in_so_many_sentences_of_each_part_is_used(tmp_path):
    for name in "some", "more":
        (tmp_path / f"{name}.tsv").write_text("".join(f"the {name} film {k}\t{k % 2}\n" for k in range(60)))
    files = {part: str(tmp_path / f"{name}.tsv") for part, name in (("data", "some"), ("test", "more"))}
    fixed = Experiment("a", "A", "classify", **files, goals=(), valid=files["test"], every=5)
    folds = Experiment("b", "B", "classify", files["data"], goals=(), folds=2, every=5)
    (data,), valid = fixed.read()
    assert [len(part.sentences) for part in (data.train, data.test, valid)] == [12, 12, 12]
    assert data.train.sentences[1] == ["the", "some", "film", "5"]
    assert [(len(data.train.sentences), len(data.test.sentences)) for data in folds.read()[0]] == [(6, 6), (6, 6)]
    assert len(list(folds.tested())) == 12


class TwoLayers:
    def layers(self):
        return 2


@pytest.mark.parametrize("quick", [False, True])
def test_every_command_of_the_page_is_one_that_elmo_np_takes(tmp_path, quick):
    parser = argparse.ArgumentParser()
    task.subcommands(parser)
    (tmp_path / "fra.txt").write_text("".join(f"Go {k} now.\tVa {k}.\n" for k in range(300)))
    files = Files(tmp_path, tmp_path / "fra.txt", None)
    made = tasks_experiments.experiments(files, tmp_path, quick)
    made += [tasks_experiments.growth(one, "0.1", files, tmp_path, quick) for one in made]
    assert len({one.name for one in made}) == len(made) == 20
    every = {one.name: one.every for one in made}
    assert (every["growth/chunks-0.1"], every["growth/senses-0.1"]) == ((6, 6) if quick else (3, 1))
    for one in made:
        assert one.config().hidden_dim == (None if one.name.endswith(("polarity-mean", "polarity-mean-0.1")) else
                                           TASKS[one.task].defaults.hidden_dim)
    for one in made:
        words = shlex.split(one.command())
        assert words[:2] == ["elmo-np", "task"]
        args = parser.parse_args(words[2:])
        assert (args.task, args.action, args.data, args.fine_tune) == (one.task, "compare", one.data, one.fine_tune)
        assert args.set == list(one.settings)
        compare.check_kinds(TASKS[one.task], one.inputs, TwoLayers())
    for size in tasks.epochs(quick):
        command = tasks.command_of(size, quick)
        assert isinstance(override(preset("elmo-tiny"), tasks.settings_of(size, quick)), Settings)
        assert f"--out FOLDER/bilm/{tasks.name_of(size)} " in command
        assert f"FOLDER/text/{tasks.name_of(size)}.txt" in command


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Three tiny experiments and a text -> arguments of the program."""
    if backend.backend() == "numpy":
        pytest.skip("the benchmark asks for the kernels")
    for name, seed in ("some", 0), ("other", 1):
        lines = [f"{' '.join(words)}\t{label}\n" for words, label in zip(*reviews(60, seed), strict=True)]
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
    few = ("epochs=1", "hidden_dim=8")
    folds = Experiment("folds", "In folds", "classify", str(tmp_path / "some.tsv"), (Goal("layer mix", 0.0),),
                       folds=2, fine_tune=1, settings=few, inputs=("static", "mix"),
                       published=Published("SST-5", "a baseline", 51.4, 54.7))
    again = Experiment("again", "Again", "classify", str(tmp_path / "some.tsv"), (), folds=2, fine_tune=1,
                       settings=("epochs=1", "hidden_dim=none"), inputs=("mix",), tuned="folds")
    fixed = Experiment("fixed", "With a test", "classify", str(tmp_path / "other.tsv"), (), seeds=2,
                       test=str(tmp_path / "some.tsv"), settings=few, inputs=("static", "mix"))
    by_id = Experiment("by-id", "By id", "classify", str(tmp_path / "other.tsv"), (), seeds=1,
                       test=str(tmp_path / "some.tsv"), settings=few, inputs=("mix",), by_id=True)
    monkeypatch.setattr(tasks, "experiments", lambda files, out, quick: [folds, again, fixed, by_id])
    monkeypatch.setattr(tasks_experiments, "CURVES", ("static", "mix"))
    monkeypatch.setattr(tasks.nltk_data, "corpus", lambda name: None)
    monkeypatch.delenv("ELMO_NP_DATA", raising=False)
    lines = [f"the bank closed near n{k} again" for k in range(200)] + [" ".join(own) for own in reviews(60, 0)[0]]
    documents = [lines[k:k + 5] for k in range(0, len(lines), 5)]
    monkeypatch.setattr(open_text, "NLTK", (open_text.Source("some text", "open", lambda: iter(documents)),))
    monkeypatch.setattr(open_text, "VALIDATION", 60)
    monkeypatch.setattr(tasks_report, "TRIALS", 99)
    monkeypatch.setattr(tasks, "QUICK_EPOCHS", {0.0006: 1, 0.0009: 1})
    monkeypatch.setattr(tasks, "QUICK_BILM", (*tasks.BILM, "hidden_dim=4", "projection_dim=4", "embedding_dim=4",
                                              "softmax=full", "min_count=1"))
    return ["--out", str(tmp_path / "out"), "--quick"]


def tables(file):
    return [line for line in file.read_text().splitlines() if line.startswith("|")]


def test_a_run_from_nothing_and_one_that_is_killed_again_and_again_write_the_same_tables(small, tmp_path, monkeypatch):
    assert tasks.main(small) == 0
    written = (tmp_path / "out" / "tasks.md").read_text()
    for expected in ("| In folds | layer mix at least 0%", "## With a test", "2 folds |", "2 seeds |",
                     "--bilm FOLDER/bilm/0.0009 --fine-tune 1 --folds 2", "| some text |", "| 95 % interval |",
                     "## How the gain grows with the text", "SST-5: 54.7 against 51.4 of a baseline",
                     "- 0.0006 million tokens: context ", "This is the quick form", "has read 0.0009 million tokens",
                     "--bilm FOLDER/bilm/0.0009-by-id --seeds 1", "--set char_filters=none", "second command"):
        assert expected in written
    assert str(tmp_path / "out") not in written
    text = (tmp_path / "out" / "text" / "0.0009.txt").read_text()
    assert not {" ".join(own) for own in reviews(60, 0)[0]} & {*text.splitlines()}
    tuned = read_toml(tmp_path / "out/folds/fold-1/bilm/config.toml", Settings()).data.fine_tune
    assert tuned == str(tmp_path / "out/bilm/0.0009")
    assert not (tmp_path / "out/again/fold-0").exists()
    filters = [read_toml(tmp_path / f"out/bilm/{name}/config.toml", Settings()).model.char_filters
               for name in ("0.0009", "0.0009-by-id")]
    assert filters[0]
    assert filters[1] is None
    assert not list((tmp_path / "out/growth").glob("by-id*"))
    for name, about in ("tasks", "With a test"), ("tasks-growth", "ELMo, SST-5: +3.3"):
        assert about in (tmp_path / "out" / "results" / f"{name}.svg").read_text()

    monkeypatch.setattr(tasks, "save", lambda figure, path: None)      # which takes longer than all the rest
    with monkeypatch.context() as patched:
        patched.setattr(compare, "compare", None)
        patched.setattr(tasks, "train", None)
        assert tasks.main(small) == 0       # nothing is made again
    assert (tmp_path / "out" / "tasks.md").read_text() == written

    small[1] = str(tmp_path / "killed")
    original, made = compare._counts, []

    def counts(*args):
        made.append(original(*args))
        if len(made) % 7 == 0:
            raise KeyboardInterrupt
        return made[-1]
    monkeypatch.setattr(compare, "_counts", counts)
    starts = 1
    while tasks.main(small):
        starts += 1
        assert starts < 20
    assert starts > 3
    assert tables(tmp_path / "killed" / "tasks.md") == tables(tmp_path / "out" / "tasks.md")


def test_a_run_with_other_settings_is_refused(small, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "plan.json").write_text("[]\n")
    assert tasks.main(small) == 2
    assert "was begun with other data or settings" in capsys.readouterr().err
    assert not (tmp_path / "out" / "text").exists()


def test_only_some_comparisons(small, tmp_path, capsys):
    assert tasks.main([*small, "--only", "fixd"]) == 2
    assert "--only fixd: expected some of folds, again, fixed, by-id, growth; did you mean fixed?" in \
        capsys.readouterr().err
    assert tasks.main([*small, "--only", "fixed"]) == 0
    page = (tmp_path / "out" / "tasks.md").read_text()
    assert "## With a test" in page
    assert "## In folds" not in page
    assert "How the gain grows" not in page
    assert "char_filters=none" not in page      # no comparison is by id
    assert "second command" not in page
    assert tasks.main([*small, "--only", "growth"]) == 0
    page = (tmp_path / "out" / "tasks.md").read_text()
    assert "How the gain grows" in page
    assert "results/tasks.svg" not in page      # which is not drawn
    assert "| goal |" not in page


def test_the_best_row_is_bold_and_a_row_without_spread_has_no_interval(tmp_path):
    (tmp_path / "metrics.csv").write_text(METRICS)
    one = found()
    counts = [open_text.Count("a source", "open", 9, 1, 2, 3, 3, 20)]
    written = page([one], [], counts, RunDirectory(tmp_path), ["train"], "here", "a.svg")
    assert "quick form" not in written

    def row(name):
        line, = (line for line in written.splitlines() if line.startswith(f"| {name} |"))
        return line
    assert row("layer mix").startswith(f"| layer mix | **{np.mean(one.scores['layer mix']):.1%}** | ")
    gain = 100 * one.gain("layer mix", STATIC)
    assert row("layer mix").endswith(f" | 3 seeds | {gain:+.1f}, p < 0.001 |")
    assert row("low").endswith(f" | 3 seeds | {one.difference('low', STATIC)} |")
    assert row("once").startswith(f"| once | {one.scores['once'][0]:.1%} |  |  | ")
    assert row(STATIC).endswith("| 3 seeds |  |")
    assert "2.7 forward, 2.7 backward after epoch 2" in written
    assert "| a source | " in written
    assert tasks_report.interval([0.4, 0.9]) == "0.0% to 100.0%"
    save(picture([one]), tmp_path / "picture.svg")
    assert "layer mix" in (tmp_path / "picture.svg").read_text()


def test_the_growth_is_told_and_drawn(tmp_path):
    both = [found("Sense", 2 + k, ", logistic", better) for k, better in enumerate((0.0, 0.3))]
    grown = [Growth("Sense", ", logistic", Published("SST-5", "a baseline", 50.0, 53.5), [100_000, 4_000_000], both)]
    assert grown[0].curves() == [f"{name}, logistic" for name in (STATIC, "layer 1", "layer mix")]
    lines = "\n".join(tasks_growth.section(grown, "growth.svg"))
    assert "- 0.1 million tokens: context makes no significant difference at sense (" in lines
    assert "- 4 million tokens: context helps at sense (+" in lines
    assert "not significant" in lines
    assert re.search(r"\| Sense *\| *10 *\|", lines)
    first, last = (one.gain(grown[0].mix, grown[0].static) for one in both)
    assert f"| {100 * (last - first):+.1f} (+" in lines
    save(tasks_growth.picture(grown), tmp_path / "growth.svg")
    drawn = (tmp_path / "growth.svg").read_text()
    for expected in ("layer mix", "layer 1", "ELMo, SST-5: +3.5", "tokens read by the biLM", "Sense (accuracy)"):
        assert expected in drawn
    assert "logistic" not in drawn


def test_a_p_value_is_shown_on_its_side_of_the_limit():
    assert tasks_report.verdict(0.0502) == "not significant (p = 0.0502)"
    assert tasks_report.verdict(0.38) == "not significant (p = 0.38)"
    assert tasks_report.verdict(0.05) == "p = 0.050"


def test_a_difference_that_is_shown_as_zero_neither_helps_nor_harms(monkeypatch):
    monkeypatch.setattr(tasks_report.Found, "p", lambda *_: 0.0001)
    one = replace(found("Sense", 1, "", 0.0), scores={STATIC: [0.5], "layer 1": [0.5], "layer mix": [0.4999]})
    published = Published("SST-5", "a baseline", 50.0, 53.5)
    grown = [Growth(about, "", published, [100_000], [one]) for about in ("Sense", "Mood")]
    lines = "\n".join(tasks_growth.section(grown, "growth.svg"))
    assert "context makes no significant difference at sense (+0.0), mood (+0.0)." in lines
    assert "-0.0" not in lines
    assert lines.count("SST-5") == 1


@pytest.mark.parametrize(("words", "message"), [
    (["--wnut", "{here}"], "it does not contain wnut17train.conll"),
    (["--tatoeba", "{here}/fra.txt"], "file not found"),
    (["--data", "{here}/nowhere"], "nowhere: expected a directory with wnut17/, tatoeba/ and wikipedia/"),
    (["--colour"], "unrecognized arguments: --colour")])
def test_a_mistake_is_reported_in_one_line(words, message, tmp_path, capsys):
    if backend.backend() == "numpy":
        pytest.skip("the benchmark asks for the kernels")
    assert tasks.main(["--out", str(tmp_path / "out"), *[word.format(here=tmp_path) for word in words]]) == 2
    line, = capsys.readouterr().err.splitlines()
    assert message in line
