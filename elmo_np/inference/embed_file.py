"""`elmo-np embed`: the vectors of a whole text in one file, in memory that does not grow with it.

While it works there is a folder FILE.part beside the file:

    arrays.npz          the arrays so far, without the directory that makes it an .npz
    place.safetensors   what was asked for, how many sentences and bytes are done, and the state that is carried

A block of sentences is done when its arrays are on the disk and the place says so. What a run that was killed wrote
behind that is dropped, and its block is done again: a block does not depend on the ones before it, nor on where a run
began, but for the state that is carried, so that the file has the same bytes however often the work was interrupted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..config.toml_files import to_json
from ..data.corpus import corpus_sha256, require_reiterable
from ..errors import UserError
from ..io import npz_to_hdf5 as embed_hdf5
from ..io import safetensors_file as checkpoint
from ..io.npz import ArrayFile
from ..nn.bilm import BiState
from ..nn.parameter import sha256
from ..runtime.progress import Progress, duration
from ..runtime.signals import Interrupted, Signals, interruptible
from ..types import Array
from .elmo import ELMo, checked
from .word_cache import WordCache

BLOCK = 1 << 15         # words of a block of sentences: half a minute to a minute with the original ELMo
SETTLED = 1 << 12       # words after which a speed means something: sentences come a window at a time
SUFFIXES = (".npz", *embed_hdf5.SUFFIXES)
Numbered = tuple[int, Sequence[str]]        # a sentence, and its number in the whole text


class Text(NamedTuple):
    """What a first pass over a text finds."""

    sentences: int
    words: int
    fingerprint: str


class Shard:
    """The sentences of a text whose number leaves i when it is divided by N, with their numbers."""

    def __init__(self, sentences: Iterable[Sequence[str]], shard: tuple[int, int]):
        self.sentences, (self.i, self.N) = require_reiterable(sentences), shard
        if not 0 <= self.i < self.N:
            raise UserError(f"shard {self.i}/{self.N}: expected i/N, i from 0 to N - 1; of four: 0/4, 1/4, 2/4, 3/4")

    def __iter__(self) -> Iterator[Numbered]:
        return islice(enumerate(checked(self.sentences)), self.i, None, self.N)


def embed_file(elmo: ELMo, sentences: Iterable[Sequence[str]], out: str | os.PathLike[str], *, layer: str = "all",
               state: str = "reset", marks: bool = False, shard: tuple[int, int] = (0, 1),
               cache: str | os.PathLike[str] | None = None, resume: bool = False, quiet: bool = False) -> int:
    """Write an array a sentence, named by its number: (layers, tokens, 2P) with layer "all", else (tokens, dim).

    sentences   can be read more than once, the same each time
    out         .npz; or .hdf5, .h5, which also has "sentences", their text in the order of their numbers
    layer, state, marks     as `ELMo.stream` has them, layer as text; "carry": each sentence goes on from the last one
    shard       (i, N): only the sentences whose number leaves i when it is divided by N
    cache       a file for the vectors of words that a model of characters has computed, read and added to
    resume      go on where a call for the same file stopped; from the beginning where there is none
    -> how many sentences. Raises UserError: `out` exists, cannot be written, or was begun otherwise; Interrupted at
    Ctrl-C, when what is done is kept.
    """
    out, numbered = Path(out), Shard(sentences, shard)
    which = int(layer) if layer.isdecimal() else layer
    elmo.parts((), which, state, marks=marks)           # a mistake shows before the long part
    if state == "carry" and shard[1] > 1:
        raise UserError("state carry with a shard: a sentence goes on from the one before it, which is in another "
                        "shard; expected state reset or warm")
    _check_out(out, resume)
    with Progress(quiet=quiet) as progress:
        text, known = _survey(numbered, elmo, cache, progress)
        asked = {"layer": layer, "state": state, "marks": json.dumps(marks), "shard": f"{shard[0]}/{shard[1]}",
                 "the text": text.fingerprint, "the model": _identity(elmo)}
        before, elmo.cache = elmo.cache, known
        try:
            with interruptible() as signals, Part(out, asked, elmo) as part:
                _embed(elmo, numbered, text, part, which, state, marks, progress, signals)
                _finish(out, part, numbered, progress, signals)
        except OSError as error:
            raise UserError(f"cannot write {out}: {error.strerror or error}") from error
        finally:
            elmo.cache = before         # the model may change later
    return text.sentences


def _finish(out: Path, part: Part, numbered: Shard, progress: Progress, signals: Signals) -> None:
    """All arrays are there: make the file of them."""
    if out.suffix == ".npz":
        part.arrays.finish()
        part.arrays.close()         # an open file cannot be moved everywhere
        os.replace(part.arrays.path, out)
    else:
        progress.show(f"writing {out}")
        embed_hdf5.write(out, part.arrays.path, part.size, (sentence for _, sentence in numbered), signals)
        part.arrays.close()
    shutil.rmtree(part.folder)


def _check_out(out: Path, resume: bool) -> None:
    if out.suffix not in SUFFIXES:
        raise UserError(f"--out {out}: expected a name that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if out.exists():
        raise UserError(f"{out} exists already: give another --out, or remove it")
    if out.suffix != ".npz":
        embed_hdf5.library()
    if not resume and _folder(out).exists():
        raise UserError(f"{_folder(out)} holds the beginning of {out.name}: expected --resume, to go on; or remove it")


def _folder(out: Path) -> Path:
    return out.with_name(f"{out.name}.part")


def _survey(numbered: Shard, elmo: ELMo, cache: str | os.PathLike[str] | None,
            progress: Progress) -> tuple[Text, WordCache | None]:
    """One pass over the text: how much there is, and the words that the cache lacks, which are then computed."""
    known = None if cache is None else WordCache.load(cache, elmo.model)
    count = words = 0
    new: dict[str, None] = {}

    def seen() -> Iterator[Sequence[str]]:
        nonlocal count, words
        for _, sentence in numbered:
            count, words = count + 1, words + len(sentence)
            if known is not None and len(new) < known.room():
                new.update(dict.fromkeys(word for word in sentence if word not in known.numbers))
            if count % 100_000 == 0:
                progress.show(f"reading the text: {count:,} sentences")
            yield sentence
    text = corpus_sha256(seen())
    if known is not None and cache is not None and known.add(new):
        known.save(cache)
    return Text(count, words, text), known


def _identity(elmo: ELMo) -> str:
    """All that the vectors depend on."""
    parts = sha256(elmo), to_json(elmo.model.config), elmo.vocabulary.sha256(), str(elmo.mix.layer_norm)
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


class Part:
    """The folder with what is done so far.

    done, size      sentences and bytes
    """

    def __init__(self, out: Path, asked: dict[str, str], elmo: ELMo):
        self.folder, self._asked, self._elmo = _folder(out), asked, elmo
        self._place, self.done, self.size = self.folder / "place.safetensors", 0, 0
        elmo.reset_state()
        if self._place.exists():
            tensors, metadata = checkpoint.load(self._place)
            for name, value in asked.items():
                if metadata.get(name) != value:
                    than = "another one" if name.startswith("the ") else metadata.get(name)
                    raise UserError(f"{self.folder} was begun with other settings: {name} was {than}"
                                    f"{'' if name.startswith('the ') else f', now it is {value}'}; give the same, or "
                                    "remove it")
            self.done, self.size = int(metadata["sentences"]), int(metadata["bytes"])
            elmo.carried = _state(tensors, elmo)
        self.folder.mkdir(exist_ok=True)
        path = self.folder / "arrays.npz"
        if self.size and (not path.exists() or path.stat().st_size < self.size):
            raise UserError(f"{path} is shorter than it was: expected at least {self.size} bytes; remove {self.folder} "
                            "and begin anew")
        self.arrays = ArrayFile(path, self.size)

    def keep(self, sentences: int) -> None:
        """So many are done: from here a run goes on."""
        size = self.arrays.sync()
        carried = {} if self._elmo.carried is None else _tensors(self._elmo.carried)
        checkpoint.save(self._place, carried, {**self._asked, "sentences": str(sentences), "bytes": str(size)})
        self.done, self.size = sentences, size

    def __enter__(self) -> Part:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.arrays.close()
        if kind is not None and not self.done:
            shutil.rmtree(self.folder, ignore_errors=True)
        if kind is KeyboardInterrupt:
            raise Interrupted(f"stopped: {self.done:,} sentences are kept"
                              + (f" in {self.folder}" if self.done else "")) from None


def _tensors(state: BiState) -> dict[str, Array]:
    return {f"{direction}.{k}.{name}": array for direction, layers in zip("fb", state, strict=True)
            for k, layer in enumerate(layers) for name, array in zip("hc", layer, strict=True)}


def _state(tensors: dict[str, Array], elmo: ELMo) -> BiState | None:
    """What `_tensors` made an end of."""
    if not tensors:
        return None
    one, two = ([(tensors[f"{direction}.{k}.h"], tensors[f"{direction}.{k}.c"])
                 for k in range(elmo.model.config.layers)] for direction in "fb")
    return one, two


def _embed(elmo: ELMo, numbered: Shard, text: Text, part: Part, layer: str | int, state: str,
           marks: bool, progress: Progress, signals: Signals) -> None:
    """All blocks that are not done yet."""
    start = elmo.warm_state() if state == "warm" else state
    sentences, before, done, words = iter(numbered), part.done, part.done, 0
    left = text.words - sum(len(sentence) for _, sentence in islice(sentences, before))
    begun = time.monotonic()
    for block in _blocks(sentences):
        for (number, sentence), (tokens, parts) in zip(block, _read(elmo, block, layer, start, marks), strict=True):
            part.arrays.add(str(number), tokens, parts)
            done, words, seconds = done + 1, words + len(sentence), time.monotonic() - begun
            if words >= SETTLED:
                progress.show(f"{done:,} of {text.sentences:,} sentences, {(done - before) / seconds:,.1f} a second, "
                              f"{duration((left - words) * seconds / words)} left")
            if signals.raised:
                raise KeyboardInterrupt
        part.keep(done)


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


def _read(elmo: ELMo, block: list[Numbered], layer: str | int, state: str | BiState,
          marks: bool) -> Iterator[tuple[int, Iterable[Array]]]:
    """The arrays of a block, in parts."""
    if state != "carry":
        yield from elmo.parts([sentence for _, sentence in block], layer, state, marks=marks)
        return
    for _, sentence in block:       # one stream: every sentence is the next of the same row
        yield from elmo.parts([sentence], layer, state, marks=marks)
