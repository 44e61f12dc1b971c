"""Open English text to train language models on, without any sentence that a task tests on.

    python benchmarks/open_text.py --out FOLDER [--data DIR] [--sizes MILLION ..]

The sources are MASC, Brown, movie reviews, ABC, web text and State of the Union through NLTK (set NLTK_DATA), and the
Wikipedia dump in DIR/wikipedia: five million tokens. They are cleaned sentence by sentence: what is not prose is left
out, a repeated sentence, and every sentence that a task of benchmarks/tasks.py tests on, that contains such a sentence
or is a part of one. FOLDER gets all.txt, valid.txt, a text for each of --sizes, which contain one another, and
sources.md with the counts and the licence of each source. What is there already is not made again.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from report import markdown

from elmo_np.cli.main import Parser, guarded
from elmo_np.data import text
from elmo_np.data.wikipedia import dump_text
from elmo_np.errors import UserError
from elmo_np.runtime.files import atomic_write_text
from elmo_np.runtime.progress import Progress
from elmo_np.tasks.data import nltk_data

Document = list[str]        # sentences, their tokens separated by spaces

DOCUMENT = 50               # sentences at a time from a corpus that is one long text
VALIDATION = 60_000         # tokens
LONGEST = 150               # tokens; what is longer is a list or a table
PROSE = 0.5                 # least share of tokens with a letter
HEAD = 24                   # letters and digits: a shorter sentence is only compared whole, it is a part of too many
RESEARCH = "for research only"


class Source(NamedTuple):
    """A corpus, with the licence of NLTK's copy."""

    name: str
    licence: str
    read: Callable[[], Iterator[Document]]


def tokenized(name: str) -> Iterator[Document]:
    """A corpus of NLTK that is one long text of tokens, without white space inside them."""
    lines = (" ".join("".join(word.split()) for word in words) for words in nltk_data.corpus(name).sents())
    return pieces(" ".join(line.split()) for line in lines)


def raw(name: str) -> Iterator[Document]:
    """A corpus of NLTK that is not split into tokens, file by file."""
    reader = nltk_data.corpus(name)
    for file in reader.fileids():
        yield from pieces(" ".join(text.tokens(sentence)) for row in reader.raw(file).splitlines()
                          for sentence in text.sentences(row) if sentence.strip())


def pieces(lines: Iterable[str]) -> Iterator[Document]:
    """DOCUMENT lines at a time, without empty ones."""
    found = [line for line in lines if line]
    yield from (found[k:k + DOCUMENT] for k in range(0, len(found), DOCUMENT))


NLTK = (
    Source("MASC", "open (Ide et al. 2010)", partial(tokenized, "masc_tagged")),
    Source("Brown", f"{RESEARCH}: non-commercial use", partial(tokenized, "brown")),
    Source("movie reviews", "CC BY 4.0 (Pang and Lee 2004)", partial(raw, "movie_reviews")),
    Source("ABC", f"{RESEARCH}: no licence stated", partial(raw, "abc")),
    Source("web text", f"{RESEARCH}: no licence stated", partial(raw, "webtext")),
    Source("State of the Union", "public domain", partial(raw, "state_union")))


def wikipedia(dump: Path) -> Source:
    """The articles of a dump."""
    def read() -> Iterator[Document]:
        return pieces(dump_text(dump).read_text(encoding="utf-8").splitlines())
    return Source("Wikipedia", "CC BY-SA", read)


def sources(dump: Path | None) -> list[Source]:
    """All of them; without a dump, those of NLTK."""
    return [*NLTK, *([wikipedia(dump)] if dump else [])]


def deal(found: Iterable[Document], million: float) -> list[str]:
    """The sentences of the first documents that hold so many million tokens, infinity for all. Raises UserError if they
    hold fewer."""
    chosen: list[str] = []
    tokens = 0
    for document in found:
        if tokens >= million * 1e6:
            return chosen
        chosen += document
        tokens += sum(len(line.split()) for line in document)
    if tokens < 0.9 * million * 1e6 < math.inf:
        raise UserError(f"the corpora hold {tokens:,} tokens, expected {million} million: choose smaller --sizes")
    return chosen


def is_prose(line: str) -> bool:
    """Whether a sentence is of words, neither too long nor a table, a score or a line of marks."""
    tokens = line.split()
    words = sum(any(map(str.isalpha, token)) for token in tokens)
    return 2 <= len(tokens) <= LONGEST and words >= PROSE * len(tokens) and line.isprintable()


def letters(line: str) -> str:
    """The letters and digits in lower case: equal for sentences that differ in capitals, tokens or punctuation."""
    return "".join(filter(str.isalnum, line.lower()))


def within(parts: Iterable[str], wholes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(part, whole) for each part of at least HEAD characters that a whole contains."""
    heads: dict[str, list[str]] = {}
    for part in set(parts):
        if len(part) >= HEAD:
            heads.setdefault(part[:HEAD], []).append(part)
    for whole in wholes:
        for k in range(len(whole) - HEAD + 1):
            for part in heads.get(whole[k:k + HEAD], ()):
                if whole.startswith(part, k):
                    yield part, whole


def too_near(found: Iterable[str], tested: Iterable[str]) -> set[str]:
    """Of sentences as `letters`, those that are tested on, that contain one of these, or are a part of one."""
    own, others = set(found), set(tested)
    containing = {whole for _, whole in within(others, own)}
    parts = {part for part, _ in within(own, others)}
    return (own & others) | containing | parts


class Count(NamedTuple):
    """Of one source, the number of sentences: read; left out as no prose, as repeated, because a task tests on them;
    and kept, with their tokens."""

    source: str
    licence: str
    read: int
    no_prose: int
    repeated: int
    tested: int
    kept: int
    tokens: int


def cleaned(chosen: Sequence[Source], tested: Iterable[Sequence[str]],
            progress: Progress) -> tuple[list[Document], list[Count]]:
    """The documents of the sources, of which every sentence is kept once, and none that is tested on or near it."""
    read: list[list[Document]] = []
    for source in chosen:
        progress.show(f"reading {source.name}")
        read.append(list(source.read()))
    progress.show("looking for sentences that a task tests on")
    prose = (letters(line) for found in read for document in found for line in document if is_prose(line))
    held = too_near(prose, (letters(" ".join(sentence)) for sentence in tested))
    kept: list[Document] = []
    counts: list[Count] = []
    seen: set[str] = set()
    for source, found in zip(chosen, read, strict=True):
        count = Counter[str]()
        kept += [sifted(document, held, seen, count) for document in found]
        counts.append(Count(source.name, source.licence, **{name: count[name] for name in Count._fields[2:]}))
        progress.say(f"{source.name}: {count['kept']:,} of {count['read']:,} sentences, {count['tokens']:,} tokens")
    return [document for document in kept if document], counts


def sifted(document: Document, held: set[str], seen: set[str], count: Counter[str]) -> Document:
    """The sentences of a document that are kept; they are added to `seen`, and to the fields of `Count`."""
    kept = []
    for line in document:
        own = letters(line)
        why = "no_prose" if not is_prose(line) else "tested" if own in held else "repeated" if own in seen else "kept"
        seen.add(own)
        count.update(("read", why))
        if why == "kept":
            count["tokens"] += len(line.split())
            kept.append(line)
    return kept


def file_of(folder: Path, million: float) -> Path:
    """The text of that many million tokens, infinity for all."""
    return folder / ("all.txt" if math.isinf(million) else f"{million:g}.txt")


def write(folder: Path, chosen: Sequence[Source], tested: Iterable[Sequence[str]], sizes: Iterable[float],
          progress: Progress) -> list[Count]:
    """Write valid.txt, a text of each size and sources.json, unless they are there -> the counts of the sources."""
    files = [file_of(folder, size) for size in sizes]
    counted = folder / "sources.json"
    if not all(file.exists() for file in [*files, folder / "valid.txt", counted]):
        folder.mkdir(parents=True, exist_ok=True)
        found, counts = cleaned(chosen, tested, progress)
        random.Random(0).shuffle(found)
        valid = deal(found, VALIDATION / 1e6)
        held = set(valid)
        rest = [document for document in found if not held.issuperset(document)]
        for size, file in zip(sizes, files, strict=True):
            atomic_write_text(file, "\n".join([*deal(rest, size), ""]))
        atomic_write_text(folder / "valid.txt", "\n".join([*valid, ""]))
        atomic_write_text(counted, json.dumps([count._asdict() for count in counts], indent=1) + "\n")
    return [Count(**count) for count in json.loads(counted.read_text(encoding="utf-8"))]


def table(counts: Sequence[Count]) -> dict[str, list[str]]:
    """The columns of a table of sources, the last row for all of them."""
    def column(name: str) -> list[str]:
        numbers = [getattr(count, name) for count in counts]
        return [f"{number:,}" for number in [*numbers, sum(numbers)]]
    return {"source": [*(count.source for count in counts), "all"], "sentences": column("read"),
            "not prose": column("no_prose"), "repeated": column("repeated"), "tested on": column("tested"),
            "kept": column("kept"), "tokens": column("tokens"),
            "licence": [*(count.licence for count in counts), RESEARCH]}


def run(argv: Sequence[str] | None) -> None:
    from tasks_experiments import Files, experiments, tested

    parser = Parser(prog="open_text.py", description="Write open text without what tasks test on.")
    parser.add_argument("--out", required=True, metavar="FOLDER", type=Path, help="directory for the texts")
    Files.add_to(parser)
    parser.add_argument("--sizes", metavar="MILLION", type=float, nargs="+", default=[], help="million tokens of texts "
                        "besides all.txt")
    args = parser.parse_args(argv)
    files = Files.of(args)
    with Progress() as progress:
        todo = experiments(files, args.out / "tests", quick=False)
        counts = write(args.out, sources(files.dump), tested(todo), [*args.sizes, math.inf], progress)
    atomic_write_text(args.out / "sources.md", markdown(table(counts)) + "\n")
    print(markdown(table(counts)))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the texts and return the exit code, 2 for a user error."""
    return guarded("open_text.py", lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
