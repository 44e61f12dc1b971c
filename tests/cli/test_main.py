"""The commands, from what a person types to what a person reads; a mistake is one line, and nothing is lost by it."""

import os
import re
import subprocess

import numpy as np
import pytest

import elmo_np
from elmo_np import backend
from elmo_np.cli.main import main
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import read_toml
from elmo_np.io import safetensors_file as checkpoint
from tests.commands import SMALL, TEXT, UNSEEN, command, everything, write
from tests.training_helpers import contents

COMMANDS = ("demo", "train", "tune", "evaluate", "embed", "similar", "score", "substitutes", "sample", "explore",
            "report", "vectors", "task", "convert", "export", "gradcheck", "info")


# What each command is for


def test_train_says_where_the_model_is_and_what_to_try(do, tmp_path):
    out, err = do("train", "train.txt", "--out", tmp_path / "run", *SMALL)
    assert out == (f"{tmp_path / 'run/model.safetensors'}: the best model on validation; try: "
                   f"elmo-np evaluate {tmp_path / 'run'} FILE\n"
                   f"{tmp_path / 'run/report.html'}: curves, perplexities, samples and neighbours, for a browser\n")
    assert "validation perplexity" in err
    assert "Traceback" not in err


def test_the_settings_come_from_preset_file_set_and_short_options_in_this_order(do, tmp_path):
    (tmp_path / "my.toml").write_text("[model]\nhidden_dim = 7\nembedding_dim = 5\n[train]\nepochs = 3\nseed = 4\n")
    do("train", "train.txt", "--valid", "unseen.txt", "--out", tmp_path / "run", "--preset", "article", "--quiet",
       "--config", tmp_path / "my.toml", "--set", "embedding_dim=6", "--set", "train.batch_size=4", "--seed", 9,
       "--set", "epochs=5", "--epochs", 1)
    found = read_toml(tmp_path / "run/config.toml", Settings())
    assert (found.model.hidden_dim, found.model.embedding_dim, found.model.layers) == (7, 6, 1)
    assert (found.train.optimizer, found.train.nesterov, found.train.batch_size) == ("sgd", True, 4)
    assert (found.train.seed, found.train.epochs) == (9, 1)
    assert (found.data.corpus, found.data.valid) == ("train.txt", "unseen.txt")


def test_training_goes_on_with_what_the_folder_says(do, home, tmp_path):
    do("train", "train.txt", "--valid", "unseen.txt", "--out", tmp_path / "once", "--quiet", *SMALL, "--epochs", 3)
    do("train", "train.txt", "--valid", "unseen.txt", "--out", tmp_path / "twice", "--quiet", *SMALL, "--epochs", 2)
    do("train", "train.txt", "--out", tmp_path / "twice", "--quiet", "--resume", "--epochs", 3)
    one, two = contents(tmp_path / "once"), contents(tmp_path / "twice")
    for name in "model.safetensors", "last.safetensors", "config.toml":
        assert one[name] == two[name]


@pytest.mark.parametrize("name", ["naïve text.txt", "a 'quoted' \"name\".txt", "日本.txt", "😀.txt", "#1.txt",
                                  "x=1.txt", "back\\slash.txt"])
def test_files_may_have_any_name(do, tmp_path, name):
    train, valid = write(tmp_path / name, TEXT), write(tmp_path / f"valid {name}", UNSEEN)
    do("train", train, "--valid", valid, "--out", tmp_path / f"run {name}", "--quiet", *SMALL)
    found = read_toml(tmp_path / f"run {name}" / "config.toml", Settings()).data
    assert (found.corpus, found.valid) == (str(train), str(valid))


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)], ids=" ".join)
def test_every_help_is_shown(do, capsys, command):
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    out, err = capsys.readouterr()
    assert stopped.value.code == 0
    assert err == ""
    assert out.startswith("usage: elmo-np")
    for name in COMMANDS if not command else ["--help"]:
        assert name in out


def test_the_module_can_be_run_and_knows_its_version():
    for words, start in (["--help"], "usage: elmo-np"), (["--version"], elmo_np.__version__ + "\n"):
        done = command(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(start)


def test_a_reader_that_goes_away_is_no_mistake(home):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = command("similar", "run", "bank", "--in", "the bank of the", "--any-word", "--top", "100000",
                       cwd=home, stdout=closed, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("stderr", ["gone", "closed"])
def test_training_goes_on_where_nobody_reads_its_progress(home, tmp_path, stderr):
    """As in `train ... 2>&1 | head -1`, which ends after a line, and `train ... 2>&-`."""
    read, write = os.pipe()
    os.close(read)
    options = {"stderr": write} if stderr == "gone" else {"preexec_fn": lambda: os.close(2)}
    try:
        done = command("train", "train.txt", "--out", str(tmp_path / "run"), *SMALL, cwd=home,
                       stdout=subprocess.PIPE, **options)
    finally:
        os.close(write)
    assert done.returncode == 0
    assert done.stdout.endswith("report.html: curves, perplexities, samples and neighbours, for a browser\n")
    assert sorted(contents(tmp_path / "run")) == ["config.toml", "last.safetensors", "metrics.csv",
                                                  "model.safetensors", "report.html", "vocabulary.txt"]


def test_a_run_is_complete_where_nobody_reads_what_is_printed(home, tmp_path):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = command("train", "train.txt", "--out", str(tmp_path / "run"), *SMALL, cwd=home, stdout=gone, stderr=gone)
    assert done.returncode == 0
    assert "report.html" in contents(tmp_path / "run")


def test_a_mistake_has_its_exit_code_where_nobody_reads_the_message(tmp_path):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = command("train", "none.txt", "--out", str(tmp_path / "run"), cwd=tmp_path, stdout=gone, stderr=gone)
    assert done.returncode == 2


# Mistakes


def flipped(path, at=0.5):
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 1
    return bytes(data)


@pytest.fixture(scope="module")
def mess(home):
    """What can be wrong about files, beside what is right."""
    (home / "empty.txt").write_text("")
    (home / "blank.txt").write_text("\n \n")
    (home / "latin1.txt").write_bytes("the bank\nd\xe9j\xe0 vu\n".encode("latin-1"))
    (home / "wiki.xml").write_text('<page xml:lang="en">\n<p>\n')
    (home / "utf16.txt").write_text("the bank\n", encoding="utf-16")
    (home / "folder").mkdir()
    (home / "bad.toml").write_text("[model]\nlayers = = 2\n")
    (home / "unknown.toml").write_text("[model]\nlayer = 2\n")
    (home / "table.toml").write_text("[modle]\nlayers = 2\n")
    (home / "range.toml").write_text("[model]\nlayers = 0\n")
    (home / "three.txt").write_text("the bank .\n" * 3)
    (home / "vectors.npz").write_bytes(b"mine")
    for name in "damaged", "short", "foreign", "wordless", "otherwords", "unfinished", "badconfig", "badcheckpoint":
        (home / name).mkdir()
        for file, data in contents(home / "run").items():
            (home / name / file).write_bytes(data)
    model = home / "run/model.safetensors"
    (home / "damaged/model.safetensors").write_bytes(flipped(model))
    (home / "short/model.safetensors").write_bytes(model.read_bytes()[:-9])
    (home / "foreign/model.safetensors").write_bytes(b"PK\x03\x04 something else")
    (home / "wordless/vocabulary.txt").unlink()
    (home / "otherwords/vocabulary.txt").write_text("<S>\n</S>\n<UNK>\nthe\n")
    (home / "unfinished/model.safetensors").unlink()
    (home / "badconfig/config.toml").write_text("[model\n")
    (home / "badcheckpoint/last.safetensors").write_bytes(flipped(home / "run/last.safetensors"))
    checkpoint.save(home / "other.safetensors", {"x": np.zeros(3, np.float32)}, {})
    return home


IN = ["--in", "the bank of the river"]
TRAIN = ["train", "train.txt", "--out", "new", "--quiet", *SMALL]
MISTAKES = [
    # What was typed
    ([], "the following arguments are required: COMMAND; see elmo-np --help"),
    (["tarin"], "invalid choice: 'tarin'"),
    (["--verson"], "COMMAND|unrecognized"),
    (["train"], "the following arguments are required: CORPUS, --out; see elmo-np train --help"),
    (["train", "train.txt"], "required: --out"),
    (["demo"], "required: --out"),
    (["similar", "run", "bank"], "required: --in"),
    (["substitutes", "run", "bank"], "required: --in"),
    (["score", "run"], "required: INPUT"),
    (["score", "run", "unseen.txt", "--state", "warm"], "argument --state: invalid choice: 'warm'"),
    (["sample", "run", "--direction", "both"], "argument --direction: invalid choice: 'both'"),
    (["evaluate", "run"], "required: CORPUS"),
    (["embed", "run", "unseen.txt"], "required: --out"),
    ([*TRAIN, "--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
    ([*TRAIN, "--learning-rate", "1"], "unrecognized arguments: --learning-rate 1; see elmo-np train --help$"),
    (["task", "tag", "predict", "run", "x", "--y"], "arguments: --y; see elmo-np task tag predict --help$"),
    (["gradcheck", "--backend", "torch"], "argument --backend: invalid choice: 'torch'"),
    (["evaluate", "run", "unseen.txt", "--state", "warm"], "argument --state: invalid choice: 'warm'"),
    (["embed", "run", "unseen.txt", "--out", "x.npz", "--state", "cold"], "argument --state: invalid choice: 'cold'"),
    # Settings
    ([*TRAIN, "--preset", "smal"], "expected one of article, best, demo, elmo, elmo-tiny, fast, small; .* 'small'"),
    ([*TRAIN, "--set", "learning_rat=1"], "unknown setting 'learning_rat': the nearest is 'train.learning_rate'"),
    ([*TRAIN, "--set", "model.layer=1"], "the nearest is 'model.layers'"),
    ([*TRAIN, "--set", "epochs"], "'epochs' sets nothing: expected key=value"),
    ([*TRAIN, "--set", "layers=0"], "layers = 0: expected a whole number of at least 1"),
    ([*TRAIN, "--set", "layers=two"], "layers = 'two': expected a whole number"),
    ([*TRAIN, "--set", "dropout=1"], "dropout = 1: expected a number of at least 0 and less than 1"),
    ([*TRAIN, "--set", "learning_rate=nan"], "learning_rate = nan: expected a number above 0"),
    ([*TRAIN, "--set", "optimizer=adamw"], "optimizer = 'adamw': expected one of sgd, adagrad, adam"),
    ([*TRAIN, "--preset", "demo", "--set", "tie=true", "--set", "share_softmax=true"],
     "tie = true with share_softmax = true"),
    ([*TRAIN, "--epochs", "0"], "epochs = 0: expected a whole number of at least 1"),
    ([*TRAIN, "--seed", "-1"], "seed = -1: expected a whole number of at least 0"),
    ([*TRAIN, "--config", "bad.toml"], r"bad\.toml is not TOML: .*line 2"),
    ([*TRAIN, "--config", "unknown.toml"], r"unknown\.toml: unknown setting 'model\.layer': .* 'model\.layers'"),
    ([*TRAIN, "--config", "table.toml"], r"table\.toml: unknown table 'modle': .*the nearest is \[model\]"),
    ([*TRAIN, "--config", "range.toml"], r"range\.toml: layers = 0: expected"),
    ([*TRAIN, "--config", "none.toml"], r"cannot read none\.toml: No such file"),
    ([*TRAIN, "--config", "latin1.txt"], r"latin1\.txt is not TOML"),
    ([*TRAIN, "--set", "optimizer=sgd", "--set", "learning_rate=1e30"],
     "training stopped at epoch [12], .*last good checkpoint"),
    # Corpora
    (["train", "none.txt", "--out", "new"], r"there is no corpus none\.txt"),
    (["train", "gramar", "--out", "new"], 'there is no corpus gramar.*did you mean "grammar"'),
    (["train", "none*.txt", "--out", "new"], r"no file matches none\*\.txt"),
    (["train", "folder", "--out", "new"], "the directory folder has no files, expected one or more text files"),
    (["train", "train.txt", "none.txt", "--out", "new"], r"there is no corpus none\.txt, expected"),
    (["train", "train.txt", "pydoc", "--out", "new"], "pydoc is one of 2 corpora, expected files: give pydoc alone"),
    (["corpus", "train.txt", "--out", "new.txt"], r"train\.txt is not a Wikipedia dump, expected a file such"),
    (["corpus", "none.xml.bz2", "--out", "new.txt"], r"there is no corpus none\.xml\.bz2, expected"),
    (["train", "empty.txt", "--out", "new"], r"empty\.txt has no sentence"),
    (["train", "blank.txt", "--out", "new"], r"blank\.txt has no sentence"),
    (["train", "latin1.txt", "--out", "new"], r"latin1\.txt, line 2: not UTF-8"),
    (["train", "wiki.xml", "--out", "new"], r"wiki\.xml looks like XML or HTML, expected plain text"),
    (["train", "utf16.txt", "--out", "new"], r"utf16\.txt is UTF-16, expected UTF-8 text: convert it with iconv"),
    (["embed", "run", "wiki.xml", "--out", "new.npz"], r"wiki\.xml looks like XML or HTML, expected plain text"),
    (["train", "train.txt", "--valid", "none.txt", "--out", "new"], r"there is no corpus none\.txt"),
    (["train", "train.txt", "--valid", "empty.txt", "--out", "new"], r"empty\.txt has no sentence"),
    (["train", "three.txt", "--valid", "unseen.txt", "--out", "new"], "batch_size = 20, but there are 3 sentences"),
    (["train", "three.txt", "--out", "new"], r"too few sentences \(3\) to hold out|batch_size"),
    ([*TRAIN, "--set", "min_count=100000"], "min_count is 100000, but the most frequent word occurs"),
    (["evaluate", "run", "none.txt"], r"there is no corpus none\.txt"),
    (["evaluate", "run", "empty.txt"], r"empty\.txt has no sentence"),
    (["evaluate", "run", "latin1.txt"], r"latin1\.txt, line 2: not UTF-8"),
    (["embed", "run", "none.txt", "--out", "new.npz"], r"there is no corpus none\.txt"),
    (["embed", "run", "empty.txt", "--out", "new.npz"], r"empty\.txt has no sentence"),
    (["embed", "run", "latin1.txt", "--out", "new.npz"], r"latin1\.txt, line 2: not UTF-8"),
    (["similar", "run", "bank", *IN, "--corpus", "none.txt"], r"there is no corpus none\.txt"),
    # Places
    (["train", "train.txt", "--out", "run"], r"run already holds a run: give another directory, or continue it \("),
    (["train", "train.txt", "--out", "train.txt"], r"cannot make the folder train\.txt"),
    (["train", "train.txt", "--out", "train.txt/run"], r"cannot make the folder train\.txt/run"),
    (["train", "train.txt", "--out", "folder", "--resume"], r"folder has no last\.safetensors to resume from"),
    (["train", "train.txt", "--out", "none", "--resume"], r"none has no last\.safetensors to resume from"),
    (["train", "unseen.txt", "--out", "run", "--resume"], "the corpus is not the one that run was trained"),
    (["train", "train.txt", "--out", "run", "--resume", "--set", "batch_size=9"], "batch_size = 8, now it is 9"),
    (["train", "train.txt", "--out", "badconfig", "--resume"], r"badconfig/config\.toml is not TOML"),
    (["train", "train.txt", "--out", "badcheckpoint", "--resume"], r"badcheckpoint/last\.safetensors is damaged"),
    (["evaluate", "run", "unseen.txt", "--per-sentence", "none/x.tsv"], r"cannot write none/x\.tsv"),
    (["evaluate", "run", "unseen.txt", "--per-sentence", "folder"], "folder exists already"),
    (["evaluate", "run", "unseen.txt", "--per-sentence", "train.txt/x.tsv"], r"cannot write train\.txt/x\.tsv"),
    (["evaluate", "run", "unseen.txt", "--per-sentence", "run/model.safetensors"], "exists already"),
    (["embed", "run", "unseen.txt", "--out", "new.npy"], r"error: new\.npy: expected a name that ends in \.npz"),
    (["embed", "run", "unseen.txt", "--out", "vectors.npz"], r"vectors\.npz exists already: give another name"),
    (["embed", "run", "unseen.txt", "--out", "none/new.npz"], r"cannot write none/new\.npz: No such file"),
    (["embed", "run", "unseen.txt", "--out", "train.txt/new.npz"], r"cannot write train\.txt/new\.npz: Not a dir"),
    (["embed", "run", "unseen.txt", "--out", "x" * 300 + ".npz"], "File name too long"),
    (["train", "train.txt", "--out", "x" * 300], "File name too long"),
    (["evaluate", "x" * 300, "unseen.txt"], "File name too long"),
    (["evaluate", "run", "x" * 300], "there is no corpus x"),
    (["demo", "--out", "train.txt"], r"train\.txt is a file: expected a folder"),
    # Models
    (["evaluate", "none", "unseen.txt"], "cannot read none: No such file or directory; expected"),
    (["evaluate", "folder", "unseen.txt"], r"folder has no model\.safetensors: expected a folder that"),
    (["evaluate", "unfinished", "unseen.txt"], r"unfinished has no model\.safetensors: its first epoch"),
    (["evaluate", "damaged", "unseen.txt"], r"damaged/model\.safetensors is damaged: its SHA-256 does not match"),
    (["evaluate", "short", "unseen.txt"], r"short/model\.safetensors is damaged"),
    (["evaluate", "foreign", "unseen.txt"], r"foreign/model\.safetensors is a damaged zip archive"),
    (["evaluate", "train.txt", "unseen.txt"], r"train\.txt is a text file: expected a folder"),
    (["evaluate", "unseen.txt", "run"], r"unseen\.txt is not a model, but run is: .*elmo-np evaluate run unseen\.txt$"),
    (["similar", "bank", "run", *IN], "bank is not a model, but run is: .*: elmo-np similar run bank$"),
    (["task", "tag", "predict", "new.txt", "run"], r"elmo-np task tag predict run new\.txt$"),
    (["evaluate", ".", "unseen.txt"], r"\. has no model\.safetensors: expected one of the models in it: "),
    (["evaluate", "run/vocabulary.txt", "unseen.txt"], r"vocabulary\.txt is a file of the run run: expected run$"),
    (["evaluate", "other.safetensors", "unseen.txt"], r"other\.safetensors does not hold an elmo_np model"),
    (["evaluate", "wordless", "unseen.txt"], r"cannot read the vocabulary wordless/vocabulary\.txt"),
    (["evaluate", "otherwords", "unseen.txt"], r"otherwords/vocabulary\.txt is not the vocabulary"),
    (["evaluate", "badconfig", "unseen.txt"], r"badconfig/config\.toml is not TOML"),
    (["embed", "damaged", "unseen.txt", "--out", "new.npz"], "is damaged"),
    (["similar", "damaged", "bank", *IN], "is damaged"),
    (["sample", "damaged"], "is damaged"),
    # Requests that no model can meet
    (["evaluate", "run", "unseen.txt", "--batch-size", "0"], "batch_size = 0: expected a whole number of at least 1"),
    *[(["embed", "run", "unseen.txt", "--out", "new.npz", "--layer", layer],
       "expected 'all', 'top', 'average', 'sum', 'mix'")
      for layer in ("bottom", "2", "99", "-1", "1.5", "²")],
    *[(["similar", "run", "bank", *IN, "--top", top], f"top = {top}: expected a whole number of at least 1")
      for top in ("0", "-1")],
    (["similar", "run", "money", *IN], "the sentence has no word 'money'; its words: the bank of the river"),
    (["similar", "run", "xyzzy", "--in", "the xyzzy"], "'xyzzy' is not among the"),
    (["similar", "run", "bank", "--in", ""], "the argument after --in is empty: expected a value"),
    (["similar", "run", "bank", "--in", "bank to bank"], "'bank' occurs 2 times in the sentence: say which"),
    (["similar", "run", "bank", *IN, "--occurrence", "2"], "occurrence = 2, but 'bank' occurs 1 times"),
    (["similar", "run", "bank", *IN, "--occurrence", "0"], "occurrence = 0, but"),
    (["substitutes", "run", "money", *IN], "the sentence has no word 'money'; its words: the bank of the river"),
    (["substitutes", "run", "bank", *IN, "--top", "0"], "top = 0: expected a whole number of at least 1"),
    (["score", "run", "none.txt"], r"there is no corpus none\.txt"),
    (["score", "run", "empty.txt"], r"empty\.txt has no sentence"),
    (["sample", "run", "--temperature", "-1"], r"temperature = -1\.0: expected a number of at least 0"),
    (["sample", "run", "--top-p", "2"], r"top_p = 2\.0: expected a number above 0 and at most 1"),
    (["sample", "run", "--count", "0"], "count = 0: expected a whole number of at least 1"),
]


@pytest.mark.parametrize(("words", "message"), MISTAKES, ids=[" ".join(words)[:90] for words, _ in MISTAKES])
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2_and_nothing_is_lost(mess, do, words, message):
    before = everything(mess)
    _, err = do(*words, code=2)
    after = everything(mess)
    made = {path for path in after if path not in before}
    for path in made:       # what was begun: never a model, an array or a file that is half written
        after.pop(path)
        os.remove(mess / path)
    for path in before:     # put right what should not have changed: other tests need it
        if after.get(path) != before[path]:
            (mess / path).write_bytes(before[path])
    assert re.fullmatch(r"elmo-np: error: [^\n]+\n", err.removeprefix("reading the corpus\n")), err
    assert re.search(message, err), err
    assert "Traceback" not in err
    assert len(err) < 700
    assert after == before
    assert not {path.name for path in made} - {"config.toml", "vocabulary.txt", "metrics.csv", "last.safetensors"}


def test_mistakes_look_the_same_in_a_process_of_their_own(mess):
    for words in ["train", "none.txt", "--out", "new"], ["evaluate", "damaged", "unseen.txt"], ["nothing"]:
        done = command(*words, cwd=mess)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(r"elmo-np: error: [^\n]+\n", done.stderr)


@pytest.mark.parametrize(("name", "value"), [("ELMO_NP_KERNELS", "perhaps"), ("ELMO_NP_SIMD", "avx1024")])
def test_a_mistake_in_the_environment_is_one_line_too(name, value):
    if name == "ELMO_NP_SIMD" and backend.why_not():
        pytest.skip(backend.why_not())
    done = command("info", env={name: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"elmo-np: error: {name}={value}: [^\n]+\n", done.stderr), done.stderr[-300:]


def test_a_file_name_that_is_not_unicode_is_no_traceback(home, tmp_path):
    out = os.fsencode(tmp_path) + b"/caf\xe9.npz"
    done = command("embed", "run", "unseen.txt", "--out", out, cwd=home, capture_output=True, errors="replace")
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if os.path.exists(out) else 2)


def test_a_terminal_that_knows_ascii_alone_is_no_traceback(home):
    done = command("similar", "run", "bank", "--in", "the bank of the river", "--any-word", "--top", "400", cwd=home,
                   env={"PYTHONIOENCODING": "ascii"})
    assert "Traceback" not in done.stderr
    assert done.returncode == 0


def test_being_out_of_memory_is_one_line(do, monkeypatch):
    def big(*args, **kwargs):
        raise MemoryError("Unable to allocate 99 TiB")
    monkeypatch.setattr("elmo_np.cli.evaluate.evaluate", big)
    _, err = do("evaluate", "run", "unseen.txt", code=2)
    assert err == ("elmo-np: error: out of memory (Unable to allocate 99 TiB); make the model, the batch or the corpus "
                   "smaller\n")


def test_ctrl_c_before_training_is_no_traceback(do, monkeypatch):
    def pressed(*args, **kwargs):
        raise KeyboardInterrupt
    monkeypatch.setattr("elmo_np.cli.evaluate.evaluate", pressed)
    _, err = do("evaluate", "run", "unseen.txt", code=130)
    assert err == "elmo-np: stopped\n"
