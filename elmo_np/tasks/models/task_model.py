"""A task model and its file: what classifier, tagger, word senses and translator have in common."""

import dataclasses
import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.random import Generator

from ...data.batches import length_buckets, most_steps, sentence_windows
from ...data.sentences import checked_sentences
from ...errors import UserError
from ...inference.coverage import coverage
from ...inference.elmo import ELMo
from ...io import safetensors_file
from ...nn.parameter import parameters, sha256
from ...runtime import json_text
from ...runtime.progress import Progress
from ...runtime.threads import one_blas_thread
from ...types import Array, Sentences
from ..nn.inputs import input_parts, layers_of
from ..nn.tuned_bilm import TunedBilm
from .checkpointing import Checkpoint, load_arrays
from .config import TaskConfig
from .embedding_cache import EmbeddingCache
from .fit import Dataset, EpochResult, fit

Model = TypeVar("Model", bound="TaskModel")
BATCH = 64          # sentences per batch where nothing is trained; the results do not depend on it


class TaskModel(ABC):
    """A network on the vectors of a biLM, and what its labels mean.

    elmo        the biLM; it is never changed: with finetune, a copy is trained, which is part of the network
    labels      what can be predicted; the position of a label is its id
    config      the settings of the network and of its training
    tokenize    whether text is split by elmo_np.data.text.tokens, or at spaces
    """

    TASK = ""           # the name in the file and on the command line
    TUNES = False       # whether the biLM may be trained with it
    PRODUCTS: tuple[tuple[str, str], ...] = ()      # settings, or lists of a file, that are the sizes of an array

    def __init__(self, elmo: ELMo, labels: Sequence[str], config: TaskConfig | None = None, *, tokenize: bool = False):
        self.elmo, self.labels, self.config, self.tokenize = elmo, list(labels), config or TaskConfig(), tokenize
        if self.config.finetune and not self.TUNES:
            raise UserError(f"finetune = true does not go with the task {self.TASK}: expected the task classify, tag "
                            "or translate")
        self.layers = self._layers()
        bilm = elmo.model.config
        self.width = bilm.width(self.layers[0])
        if len(set(self.labels)) < 2 or len(set(self.labels)) < len(self.labels):
            raise UserError(f"labels {', '.join(self.labels):.80}: expected two or more, each once")
        self._ids = {label: k for k, label in enumerate(self.labels)}
        self.network: Any = self._network(np.random.default_rng([self.config.seed, 0]))
        if self.config.finetune:
            self.network.bilm = TunedBilm(elmo.model, self.layers)

    def _layers(self) -> list[int]:
        """The layers that the network reads."""
        return layers_of(self.elmo, self.config.input)

    @abstractmethod
    def _network(self, rng: Generator) -> Any:
        """The network, with weights drawn by rng."""

    def label_ids(self, labels: Sequence[str]) -> list[int]:
        """Raises UserError for a label that is not one of the model's."""
        for label in labels:
            if label not in self._ids:
                raise UserError(f"unknown label {label!r:.60}: this model has {', '.join(self.labels):.200}")
        return [self._ids[label] for label in labels]

    def train(self, sentences: Sentences, labels: Sequence[Any], valid_sentences: Sentences,
              valid_labels: Sequence[Any], *, vectors: tuple[EmbeddingCache, EmbeddingCache] | None = None,
              progress: Progress | None = None,
              checkpoint: str | os.PathLike[str] | None = None) -> list[EpochResult]:
        """Learn from labelled sentences; the epoch with the best score on the validation sentences is kept.

        vectors     of the training and of the validation sentences, where they are already computed
        checkpoint  the file to save the training's state in, after every epoch and at Ctrl-C; if it is there, training
                    goes on from it, and the result is the same bit for bit as without the stop
        """
        sentences, valid_sentences = list(checked_sentences(sentences)), list(checked_sentences(valid_sentences))
        if not sentences or not valid_sentences:
            raise UserError(f"{len(sentences)} sentences to train on and {len(valid_sentences)} to validate on: "
                            "expected at least one of each")
        if self.config.finetune and self.config.epochs < 2:
            raise UserError("finetune = true with epochs = 1: expected 2 or more, because the biLM is trained from the "
                            "second epoch on")
        place = None
        if checkpoint is not None:
            place = Checkpoint(Path(checkpoint), self._origin(sentences, labels, valid_sentences, valid_labels))
            place.check()
        progress = progress or Progress(quiet=True)
        own, held_out = vectors or (self.embed(sentences, labels, progress),
                                    self.embed(valid_sentences, valid_labels, progress))
        parts = self._dataset(sentences, labels, own), self._dataset(valid_sentences, valid_labels, held_out)
        self._start(sentences, labels)
        return self._fit(*parts, lambda: self._score(valid_sentences, valid_labels, held_out), progress, place)

    def _start(self, sentences: Sentences, labels: Sequence[Any]) -> None:
        """Weights that are computed from the training data before the first step; here none."""
        return

    def _fit(self, train: Dataset, valid: Dataset, score: Callable[[], float], progress: Progress,
             checkpoint: Checkpoint | None) -> list[EpochResult]:
        return fit(self.network, self.config, train, valid, score, progress, checkpoint)

    def _origin(self, *data: Iterable[Any]) -> str:
        """The SHA-256 of what training depends on, without the settings that only end it."""
        config = dataclasses.replace(self.config, epochs=1, patience=1)
        digest = hashlib.sha256(json.dumps([self.TASK, self.labels, config.to_json(), fingerprint(self.elmo)]).encode())
        for part in data:
            for own in part:
                digest.update(json.dumps(own, default=str).encode())
            digest.update(b"\n")
        return digest.hexdigest()

    def embed(self, sentences: Sentences, labels: Sequence[Any],
              progress: Progress | None = None) -> EmbeddingCache | None:
        """The vectors of labelled sentences that the network reads; None where it reads none."""
        return EmbeddingCache(self.elmo, sentences, self.layers, progress=progress)

    def coverage(self, sentences: Sentences) -> list[str]:
        """A line about the words that the biLM does not know, or none."""
        return coverage(self.elmo, sentences)

    def _dataset(self, sentences: Sentences, labels: Sequence[Any], vectors: EmbeddingCache | None) -> Dataset:
        targets = self._targets(labels)
        if len(targets) != len(sentences):
            raise UserError(f"{len(sentences)} sentences and {len(targets)} labels: expected one label per sentence")
        lengths = np.array([len(sentence) for sentence in sentences]) if vectors is None else vectors.lengths
        return Dataset(lengths, lambda group: (*self._read(sentences, vectors, group),
                                               self._stacked([targets[k] for k in group])))

    @abstractmethod
    def _targets(self, labels: Sequence[Any]) -> Sequence[Any]:
        """What the network is trained to predict for each sentence, as ids."""

    def _stacked(self, targets: Sequence[Any]) -> Array:
        """The targets of a batch as one array."""
        return np.array(targets)

    @abstractmethod
    def _score(self, sentences: Sentences, labels: Sequence[Any], vectors: EmbeddingCache | None) -> float:
        """How good the predictions are, higher is better: chooses the epoch."""

    def _read(self, sentences: Sentences, vectors: EmbeddingCache | None,
              group: Sequence[int] | Array) -> tuple[Any, Array]:
        """What the network reads for the sentences with these indices, layers (J, T, B, D), and their lengths (B,)."""
        if vectors is None:
            vectors = EmbeddingCache(self.elmo, [sentences[k] for k in group], self.layers)
            group = np.arange(len(group))
        return vectors.batch(group, self.layers)

    def batches(self, sentences: Sentences,
                vectors: EmbeddingCache | None = None) -> Iterator[tuple[list[int], Any, Array]]:
        """Indices of sentences, what the network reads for them, and their lengths (B,), in batches of similar length.

        vectors     of the sentences, where they are already computed; None: one batch at a time is computed
        While the batches are read, BLAS has one thread.
        """
        start = 0
        with one_blas_thread():
            for window in sentence_windows(sentences, BATCH):
                for group in length_buckets(window, BATCH, most_steps(BATCH)):
                    indices = [start + k for k in group]
                    yield indices, *self._read(sentences, vectors, indices)
                start += len(window)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network and its labels and settings as one file; of the biLM it holds only a fingerprint, or with
        finetune all that was trained."""
        texts = {"task": self.TASK, "labels": json.dumps(self.labels), "config": self.config.to_json(),
                 "bilm": fingerprint(self.elmo), "tokenize": json.dumps(self.tokenize), **self._texts()}
        safetensors_file.save(path, {name: p.value for name, p in parameters(self.network).items()}, texts)

    def _texts(self) -> dict[str, str]:
        """What else the file holds."""
        return {}

    @classmethod
    def _from_texts(cls: type[Model], elmo: ELMo, labels: list[str], config: TaskConfig, tokenize: bool,
                    texts: dict[str, str]) -> Model:
        return cls(elmo, labels, config, tokenize=tokenize)

    @classmethod
    def load(cls: type[Model], path: str | os.PathLike[str], elmo: ELMo) -> Model:
        """Read the file that `save` wrote, with the biLM that the model was trained on.

        Raises UserError: a damaged or foreign file, a model of another task, another biLM, an array that does not fit.
        """
        tensors, texts = safetensors_file.load(path)
        if texts.get("task") != cls.TASK:
            raise UserError(f"{path} holds {_described(texts)}, expected a model of the task {cls.TASK}: give its "
                            "directory, or name the other task")
        if texts.get("bilm") != fingerprint(elmo):
            raise UserError(f"{path} was trained on another biLM than the one given: give that one, or none where "
                            "bilm.txt says so")
        try:
            labels, tokenize = json_text.loads(texts["labels"]), json_text.loads(texts["tokenize"])
            config = TaskConfig.from_json(texts["config"])
            if not all_texts(labels) or not isinstance(tokenize, bool):
                raise TypeError("labels or tokenize")
            parts = input_parts(config.input)
            lists = ["labels", *["phrases"] * parts.bag]
            sizes = {**dataclasses.asdict(config), **{name: len(json_text.loads(texts[name])) for name in lists}}
            if not parts.words:
                sizes["hidden_dim"] = None      # a bag of words has no LSTM, whatever the setting
            if not parts.characters:
                sizes["char_dim"] = None
            _check_sizes(sizes, cls.PRODUCTS, tensors)
            model = cls._from_texts(elmo, labels, config, tokenize, texts)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{path} is not a complete task model ({error!r:.60}): train it again") from error
        load_arrays(path, {name: p.value for name, p in parameters(model.network).items()}, tensors)
        return model


def _check_sizes(sizes: dict[str, Any], products: Sequence[tuple[str, str]], tensors: dict[str, Array]) -> None:
    """Raise UserError for settings of a network with more values than a file holds, before memory is allocated."""
    values = sum(array.size for array in tensors.values())
    for one, other in products:
        if (sizes.get(one) or 0) * (sizes.get(other) or 0) > values:
            given = " with ".join(f"{key} = {sizes[key]}" for key in dict.fromkeys((one, other)))
            raise UserError(f"{given}: expected an array of this size, but the file has {values:,} values in all: "
                            "train it again")


def all_texts(values: object) -> bool:
    """Whether it is a list of strings."""
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _described(texts: dict[str, str]) -> str:
    return f"a model of the task {texts['task']}" if "task" in texts else "no task model"


def fingerprint(elmo: ELMo) -> str:
    """Which biLM it is: a hash of its values and words."""
    return sha256(elmo.model, elmo.vocabulary.sha256())
