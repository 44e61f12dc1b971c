"""embed_file: a whole text to a file, whatever stops the work on the way."""

import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import elmo_np
from elmo_np import Vocabulary
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import replaced
from elmo_np.data.fasta import FastaCorpus
from elmo_np.errors import UserError
from elmo_np.inference import embed_file
from elmo_np.inference.encoder import arrays_of
from elmo_np.io import npz_to_hdf5, safetensors_file
from elmo_np.io.npz import ArrayFile
from elmo_np.runtime import progress
from elmo_np.runtime.signals import Interrupted
from elmo_np.training.initial_model import new_elmo
from tests.commands import command, write
from tests.embedding_helpers import SENTENCES, arrays, interrupted, of_characters, of_gru
from tests.posix import needs_links, needs_signals

TEXT = [*SENTENCES[:20], ["long"] * 90, *SENTENCES[20:40]]
WORDS = Vocabulary.build(TEXT)


def of_words(**changes):
    return new_elmo(replaced(Settings(), hidden_dim=6, embedding_dim=6, layers=2, init_scale=0.8, **changes), WORDS)


KINDS = {"words": of_words, "characters": of_characters, "gru": of_gru}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Blocks of a few sentences, windows of some, and a sentence that comes in parts."""
    monkeypatch.setattr("elmo_np.inference.embed_file.BLOCK", 60)
    monkeypatch.setattr("elmo_np.inference.encoder.WINDOW", 36 * 40)


def run(elmo, out, **how):
    return embed_file.embed_file(elmo, TEXT, out, quiet=True, **how)


# What is in the file


@pytest.mark.parametrize("layer", ["all", "top", "average", "mix", "0"])
@pytest.mark.parametrize("marks", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_file_holds_what_the_library_gives(tmp_path, kind, layer, marks, monkeypatch):
    elmo = KINDS[kind]()
    assert run(elmo, tmp_path / "x.npz", layer=layer, marks=marks) == len(TEXT)
    monkeypatch.undo()          # no parts, no blocks
    expected = elmo.stream(TEXT, int(layer) if layer.isdecimal() else layer, marks=marks)
    found = arrays(tmp_path / "x.npz")
    assert list(found) == [str(k) for k in range(len(TEXT))]
    for one, other in zip(found.values(), expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6)
    assert os.listdir(tmp_path) == ["x.npz"]


def test_a_layer_may_be_a_number_as_in_the_library(tmp_path):
    elmo = of_characters()
    for name, layer in ("a.npz", 1), ("b.npz", "1"):
        embed_file.embed_file(elmo, SENTENCES[:3], tmp_path / name, layer=layer, quiet=True)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    np.testing.assert_array_equal(arrays(tmp_path / "a.npz")["0"], elmo.vectors(SENTENCES[:3], 1)[0])
    with pytest.raises(UserError, match="layer 9: expected"):
        embed_file.embed_file(elmo, SENTENCES[:3], tmp_path / "c.npz", layer=9, quiet=True)


def test_a_text_of_no_sentence_is_an_empty_file(tmp_path):
    assert embed_file.embed_file(of_words(), [], tmp_path / "x.npz", quiet=True) == 0
    assert arrays(tmp_path / "x.npz") == {}


def test_carry_goes_on_from_sentence_to_sentence(tmp_path):
    elmo = of_words()
    run(elmo, tmp_path / "x.npz", state="carry", layer="top")
    other = of_words()
    for name, found in arrays(tmp_path / "x.npz").items():
        np.testing.assert_array_equal(found, other.vectors([TEXT[int(name)]], "top", "carry")[0])


def test_a_sentence_that_is_empty_or_a_string_is_named_by_its_number_in_the_whole_text(tmp_path):
    for bad, what in ([], "is empty"), ("the bank", "is the string"):
        with pytest.raises(UserError, match=f"sentence {len(TEXT)} {what}"):
            embed_file.embed_file(of_words(), [*TEXT, bad], tmp_path / "x.npz", quiet=True)
    assert os.listdir(tmp_path) == []


# Memory


def peak(tmp_path, text):
    """Bytes at the most, of Python and NumPy, while a text is embedded."""
    elmo, out = of_words(), tmp_path / f"{len(text)}-{len(text[-1])}.npz"
    tracemalloc.start()
    embed_file.embed_file(elmo, text, out, quiet=True)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_does_not_grow_with_the_text(tmp_path):
    peak(tmp_path, TEXT[:1])        # what is made once
    few, many = peak(tmp_path, TEXT * 6), peak(tmp_path, TEXT * 24)
    more = 18 * sum(map(len, TEXT)) * 3 * 12 * 4        # bytes of the vectors by which the two differ
    assert many - few < 0.05 * more


def test_memory_grows_by_a_small_part_of_what_a_longer_line_gives(tmp_path, monkeypatch):
    monkeypatch.setattr("elmo_np.inference.encoder.WINDOW", 36 * 200)
    monkeypatch.setattr("elmo_np.io.npz.CHUNK", 1 << 12)
    peak(tmp_path, TEXT[:1])
    short, long = peak(tmp_path, [["the"] * 4000]), peak(tmp_path, [["the"] * 12000])
    assert long - short < 0.4 * (12000 - 4000) * 3 * 12 * 4        # its number and its place: some 50 bytes a word


# Interrupted and gone on with


@pytest.mark.parametrize("state", ["reset", "warm", "carry"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_stopped_anywhere_ends_with_the_same_bytes(tmp_path, kind, state, monkeypatch):
    run(KINDS[kind](), tmp_path / "once.npz", state=state)
    whole, kept = (tmp_path / "once.npz").read_bytes(), set()
    for at in 0, 1, 7, 20, 21, 40:
        out = tmp_path / f"{at}.npz"
        release = interrupted(monkeypatch, at, torn=at % 2 == 0)
        with pytest.raises(Interrupted, match=r"^stopped: \d+ sentences are kept"):
            run(KINDS[kind](), out, state=state)
        release()
        assert not out.exists()
        folder = tmp_path / f"{at}.npz.part"
        kept.add(folder.exists())
        run(KINDS[kind](), out, state=state, resume=True)
        assert out.read_bytes() == whole
        assert not folder.exists()
    assert kept == {True, False}


@needs_signals
@pytest.mark.parametrize("suffix", ["npz", "hdf5"])
def test_ctrl_c_ends_with_the_sentence_or_the_array_that_is_at_work(tmp_path, suffix, monkeypatch):
    if suffix == "hdf5":
        pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")
    where, name = (npz_to_hdf5, "_copy") if suffix == "hdf5" else (ArrayFile, "add")
    call = getattr(where, name)

    def pressed(one, k, *rest):
        call(one, k, *rest)
        if k == "30":
            os.kill(os.getpid(), signal.SIGINT)
    monkeypatch.setattr(where, name, pressed)
    with pytest.raises(Interrupted, match=r"^stopped: \d+ sentences are kept in .*part$"):
        run(of_characters(), tmp_path / f"x.{suffix}")
    assert os.listdir(tmp_path) == [f"x.{suffix}.part"]
    monkeypatch.undo()
    run(of_characters(), tmp_path / f"x.{suffix}", resume=True)
    assert os.listdir(tmp_path) == [f"x.{suffix}"]


def test_stopped_again_and_again_it_still_ends_with_the_same_bytes(tmp_path, monkeypatch):
    run(of_characters(), tmp_path / "once.npz")
    for at in 5, 12, 12, 30:
        release = interrupted(monkeypatch, at, torn=True)
        with pytest.raises(Interrupted):
            run(of_characters(), tmp_path / "x.npz", resume=True)
        release()
    run(of_characters(), tmp_path / "x.npz", resume=True)
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "once.npz").read_bytes()


@needs_signals
def test_a_killed_process_goes_on(home, tmp_path):
    """kill -9, in whatever state that leaves the files."""
    text = write(tmp_path / "text.txt", [sentence for sentence in SENTENCES if "\n" not in sentence] * 60)
    words = ["embed", "run", text, "--out"]
    done = command(*words, tmp_path / "once.npz", cwd=home)
    assert done.returncode == 0, done.stderr
    code = ("import elmo_np.inference.embed_file as e, sys; e.BLOCK = 300; "
            "from elmo_np.cli.main import main; sys.exit(main())")
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(elmo_np.__file__))}
    place = tmp_path / "x.npz.part" / "place.safetensors"
    with subprocess.Popen([sys.executable, "-c", code, *words, tmp_path / "x.npz"], cwd=home, env=environment,
                          stderr=subprocess.DEVNULL) as process:
        while not place.exists() and process.poll() is None:
            time.sleep(0.001)
        begun = place.read_bytes()
        while place.read_bytes() == begun and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "x.npz").exists()
    done = command(*words, tmp_path / "x.npz", "--resume", cwd=home)
    assert done.returncode == 0, done.stderr
    one, other = arrays(tmp_path / "x.npz"), arrays(tmp_path / "once.npz")
    assert list(one) == list(other)
    for name, array in one.items():         # the blocks were of another size: rounding may differ
        np.testing.assert_allclose(array, other[name], rtol=0, atol=1e-6)


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A file of which a part is there."""
    release = interrupted(monkeypatch, 12, torn=True)
    with pytest.raises(Interrupted):
        run(of_characters(), tmp_path / "x.npz")
    release()
    return tmp_path / "x.npz"


def test_the_cache_is_not_the_file_to_write(tmp_path):
    with pytest.raises(UserError, match=r"x\.npz is both the file to write and the cache, which would be lost"):
        run(of_characters(), tmp_path / "x.npz", cache=tmp_path / "x.npz")
    assert not [*tmp_path.iterdir()]


def test_what_is_there_is_not_overwritten_without_resume(begun):
    before = (begun.parent / "x.npz.part" / "arrays.npz").read_bytes()
    with pytest.raises(UserError, match=r"x\.npz\.part holds the beginning of x\.npz: go on with it \("):
        run(of_characters(), begun)
    assert (begun.parent / "x.npz.part" / "arrays.npz").read_bytes() == before


@pytest.mark.parametrize("suffix", ["npz", "hdf5"])
def test_a_finished_file_is_known_by_what_it_was_made_from(tmp_path, suffix, monkeypatch):
    if suffix == "hdf5":
        pytest.importorskip("h5py")
    path = tmp_path / f"x.{suffix}"
    run(of_characters(), path, layer="top")
    before = path.read_bytes()
    (tmp_path / f"{path.name}.part").mkdir()        # as a killed run may leave it
    with monkeypatch.context() as patch:
        patch.setattr(embed_file, "_embed", None)   # nothing is computed
        patch.setattr(embed_file.WordCache, "add", None)
        assert run(of_characters(), path, layer="top", cache=tmp_path / "words", resume=True) == len(TEXT)
        assert os.listdir(tmp_path) == [path.name]
        for how in {"layer": "all"}, {"layer": "top", "mean": True}, {"layer": "top", "shard": (0, 2)}:
            with pytest.raises(UserError, match=rf"x\.{suffix} exists already, and does not record that it was made"):
                run(of_characters(), path, resume=True, **how)
        with pytest.raises(UserError, match="does not record that it was made from this text by this model"):
            run(of_characters(residual=False), path, layer="top", resume=True)
    assert path.read_bytes() == before
    for content in b"", b"text", before[:-3]:
        path.write_bytes(content)
        with pytest.raises(UserError, match="exists already, and does not record"):
            run(of_characters(), path, layer="mix", resume=True)
        assert path.read_bytes() == content


@pytest.mark.parametrize(("how", "message"), [
    ({"layer": "top"}, "layer was 'all', now it is 'top'"), ({"state": "warm"}, "state was 'reset', now it is 'warm'"),
    ({"marks": True}, "marks was 'false', now it is 'true'"), ({"shard": (0, 2)}, "shard was '0/1', now it is '0/2'"),
])
def test_other_settings_than_it_was_begun_with_are_refused(begun, how, message):
    with pytest.raises(UserError, match=rf"x\.npz\.part was begun with other settings: {message}; give the same"):
        run(of_characters(), begun, resume=True, **how)
    run(of_characters(), begun, resume=True)         # nothing was lost


@pytest.mark.parametrize("texts", [{"sentences": "many"}, {"sentences": "-1"}, {"bytes": "1e3"}, {"bytes": "9" * 19},
                                   {"sentences": None}, {"bytes": None}, {"bytes": "0"}], ids=str)
def test_a_place_that_counts_nothing_is_refused(begun, texts):
    place = begun.parent / "x.npz.part" / "place.safetensors"
    tensors, before = safetensors_file.load(place)
    changed = {name: text for name, text in {**before, **texts}.items() if text is not None}
    safetensors_file.save(place, tensors, changed)
    with pytest.raises(UserError, match=r"place\.safetensors is damaged: expected how many sentences and bytes are"):
        run(of_characters(), begun, resume=True)
    safetensors_file.save(place, tensors, before)
    run(of_characters(), begun, resume=True)


@pytest.mark.parametrize("change", [lambda h: None, lambda h: h[0], lambda h: h.astype(float), lambda h: h * np.nan,
                                    lambda h: np.repeat(h, 2, axis=0)])
def test_a_carried_state_that_is_not_the_models_is_refused(tmp_path, monkeypatch, change):
    release = interrupted(monkeypatch, 12, torn=True)
    with pytest.raises(Interrupted):
        run(of_characters(), tmp_path / "x.npz", state="carry")
    release()
    place = tmp_path / "x.npz.part" / "place.safetensors"
    tensors, texts = safetensors_file.load(place)
    h = change(tensors.pop("f.0.h"))
    safetensors_file.save(place, tensors if h is None else {**tensors, "f.0.h": h}, texts)
    with pytest.raises(UserError, match=r"place\.safetensors is damaged: .* a finite carried state of this model"):
        run(of_characters(), tmp_path / "x.npz", state="carry", resume=True)


def test_another_model_or_text_than_it_was_begun_with_is_refused(begun):
    with pytest.raises(UserError, match="the model was another one; give the same, or remove it"):
        run(of_characters(residual=False), begun, resume=True)
    with pytest.raises(UserError, match="the text was another one"):
        embed_file.embed_file(of_characters(), TEXT[1:], begun, resume=True, quiet=True)


def test_a_part_that_lost_bytes_is_refused(begun):
    os.truncate(begun.parent / "x.npz.part" / "arrays.npz", 100)
    with pytest.raises(UserError, match=r"arrays\.npz is shorter than it was: expected at least \d+ bytes"):
        run(of_characters(), begun, resume=True)


@pytest.mark.parametrize("where", [0, 5, 30, 0.1, 0.5, 0.9, -1])
@pytest.mark.parametrize("state", ["reset", "carry"])
def test_a_bit_that_flipped_in_what_is_done_is_found_and_done_again(tmp_path, monkeypatch, where, state):
    run(of_characters(), tmp_path / "whole.npz", state=state)
    monkeypatch.setattr(embed_file, "BLOCK", 60)
    release = interrupted(monkeypatch, 30, torn=False)
    with pytest.raises(Interrupted):
        run(of_characters(), tmp_path / "x.npz", state=state)
    release()
    part = tmp_path / "x.npz.part" / "arrays.npz"
    data = bytearray(part.read_bytes())
    assert len(data) > 5000
    data[where if isinstance(where, int) else int(where * len(data))] ^= 16
    part.write_bytes(data)
    run(of_characters(), tmp_path / "x.npz", state=state, resume=True)
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_a_disk_that_is_full_keeps_what_is_done(tmp_path, monkeypatch):
    add = ArrayFile.add

    def adds(self, name, tokens, parts):
        if name == "30":
            raise OSError(28, "No space left on device")
        add(self, name, tokens, parts)
    monkeypatch.setattr(ArrayFile, "add", adds)
    with pytest.raises(UserError, match=r"cannot write .*x\.npz: No space left on device"):
        run(of_characters(), tmp_path / "x.npz")
    monkeypatch.setattr(ArrayFile, "add", add)
    run(of_characters(), tmp_path / "x.npz", resume=True)
    assert len(arrays(tmp_path / "x.npz")) == len(TEXT)


@pytest.mark.parametrize("where", ["elmo_np.runtime.files.os.replace", "elmo_np.io.npz._local_header"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_disk_that_is_full_from_the_beginning_leaves_nothing(tmp_path, monkeypatch, resume, where):
    def full(*_):
        raise OSError(28, "No space left on device")

    def close(self, close=ArrayFile.close):
        close(self)
        full()
    with monkeypatch.context() as patch:
        patch.setattr(where, full)
        patch.setattr(ArrayFile, "close", close)
        with pytest.raises(UserError, match="No space left on device"):
            run(of_characters(), tmp_path / "x.npz", resume=resume)
    assert os.listdir(tmp_path) == []
    run(of_characters(), tmp_path / "x.npz")


def test_names_are_on_the_disk_before_the_command_ends(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))
    run(of_characters(), tmp_path / "x.npz")
    assert synced[-1] == tmp_path.stat().st_ino
    assert (tmp_path / "x.npz").stat().st_ino in synced


# Files and folders of somebody else


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("name", ["thesis.txt", "arrays.npz"])
def test_a_folder_that_somebody_else_made_is_refused_and_stays(tmp_path, resume, name):
    folder = tmp_path / "x.npz.part"
    folder.mkdir()
    (folder / name).write_text("kept")
    with pytest.raises(UserError, match=r"x\.npz\.part does not hold the beginning of a file: expected no such"):
        run(of_characters(), tmp_path / "x.npz", resume=resume)
    assert os.listdir(tmp_path) == ["x.npz.part"]
    assert (folder / name).read_text() == "kept"


def test_a_file_that_somebody_else_put_into_the_folder_stays(begun):
    (begun.parent / "x.npz.part" / "thesis.txt").write_text("kept")
    run(of_characters(), begun, resume=True)
    assert os.listdir(begun.parent / "x.npz.part") == ["thesis.txt"]


@needs_links
@pytest.mark.parametrize("name", ["x.npz.part/arrays.npz", "x.npz.part/place.safetensors", "x.npz.part"])
def test_a_link_in_the_place_of_what_is_done_is_refused(begun, name):
    path, moved = begun.parent / name, begun.parent / "moved"
    path.rename(moved)
    path.symlink_to(moved)
    before = {file: file.read_bytes() for file in [moved, *moved.glob("*")] if file.is_file()}
    with pytest.raises(UserError, match="does not hold the beginning of a file"):
        run(of_characters(), begun, resume=True)
    assert {file: file.read_bytes() for file in before} == before


@needs_links
@pytest.mark.parametrize("name", ["x.npz", ".x.npz.lock"])
def test_a_link_to_another_file_is_not_followed(tmp_path, name):
    (tmp_path / name).symlink_to(tmp_path / "other")
    with pytest.raises(UserError, match=r"exists already|cannot write .*: Too many levels of symbolic links"):
        run(of_characters(), tmp_path / "x.npz")
    assert os.listdir(tmp_path) == [name]


# Shards


def test_shards_are_the_whole_with_the_numbers_of_the_whole(tmp_path):
    run(of_characters(), tmp_path / "whole.npz")
    found = {}
    for i in range(3):
        count = run(of_characters(), tmp_path / f"{i}.npz", shard=(i, 3))
        part = arrays(tmp_path / f"{i}.npz")
        assert count == len(part)
        assert {int(name) % 3 for name in part} == {i}
        found |= part
    whole = arrays(tmp_path / "whole.npz")
    assert found.keys() == whole.keys()
    for name, array in whole.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=2e-6)


def test_a_shard_of_more_parts_than_can_be_counted_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"shard 0/100000000000000000000: expected i/N"):
        run(of_characters(), tmp_path / "x.npz", shard=(0, 10**20))
    assert not any(tmp_path.iterdir())


def test_a_shard_can_be_stopped_and_gone_on_with(tmp_path, monkeypatch):
    run(of_characters(), tmp_path / "once.npz", shard=(1, 2))
    release = interrupted(monkeypatch, 25, torn=True)
    with pytest.raises(Interrupted):
        run(of_characters(), tmp_path / "x.npz", shard=(1, 2))
    release()
    run(of_characters(), tmp_path / "x.npz", shard=(1, 2), resume=True)
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "once.npz").read_bytes()


@pytest.mark.parametrize(("shard", "message"), [((3, 3), "shard 3/3: expected i/N, i from 0 to N - 1"),
                                                ((0, 0), "shard 0/0: expected i/N")])
def test_a_shard_that_is_none_is_refused(tmp_path, shard, message):
    with pytest.raises(UserError, match=message):
        run(of_characters(), tmp_path / "x.npz", shard=shard)


def test_a_shard_of_a_carried_state_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"state carry with a shard: .*expected state reset or warm"):
        run(of_characters(), tmp_path / "x.npz", shard=(0, 2), state="carry")


# HDF5


@pytest.mark.parametrize("suffix", ["hdf5", "h5"])
def test_an_hdf5_file_holds_the_same_arrays_and_the_sentences(tmp_path, suffix, monkeypatch):
    h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")
    monkeypatch.setattr("elmo_np.io.npz_to_hdf5.ROWS", 7)
    run(of_characters(), tmp_path / "x.npz")
    expected = arrays(tmp_path / "x.npz")
    release = interrupted(monkeypatch, 12, torn=True)
    with pytest.raises(Interrupted):
        run(of_characters(), tmp_path / f"x.{suffix}")
    release()
    run(of_characters(), tmp_path / f"x.{suffix}", resume=True)
    run(of_characters(), tmp_path / f"once.{suffix}")
    assert (tmp_path / f"x.{suffix}").read_bytes() == (tmp_path / f"once.{suffix}").read_bytes()
    with h5py.File(tmp_path / f"x.{suffix}") as file:
        assert set(file) == {*expected, "sentences"}
        for name, array in expected.items():
            np.testing.assert_array_equal(file[name][...], array)
            assert file[name].dtype == np.float32
        place = {sentence: str(k) for k, sentence in enumerate(file["sentences"].asstr())}
    assert [place[" ".join(sentence)] for sentence in TEXT[18:22]] == ["18", "19", "20", "21"]
    assert set(os.listdir(tmp_path)) == {f"once.{suffix}", f"x.{suffix}", "x.npz"}


def test_without_h5py_an_hdf5_file_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UserError, match=r"HDF5 files need h5py .*run: pip install h5py"):
        run(of_characters(), tmp_path / "x.hdf5")
    assert os.listdir(tmp_path) == []


# The command


def test_the_progress_says_what_is_done_and_what_is_left(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    monkeypatch.setattr(embed_file, "SETTLED", 0)
    embed_file.embed_file(of_characters(), TEXT, tmp_path / "x.npz")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(TEXT)
    assert all(re.fullmatch(r"\d+ of 41 sentences, [\d,]+\.\d per second, \d+:\d\d left", line) for line in lines)
    assert lines[-1].endswith(" 0:00 left")


# The cache of words


def test_a_run_with_a_cache_ends_with_the_same_bytes_when_it_was_stopped(tmp_path, monkeypatch):
    run(of_characters(), tmp_path / "once.npz", cache=tmp_path / "one")
    release = interrupted(monkeypatch, 25, torn=True)
    with pytest.raises(Interrupted):
        run(of_characters(), tmp_path / "x.npz", cache=tmp_path / "two")
    release()
    run(of_characters(), tmp_path / "x.npz", cache=tmp_path / "two", resume=True)
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "once.npz").read_bytes()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("state", ["reset", "carry"])
def test_the_callers_elmo_keeps_its_cache_and_its_carried_state(tmp_path, state):
    elmo = of_characters()
    elmo.embed(SENTENCES[:2], "carry")
    before = vars(elmo).copy()
    carried = [array.copy() for array in arrays_of(elmo.carried)]
    run(elmo, tmp_path / "x.npz", state=state, cache=tmp_path / "words")
    assert vars(elmo) == before
    for one, other in zip(arrays_of(elmo.carried), carried, strict=True):
        np.testing.assert_array_equal(one, other)


def test_four_threads_that_embed_with_one_elmo_leave_it_as_it_was(tmp_path):
    elmo = of_characters()
    run(elmo, tmp_path / "once.npz", cache=tmp_path / "words")
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(run, elmo, tmp_path / f"{k}.npz", cache=tmp_path / "words") for k in range(4)]
        assert [job.result() for job in jobs] == [len(TEXT)] * 4
    assert elmo.cache is None
    assert elmo.carried is None
    for k in range(4):
        assert (tmp_path / f"{k}.npz").read_bytes() == (tmp_path / "once.npz").read_bytes()


@pytest.mark.parametrize("resume", [False, True])
def test_a_nul_that_hdf5_cannot_hold_is_found_before_anything_is_embedded(tmp_path, monkeypatch, resume):
    pytest.importorskip("h5py")
    monkeypatch.setattr(embed_file, "_embed", lambda *_: pytest.fail("it was embedded"))
    text = [["the", "bank"], ["a\0b", "."]]
    with pytest.raises(UserError, match=r"^sentence 1 has a word with a NUL character, .* or write an \.npz$"):
        embed_file.embed_file(of_words(), text, tmp_path / "x.hdf5", resume=resume, quiet=True)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert embed_file.embed_file(of_words(), text, tmp_path / "x.npz", quiet=True) == 2


@pytest.mark.parametrize(("key", "value"), [("sentences", None), ("sentences", "many"), ("bytes", ""), ("f.0.h", None),
                                            ("b.1.c", np.zeros((2, 6), np.float32))])
def test_a_place_with_other_contents_is_refused(tmp_path, monkeypatch, key, value):
    """Its digest is right: it was not damaged, somebody wrote it."""
    release = interrupted(monkeypatch, 12, torn=False)
    with pytest.raises(Interrupted):
        run(of_words(), tmp_path / "x.npz", state="carry")
    release()
    place = tmp_path / "x.npz.part" / "place.safetensors"
    tensors, texts = safetensors_file.load(place)
    home = tensors if "." in key else texts
    if value is None:
        del home[key]
    else:
        home[key] = value
    safetensors_file.save(place, tensors, texts)
    with pytest.raises(UserError, match=r"place\.safetensors is damaged: expected .* start again$"):
        run(of_words(), tmp_path / "x.npz", state="carry", resume=True)


def test_a_place_that_counts_sentences_but_no_bytes_is_refused(begun):
    place = begun.parent / "x.npz.part" / "place.safetensors"
    tensors, texts = safetensors_file.load(place)
    safetensors_file.save(place, tensors, {**texts, "bytes": "0"})
    with pytest.raises(UserError, match=r"place\.safetensors is damaged: expected how many sentences"):
        run(of_characters(), begun, resume=True)


# Means, and proteins


@pytest.mark.parametrize(("layer", "shape"), [("all", (3, 12)), ("sum", (12,)), ("top", (12,))])
@pytest.mark.parametrize("end", ["npz", "hdf5"])
def test_a_mean_is_that_of_the_sentence_however_it_came(tmp_path, layer, shape, end, monkeypatch):
    h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed") if end == "hdf5" else None
    elmo = of_words()
    run(elmo, tmp_path / f"x.{end}", layer=layer, mean=True)
    monkeypatch.undo()          # no parts, no blocks
    if h5py:
        with h5py.File(tmp_path / "x.hdf5") as file:
            found = [file[str(k)][()] for k in range(len(TEXT))]
    else:
        found = arrays(tmp_path / "x.npz").values()
    for one, whole in zip(found, elmo.stream(TEXT, layer), strict=True):
        assert (one.shape, one.dtype) == (shape, np.float32)
        np.testing.assert_allclose(one, whole.mean(axis=-2), rtol=0, atol=2e-6)


PROTEINS = ">sp|P1|ONE first\nMKVLA\nMKV\n>two/1-30\nmkv-u*\n>three\n" + "MKVLAWYR" * 12 + "\n"


def fasta(tmp_path, text=PROTEINS, name="p.fasta"):
    (tmp_path / name).write_text(text)
    return FastaCorpus([tmp_path / name], name=name)


def test_proteins_are_named_by_their_ids_and_a_long_one_comes_in_parts(tmp_path, monkeypatch):
    proteins, elmo = fasta(tmp_path), of_characters()
    assert embed_file.embed_file(elmo, proteins, tmp_path / "x.npz", layer="sum", quiet=True) == 3
    assert embed_file.embed_file(elmo, proteins, tmp_path / "y.npz", shard=(1, 2), quiet=True) == 1
    monkeypatch.undo()          # no parts, no blocks
    found = arrays(tmp_path / "x.npz")
    assert list(found) == ["sp|P1|ONE", "two/1-30", "three"]
    for one, stack in zip(found.values(), elmo.stream(proteins, "all"), strict=True):
        np.testing.assert_allclose(one, stack.sum(axis=0), rtol=0, atol=2e-6)
    assert list(arrays(tmp_path / "y.npz")) == ["two/1-30"]


def test_proteins_go_on_to_the_same_bytes_and_not_with_other_ids_or_without_a_mean(tmp_path, monkeypatch):
    monkeypatch.setattr(embed_file, "BLOCK", 1)
    proteins = fasta(tmp_path)
    embed_file.embed_file(of_characters(), proteins, tmp_path / "whole.npz", quiet=True)
    undo = interrupted(monkeypatch, "three", True)
    with pytest.raises(Interrupted, match="2 sentences are kept"):
        embed_file.embed_file(of_characters(), proteins, tmp_path / "x.npz", quiet=True)
    undo()
    other = fasta(tmp_path, PROTEINS.replace(">three", ">four"), "other.fasta")
    for text, how, message in ((other, {}, "the ids was another one"), (list(proteins), {}, "the ids was another one"),
                               (proteins, {"mean": True}, "mean was 'false', now it is 'true'")):
        with pytest.raises(UserError, match=message):
            embed_file.embed_file(of_characters(), text, tmp_path / "x.npz", resume=True, quiet=True, **how)
    embed_file.embed_file(of_characters(), proteins, tmp_path / "x.npz", resume=True, quiet=True)
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_proteins_in_hdf5_have_their_ids_and_no_text(tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")
    with pytest.raises(UserError, match="the id 'two/1-30' cannot be a name in an HDF5 file"):
        embed_file.embed_file(of_characters(), fasta(tmp_path), tmp_path / "x.h5", quiet=True)
    proteins = fasta(tmp_path, PROTEINS.replace("two/1-30", "sentences"))
    embed_file.embed_file(of_characters(), proteins, tmp_path / "x.h5", layer="sum", quiet=True)
    with h5py.File(tmp_path / "x.h5") as file:
        assert set(file) == {"sp|P1|ONE", "sentences", "three"}
        assert file["sentences"].shape == (4, 12)
    assert sorted(os.listdir(tmp_path)) == ["p.fasta", "x.h5"]


def test_what_an_earlier_version_began_goes_on(tmp_path, monkeypatch):
    expected = tmp_path / "whole.npz"
    run(of_words(), expected)
    undo = interrupted(monkeypatch, 20, False)
    with pytest.raises(Interrupted):
        run(of_words(), tmp_path / "x.npz")
    undo()
    place = tmp_path / "x.npz.part" / "place.safetensors"
    tensors, metadata = safetensors_file.load(place)
    earlier = {name: value for name, value in metadata.items() if name not in ("mean", "the ids")}
    assert len(earlier) == len(metadata) - 2
    safetensors_file.save(place, tensors, earlier)
    run(of_words(), tmp_path / "x.npz", resume=True)
    assert (tmp_path / "x.npz").read_bytes() == expected.read_bytes()
