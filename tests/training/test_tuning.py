"""Successive halving: the better half goes on, a search that stopped goes on where it was, and time changes nothing."""

import itertools
import math
import time

import pytest

from elmo_np.errors import UserError
from elmo_np.io.run_directory import RunDirectory
from elmo_np.runtime.progress import Progress
from elmo_np.runtime.signals import Interrupted
from elmo_np.training import tuning
from elmo_np.training.checkpointing import MAY_CHANGE
from elmo_np.training.metrics import COLUMNS, read
from elmo_np.training.search_space import draw_trials
from elmo_np.training.tuning import Round, Search, TimeIsUp, rounds
from tests.commands import write
from tests.training_helpers import CORPUS, tiny, train

SPACE = {"learning_rate": ["0.001", "0.01", "0.03"], "hidden_dim": ["6", "8"]}


@pytest.fixture
def search(tmp_path):
    """A search with five trials of four epochs, in a directory of the given name."""
    corpus = str(write(tmp_path / "text.txt", CORPUS[:80]))

    def search(name="search", *changes, corpus=corpus):
        base = tiny("epochs=4", *changes)
        return Search(corpus, None, tmp_path / name, draw_trials(base, SPACE, 5), Progress(quiet=True))
    return search


def curves(search):
    return {found.trial.number: found.curve for found in search.ranking()}


@pytest.mark.parametrize(("trials", "epochs", "expected"), [
    (8, 13, [(8, 1), (4, 2), (2, 4), (1, 8)]), (5, 4, [(5, 1), (3, 2), (2, 4)]), (8, 1, [(8, 1)]),
    (2, 100, [(2, 1), (1, 2)]), (9, 6, [(9, 1), (5, 2), (3, 4), (2, 6)])])
def test_half_of_the_trials_go_on_for_twice_as_many_epochs(trials, epochs, expected):
    assert rounds(trials, epochs) == [Round(*one) for one in expected]


def test_the_better_half_goes_on_and_a_trial_is_what_train_makes_of_its_settings(search, tmp_path):
    one = search()
    assert one.run(10)
    found = curves(one)
    first = {number: curve[0] for number, curve in found.items()}
    second = sorted(first, key=first.get)[:3]
    third = sorted(second, key=lambda number: min(found[number][:2]))[:2]
    assert {number: len(curve) for number, curve in found.items()} == {
        number: 4 if number in third else 2 if number in second else 1 for number in first}
    best = one.ranking()[0]
    assert best.loss == min(itertools.chain(*found.values()))
    train(one.corpus, tmp_path / "alone", settings=best.trial.settings, quiet=True)
    alone, there = (losses(path) for path in (tmp_path / "alone", one.folder(best.trial).path))
    assert alone == there


def losses(run):
    """The rows of its metrics.csv without the seconds."""
    return [list(row.values())[:-1] for row in read(run / "metrics.csv")]


def test_a_search_that_runs_out_of_time_again_and_again_ends_as_one_that_did_not(search, monkeypatch):
    whole, parts = search("whole"), search("parts")
    assert whole.run(10)
    monkeypatch.setattr(tuning, "SAVE_EVERY", 3)
    steps, step = [], Search._step

    def limited(self, state):
        steps.append(state.step)
        if len(steps) % 25 == 0:
            raise TimeIsUp
        step(self, state)
    monkeypatch.setattr(Search, "_step", limited)
    ends = [parts.run(10)]
    while not ends[-1]:
        ends.append(parts.run(10, resume=True))
    assert len(ends) > 3
    assert curves(parts) == curves(whole)
    count = len(steps)
    assert parts.run(10, resume=True)           # nothing is left to do
    assert len(steps) == count


def test_the_minutes_are_those_of_all_runs_together(search, monkeypatch):
    one = search()
    monkeypatch.setattr(tuning, "_seconds", lambda folder: 13.0)
    before = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "_halve", lambda self: None)
        one.run(2)
    assert one.end == pytest.approx(before + 120 - 5 * 13, abs=5)
    assert not one.run(1, resume=True)          # they were used before
    assert [found.curve for found in one.ranking()] == [[]] * 5


def test_a_run_has_used_the_seconds_of_its_last_row(tmp_path):
    folder = RunDirectory(tmp_path)
    assert tuning._seconds(folder) == 0
    rows = [",".join(COLUMNS), "train,1,1,8,2,2,7.39,7.39,0.1,1.50", "valid,1,1,8,2,2,7.39,7.39,0.1,3.25"]
    folder.metrics.write_text(rows[0] + "\n")
    assert tuning._seconds(folder) == 0
    folder.metrics.write_text("\n".join([*rows, ""]))
    assert tuning._seconds(folder) == 3.25


def test_a_trial_that_diverges_is_the_last_and_the_others_go_on(search, monkeypatch):
    one = search("search", "learning_rate=1e20")        # the first trial's alone
    one.rounds = one.rounds[:2]
    assert one.run(10)
    assert one.ranking()[-1].trial.number == 1
    assert one.ranking()[-1].loss > 1e20
    assert one.ranking()[0].loss < 10


def test_a_trial_that_does_not_fit_the_corpus_is_left_out_and_said(search, capsys):
    one = search()
    one.trials = draw_trials(tiny("epochs=1", "streams=contiguous", "state=carry"), {"batch_size": ["4", "4000"]}, 3)
    one.progress, one.rounds = Progress(), rounds(3, 1)
    large = next(trial for trial in one.trials if trial.settings.train.batch_size == 4000)
    for resume in False, True:
        assert one.run(10, resume)
        said = capsys.readouterr().err
        assert f"trial {large.number}/3 (batch_size=4000)  left out: batch_size = 4000, but there are" in said
    assert one.ranking()[-1].trial == large
    assert [len(found.curve) for found in one.ranking()] == [1, 1, 0]
    other = search("other")
    other.trials = [large._replace(number=1)]
    with pytest.raises(UserError, match=r"^batch_size = 4000, but there are"):      # the settings without a change
        other.run(10)


def test_a_validation_text_of_the_settings_must_not_be_trained_on_either(search, tmp_path):
    with pytest.raises(UserError, match=r"text\.txt is in the corpus too"):
        search("search", f"valid={tmp_path / 'text.txt'}").run(10)


def test_ctrl_c_is_passed_on_and_what_was_stopped_before_its_first_save_begins_again(search, monkeypatch):
    one = search()
    with pytest.MonkeyPatch.context() as patch:
        def interrupted(*args, **options):
            raise Interrupted("stopped")
        patch.setattr(tuning, "train", interrupted)
        with pytest.raises(Interrupted):
            one.run(10)
    folder = one.folder(one.trials[0])
    folder.path.mkdir()
    folder.config.write_text("half of a")
    one.rounds = one.rounds[:1]
    assert one.run(10, resume=True)


def test_a_directory_in_use_and_another_search_are_refused(search, tmp_path):
    with pytest.raises(UserError, match=r"has no tune\.json to resume from"):
        search().run(1, resume=True)
    assert not (tmp_path / "search").exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "_halve", lambda self: None)
        search().run(1)
        search("search", "steps=7").run(1)      # nothing was trained yet
        search().run(1)
        search().folder(search().trials[0]).path.mkdir()
        with pytest.raises(UserError, match="already holds a search: give another directory, or continue it"):
            search().run(1)
        with pytest.raises(UserError, match="began with other settings"):
            search("search", "steps=7").run(1, resume=True)
        with pytest.raises(UserError, match="began with other corpus"):
            search(corpus=str(write(tmp_path / "other.txt", CORPUS[:50]))).run(1, resume=True)
        (tmp_path / "search/tune.json").write_text("[1, 2")
        with pytest.raises(UserError, match=r"has no tune\.json to resume from"):
            search().run(1, resume=True)


@pytest.mark.parametrize("name", ["tune.json", "tune.svg"])
def test_a_file_of_somebody_else_is_kept(search, name, tmp_path):
    one = search()
    (tmp_path / "search").mkdir()
    theirs = write(tmp_path / "search" / name, [["mine"]])
    with pytest.raises(UserError, match=r"has another tune\.json or tune\.svg, which would be lost"):
        one.run(1)
    assert theirs.read_text() == "mine\n"


@pytest.mark.parametrize("minutes", [0, -1, 1e7, math.inf, math.nan])
def test_a_search_needs_time(search, minutes, tmp_path):
    with pytest.raises(UserError, match=r"\(--minutes\): expected a number above 0, at most 1,000,000"):
        search().run(minutes)
    assert not (tmp_path / "search").exists()


def test_a_search_works_in_one_process(search, monkeypatch):
    for name in "RANK", "LOCAL_RANK":
        monkeypatch.setenv(f"OMPI_COMM_WORLD_{name}", "0")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "3")
    with pytest.raises(UserError, match=r"^a launcher has started 3 processes, and a search for settings works in "):
        search().run(1.0)


def test_a_mistake_in_what_all_trials_share_is_not_taken_for_a_bad_trial(search):
    with pytest.raises(UserError, match="batch_size = 500, but there are"):
        search("search", "batch_size=500").run(10)


def test_a_trial_differs_from_a_training_in_nothing_that_a_step_depends_on(search, monkeypatch):
    asked = []
    monkeypatch.setattr(tuning, "train", lambda corpus, out, settings, **options: asked.append(settings))
    one = search("search", "patience=3", "eval_every=5")
    own = one.trials[1].settings
    one._train(one.trials[1], 2)
    settings, = asked
    assert (settings.data, settings.model) == (own.data, own.model)
    before, now = vars(own.train), vars(settings.train)
    assert {key for key in before if now[key] != before[key]} == {"epochs", "save_every", "eval_every", "patience"}
    assert {"epochs", "save_every", "eval_every", "patience"} <= MAY_CHANGE
