"""elmo_np's side of embedding: `ELMo.embed` and `ELMo.load` as a user calls them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from embed_sizes import EmbedSizes
from jobs import Arrays, Job, Task

from elmo_np.config.schema import Settings
from elmo_np.data.vocabulary import SPECIAL_TOKENS, Vocabulary
from elmo_np.inference.elmo import ELMo, save_model
from elmo_np.io.run_directory import RunDirectory
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import parameters
from elmo_np.types import Array


def embed(task: Task) -> tuple[Job, Arrays]:
    """All layers of all sentences, from lists of words; nothing is cached from the previous call."""
    sizes = _sizes(task)
    elmo, text = random_elmo(sizes), sizes.text()

    def run() -> list[Array]:
        return elmo.embed(text)
    return Job(run, lambda: fingerprint(run())), {name: p.value for name, p in parameters(elmo.model).items()}


def load(task: Task) -> tuple[Job, Arrays]:
    """A model file with its vocabulary, from the system's file cache."""
    sizes, folder = _sizes(task), RunDirectory(task.folder)
    elmo = random_elmo(sizes)
    save_model(folder.model, elmo, Settings(model=sizes.config()))
    elmo.vocabulary.save(folder.vocabulary)
    return Job(lambda: ELMo.load(task.folder), list), {}


def random_elmo(sizes: EmbedSizes) -> ELMo:
    return ELMo(BiLM(sizes.config(), len(SPECIAL_TOKENS), rng=np.random.default_rng(0)), Vocabulary(SPECIAL_TOKENS))


def fingerprint(embedded: Sequence[Array]) -> list[float]:
    """A number for each direction of each layer of each sentence (layers, tokens, 2P), which changes if a word is at
    another position: the norm of sum_t t v_t."""
    found = []
    for layers in embedded:
        place = np.arange(1.0, layers.shape[1] + 1)
        for layer in layers.astype(np.float64):
            found += [float(np.linalg.norm(place @ side)) for side in np.split(layer, 2, axis=1)]
    return found


def _sizes(task: Task) -> EmbedSizes:
    assert isinstance(task.work.sizes, EmbedSizes)
    return task.work.sizes
