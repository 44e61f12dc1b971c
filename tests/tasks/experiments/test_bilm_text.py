"""bilm_text: all that a biLM was trained on is found, and test sentences in it are reported."""

import pytest

from elmo_np.cli.main import main
from elmo_np.errors import UserError
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.experiments import bilm_text
from tests.task_helpers import FAST_OPTIONS, reviews

pytestmark = pytest.mark.usefixtures("undrawn")


def test_the_text_of_a_fine_tuned_bilm_is_all_that_it_has_read(task_home, run, tmp_path):
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


def test_what_a_corpus_writes_for_an_unknown_word_is_not_among_its_words(tmp_path):
    (tmp_path / "text.txt").write_text("a <unk> film [UNK] .\nfilm <UNK>\n" * 20)
    common = ["--quiet", "--epochs", "1", "--set", "hidden_dim=8", "--set", "embedding_dim=8"]
    for name, more in ("found", []), ("words", ["--set", "unknown=none"]):
        assert main(["train", str(tmp_path / "text.txt"), "--out", str(tmp_path / name), *common, *more]) == 0
    found = bilm_text.texts(str(tmp_path / "found"))
    assert next(iter(found)) == ["a", "<unk>", "film", "[UNK]", "."]
    assert list(found.words()) == [["a", "film", "."], ["film"]] * 20
    words = list(bilm_text.texts(str(tmp_path / "words")).words())
    assert words[:2] == [["a", "<unk>", "film", "[UNK]", "."], ["film"]]        # as it was asked


def test_the_report_counts_test_sentences_that_the_bilm_was_trained_on(task_home, run, tmp_path):
    tested = sorted({tuple(words) for words in reviews(80, 1)[0]})
    text = "".join(" ".join(words) + "\n" for words in [*tested[:7], *[["tom", "saw", "rome"]] * 40])
    (tmp_path / "text.txt").write_text(text)
    assert main(["train", str(tmp_path / "text.txt"), "--out", str(tmp_path / "run"), "--quiet", "--epochs", "1",
                 "--set", "hidden_dim=8", "--set", "embedding_dim=8"]) == 0
    bilm = tmp_path / "run"
    note = f"  note: 7 of {len(tested)} different test sentences were in the text that {bilm} was trained on"
    common = "train.tsv", "--test", "test.tsv", "--bilm", tmp_path / "run", "--quiet", *FAST_OPTIONS
    code, out, _ = run("classify", "compare", *common, "--inputs", "static", "--seeds", 1, "--out", tmp_path / "one")
    assert code == 0
    assert note in out.splitlines()
    code, out, _ = run("classify", "train", *common, "--fine-tune", 1, "--out", tmp_path / "two")
    assert code == 0
    assert note in (tmp_path / "two/report.txt").read_text().splitlines()
    code, out, _ = run("classify", "compare", "train.tsv", "--test", "test.tsv", "--bilm", tmp_path / "two/bilm",
                       "--seeds", 1, "--inputs", "static", "--quiet", *FAST_OPTIONS, "--out", tmp_path / "three")
    assert code == 0
    assert f"note: 7 of {len(tested)}" in out          # what it began with has read them
    (tmp_path / "text.txt").write_text("tom saw rome\n" * 40)
    code, out, _ = run("classify", "compare", *common, "--inputs", "static", "--seeds", 1, "--out", tmp_path / "four")
    assert code == 0
    assert "different test sentences" not in out       # another text says nothing of it


def test_the_settings_of_a_stranger_choose_no_other_text(task_home, tmp_path):
    tested = sorted({tuple(words) for words in reviews(80, 1)[0]})
    train_text, private = tmp_path / "text.txt", tmp_path / "private.txt"
    train_text.write_text("tom saw rome\n" * 40)
    private.write_text("".join(" ".join(words) + "\n" for words in tested))
    assert main(["train", str(train_text), "--out", str(tmp_path / "run"), "--quiet", "--epochs", "1",
                 "--set", "hidden_dim=8", "--set", "embedding_dim=8"]) == 0
    config = tmp_path / "run/config.toml"
    config.write_text(config.read_text().replace(train_text.as_posix(), private.as_posix()))
    with pytest.raises(UserError, match=r"private\.txt, which .*config\.toml names, is not the text"):
        list(bilm_text.texts(str(tmp_path / "run")))
    assert bilm_text.read_before(str(tmp_path / "run"), tested, Progress(quiet=True)) == []


def test_a_model_that_was_fine_tuned_from_itself_is_refused(tmp_path):
    (tmp_path / "text.txt").write_text("a good film .\n" * 40)
    assert main(["train", str(tmp_path / "text.txt"), "--out", str(tmp_path / "run"), "--quiet", "--epochs", "1",
                 "--set", "hidden_dim=8", "--set", "embedding_dim=8"]) == 0
    config = tmp_path / "run/config.toml"
    bilm = (tmp_path / "run").as_posix()
    config.write_text(config.read_text().replace('fine_tune = "none"', f'fine_tune = "{bilm}"'))
    with pytest.raises(UserError, match="names the model itself as the one that it was fine-tuned from"):
        bilm_text.texts(str(tmp_path / "run"))
