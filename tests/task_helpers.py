"""What the tests of tasks share: a tiny biLM, made and not trained, and sentences that it can tell apart."""

import numpy as np

from elmo_np import backend
from elmo_np.config.schema import BiLMConfig, Settings
from elmo_np.data.vocabulary import Vocabulary
from elmo_np.inference.elmo import ELMo, save_model
from elmo_np.io.run_directory import RunDirectory
from elmo_np.nn.bilm import BiLM
from elmo_np.tasks.data.examples import Occurrence
from elmo_np.tasks.models.config import TaskConfig

FAST = TaskConfig(hidden_dim=12, learning_rate=0.02, epochs=10, batch_size=10, input_dropout=0.1, dropout=0.1)
FAST_OPTIONS = [word for setting in ("hidden_dim=8", "epochs=8", "learning_rate=0.02", "batch_size=10",
                                     "input_dropout=0", "dropout=0") for word in ("--set", setting)]
TRANSLATE_OPTIONS = [word for setting in ("epochs=40", "patience=40", "hidden_dim=24", "word_dim=16", "decoder_dim=32")
                     for word in ("--set", setting)]
WORDS = ["anna", "tom", "saw", "met", "in", "paris", "rome", "good", "bad", "film", "."]


def tiny_elmo(seed=0, layers=1, embedding_dim=8):
    """A biLM whose random states tell words and their neighbours apart: enough for a task to learn from."""
    vocabulary = Vocabulary.build([WORDS])
    config = BiLMConfig(embedding_dim=embedding_dim, hidden_dim=8, layers=layers, init_scale=0.5)
    return ELMo(BiLM(config, len(vocabulary), rng=np.random.default_rng(seed)), vocabulary, tokenize=False)


def same_vectors(found, expected):
    """Bit for bit with the kernels. With NumPy alone a BLAS rounds by the shape of a batch: some roundings of 6e-8."""
    if backend.backend() == "numpy":
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max(initial=0))
    else:
        np.testing.assert_array_equal(found, expected)


def saved(elmo, path):
    """The biLM as a folder that `train` would have written."""
    path.mkdir()
    elmo.vocabulary.save(RunDirectory(path).vocabulary)
    save_model(RunDirectory(path).model, elmo, Settings(model=elmo.model.config))
    return path


def reviews(N, seed=0):
    """Sentences and whether good or bad is in them."""
    rng = np.random.default_rng(seed)
    labels = [("good", "bad")[k] for k in rng.integers(0, 2, N)]
    return [[*rng.choice(WORDS[:5], rng.integers(1, 5)), label, "film", "."] for label in labels], labels


def visits(N, seed=0):
    """Sentences with persons, and with places of two words."""
    rng = np.random.default_rng(seed)
    sentences, labels = [], []
    for _ in range(N):
        who, other = rng.choice(["anna", "tom"], 2)
        sentences.append([who, "saw", other, "in", "paris", "rome", "."])
        labels.append(["B-per", "O", "B-per", "O", "B-loc", "I-loc", "O"])
        if rng.random() < 0.5:
            sentences[-1], labels[-1] = ["good", "film", *sentences[-1][3:]], ["O", "O", *labels[-1][3:]]
    return sentences, labels


def uses(N, seed=0):
    """Occurrences of film and paris, whose sense the word after them decides."""
    rng = np.random.default_rng(seed)
    sentences, occurrences = [], []
    for _ in range(N):
        word, sense = rng.choice(["film", "paris"]), int(rng.integers(2))
        before = list(rng.choice(WORDS[:5], rng.integers(0, 3)))
        sentences.append([*before, word, ("good", "bad")[sense], "."])
        occurrences.append(Occurrence(len(before), str(word), "xy"[sense]))
    return sentences, occurrences
