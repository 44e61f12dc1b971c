"""task: new text is labelled and translated, help lists everything, a mistake is reported in one line."""

import json
import re
import signal

import numpy as np
import pytest

from elmo_np.cli.main import main
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.tasks.models import fit
from tests.commands import command
from tests.full_disk import room_for
from tests.task_helpers import FAST_OPTIONS, reviews, visits


@pytest.fixture(autouse=True)
def shorter_grammar(monkeypatch):
    monkeypatch.setitem(GrammarCorpus.__init__.__kwdefaults__, "sentences", 3000)


def test_new_text_is_labelled(task_home, run, tmp_path):
    code, out, err = run("classify", "predict", "classify", "new.txt")
    assert (code, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == ["anna saw tom in paris rome .", "", "good film ."]
    assert rows[2][1] == "good"
    code, out, _ = run("tag", "predict", "tag", "new.txt", "--out", tmp_path / "out")
    assert out.endswith(": 2 sentences\n")
    _, out, _ = run("classify", "predict", "classify", "new.txt", "--out", tmp_path / "out.jsonl", "--json")
    assert json.loads(out) == {"out": str(tmp_path / "out.jsonl"), "sentences": 2}
    assert len([json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]) == 3
    lines = (tmp_path / "out").read_text().split("\n")
    assert [line.split("\t")[0] for line in lines[:7]] == ["anna", "saw", "tom", "in", "paris", "rome", "."]
    assert lines[0] == "anna\tB-per"
    assert [line.split("\t")[0] for line in lines[7:]] == ["", "", "good", "film", ".", "", ""]


@pytest.mark.parametrize("presses", ["in the first epoch", "later"])
def test_ctrl_c_in_training_keeps_the_best_so_far_and_resume_goes_on(task_home, run, tmp_path, monkeypatch, presses):
    batches = []

    def step(*args, step=fit._step):
        batches.append(args)
        if len(batches) == (1 if presses == "in the first epoch" else 30):
            signal.raise_signal(signal.SIGINT)
        return step(*args)
    monkeypatch.setattr(fit, "_step", step)
    out = tmp_path / "out"
    command = ["classify", "train", task_home / "train.tsv", "--test", task_home / "test.tsv", "--bilm",
               task_home / "bilm", "--quiet", *FAST_OPTIONS, "--set", "epochs=9", "--set", "patience=9", "--set",
               "dropout=0.2"]
    code, printed, err = run(*command, "--out", out)
    assert (code, printed) == (130, "")
    assert err.endswith("; to go on: the same command with --resume\n")
    monkeypatch.undo()
    if presses == "in the first epoch":
        assert err.startswith(f"elmo-np: stopped in the first epoch of the task; everything is in {out}")
        assert not (out / "model.safetensors").exists()
    else:
        assert err.startswith(f"elmo-np: stopped; the best epoch so far, 3, is in {out / 'model.safetensors'}; to test "
                              f"it: elmo-np task classify evaluate {out} DATA; ")
        assert "this model" in run("classify", "evaluate", out, task_home / "test.tsv")[1]
    code, _, err = run(*command, "--out", out)
    assert (code, "holds a training that was stopped: continue it with --resume" in err) == (2, True)
    assert run(*command, "--out", out, "--resume")[::2] == (0, "")
    assert run(*command, "--out", tmp_path / "whole")[0] == 0
    files = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == files
    assert files.keys() == {"model.safetensors", "bilm.txt", "report.txt", "classify.png"}


@pytest.mark.usefixtures("undrawn")
def test_a_training_that_has_ended_is_resumed_with_its_scores(task_home, run, tmp_path):
    command = ["classify", "train", task_home / "train.tsv", "--test", task_home / "test.tsv", "--bilm",
               task_home / "bilm", "--out", tmp_path / "out", *FAST_OPTIONS]
    code, first, _ = run(*command)
    assert code == 0
    files = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    code, second, err = run(*command, "--resume")
    assert (code, err) == (0, f"{tmp_path / 'out'}: this training has ended; to train another, give another --out\n")
    assert next(line for line in second.splitlines() if "this model" in line).split()[-1] == \
        next(line for line in first.splitlines() if "this model" in line).split()[-1]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == files
    code, out, err = run(*command, "--resume", "--set", "epochs=9")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "holds a training that has ended, with other settings: give the same" in err


def test_what_a_model_refuses_is_refused_before_a_bilm_is_trained(task_home, run, tmp_path):
    for words, message in (("train grammar --input 7", "input = '7': expected mix"),
                           ("compare grammar --inputs mix --set finetune=true --set rate_decay=0", "rate_decay"),
                           ("train train.conll --bilm bilm --fine-tune 2 --input 7", "input = '7': expected mix")):
        code, out, err = run("tag", *words.split(), "--out", tmp_path / "out")
        assert (code, out, message in err) == (2, "", True)
        assert not (tmp_path / "out/bilm").exists()


@pytest.mark.usefixtures("undrawn")
def test_new_words_get_their_senses(task_home, run, tmp_path):
    (tmp_path / "new").write_text("tom saw paris good .\t2\tparis\n")
    code, out, err = run("senses", "predict", "senses", tmp_path / "new")
    assert (code, err) == (0, "")
    assert out == "tom saw paris good .\t2\tparis\tx\n"
    code, out, _ = run("senses", "compare", "train.senses", "--test", "test.senses", "--bilm", "bilm", "--seeds", 1,
                       "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS)
    assert code == 0
    for name in "static vectors (layer 0)", "layer 1", "layer mix":
        assert f"  {name}, nearest" in out
        assert f"  {name}, logistic" in out


@pytest.mark.usefixtures("undrawn")
def test_new_sentences_are_translated(task_home, run, tmp_path):
    code, out, err = run("translate", "predict", "translate", "new.txt")
    assert (code, err) == (0, "")
    assert [line.split("\t")[0] for line in out.splitlines()] == ["anna saw tom in paris rome .", "", "good film ."]
    assert out.splitlines()[2].split("\t")[1] == "GOOD FILM ."
    code, out, _ = run("translate", "compare", "train.pairs", "--test", "test.pairs", "--bilm", "bilm", "--seeds", 1,
                       "--out", tmp_path / "out", "--quiet", *FAST_OPTIONS, "--set", "epochs=1", "--set",
                       "max_source=5")
    assert code == 0
    for name in "learnt embeddings, no biLM", "static vectors (layer 0)", "layer 1", "layer mix":
        assert f"  {name} " in out
    assert int(out.split(" test sentences")[0].split()[-1]) == sum(len(words) <= 5 for words in reviews(80, 1)[0])


@pytest.mark.usefixtures("undrawn")
def test_raw_text_is_split_in_training_and_in_prediction(task_home, run, tmp_path):
    (tmp_path / "raw.tsv").write_text("anna saw a good film.\tgood\ntom saw a bad film.\tbad\n" * 20)
    assert run("classify", "train", tmp_path / "raw.tsv", "--tokenize", "--bilm", "bilm", "--out", tmp_path / "out",
               "--quiet", *FAST_OPTIONS)[0] == 0
    assert run("classify", "predict", tmp_path / "out", "raw.txt")[1].startswith("What a good film .\t")
    assert run("classify", "predict", "classify", "raw.txt")[1].startswith("What a good film.\t")


def test_sentences_are_chosen_from_a_labelled_file(task_home, run):
    code, out, err = run("classify", "predict", "classify", "test.tsv")
    assert (code, out) == (2, "")
    assert "test.tsv, line 1: 2 columns, expected one sentence per line: choose the column of the sentences" in err
    code, out, err = run("classify", "predict", "classify", "test.tsv", "--columns", "sentence=1")
    assert (code, err) == (0, "")
    given = [line.split("\t") for line in (task_home / "test.tsv").read_text().splitlines()]
    found = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in found] == [row[0] for row in given]
    assert np.mean([row[1] == own[1] for row, own in zip(found, given, strict=True)]) > 0.9
    code, out, err = run("tag", "predict", "tag", "test.conll", "--columns", "word=1")
    assert [line.split("\t")[0] for line in out.splitlines() if line] == [
        line.split()[0] for line in (task_home / "test.conll").read_text().splitlines() if line]


def test_predictions_on_standard_output_are_nothing_else(task_home, run, tmp_path):
    words = ["classify", "predict", task_home / "classify", task_home / "new.txt"]
    done = command("task", *words, "--out", "-", cwd=tmp_path)
    assert (done.returncode, done.stdout) == run(*words)[:2]
    assert not any(tmp_path.iterdir())


def test_text_from_standard_input_is_labelled(task_home):
    with open(task_home / "new.txt") as file:
        done = command("task", "classify", "predict", "classify", "-", cwd=task_home, stdin=file, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[2] == "good film .\tgood"


def test_predictions_come_with_probabilities_and_as_json(task_home, run, tmp_path):
    code, out, err = run("classify", "predict", "classify", "new.txt", "--probabilities")
    assert (code, err) == (0, "")
    cells = out.splitlines()[2].split("\t")
    assert cells[:2] == ["good film .", "good"]
    p = dict(cell.rsplit("=", 1) for cell in cells[2:])
    assert list(p) == ["bad", "good"]
    assert float(p["good"]) > 0.5
    assert float(p["good"]) + float(p["bad"]) == pytest.approx(1, abs=2e-4)
    rows = [json.loads(line) for line in run("classify", "predict", "classify", "new.txt", "--probabilities",
                                             "--json")[1].splitlines()]
    assert [row["label"] for row in rows][1:] == [None, "good"]
    assert rows[2]["probabilities"]["good"] == pytest.approx(float(p["good"]), abs=1e-4)
    rows = [json.loads(line) for line in run("tag", "predict", "tag", "new.txt", "--probabilities",
                                             "--json")[1].splitlines()]
    assert [len(row["labels"]) for row in rows] == [7, 0, 3]
    assert all(sum(own.values()) == pytest.approx(1, abs=1e-4) for own in rows[0]["probabilities"])
    assert "B-per=" in run("tag", "predict", "tag", "new.txt", "--probabilities")[1].splitlines()[0]
    row = json.loads(run("translate", "predict", "translate", "new.txt", "--json")[1].splitlines()[2])
    assert row == {"source": "good film .", "target": "GOOD FILM ."}
    (tmp_path / "new").write_text("tom saw paris good .\t2\tparis\n\n")
    rows = [json.loads(line) for line in run("senses", "predict", "senses", tmp_path / "new", "--json")[1].splitlines()]
    assert rows == [{"sentence": "tom saw paris good .", "position": 2, "word": "paris", "sense": "x"},
                    {"sentence": "", "position": None, "word": None, "sense": None}]
    assert "the method nearest has no probabilities" in run("senses", "predict", "senses", tmp_path / "new",
                                                            "--probabilities")[2]


def test_a_label_that_only_the_test_has_counts_as_an_error(task_home, run, tmp_path):
    lines = (task_home / "test.tsv").read_text().splitlines()[:20]
    (tmp_path / "more.tsv").write_text("\n".join([*lines, "fine film .\tfine", ""]))
    code, out, err = run("classify", "evaluate", "classify", tmp_path / "more.tsv", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["task"], found["measure"], found["sentences"]) == ("classify", "accuracy", 21)
    assert found["scores"]["this model, input mix"] <= 20 / 21
    assert found["details"]["fine"] == {"precision": 0, "recall": 0, "f1": 0, "support": 1}
    out = run("classify", "evaluate", "classify", tmp_path / "more.tsv")[1]
    assert "note: 1 of the labels to test on are not in the training data, and count as errors: fine" in out


@pytest.mark.usefixtures("undrawn")
def test_parts_of_speech_are_tagged_and_measured_by_accuracy(task_home, run, tmp_path):
    tags = {"saw": "VERB", "met": "VERB", "in": "ADP", ".": "PUNCT", "good": "ADJ"}
    for name, seed in ("train", 0), ("test", 1):
        rows = ["".join("\t".join([str(k), word, "_", tags.get(word, "NOUN"), *"______"]) + "\n"
                        for k, word in enumerate(words, 1))
                for words in visits(60, seed)[0]]
        (tmp_path / f"{name}.conllu").write_text("# a treebank\n" + "\n".join(rows))
    code, out, err = run("tag", "train", tmp_path / "train.conllu", "--test", tmp_path / "test.conllu", "--bilm",
                         "bilm", "--out", tmp_path / "out", "--quiet", "--json", *FAST_OPTIONS)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["measure"], found["validation_sentences"]) == ("accuracy", 6)
    assert found["scores"]["this model, input mix"] > 0.9
    assert set(found["details"]) == {"VERB", "ADP", "PUNCT", "ADJ", "NOUN", "all"}
    assert run("tag", "predict", tmp_path / "out", "new.txt")[1].startswith("anna\tNOUN\nsaw\tVERB\n")


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("task", "end", "line", "note"), [
    ("classify", "tsv", "fine film .\tfine\n", ("labels", "fine")),
    ("tag", "conll", "\nacme x B-org\n", ("labels", "B-org")),
    ("senses", "senses", "rome\t0\trome\tx\n", ("words", "rome"))])
def test_a_label_of_one_fold_counts_as_an_error(task, end, line, note, task_home, run, tmp_path):
    (tmp_path / "rare").write_text((task_home / f"train.{end}").read_text() + line)
    code, out, err = run(task, "compare", tmp_path / "rare", "--bilm", "bilm", "--folds", 2, "--inputs", "static", "1",
                         "--out", tmp_path / "out", "--quiet", "--json", *FAST_OPTIONS, "--set", "epochs=1")
    assert (code, err) == (0, "")
    assert all(len(scores) == 2 and min(scores) < 1 for scores in json.loads(out)["scores"].values())
    what, name = note
    assert f"{what} to test on are not in the training data, and count as errors: {name}" in (
        tmp_path / "out/report.txt").read_text()


@pytest.mark.parametrize("words", ["classify train train.tsv --test other.tsv", "classify train one.tsv",
                                   "classify train train.tsv --valid other.tsv --test test.tsv",
                                   "senses compare train.senses --test other.senses"])
def test_a_mistake_in_the_data_is_found_before_a_bilm_is_trained(words, task_home, run, tmp_path):
    (task_home / "one.tsv").write_text("good film .\tgood\n" * 100)
    (task_home / "other.tsv").write_text("fine film .\tfine\n")
    (task_home / "other.senses").write_text("rome\t0\trome\tx\n")
    assert run(*words.split(), "--out", tmp_path / "out")[:2] == (2, "")
    assert not (tmp_path / "out/bilm").exists()


@pytest.mark.parametrize(("words", "message"), [
    ("classify predict classify train.conll", "a word and a label per line, expected one sentence per line"),
    ("classify train train.tsv --columns text=1 --out new", "--columns text=1: expected sentence=COLUMN,label=COLUMN"),
    ("tag evaluate tag test.conll --columns word=9", "test.conll has no column 9: expected a number from 1 to 3"),
    ("translate predict translate new.txt --probabilities", "unrecognized arguments: --probabilities"),
    ("tag evaluate tag test.tsv", "test.tsv: column 1 has '"),
    ("classify evaluate classify test.conll", "test.conll, line 1: 1 column, expected sentence<TAB>label"),
    ("classify evaluate tag test.tsv", "holds a model of the task tag, expected a model of the task classify"),
    ("tag evaluate bilm test.conll", "bilm holds a biLM, expected a task model: train one with elmo-np task tag train "
     "DATA --bilm bilm --out DIR"),
    ("tag evaluate bilm test.conll --bilm bilm", "bilm holds a biLM, expected a task model"),
    ("tag predict nowhere new.txt", "nowhere has no model.safetensors: expected a directory that `elmo-np task tag"),
    ("tag predict tag nowhere", "there is no file nowhere"),
    ("tag predict tag empty", "empty is empty: expected one sentence per line"),
    ("tag predict tag new.txt --out raw.txt", "raw.txt exists already"),
    ("tag predict tag new.txt --out new.csv", "new.csv ends like a file of another format than is written: expected "
     "one of .tsv, .txt"),
    ("tag predict tag new.txt --out new.tsv --json", "new.tsv ends like a file of another format than is written: "
     "expected one of .jsonl"),
    ("tag train train.conll --bilm bilm --out tag", "tag holds the files of another training"),
    ("tag train train.conll --bilm bilm --out empty", "expected a directory, or a name for one"),
    ("tag train train.conll --bilm nowhere --out new", "nowhere"),
    ("tag train train.conll --bilm bilm --out new --resume", "new has nothing to resume: expected the directory of a"),
    ("tag train train.conll --tokenize --out new", "--tokenize does not go with word and label in columns"),
    ("tag train train.conll --bilm bilm --out new --input 7", "input = '7': expected mix"),
    ("tag train train.conll --bilm bilm --out new --set colour=1", "expected key=value with one of"),
    ("tag compare train.conll --bilm bilm --out new --seeds 0", "--seeds 0: expected a whole number of at least 1"),
    ("tag compare train.conll --bilm bilm --out new --folds 1", "--folds 1: expected a whole number from 2 to"),
    ("tag compare train.conll --bilm bilm --out new --folds 2 --seeds 2", "--seeds does not go with --folds"),
    ("tag compare train.conll --test test.conll --bilm bilm --out new --folds 2", "--test does not go with --folds"),
    ("tag compare grammar --bilm bilm --out new --folds 2", "--folds 2 does not go with grammar, which has a test"),
    ("tag compare train.conll --bilm bilm --out new --inputs mixed", "--inputs mixed: expected some of word2vec"),
    ("tag compare train.conll --out new --inputs 3", "--inputs 3: expected some of word2vec, static, 1, mix"),
    ("classify train few.tsv --out new", "17 sentences, without those of the test, are too few to train a biLM on: "
     "expected at least 20, because one of 20 is held out; give one with --bilm"),
    ("classify train few.tsv --bilm bilm --fine-tune 1 --out new", "too few to train a biLM on: expected at least "
     "20, because one of 20 is held out; leave --fine-tune out"),
    ("tag train train.conll --out new --fine-tune 1", "--fine-tune needs a biLM that is already trained"),
    ("tag train train.conll --bilm bilm --out new --fine-tune -1", "--fine-tune -1: expected a number of epochs"),
    ("classify evaluate classify other.tsv", "unknown label 'fine': this model has bad, good"),
    ("classify train train.tsv --test other.tsv --bilm bilm --out new", "unknown label 'fine'"),
    ("senses compare train.senses --test other.senses --bilm bilm --out new", "unknown word 'rome'"),
    ("senses evaluate senses other.senses", "unknown word 'rome': this model tells the senses of film, paris"),
    ("senses predict senses train.senses", "line 1: 4 columns, expected sentence<TAB>position<TAB>word:"),
    ("senses train train.senses --tokenize --out new", "--tokenize does not go with sentence<TAB>position"),
    ("tag train train.conll --test train.conll --out new", "no sentence is left to train a biLM on"),
    ("classify train nltk:brown --out new", "nltk:brown: expected nltk:sentence_polarity"),
    ("classify train empty --out new", "empty is empty: expected sentence<TAB>label lines"),
    ("classify train one.tsv --bilm bilm --out new", "labels good: expected two or more"),
    ("classify train docstring --out new", "there is no file docstring"),
    ("translate evaluate translate new.txt", "new.txt, line 1: 1 column, expected source<TAB>target"),
    ("translate evaluate tag test.pairs", "holds a model of the task tag, expected a model of the task translate"),
    ("translate train empty --out new", "empty is empty: expected source<TAB>target lines"),
    ("translate train train.pairs --out new --set max_source=1", "sources has at most max_source = 1 words"),
    ("translate train train.pairs --bilm bilm --out new --input learnt+", "input = 'learnt+': expected learnt, or"),
    ("translate train train.pairs --bilm bilm --out new --input learnt+7", "input = '7': expected mix"),
    ("translate train train.pairs --out new --set attention=cosine", "attention = 'cosine': expected"),
    ("senses train train.senses --bilm bilm --out new --input learnt", "input = 'learnt': expected mix"),
    ("tag train train.conll --test test.conll --bilm bilm --out new --columns label=1", "column 1 is both the word"),
    ("tag compare train.conll --bilm bilm --out new --set input=1", "input = 1 does not go with compare, which tries "
     "more than one input: leave it out; choose with --inputs"),
    ("senses compare train.senses --bilm bilm --out new --set method=nearest", "method = nearest does not go with "
     "compare, which tries more than one method: leave it out"),
    ("classify train train.tsv --bilm bilm --fine-tune 1 --input bag --out new", "--fine-tune 1 does not go with"),
    ("tag train grammar --bilm bilm --out new --tokenize", "--tokenize does not go with grammar, whose words are"),
    ("tag train grammar --bilm bilm --out new --columns word=1", "--columns word=1 does not go with grammar, which is"),
    ("tag evaluate tag grammar --columns word=1", "--columns word=1 does not go with grammar, which is not a file"),
    ("classify compare train.tsv --test test.tsv --bilm bilm --out new --inputs static learnt --set finetune=true",
     "finetune = true does not go with input = learnt, which reads no biLM"),
    ("tag train train.conll --bilm bilm --out=", "the argument after --out is empty: expected a value"),
    ("fly train x --out new", "invalid choice: 'fly'"),
    ("tag fly", "invalid choice: 'fly'"),
])
def test_a_mistake_is_reported_in_one_line(words, message, task_home, run):
    (task_home / "one.tsv").write_text("good film .\tgood\n" * 100)
    lines = [f"{word} film .\t{'ab'[k % 2]}\n" for k, word in enumerate("abcdefghijklmnopqr")]
    (task_home / "few.tsv").write_text("".join(lines))
    (task_home / "other.tsv").write_text("fine film .\tfine\n")
    (task_home / "other.senses").write_text("rome\t0\trome\tx\n")
    code, out, err = run(*words.split())
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert message in err


def test_settings_that_change_nothing_are_said(task_home, run, tmp_path):
    words = ["--test", "test.tsv", "--bilm", "bilm", *FAST_OPTIONS, "--set", "epochs=1", "--set", "beam=2", "--set",
             "pooling=mean"]
    _, _, err = run("classify", "train", "train.tsv", "--input", "bag", "--out", tmp_path / "one", *words)
    notes = [line for line in err.splitlines() if "changes nothing" in line]
    assert [line.split()[2] for line in notes[:-1]] == ["hidden_dim", "dropout", "beam", "pooling"]
    assert notes[-1] == "note: --bilm bilm changes nothing: the task classify with input = bag does not read it"
    assert notes[2] == "note: --set beam changes nothing: the task classify with input = bag does not read it"
    _, _, err = run("classify", "compare", "train.tsv", "--inputs", "static", "--out", tmp_path / "all", *words,
                    "--valid", "train.tsv", "--set", "held_out=5")
    assert [line for line in err.splitlines() if "changes nothing" in line] == [
        "note: --set beam changes nothing: the task classify with input = static does not read it",
        "note: --set held_out changes nothing: --valid train.tsv is validated on"]
    _, _, err = run("classify", "compare", "train.tsv", "--inputs", "bag", "--out", tmp_path / "bag", *words)
    assert re.findall("--set ([a-z_]+) changes nothing", err) == ["hidden_dim", "dropout", "beam", "pooling"]
    _, _, err = run("senses", "compare", "train.senses", "--test", "test.senses", "--bilm", "bilm", "--seeds", 1,
                    "--out", tmp_path / "senses", "--set", "epochs=1", "--set", "min_count=2")
    assert re.findall("changes nothing: (.*)", err) == [
        "the task senses with input = word2vec, static, 1, mix does not read it"]
    _, _, err = run("wic", "compare", "train.data.txt", "--test", "test.data.txt", "--bilm", "bilm", "--inputs",
                    "static", "--seeds", 1, "--out", tmp_path / "wic", "--set", "epochs=1", "--set", "beam=2",
                    "--seed", 1, "--set", "seed=2")
    assert "note: --set seed changes nothing: --seed 1 is given\n" in err
    assert re.findall("--set ([a-z]+) changes nothing", err) == ["beam", "seed"]    # logistic regression has epochs


def test_help_lists_tasks_actions_data_and_settings(run, capsys):
    for words, texts in [([], ["classify", "tag", "senses", "translate"]),
                         (["tag"], ["train", "compare", "evaluate", "predict"]),
                         (["tag", "train"], ["grammar", "--bilm", "input_dropout"]),
                         (["tag", "evaluate"], ["grammar"])]:
        with pytest.raises(SystemExit):
            main(["task", *words, "--help"])
        out = capsys.readouterr().out
        assert all(text in out for text in texts)


@pytest.mark.parametrize("name", ["bilm.txt", "classify.png"])
def test_a_file_of_somebody_else_is_not_overwritten(name, task_home, run, tmp_path):
    (tmp_path / name).write_text("mine")
    code, _, err = run("classify", "train", "train.tsv", "--bilm", "bilm", "--out", tmp_path, "--quiet", *FAST_OPTIONS)
    assert code == 2
    assert f"{tmp_path / name} already exists: expected no such file" in err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


@pytest.mark.parametrize(("out", "message"), [
    ("x.txt", "cannot write the figure 'x.txt': expected a name that ends in .png, .svg, .pdf"),
    ("nowhere/x.png", "cannot write the figure nowhere/x.png: there is no folder nowhere")])
def test_a_figure_that_cannot_be_written_is_refused_before_anything_is_computed(out, message, task_home, run):
    code, printed, err = run("classify", "evaluate", "classify", "nowhere.tsv", "--out", out)
    assert (code, printed) == (2, "")
    assert message in err


def test_where_the_disk_is_full_no_picture_is_cut(task_home, run, tmp_path):
    code, *_ = run("classify", "evaluate", "classify", "test.tsv", "--out", tmp_path / "x.png")
    assert (code, (tmp_path / "x.png").read_bytes()[:4]) == (0, b"\x89PNG")
    with room_for(4096):
        code, _, err = run("classify", "evaluate", "classify", "test.tsv", "--out", tmp_path / "y.png")
    assert (code, err.count("\n")) == (2, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
