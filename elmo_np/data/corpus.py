"""Where sentences come from: text files, Wikipedia's dumps, the English in every Python installation, a grammar.

A corpus can be read any number of times, always in the same order, so an epoch is a loop over it.
Files are streamed: memory use does not grow with their size. What can be read only once, or is slow to read, is first
copied to a temporary file.
"""

import glob
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

from ..config.schema import Settings
from ..errors import UserError
from ..runtime.files import temporary_directory
from . import text
from .sentences import checked_sentences
from .sharded_corpus import ShardedCorpus, sha256_of_shards
from .text_lines import check_regular, plain_lines, text_lines

T = TypeVar("T")

BUILT_IN = ("pydoc", "grammar")
STDIN = "-"         # the name of standard input, as in other programs

_WORD = re.compile(r"[^ \t\n\r\f\v]+")     # ASCII white space only: 10 000 with a no-break space is one word


class Corpus(Protocol):
    """Sentences as lists of words. Every pass gives the same sentences."""

    @property
    def name(self) -> str: ...

    def __iter__(self) -> Iterator[Sequence[str]]: ...


def require_reiterable(sentences: Iterable[T]) -> Iterable[T]:
    """Return the iterable. Raises UserError if it can be read only once: a corpus is read several times."""
    if isinstance(sentences, str | bytes) or not isinstance(sentences, Iterable):
        raise UserError(f"the sentences are {sentences!r:.60}, of type {type(sentences).__name__}: expected a list of "
                        "sentences, or another iterable of them")
    if isinstance(sentences, Iterator):
        raise UserError(f"the sentences are a {type(sentences).__name__}, which can be read only once: expected a "
                        "list, or another iterable that can be read again")
    return sentences


def corpus_sha256(sentences: Iterable[Sequence[str]]) -> str:
    """SHA-256 of the sentences in order, in hexadecimal: it tells whether a corpus has changed. Of a sharded corpus, it
    also depends on where each shard ends."""
    if isinstance(sentences, ShardedCorpus):
        return sha256_of_shards(map(corpus_sha256, sentences.shards))
    digest = hashlib.sha256()
    for sentence in checked_sentences(sentences):
        digest.update("\x1f".join(sentence).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def open_corpus(spec: str, *, tokenize: bool = False, seed: int = 0, shards: bool = False) -> Corpus:
    """The corpus that a user names on the command line.

    spec      "pydoc", "grammar", or files as `corpus_files` finds them; a file with the name of a built-in corpus is
              "./pydoc".
    tokenize  for text files: False: tokens are separated by spaces; True: the lines are raw text.
    seed      for the grammar: selects the sentences it generates.
    shards    the files are shards, each of which is read by itself.
    Raises    UserError if there is no such corpus, or shards of a built-in corpus.
    """
    if shards and spec in BUILT_IN:
        raise UserError(f"shards = true with the built-in corpus {spec}: expected files: set shards = false")
    if spec == "pydoc":
        from .pydoc_corpus import PydocCorpus

        return PydocCorpus()
    if spec == "grammar":
        from .grammar import GrammarCorpus

        return GrammarCorpus(seed=seed)
    corpus = TextCorpus(corpus_files(spec), name=corpus_name(spec), tokenize=tokenize)
    if shards:
        return ShardedCorpus(corpus.name, corpus.files, tuple(path.stat().st_size for path in corpus.paths))
    return corpus


def corpus_files(spec: str) -> list[Path]:
    """The files that a user names: text files or Wikipedia's dumps.

    spec     a file; a glob pattern such as "shards/*.txt", or a directory with any number of levels, both read in
             sorted order without hidden files, and of a directory each file once, however many symbolic links lead to
             it; "-" for standard input; or several of these, as `joined` joins them.
    Raises   UserError if there is no such file.
    """
    if spec == STDIN:
        return [_stdin()]
    if os.path.isdir(spec):
        first: dict[str, Path] = {}
        for path in _found(spec, f"{glob.escape(spec)}/**/*", "the directory {} has no files"):
            first.setdefault(os.path.realpath(path), path)
        return list(first.values())
    if os.path.lexists(spec):  # before the glob: a file name may contain a bracket
        return [Path(spec)]
    if os.pathsep in spec and "://" not in spec:
        return [path for one in spec.split(os.pathsep) if one for path in corpus_files(one)]
    if glob.has_magic(spec):
        return _found(spec, spec, "no file matches {}")
    import difflib

    near = difflib.get_close_matches(spec.lower(), BUILT_IN, n=1)
    hint = f'did you mean "{near[0]}"?' if near else "check the path"
    raise UserError(f"there is no corpus {spec}, expected a text file, a glob pattern, a directory, a Wikipedia dump, "
                    f"{' or '.join(BUILT_IN)}: {hint}")


def shared_file(first: str, second: str) -> str | None:
    """A file that two corpora both read, or the built-in corpus that both are; None if they have nothing in common.

    Raises UserError if there is no such corpus.
    """
    if first in BUILT_IN or second in BUILT_IN:
        return first if first == second else None
    files = {os.path.realpath(path) for path in corpus_files(first)}
    return next((str(path) for path in corpus_files(second) if os.path.realpath(path) in files), None)


def joined(specs: Sequence[str]) -> str:
    """Several corpora of files as one: their names with ":" between them (on Windows ";"), as in the variable PATH.

    Raises UserError for a built-in corpus, standard input or an empty name among them.
    """
    for spec in specs if len(specs) > 1 else ():
        if not spec:
            raise UserError(f"one of {len(specs)} corpora has an empty name, expected files: leave it out")
        if spec in (*BUILT_IN, STDIN):
            raise UserError(f"{spec} is one of {len(specs)} corpora, expected files: give {spec} alone, or the file "
                            f"./{spec}")
    return os.pathsep.join(specs)


def corpus_name(spec: str) -> str:
    """The name of a corpus in messages."""
    if spec == STDIN:
        return "standard input"
    first, *more = [spec] if os.path.lexists(spec) else spec.split(os.pathsep)
    return (os.path.basename(first) or first) + (f" and {len(more)} more" if more else "")


def _found(spec: str, pattern: str, complaint: str) -> list[Path]:
    """The files that a glob pattern matches, sorted. Raises UserError if there are none."""
    paths = sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))
    if not paths:
        raise UserError(f"{complaint.format(spec)}, expected one or more text files: check "
                        f"{'the pattern' if spec == pattern else 'the path'}")
    return [Path(path) for path in paths]


@cache
def _stdin() -> Path:
    """Standard input in a temporary file, because a corpus is read several times."""
    copy = Path(tempfile.mkdtemp(dir=temporary_directory())) / "standard input"
    with open(copy, "xb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return copy


class TextCorpus:
    """Text files, one sentence per line, read line by line; blank lines are skipped.

    paths     the files, read in this order; .gz, .bz2 and .xz are unpacked while reading. Wikipedia's dumps may be
              among them: their text is tokenised in any case.
    name      the name of the corpus in messages and run directories.
    tokenize  False: tokens are separated by ASCII white space; True: lines are raw text, split by `text.tokens`.
    Raises    UserError: here for a missing file or a directory; while reading for a file that is not plain UTF-8 text,
              as `plain_lines` tells; at the end of a pass for a corpus without sentences.
    """

    def __init__(self, paths: Iterable[str | os.PathLike[str]], *, name: str, tokenize: bool = False) -> None:
        self.name = name
        self.paths = [Path(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
        check_regular(self.paths, "a text file, one sentence per line")
        self.files = [TextFile(path, splitter(tokenize)) for path in self.paths]

    @property
    def blank_lines(self) -> int:
        """How many the last complete pass has skipped."""
        return sum(file.blank_lines for file in self.files)

    def __iter__(self) -> Iterator[list[str]]:
        empty = True
        for file in self.files:
            for sentence in file:
                empty = False
                yield sentence
        if empty:
            raise UserError(f"{self.name} has no sentences: expected one per line; check that it is the right file")


@dataclass
class TextFile:
    """The sentences of one file of a corpus, none if it is empty.

    split           a line into tokens
    blank_lines     that the last complete pass has skipped
    """

    path: Path
    split: Callable[[str], list[str]]
    blank_lines: int = 0

    def __iter__(self) -> Iterator[list[str]]:
        from .wikipedia import dump_text, is_dump  # with XML and many patterns, which few programs need

        blank = 0
        raw = not is_dump(self.path)
        split = self.split if raw else words
        for line in plain_lines(self.path) if raw else text_lines(dump_text(self.path)):
            if sentence := split(line):
                yield sentence
            else:
                blank += 1
        self.blank_lines = blank


def splitter(tokenize: bool) -> Callable[[str], list[str]]:
    """What splits a line of a corpus into tokens; tokenize: as for TextCorpus."""
    return text.tokens if tokenize else words


def words(line: str) -> list[str]:
    """The words between ASCII white space. One of other blanks only is invisible, and no word."""
    return [word for word in _WORD.findall(line) if not word.isspace()]


def held_out(corpus: Iterable[Sequence[str]], every: int = 20) -> tuple[Corpus, Corpus]:
    """Split a corpus into a training and a validation part, both streamed.

    corpus   a corpus, or any other iterable of sentences that can be read repeatedly, such as a list.
    every    each `every`-th sentence is held out for validation; 2 or more. In a sharded corpus, shard k begins to
             count at k + 1, so that short shards have their share too.
    Returns  (train, valid), views of the corpus.
    Raises   UserError for every < 2; at the end of a pass, if the corpus is too short to hold out a sentence.
    """
    if every < 2:
        raise UserError(f"every is {every}, expected 2 or more: 20 holds out every 20th sentence")
    return _part(corpus, every, valid=False), _part(corpus, every, valid=True)


def _part(corpus: Iterable[Sequence[str]], every: int, valid: bool) -> Corpus:
    name = f"{getattr(corpus, 'name', 'corpus')}:{'valid' if valid else 'train'}"
    if isinstance(corpus, ShardedCorpus):
        shards = [_Part(name, shard, every, valid, first=k, alone=False) for k, shard in enumerate(corpus.shards, 1)]
        return replace(corpus, name=name, shards=shards)
    return _Part(name, corpus, every, valid)


@dataclass(frozen=True)
class _Part:
    name: str
    corpus: Iterable[Sequence[str]]
    every: int
    valid: bool
    first: int = 1          # number of the first sentence
    alone: bool = True      # there are no other shards, which may have sentences to hold out

    def __iter__(self) -> Iterator[Sequence[str]]:
        count = 0
        for count, sentence in enumerate(self.corpus, self.first):
            if (count % self.every == 0) == self.valid:
                yield sentence
        if self.valid and self.alone and count < self.every:
            raise UserError(f"{self.name}: too few sentences ({count}) to hold out one of every {self.every}: expected "
                            f"at least {self.every}, one per line; lower held_out, or give a validation file")


def check_shared(number: int, *corpora: object) -> None:
    """Raise UserError for standard input, which only one of several processes can read. A corpus that is given as an
    object instead of a name can be read by all."""
    if number > 1 and STDIN in [corpus for corpus in corpora if isinstance(corpus, str)]:
        raise UserError(f"{STDIN}, standard input, with {number} processes: expected files, which all of them can read")


def splits_raw_text(settings: Settings) -> bool:
    """Whether the corpus was raw text, split by elmo_np.data.text.tokens, as the built-in corpora are."""
    return settings.data.tokenize or settings.data.corpus in BUILT_IN


def has_dump(spec: str) -> bool:
    """Whether a Wikipedia dump is among the files of a corpus. Raises UserError if there is no such corpus."""
    from .wikipedia import is_dump

    return spec not in BUILT_IN and any(path.is_file() and is_dump(path) for path in corpus_files(spec))
