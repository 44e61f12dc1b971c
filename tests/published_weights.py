"""Shared by tests of published weights: the published files and vectors, and models and files to compare."""

import json

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="h5py, the extra [hdf5], is not installed")

from elmo_np import ELMo, Vocabulary  # noqa: E402
from elmo_np.config.schema import BiLMConfig  # noqa: E402
from elmo_np.nn.bilm import BiLM  # noqa: E402
from elmo_np.nn.parameter import parameters  # noqa: E402

WORDS = ["<S>", "</S>", "<UNK>", "the", "cat", "sat"]
SENTENCES = [["the", "cat", "sat"], ["the", "dog"], ["cat"]]
# Directory of a published model: its file of sentences
FIXTURES = {"bilm_tf_fixture": "lm_embeddings_sentences.json", "allennlp_fixture": "sentences.json"}
# Numbers around 1 that were computed in float32 elsewhere: a difference of 1e-6 is theirs.
PUBLISHED = {"atol": 1e-6, "rtol": 1e-5}


def published(folder, name):
    """Ten batches of three sentences, and the vectors that the original gave: the top layer, [forward, backward]."""
    lists = json.loads((folder / FIXTURES[name]).read_text(encoding="utf-8"))
    for i in range(10):
        expected = []
        for k in range(3):
            with h5py.File(folder / f"lm_embeddings_{k}.hdf5") as file:
                expected.append(np.concatenate(list(file[str(i)][...]), axis=-1))
        yield [sentences[i].split() for sentences in lists], expected


def datasets(path):
    """{name: array} of everything in a file."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None)
    return found


def bytes_of(arrays):
    return {name: (array.dtype, array.shape, array.tobytes()) for name, array in arrays.items()}


def model(rng, words=WORDS, **changes):
    """A model of ours, with biases of every size."""
    config = BiLMConfig(**{"embedding_dim": 5, "hidden_dim": 7, "projection_dim": 5, "share_embedding": True,
                           "share_softmax": True, **changes})
    elmo = ELMo(BiLM(config, len(words), rng=rng), Vocabulary(words))
    for name, p in parameters(elmo.model).items():
        if name.endswith(".b"):
            p.value[...] = (rng.normal(size=p.value.shape) * 10.0 ** rng.integers(-9, 1, p.value.shape))
    return elmo
