"""Shared by tests of embedding: models of words and of characters, how close vectors must be, and a stop on the way."""

import dataclasses

import numpy as np

from elmo_np import ELMo, Vocabulary
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import override, replaced
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.data.vocabulary import SPECIAL_TOKENS
from elmo_np.io.npz import ArrayFile
from elmo_np.nn.bilm import BiLM
from elmo_np.nn.parameter import parameters
from elmo_np.training.initial_model import new_elmo

CORPUS = [list(sentence.tokens) for sentence in GrammarCorpus(seed=0, sentences=150).labelled()]
VOCABULARY = Vocabulary.build([*CORPUS, ["the", "bank", "."]])
SENTENCES = [list(sentence.tokens) for sentence in GrammarCorpus(seed=0, sentences=60).labelled()]
CHARACTER_SIZES = {"embedding_dim": 6, "hidden_dim": 8, "projection_dim": 6, "layers": 2, "residual": True,
                   "init_scale": 0.6, "char_filters": ((1, 4), (3, 5)), "char_dim": 4, "max_characters": 16,
                   "share_embedding": True, "predict": False}


def settings(**changes):
    """Settings of a small model of words; init_scale is so large that every word changes all that follows."""
    values = {"layers": 2, "hidden_dim": 6, "embedding_dim": 6, "init_scale": 0.8, **changes}
    return override(Settings(), [f"{key}={str(value).lower()}" for key, value in values.items()])


def of_words(**changes):
    """A model of words with random values everywhere, in W, b and the mix too."""
    elmo = new_elmo(settings(**changes), VOCABULARY)
    rng = np.random.default_rng(1)
    for part in elmo.word_vector, elmo.mix:
        for p in parameters(part).values():
            p.value[...] = rng.normal(size=p.value.shape)
    return elmo


def of_gru(**changes):
    """A model of words whose cell has a state of one array."""
    return of_words(cell="gru", **changes)


def of_characters(**changes):
    """A model of characters that predicts nothing."""
    return new_elmo(replaced(Settings(), **{**CHARACTER_SIZES, **changes}), Vocabulary(SPECIAL_TOKENS))


def alone(elmo, direction):
    """The same model with one of its directions only."""
    config = dataclasses.replace(elmo.model.config, direction=direction, vector_dim=None)
    model = BiLM(config, elmo.model.V, rng=np.random.default_rng(0))
    own = parameters(model.lm(direction))
    for name, p in parameters(elmo.model.lm(direction)).items():
        own[name].value[...] = p.value
    return ELMo(model, elmo.vocabulary)


def close(one, other):
    """Equal to 1e-6 of the largest value."""
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * np.abs(other).max(initial=0))


def all_close(some, others):
    for one, other in zip(some, others, strict=True):
        close(one, other)


def arrays(path):
    """The arrays of an .npz file by name."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def interrupted(monkeypatch, at, torn):
    """Ctrl-C while sentence number `at` is written, half of which is in the file if `torn`; -> a call that ends it."""
    add = ArrayFile.add

    def adds(self, name, tokens, parts):
        if name == str(at):
            if torn:
                self._file.write(b"PK\3\4 half of it")
                self._file.flush()
            raise KeyboardInterrupt
        add(self, name, tokens, parts)
    monkeypatch.setattr(ArrayFile, "add", adds)
    return lambda: monkeypatch.setattr(ArrayFile, "add", add)
