"""FASTA as people have it: ids, wrapped lines, odd letters, and what is refused with its line."""

import gzip
import os
from pathlib import Path

import pytest

from elmo_np.data.fasta import FastaCorpus
from elmo_np.errors import UserError

FASTA = """\
; a comment of the old format
>sp|P12345|ONE_HUMAN the first protein OS=Homo sapiens
MKV
LAX

>two
m-kw.U*
"""


def corpus(tmp_path, data, name="proteins.fasta"):
    (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return FastaCorpus([tmp_path / name], name=name)


EXPECTED = [("sp|P12345|ONE_HUMAN", list("MKVLAX")), ("two", list("MKWU"))]


@pytest.mark.parametrize("data", [
    FASTA, FASTA.replace("\n", "\r\n"), FASTA.replace("\n", "\r"), "\ufeff" + FASTA, FASTA.rstrip(),
    gzip.compress(FASTA.encode(), mtime=0), FASTA.replace(">two", "> two with a blank"),
    FASTA.replace("MKV", "  M K V\t")])
def test_records_are_read_whatever_their_lines_are_like(tmp_path, data):
    found = corpus(tmp_path, data)
    for _ in range(2):
        assert list(found.records()) == EXPECTED
    assert list(found) == [residues for _, residues in EXPECTED]
    assert list(found.ids) == [name for name, _ in EXPECTED]


def test_odd_letters_are_counted_and_said_in_one_line(tmp_path):
    found = corpus(tmp_path, FASTA)
    assert list(found)
    assert (found.odd, found.lower, found.left_out) == (2, 3, 3)
    assert list(found)                              # of the last pass, not of all
    assert found.line == ("B, J, O, U, X or Z, which models have seen rarely: 2; lower-case letters, read as upper "
                          "case: 3; gaps and stops (- . *), left out: 3")
    plain = corpus(tmp_path, ">a\nMKV\n")
    assert list(plain)
    assert plain.line == ""


def test_bases_are_no_proteins(tmp_path):
    for text, warned in (("ACGTN" * 20, True), ("ACGTN" * 19, False), ("ACGTM" * 20, False)):
        found = corpus(tmp_path, f">a\n{text}\n")
        assert list(found)
        assert ("expected proteins, not DNA or RNA" in found.warning) == warned


def test_a_chromosome_is_refused_before_it_fills_the_memory(tmp_path):
    found = corpus(tmp_path, ">a\n" + ("M" * 60_000 + "\n") * 18)
    with pytest.raises(UserError, match="line 1: a has more than 1,048,576 residues"):
        list(found)


def test_what_cannot_be_read_several_times_is_refused(tmp_path):
    for path, message in ((os.devnull, "is not a regular file"), (tmp_path, "is a directory, expected a FASTA file"),
                          (tmp_path / "none", "there is no file")):
        with pytest.raises(UserError, match=message):
            FastaCorpus([Path(path)], name="proteins")


def test_several_files_are_one_corpus(tmp_path):
    paths = [corpus(tmp_path, f">{name}\nMK\n", name).paths[0] for name in "ab"]
    assert list(FastaCorpus(paths, name="both").ids) == ["a", "b"]
    with pytest.raises(UserError, match="b, line 1: the id b is that of an earlier record"):
        list(FastaCorpus([paths[1], paths[1]], name="twice"))


@pytest.mark.parametrize(("data", "message"), [
    (">a\nMK\n>b\n>c\nMK\n", "line 3: b has no residues: expected at least one"),
    (">a\n-*\n", "line 1: a has no residues"), (">a\nMK\n>b\n", "line 3: b has no residues"),
    (">a\nMK\n>a\nMV\n", "line 3: the id a is that of an earlier record"),
    (">\nMK\n", "line 1: the id is '', expected"),
    (">  \nMK\n", "line 1: the id is ''"), (">é\nMK\n", "line 1: the id is 'é', expected 1 to 200 printable ASCII"),
    (">a.npy\nMK\n", "line 1: the id is 'a.npy', expected 1 to 200 .* without .npy at the end"),
    (f">{'x' * 201}\nMK\n", "line 1: the id is 'xxx"), (">a\x1b[2J\nMK\n", r"line 1: the id is 'a\\x1b"),
    ("MK\n>a\n", "line 1: 'MK' before the first record, expected FASTA"),
    (">a\nMK\nM1K\n", "line 3: '1' is not a residue"), (">a\nMK\u0131\u017f\n", "line 2: '\u0131' is not a residue"),
    ("", "has no proteins"), ("; only a comment\n", "has no proteins"), (b">a\nM\xff\n", "line 2: not UTF-8"),
    (b"PK\3\4", "a zip archive")])
def test_anything_else_is_one_line_with_its_place(tmp_path, data, message):
    with pytest.raises(UserError, match=message) as error:
        list(corpus(tmp_path, data))
    assert "\n" not in str(error.value)
