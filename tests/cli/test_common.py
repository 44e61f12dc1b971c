"""What commands share: how a text is split, which settings a model has, and which corpus is read."""

import argparse
import json
import re
import shutil

import pytest

from elmo_np import ELMo, Settings
from elmo_np.cli.common import TABLES, check_new_file, corpus_of, settings_of, splits
from elmo_np.cli.main import main
from elmo_np.config.toml_files import read_toml, replaced, write_toml
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.errors import UserError
from tests.commands import SMALL, TEXT, UNSEEN, everything, write


@pytest.fixture
def model(home, monkeypatch):
    monkeypatch.chdir(home)
    return ELMo.load("run")


def asked(directory="run", corpus=None, tokenize=None):
    return argparse.Namespace(dir=str(directory), corpus=corpus, tokenize=tokenize)


@pytest.mark.parametrize("of_the_model", [True, False])
def test_a_text_is_split_as_asked_or_as_the_models_corpus_was(model, of_the_model):
    model.tokenize = of_the_model
    assert splits(asked(), model) is of_the_model
    assert splits(asked(tokenize=True), model) is True
    assert splits(asked(tokenize=False), model) is False


def test_settings_are_those_of_the_run_also_for_a_file_in_it_and_the_defaults_without_one(model, tmp_path):
    expected = read_toml("run/config.toml", Settings())
    assert settings_of("run") == settings_of("run/model.safetensors") == expected
    assert settings_of(str(tmp_path / "model.safetensors")) == Settings()


def test_the_corpus_is_that_of_the_training_or_the_one_asked_for(model):
    assert [tuple(sentence) for sentence in corpus_of(asked(), model)] == TEXT
    assert [tuple(sentence) for sentence in corpus_of(asked(corpus="unseen.txt"), model)] == UNSEEN
    assert corpus_of(asked(corpus="unseen.txt"), model).name == "unseen.txt"


def test_a_built_in_corpus_has_the_seed_of_the_training(model, tmp_path):
    settings = replaced(Settings(), corpus="grammar", seed=5)
    (tmp_path / "config.toml").write_text(write_toml(settings), encoding="utf-8")
    for corpus in None, "grammar":
        found = corpus_of(asked(tmp_path, corpus), model)
        assert next(iter(found)) == next(iter(GrammarCorpus(seed=5)))


def test_without_a_training_corpus_one_has_to_be_given(model, tmp_path):
    with pytest.raises(UserError, match=r"does not record its training corpus: .*, name it with --corpus FILE$"):
        corpus_of(asked(tmp_path), model)


def test_a_text_is_split_as_the_corpus_was_unless_told_otherwise(do, tmp_path):
    raw = write(tmp_path / "raw.txt", [("The", "bank's", "fees", "rose", "(again)."), ("They", "didn't", "fall.")] * 10)
    do("train", raw, "--out", tmp_path / "run", "--quiet", *SMALL, "--set", "tokenize=true", "--set", "min_count=1")
    known = json.loads(do("evaluate", tmp_path / "run", raw, "--json")[0])
    assert known["unknown"] == 0
    split = json.loads(do("evaluate", tmp_path / "run", raw, "--json", "--no-tokenize")[0])
    assert split["unknown"] > 0


@pytest.mark.parametrize("words", [
    ["similar", "RUN", "bank", "--in", "the bank", "--json"],
    ["explore", "RUN", "--words", "bank", "--out", "OUT.html"],
    ["vectors", "RUN", "--layer", "top", "--out", "OUT"], ["vectors", "RUN", "--occurrences", "bank", "--out", "OUT"],
    ["report", "RUN", "--out", "OUT.html"]])
@pytest.mark.parametrize("corpus", ["private.txt", "*.txt"])
def test_the_settings_of_a_stranger_show_no_other_file(home, tmp_path, monkeypatch, capsys, words, corpus):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(home / "run", "sent")
    write(tmp_path / "private.txt", [["the", "bank", "has", "my", "password"]] * 30)
    settings = replaced(read_toml("sent/config.toml", Settings()), corpus=corpus)
    (tmp_path / "sent/config.toml").write_text(write_toml(settings), encoding="utf-8")
    code = main([word.replace("RUN", "sent").replace("OUT", "out") for word in words])
    out, err = capsys.readouterr()
    assert code == (0 if words[0] == "report" else 2)
    assert "password" not in out + err
    assert not any(b"password" in content for name, content in everything(tmp_path).items()
                   if name.name != "private.txt")
    if code:
        assert err.splitlines()[-1].endswith("; to read another text, name it with --corpus FILE")


@pytest.mark.parametrize("command", ["probe", "surprisal", "evaluate"])
def test_the_model_comes_first(do, command):
    _, err = do(command, "unseen.txt", "run", code=2)
    assert f"unseen.txt is not a model, but run is: expected the model first: elmo-np {command} run unseen.txt" in err


@pytest.mark.parametrize(("words", "message"), [
    ("explore run --out {} --tokenize", "--tokenize is about the text of --corpus, which is not given: add --corpus"),
    ("vectors run --out {} --no-tokenize", "--no-tokenize is about the text of --corpus, which is not given"),
    ("vectors run --out {} --layer top --tokenize", "--tokenize is about the text of --corpus"),
    ("similar run bank --in bank --tokenize", "--tokenize is about the text of --corpus"),
    ("evaluate run grammar --tokenize", "--tokenize does not go with grammar, whose words are split already: leave it"),
    ("embed run pydoc --out {}.npz --no-tokenize", "--no-tokenize does not go with pydoc"),
    ("score run grammar --tokenize", "--tokenize does not go with grammar"),
    ("change run grammar pydoc bank --tokenize", "--tokenize does not go with grammar"),
    ("explore run --out {} --corpus grammar --tokenize", "--tokenize does not go with grammar"),
    ("gradcheck --list --report {}", "--list runs no check: leave out --backend and --report, or --list"),
    ("gradcheck --list --backend numpy", "--list runs no check")])
def test_an_option_that_another_makes_meaningless_is_refused(do, words, message, tmp_path):
    out, err = do(*words.format(tmp_path / "x").split(), code=2)
    assert (out, err.count("\n"), message in err) == ("", 1, True), err
    assert not [*tmp_path.iterdir()]


def test_tokenize_is_for_those_texts_that_are_not_built_in(do, tmp_path):
    (tmp_path / "raw.txt").write_text("We walked along the bank.\n")
    _, err = do("change", "run", "grammar", tmp_path / "raw.txt", "zebra", "--tokenize", code=2)
    assert "no word can be compared" in err


def test_a_new_file_is_one_that_does_not_exist_in_a_directory_that_does(tmp_path):
    (tmp_path / "there").write_text("mine")
    check_new_file("--out", "-", TABLES)
    check_new_file("--out", str(tmp_path / "new"), TABLES)
    check_new_file("--out", str(tmp_path / "new.CSV"), TABLES)
    for path, message in ((str(tmp_path / "there"), "there exists already: give another --out"),
                          (str(tmp_path / "no/x"), "cannot write .*x: it is in a directory that does not exist")):
        with pytest.raises(UserError, match=message):
            check_new_file("--out", path, TABLES)


@pytest.mark.parametrize(("words", "before"), [
    (["similar", "run", "bank", "--in", "the bank .", "--corpus", ""], "--corpus"), (["evaluate", "run", ""], "run"),
    (["evaluate", "run", "unseen.txt", ""], "unseen.txt"), (["surprisal", "run", "unseen.txt", "--text="], "--text"),
    (["vectors", "run", "--corpus", "", "--out", "new"], "--corpus"), (["train", "", "--out", "new"], "train")])
def test_an_empty_argument_is_refused(do, words, before):
    out, err = do(*words, code=2)
    assert out == ""
    assert err == (f"elmo-np: error: the argument after {before} is empty: expected a value, or neither; a shell "
                   "variable that is not set gives an empty argument\n")
    assert do("sample", "run", "--promp", "").out


@pytest.mark.parametrize("words", [
    "surprisal run unseen.txt --out {}.xlsx", "surprisal run unseen.txt --out {}.csv --json",
    "change run unseen.txt unseen.txt bank --out {}.json", "change run unseen.txt unseen.txt bank --page {}.pdf",
    "evaluate run unseen.txt --per-sentence {}.csv", "explore run --out {}.pdf", "report run --out {}.md",
    "gradcheck embedding --backend numpy --report {}.csv", "vectors run --out {}.csv",
    "embed run unseen.txt --out {}.csv", "probe run unseen.txt --picture {}.html",
    "tutorial 03 --notebook {}.html", "exercise start 04 --out {}.ipynb",
    "exercise bug 5 --out {}.zip", "convert run --out {}.safetensors", "export run --out {}.hdf5",
    "train unseen.txt --out {}.safetensors", "tune unseen.txt --out {}.json", "demo --out {}.html",
    "task classify train --out {}.zip", "task tag compare --out {}.csv"])
def test_a_name_that_promises_another_format_is_refused_before_anything_is_computed(do, words, tmp_path):
    out, err = do(*words.format(tmp_path / "x").split(), code=2)
    assert (out, err.count("\n")) == ("", 1)
    assert re.search(r"/x\.\w+\b.* expected", err)
    assert not [*tmp_path.iterdir()]
