"""The vectors of a whole text in one file, in memory that does not grow with the text: `elmo-np embed`.

While it works there is a folder FILE.part next to the file:

    arrays.npz          the arrays so far, without the directory that makes it an .npz
    place.safetensors   what was asked for, how many sentences and bytes are done, and the carried state

The finished file records what was asked for, so that a run that is repeated knows it: an .npz in the comment of its zip
archive, an HDF5 file in its user block.

A block of sentences is done when its arrays are on the disk and place.safetensors counts them. Anything that a killed
run wrote after that is dropped, and its block is done again. Apart from the carried state, a block depends neither on
the blocks before it nor on where a run began, so the file has the same bytes however often the work was interrupted.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..config.toml_files import to_json
from ..data.corpus import corpus_sha256, require_reiterable
from ..data.fasta import FastaCorpus
from ..errors import UserError
from ..io import hdf5, npz, npz_to_hdf5, safetensors_file
from ..io.npz import ArrayFile, undamaged
from ..nn.bilm import BiState
from ..nn.parameter import sha256
from ..runtime.files import sync_folder
from ..runtime.locks import locked_file
from ..runtime.progress import Progress, duration
from ..runtime.signals import Interrupted, Signals, interruptible
from ..runtime.unfinished import Unfinished
from ..types import Array
from .coverage import Coverage
from .elmo import ELMo, layer_of
from .encoder import arrays_of, checked, state_names, state_of
from .word_cache import WordCache

BLOCK = 1 << 15         # words per block of sentences: half a minute to a minute with the original ELMo
SETTLED = 1 << 12       # words after which a speed is worth showing: sentences come a window at a time
SUFFIXES = (".npz", *npz_to_hdf5.SUFFIXES)
EARLIER = {"mean": "false", "the ids": hashlib.sha256().hexdigest()}        # what files of earlier versions leave out
COUNT = re.compile("[0-9]{1,18}")
Numbered = tuple[int, Sequence[str]]        # a sentence, and its number in the whole text


class Text(NamedTuple):
    """What a first pass over a text finds."""

    sentences: int
    words: int
    sha256: str


class Shard:
    """The sentences of a text whose index modulo N is i, with their numbers in the text.

    A corpus of proteins names its sentences; in any other the name of a sentence is its number.
    """

    def __init__(self, sentences: Iterable[Sequence[str]], shard: tuple[int, int]):
        self.sentences, (self.i, self.N) = require_reiterable(sentences), shard
        if not 0 <= self.i < self.N <= sys.maxsize:
            raise UserError(f"shard {self.i}/{self.N}: expected i/N, i from 0 to N - 1; of four: 0/4, 1/4, 2/4, 3/4")

    def __iter__(self) -> Iterator[Numbered]:
        return islice(enumerate(checked(self.sentences)), self.i, None, self.N)

    def names(self) -> Iterator[str]:
        """The names of the arrays."""
        if isinstance(self.sentences, FastaCorpus):
            return islice(self.sentences.ids, self.i, None, self.N)
        return map(str, itertools.count(self.i, self.N))

    @property
    def proteins(self) -> bool:
        return isinstance(self.sentences, FastaCorpus)


@dataclass(frozen=True)
class Job:
    """What is embedded, and how.

    elmo    a copy with its own word cache and carried state: the caller's ELMo is never changed
    """

    elmo: ELMo
    sentences: Shard
    text: Text
    out: Path
    layer: str | int
    state: str
    marks: bool
    mean: bool

    def asked(self) -> dict[str, str]:
        """What place.safetensors records: a run goes on only with the same."""
        elmo = self.elmo
        model = sha256(elmo, to_json(elmo.model.config), elmo.vocabulary.sha256(), str(elmo.mix.layer_norm))
        ids = self.sentences.names() if self.sentences.proteins else ()
        return {"layer": str(self.layer), "state": self.state, "marks": json.dumps(self.marks),
                "mean": json.dumps(self.mean), "the ids": hashlib.sha256("\n".join(ids).encode()).hexdigest(),
                "shard": f"{self.sentences.i}/{self.sentences.N}", "the text": self.text.sha256, "the model": model}

    def record(self) -> bytes:
        """`asked`, for the finished file."""
        return json.dumps(self.asked(), sort_keys=True).encode()

    def check_done(self) -> None:
        """Raise UserError unless the file that is there is what this job writes."""
        comment_of = npz.comment_of if self.out.suffix == ".npz" else npz_to_hdf5.comment_of
        found = b""
        with contextlib.suppress(OSError):      # of a file of another kind
            found = comment_of(self.out)
        if found != self.record():
            raise UserError(f"{self.out} exists already, and does not record that it was made from this text by this "
                            "model with these options: give another name, or remove it")


def embed_file(elmo: ELMo, sentences: Iterable[Sequence[str]], out: str | os.PathLike[str], *, layer: str | int = "all",
               state: str = "reset", marks: bool = False, shard: tuple[int, int] = (0, 1),
               mean: bool = False, cache: str | os.PathLike[str] | None = None, resume: bool = False,
               quiet: bool = False) -> int:
    """Write one array per sentence, named by its number: (layers, tokens, 2P) with layer "all", else (tokens, dim).

    sentences   can be read more than once, the same each time; with a `FastaCorpus` the names are the ids of proteins
    out         .npz; or .hdf5, .h5, which also has "sentences", their text in the order of their numbers;
                of proteins, it has the arrays only
    layer, state, marks     as in `ELMo.stream`, a layer's number as text too; "carry": each sentence goes on from the
                            one before
    shard       (i, N): only the sentences whose index modulo N is i
    mean        the mean over the tokens in their place, with marks also over <S> and </S>: (layers, 2P) or (dim,)
    cache       a file for the word vectors that a model of characters has computed, read and added to
    resume      go on where a call for the same file stopped, or start from the beginning if there was none; a file
                that the same call has finished stays
    -> how many sentences. Raises UserError: `out` exists and is not what `resume` would give, cannot be written, or was
    begun with other settings; Interrupted at Ctrl-C, when what is done is kept.
    """
    out, numbered = Path(out), Shard(sentences, shard)
    which = layer_of(layer)
    elmo.check(which, state)                            # a mistake shows before the long part
    if state == "carry" and numbered.N > 1:
        raise UserError("state carry with a shard: a sentence goes on from the one before it, which is in another "
                        "shard; expected state reset or warm")
    hdf5_text = out.suffix != ".npz"
    if cache is not None and os.path.realpath(cache) == os.path.realpath(out):
        raise UserError(f"{out} is both the file to write and the cache, which would be lost: give another cache")
    with locked_file(out), Progress(quiet=quiet) as progress:
        _check_out(out, resume)
        if hdf5_text and numbered.proteins:
            _check_hdf5_names(numbered.names())
        own = copy.copy(elmo)
        own.carried = None
        found = Coverage(elmo)
        own.cache = None if cache is None else WordCache.load(cache, elmo.model)
        if mean and marks:
            progress.say("note: <S> and </S> count in the mean (--mean, mean=True) because the marks are asked for "
                         "(--marks, marks=True); without them it is the mean of the words")
        text, new = _survey(numbered, own.cache, progress, found, hdf5_text)
        if found.lost:
            progress.say(found.line)
        if isinstance(sentences, FastaCorpus) and sentences.warning:
            progress.say(sentences.warning)
        job = Job(own, numbered, text, out, which, state, marks, mean)
        if os.path.lexists(out):
            job.check_done()
            progress.say(f"{out} exists already, made from the same text by the same model: it is done")
            _unfinished(out).remove()       # a run that is killed may have left the folder
            return text.sentences
        if own.cache is not None and cache is not None and own.cache.add(new):
            own.cache.save(cache)
        try:
            with interruptible() as signals, Part(_unfinished(out), job) as part:
                _embed(job, part, progress, signals)
                _finish(job, part, progress, signals)
        except OSError as error:
            raise UserError(f"cannot write {out}: {error.strerror or error}") from error
    return text.sentences


def _finish(job: Job, part: Part, progress: Progress, signals: Signals) -> None:
    """All arrays are there: make the file of them."""
    if job.out.suffix == ".npz":
        part.arrays.finish(job.record())
        part.arrays.close()         # an open file cannot be moved on every system
        os.replace(part.arrays.path, job.out)
        sync_folder(job.out.parent)
    else:
        progress.show(f"writing {job.out}")
        sentences = None if job.sentences.proteins else (sentence for _, sentence in job.sentences)
        npz_to_hdf5.write(job.out, part.arrays.path, part.size, sentences, signals, job.record())
        part.arrays.close()
    part.files.remove()


def _check_out(out: Path, resume: bool) -> None:
    if out.suffix not in SUFFIXES:
        raise UserError(f"{out}: expected a name that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if os.path.lexists(out) and not resume:
        raise UserError(f"{out} exists already: give another name, or remove it")
    if out.suffix != ".npz":
        hdf5.library()
    if _unfinished(out).begun() and not resume:
        raise UserError(f"{_unfinished(out).folder} holds the beginning of {out.name}: go on with it (--resume, or "
                        "resume=True), or remove it")


def _check_hdf5_names(names: Iterable[str]) -> None:
    for name in names:
        if "/" in name or name == ".":
            raise UserError(f"the id {name!r} cannot be a name in an HDF5 file, where / separates groups: expected "
                            "another id, or an .npz")


def _unfinished(out: Path) -> Unfinished:
    return Unfinished.of(out, "arrays.npz", "place.safetensors")


def _survey(numbered: Shard, known: WordCache | None, progress: Progress, found: Coverage,
            hdf5_text: bool) -> tuple[Text, dict[str, None]]:
    """Read the text once: how much there is, how much of it the model knows, and the words that are missing in the
    cache."""
    count = 0
    new: dict[str, None] = {}

    def seen() -> Iterator[Sequence[str]]:
        nonlocal count
        for number, sentence in numbered:
            if hdf5_text and any("\0" in word for word in sentence):
                raise UserError(f"sentence {number} has a word with a NUL character, which the text in an HDF5 file "
                                "cannot hold: remove the character, or write an .npz")
            found.add(sentence)
            count += 1
            if known is not None and len(new) < known.room():
                new.update(dict.fromkeys(word for word in sentence if word not in known.numbers))
            if count % 100_000 == 0:
                progress.show(f"reading the text: {count:,} sentences")
            yield sentence
    text = corpus_sha256(seen())
    return Text(count, found.words, text), new


class Part:
    """The folder with what is done so far.

    done, size      sentences and bytes
    state           what state "carry" has carried so far; None with any other
    """

    def __init__(self, unfinished: Unfinished, job: Job):
        self.files, self._job, self._asked = unfinished, job, job.asked()
        self._model = job.elmo.model
        self._names = state_names(self._model, letters=1)
        self.done, self.size = 0, 0
        self.state: BiState | None = None
        if unfinished.begun():
            self._go_on()
        else:
            unfinished.make()
        path = unfinished.data
        if self.size and (not path.exists() or path.stat().st_size < self.size):
            raise UserError(f"{path} is shorter than it was: expected at least {self.size} bytes; remove "
                            f"{unfinished.folder} and start again")
        self._back_to_undamaged(path)
        self.arrays = ArrayFile(path, self.size)

    def _go_on(self) -> None:
        """Read how far the work got. Raises UserError if something else was asked for."""
        tensors, metadata = safetensors_file.load(self.files.place)
        metadata = {**EARLIER, **metadata}
        for name, value in self._asked.items():
            before = metadata.get(name)
            if before != value:
                change = "another one" if name.startswith("the ") else f"{before!r:.60}, now it is {value!r}"
                raise UserError(f"{self.files.folder} was begun with other settings: {name} was {change}; give "
                                "the same, or remove it")
        done, size = (int(text) if COUNT.fullmatch(text) else -1
                      for text in (metadata.get("sentences", ""), metadata.get("bytes", "")))
        if min(done, size) < 0 or bool(done) != bool(size) or not self._fits(tensors, done):
            raise UserError(f"{self.files.place} is damaged: expected how many sentences and bytes are done, and a "
                            f"finite carried state of this model; remove {self.files.folder} and start again")
        self.done, self.size = done, size
        if tensors:
            self.state = state_of(self._model, (tensors[name] for name in self._names))

    def _fits(self, tensors: dict[str, Array], done: int) -> bool:
        """Whether these are the arrays of the state that is carried after so many sentences."""
        carried = arrays_of(self._model.zero_state(1)) if done and self._job.state == "carry" else []
        expected = dict(zip(self._names, carried, strict=False))
        return tensors.keys() == expected.keys() and all(
            array.shape == expected[name].shape and array.dtype == expected[name].dtype and np.isfinite(array).all()
            for name, array in tensors.items())

    def _back_to_undamaged(self, path: Path) -> None:
        """Go back to before the first array that is not as it was written.

        With a carried state go back to the beginning: only the last state is known.
        """
        if not self.size:
            return
        done, size = undamaged(path, self.size, self._job.sentences.names())
        if (done, size) != (self.done, self.size):
            self.done, self.size = (done, size) if self.state is None else (0, 0)
            self.state = None

    def keep(self, sentences: int, state: BiState | None) -> None:
        """So many sentences are done, and `state` is carried: a run goes on from here."""
        size = self.arrays.sync()
        counts = {"sentences": str(sentences), "bytes": str(size)}
        tensors = {} if state is None else dict(zip(self._names, arrays_of(state), strict=True))
        safetensors_file.save(self.files.place, tensors, {**self._asked, **counts})
        self.done, self.size = sentences, size

    def __enter__(self) -> Part:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.arrays.close()         # writes the rest, for which there may be no room
        finally:
            if kind is not None and not self.done:
                self.files.remove()
        if kind is KeyboardInterrupt:
            raise Interrupted(f"stopped: {self.done:,} sentences are kept"
                              + (f" in {self.files.folder}" if self.done else "")) from None


def _embed(job: Job, part: Part, progress: Progress, signals: Signals) -> None:
    """Embed all blocks that are not done yet."""
    part.keep(part.done, part.state)        # from now on the folder is known as this job's
    start = job.elmo.warm_state() if job.state == "warm" else job.state
    job.elmo.carried = part.state
    sentences, before, done, words = iter(job.sentences), part.done, part.done, 0
    left = job.text.words - sum(len(sentence) for _, sentence in islice(sentences, before))
    begun = time.monotonic()
    names = islice(job.sentences.names(), before, None)
    for block in _blocks(sentences):
        for (_, sentence), (tokens, parts) in zip(block, _vectors(job, block, start), strict=True):
            if job.mean:
                part.arrays.add_whole(next(names), mean_of(parts))
            else:
                part.arrays.add(next(names), tokens, parts)
            done, words, seconds = done + 1, words + len(sentence), time.monotonic() - begun
            if words >= SETTLED:
                progress.show(f"{done:,} of {job.text.sentences:,} sentences, {(done - before) / seconds:,.1f} per "
                              f"second, {duration((left - words) * seconds / words)} left")
            if signals.raised:
                raise KeyboardInterrupt
        part.keep(done, job.elmo.carried)


def mean_of(parts: Iterable[Array]) -> Array:
    """The mean over the tokens of an array in parts, (.., tokens, dim) -> (.., dim), of the same type."""
    total, tokens, dtype = np.zeros(()), 0, np.dtype(float)
    for part in parts:
        total = total + part.sum(axis=-2, dtype=np.float64)
        tokens += part.shape[-2]
        dtype = part.dtype
    return (total / tokens).astype(dtype)


def _blocks(sentences: Iterator[Numbered]) -> Iterator[list[Numbered]]:
    block: list[Numbered] = []
    words = 0
    for number, sentence in sentences:
        block.append((number, sentence))
        words += len(sentence)
        if words >= BLOCK:
            yield block
            block, words = [], 0
    if block:
        yield block


def _vectors(job: Job, block: list[Numbered], start: str | BiState) -> Iterator[tuple[int, Iterable[Array]]]:
    """The arrays of a block, in parts."""
    sentences = [sentence for _, sentence in block]
    # "carry": one stream, in which every sentence is the next of the same row
    calls = [[sentence] for sentence in sentences] if start == "carry" else [sentences]
    for call in calls:
        yield from job.elmo.parts(call, job.layer, start, marks=job.marks)
