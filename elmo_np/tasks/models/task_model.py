"""A task model and its file: what classifier, tagger, word senses and translator have in common."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from ...data.batches import length_buckets, sentence_windows
from ...errors import UserError
from ...inference.elmo import ELMo
from ...io import safetensors_file as checkpoint
from ...nn.parameter import parameters, sha256
from ...runtime.threads import one_blas_thread
from ...types import Array
from ..nn.inputs import layers_of
from .config import TaskConfig
from .embedding_cache import EmbeddingCache

Model = TypeVar("Model", bound="TaskModel")
BATCH = 64          # sentences at once where nothing is trained; the results do not depend on it


class TaskModel:
    """A network on the vectors of a biLM, and what its labels mean.

    elmo        the biLM; it stays as it is
    labels      what can be predicted, in the order of the network's numbers
    config      how the network is made and trained
    tokenize    whether text is split by elmo_np.data.text.tokens, or at spaces
    """

    TASK = ""           # the name in the file and on the command line

    def __init__(self, elmo: ELMo, labels: Sequence[str], config: TaskConfig | None = None, *, tokenize: bool = False):
        self.elmo, self.labels, self.config, self.tokenize = elmo, list(labels), config or TaskConfig(), tokenize
        self.layers = self._layers()
        bilm = elmo.model.config
        self.width = 2 * (bilm.embedding_dim if self.layers == [0] else bilm.output_dim)
        if len(set(self.labels)) < 2 or len(set(self.labels)) < len(self.labels):
            raise UserError(f"labels {', '.join(self.labels):.80}: expected two or more, each once")
        self.number = {label: k for k, label in enumerate(self.labels)}
        self.network: Any = self._network(np.random.default_rng([self.config.seed, 0]))

    def _layers(self) -> list[int]:
        """The numbers of the layers that the network reads."""
        return layers_of(self.elmo, self.config.input)

    def _network(self, rng: np.random.Generator) -> Any:
        raise TypeError("a TaskModel is SentenceClassifier, Tagger, WordSenses or Translator")

    def numbers(self, labels: Sequence[str]) -> list[int]:
        """The numbers of labels. Raises UserError for one that is not the model's."""
        for label in labels:
            if label not in self.number:
                raise UserError(f"unknown label {label!r:.60}: this model has {', '.join(self.labels):.200}")
        return [self.number[label] for label in labels]

    def batches(self, sentences: Sequence[Sequence[str]],
                store: EmbeddingCache | None = None) -> Iterator[tuple[list[int], Array, Array]]:
        """Sentences by their numbers, with their layers (J, T, B, D) and lengths (B,), in batches of like length.

        store   their vectors, if they are there already; else a window of sentences at a time is computed
        """
        for numbers in self.groups(sentences):
            if store:
                yield numbers, *store.batch(numbers, self.layers)
            else:
                held = EmbeddingCache(self.elmo, [sentences[k] for k in numbers], self.layers)
                yield numbers, *held.batch(np.arange(len(numbers)), self.layers)

    def groups(self, sentences: Sequence[Sequence[str]]) -> Iterator[list[int]]:
        """The numbers of sentences, in batches of like length; while they are read, BLAS has one thread."""
        start = 0
        with one_blas_thread():
            for window in sentence_windows(sentences, BATCH):
                yield from ([start + k for k in group] for group in length_buckets(window, BATCH))
                start += len(window)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network and what belongs to it as one file; the biLM is not in it, only its fingerprint."""
        texts = {"task": self.TASK, "labels": json.dumps(self.labels), "config": self.config.to_json(),
                 "bilm": fingerprint(self.elmo), "tokenize": json.dumps(self.tokenize), **self._texts()}
        checkpoint.save(path, {name: p.value for name, p in parameters(self.network).items()}, texts)

    def _texts(self) -> dict[str, str]:
        return {}

    @classmethod
    def _made(cls: type[Model], elmo: ELMo, labels: list[str], config: TaskConfig, tokenize: bool,
              texts: dict[str, str]) -> Model:
        return cls(elmo, labels, config, tokenize=tokenize)

    @classmethod
    def load(cls: type[Model], path: str | os.PathLike[str], elmo: ELMo) -> Model:
        """Read what `save` wrote, with the biLM that it was trained on.

        Raises UserError: a damaged or foreign file, a model of another task, another biLM, an array that does not fit.
        """
        tensors, texts = checkpoint.load(path)
        if texts.get("task") != cls.TASK:
            raise UserError(f"{path} holds {described(texts)}, expected a model of the task {cls.TASK}: give its "
                            "folder, or name the other task")
        if texts.get("bilm") != fingerprint(elmo):
            raise UserError(f"{path} was trained on another biLM than the one given: give that one with --bilm")
        try:
            labels, tokenize = json.loads(texts["labels"]), json.loads(texts["tokenize"])
            model = cls._made(elmo, labels, TaskConfig.from_json(texts["config"]), tokenize is True, texts)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise UserError(f"{path} is no whole task model ({error!r:.60}): train it again") from error
        wanted = {name: p.value for name, p in parameters(model.network).items()}
        for name in sorted(wanted.keys() | tensors.keys()):
            found, own = (f"{a.dtype}{a.shape}" if a is not None else "nothing"
                          for a in (tensors.get(name), wanted.get(name)))
            if found != own:
                raise UserError(f"{path}: found {found} for {name}, expected {own}")
        for name, value in wanted.items():
            value[...] = tensors[name]
        return model


def described(texts: dict[str, str]) -> str:
    return f"a model of the task {texts['task']}" if "task" in texts else "no task model"


def fingerprint(elmo: ELMo) -> str:
    """Which biLM it is: a hash of its values and words."""
    return sha256(elmo.model, elmo.vocabulary.sha256())
