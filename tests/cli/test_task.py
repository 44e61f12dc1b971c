"""elmo-np task: what a person types, reads and gets in the folder; a mistake is one line and costs nothing."""

import csv
import re

import numpy as np
import pytest

from elmo_np import ELMo
from elmo_np.cli.main import main
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import read_toml
from elmo_np.errors import UserError
from elmo_np.nn.parameter import parameters
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.data.files import Examples, fold_numbers
from elmo_np.tasks.experiments import bilm_text, compare, word2vec
from elmo_np.tasks.experiments.folder import TaskDirectory
from elmo_np.tasks.experiments.registry import APPLICATIONS
from elmo_np.tasks.experiments.task_bilm import BilmSpec
from elmo_np.tasks.metrics import figures as pictures
from elmo_np.tasks.metrics.scores import Score
from elmo_np.tasks.models.translator import Translator
from tests.task_helpers import reviews, saved, tiny_elmo, uses, visits

FAST = [word for setting in ("hidden_dim=8", "epochs=8", "learning_rate=0.02", "batch_size=10", "input_dropout=0",
                             "dropout=0") for word in ("--set", setting)]

TRANSLATE = [word for setting in ("epochs=40", "patience=40", "hidden_dim=24", "word_dim=16", "decoder_dim=32")
             for word in ("--set", setting)]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Files of both tasks, a biLM, and a model of each; no test changes them."""
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
    (home / "new.txt").write_text("anna saw tom in paris rome .\n\ngood film .\n")
    (home / "empty").write_text("")
    (home / "raw.txt").write_text("What a good film.\n")
    for task, end in ("classify", "tsv"), ("tag", "conll"), ("senses", "senses"), ("translate", "pairs"):
        more = {"senses": ["--set", "method=nearest"], "translate": TRANSLATE}.get(task, [])
        assert main(["task", task, "train", str(home / f"train.{end}"), "--test", str(home / f"test.{end}"), "--bilm",
                     str(home / "bilm"), "--out", str(home / task), "--quiet", *FAST, *more]) == 0
    return home


@pytest.fixture
def do(home, capsys, monkeypatch):
    """Run a command where `home` is: its exit code, what it printed, what it said on stderr."""
    monkeypatch.chdir(home)

    def do(*words):
        capsys.readouterr()
        code = main(["task", *map(str, words)])
        return code, *capsys.readouterr()
    return do


@pytest.mark.parametrize(("task", "end", "baseline", "measure"), [
    ("classify", "tsv", "bag of words (naive Bayes)", "accuracy"),
    ("tag", "conll", "each word's most frequent label", "entity F1"),
    ("senses", "senses", "most frequent sense", "accuracy, mean over words"),
    ("translate", "pairs", "word by word (Dice)", APPLICATIONS["translate"].measure)])
def test_training_leaves_a_model_a_report_and_a_picture(task, end, baseline, measure, home, do):
    report = (home / task / "report.txt").read_text()
    assert f"{measure} on 80 test sentences" in report
    assert baseline in report
    found = re.match(r"(\d+) training sentences, (\d+) to validate; test: the file", report)
    assert sum(map(int, found.groups())) == 80
    assert int(found[2]) >= 8
    assert (home / task / f"{task}.png").stat().st_size > 5000
    code, out, err = do(task, "evaluate", task, f"test.{end}")
    assert (code, err) == (0, "")
    own, = (line for line in report.splitlines() if "this model, input mix" in line)
    assert own.split()[-1] == next(line for line in out.splitlines() if "this model" in line).split()[-1]
    assert float(own.split()[-1].rstrip("%")) > 80


def test_new_text_is_labelled(home, do, tmp_path):
    code, out, err = do("classify", "predict", "classify", "new.txt")
    assert (code, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == ["anna saw tom in paris rome .", "good film ."]
    assert rows[1][1] == "good"
    code, out, _ = do("tag", "predict", "tag", "new.txt", "--out", tmp_path / "out")
    assert out.endswith(": 2 sentences\n")
    lines = (tmp_path / "out").read_text().split("\n")
    assert [line.split("\t")[0] for line in lines[:7]] == ["anna", "saw", "tom", "in", "paris", "rome", "."]
    assert lines[0] == "anna\tB-per"
    assert lines[7] == ""


def test_new_words_get_their_senses(home, do, tmp_path):
    (tmp_path / "new").write_text("tom saw paris good .\t2\tparis\n")
    code, out, err = do("senses", "predict", "senses", tmp_path / "new")
    assert (code, err) == (0, "")
    assert out == "tom saw paris good .\t2\tparis\tx\n"
    code, out, _ = do("senses", "compare", "train.senses", "--test", "test.senses", "--bilm", "bilm", "--seeds", 1,
                      "--out", tmp_path / "out", "--quiet", *FAST)
    assert code == 0
    for name in "static vectors (layer 0)", "layer 1", "layer mix":
        assert f"  {name}, nearest" in out
        assert f"  {name}, logistic" in out


def test_new_sentences_are_translated(home, do, tmp_path):
    code, out, err = do("translate", "predict", "translate", "new.txt")
    assert (code, err) == (0, "")
    assert [line.split("\t")[0] for line in out.splitlines()] == ["anna saw tom in paris rome .", "good film ."]
    assert out.splitlines()[1].split("\t")[1] == "GOOD FILM ."
    code, out, _ = do("translate", "compare", "train.pairs", "--test", "test.pairs", "--bilm", "bilm", "--seeds", 1,
                      "--out", tmp_path / "out", "--quiet", *FAST, "--set", "epochs=1", "--set", "max_source=5")
    assert code == 0
    for name in "learnt embeddings, no biLM", "static vectors (layer 0)", "layer 1", "layer mix":
        assert f"  {name} " in out
    assert int(out.split(" test sentences")[0].split()[-1]) == sum(len(words) <= 5 for words in reviews(80, 1)[0])


def test_without_sacrebleu_there_are_other_measures_and_a_line_that_says_how_to_get_it(home, do, monkeypatch):
    monkeypatch.setattr("elmo_np.tasks.experiments.translate.available", lambda: False)
    code, out, err = do("translate", "evaluate", "translate", "test.pairs")
    assert (code, err) == (0, "")
    assert out.startswith("token accuracy on 80 test sentences:")
    assert "for BLEU: pip install 'elmo_np[bleu]'" in out


def test_a_source_is_tested_or_trained_on_whatever_its_translations():
    examples = Examples([[str(k % 20)] for k in range(50)], [[str(k)] for k in range(50)])
    rest, held_out = APPLICATIONS["translate"].hold_out(examples, 10, 0)
    assert not {k % 20 for k in rest} & {k % 20 for k in held_out}


def test_raw_text_is_split_in_training_and_ever_after(home, do, tmp_path):
    (tmp_path / "raw.tsv").write_text("anna saw a good film.\tgood\ntom saw a bad film.\tbad\n" * 20)
    assert do("classify", "train", tmp_path / "raw.tsv", "--tokenize", "--bilm", "bilm", "--out", tmp_path / "out",
              "--quiet", *FAST)[0] == 0
    assert do("classify", "predict", tmp_path / "out", "raw.txt")[1].startswith("What a good film .\t")
    assert do("classify", "predict", "classify", "raw.txt")[1].startswith("What a good film.\t")


def test_a_comparison_has_every_input_and_every_seed(home, do, tmp_path):
    code, out, err = do("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", "bilm", "--seeds", 2,
                        "--out", tmp_path / "out", *FAST, "--set", "epochs=1")
    assert code == 0
    rows = list(csv.DictReader((tmp_path / "out" / "results.csv").read_text().splitlines()))
    names = ["static vectors (layer 0)", "layer 1", "layer mix"]
    assert [row["method"] for row in rows] == ["most frequent label", "bag of words (naive Bayes)",
                                               *(name for name in names for _ in range(2))]
    assert [row["seed"] for row in rows[2:]] == ["0", "1"] * 3
    assert all(f"{name}, seed {seed}: accuracy" in err for name in names for seed in (0, 1))
    assert out.count("over 2 seeds") == 3
    assert (tmp_path / "out" / "comparison.png").stat().st_size > 5000
    assert out.startswith((tmp_path / "out" / "report.txt").read_text())


def test_a_comparison_in_folds_tests_every_sentence_once(home, do, tmp_path):
    code, out, err = do("classify", "compare", "train.tsv", "--bilm", "bilm", "--folds", 4, "--inputs", "static", "mix",
                        "--out", tmp_path / "out", *FAST, "--set", "epochs=1")
    assert code == 0
    rows = list(csv.DictReader((tmp_path / "out" / "results.csv").read_text().splitlines()))
    names = ["most frequent label", "bag of words (naive Bayes)", "static vectors (layer 0)", "layer mix"]
    assert [(row["method"], row["fold"]) for row in rows] == [(name, str(k)) for name in names for k in range(1, 5)]
    assert out.startswith("accuracy on 80 test sentences; test: 4 folds, drawn by seed 0: each sentence is tested once")
    assert out.count("over 4 folds") == 4
    assert "fold 3 of 4, layer mix, seed 2: accuracy" in err


def test_what_a_stopped_comparison_has_found_is_there(home, do, tmp_path, monkeypatch):
    original, calls = compare._score, []

    def score(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args)
    monkeypatch.setattr(compare, "_score", score)
    code, *_ = do("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", "bilm", "--seeds", 2, "--inputs",
                  "static", "mix", "--out", tmp_path / "out", "--quiet", *FAST, "--set", "epochs=1")
    assert code == 130
    found = compare.read_results(tmp_path / "out/results.csv")
    assert len(found["static vectors (layer 0)"]) == 2
    assert "layer mix" not in found
    code, _, err = do("classify", "compare", "train.tsv", "--bilm", "bilm", "--out", tmp_path / "out", "--quiet")
    assert code == 2
    assert f"remove {tmp_path / 'out/results.csv'} to begin again with the biLMs that are there" in err


def test_folds_part_the_sentences_and_keep_equal_ones_together():
    sentences = [["a"], ["b"], ["a"], ["c"], ["d"], ["e"]] * 3
    folds = fold_numbers(sentences, 3, seed=0)
    assert sorted(k for _, own in folds for k in own) == list(range(18))
    for rest, own in folds:
        assert sorted(rest + own) == list(range(18))
        assert not {sentences[k][0] for k in rest} & {sentences[k][0] for k in own}
    assert folds != fold_numbers(sentences, 3, seed=1)
    assert folds == fold_numbers(sentences, 3, seed=0)


def test_each_fold_fine_tunes_the_bilm_on_what_it_learns_from(home, do, tmp_path):
    code, *_ = do("classify", "compare", "train.tsv", "--bilm", "bilm", "--fine-tune", 2, "--folds", 2, "--inputs",
                  "mix", "--out", tmp_path / "out", "--quiet", *FAST, "--set", "epochs=1")
    assert code == 0
    sentences = reviews(80, 0)[0]
    read = [{tuple(line.split()) for line in (tmp_path / f"out/fold-{k}/bilm-corpus.txt").read_text().splitlines()}
            for k in (0, 1)]
    assert read[0] | read[1] == set(map(tuple, sentences))
    assert not read[0] & read[1]                # with two folds, one learns from what the other is tested on
    for k in 0, 1:
        settings = read_toml(tmp_path / f"out/fold-{k}/bilm/config.toml", Settings())
        assert (settings.data.fine_tune, settings.train.epochs) == ("bilm", 2)


def test_a_task_model_reads_the_bilm_that_was_fine_tuned_for_it(home, do, tmp_path):
    out = tmp_path / "out"
    assert do("classify", "train", "train.tsv", "--test", "test.tsv", "--bilm", "bilm", "--fine-tune", 1, "--out", out,
              "--quiet", *FAST)[0] == 0
    assert (out / "bilm.txt").read_text() == "bilm\n"
    arrays = [{name: p.value for name, p in parameters(ELMo.load(path).model).items()} for path in
              (home / "bilm", out / "bilm")]
    assert any((arrays[0][name] != arrays[1][name]).any() for name in arrays[0])
    assert do("classify", "predict", out, "new.txt")[0] == 0


def test_word2vec_is_compared_on_the_text_of_the_bilm(home, do, tmp_path):
    pytest.importorskip("gensim", reason="gensim is not installed: pip install 'elmo_np[word2vec]'")
    code, out, _ = do("classify", "compare", "train.tsv", "--test", "test.tsv", "--seeds", 2, "--inputs", "word2vec",
                      "static", "--out", tmp_path / "out", "--quiet", *FAST)
    assert code == 0
    assert "  word2vec (gensim), of the biLM's text " in out
    assert "  static vectors (layer 0) " in out
    assert "layer mix" not in out
    folder, elmo = TaskDirectory(tmp_path / "out"), ELMo.load(tmp_path / "out/bilm")
    corpus = bilm_text.texts(str(folder.own_bilm))
    assert list(corpus) == [line.split() for line in folder.corpus.read_text().splitlines()]
    made = [word2vec.trained(corpus, 8, 0, Progress(quiet=True)) for _ in range(2)]
    vectors = [own.vectors([["good", "film", "neverseen"]], layer=0)[0] for own in made]
    assert vectors[0].shape == (3, 16)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert vectors[0][:2].any(axis=1).all()
    assert not vectors[0][2].any()
    assert {word for word in made[0].vocabulary.words if "<" not in word} <= set(elmo.vocabulary.words)


def test_without_the_text_of_the_bilm_word2vec_is_left_out_and_the_report_says_why(home, do, tmp_path):
    code, out, _ = do("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", "bilm", "--seeds", 1,
                      "--out", tmp_path / "out", "--quiet", *FAST, "--set", "epochs=1")
    assert code == 0
    assert re.search(r"word2vec is left out, because .*bilm.config.toml|for word2vec beside them: pip install", out)
    assert "word2vec (gensim)" not in out


def test_the_text_of_a_fine_tuned_bilm_is_all_that_it_has_read(home, do, tmp_path):
    for name, text in ("first", "a good film .\n"), ("second", "a bad film .\n"):
        (tmp_path / f"{name}.txt").write_text(text * 40)
    common = ["--quiet", "--epochs", "1", "--set", "hidden_dim=8", "--set", "embedding_dim=8", "--set", "min_count=1"]
    assert main(["train", str(tmp_path / "first.txt"), "--out", str(tmp_path / "one"), *common]) == 0
    assert main(["train", str(tmp_path / "second.txt"), "--out", str(tmp_path / "two"), "--quiet", "--fine-tune",
                 str(tmp_path / "one")]) == 0
    found = bilm_text.texts(str(tmp_path / "two"))
    assert list(found) == [["a", "bad", "film", "."]] * 40 + [["a", "good", "film", "."]] * 40
    (tmp_path / "first.txt").unlink()
    with pytest.raises(UserError, match=r"first\.txt"):
        bilm_text.texts(str(tmp_path / "two"))


def test_word2vec_does_not_learn_from_another_text_at_the_place_of_the_bilms(home, do, tmp_path, monkeypatch):
    pytest.importorskip("gensim", reason="gensim is not installed: pip install 'elmo_np[word2vec]'")
    text = "".join(" ".join(words) + "\n" for words in reviews(60, 3)[0])
    for folder, own in ("one", text), ("two", (home / "test.tsv").read_text().replace("\t", " ")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "text.txt").write_text(own)
    common = ["--quiet", "--epochs", "1", "--set", "hidden_dim=8", "--set", "embedding_dim=8"]
    monkeypatch.chdir(tmp_path / "one")
    assert main(["train", "text.txt", "--out", "run", *common]) == 0
    assert main(["train", "text.txt", "--valid", "text.txt", "--out", "validated", *common]) == 0
    known, shown = {}, []
    progress = Progress(quiet=True)
    monkeypatch.setattr(progress, "show", shown.append)
    word2vec.vectors_or_why(TaskDirectory(tmp_path), BilmSpec("run"), 8, 0, progress, {})
    assert [line for line in shown if "epoch" in line] == [f"training word2vec, epoch {k} of 5" for k in range(1, 6)]
    for run in "run", "validated":
        found = word2vec.vectors_or_why(TaskDirectory(tmp_path), BilmSpec(run), 8, 0, Progress(quiet=True), known)
        assert list(known.values()) == [found]
        again = word2vec.vectors_or_why(TaskDirectory(tmp_path), BilmSpec(run), 8, 0, Progress(quiet=True), known)
        assert again is found
    monkeypatch.chdir(tmp_path / "two")
    found = word2vec.vectors_or_why(TaskDirectory(tmp_path), BilmSpec("../one/run"), 8, 0, Progress(quiet=True), known)
    assert "text.txt is not the text that" in found


def test_the_report_says_how_much_of_the_test_the_bilm_has_read(home, do, tmp_path):
    tested = sorted({tuple(words) for words in reviews(80, 1)[0]})
    text = "".join(" ".join(words) + "\n" for words in [*tested[:7], *[["tom", "saw", "rome"]] * 40])
    (tmp_path / "text.txt").write_text(text)
    assert main(["train", str(tmp_path / "text.txt"), "--out", str(tmp_path / "run"), "--quiet", "--epochs", "1",
                 "--set", "hidden_dim=8", "--set", "embedding_dim=8"]) == 0
    note = f"  note: 7 of {len(tested)} different test sentences were in the text that {tmp_path / 'run'} has read"
    common = "train.tsv", "--test", "test.tsv", "--bilm", tmp_path / "run", "--quiet", *FAST
    code, out, _ = do("classify", "compare", *common, "--inputs", "static", "--seeds", 1, "--out", tmp_path / "one")
    assert code == 0
    assert note in out.splitlines()
    code, out, _ = do("classify", "train", *common, "--fine-tune", 1, "--out", tmp_path / "two")
    assert code == 0
    assert note in (tmp_path / "two/report.txt").read_text().splitlines()
    code, out, _ = do("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", tmp_path / "two/bilm",
                      "--seeds", 1, "--inputs", "static", "--quiet", *FAST, "--out", tmp_path / "three")
    assert code == 0
    assert f"note: 7 of {len(tested)}" in out          # what it began with has read them
    (tmp_path / "text.txt").write_text("tom saw rome\n" * 40)
    code, out, _ = do("classify", "compare", *common, "--inputs", "static", "--seeds", 1, "--out", tmp_path / "four")
    assert code == 0
    assert "note:" not in out                           # another text says nothing of it


def test_an_empty_bilm_is_refused(home, do, tmp_path):
    code, _, err = do("classify", "train", "train.tsv", "--bilm", "", "--out", tmp_path / "out", "--quiet", *FAST)
    assert (code, (tmp_path / "out").exists()) == (2, False)
    assert "--bilm is empty: expected the folder of a biLM" in err


def test_a_model_that_was_fine_tuned_from_itself_is_no_endless_text(tmp_path):
    (tmp_path / "text.txt").write_text("a good film .\n" * 40)
    assert main(["train", str(tmp_path / "text.txt"), "--out", str(tmp_path / "run"), "--quiet", "--epochs", "1",
                 "--set", "hidden_dim=8", "--set", "embedding_dim=8"]) == 0
    config = tmp_path / "run/config.toml"
    run = (tmp_path / "run").as_posix()
    config.write_text(config.read_text().replace('fine_tune = "none"', f'fine_tune = "{run}"'))
    with pytest.raises(UserError, match="fine-tuned from itself"):
        bilm_text.texts(str(tmp_path / "run"))


def test_word2vec_that_is_asked_for_is_not_left_out(home, do, tmp_path, monkeypatch):
    words = "classify", "compare", "train.tsv", "--seeds", 1, "--inputs", "word2vec", "static", "--quiet", *FAST
    if word2vec.available():
        code, _, err = do(*words, "--bilm", "bilm", "--out", tmp_path / "one")
        assert (code, err.count("\n")) == (2, 1)
        assert "--inputs word2vec: word2vec is left out, because" in err
    monkeypatch.setattr(word2vec, "available", lambda: False)
    code, _, err = do(*words, "--out", tmp_path / "two")
    assert (code, err.count("\n")) == (2, 1)
    assert "--inputs word2vec: gensim is not installed: pip install" in err
    assert not (tmp_path / "two/bilm").exists()         # before a biLM is trained


def test_a_bilm_that_began_otherwise_is_not_taken_for_the_one_asked_for(home, do, tmp_path):
    words = "classify", "compare", "train.tsv", "--seeds", 1, "--inputs", "static", "--out", tmp_path / "out", "--quiet"
    assert do(*words, *FAST)[0] == 0
    for name in "report.txt", "results.csv":
        (tmp_path / "out" / name).unlink()
    code, _, err = do(*words, *FAST, "--bilm", "bilm", "--fine-tune", 1)
    assert code == 2
    assert "bilm began with no other biLM, and now it would with bilm: give the same --bilm, or another --out" in err


def test_a_bilm_is_the_same_wherever_its_place_is_named_from(home, do, tmp_path):
    words = "classify", "compare", "train.tsv", "--seeds", 1, "--inputs", "static", "--out", tmp_path / "out", "--quiet"
    assert do(*words, *FAST, "--bilm", "bilm", "--fine-tune", 1)[0] == 0
    for name in "report.txt", "results.csv":
        (tmp_path / "out" / name).unlink()
    code, _, err = do(*words, *FAST, "--bilm", home / "bilm", "--fine-tune", 1)
    assert (code, err) == (0, "")


def test_a_bilm_that_was_fine_tuned_for_longer_is_not_taken_for_the_one_asked_for(home, do, tmp_path):
    def require_reiterable(epochs):
        for name in "report.txt", "results.csv":
            (tmp_path / "out" / name).unlink(missing_ok=True)
        return do("classify", "compare", "train.tsv", "--seeds", 1, "--inputs", "static", "--bilm", "bilm", "--quiet",
                  "--fine-tune", epochs, "--out", tmp_path / "out", *FAST)
    assert require_reiterable(2)[0] == 0
    code, _, err = require_reiterable(1)
    assert code == 2
    assert "is of a training for 2 epochs, expected at most 1: give --fine-tune 2, or another --out" in err
    assert require_reiterable(3)[0] == 0                         # that goes on
    rows = csv.DictReader((tmp_path / "out/bilm/metrics.csv").read_text().splitlines())
    assert [row["epoch"] for row in rows if row["split"] == "valid"] == ["1", "2", "3"]


def test_folds_with_the_bilm_given_leave_no_empty_folders(home, do, tmp_path):
    code, *_ = do("classify", "compare", "train.tsv", "--bilm", "bilm", "--folds", 2, "--inputs", "static", "--out",
                  tmp_path / "out", "--quiet", *FAST)
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["comparison.png", "report.txt", "results.csv"]


def test_a_translator_can_read_the_mix_beside_embeddings_of_its_own(home, do, tmp_path):
    out = tmp_path / "out"
    assert do("translate", "train", "train.pairs", "--test", "test.pairs", "--bilm", "bilm", "--input", "learnt+mix",
              "--out", out, "--quiet", *FAST, *TRANSLATE)[0] == 0
    model = Translator.load(out / "model.safetensors", ELMo.load(home / "bilm"))
    assert {"embedding.E", "input.mix.w"} <= set(parameters(model.network))
    code, printed, _ = do("translate", "predict", out, "new.txt")
    assert code == 0
    assert "GOOD FILM ." in printed


def test_a_comparison_takes_word_vectors_of_another_width_as_they_are(home, do, tmp_path):
    saved(tiny_elmo(layers=2, embedding_dim=6), tmp_path / "bilm")
    code, out, _ = do("tag", "compare", "train.conll", "--valid", "test.conll", "--bilm", tmp_path / "bilm", "--seeds",
                      1, "--out", tmp_path / "out", "--quiet", *FAST)
    assert code == 0
    for name in "static vectors (layer 0)", "layer 1", "layer 2", "layer mix":
        assert f"  {name} " in out
    assert "8 test sentences; test: one of every 10 examples, drawn by seed 0" in out


def test_without_a_bilm_one_is_trained_that_has_not_read_the_test(home, do, tmp_path):
    out = tmp_path / "out"
    assert do("classify", "train", "train.tsv", "--test", "test.tsv", "--out", out, "--quiet", *FAST)[0] == 0
    read = {tuple(line.split()) for line in (out / "bilm-corpus.txt").read_text().splitlines()}
    trained, tested = ({tuple(words) for words in reviews(80, seed)[0]} for seed in (0, 1))
    assert read == trained - tested
    assert trained & tested
    assert do("classify", "predict", out, "new.txt")[0] == 0
    (out / "model.safetensors").unlink()
    (out / "report.txt").unlink()
    again = "classify", "train", "train.tsv", "--out", out, "--quiet", *FAST
    code, _, err = do(*again)                       # other test sentences: the biLM may have read them
    assert code == 2
    assert "is a biLM of other data than these" in err
    bilm = (out / "bilm" / "model.safetensors").read_bytes()
    assert do(*again, "--test", "test.tsv")[0] == 0
    assert (out / "bilm" / "model.safetensors").read_bytes() == bilm
    moved = tmp_path / "moved"
    out.rename(moved)                               # its biLM is below it
    assert do("classify", "predict", moved, "new.txt")[0] == 0


def test_a_bilm_that_has_moved_can_be_given(home, do, tmp_path):
    (home / "bilm").rename(tmp_path / "elsewhere")
    try:
        code, _, err = do("tag", "predict", "tag", "new.txt")
        assert code == 2
        assert "say with --bilm where it is" in err
        assert do("tag", "predict", "tag", "new.txt", "--bilm", tmp_path / "elsewhere")[0] == 0
    finally:
        (tmp_path / "elsewhere").rename(home / "bilm")


@pytest.mark.parametrize(("words", "message"), [
    ("tag evaluate tag test.tsv", "test.tsv, line 1: expected a word and, in the last column"),
    ("classify evaluate classify test.conll", "test.conll, line 1: 1 columns, expected sentence<TAB>label"),
    ("classify evaluate tag test.tsv", "holds a model of the task tag, expected a model of the task classify"),
    ("tag evaluate bilm test.conll", "say with --bilm where the biLM is"),
    ("tag evaluate bilm test.conll --bilm bilm", "holds no task model"),
    ("tag predict nowhere new.txt", "nowhere has no model.safetensors: expected a folder that `elmo-np task tag"),
    ("tag predict tag nowhere", "there is no file nowhere"),
    ("tag predict tag empty", "empty is empty: expected one sentence a line"),
    ("tag predict tag new.txt --out raw.txt", "raw.txt exists already"),
    ("tag train train.conll --bilm bilm --out tag", "tag holds the files of another training"),
    ("tag train train.conll --bilm bilm --out empty", "expected a folder, or a name for one"),
    ("tag train train.conll --bilm nowhere --out new", "nowhere"),
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
    ("classify compare rare.tsv --bilm bilm --out new --folds 3", "--folds 3: the sentences with fine are all in one"),
    ("tag compare rare.conll --out new --folds 3", "--folds 3: the sentences with B-org, I-org are all in one fold"),
    ("senses compare rare.senses --out new --folds 2", "--folds 2: the sentences with rome are all in one fold"),
    ("classify train few.tsv --out new", "17 sentences, those of the test left out, are too few for a biLM to learn "
     "from: expected 20 or more, for one of 20 is held out; give one with --bilm"),
    ("classify train few.tsv --bilm bilm --fine-tune 1 --out new", "too few for a biLM to learn from: expected 20 or "
     "more, for one of 20 is held out; leave --fine-tune out"),
    ("tag train train.conll --out new --fine-tune 1", "--fine-tune goes on with a biLM that there is"),
    ("tag train train.conll --bilm bilm --out new --fine-tune -1", "--fine-tune -1: expected a number of epochs"),
    ("classify evaluate classify other.tsv", "unknown label 'fine': this model has bad, good"),
    ("classify train train.tsv --test other.tsv --bilm bilm --out new", "unknown label 'fine'"),
    ("senses compare train.senses --test other.senses --bilm bilm --out new", "unknown word 'rome'"),
    ("senses evaluate senses other.senses", "unknown word 'rome': this model tells the senses of film, paris"),
    ("senses predict senses train.senses", "line 1: 4 columns, expected sentence<TAB>position<TAB>word:"),
    ("senses train train.senses --tokenize --out new", "--tokenize does not go with sentence<TAB>position"),
    ("tag train train.conll --test train.conll --out new", "no sentence but those of the test is left"),
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
    ("classify train train.tsv --bilm bilm --out new --input learnt", "input = 'learnt': expected mix"),
    ("fly train x --out new", "invalid choice: 'fly'"),
    ("tag fly", "invalid choice: 'fly'"),
])
def test_a_mistake_is_one_line(words, message, home, do):
    (home / "one.tsv").write_text("good film .\tgood\n" * 100)
    lines = [f"{word} film .\t{'ab'[k % 2]}\n" for k, word in enumerate("abcdefghijklmnopqr")]
    (home / "few.tsv").write_text("".join(lines))
    (home / "other.tsv").write_text("fine film .\tfine\n")
    (home / "other.senses").write_text("rome\t0\trome\tx\n")
    for end, line in ("tsv", "fine film .\tfine\n"), ("conll", "\nacme B-org\n"), ("senses", "rome\t0\trome\tx\n"):
        (home / f"rare.{end}").write_text((home / f"train.{end}").read_text() + line)
    code, out, err = do(*words.split())
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert message in err


def test_help_says_what_there_is(do, capsys):
    for words, texts in [([], ["classify", "tag", "senses", "translate"]),
                         (["tag"], ["train", "compare", "evaluate", "predict"]),
                         (["tag", "train"], ["grammar", "--bilm", "input_dropout"]),
                         (["tag", "evaluate"], ["grammar"])]:
        with pytest.raises(SystemExit):
            main(["task", *words, "--help"])
        out = capsys.readouterr().out
        assert all(text in out for text in texts)


def test_pictures_say_what_was_counted():
    examples = Examples([["x"]] * 3, ["a", "b", "b"])
    ax = APPLICATIONS["classify"].picture(examples, ["a", "b", "a"]).axes[0]
    assert ax.get_title() == "66.7% on the diagonal are right"
    assert [text.get_text() for text in ax.texts] == ["1", "0", "1", "1"]
    ax = pictures.type_scores({"per": Score(1, 2, 4), "all": Score(1, 2, 4)}).axes[0]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.5, 0.5, 0.25, 0.25, 1 / 3, 1 / 3])
    ax = pictures.word_accuracies({"bank": (0.5, 4), "bat": (1.0, 2)}).axes[0]
    assert [bar.get_width() for bar in ax.patches] == [0.5, 1.0]
    pairs = [(["a", "b"], ["x", "y", "</S>"], np.eye(3, 2)), (["c"], ["z"], np.ones((1, 1)))]
    figure = pictures.attention(pairs)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["x", "y", "</S>"]
    np.testing.assert_array_equal(figure.axes[0].collections[0].get_array(), np.eye(3, 2))
    ax = pictures.comparison({"static": [0.5, 0.7], "mix": [0.8, 0.9]}, "accuracy").axes[0]
    assert [list(line.get_xdata()) for line in ax.lines[:2]] == [[0.5, 0.7], [0.8, 0.9]]
    assert ax.lines[2].get_xdata() == pytest.approx([0.6, 0.85])


def test_evaluation_on_data_with_a_name_takes_the_part_that_was_held_out(monkeypatch):
    app = APPLICATIONS["classify"]
    everything = Examples([[str(k)] for k in range(100)], ["a", "b"] * 50)
    monkeypatch.setattr("elmo_np.tasks.data.nltk_data.categories", lambda name: everything)
    for seed in 0, 1:
        data = app.data("nltk:subjectivity", None, False, seed)
        assert app.labelled("nltk:subjectivity", False, seed) == data.test
        assert not {words[0] for words in data.test.sentences} & {words[0] for words in data.train.sentences}
    assert len(data.test.sentences) == 10
