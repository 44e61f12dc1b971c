"""The words that a model knows, each with an id, and the three special tokens that every vocabulary needs."""

import gzip
import hashlib
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

from ..errors import DoesNotFit, UserError
from ..runtime.files import atomic_write, open_regular
from .sentences import checked_sentences, checked_words

BOS, EOS, UNK = "<S>", "</S>", "<UNK>"
SPECIAL_TOKENS = (BOS, EOS, UNK)
LARGEST = 1 << 30   # bytes of a file: a hundred million words
LONGEST = 1 << 16   # bytes of a line
GZIP = b"\x1f\x8b"
DENSEST = 10        # the best compression of words to expect
AUTO = "auto"       # for `unknown`: find out

# How corpora write an unknown word where nothing else can be meant, and where it is meant only if it is frequent.
_MARK = re.compile(r"<unk(nown)?>|\[unk\]|@@unknown@@|_+unk_+", re.IGNORECASE)
_BARE_MARKS = ("unk", "UNK")
_BARE_SHARE = 500       # one in so many words: more than a word of that spelling reaches in any language known to us
_BARE_LEAST = 10        # times

# ASCII white space only: a published vocabulary that was split as bytes may have a no-break space in a word.
_BLANK = re.compile(r"[ \t\n\r\f\v]")


class Vocabulary:
    """Words and their ids, in both directions. The id of a word is its line number in the file, counted from 0.

    words    the words in order of their ids; the special tokens <S>, </S> and <UNK> may have any position among them.
    counts   how often each word occurs, in the same order; None: unknown.
    unknown  how the corpus itself writes an unknown word, such as "<unk>", or "<unk> [UNK]" if it does so in several
             ways; it is not one of the words. None: it does not.
    marks    what does not count as a word of a sentence: the special tokens, and the parts of `unknown`.
    Raises   UserError for a missing special token, a duplicate, an empty word or one with white space in it.

    Special tokens are not words of the language: where a sentence contains one literally, it is read as <UNK>, so text
    can never begin or end a sentence in the middle. The same holds for `unknown`. Two vocabularies are equal if their
    words are.
    """

    def __init__(self, words: Iterable[str], counts: Sequence[int] | None = None, unknown: str | None = None) -> None:
        self._ids = _numbered(words)
        self.words = list(self._ids)
        self.counts = None if counts is None else list(counts)
        self.unknown = unknown
        self.marks = frozenset([*SPECIAL_TOKENS, *(unknown or "").split()])
        if counts is not None and len(counts) != len(self.words):
            raise UserError(f"the vocabulary has {len(counts)} counts, expected {len(self)}: give one per word, or "
                            "None")
        self.bos, self.eos, self.unk = (self._ids.pop(token) for token in SPECIAL_TOKENS)
        if known := sorted(self.marks & self._ids.keys()):
            raise UserError(f"unknown = {known[0]!r}, but the vocabulary has that word: expected a word that is not in "
                            "it, or none; a model that is trained from the start can leave the word out")

    @classmethod
    def build(
        cls, sentences: Iterable[Sequence[str]], min_count: int = 1, max_size: int | None = None,
        unknown: str | None = None
    ) -> "Vocabulary":
        """The vocabulary of a corpus, in one pass: special tokens, then words by falling count, ties by spelling.

        sentences  lists of words, without <S> and </S>.
        min_count  words that occur less often are left out; 1 or more.
        max_size   maximum vocabulary size, special tokens included; 4 or more; None: unlimited.
        unknown    how the corpus writes an unknown word; None: it does not; "auto": as `unknown_mark` finds.
        Returns    a vocabulary with counts: <S> and </S> count the sentences, <UNK> the words left out.
        Raises     UserError for an impossible limit, or if no word is left.
        """
        _check_limits(min_count, max_size)      # before a long pass
        return cls.from_counts(*_tally(sentences), min_count, max_size, unknown)

    @classmethod
    def from_counts(
        cls, tally: Counter[str], n_sentences: int, min_count: int = 1, max_size: int | None = None,
        unknown: str | None = None
    ) -> "Vocabulary":
        """What `build` gives for a corpus of so many sentences in which each word occurs that often; a word that is too
        long for a line of the file counts as <UNK>."""
        _check_limits(min_count, max_size)
        if unknown == AUTO:
            unknown = unknown_mark(tally)
        marks = {*SPECIAL_TOKENS, *(unknown or "").split()}     # read as an unknown word in a sentence
        ranked = sorted((item for item in tally.items() if item[0] not in marks and not _too_long(item[0])),
                        key=lambda item: (-item[1], item[0]))
        if not ranked:
            raise UserError("the corpus has no words, expected sentences of words: check the file and its tokenisation")
        limit = None if max_size is None else max_size - len(SPECIAL_TOKENS)
        kept = [(word, count) for word, count in ranked[:limit] if count >= min_count]
        if not kept:
            raise DoesNotFit(f"min_count is {min_count}, but the most frequent word occurs {ranked[0][1]} times: "
                            f"expected at most {ranked[0][1]}; lower it")
        words, counts = zip(*kept, strict=True)
        unknowns = tally.total() - sum(counts)
        return cls([*SPECIAL_TOKENS, *words], [n_sentences, n_sentences, unknowns, *counts], unknown)

    def counted(self, sentences: Iterable[Sequence[str]]) -> "Vocabulary":
        """The same words with the counts of another corpus, counted as by `build`: every other word counts as <UNK>."""
        return self.recounted(*_tally(sentences))

    def recounted(self, tally: Counter[str], n_sentences: int) -> "Vocabulary":
        """What `counted` gives for a corpus of so many sentences in which each word occurs that often."""
        counts = [0] * len(self)
        counts[self.bos] = n_sentences
        counts[self.eos] = n_sentences
        for word, count in tally.items():
            counts[self.id(word)] += count
        return Vocabulary(self.words, counts, self.unknown)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        r"""Read a vocabulary: UTF-8, one word per line; a byte-order mark and "\r\n" are tolerated, and gzip.

        Raises   UserError, naming the line if there is one: no such file, empty, not UTF-8, or not a vocabulary.
        """
        with lines_of(path) as lines:
            return cls(lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one word per line, atomically. Raises UserError if the file cannot be written."""
        atomic_write(path, [self._bytes()])

    def sha256(self) -> str:
        """The SHA-256 of the file that `save` writes, in hexadecimal: it identifies the vocabulary of a model."""
        return hashlib.sha256(self._bytes()).hexdigest()

    def id(self, word: str) -> int:
        """The id of a word; that of <UNK> for an unknown word or a literal special token."""
        return self._ids.get(word, self.unk)

    def ids(self, sentence: Sequence[str]) -> list[int]:
        """The ids of a sentence's words, without <S> and </S>. Raises UserError for anything but a list of strings."""
        return [self._ids.get(word, self.unk) for word in checked_words(sentence)]

    def encode(self, sentence: Sequence[str]) -> list[int]:
        """The ids of a sentence with its boundaries: <S> words </S>."""
        return [self.bos, *self.ids(sentence), self.eos]

    def word(self, id: int) -> str:
        """The word or special token of an id. Raises IndexError for a negative id or one that is too large."""
        if not 0 <= id < len(self):
            raise IndexError(f"word id is {id}, expected 0 to {len(self) - 1}")
        return self.words[id]

    def count(self, id: int) -> int:
        """How often the word or special token of an id occurred. Raises UserError if the counts are unknown."""
        if self.counts is None:
            raise UserError("the vocabulary has no counts, expected those of a corpus: build it with Vocabulary.build")
        return self.counts[id]

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Whether a word of a sentence has an id of its own; False for special tokens."""
        return word in self._ids

    def __eq__(self, other: object) -> bool:
        return self.words == other.words if isinstance(other, Vocabulary) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by value and mutable, like a list

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} words)"

    def _bytes(self) -> bytes:
        return "".join(f"{word}\n" for word in self.words).encode("utf-8")


def unknown_mark(tally: Counter[str]) -> str | None:
    """How a corpus with these words writes an unknown word, as WikiText does with <unk>; None: it does not.

    <unk>, <unknown>, [UNK], @@UNKNOWN@@ and __UNK__ in any case are marks wherever they occur; several are joined by
    spaces, the most frequent first. A bare unk or UNK may be a word of the text: it is a mark if there are no others,
    at least one in 500 words is that, and 10 words are.
    """
    marks = {word: count for word, count in tally.items() if _MARK.fullmatch(word)}
    least = max(_BARE_LEAST, tally.total() / _BARE_SHARE)
    marks = marks or {word: tally[word] for word in _BARE_MARKS if tally[word] >= least}
    if marks.keys() != {UNK}:
        marks.pop(UNK, None)            # it is one in any case
    return " ".join(sorted(marks, key=lambda word: (-marks[word], word))) or None


def _check_limits(min_count: int, max_size: int | None) -> None:
    if min_count < 1:
        raise UserError(f"min_count is {min_count}, expected 1 or more: 1 keeps every word")
    if max_size is not None and max_size < 4:
        raise UserError(f"max_size is {max_size}, expected 4 or more: three special tokens and a word")


def _tally(sentences: Iterable[Sequence[str]]) -> tuple[Counter[str], int]:
    """How often each word occurs, and the number of sentences."""
    counts: Counter[str] = Counter()
    n_sentences = 0
    for sentence in checked_sentences(sentences):
        counts.update(sentence)
        n_sentences += 1
    return counts, n_sentences


def _too_long(word: str) -> bool:
    """Whether a word and the end of its line are more than a line of the file may have."""
    return len(word) >= LONGEST // 4 and len(word.encode("utf-8", "surrogatepass")) >= LONGEST


def _numbered(words: Iterable[str]) -> dict[str, int]:
    """{word: id}. Raises UserError for the first invalid line; lines are counted from 1, as in the file."""
    ids: dict[str, int] = {}
    for id, word in enumerate(words):
        line = f"line {id + 1} of the vocabulary"
        if not isinstance(word, str):
            raise UserError(f"word {id + 1} of the vocabulary is {word!r:.40}, expected a string: write it as text")
        if not word.strip():
            raise UserError(f"{line} is blank, expected a word: remove the line")
        if _BLANK.search(word):
            raise UserError(f"{line} is {word!r:.40}, expected a word without white space: split it")
        if not word.isascii() and any("\ud800" <= c <= "\udfff" for c in word):
            raise UserError(f"{line} is {word!r:.40}, expected Unicode text: remove the surrogate")
        if _too_long(word):
            raise UserError(f"{line} is {word!r:.40}.., expected a word of less than {LONGEST:,} bytes: remove "
                            "the line")
        if ids.setdefault(word, id) != id:
            raise UserError(f"{line} repeats {word!r:.40} of line {ids[word] + 1}, expected every word once: remove "
                            "one of them")
    missing = [token for token in SPECIAL_TOKENS if token not in ids]
    if missing:  # other programs go on, and encode the last word as </S>
        raise UserError(f"the vocabulary has no {' '.join(missing)}, expected <S> </S> <UNK>: add a line for each")
    return ids


@contextmanager
def lines_of(path: str | os.PathLike[str]) -> Iterator[Iterator[str]]:
    """Open the file of a vocabulary, which may be compressed by gzip, for what reads its lines in the body.

    Raises UserError, as `Vocabulary.load` does, also in place of one from the body.
    """
    try:
        with open_regular(path, LARGEST) as file:
            size = os.fstat(file.fileno()).st_size
            packed = file.read(len(GZIP)) == GZIP
            file.seek(0)
            yield _decoded(gzip.GzipFile(fileobj=file), DENSEST * size + LONGEST) if packed else _decoded(file, size)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read the vocabulary {path}: {reason}; expected a text file with one word per line: "
                        "check the path") from error
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _decoded(file: BinaryIO | gzip.GzipFile, left: int) -> Iterator[str]:
    """The lines of a file, which end at line feeds only: str.splitlines would cut words at rarer characters.

    left    the maximum size of all of them
    """
    line = 0
    for line, raw in enumerate(iter(partial(file.readline, LONGEST + 1), b""), 1):
        left -= len(raw)
        if left < 0:
            raise UserError(f"it unpacks to more than {DENSEST} times its size, expected words")
        if len(raw) > LONGEST:
            raise UserError(f"line {line} has more than {LONGEST:,} bytes, expected a word: check the file")
        word = raw.removesuffix(b"\n").removesuffix(b"\r")
        try:
            yield (word.removeprefix(b"\xef\xbb\xbf") if line == 1 else word).decode("utf-8")
        except UnicodeDecodeError:
            raise UserError(f"line {line} is not UTF-8, expected UTF-8 text: convert the file") from None
    if not line:
        raise UserError("it is empty, expected one word per line, including <S> </S> <UNK>: give another file")
