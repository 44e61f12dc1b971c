"""The words a model knows, each with a number, and the three marks that every vocabulary needs."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import UserError
from ..runtime.files import atomic_write

BOS, EOS, UNK = "<S>", "</S>", "<UNK>"
MARKS = (BOS, EOS, UNK)

# Only the separators of ASCII: a published vocabulary made by splitting bytes may hold a no-break space in a word.
_BLANK = re.compile(r"[ \t\n\r\f\v]")


class Vocabulary:
    """Words and their ids, both ways. A word's id is its line in the file, counted from 0.

    words    the words in the order of their ids; the marks <S>, </S> and <UNK> stand among them, anywhere.
    counts   how often each word occurs, in the same order; None: not known.
    Raises   UserError for a missing mark, a duplicate, an empty word or one with white space in it.

    The marks are no words of the language: a sentence that holds one literally gets <UNK> there, so that
    text can never begin or end a sentence in its middle. Two vocabularies are equal when their words are.
    """

    def __init__(self, words: Sequence[str], counts: Sequence[int] | None = None) -> None:
        self.words = list(words)
        self.counts = None if counts is None else list(counts)
        _check(self.words, self.counts)
        self._ids = {word: id for id, word in enumerate(self.words)}
        self.bos, self.eos, self.unk = (self._ids.pop(mark) for mark in MARKS)

    @classmethod
    def build(
        cls, sentences: Iterable[Sequence[str]], min_count: int = 1, max_size: int | None = None
    ) -> "Vocabulary":
        """The vocabulary of a corpus, in one pass: the marks, then the words by falling count, ties by spelling.

        sentences  lists of words, without marks.
        min_count  a word that occurs less often is left out, 1 or more.
        max_size   most words to keep, the three marks counted too, 4 or more; None: all.
        Returns    a vocabulary with counts: a mark of <S> and </S> a sentence, an <UNK> a word left out.
        Raises     UserError for an impossible limit and for a corpus that leaves no word.
        """
        if min_count < 1:
            raise UserError(f"min_count is {min_count}, expected 1 or more: 1 keeps every word")
        if max_size is not None and max_size < 4:
            raise UserError(f"max_size is {max_size}, expected 4 or more: three marks and a word; None keeps all")
        tally: Counter[str] = Counter()
        n_sentences = 0
        for sentence in sentences:
            tally.update(_checked(sentence))
            n_sentences += 1
        total = tally.total()
        for mark in MARKS:
            del tally[mark]  # a literal mark is read as an unknown word
        if not tally:
            raise UserError("the corpus has no word, expected sentences of words: check the file and its tokenisation")
        ranked = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
        limit = None if max_size is None else max_size - len(MARKS)
        kept = [(word, count) for word, count in ranked[:limit] if count >= min_count]
        if not kept:
            raise UserError(f"min_count is {min_count}, but the commonest word occurs {ranked[0][1]} times: "
                            "expected a limit that leaves a word, lower it")
        left_out = total - sum(count for _, count in kept)
        return cls([*MARKS, *(word for word, _ in kept)],
                   [n_sentences, n_sentences, left_out, *(count for _, count in kept)])

    def counted(self, sentences: Iterable[Sequence[str]]) -> "Vocabulary":
        """The same words with the counts of another corpus, as `build` counts: any other word is an <UNK>."""
        counts = [0] * len(self)
        for sentence in sentences:
            for id in self.encode(sentence):
                counts[id] += 1
        return Vocabulary(self.words, counts)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        r"""Read a vocabulary: UTF-8, one word a line; a byte-order mark and "\r\n" are tolerated.

        Raises   UserError, with the line where there is one: no such file, empty, not UTF-8, or not a vocabulary.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise UserError(f"cannot read the vocabulary {path}: {error.strerror or error}; expected a text file "
                            "with one word a line: check the path") from error
        words = list(_decoded(data.removeprefix(b"\xef\xbb\xbf"), path))
        if not words:
            raise UserError(f"{path} is empty, expected one word a line, <S> </S> <UNK> among them: give another file")
        try:
            return cls(words)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one word a line, all or nothing. Raises UserError when the file cannot be written."""
        atomic_write(path, [self._bytes()])

    def sha256(self) -> str:
        """The SHA-256 of the file that `save` writes, in hexadecimal: which vocabulary a model was trained with."""
        return hashlib.sha256(self._bytes()).hexdigest()

    def id(self, word: str) -> int:
        """The id of a word; that of <UNK> for an unknown word and for a literal mark."""
        return self._ids.get(word, self.unk)

    def ids(self, sentence: Sequence[str]) -> list[int]:
        """The ids of a sentence's words, without marks. Raises UserError for a string in place of a list."""
        return [self._ids.get(word, self.unk) for word in _checked(sentence)]

    def encode(self, sentence: Sequence[str]) -> list[int]:
        """The ids of a sentence between its marks: <S> words </S>."""
        return [self.bos, *self.ids(sentence), self.eos]

    def word(self, id: int) -> str:
        """The word or mark of an id. Raises IndexError outside the vocabulary, below 0 too."""
        if not 0 <= id < len(self):
            raise IndexError(f"word id is {id}, expected 0 to {len(self) - 1}")
        return self.words[id]

    def count(self, id: int) -> int:
        """How often the word or mark of an id occurred. Raises UserError where the counts are not known."""
        if self.counts is None:
            raise UserError("the vocabulary has no counts, expected those of a corpus: build it from one")
        return self.counts[id]

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Whether a word of a sentence gets an id of its own; False for the marks."""
        return word in self._ids

    def __eq__(self, other: object) -> bool:
        return self.words == other.words if isinstance(other, Vocabulary) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by value and mutable, like a list

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} words)"

    def _bytes(self) -> bytes:
        return "".join(f"{word}\n" for word in self.words).encode("utf-8")


def _checked(sentence: Sequence[str]) -> Sequence[str]:
    """The sentence, unless it is a string: its letters would pass for words."""
    if isinstance(sentence, str):
        raise UserError(f"the sentence is the string {sentence[:40]!r}, expected a list of words: split it first")
    return sentence


def _check(words: list[str], counts: list[int] | None) -> None:
    """Raise UserError for the first thing that makes no vocabulary; lines count from 1, as in the file."""
    first: dict[str, int] = {}
    for line, word in enumerate(words, 1):
        if not word.strip():
            raise UserError(f"line {line} of the vocabulary is blank, expected a word: remove the line")
        if _BLANK.search(word):
            raise UserError(f"line {line} of the vocabulary is {word!r}, expected a word without white space: split it")
        if not word.isascii() and any("\ud800" <= c <= "\udfff" for c in word):
            raise UserError(f"line {line} of the vocabulary is {word!r}, expected Unicode text: remove the surrogate")
        if first.setdefault(word, line) != line:
            raise UserError(f"line {line} of the vocabulary repeats {word!r} of line {first[word]}, "
                            "expected every word once: remove one of them")
    missing = [mark for mark in MARKS if mark not in first]
    if missing:  # other programs go on, and encode the last word as </S>
        raise UserError(f"the vocabulary has no {' '.join(missing)}, expected <S> </S> <UNK>: add a line for each")
    if counts is not None and len(counts) != len(words):
        raise UserError(f"the vocabulary has {len(counts)} counts, expected {len(words)}: give one a word, or None")


def _decoded(data: bytes, path: str | os.PathLike[str]) -> Iterator[str]:
    """The lines of a file. Only the line feed ends one: str.splitlines would cut words at rarer characters."""
    for line, raw in enumerate(data.removesuffix(b"\n").split(b"\n") if data else (), 1):
        try:
            yield raw.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{path}, line {line}: not UTF-8, expected UTF-8 text: convert the file") from None
