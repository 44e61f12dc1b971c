"""Shared by tests of predictions: models of every kind, and what they predict at each position of a sentence."""

import numpy as np

from elmo_np import Vocabulary
from elmo_np.config.schema import Settings
from elmo_np.config.toml_files import replaced
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.inference.token_indexer import token_indexer
from elmo_np.training.initial_model import new_elmo

CORPUS = [list(sentence.tokens) for sentence in GrammarCorpus(seed=0, sentences=60).labelled()]
VOCABULARY = Vocabulary.build([*CORPUS, ["xyzzy", "the"]])
LONG = max(CORPUS, key=len)
CHARACTERS = {"char_filters": ((1, 4), (3, 5)), "char_dim": 4, "max_characters": 16, "share_embedding": True}
KINDS = {"words": {}, "gru": {"cell": "gru", "projection_dim": None},
         "tied": {"tie": True}, "tied, projected": {"tie": True, "embedding_dim": 5},
         "tied, adaptive": {"tie": True, "softmax": "adaptive", "cutoffs": (40, 90)},
         "sampled": {"softmax": "sampled", "samples": 20},
         "adaptive": {"softmax": "adaptive", "cutoffs": (40, 90)}, "characters": CHARACTERS,
         "characters, adaptive": {**CHARACTERS, "share_embedding": False, "softmax": "adaptive", "cutoffs": (40, 90)}}
# float32, computed in two ways: log p of about 10 after some hundred roundings of 6e-8
ROUNDING = 1e-4


def some(vocabulary=VOCABULARY, **changes):
    """Weights as large as these make predictions that depend on the whole context."""
    sizes = {"embedding_dim": 6, "hidden_dim": 8, "projection_dim": 6, "layers": 2, "init_scale": 0.7}
    return new_elmo(replaced(Settings(), **{**sizes, **changes}), vocabulary)


def predictions(elmo, sentence):
    """log p (T, V) of every word at each position of a sentence, forward and backward, from the embedder's states."""
    reader = token_indexer(elmo.model, elmo.vocabulary)
    numbers = np.array(reader.encode(sentence))[:, None]
    (forward, backward), _ = elmo.model.encode_vectors(reader.lookup(numbers), np.array([len(numbers)]))
    f = elmo.model.forward_lm.softmax.log_probabilities(forward[-1][:-2, 0])         # before each word
    b = elmo.model.backward_lm.softmax.log_probabilities(backward[-1][2:, 0])        # after each word
    return f.astype(np.float64), b.astype(np.float64)


def close(one, other, atol=ROUNDING):
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)
