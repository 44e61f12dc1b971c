"""The file of a model: its arrays, its settings, and the hash of its vocabulary."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..config.schema import BiLMConfig, Settings, TrainConfig
from ..config.toml_files import from_json, to_json
from ..data.vocabulary import Vocabulary
from ..errors import UserError
from ..nn.adaptive_softmax import default_cutoffs, tail_width
from ..nn.characters import N_CHARACTERS
from ..nn.parameter import parameters
from ..types import Array
from . import foreign_models, safetensors_file
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
        Raises UserError for one that is missing, or of another shape or dtype.
        """
        own = {name: p for name, p in parameters(elmo).items() if without not in name}
        for name, p in own.items():
            _check(self.path, name, self.tensors.get(name), p.value.shape, p.value.dtype)
        return {name: self.tensors.pop(name) for name in own}


def read_model(path: str | os.PathLike[str], *, mmap: bool = False) -> Stored:
    """Read a model file and check its larger arrays against its settings. Raises UserError."""
    path = Path(path)
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
    counts = tensors.pop(COUNTS).tolist()
    config = from_json(BiLMConfig, metadata["model"])
    _check_sizes(file, config, len(words), tensors)
    vocabulary = Vocabulary(words.words, counts or None, metadata.get("unknown"))
    return Stored(file, config, vocabulary, metadata["tokenize"] == "true", tensors, metadata)


def _check_sizes(file: Path, config: BiLMConfig, V: int, tensors: Mapping[str, Array]) -> None:
    """Check the sizes in the settings against the arrays in the file, before memory is allocated for a model."""
    P, H = config.output_dim, config.hidden_dim
    expected = {**_word_sizes(config, V), "word_vector.W": (config.vector_dim or 2 * P, 2 * P)}
    for name, shape in expected.items():
        _check(file, name, tensors.get(name), shape, np.dtype(np.float32))
    for k in range(config.layers):
        for direction in ("model.forward_lm", "model.backward_lm"):
            name = f"{direction}.layers.{k}.Wh"
            _check(file, name, tensors.get(name), (P, 4*H), np.dtype(np.float32))
    if config.predict and config.softmax == "adaptive":
        for i in range(len(config.cutoffs or default_cutoffs(V))):
            name = f"model.forward_lm.softmax.tails.{i}.projection"
            _check(file, name, tensors.get(name), (P, tail_width(P, config.div_value, i)), np.dtype(np.float32))


def _word_sizes(config: BiLMConfig, V: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the large arrays of the token layer, by name."""
    D, C, home = config.embedding_dim, config.char_dim, "model.forward_lm.embedding"
    if config.char_filters is None:
        return {f"{home}.E": (V, D)}
    F, filters = sum(n for _, n in config.char_filters), enumerate(config.char_filters)
    return {f"{home}.E": (N_CHARACTERS, C), **{f"{home}.filters.{i}.W": (w * C, n) for i, (w, n) in filters},
            **{f"{home}.highways.{k}.Wr": (F, F) for k in range(config.char_highways)},
            **({f"{home}.Wp": (F, D)} if config.char_projection else {})}


def _check(file: Path, name: str, found: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if found is None or found.shape != shape or found.dtype != dtype:
        what = "nothing" if found is None else f"{found.dtype}{found.shape}"
        raise UserError(f"{file}: found {what} for {name}, expected {dtype}{shape}")
