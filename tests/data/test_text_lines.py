"""Text files as people have them: compressed, with any line ends; what is not plain text is refused with advice."""

import bz2
import gzip
import lzma
import re
import tracemalloc
import zlib
from functools import partial

import pytest

from elmo_np.data import text_lines as text_lines_module
from elmo_np.data.text_lines import plain_lines, text_lines
from elmo_np.errors import UserError
from tests.memory_helpers import peak

TEXT = "the cat sat .\ncafé\n"


def write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["a.txt", "a.gz"])
def test_a_file_is_unpacked_by_its_content_whatever_its_name(tmp_path, pack, name):
    assert list(text_lines(write(tmp_path / name, pack(TEXT.encode())))) == ["the cat sat .\n", "café\n"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(tmp_path, end):
    path = write(tmp_path / "a.txt", f"one{end}two{end}{end}three")
    assert list(text_lines(path)) == ["one\n", "two\n", "\n", "three"]


def test_other_separators_do_not_end_a_line(tmp_path):
    text = "a\x0bb\x0cc\x1cd\x85e\u2028f\n"
    assert list(text_lines(write(tmp_path / "a.txt", text))) == [text]


def test_a_byte_order_mark_at_the_start_of_any_line_is_removed(tmp_path):
    path = write(tmp_path / "a.txt", "\ufeffone\n\ufefftwo\nth\ufeffree\n")
    assert list(text_lines(path)) == ["one\n", "two\n", "th\ufeffree\n"]


@pytest.mark.parametrize("end", ["\n", "\r"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, partial(lzma.compress, preset=0)])
def test_memory_does_not_grow_with_the_file(tmp_path, pack, end):
    """3 MB of text; without the preset, xz has a dictionary of 8 MB, whatever the length of the file."""
    path = write(tmp_path / "a", pack((f"the quick brown fox jumps over the lazy dog .{end}" * 60_000).encode()))
    tracemalloc.start()
    try:
        assert sum(1 for _ in plain_lines(path)) == 60_000
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_compressed_file_is_one_line(tmp_path, pack):
    data = pack(TEXT.encode() * 2000)
    for broken in data[:len(data) // 2], data[:20] + b"\0\0\0\0\0\0" + data[26:]:
        with pytest.raises(UserError, match=r"^cannot read .*a\.gz: .*expected a readable text file") as error:
            list(text_lines(write(tmp_path / "a.gz", broken)))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(("data", "message"), [
    (TEXT.encode("utf-16"), "is UTF-16, expected UTF-8 text: convert it with iconv"),
    (TEXT.encode("utf-16-le"), "is UTF-16"),
    (TEXT.encode("utf-16-be"), "is UTF-16"),
    (TEXT.encode("utf-32"), "is UTF-32, expected UTF-8 text: convert it with iconv -f UTF-32"),
    (TEXT.encode("utf-32-le"), "has NUL bytes"),
    (b"a.txt" + bytes(252) + b"ustar\0" + bytes(250) + b"text\n", "is a tar archive, expected UTF-8 text: unpack it"),
    (b"PK\x03\x04rest", "is a zip archive, expected UTF-8 text: unpack it"),
    (b"%PDF-1.7\n", "is a PDF document"),
    (b"\x28\xb5\x2f\xfdrest", "is compressed by zstd"),
    (b"\x20\0\0\0\0\0\0\0{}", "has NUL bytes, expected UTF-8 text"),
    (gzip.compress(b"a tar\0archive\n", mtime=0), "has NUL bytes"),
    ("fine\ncafé\n".encode("latin-1"), "line 2: not UTF-8, expected UTF-8 text: convert the file"),
])
def test_what_is_not_utf_8_text_is_refused_with_what_to_do(tmp_path, data, message):
    with pytest.raises(UserError, match=re.escape(message)):
        list(text_lines(write(tmp_path / "a.txt", data)))


@pytest.mark.parametrize(("text", "kind"), [
    ('<?xml version="1.0"?>\n<a>', "XML or HTML"), ("\n<!DOCTYPE html>\n", "XML or HTML"), ("<html>\n", "XML or HTML"),
    ("<page><title>x</title></page>\n", "XML or HTML"), ("<page>\n  <title>x y</title>\n", "XML or HTML"),
    ("<doc>a text</doc>\n", "XML or HTML"),
    ('<mediawiki xmlns="http://x">\n', "XML or HTML"), ('<doc id="1" url="x">\n', "XML or HTML"),
    ('{"text": "a"}\n{"text": "b"}\n', "JSON"), ('[\n  {\n    "text": "a"\n', "JSON"),
    ("# sent_id = 1\n# text = Go .\n1\tGo\tgo\tVERB\t_\t_\t0\troot\t_\t_\n", "CoNLL-U"),
    ("1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n", "CoNLL-U"), ("-DOCSTART- -X- O O\n\nEU NNP\n", "CoNLL"),
    (">P1 a\nMKVLAAGIVG*\n", "FASTA"),
    ("sentence\tlabel\nfine film\t1\n", "a table"), ('"text","label"\n"a, b",1\n', "a table"),
    ("id,title,body\n1,A,\"It is .\"\n", "a table"),
])
def test_markup_and_tables_are_refused_with_what_to_do(tmp_path, text, kind):
    with pytest.raises(UserError, match=rf"a looks like {kind}, expected plain text, one sentence per line: \w+"):
        list(plain_lines(write(tmp_path / "a", text)))
    assert "".join(text_lines(tmp_path / "a")) == text      # a reader of that format has its lines


@pytest.mark.parametrize("text", [
    "<unk> is a word\n", "<s>\n", "< 3\n", "{ a , b }\n", "[ Music ]\n", "[1]\n", '" { "\n', "# a comment\n1 2 3\n",
    "1\tone\n", "- DOCSTART -\n", "xml\n", "",
    "text\n", "a , b , c\nd , e\n", "one,two,three\nno more\n", "label it as text\tnow\n",
    "> a quotation\nWASHINGTON\n", ">said\nNO\n",
])
def test_plain_text_is_not_taken_for_another_format(tmp_path, text):
    assert "".join(plain_lines(write(tmp_path / "a", text))) == text


# What unpacks to far more than it seems


A = b"a" * (1 << 20)


def packed(compressor, times):
    """A bomb: a megabyte of "a" so many times, without a line end."""
    return b"".join([*(compressor.compress(A) for _ in range(times)), compressor.flush()])


BOMBS = {"gzip": lambda: zlib.compressobj(9, wbits=31), "bz2": bz2.BZ2Compressor, "xz": lzma.LZMACompressor}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_line_of_gigabytes_ends_in_one_line_and_little_memory(tmp_path, kind):
    path = write(tmp_path / "a", packed(BOMBS[kind](), 64))

    def read():
        with pytest.raises(UserError, match="a, line 1: more than 4,194,304 characters, expected one sentence per"):
            list(plain_lines(path))
    assert peak(read) < 3e7         # the dictionary of xz has 8 MB


def test_a_line_of_the_maximum_length_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(text_lines_module, "LONGEST", 10)
    assert list(text_lines(write(tmp_path / "a", "123456789\n123456789\r\n1234567890"))) == \
        ["123456789\n", "123456789\n", "1234567890"]
    with pytest.raises(UserError, match="line 2: more than 10 characters"):
        list(text_lines(write(tmp_path / "a", "1\n12345678901\n")))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_file_whose_lines_are_kept_has_a_limit(tmp_path, pack):
    path = write(tmp_path / "a", pack(b"word\n" * 100))
    assert len(list(plain_lines(path, 500))) == 100
    with pytest.raises(UserError, match="a, line 100: more than 499 characters up to here, expected a"):
        list(plain_lines(path, 499))


def test_xz_cannot_ask_for_any_memory(tmp_path):
    large = lzma.LZMACompressor(filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 28}])
    path = write(tmp_path / "a.xz", packed(large, 2))
    with pytest.raises(UserError, match=r"cannot read .*a\.xz: Memory usage limit exceeded"):
        list(text_lines(path))


@pytest.mark.parametrize("between", [b"", bytes(4), bytes(40_000)])
def test_xz_may_have_several_streams(tmp_path, between):
    path = write(tmp_path / "a.xz", between.join([lzma.compress(b"one\ntwo"), lzma.compress(b" three\n")]) + between)
    assert list(text_lines(path)) == ["one\n", "two three\n"]
    with pytest.raises(UserError, match="cannot read"):
        list(text_lines(write(tmp_path / "b.xz", path.read_bytes() + b"trailing")))
