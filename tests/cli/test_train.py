"""`elmo-np train`: which settings win, and what the exit code and the last line say."""

import json
import os
import sys
from pathlib import Path

import pytest

from elmo_np.cli.main import main
from elmo_np.config import by_size
from elmo_np.config.by_size import Choice
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import read_toml, replaced
from elmo_np.inference.elmo import ELMo, save_model
from elmo_np.training.trainer import Trainer
from elmo_np.viz import page
from tests.commands import SMALL, TEXT, write
from tests.posix import needs_links


@pytest.fixture
def train(tmp_path, capsys):
    """Train on a small text with these options: the exit code, and what is on stdout and stderr."""
    corpus = write(tmp_path / "text.txt", TEXT)

    def train(*options):
        code = main(["train", str(corpus), "--out", str(tmp_path / "run"), "--quiet", *SMALL, *options])
        return code, *capsys.readouterr()
    return train


def test_a_training_says_where_the_model_and_the_report_are(train, tmp_path):
    code, out, err = train()
    assert (code, err) == (0, "")
    model, report = out.splitlines()
    assert model.startswith(f"{tmp_path / 'run/model.safetensors'}: the best model on validation; try: ")
    assert report.startswith(f"{tmp_path / 'run/report.html'}: ")


def test_settings_that_change_nothing_are_said(tmp_path, capsys):
    corpus = str(write(tmp_path / "text.txt", TEXT))
    words = ["train", corpus, "--valid", str(write(tmp_path / "valid.txt", TEXT[:5])), "--out", str(tmp_path / "run"),
             "--preset", "demo", *SMALL]
    odd = ["model.samples=9", "momentum=0.9", "corpus=x", "held_out=5", "seed=5"]
    assert main([*words, "--seed", "6", *(word for one in odd for word in ("--set", one))]) == 0
    assert [line for line in capsys.readouterr().err.splitlines() if "changes nothing" in line] == [
        "note: the setting samples changes nothing without softmax = sampled",
        "note: the setting momentum changes nothing without optimizer = sgd",
        "note: the setting corpus changes nothing: CORPUS is read",
        "note: the setting held_out changes nothing without sentences held out, as a validation text is given",
        "note: the setting seed changes nothing: --seed 6 is given"]
    assert main(["train", corpus, "--fine-tune", str(tmp_path / "run"), "--out", str(tmp_path / "tuned"), "--set",
                 "min_count=3", "--set", "batch_size=8"]) == 0
    assert [line for line in capsys.readouterr().err.splitlines() if "changes nothing" in line] == [
        "note: the setting min_count changes nothing: the words of the model that is fine-tuned are kept"]


def test_a_directory_may_have_the_name_of_standard_output(train, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, out, err = train("--out", "-", "--json")
    assert (json.loads(out)["model"], err) == ("-/model.safetensors", "")
    assert (tmp_path / "-/model.safetensors").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("setting", ["corpus", "valid"])
def test_a_name_that_is_not_utf8_is_refused_before_anything_is_made(tmp_path, capsys, setting):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/c\xff")
    write(tmp_path / "text.txt", TEXT)
    write(Path(name), TEXT)
    files = [name] if setting == "corpus" else [str(tmp_path / "text.txt"), "--valid", name]
    assert main(["train", *files, "--out", str(tmp_path / "run"), *SMALL]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{setting} = '" in err
    assert "expected a name in UTF-8, because config.toml records it: rename the file or directory" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_run_may_be_in_a_directory_whose_name_is_not_utf8(train, tmp_path):
    run = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xff"))
    assert train("--out", str(run))[::2] == (0, "")
    assert page.is_page(run / "report.html")


def test_the_report_of_a_finished_run_that_is_resumed_shows_no_text_that_its_settings_name(train, tmp_path):
    assert train()[0] == 0
    private = write(tmp_path / "private.txt", [("my", "password", "is", "secret")] * 30)
    config = tmp_path / "run/config.toml"
    config.write_text(config.read_text().replace((tmp_path / "text.txt").as_posix(), private.as_posix()))
    assert str(private) in config.read_text()
    assert train("--resume", "--set", f"corpus={private}")[0] == 0
    assert b"password" not in (tmp_path / "run/report.html").read_bytes()


def test_options_win_over_set_and_set_over_a_file(train, tmp_path):
    (tmp_path / "my.toml").write_text("[train]\nseed = 4\nmomentum = 0.5\nsteps = 7\n")
    options = ["--config", str(tmp_path / "my.toml"), "--set", "seed=5", "--set", "momentum=0.6", "--seed", "6"]
    assert train(*options)[0] == 0
    found = read_toml(tmp_path / "run/config.toml", Settings()).train
    assert (found.seed, found.momentum, found.steps) == (6, 0.6, 10)


def test_a_training_without_a_usable_model_is_one_line_and_exit_code_2(train, tmp_path, monkeypatch):
    def step(self, batch, whole=Trainer._step):
        whole(self, batch)
        self.model.forward_lm.softmax.b.value[0] = 1e30
    monkeypatch.setattr(Trainer, "_step", step)
    code, out, err = train("--preset", "demo")
    assert (code, out) == (2, "")
    line, = err.splitlines()
    assert line.startswith("elmo-np: error: training stopped at epoch 2, step 0: loss forward 1e+30, ")
    assert line.endswith("; start another run with a lower learning_rate (now 0.01), or lower clip_norm (now 5)")
    assert not (tmp_path / "run/model.safetensors").exists()


def test_what_other_commands_print_of_a_model_that_diverged_is_json_and_short(train, tmp_path, capsys):
    assert train("--preset", "demo")[0] == 0
    elmo = ELMo.load(tmp_path / "run")
    elmo.model.forward_lm.softmax.b.value[0] = 1e30
    save_model(tmp_path / "run/model.safetensors", elmo, read_toml(tmp_path / "run/config.toml", Settings()))

    def refused(name):
        raise AssertionError(f"{name} is not JSON")
    text = ["evaluate", str(tmp_path / "run"), str(tmp_path / "text.txt")]
    assert main([*text, "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=refused)
    assert (found["forward"], found["arithmetic_mean"]) == (None, None)
    assert found["forward_nats"] > 1e30
    assert main(text) == 0
    printed = capsys.readouterr().out
    assert "forward          perplexity   infinite" in printed
    assert max(map(len, printed.splitlines())) < 120


@pytest.mark.parametrize(("options", "message"), [
    (["--set", "lr=0.1"], "unknown setting 'lr': the nearest is 'train.learning_rate'"),
    (["--preset", "Demo"], "the nearest is 'demo'")])
def test_a_mistyped_name_leads_to_the_right_one(train, tmp_path, options, message):
    code, out, err = train(*options)
    assert (code, out) == (2, "")
    assert message in err
    assert not (tmp_path / "run").exists()


def test_train_prints_where_the_model_is_as_json(do, tmp_path):
    run = tmp_path / "run"
    assert json.loads(do("train", "train.txt", "--out", run, "--quiet", *SMALL, "--json").out) == {
        "out": str(run), "model": f"{run}/model.safetensors", "report": f"{run}/report.html"}


@pytest.mark.parametrize("name", ["report.html", "metrics.csv", "config.toml", "vocabulary.txt"])
def test_a_file_of_somebody_else_is_refused_before_training(train, tmp_path, name):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("mine")
    code, out, err = train()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "already exists and is not a page of elmo_np" in err or "already holds a run: give another" in err
    assert {path.name: path.read_text() for path in (tmp_path / "run").iterdir()} == {name: "mine"}


@needs_links
def test_a_link_to_nowhere_counts_as_a_file(train, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/metrics.csv").symlink_to(tmp_path / "elsewhere")
    assert train()[0] == 2
    assert not (tmp_path / "elsewhere").exists()


def test_a_gru_is_trained_by_its_name_and_every_command_works_with_it(do, tmp_path):
    run = tmp_path / "gru"
    do("train", "train.txt", "--out", run, "--quiet", *SMALL, "--set", "cell=gru")
    assert read_toml(run / "config.toml", Settings()).model.cell == "gru"
    elmo = ELMo.load(run)
    assert [type(layer).__name__ for layer in elmo.model.backward_lm.layers] == ["GRU", "GRU"]
    assert 1 < json.loads(do("evaluate", run, "unseen.txt", "--json").out)["forward"] < len(elmo.vocabulary)
    do("evaluate", run, "unseen.txt", "--cache", "50")
    for state in "reset", "warm", "carry":
        do("embed", run, "unseen.txt", "--out", tmp_path / f"{state}.npz", "--state", state)
    assert len(do("score", run, "unseen.txt").out.splitlines()) >= 30
    assert do("sample", run, "--count", "2").out
    for command in "similar", "substitutes":
        assert do(command, run, "bank", "--in", "the bank of the river was steep .").out
    do("vectors", run, "--out", tmp_path / "vectors.txt")
    do("report", run, "--out", tmp_path / "report.html")
    do("train", "train.txt", "--out", run, "--quiet", *SMALL, "--set", "cell=gru", "--resume", "--epochs", "2")
    do("train", "train.txt", "--out", tmp_path / "tuned", "--quiet", "--fine-tune", run)
    assert ELMo.load(tmp_path / "tuned").model.config.cell == "gru"


def test_a_gru_is_not_exported_as_published_weights_and_not_projected(do, tmp_path):
    run = tmp_path / "gru"
    do("train", "train.txt", "--out", run, "--quiet", *SMALL, "--set", "cell=gru")
    _, err = do("export", run, "--out", tmp_path / "out", code=2)
    assert err.startswith("elmo-np: error: cell = gru: the format of published weights cannot represent that; expected "
                          "lstm, the only cell that it has arrays for: ")
    assert not (tmp_path / "out").exists()
    _, err = do("train", "train.txt", "--out", tmp_path / "no", "--preset", "elmo-tiny", "--set", "cell=gru", code=2)
    assert err.startswith("elmo-np: error: cell = gru with projection_dim = 128, cell_clip = 3.0, proj_clip = 3.0: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "no").exists()


def test_without_a_preset_the_number_of_tokens_decides_and_one_line_says_why(do, tmp_path, monkeypatch):
    tokens = sum(map(len, TEXT))
    rows = (Choice(tokens, "small", (), "too short"), Choice(tokens + 1, "demo", ("dropout=0.25",), "as long as this"),
            Choice(float("inf"), "fast", (), "too long"))
    monkeypatch.setattr(by_size, "CHOICES", rows)
    err = do("train", "train.txt", "--out", tmp_path / "run", *SMALL).err
    note = f"settings for a text of {tokens:,} tokens: --preset demo --set dropout=0.25: as long as this"
    assert err.count(note) == 1
    do("train", "train.txt", "--out", tmp_path / "same", "--quiet", "--preset", "demo", "--set", "dropout=0.25", *SMALL)
    assert (tmp_path / "run/config.toml").read_text() == (tmp_path / "same/config.toml").read_text()
    assert (tmp_path / "run/model.safetensors").read_bytes() == (tmp_path / "same/model.safetensors").read_bytes()


def test_the_tokens_are_those_of_a_raw_text_if_config_says_that_it_is_one(do, tmp_path):
    raw = write(tmp_path / "raw.txt", [["It's", "raw,", "isn't", "it?"]] * 60)
    config = tmp_path / "config.toml"
    config.write_text("[data]\ntokenize = true\n")
    err = do("train", raw, "--out", tmp_path / "run", "--config", config, *SMALL).err
    assert "settings for a text of 480 tokens" in err


@pytest.mark.parametrize("more", [[], ["--preset", "auto"]])
def test_a_run_that_is_resumed_keeps_what_was_chosen(do, tmp_path, monkeypatch, more):
    run = tmp_path / "run"
    do("train", "train.txt", "--out", run, "--quiet", *SMALL, *more)
    before = read_toml(run / "config.toml", Settings())
    monkeypatch.setattr(by_size, "CHOICES", (Choice(float("inf"), "article", (), "another table"),) * 2)
    err = do("train", "train.txt", "--out", run, "--resume", "--epochs", "2", *more).err
    assert "settings for a text" not in err
    assert read_toml(run / "config.toml", Settings()) == replaced(before, epochs=2)
    err = do("train", "train.txt", "--out", tmp_path / "tuned", "--fine-tune", run, *more).err
    assert "settings for a text" not in err
    assert ELMo.load(tmp_path / "tuned").model.config == before.model


def test_a_setting_that_does_not_fit_what_was_chosen_is_refused_with_what_that_was(do, tmp_path):
    err = do("train", "train.txt", "--out", tmp_path / "run", "--set", "char_filters=[[1, 4]]", "--set",
             "char_projection=false", code=2).err
    assert err.count("\n") == 1
    assert "char_projection = false with embedding_dim = 200: expected 4" in err
    assert "(without --preset NAME, the settings are --preset small --set dropout=" in err
    assert not (tmp_path / "run").exists()


def test_raw_text_is_counted_as_it_is_split_and_what_is_chosen_may_be_changed(do, tmp_path):
    (tmp_path / "raw.txt").write_text("It didn't move.\n" * 30)
    command = ("train", tmp_path / "raw.txt", *SMALL, "--set", "min_count=1")
    assert "a text of 90 tokens" in do(*command, "--out", tmp_path / "words").err
    assert "a text of 150 tokens" in do(*command, "--out", tmp_path / "split", "--set", "tokenize=true").err
    assert read_toml(tmp_path / "split/config.toml", Settings()).data.min_count == 1
