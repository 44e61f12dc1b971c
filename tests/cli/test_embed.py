"""`elmo-np embed`: the arrays of the library in a file, with every option."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import elmo_np
from elmo_np import ELMo
from tests.commands import UNSEEN
from tests.embedding_helpers import arrays, interrupted
from tests.task_helpers import same_vectors
from tests.training_helpers import contents


@pytest.mark.parametrize("layer", ["all", "top", "average", "sum", "mix", "0", "1"])
@pytest.mark.parametrize("state", ["reset", "warm"])
def test_embed_writes_the_arrays_that_the_library_gives(do, tmp_path, layer, state):
    path = tmp_path / "vectors.npz"
    out, _ = do("embed", "run", "unseen.txt", "--out", path, "--layer", layer, "--state", state)
    assert out == f"{path}: {len(UNSEEN)} sentences, arrays \"0\" to \"{len(UNSEEN) - 1}\" (read with numpy.load)\n"
    elmo = ELMo.load("run")
    expected = elmo.embed(UNSEEN, state) if layer == "all" else elmo.vectors(
        UNSEEN, int(layer) if layer.isdigit() else layer, state)
    with np.load(path, allow_pickle=False) as file:
        assert file.files == [str(k) for k in range(len(UNSEEN))]
        for k, array in enumerate(expected):
            np.testing.assert_array_equal(file[str(k)], array)
            assert file[str(k)].dtype == np.float32
    assert sorted(contents(tmp_path)) == ["vectors.npz"]


def test_the_same_text_is_embedded_to_the_same_bytes(do, tmp_path):
    for name in "one.npz", "two.npz":
        do("embed", "run", "unseen.txt", "--out", tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_embed_skips_blank_lines(do, tmp_path):
    (tmp_path / "text.txt").write_text("\nthe bank\n\n \t\nthe river .\n\n")
    out, _ = do("embed", "run", tmp_path / "text.txt", "--out", tmp_path / "vectors.npz", "--layer", "top")
    assert out == (f'{tmp_path / "vectors.npz"}: 2 sentences, arrays "0" to "1" (read with numpy.load); '
                   "4 blank lines skipped\n")
    with np.load(tmp_path / "vectors.npz", allow_pickle=False) as file:
        assert [file[name].shape for name in file.files] == [(2, 16), (3, 16)]


def test_the_command_has_every_option(do, tmp_path, home):
    out, _ = do("embed", "run", "unseen.txt", "--out", tmp_path / "x.npz", "--shard", "1/4", "--marks", "--layer",
                "top", "--resume")
    assert out == f"{tmp_path / 'x.npz'}: 8 sentences, arrays \"1\" to \"29\" (read with numpy.load)\n"
    second = (home / "unseen.txt").read_text(encoding="utf-8").split("\n")[1].split()
    expected = ELMo.load("run").vectors([second], marks=True)[0]
    np.testing.assert_allclose(arrays(tmp_path / "x.npz")["1"], expected, rtol=0, atol=1e-6)
    for shard in "1", "a/2", "-1/2", "1/2/3", f"0/{10**20}":
        _, err = do("embed", "run", "unseen.txt", "--out", tmp_path / "y.npz", f"--shard={shard}", code=2)
        assert f"argument --shard: '{shard}': expected i/N, such as 0/4" in err
    _, err = do("embed", "run", "unseen.txt", "--out", tmp_path / "y.npz", "--cache", "x", code=2)
    assert "looks words up by id" in err


# Several processes of an MPI launcher


def launched(monkeypatch, rank, size):
    monkeypatch.setenv("PMI_RANK", str(rank))
    monkeypatch.setenv("PMI_SIZE", str(size))


def test_each_process_of_a_launcher_takes_its_shard_and_writes_its_own_file(do, tmp_path, monkeypatch):
    do("embed", "run", "unseen.txt", "--out", tmp_path / "all.npz", "--layer", "top")
    found = {}
    for rank in range(3):
        launched(monkeypatch, rank, 3)
        part = tmp_path / f"x.y-{rank}-of-3.npz"
        out, _ = do("embed", "run", "unseen.txt", "--out", tmp_path / "x.y.npz", "--layer", "top")
        assert out.startswith(f"{part}: ")
        found |= arrays(part)
    expected = arrays(tmp_path / "all.npz")
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        same_vectors(found[name], array)
    assert sorted(contents(tmp_path)) == ["all.npz", *(f"x.y-{rank}-of-3.npz" for rank in range(3))]


def test_a_single_process_of_a_launcher_and_one_with_a_shard_work_as_without(do, tmp_path, monkeypatch):
    launched(monkeypatch, 0, 1)
    do("embed", "run", "unseen.txt", "--out", tmp_path / "one.npz", "--layer", "top")
    launched(monkeypatch, 1, 2)
    do("embed", "run", "unseen.txt", "--out", tmp_path / "part.npz", "--layer", "top", "--shard", "3/4")
    assert len(arrays(tmp_path / "one.npz")) == len(UNSEEN)
    assert [*arrays(tmp_path / "part.npz")][:2] == ["3", "7"]


def test_resuming_several_processes_keeps_the_parts_that_are_done(do, tmp_path, monkeypatch):
    (tmp_path / "other.txt").write_text("the bank\nthe river .\n")
    command = ["embed", "run", "unseen.txt", "--out", tmp_path / "x.npz", "--layer", "top", "--resume"]
    path = tmp_path / "x-0-of-2.npz"
    launched(monkeypatch, 0, 2)
    first = do(*command).out
    before = path.read_bytes()
    out, err = do(*command)
    assert out == first
    assert err.endswith(f"{path} exists already, made from the same text by the same model: it is done\n")
    _, err = do("embed", "run", tmp_path / "other.txt", *command[3:], code=2)
    assert f"{path} exists already, and does not record that it was made from this text by this model " in err
    launched(monkeypatch, 1, 2)
    assert "arrays \"1\" to " in do(*command).out
    assert path.read_bytes() == before
    _, err = do(*command[:-1], code=2)
    assert "x-1-of-2.npz exists already: give another name" in err


@pytest.mark.parametrize(("text", "options", "message"), [
    ("-", [], "-, standard input, with 2 processes: expected files, which all of them can read"),
    ("unseen.txt", ["--cache", "words.safetensors"], "--cache with 2 processes: expected none"),
    ("unseen.txt", ["--state", "carry"], "state carry with a shard: "),
    ("absent.txt", [], "absent.txt"),
])
def test_what_several_processes_cannot_share_is_one_line_on_each(do, tmp_path, monkeypatch, text, options, message):
    for rank in range(2):
        launched(monkeypatch, rank, 2)
        out, err = do("embed", "run", text, "--out", tmp_path / "x.npz", *options, code=2)
        assert (out, err.count("\n")) == ("", 1)
        assert message in err
    assert not list(tmp_path.iterdir())


def test_mpiexec_shares_a_text_among_its_processes(home, tmp_path):
    mpiexec = shutil.which("mpiexec") or pytest.skip("mpiexec, a launcher of MPI, is not installed")
    words = [sys.executable, "-m", "elmo_np", "embed", "run", "unseen.txt", "--out", str(tmp_path / "x.npz"),
             "--layer", "top", "--resume"]
    environment = {**os.environ, "PYTHONPATH": str(Path(elmo_np.__file__).parents[1])}
    done = subprocess.run([mpiexec, "-n", "2", *words], cwd=home, text=True, capture_output=True, timeout=120,
                          env=environment)
    assert done.returncode == 0, done.stderr
    assert sorted(line.partition(":")[0] for line in done.stdout.splitlines()) == [
        f"{tmp_path}/x-{rank}-of-2.npz" for rank in range(2)]
    found = {int(name) for rank in range(2) for name in arrays(tmp_path / f"x-{rank}-of-2.npz")}
    assert found == set(range(len(UNSEEN)))


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(do, tmp_path, monkeypatch, home):
    monkeypatch.setattr("elmo_np.inference.embed_file.BLOCK", 60)
    interrupted(monkeypatch, 20, torn=False)
    _, err = do("embed", "run", "unseen.txt", "--out", tmp_path / "x.npz", code=130)
    assert re.search(rf"elmo-np: stopped: \d+ sentences are kept in {tmp_path}/x\.npz\.part; to go on: the same "
                     r"command with --resume\n$", err)


def test_unknown_words_are_counted_and_more_than_a_third_is_a_warning(do, tmp_path):
    (tmp_path / "text.txt").write_text("the bank of zymurgy .\n")
    (tmp_path / "capitals.txt").write_text("THE BANK OF zymurgy .\n")
    _, err = do("embed", "run", tmp_path / "text.txt", "--out", tmp_path / "1.npz")
    assert err.startswith("note: 1 of 5 words (20.0%) are unknown to the model, which reads <UNK> in their place\n")
    _, err = do("embed", "run", tmp_path / "capitals.txt", "--out", tmp_path / "2.npz")
    assert err.startswith("warning: 4 of 5 words (80.0%) are unknown to the model, which reads <UNK> in their place: "
                          "it knows 3 of them in lower case; give the text in lower case\n")


def test_a_mean_in_which_the_marks_count_is_said(do, tmp_path):
    (tmp_path / "text.txt").write_text("the bank of the bank .\n")
    options = ["run", tmp_path / "text.txt", "--mean", "--layer", "top", "--out"]
    assert do("embed", *options, tmp_path / "words.npz")[1] == ""
    _, err = do("embed", *options, tmp_path / "marks.npz", "--marks")
    assert err == ("note: <S> and </S> count in the mean (--mean, mean=True) because the marks are asked for (--marks, "
                   "marks=True); without them it is the mean of the words\n")
    sentence = ["the", "bank", "of", "the", "bank", "."]
    for name, marks in ("words", False), ("marks", True):
        whole = ELMo.load("run").vectors([sentence], marks=marks)[0]
        np.testing.assert_allclose(arrays(tmp_path / f"{name}.npz")["0"], whole.mean(axis=0), rtol=0, atol=2e-6)


def test_embed_prints_what_it_has_done_as_json(do, tmp_path):
    (tmp_path / "text.txt").write_text("the bank\n\nthe river .\n")
    path = tmp_path / "vectors.npz"
    found = json.loads(do("embed", "run", tmp_path / "text.txt", "--out", path, "--shard", "1/2", "--json").out)
    assert found == {"out": str(path), "sentences": 1, "first": 1, "step": 2, "blank_lines": 1}


def test_embed_reads_proteins(do, tmp_path):
    (tmp_path / "p.fasta").write_text(">sp|P1|ONE first\nMKV\n\n>two\nmkv-u*\n")
    path = tmp_path / "x.npz"
    options = ["--fasta", "--layer", "sum", "--mean"]
    out, err = do("embed", "run", *options, tmp_path / "p.fasta", "--out", path)
    assert out == (f"{path}: 2 proteins, arrays by their ids (read with numpy.load); B, J, O, U, X or Z, which models "
                   "have seen rarely: 1; lower-case letters, read as upper case: 4; gaps and stops (- . *), left out: "
                   "2\n")
    assert {name: array.shape for name, array in arrays(path).items()} == {"sp|P1|ONE": (16,), "two": (16,)}
    assert "are unknown to the model" in err            # which reads words
    found = json.loads(do("embed", "run", *options, tmp_path / "p.fasta", "--out", tmp_path / "y.npz", "--json").out)
    assert found == {"out": str(tmp_path / "y.npz"), "sentences": 2, "odd": 1, "lower": 4, "left_out": 2}


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_dna_in_place_of_proteins_is_a_warning_on_stderr(do, tmp_path, how):
    (tmp_path / "p.fasta").write_text(">a\n" + "ACGTN" * 20 + "\n")
    out, err = do("embed", "run", "--fasta", tmp_path / "p.fasta", "--out", tmp_path / "x.npz", *how)
    assert "warning: all letters are A, C, G, T, U or N: expected proteins, not DNA or RNA" in err
    assert "DNA" not in out


def test_fasta_without_the_option_is_not_read_as_text(do, tmp_path):
    (tmp_path / "p.fasta").write_text(">sp|P1|ONE first\nMKVLAAGIVG\nMK\n")
    out, err = do("embed", "run", tmp_path / "p.fasta", "--out", tmp_path / "x.npz", code=2)
    assert (out, "p.fasta looks like FASTA" in err, "embed --fasta reads proteins" in err) == ("", True, True)


@pytest.mark.parametrize(("extra", "message"), [
    (["unseen.txt"], "before the first record, expected FASTA"), (["pydoc"], "pydoc with --fasta: expected FASTA"),
    (["unseen.txt", "--tokenize"], "error: --tokenize with --fasta: expected"),
    (["unseen.txt", "--no-tokenize"], "error: --no-tokenize with --fasta: expected"),
    (["absent.fasta"], "absent.fasta")])
def test_what_is_not_fasta_is_one_line(do, tmp_path, extra, message):
    out, err = do("embed", "run", *extra, "--fasta", "--out", tmp_path / "x.npz", code=2)
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not list(tmp_path.iterdir())
