"""The file of a model: its arrays, its settings, and the hash of its vocabulary."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..config.schema import BiLMConfig, Settings, TrainConfig
from ..config.toml_files import from_json, to_json
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..nn.adaptive_softmax import default_cutoffs, tail_width
from ..nn.bilm import BiLM
from ..nn.cell import cell_class
from ..nn.characters import N_CHARACTERS
from ..nn.parameter import parameters
from ..nn.representation import ScalarMix, WordVector
from ..types import Array
from . import safetensors_file
from .run_directory import RunDirectory

COUNTS = "vocabulary.counts"


def write_model(path: Path, arrays: Mapping[str, Array], vocabulary: Vocabulary, settings: Settings,
                metadata: Mapping[str, str]) -> None:
    """Write a model file.

    arrays      {name: array}, including all `parameters` of an ELMo
    metadata    texts, including "tokenize"

    Anything that the computation does not depend on is left out, so that the same run gives the same bytes wherever its
    corpus is and however many threads it uses.
    """
    train = dataclasses.replace(settings.train, threads=TrainConfig.threads, save_every=TrainConfig.save_every)
    counts = np.array(vocabulary.counts or [], np.int64)
    texts = {"model": to_json(settings.model), "train": to_json(train), "vocabulary": vocabulary.sha256()}
    if vocabulary.unknown is not None:
        texts["unknown"] = vocabulary.unknown
    safetensors_file.save(path, {**arrays, COUNTS: counts}, {**texts, **metadata})


class Stored(NamedTuple):
    """The contents of a model file."""

    path: Path
    config: BiLMConfig
    vocabulary: Vocabulary
    tokenize: bool
    tensors: dict[str, Array]
    metadata: dict[str, str]

    @property
    def layer_norm(self) -> bool:
        """Whether the mix normalises the layers (V6)."""
        return self.metadata.get("mix") == "layer_norm"

    def take(self, elmo: object, without: str = " ") -> dict[str, Array]:
        """The arrays of a model of these sizes, by the names of `parameters`; `tensors` keeps the others.

        without     leave out the names that contain this
        Raises UserError for one that is missing, of another shape or dtype, or with NaN or infinity in it.
        """
        own = {name: p for name, p in parameters(elmo).items() if without not in name}
        for name, p in own.items():
            _check(self.path, name, self.tensors.get(name), p.value.shape, p.value.dtype)
            _check_finite(self.path, name, self.tensors[name])
        return {name: self.tensors.pop(name) for name in own}


def read_model(path: str | os.PathLike[str], *, mmap: bool = False) -> Stored:
    """Read a model file, and check its arrays of two axes against its settings; or a published model, as
    `published.read` does. Raises UserError."""
    from . import foreign_models, published  # a dozen modules, which a program that trains does without

    path = Path(path)
    if found := published.read(path):
        return _stored(path, *found)
    file = RunDirectory(path).model if path.is_dir() else path
    foreign_models.check(path)
    tensors, metadata = safetensors_file.load(file, mmap=mmap)
    foreign_models.check_no_task(file, metadata)
    if not {"model", "vocabulary", "tokenize"} <= set(metadata) or COUNTS not in tensors:
        raise UserError(f"{file} does not hold an elmo_np model: expected a file that `elmo-np train` wrote")
    words = Vocabulary.load(file.parent / "vocabulary.txt")
    if words.sha256() != metadata["vocabulary"]:
        raise UserError(f"{file.parent / 'vocabulary.txt'} is not the vocabulary that {file.name} was trained with: "
                        "expected the file that the same training wrote")
    counts = _checked_counts(file, tensors.pop(COUNTS), len(words))
    if metadata["tokenize"] not in ("true", "false"):
        raise UserError(f"{file}: tokenize is {metadata['tokenize']!r:.60}, expected true or false: train it again")
    try:
        config = from_json(BiLMConfig, metadata["model"])
        vocabulary = Vocabulary(words.words, counts or None, metadata.get("unknown"))
    except UserError as error:
        raise UserError(f"{file}: {error}") from error
    for name, shape in shapes(config, len(words)):
        _check(file, name, tensors.get(name), shape, np.dtype(np.float32))
    return Stored(file, config, vocabulary, metadata["tokenize"] == "true", tensors, metadata)


class _Untrained:
    """A published language model, and what a new ELMo has besides: a word vector and a mix without a task."""

    def __init__(self, model: BiLM):
        config = model.config
        width = config.width(config.layers)
        layers = config.layers + (config.embedding_dim == config.output_dim)
        self.word_vector = WordVector(width, width, rng=np.random.default_rng(0))
        self.model, self.mix = model, ScalarMix(layers)


def _stored(path: Path, model: BiLM, vocabulary: Vocabulary) -> Stored:
    """A published model, as if it had been converted."""
    arrays = {name: p.value for name, p in parameters(_Untrained(model)).items()}
    return Stored(RunDirectory(path).model, model.config, vocabulary, True, arrays, {})


def _checked_counts(file: Path, counts: Array, V: int) -> list[int]:
    """How often each word occurs; empty where that is not known."""
    if counts.shape in ((0,), (V,)) and counts.dtype == np.int64 and (counts >= 0).all():
        return list(counts.tolist())
    raise UserError(f"{file}: found {counts.dtype}{counts.shape} for {COUNTS}, expected int64({V},) of at least 0: "
                    "train it again")


def shapes(config: BiLMConfig, V: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and shape of every array with two axes in a model of these settings; the others are smaller than these.

    One after the other: whoever compares them with a file stops at the first that is not there, however many layers the
    settings claim.
    """
    P, kind = config.output_dim, cell_class(config.cell)
    width = config.width(config.layers)
    yield "word_vector.W", (config.vector_dim or width, width)
    for direction in config.directions:
        home, first = f"model.{direction}_lm", direction == config.directions[0]
        if first or not config.share_embedding:
            yield from _word_shapes(config, V, f"{home}.embedding")
        for k in range(config.layers):
            for name, shape in kind.shapes(config, P if k else config.embedding_dim).items():
                yield f"{home}.layers.{k}.{name}", shape
        if config.predict and (first or not config.share_softmax):
            yield from _softmax_shapes(config, V, f"{home}.softmax")


def _word_shapes(config: BiLMConfig, V: int, home: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The shapes of the token layer."""
    D, C = config.embedding_dim, config.char_dim
    if config.char_filters is None:
        yield f"{home}.E", (V, D)
        return
    F = sum(n for _, n in config.char_filters)
    yield f"{home}.E", (N_CHARACTERS, C)
    for i, (width, n) in enumerate(config.char_filters):
        yield f"{home}.filters.{i}.W", (width * C, n)
    for k in range(config.char_highways):
        yield f"{home}.highways.{k}.Wr", (F, F)
        yield f"{home}.highways.{k}.Wt", (F, F)
    if config.char_projection:
        yield f"{home}.Wp", (F, D)


def _softmax_shapes(config: BiLMConfig, V: int, home: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The shapes of the softmax of one direction; where it is tied, without the word vectors."""
    P, D = config.output_dim, config.embedding_dim
    if config.tie and P != D:
        yield f"{home}.projection", (P, D)
        home, P = f"{home}.softmax", D
    if config.softmax != "adaptive":
        if not config.tie:
            yield f"{home}.W", (V, P)
        return
    cutoffs = config.cutoffs or default_cutoffs(V)
    if config.tie:
        yield f"{home}.head.G", (len(cutoffs), P)
    else:
        yield f"{home}.head.W", (cutoffs[0] + len(cutoffs), P)
    for i, (begin, end) in enumerate(pairwise((*cutoffs, V))):
        width = P if config.tie else tail_width(P, config.div_value, i)
        yield f"{home}.tails.{i}.projection", (P, width)
        if not config.tie:
            yield f"{home}.tails.{i}.softmax.W", (end - begin, width)


def _check(file: Path, name: str, found: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if found is None or found.shape != shape or found.dtype != dtype:
        what = "nothing" if found is None else f"{found.dtype}{found.shape}"
        raise UserError(f"{file}: found {what} for {name}, expected {dtype}{shape}")


def _check_finite(file: Path, name: str, array: Array) -> None:
    if array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):    # min and max pass a NaN on
        raise UserError(f"{file}: {name} holds NaN or infinity, expected finite values: its training diverged, or the "
                        "file was changed; train it again with a lower learning_rate")
