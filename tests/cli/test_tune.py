"""`elmo-np tune`: a table, a picture, and the command that trains the best settings."""

import json
import shlex

import pytest

from elmo_np.cli.main import main
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override, preset, read_toml
from elmo_np.training import tuning
from tests.commands import SMALL

OPTIONS = [*SMALL[:-4], "--preset", "demo", "--set", "epochs=2", "--set", "shuffle=0", "--trials", "3"]
SEARCHED = ["--over", "dropout=0,0.5", "--over", "momentum=0,0.9"]


def test_it_prints_a_table_of_the_trials_and_the_command_that_trains_the_best(do, tmp_path):
    out, err = do("tune", "train.txt", "--valid", "unseen.txt", "--out", tmp_path / "search", *OPTIONS, *SEARCHED)
    head, *rows = out.splitlines()[:4]
    assert head.split() == ["rank", "trial", "epochs", "forward", "backward", "settings"]
    assert sorted(row.split()[1] for row in rows) == ["1", "2", "3"]
    assert sorted((row.split()[2] for row in rows), reverse=True) == ["2", "2", "1"]
    assert [float(row.split()[3]) for row in rows[:2]] == sorted(float(row.split()[3]) for row in rows[:2])
    assert "round 2/2  trial" in err
    assert err.startswith("note: the setting momentum changes nothing without optimizer = sgd\n")
    assert "2 epochs: validation perplexity forward" in err
    assert (tmp_path / "search/tune.svg").read_text().startswith("<?xml")
    command = out.splitlines()[-1]
    assert command.startswith("elmo-np train train.txt --valid unseen.txt --preset demo --set ")
    words = shlex.split(command)[1:]
    assert len(words) == len([*dict.fromkeys(words)]) + words.count("--set") - 1      # a setting is there once
    words[words.index("--out") + 1] = str(tmp_path / "run")
    do(*words, "--quiet")
    best = tmp_path / f"search/trial-00{rows[0].split()[1]}"
    if rows[0].split()[2] == "2":           # it was trained to the end
        assert (best / "model.safetensors").read_bytes() == (tmp_path / "run/model.safetensors").read_bytes()
    models = [read_toml(run / "config.toml", Settings()).model for run in (best, tmp_path / "run")]
    assert models[0] == models[1]


def test_a_search_whose_time_is_over_says_how_to_go_on_and_does_so(do, tmp_path, monkeypatch):
    command = ("tune", "train.txt", "--out", tmp_path / "search", *OPTIONS, *SEARCHED, "--json", "--quiet")
    with pytest.MonkeyPatch.context() as patch:
        train, trained = tuning.train, []

        def limited(*args, **options):
            trained.append(args)
            if len(trained) == 3:
                raise tuning.TimeIsUp
            return train(*args, **options)
        patch.setattr(tuning, "train", limited)
        found = json.loads(do(*command).out)
        assert not found["finished"]
        assert [trial["epochs"] for trial in found["trials"]] == [1, 1, 0]
        assert found["trials"][2]["forward"] is None
        trained.clear()
        out = do(*command[:-2], "--resume").out     # the third trial, and the first of the next round
        assert "minutes were over before the end of round 2, the last; to go on: the same command with --resume" in out
    found = json.loads(do(*command, "--resume").out)
    assert found["finished"]
    assert sorted(trial["epochs"] for trial in found["trials"]) == [1, 2, 2]
    assert found["command"].endswith("--out run")
    assert found["trials"][0]["run"] == str(tmp_path / f"search/trial-00{found['trials'][0]['trial']}")


def test_without_a_preset_the_number_of_tokens_decides_and_the_command_names_it(do, tmp_path):
    found = do("tune", "train.txt", "--out", tmp_path / "search", *SMALL, "--trials", "2", "--over", "dropout=0.1",
               "--seed", 3)
    assert "settings for a text of" in found.err
    command = found.out.splitlines()[-1]
    assert "--preset small --set" in command
    assert "--set seed=3" in command
    assert read_toml(tmp_path / "search/trial-002/config.toml", Settings()).train.seed == 3


@pytest.mark.parametrize(("options", "message"), [
    (["--minutes", "0"], "minutes=0 (--minutes): expected a number above 0"),
    (["--minutes", "1e-9"], "no trial was validated in 1e-09 minutes: expected time for an epoch of each"),
    (["--trials", "1"], "trials=1 (--trials): expected 2 to 1,000"),
    (["--over", "lr=1,2"], "the nearest is 'train.learning_rate'"), (["--preset", "bset"], "the nearest is 'best'"),
    (["--out", ""], "the argument after --out is empty: expected a value"),
    (["--valid", "none.txt"], "there is no corpus none.txt"),
    (["--valid", "./train.txt"], "train.txt is in the corpus too: expected another text"),
    (["--resume"], "has no tune.json to resume from")])
def test_a_mistake_is_one_line(do, tmp_path, options, message):
    err = do("tune", "train.txt", "--out", tmp_path / "search", "--quiet", *OPTIONS, *options, code=2).err
    assert message in err
    assert err.count("\n") == 1


def test_a_search_in_which_all_trials_diverge_recommends_none(do, tmp_path):
    out, err = do("tune", "train.txt", "--out", tmp_path / "search", *OPTIONS, "--set", "learning_rate=1e6", "--set",
                  "clip_norm=none", "--over", "dropout=0,0.5", "--quiet", code=2)
    assert out == ""
    assert "diverged, so none is the best: start another search with a lower learning_rate (now 1e+06)" in err


def test_the_command_has_each_setting_once_by_whatever_name_it_was_given(do, tmp_path):
    rank, *_, command = do("tune", "train.txt", "--out", tmp_path / "search", *OPTIONS, "--set", "model.dropout=0.8",
                           "--over", "dropout=0,0.1", "--quiet").out.splitlines()[1:]
    words = shlex.split(command)
    given = [words[k + 1] for k, word in enumerate(words) if word == "--set"]
    best = read_toml(tmp_path / f"search/trial-00{rank.split()[1]}/config.toml", Settings())
    assert best.model.dropout < 0.8
    assert override(preset("demo"), given).model == best.model


def test_a_search_whose_losses_are_finite_but_useless_recommends_none(do, tmp_path):
    err = do("tune", "train.txt", "--out", tmp_path / "search", *OPTIONS, "--set", "epochs=1", "--set",
             "optimizer=sgd", "--set", "learning_rate=50", "--set", "clip_norm=1000", "--over", "dropout=0,0.5",
             "--quiet", code=2).err
    assert "diverged, so none is the best" in err


def test_help_names_what_is_searched(capsys):
    with pytest.raises(SystemExit):
        main(["tune", "--help"])
    assert "learning_rate, hidden_dim, dropout" in " ".join(capsys.readouterr().out.split())


def test_trials_of_one_direction_are_compared_by_that_one(do, tmp_path):
    command = ("tune", "train.txt", "--out", tmp_path / "search", *OPTIONS, "--over", "dropout=0,0.5", "--set",
               "direction=backward", "--quiet")
    assert do(*command).out.split("\n")[0].split() == ["rank", "trial", "epochs", "backward", "settings"]
    first, *_ = json.loads(do(*command, "--resume", "--json").out)["trials"]
    assert first["forward"] is None
    assert first["backward"] > 1
