"""A run's folder: what training leaves there, and how it comes back.

    model.safetensors   the best model on validation: what ELMo.load reads
    last.safetensors    the last state of training: everything that --resume needs
    vocabulary.txt      one word a line, the line is the id
    config.toml         every setting, with its meaning
    metrics.csv         losses and perplexities while training
    report.html         all of it on a page, as `elmo-np train` and `elmo-np report` leave it
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import checkpoint
from .adaptive_softmax import default_cutoffs, tail_width
from .bilm import BiLM
from .characters import ROWS
from .config import BiLMConfig, Settings, TrainConfig, from_json, to_json
from .corpus import BUILT_IN
from .elmo import ELMo
from .errors import UserError
from .files import atomic_write_text
from .parameter import UNDRAWN, Array, parameters, put_values
from .vocabulary import Vocabulary

COUNTS = "vocabulary.counts"


class Folder(NamedTuple):
    """The paths of a run."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def last(self) -> Path:
        return self.path / "last.safetensors"

    @property
    def vocabulary(self) -> Path:
        return self.path / "vocabulary.txt"

    @property
    def config(self) -> Path:
        return self.path / "config.toml"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def begin(self, vocabulary: Vocabulary, config: str) -> None:
        """Make the folder, with vocabulary.txt and config.toml. Raises UserError where that cannot be done."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {self.path}: {error.strerror}") from error
        vocabulary.save(self.vocabulary)
        atomic_write_text(self.config, config)

    def in_use(self) -> bool:
        """Whether there is anything here that a new training would overwrite."""
        return any(path.exists() for path in (self.model, self.last, self.vocabulary, self.config, self.metrics))


def new_elmo(settings: Settings, vocabulary: Vocabulary) -> ELMo:
    """A model as it is before training, drawn from the settings' seed."""
    seed = settings.train.seed
    model = BiLM(settings.model, len(vocabulary), rng=np.random.default_rng([seed, 0]))
    return ELMo(model, vocabulary, tokenize=splits_raw_text(settings), seed=seed)


def splits_raw_text(settings: Settings) -> bool:
    """Whether the corpus was raw text that elmo_np.text.tokens split; the built-in corpora are."""
    return settings.data.tokenize or settings.data.corpus in BUILT_IN


def save_model(path: Path, elmo: ELMo, settings: Settings, tensors: Mapping[str, Array] | None = None,
               metadata: Mapping[str, str] | None = None) -> None:
    """Write a model file; `tensors` and `metadata` are what more than the model it shall hold.

    What the computation does not depend on stays out, so that the same run gives the same bytes wherever its corpus
    lies and however many threads it has.
    """
    train = dataclasses.replace(settings.train, threads=TrainConfig.threads, save_every=TrainConfig.save_every)
    arrays = {name: p.value for name, p in parameters(elmo).items()}
    arrays[COUNTS] = np.array(elmo.vocabulary.counts or [], np.int64)
    texts = {"model": to_json(settings.model), "train": to_json(train), "vocabulary": elmo.vocabulary.sha256(),
             "tokenize": json.dumps(elmo.tokenize), **({"mix": "layer_norm"} if elmo.mix.layer_norm else {})}
    checkpoint.save(path, {**arrays, **(tensors or {})}, {**texts, **(metadata or {})})


class Stored(NamedTuple):
    """What a model file holds."""

    path: Path
    config: BiLMConfig
    vocabulary: Vocabulary
    tokenize: bool
    tensors: dict[str, Array]
    metadata: dict[str, str]

    @property
    def layer_norm(self) -> bool:
        """Whether the mix reads layers of the same mean and variance (V6)."""
        return self.metadata.get("mix") == "layer_norm"

    def take(self, elmo: ELMo) -> dict[str, Array]:
        """The arrays of a model of these sizes, by the names of `parameters`; the others stay.

        Raises UserError for one that is missing, or of another shape or dtype.
        """
        own = parameters(elmo)
        for name, p in own.items():
            _check(self.path, name, self.tensors.get(name), p.value.shape, p.value.dtype)
        return {name: self.tensors.pop(name) for name in own}


def load_model(path: str | os.PathLike[str]) -> tuple[ELMo, dict[str, Array], dict[str, str]]:
    """A run's folder or a model file with vocabulary.txt beside it -> the model, and what more the file holds.

    The model computes with a map of the file, as checkpoint.load describes it, and nothing is copied.
    Raises UserError: nothing there, a damaged or foreign file, another vocabulary, an array missing or misshapen.
    """
    stored = read_model(path, mmap=sys.platform != "win32")     # which does not replace a file that is mapped
    model = BiLM(stored.config, len(stored.vocabulary), rng=UNDRAWN)
    elmo = ELMo(model, stored.vocabulary, tokenize=stored.tokenize)
    elmo.mix.layer_norm = stored.layer_norm
    put_values(elmo, stored.take(elmo))
    return elmo, stored.tensors, stored.metadata


def read_model(path: str | os.PathLike[str], *, mmap: bool = False) -> Stored:
    """What `load_model` makes a model of: read, and its larger arrays held against the settings. Raises UserError."""
    path = Path(path)
    file = Folder(path).model if path.is_dir() else path
    if path.is_dir() and not file.exists():
        hint = "its first epoch is not finished: go on with --resume" if Folder(path).last.exists() \
            else "expected a folder that `elmo-np train` wrote"
        raise UserError(f"{path} has no model.safetensors: {hint}")
    tensors, metadata = checkpoint.load(file, mmap=mmap)
    if not {"model", "vocabulary", "tokenize"} <= set(metadata) or COUNTS not in tensors:
        raise UserError(f"{file} holds no model of elmo_np's: expected a file that `elmo-np train` wrote")
    words = Vocabulary.load(file.parent / "vocabulary.txt")
    if words.sha256() != metadata["vocabulary"]:
        raise UserError(f"{file.parent / 'vocabulary.txt'} is not the vocabulary that {file.name} was trained with: "
                        "expected the file that the same training wrote")
    counts = tensors.pop(COUNTS).tolist()
    config = from_json(BiLMConfig, metadata["model"])
    _check_sizes(file, config, len(words), tensors)
    vocabulary = Vocabulary(words.words, counts or None)
    return Stored(file, config, vocabulary, metadata["tokenize"] == "true", tensors, metadata)


def _check_sizes(file: Path, config: BiLMConfig, V: int, tensors: Mapping[str, Array]) -> None:
    """Hold the sizes that the file claims against the arrays that it has, before memory is taken for a model."""
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
    """The large arrays that make the vectors of words, by name."""
    D, C, home = config.embedding_dim, config.char_dim, "model.forward_lm.embedding"
    if config.char_filters is None:
        return {f"{home}.E": (V, D)}
    F, filters = sum(n for _, n in config.char_filters), enumerate(config.char_filters)
    return {f"{home}.E": (ROWS, C), **{f"{home}.filters.{i}.W": (w * C, n) for i, (w, n) in filters},
            **{f"{home}.highways.{k}.Wr": (F, F) for k in range(config.char_highways)},
            **({f"{home}.Wp": (F, D)} if config.char_projection else {})}


def _check(file: Path, name: str, found: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if found is None or found.shape != shape or found.dtype != dtype:
        what = "nothing" if found is None else f"{found.dtype}{found.shape}"
        raise UserError(f"{file}: found {what} for {name}, expected {dtype}{shape}")
