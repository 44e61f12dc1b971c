"""Wikipedia's dumps to a text file, one tokenised sentence per line: `elmo-np corpus`.

While it works there is a directory FILE.part next to the file:

    text            the blocks so far, each compressed on its own
    place.json      what was asked for, and how much of it is done

A block is done when it is on the disk and place.json counts it. Anything that a killed run wrote after that is dropped,
and its block is done again. A block depends on its articles alone, so the file has the same bytes whatever the number
of processes and however often the work was interrupted.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, astuple, dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..errors import UserError
from ..runtime import json_text
from ..runtime.files import FORMATS, atomic_write_text, check_ending, read_regular_text, sync_folder
from ..runtime.locks import locked_file
from ..runtime.progress import Progress, duration
from ..runtime.signals import Interrupted, interruptible
from ..runtime.unfinished import Unfinished
from .text_lines import check_regular
from .wikipedia import Article, articles, is_dump
from .wikitext import library

BLOCK = 32              # articles per block: some seconds of work
LARGEST_PLACE = 1 << 20 # bytes of place.json
WAITING = 3             # blocks per process that are read ahead

_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": partial(gzip.compress, mtime=0), ".bz2": bz2.compress, ".xz": lzma.compress}


@dataclass(frozen=True)
class Counts:
    """How much is done. size: in bytes, of the text file; read: in bytes, of the dumps."""

    articles: int = 0
    sentences: int = 0
    tokens: int = 0
    empty: int = 0          # articles without a sentence
    size: int = 0
    read: int = 0


class Block(NamedTuple):
    """The text of some articles."""

    data: bytes
    counts: Counts


@dataclass(frozen=True)
class Job:
    """What is asked for. limit: number of articles; None: all."""

    dumps: tuple[Path, ...]
    out: Path
    limit: int | None
    processes: int

    @property
    def unfinished(self) -> Unfinished:
        return Unfinished.of(self.out, "text", "place.json")

    @property
    def part(self) -> Path:
        return self.unfinished.folder

    def finished(self) -> bool:
        """Whether the file is there: it gets its name when all of it is written."""
        return self.out.is_file() and self.out.stat().st_size > 0 and not self.unfinished.data.exists()

    def asked(self) -> dict[str, object]:
        """What place.json records: a run goes on only with the same."""
        files = [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in self.dumps]
        return {"dumps": files, "limit": self.limit, "mwparserfromhell": library().__version__}


def dump_to_text(dumps: Sequence[Path], out: str | os.PathLike[str], *, limit: int | None = None, processes: int = 1,
                 resume: bool = False, quiet: bool = False) -> Counts | None:
    """Write the sentences of Wikipedia's dumps to a text file.

    dumps       the files, read in this order
    out         the text file; .gz, .bz2 and .xz are compressed
    limit       read so many articles only
    processes   how many parse markup
    resume      go on where a call for the same file stopped, or start from the beginning if there was none
    quiet       no progress on stderr
    -> how much there was; None: `resume`, and the file is finished already. It does not record what it was made from.
    Raises UserError: a file that is not a dump, is damaged or cannot be written; `out` exists, was begun with other
    settings, or is being written by another process; Interrupted at Ctrl-C, when what is done is kept.
    """
    job = Job(tuple(dumps), Path(out), limit, processes)
    with locked_file(job.out), Progress(quiet=quiet) as progress:
        _check(job, resume)
        if job.finished():
            job.unfinished.remove()         # a run that is killed may have left the folder
            return None
        try:
            return _write(job, resume, progress)
        except OSError as error:
            raise UserError(f"cannot write {out}: {error.strerror or error}; expected an existing directory with room "
                            "and permission") from error


def _write(job: Job, resume: bool, progress: Progress) -> Counts:
    """Write the file, or what is left of it."""
    done = _begin(job, resume)
    try:
        with interruptible() as signals, open(job.unfinished.data, "r+b") as file:
            file.truncate(done.size)
            file.seek(done.size)
            for counts in _convert(job, done, file, progress, signals.raised):
                done = counts
        os.replace(job.unfinished.data, job.out)
    except BaseException:
        if not done.articles:       # nothing to go on with: the same command may be repeated
            job.unfinished.remove()
        raise
    sync_folder(job.out.parent)
    job.unfinished.remove()
    return done


def _check(job: Job, resume: bool) -> None:
    """Raise UserError for what cannot begin."""
    check_regular(job.dumps, "a Wikipedia dump")
    for path in job.dumps:
        if not is_dump(path):
            raise UserError(f"{path} is not a Wikipedia dump, expected a file such as enwiki-latest-pages-articles.xml"
                            ".bz2: give that, or use the text as it is")
    for name, value in ("limit", job.limit), ("processes", job.processes):
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}, expected 1 or more")
    if os.path.lexists(job.out) and not (resume and job.finished()):
        raise UserError(f"{job.out} already exists: give another name, or remove it")
    check_ending(job.out, (".txt", *_COMPRESS), FORMATS)
    library()


def _begin(job: Job, resume: bool) -> Counts:
    """How much is done already. Raises UserError where that was asked for differently."""
    place = job.unfinished.place
    if not job.unfinished.begun():
        job.unfinished.make()
        job.unfinished.data.touch()
        _save(job, Counts())
        return Counts()
    if not resume:
        raise UserError(f"{job.part} holds unfinished work: continue it (resume=True, --resume), or remove it")
    try:
        found = json_text.loads(read_regular_text(place, LARGEST_PLACE))
        before, done = dict(found["asked"]), Counts(**found["done"])
        if not all(type(count) is int and count >= 0 for count in astuple(done)):
            raise ValueError(f"counts {done}")
        if done.size > job.unfinished.data.stat().st_size:
            raise ValueError("text is shorter than it was")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{place} is damaged: remove {job.part}, and start again") from error
    for name, value in json.loads(json.dumps(job.asked())).items():
        if before.get(name) != value:
            raise UserError(f"{job.part} was begun with {name} {before.get(name)}, now it is {value}: expected the "
                            "same; give another name, or remove it")
    return done


def _save(job: Job, done: Counts) -> None:
    atomic_write_text(job.unfinished.place, json.dumps({"asked": job.asked(), "done": asdict(done)}))


def _convert(job: Job, done: Counts, file: BinaryIO, progress: Progress, interrupted: list[int]) -> Iterator[Counts]:
    """Write the blocks that are left, in order -> how much is done after each."""
    start, before, total = time.perf_counter(), done.read, sum(path.stat().st_size for path in job.dumps)
    if done.articles:
        progress.say(f"resuming after {done.articles:,} articles")
    for block in _texts(job, islice(_all_articles(job.dumps), done.articles, job.limit)):
        file.write(block.data)
        file.flush()
        os.fsync(file.fileno())
        own = block.counts
        done = Counts(done.articles + own.articles, done.sentences + own.sentences, done.tokens + own.tokens,
                      done.empty + own.empty, done.size + own.size, own.read)
        _save(job, done)
        yield done
        if interrupted:
            raise Interrupted(f"stopped after {done.articles:,} articles; everything is in {job.part}")
        share = _share(job, done, total)
        left = (time.perf_counter() - start) * (1 - share) / max(1e-9, share - before / total)
        progress.show(f"{done.articles:,} articles  {done.sentences:,} sentences  {done.tokens:,} tokens  "
                      f"{share:.1%}  {duration(left)} left")


def _share(job: Job, done: Counts, total: int) -> float:
    return done.read / total if job.limit is None else max(done.read / total, done.articles / job.limit)


def _all_articles(dumps: Iterable[Path]) -> Iterator[Article]:
    """The articles of all dumps, with positions that go on from one to the next."""
    before = 0
    for path in dumps:
        for article in articles(path):
            yield article._replace(position=before + article.position)
        before += path.stat().st_size


def _texts(job: Job, read: Iterator[Article]) -> Iterator[Block]:
    """The blocks in order, converted by `processes` processes, a few at a time."""
    blocks = iter(lambda: list(islice(read, BLOCK)), [])
    work = partial(_block, suffix=job.out.suffix)
    if job.processes == 1:
        yield from map(work, blocks)
        return
    waiting: deque[Future[Block]] = deque()
    # Spawned, not forked: this process may have threads.
    pool = ProcessPoolExecutor(job.processes, get_context("spawn"), _ignore_signals)
    try:
        for block in blocks:
            waiting.append(pool.submit(work, block))
            if len(waiting) == WAITING * job.processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(f"a process was killed, perhaps for lack of memory; everything before is in {job.part}: "
                        "continue it with fewer processes") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_signals() -> None:
    """In a process of the pool: Ctrl-C reaches all of them, but only the first decides what to do."""
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, signal.SIG_IGN)


def _block(block: Sequence[Article], suffix: str) -> Block:
    """The text of some articles as bytes of the file."""
    found = [article.sentences() for article in block]
    sentences = [sentence for own in found for sentence in own]
    text = "".join(" ".join(sentence) + "\n" for sentence in sentences).encode()
    data = _COMPRESS.get(suffix.casefold(), bytes)(text) if text else b""
    counts = Counts(len(block), len(sentences), sum(map(len, sentences)), sum(not own for own in found), len(data),
                    block[-1].position)
    return Block(data, counts)
