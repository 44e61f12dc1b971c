"""A dump becomes a text file: the same bytes for any number of processes, and whenever the work was interrupted."""

import bz2
import gzip
import json
import lzma
import os
import signal

import pytest

from elmo_np.data import dump_to_text as module
from elmo_np.data.dump_to_text import BLOCK, dump_to_text
from elmo_np.errors import UserError
from elmo_np.runtime.locks import locked_file
from elmo_np.runtime.signals import Interrupted
from tests.dump_helpers import CAT, DOG, SENTENCES, write_dump
from tests.full_disk import room_for
from tests.posix import needs_signals

pytest.importorskip("mwparserfromhell", reason="needs mwparserfromhell, the extra [wikipedia]")

TEXT = "".join(" ".join(sentence) + "\n" for sentence in [*SENTENCES, DOG])
N = 2 * BLOCK + 5       # articles: two blocks and a bit


@pytest.fixture
def dump(tmp_path):
    return write_dump(tmp_path / "many.xml.bz2", [f"{CAT}Number {k}.\n" for k in range(N)])


@pytest.fixture
def whole(tmp_path, dump):
    dump_to_text([dump], tmp_path / "whole.txt.gz", quiet=True)
    return (tmp_path / "whole.txt.gz").read_bytes()


@pytest.mark.parametrize(("name", "read"), [
    ("a.txt", bytes), ("a.txt.gz", gzip.decompress), ("a.txt.bz2", bz2.decompress), ("a.txt.xz", lzma.decompress)])
def test_a_dump_becomes_one_line_per_sentence(tmp_path, name, read):
    done = dump_to_text([write_dump(tmp_path / "a.xml")], tmp_path / name, quiet=True)
    assert read((tmp_path / name).read_bytes()).decode() == TEXT
    assert (done.articles, done.sentences, done.tokens, done.empty) == (3, 4, 33, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.xml", name])


def test_the_number_of_processes_changes_nothing(tmp_path, dump, whole):
    done = dump_to_text([dump], tmp_path / "two.txt.gz", processes=2, quiet=True)
    assert done.articles == N
    assert (tmp_path / "two.txt.gz").read_bytes() == whole


def test_several_dumps_are_read_in_order_and_a_limit_counts_the_articles_of_all(tmp_path):
    dumps = [write_dump(tmp_path / name, [f"Of {name} {k}." for k in range(3)]) for name in ("b", "a")]
    dump_to_text(dumps, tmp_path / "all.txt", limit=4, quiet=True)
    assert (tmp_path / "all.txt").read_text() == "Of b 0 .\nOf b 1 .\nOf b 2 .\nOf a 0 .\n"


@needs_signals
def test_after_ctrl_c_the_work_goes_on_to_the_same_bytes(tmp_path, dump, whole, monkeypatch, capsys):
    out, block = tmp_path / "a.txt.gz", module._block

    def interrupted(*words, **options):
        os.kill(os.getpid(), signal.SIGINT)
        return block(*words, **options)
    monkeypatch.setattr(module, "_block", interrupted)
    with pytest.raises(Interrupted, match=f"stopped after {BLOCK} articles"):
        dump_to_text([dump], out, quiet=True)
    monkeypatch.setattr(module, "_block", block)
    with pytest.raises(UserError, match=r"a\.txt\.gz\.part holds unfinished work: continue it \(resume=True, --resume"):
        dump_to_text([dump], out, quiet=True)
    assert dump_to_text([dump], out, resume=True).articles == N
    assert f"resuming after {BLOCK} articles" in capsys.readouterr().err
    assert out.read_bytes() == whole


def test_after_a_kill_what_no_place_counts_is_written_again(tmp_path, dump, whole, monkeypatch):
    out, save, saved = tmp_path / "a.txt.gz", module._save, []

    def killed(job, done):
        saved.append(done)
        if len(saved) == 3:         # two blocks are on the disk, one is counted
            raise MemoryError
        save(job, done)
    monkeypatch.setattr(module, "_save", killed)
    with pytest.raises(MemoryError):
        dump_to_text([dump], out, quiet=True)
    monkeypatch.setattr(module, "_save", save)
    place = json.loads((tmp_path / "a.txt.gz.part/place.json").read_text())["done"]
    assert place["size"] < (tmp_path / "a.txt.gz.part/text").stat().st_size
    dump_to_text([dump], out, resume=True, quiet=True)
    assert out.read_bytes() == whole


def stop_after(blocks, monkeypatch, error=ZeroDivisionError):
    """Let the work fail after so many blocks."""
    done, block = [], module._block

    def stopped(*words, **options):
        done.append(words)
        if len(done) > blocks:
            raise error
        return block(*words, **options)
    monkeypatch.setattr(module, "_block", stopped)


@pytest.mark.parametrize("where", ["in the first block", "where its place is saved"])
def test_what_fails_before_the_first_block_is_done_can_be_repeated_as_it_was(tmp_path, dump, whole, monkeypatch, where):
    out = tmp_path / "a.txt.gz"
    if where == "in the first block":
        stop_after(0, monkeypatch, OSError(28, "No space left on device"))
        with pytest.raises(UserError, match=r"cannot write .*: No space left on device; expected an existing"):
            dump_to_text([dump], out, quiet=True)
        assert not (tmp_path / "a.txt.gz.part").exists()
    else:
        with room_for(0), pytest.raises(UserError, match=r"cannot write .*: File too large"):
            dump_to_text([dump], out, quiet=True)
    monkeypatch.undo()
    dump_to_text([dump], out, quiet=True)
    assert out.read_bytes() == whole


def test_another_process_that_writes_the_same_file_is_waited_for(tmp_path, dump):
    with locked_file(tmp_path / "a.txt"), \
            pytest.raises(UserError, match=r"a\.txt is being written by process \d+ on .*: wait until that ends"):
        dump_to_text([dump], tmp_path / "a.txt", quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["many.xml.bz2"]


@pytest.mark.parametrize("resume", [False, True])
def test_a_directory_that_somebody_else_made_is_refused_and_stays(tmp_path, dump, resume):
    thesis = tmp_path / "a.txt.part" / "text"
    thesis.parent.mkdir()
    thesis.write_text("kept")
    with pytest.raises(UserError, match=r"a\.txt\.part does not hold the beginning of a file"):
        dump_to_text([dump], tmp_path / "a.txt", resume=resume, quiet=True)
    assert thesis.read_text() == "kept"


@pytest.mark.parametrize(("change", "message"), [
    (lambda out: {"limit": 2}, "was begun with limit None, now it is 2"),
    *((lambda out, text=text: (out / "place.json").write_text(text) and {},
       r"place\.json is damaged: remove .*, and start again")
      for text in ("{", "[" * 10**5, "[]", "{}", '{"asked": 1, "done": {}}', '{"asked": {}, "done": {"size": -1}}',
                   '{"asked": {}, "done": {"size": "1"}}', '{"asked": {}, "done": {"size": 1e400}}',
                   '{"asked": {}, "done": {"size": 1000000000}}')),
    (lambda out: (out / "text").write_bytes(b"") or {}, "is damaged: remove")])
def test_unfinished_work_of_another_kind_is_refused(tmp_path, dump, monkeypatch, change, message):
    stop_after(1, monkeypatch)
    with pytest.raises(ZeroDivisionError):
        dump_to_text([dump], tmp_path / "a.txt", quiet=True)
    with pytest.raises(UserError, match=message):
        dump_to_text([dump], tmp_path / "a.txt", resume=True, quiet=True, **change(tmp_path / "a.txt.part"))


@pytest.mark.parametrize(("out", "options", "message"), [
    ("a.txt", {"limit": 0}, "limit is 0, expected 1 or more"),
    ("a.txt", {"processes": 0}, "processes is 0, expected 1 or more"),
    ("many.xml.bz2", {}, "already exists: give another name"),
    ("a.txt.zip", {}, r"a\.txt\.zip ends like a file of another format than is written: expected one of \.txt, \.gz"),
    ("none/a.txt", {}, "cannot write .*none/a.txt: No such file or directory; expected an existing folder")])
def test_what_cannot_begin_is_refused(tmp_path, dump, out, options, message):
    with pytest.raises(UserError, match=message):
        dump_to_text([dump], tmp_path / out, quiet=True, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["many.xml.bz2"]


def test_a_file_that_is_not_a_dump_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("text\n")
    with pytest.raises(UserError, match=r"a\.txt is not a Wikipedia dump, expected a file such as enwiki"):
        dump_to_text([tmp_path / "a.txt"], tmp_path / "b.txt", quiet=True)
